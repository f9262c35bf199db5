//! Seawall's own entries, one file for each mechanism, so that what stands for us is found in one
//! place. They go through the same harness as the rivals and have no privileged hook. What the
//! library hands out is taken from it; budget and backoff, which it has only inside of a policy,
//! are the machines of the core.

pub(crate) mod backoff;
pub(crate) mod breaker;
pub(crate) mod budget;
pub(crate) mod bulkhead;
pub(crate) mod hashing;
pub(crate) mod policy;
pub(crate) mod rate;

use std::sync::LazyLock;
use std::time::Instant as Real;

use seawall_core::time::Instant;

use crate::clock;

/// The origin of the machines' time.
static ORIGIN: LazyLock<Real> = LazyLock::new(clock::now);

/// Reads the clock once, as a driver does.
fn now() -> Instant {
    let since = clock::since(*ORIGIN);
    // Five centuries fit, and no wide arithmetic stands in the price of a call.
    Instant::from_nanos(since.as_secs() * 1_000_000_000 + u64::from(since.subsec_nanos()))
}
