//! A rate: so many calls in such a time, as an exact fraction.
//!
//! What is done with it is in the files of the algorithms; no algorithm divides it out first.

use crate::invalid::Invalid;
use crate::number::small;
use crate::time::{Duration, Instant, nanos};

/// The longest period of a rate: 366 days, so that a leap year can be one.
pub const PERIOD_MAX: Duration = Duration::from_secs(366 * 86_400);
/// The most calls for each nanosecond. Above 10¹⁰ a second nothing that a program does between
/// two readings of the clock is measured any more, and a count of calls would overflow 64 bits
/// within a lifetime.
pub const PER_NANO_MAX: u64 = 10;
/// The largest count of a rate in lowest terms: what the keyed table keeps of it is 48 bits.
const COUNT_MAX: u64 = (1 << 48) - 1;

/// `count` calls in each `period`, kept in lowest terms.
///
/// An emission interval cut to nanoseconds admits 43 % too much at 7·10⁸ a second, and
/// everything above 10⁹. So the interval is never cut: it is the fraction `period / count`, and
/// instants that follow from it are kept to `1 / count` of a nanosecond.
///
/// Exact from one in a year to [`PER_NANO_MAX`] a nanosecond. A count of 0 blocks everything, and
/// is no way to say "no limit": that is [`crate::Mode::Off`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    count: u64,
    /// Nanoseconds.
    period: u64,
}

impl Rate {
    /// Nothing passes.
    pub const ZERO: Self = Self { count: 0, period: 1 };

    /// `count` calls in each `period`.
    ///
    /// # Errors
    ///
    /// [`Invalid`] for an empty period or one above [`PERIOD_MAX`], for more than [`PER_NANO_MAX`]
    /// calls a nanosecond, and for a count that in lowest terms has more than 48 bits.
    pub fn new(count: u64, period: Duration) -> Result<Self, Invalid> {
        let nanos = nanos(period);
        if nanos == 0 || period > PERIOD_MAX {
            return Err(Invalid::new("rate.period", Shown(period), "1 ns to 366 days"));
        }
        let rate = Self::reduced(count, nanos);
        if rate.count / PER_NANO_MAX > rate.period
            || rate.count > rate.period.saturating_mul(PER_NANO_MAX)
            || rate.count > COUNT_MAX
        {
            return Err(Invalid::new("rate.count", count, "at most 10 for each nanosecond"));
        }
        Ok(rate)
    }

    /// `count` calls a second; never more than [`PER_NANO_MAX`] a nanosecond.
    #[must_use]
    pub const fn per_second(count: u32) -> Self {
        Self::reduced(count as u64, 1_000_000_000)
    }

    /// `count` calls an hour.
    #[must_use]
    pub const fn per_hour(count: u32) -> Self {
        Self::reduced(count as u64, 3_600_000_000_000)
    }

    const fn reduced(count: u64, period: u64) -> Self {
        if count == 0 {
            return Self::ZERO;
        }
        let divisor = common_divisor(count, period);
        Self { count: count / divisor, period: period / divisor }
    }

    /// The numerator of the fraction in lowest terms.
    #[must_use]
    pub const fn count(self) -> u64 {
        self.count
    }

    /// The denominator in lowest terms, in nanoseconds: in so long, [`Rate::count`] calls.
    #[must_use]
    pub const fn period(self) -> u64 {
        self.period
    }

    /// Whether nothing passes.
    #[must_use]
    pub const fn is_zero(self) -> bool {
        self.count == 0
    }

    /// `share` millionths of this rate, rounded down where the fraction no longer fits, but never
    /// below one in [`PERIOD_MAX`]: only a share of zero blocks.
    #[must_use]
    pub fn scaled(self, share: crate::ratio::Ratio) -> Self {
        let count = u128::from(self.count) * u128::from(share.ppm());
        let period = u128::from(self.period) * 1_000_000;
        Self::fitted(count, period)
    }

    /// A fraction of numbers that fit and is not above `count / period`; if that is above zero but
    /// too little for any, the least that fits.
    fn fitted(mut count: u128, mut period: u128) -> Self {
        let is_zero = count == 0;
        let divisor = common_divisor_wide(count, period);
        (count, period) = (count / divisor, period / divisor);
        while period > u128::from(nanos(PERIOD_MAX)) || count > u128::from(COUNT_MAX) {
            (count, period) = (count / 2, period.div_ceil(2));
        }
        if count == 0 && !is_zero {
            return Self { count: 1, period: nanos(PERIOD_MAX) };
        }
        let fit = |number: u128| u64::try_from(number).unwrap_or(u64::MAX);
        let ceiling = period.saturating_mul(u128::from(PER_NANO_MAX));
        Self::reduced(fit(count.min(ceiling)), fit(period))
    }

