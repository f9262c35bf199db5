//! Balancing: which endpoint takes the next attempt.
//!
//! A balancer chooses among the candidates it is given and knows how loaded each endpoint is.
//! Who is a candidate (not ejected, not tried, breaker closed) is decided by the upstream;
//! `peak_ewma` holds the latency estimate, `ramp` slow start, `turns` the round robin.

mod balancer;
mod peak_ewma;
mod ramp;
mod settings;
mod turns;

#[cfg(test)]
mod tests;

pub use balancer::{Balancer, Joins, LoadSample, LoadSnapshot};
pub use settings::{Algorithm, BalanceSettings};
