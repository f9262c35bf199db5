//! Fixed window: a count that starts anew at every boundary.
//!
//! The counter that weighs the window before is in `sliding_counter.rs`.

use super::windows::{WindowLimit, Windows};
use super::{Admitted, Decision, Layer, RateSnapshot, Refused};
use crate::time::{Duration, Instant};

/// At most `limit` calls from one boundary to the next.
///
/// Around a boundary **twice the limit passes at once**: all of one window at its end, all of the
/// next at its beginning. That is what makes it cheap to share between processes and easy to
/// explain ("resets at noon"), and why it is not the default.
///
/// Two numbers; every step takes constant time. A `now` earlier than the latest one seen counts as
/// the latest.
#[derive(Debug)]
pub struct FixedWindow {
    settings: WindowLimit,
    origin: Instant,
    windows: Windows,
    window: u64,
    used: u64,
    latest: Instant,
}

impl FixedWindow {
    /// An empty window. Boundaries are at `origin` and at whole windows from it; a fleet whose
    /// windows should not turn together gives each instance another.
    #[must_use]
    pub fn new(settings: WindowLimit, origin: Instant) -> Self {
        let windows = Windows::new(settings.width(), origin);
        Self { settings, origin, windows, window: 0, used: 0, latest: Instant::EPOCH }
    }

    /// Asks for one call and counts it if it passes.
    ///
    /// # Errors
    ///
    /// [`Refused`]; nothing is counted then.
    pub fn decide(&mut self, now: Instant, cost: u32) -> Decision {
        let admitted = self.check(now, cost)?;
        self.commit(now, cost);
        Ok(admitted)
    }

    /// Takes other settings. What the present window has counted counts in the new one.
    pub fn reconfigure(&mut self, settings: WindowLimit, now: Instant) {
        let now = self.advance(now);
        self.settings = settings;
        self.windows = Windows::new(settings.width(), self.origin);
        self.window = self.windows.locate(now).0;
        self.invariants();
    }

    /// The window at `now`. Changes nothing.
    #[must_use]
    pub fn snapshot(&self, now: Instant) -> RateSnapshot {
        let now = now.max(self.latest);
        let used = if self.windows.locate(now).0 > self.window { 0 } else { self.used };
        let reset = if used == 0 { Duration::ZERO } else { self.next(now).since(now) };
        self.settings.snapshot(used, reset)
    }

    /// Checks, in debug builds, what must always hold.
    pub fn invariants(&self) {
        let seen = self.windows.locate(self.latest).0;
        debug_assert!(self.window <= seen, "a window that has not begun");
    }

    fn advance(&mut self, now: Instant) -> Instant {
        self.latest = self.latest.max(now);
        let window = self.windows.locate(self.latest).0;
        if window > self.window {
            (self.window, self.used) = (window, 0);
        }
        self.latest
    }

    fn next(&self, now: Instant) -> Instant {
        self.windows.instant(now, 1, 0)
    }
}

impl Layer for FixedWindow {
    fn check(&mut self, now: Instant, cost: u32) -> Decision {
        let now = self.advance(now);
        self.settings.possible(cost)?;
        let free = u64::from(self.settings.limit).saturating_sub(self.used);
        let left = free.checked_sub(cost.into());
        let limited = Refused::Limited { retry_at: self.next(now), remaining: free };
        left.map(|remaining| Admitted { remaining }).ok_or(limited)
    }

    fn commit(&mut self, now: Instant, cost: u32) {
        self.advance(now);
        self.used = self.used.saturating_add(cost.into());
        self.invariants();
    }
}

#[cfg(all(test, debug_assertions))]
mod tests {
    use super::*;

    #[test]
    #[should_panic(expected = "a window that has not begun")]
    fn a_window_to_come_is_noticed() {
        let settings = WindowLimit { limit: 1, window: Duration::from_secs(1) };
        let mut fixed = FixedWindow::new(settings, Instant::EPOCH);
        fixed.window = 1;
        fixed.invariants();
    }
}
