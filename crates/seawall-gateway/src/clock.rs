//! The only reader of clocks in the gateway.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use seawall_core::time::Instant;

/// The runtime's present, which a test can hold still.
#[expect(clippy::disallowed_methods, reason = "this is the one place that reads the clocks")]
pub(crate) fn now() -> tokio::time::Instant {
    tokio::time::Instant::now()
}

/// Turns the runtime's clock into instants of the core. Copies agree with each other.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    epoch: tokio::time::Instant,
    unix: Duration,
}

impl Clock {
    /// A clock whose epoch is now.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the clocks")]
    pub(crate) fn start() -> Self {
        let unix = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self { epoch: now(), unix }
    }

    /// The time since the epoch, at least one nanosecond.
    #[must_use]
    pub(crate) fn now(&self) -> Instant {
        self.of(now())
    }

    /// The core's name for an instant of the runtime.
    #[must_use]
    pub(crate) fn of(&self, instant: tokio::time::Instant) -> Instant {
        Instant::EPOCH.after(instant.saturating_duration_since(self.epoch))
    }

    /// The runtime's name for an instant of the core; far ones are cut to a century of running.
    #[must_use]
    pub(crate) fn runtime(&self, instant: Instant) -> tokio::time::Instant {
        const CENTURY: Duration = Duration::from_secs(100 * 365 * 86_400);
        self.epoch + instant.since(Instant::EPOCH).min(CENTURY)
    }

    /// Microseconds since the Unix epoch, as of the wall clock at the start.
    #[must_use]
    pub(crate) fn unix_us(&self, instant: Instant) -> u64 {
        let since = self.unix + instant.since(Instant::EPOCH);
        u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
    }

    /// Milliseconds since the Unix epoch, as of the wall clock at the start.
    #[must_use]
    pub(crate) fn unix_ms(&self, instant: Instant) -> u64 {
        let since = self.unix + instant.since(Instant::EPOCH);
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    }
}
