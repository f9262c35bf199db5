//! The only place of this crate that reads a clock.
//!
//! It is Tokio's, so that tests may pause it. What is done with the time is elsewhere.

use tokio::time::Instant;

/// The present, on the monotonic clock of the runtime.
#[expect(clippy::disallowed_methods, reason = "the one place where this crate reads a clock")]
pub(crate) fn now() -> Instant {
    Instant::now()
}
