//! The only clock of the chores: how long a step took, for the eyes of whoever waits.

use std::time::{Duration, Instant};

/// A running measurement.
pub(crate) struct Stopwatch(Instant);

impl Stopwatch {
    #[expect(clippy::disallowed_methods, reason = "this is the driver's clock.rs")]
    pub(crate) fn start() -> Self {
        Self(Instant::now())
    }

    #[expect(clippy::disallowed_methods, reason = "this is the driver's clock.rs")]
    pub(crate) fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }
}
