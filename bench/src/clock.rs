//! The only place that reads the real clock or waits for it. What is measured is in `measure`
//! and `behaviour`.

use std::thread;
use std::time::{Duration, Instant};

/// Now, on the clock that the operating system keeps for durations.
#[expect(clippy::disallowed_methods, reason = "this file is where the clock is read")]
pub(crate) fn now() -> Instant {
    Instant::now()
}

/// How long ago that was.
pub(crate) fn since(start: Instant) -> Duration {
    now().duration_since(start)
}

/// Sleeps on this thread, which here only ever conducts the others.
#[expect(clippy::disallowed_methods, reason = "crates without a clock to inject need real waits")]
pub(crate) fn pause(length: Duration) {
    thread::sleep(length);
}
