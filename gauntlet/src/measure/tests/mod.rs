//! Each definition of a figure on a run made by hand.

mod edges;
mod extra;
mod floor;
mod naive;
mod outcomes;
mod recovery;
mod seeds;
mod share;
