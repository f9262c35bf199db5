//! The only reader of a clock on the inbound side; everything else is told the time.

use tokio::time::Instant;

/// The runtime's present, which a test can hold still.
#[expect(clippy::disallowed_methods, reason = "this is the one place that reads the clock")]
pub(super) fn now() -> Instant {
    Instant::now()
}
