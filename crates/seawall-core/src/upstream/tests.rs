//! Tests of the upstream: who belongs to it in `endpoints`, who is chosen in `choice`.

mod choice;
mod endpoints;
mod world;
