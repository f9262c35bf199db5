//! The demo's only clock: time since the load began. Nothing else of the demo reads one.

use std::time::Duration;

use tokio::time::{self, Instant};

/// Counts from its start. Copies share the start, so both sides of the demo agree on the time.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    epoch: Instant,
}

impl Clock {
    /// A clock that shows zero now.
    #[expect(clippy::disallowed_methods, reason = "this is the driver's clock.rs")]
    pub(super) fn start() -> Self {
        Self { epoch: Instant::now() }
    }

    /// Time since the start.
    #[expect(clippy::disallowed_methods, reason = "this is the driver's clock.rs")]
    pub(super) fn elapsed(self) -> Duration {
        Instant::now().saturating_duration_since(self.epoch)
    }

    /// Waits until `at` after the start; returns at once when that has passed.
    pub(super) async fn wait_until(self, at: Duration) {
        time::sleep_until(self.epoch + at).await;
    }
}
