//! Tests of the upstream: who belongs to it in `endpoints`, who is chosen in `choice`,
//! by weight, key, level and zone in `narrowing`, by name in `replicas`.

mod choice;
mod endpoints;
mod narrowing;
mod places;
mod replicas;
mod world;
