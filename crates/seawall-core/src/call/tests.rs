//! Tests of the call machine, by subject.

mod deadline;
mod endings;
mod order;
mod retry;
mod shared;
mod world;
