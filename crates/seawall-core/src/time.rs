//! Instants of the driver's monotonic clock, and arithmetic on them that cannot panic.
//!
//! Reading a clock is the driver's business (`clock.rs` of each driver); nothing here does.

pub use core::time::Duration;

/// Nanoseconds since the driver's epoch, on a clock that never goes back.
///
/// Sums that overflow become [`Instant::NEVER`]; differences that would be negative are zero, so
/// a clock that steps back looks like one that stood still.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant(u64);

impl Instant {
    /// The driver's epoch.
    pub const EPOCH: Self = Self(0);
    /// An instant that is never reached, 584 years after the epoch.
    pub const NEVER: Self = Self(u64::MAX);

    /// The instant `nanos` nanoseconds after the epoch.
    #[must_use]
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// The instant `millis` milliseconds after the epoch.
    #[must_use]
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis.saturating_mul(1_000_000))
    }

    /// Nanoseconds since the epoch.
    #[must_use]
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// This instant plus `wait`; [`Instant::NEVER`] when the sum does not fit.
    #[must_use]
    #[inline]
    pub fn after(self, wait: Duration) -> Self {
        Self(self.0.saturating_add(nanos(wait)))
    }

    /// The time from `earlier` to this instant; zero when `earlier` is later.
    #[must_use]
    #[inline]
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }

    /// Whether this instant will never come.
    #[must_use]
    #[inline]
    pub const fn is_never(self) -> bool {
        self.0 == u64::MAX
    }
}

/// A duration in nanoseconds, `u64::MAX` when it does not fit (more than 584 years).
#[must_use]
#[inline]
pub const fn nanos(duration: Duration) -> u64 {
    let seconds = duration.as_secs().saturating_mul(1_000_000_000);
    seconds.saturating_add(duration.subsec_nanos() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sum_that_overflows_is_never() {
        assert!(Instant::from_nanos(1).after(Duration::MAX).is_never());
        assert!(Instant::NEVER.after(Duration::from_nanos(1)).is_never());
    }

    #[test]
    fn a_clock_that_steps_back_stood_still() {
        let (early, late) = (Instant::from_millis(1), Instant::from_millis(5));
        assert_eq!(early.since(late), Duration::ZERO);
        assert_eq!(late.since(early), Duration::from_millis(4));
    }
}
