//! Tests of the call machine: by subject, by its table, and by chance over a whole fleet of calls.

mod deadline;
mod draws;
mod edges;
mod endings;
mod fleet;
mod gates;
mod hedging;
mod holding;
mod ledger;
mod order;
mod random;
mod retry;
mod shared;
mod silence;
mod table;
mod timing;
mod whole;
mod world;
