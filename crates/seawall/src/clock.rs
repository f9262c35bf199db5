//! The only reader of clocks in this crate.
//!
//! The clock is Tokio's, so that a test that pauses it drives every wait of a policy. Outside
//! tests it is the system's monotonic clock, read once at the start and once at the end of a call.

use seawall_core::time::Instant;

/// Turns the runtime's clock into instants of the core. Copies agree with each other.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    epoch: tokio::time::Instant,
}

impl Clock {
    /// A clock whose epoch is now.
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the clock")]
    pub(crate) fn start() -> Self {
        Self { epoch: tokio::time::Instant::now() }
    }

    /// The present.
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the clock")]
    pub(crate) fn now(&self) -> Instant {
        self.of(tokio::time::Instant::now())
    }

    /// The core's name for an instant of the runtime.
    pub(crate) fn of(&self, instant: tokio::time::Instant) -> Instant {
        Instant::EPOCH.after(instant.saturating_duration_since(self.epoch))
    }

    /// The runtime's name for an instant of the core; `None` for one that never comes.
    pub(crate) fn runtime(&self, instant: Instant) -> Option<tokio::time::Instant> {
        if instant.is_never() {
            return None;
        }
        self.epoch.checked_add(instant.since(Instant::EPOCH))
    }

    /// The same for an instant that has been; the epoch where the runtime has no name for it.
    pub(crate) fn runtime_or_epoch(&self, instant: Instant) -> tokio::time::Instant {
        self.runtime(instant).unwrap_or(self.epoch)
    }
}