    /// The time in which `calls` are emitted, rounded up; [`Duration::MAX`] where that is never.
    #[must_use]
    pub fn time_of(self, calls: u64) -> Duration {
        if self.is_zero() {
            return if calls == 0 { Duration::ZERO } else { Duration::MAX };
        }
        let time = (u128::from(calls) * u128::from(self.period)).div_ceil(u128::from(self.count));
        u64::try_from(time).map_or(Duration::MAX, Duration::from_nanos)
    }

    /// The calls that are emitted in `time`, rounded down.
    #[must_use]
    pub fn calls_in(self, time: Duration) -> u64 {
        let calls = u128::from(nanos(time)) * u128::from(self.count) / u128::from(self.period);
        u64::try_from(calls).unwrap_or(u64::MAX)
    }

    /// The burst where only a rate is given: what it emits in a second, and at least one call.
    #[must_use]
    pub fn default_burst(self) -> u32 {
        let calls = self.calls_in(Duration::from_secs(1)).max(1);
        small(calls)
    }
}

/// An instant to a fraction of a nanosecond: `at` and `part / count` of the rate it belongs to.
///
/// Additions carry, so no fraction is ever lost, and comparing needs no division.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Exact {
    pub(super) at: u64,
    /// Below the count of the rate.
    pub(super) part: u64,
}

impl Exact {
    pub(super) const NEVER: Self = Self { at: u64::MAX, part: 0 };

    pub(super) const fn of(now: Instant) -> Self {
        Self { at: now.as_nanos(), part: 0 }
    }

    /// The time in which `rate` emits `calls`. Never for a rate of zero.
    pub(super) fn emission(rate: Rate, calls: u64) -> Self {
        if rate.is_zero() {
            return if calls == 0 { Self::default() } else { Self::NEVER };
        }
        Self::from_parts(u128::from(calls) * u128::from(rate.period), rate.count)
    }

    /// `parts / count` nanoseconds.
    pub(super) fn from_parts(parts: u128, count: u64) -> Self {
        // Almost every product fits 64 bits, where a division costs a third.
        if let Ok(parts) = u64::try_from(parts) {
            return Self { at: parts / count.max(1), part: parts % count.max(1) };
        }
        let count = u128::from(count.max(1));
        let part = u64::try_from(parts % count).unwrap_or(0);
        u64::try_from(parts / count).map_or(Self::NEVER, |at| Self { at, part })
    }

    /// In parts of which a nanosecond has `count`.
    pub(super) fn parts(self, count: u64) -> u128 {
        u128::from(self.at) * u128::from(count) + u128::from(self.part)
    }

    /// The sum of two that belong to a rate of `count`; never, where it does not fit.
    #[inline]
    pub(super) const fn plus(self, other: Self, count: u64) -> Self {
        let part = self.part + other.part;
        let (part, carry) = if part >= count && count > 0 { (part - count, 1) } else { (part, 0) };
        match self.at.checked_add(other.at) {
            Some(at) if at < u64::MAX - carry => Self { at: at + carry, part },
            Some(_) | None => Self::NEVER,
        }
    }

    /// The difference, zero where it would be negative.
    pub(super) fn minus(self, other: Self, count: u64) -> Self {
        if self <= other {
            return Self::default();
        }
        if self.part >= other.part {
            return Self { at: self.at - other.at, part: self.part - other.part };
        }
        Self { at: self.at - other.at - 1, part: self.part + count - other.part }
    }

    /// The first whole nanosecond that is not before this: waits round up.
    pub(super) const fn ceil(self) -> Instant {
        Instant::from_nanos(self.at.saturating_add(if self.part > 0 { 1 } else { 0 }))
    }
}

/// A duration as settings write it.
struct Shown(Duration);

impl core::fmt::Display for Shown {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{:?}", self.0)
    }
}

/// The greatest common divisor; `a` must not be zero.
const fn common_divisor(mut a: u64, mut b: u64) -> u64 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

fn common_divisor_wide(mut a: u128, mut b: u128) -> u128 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a.max(1)
}
