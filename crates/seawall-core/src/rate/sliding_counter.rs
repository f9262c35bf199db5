//! Sliding counter: this window's count, and the one before by the share of it that still counts.
//!
//! The exact log is in `sliding_log.rs`.

use super::windows::{WindowLimit, Windows};
use super::{Admitted, Decision, Layer, RateSnapshot, Refused};
use crate::time::{Duration, Instant};

/// At most about `limit` calls in any window, if the calls of a window were evenly spread.
///
/// At e after a boundary a call of cost c passes if `prev·(W − e) + (cur + c)·W ≤ limit·W`, in 128
/// bits: up to and including the limit, without a nanosecond of tolerance.
///
/// Three numbers; every step takes constant time. A `now` earlier than the latest one seen counts
/// as the latest.
#[derive(Debug)]
pub struct SlidingCounter {
    settings: WindowLimit,
    origin: Instant,
    windows: Windows,
    window: u64,
    previous: u64,
    current: u64,
    latest: Instant,
}

impl SlidingCounter {
    /// Empty windows, with boundaries at `origin` and at whole windows from it.
    #[must_use]
    pub fn new(settings: WindowLimit, origin: Instant) -> Self {
        let windows = Windows::new(settings.width(), origin);
        let latest = Instant::EPOCH;
        Self { settings, origin, windows, window: 0, previous: 0, current: 0, latest }
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

    /// Takes other settings. Of another width, all that still counts is put into the present
    /// window, rounded up: it then leaves later than it would have, never sooner.
    pub fn reconfigure(&mut self, settings: WindowLimit, now: Instant) {
        let now = self.advance(now);
        if settings.width() != self.settings.width() {
            self.current = self.used(now);
            self.previous = 0;
            self.windows = Windows::new(settings.width(), self.origin);
            self.window = self.windows.locate(now).0;
        }
        self.settings = settings;
        self.invariants();
    }

    /// The windows at `now`. Changes nothing.
    #[must_use]
    pub fn snapshot(&self, now: Instant) -> RateSnapshot {
        let now = now.max(self.latest);
        let (previous, current) = self.counts(self.windows.locate(now).0);
        let seen = Self { previous, current, ..*self };
        // The last of what counts leaves with the window after the one that counted it.
        let windows = if current > 0 { 2 } else { u64::from(previous > 0) };
        let end = self.windows.instant(now, windows, 0);
        let reset = if windows == 0 { Duration::ZERO } else { end.since(now) };
        self.settings.snapshot(seen.used(now), reset)
    }

    /// Checks, in debug builds, what must always hold.
    pub fn invariants(&self) {
        let seen = self.windows.locate(self.latest).0;
        debug_assert!(self.window <= seen, "a window that has not begun");
    }

    /// Previous and current count as seen from the window of that number.
    const fn counts(&self, window: u64) -> (u64, u64) {
        match window.saturating_sub(self.window) {
            0 => (self.previous, self.current),
            1 => (self.current, 0),
            _ => (0, 0),
        }
    }

    fn advance(&mut self, now: Instant) -> Instant {
        self.latest = self.latest.max(now);
        let window = self.windows.locate(self.latest).0;
        (self.previous, self.current) = self.counts(window);
        self.window = self.window.max(window);
        self.latest
    }

    /// What counts at `now`, rounded up.
    fn used(&self, now: Instant) -> u64 {
        let width = u128::from(self.settings.width());
        let left = width - u128::from(self.windows.locate(now).1);
        let of_previous = (u128::from(self.previous) * left).div_ceil(width);
        u64::try_from(of_previous).unwrap_or(u64::MAX).saturating_add(self.current)
    }

    /// When a call that does not pass now would: later in this window, as the one before fades, or
    /// in the next, as this one does.
    fn retry_at(&self, now: Instant, cost: u32) -> Instant {
        let limit = u64::from(self.settings.limit);
        match limit.checked_sub(self.current.saturating_add(cost.into())) {
            Some(room) => self.windows.instant(now, 0, self.faded(self.previous, room)),
            None => {
                let room = limit.saturating_sub(cost.into());
                self.windows.instant(now, 1, self.faded(self.current, room))
            }
        }
    }

    /// How long a window must last until `count` of the one before weigh at most `room`.
    fn faded(&self, count: u64, room: u64) -> u64 {
        let width = u128::from(self.settings.width());
        let weighs = u128::from(room) * width;
        let left = weighs.checked_div(count.into()).unwrap_or(width).min(width);
        u64::try_from(width - left).unwrap_or(u64::MAX)
    }
}

impl Layer for SlidingCounter {
    fn check(&mut self, now: Instant, cost: u32) -> Decision {
        let now = self.advance(now);
        self.settings.possible(cost)?;
        let free = u64::from(self.settings.limit).saturating_sub(self.used(now));
        match free.checked_sub(cost.into()) {
            // What counts is rounded up, and limit and cost are whole: the same as in fractions.
            Some(remaining) if self.used(now) <= self.settings.limit.into() => {
                Ok(Admitted { remaining })
            }
            Some(_) | None => {
                let retry_at = self.retry_at(now, cost);
                Err(Refused::Limited { retry_at, remaining: free })
            }
        }
    }

    fn commit(&mut self, now: Instant, cost: u32) {
        self.advance(now);
        self.current = self.current.saturating_add(cost.into());
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
        let mut counter = SlidingCounter::new(settings, Instant::EPOCH);
        counter.window = 1;
        counter.invariants();
    }
}
