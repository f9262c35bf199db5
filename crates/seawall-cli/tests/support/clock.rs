//! The clock of the end-to-end tests: deadlines, and polling until something is seen.

use std::time::{Duration, Instant};

/// A hung process fails its test after this instead of the run. Generous, for a loaded machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);
/// Between two looks at what a test waits for.
const POLL_EVERY: Duration = Duration::from_millis(5);

/// A moment, to measure from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stopwatch(Instant);

impl Stopwatch {
    #[expect(clippy::disallowed_methods, reason = "this is the clock of the tests")]
    pub(crate) fn start() -> Self {
        Self(Instant::now())
    }

    #[expect(clippy::disallowed_methods, reason = "this is the clock of the tests")]
    pub(crate) fn elapsed(self) -> Duration {
        self.0.elapsed()
    }
}

/// Looks until `seen` brings something, for at most `limit`.
#[expect(clippy::disallowed_methods, reason = "polls an observable, with a deadline")]
pub(crate) fn within<T>(limit: Duration, mut seen: impl FnMut() -> Option<T>) -> Option<T> {
    let started = Stopwatch::start();
    loop {
        if let Some(value) = seen() {
            return Some(value);
        }
        if started.elapsed() >= limit {
            return None;
        }
        std::thread::sleep(POLL_EVERY);
    }
}

/// Looks until `seen` brings something; `what` names it in the failure.
#[track_caller]
pub(crate) fn eventually<T>(what: &str, seen: impl FnMut() -> Option<T>) -> T {
    match within(PATIENCE, seen) {
        Some(value) => value,
        None => panic!("not seen within {PATIENCE:?}: {what}"),
    }
}
