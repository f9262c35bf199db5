//! So many calls in a window of time: the settings that the windowed algorithms share, and which
//! window an instant lies in.
//!
//! The algorithms are in `fixed_window.rs`, `sliding_counter.rs` and `sliding_log.rs`.

use super::rate::PERIOD_MAX;
use super::{RateSnapshot, Refused};
use crate::invalid::Invalid;
use crate::time::{Duration, Instant, nanos};

/// At most `limit` calls in `window`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WindowLimit {
    /// Calls, by cost. 0 blocks everything.
    pub limit: u32,
    /// The window, 1 ns to 366 days; exact also below a millisecond.
    pub window: Duration,
}

impl WindowLimit {
    /// Refuses what cannot work.
    ///
    /// # Errors
    ///
    /// [`Invalid`] for an empty window, which would limit nothing, and one above 366 days.
    pub fn validate(&self) -> Result<(), Invalid> {
        if self.window.is_zero() || self.window > PERIOD_MAX {
            let shown = self.window.as_nanos();
            return Err(Invalid::new("window", shown, "1 ns to 366 days, in nanoseconds"));
        }
        Ok(())
    }

    /// Nanoseconds of the window, at least 1.
    pub(super) fn width(&self) -> u64 {
        nanos(self.window).max(1)
    }

    /// Refuses what would not even pass an empty window.
    pub(super) fn possible(&self, cost: u32) -> Result<(), Refused> {
        if self.limit == 0 {
            return Err(Refused::Limited { retry_at: Instant::NEVER, remaining: 0 });
        }
        if cost > self.limit {
            return Err(Refused::Impossible { capacity: self.limit.into() });
        }
        Ok(())
    }

    pub(super) fn snapshot(&self, used: u64, reset: Duration) -> RateSnapshot {
        let remaining = u64::from(self.limit).saturating_sub(used);
        let reset = if self.limit == 0 { Duration::MAX } else { reset };
        RateSnapshot { limit: self.limit.into(), remaining, reset, window: self.window }
    }
}

/// Windows of one width, one after the other since before the epoch.
#[derive(Clone, Copy, Debug)]
pub(super) struct Windows {
    width: u64,
    /// Nanoseconds from the start of the first window to the epoch.
    lead: u64,
}

impl Windows {
    /// Windows that turn at `origin` and at multiples of the width before and after.
    pub(super) fn new(width: u64, origin: Instant) -> Self {
        let phase = origin.as_nanos() % width;
        Self { width, lead: if phase == 0 { 0 } else { width - phase } }
    }

    /// The number of the window of `now`, and the nanoseconds it has lasted.
    pub(super) const fn locate(&self, now: Instant) -> (u64, u64) {
        let time = now.as_nanos() as u128 + self.lead as u128;
        #[expect(clippy::cast_possible_truncation, reason = "a remainder of a u64 fits one")]
        let elapsed = (time % self.width as u128) as u64;
        // Beyond 584 years only with a width of nanoseconds; one window more or less is no matter.
        let number = now.as_nanos().saturating_add(self.lead) / self.width;
        (number, elapsed)
    }

    /// The instant `elapsed` nanoseconds into the window that begins `ahead` windows after that of
    /// `now`.
    pub(super) fn instant(&self, now: Instant, ahead: u64, elapsed: u64) -> Instant {
        let (_, gone) = self.locate(now);
        let time = u128::from(now.as_nanos()) + u128::from(self.width) * u128::from(ahead);
        let time = (time + u128::from(elapsed)).saturating_sub(u128::from(gone));
        Instant::from_nanos(u64::try_from(time).unwrap_or(u64::MAX))
    }
}
