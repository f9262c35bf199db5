//! The policies and the call machine of Seawall: decisions, and nothing else.
//!
//! Everything here is a plain value that is told facts and answers with actions. Time is an
//! argument, chance is an argument, and effects leave as values, so the same code drives a
//! gateway, a library and a simulator. Sockets, timers, threads and configuration files live in
//! the crates above this one.
//!
//! The crate has no `std`: clocks, environment, threads and maps of random order do not resolve.

#![no_std]
#![warn(
    clippy::indexing_slicing,
    clippy::float_arithmetic,
    clippy::wildcard_enum_match_arm,
    clippy::std_instead_of_core,
    clippy::alloc_instead_of_core,
    clippy::missing_panics_doc,
    clippy::missing_errors_doc
)]

extern crate alloc;
#[cfg(test)]
extern crate std;

pub mod amplification;
pub mod backoff;
pub mod balance;
pub mod breaker;
pub mod brownout;
pub mod budget;
pub mod bulkhead;
pub mod call;
mod chance;
pub mod concurrency;
pub mod deadline;
pub mod detect;
pub mod endpoint;
pub mod event;
pub mod fallback;
pub mod fault;
pub mod hash;
pub mod health;
pub mod hedge;
pub mod histogram;
pub mod hold;
pub mod idempotency;
pub mod invalid;
mod number;
pub mod odds;
pub mod outcome;
pub mod outlier;
pub mod quorum;
pub mod rate;
pub mod ratio;
pub mod reason;
pub mod rng;
pub mod shed;
pub mod sizing;
pub mod tail;
pub mod throttle;
pub mod time;
pub mod timeout;
pub mod upstream;
pub mod window;

/// Whether a mechanism acts, only reports what it would do, or is absent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// Decides and acts. The default.
    #[default]
    Enforce,
    /// Keeps the same state under the same bounds and reports, but changes nothing else.
    Shadow,
    /// Keeps no state and lets everything pass.
    Off,
}
