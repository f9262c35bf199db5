//! Seawall's own entries, one file for each mechanism, so that what stands for us is found in one
//! place. They go through the same harness as the rivals and have no privileged hook.

pub(crate) mod backoff;
pub(crate) mod breaker;
pub(crate) mod budget;
pub(crate) mod bulkhead;

use std::sync::LazyLock;
use std::time::Instant as Real;

use seawall_core::time::Instant;

use crate::clock;

/// The origin of the machines' time.
static ORIGIN: LazyLock<Real> = LazyLock::new(clock::now);

/// Reads the clock once, as a driver does.
fn now() -> Instant {
    let since = clock::since(*ORIGIN);
    Instant::from_nanos(u64::try_from(since.as_nanos()).unwrap_or(u64::MAX))
}
