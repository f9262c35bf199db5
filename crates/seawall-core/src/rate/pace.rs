//! GCRA on one word of 64 bits, for drivers that compare and swap it without a lock.
//!
//! The form that is exact at every rate, and the one that can settle costs, is in `gcra.rs`.

use super::{Admitted, Decision, Quota, RateSnapshot, Refused};
use crate::time::{Duration, Instant};

/// The most ticks that a nanosecond has. A word then lasts 18 years from the driver's epoch, and
/// what is rounded is below a sixteenth of the clock's own resolution.
const TICKS_MAX: u64 = 32;
/// Fractional bits of [`Pace::slope`]; 32 ticks then just fit its 64.
const SLOPE_BITS: u32 = 58;

/// GCRA as a pure step on a word: the theoretical arrival time (TAT) in ticks.
///
/// ```text
/// let mut word = atomic.load(Relaxed);
/// loop {
///     let new = pace.decide(word, now, cost)?;
///     match atomic.compare_exchange_weak(word, new, Relaxed, Relaxed) {
///         Ok(_) => break,
///         Err(seen) => word = seen,
///     }
/// }
/// ```
///
/// No other memory is guarded by the word, so `Relaxed` suffices. A word of 0 owes nothing.
/// A step costs one multiplication and a few comparisons; only a refusal divides.
///
/// # What holds
///
/// A tick is chosen so that one call takes a whole number M of them, and a nanosecond at most 32.
/// Adding a cost to TAT is therefore exact, and nothing drifts however long it runs. What must be
/// rounded is only *where a busy period begins*.
///
/// - If the rate in lowest terms has at most 32 calls in its period (1 an hour, 7 a minute, 300,
///   1 000 or 7·10⁸ a second), every nanosecond is a whole number of ticks: the word decides as
///   [`super::Gcra`] does, to the nanosecond.
/// - Otherwise the beginning is rounded up to the next tick, and `now` down. TAT is then never
///   before the true one, so **in every interval t at most B + rate·t calls pass**, as the exact
///   rule has it. A call may wait less than a tick, below 1/16 ns, longer than it should: if B
///   calls of a limit that owed nothing carry the same nanosecond, the last waits for the next one.
///   That happens once in a busy period, so the share it loses goes to zero.
/// - Ticks per nanosecond are held to 58 fractional bits, rounded down: the rate is met within
///   one part in 10¹⁷ and never exceeded.
///
/// The clock must not step back further than the driver can bear to wait: a word has no place for
/// the latest instant seen. After 18 years everything is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    quota: Quota,
    /// Ticks of a nanosecond, times 2⁵⁸.
    slope: u64,
    /// Ticks of one call.
    call: u64,
    /// Ticks of a burst.
    tolerance: u64,
    /// What is added where a busy period begins: 1 where a nanosecond is no whole number of ticks.
    late: u64,
}

impl Pace {
    /// The step of a quota that should be valid ([`Quota::validate`]).
    #[must_use]
    pub fn new(quota: Quota) -> Self {
        let (count, period) = (quota.rate.count(), quota.rate.period());
        let (slope, call, late) = match TICKS_MAX.checked_div(count) {
            None => (TICKS_MAX << SLOPE_BITS, 0, 0),
            Some(0) => rounded(count, period),
            Some(fold) => ((count * fold) << SLOPE_BITS, period.saturating_mul(fold), 0),
        };
        let tolerance = call.saturating_mul(quota.burst.into());
        Self { quota, slope, call, tolerance, late }
    }

    /// The quota.
    #[must_use]
    pub const fn quota(&self) -> Quota {
        self.quota
    }

    /// The word after one call that passes.
    ///
    /// # Errors
    ///
    /// [`Refused`]; the word stays as it is.
    #[inline]
    pub fn decide(&self, word: u64, now: Instant, cost: u32) -> Result<u64, Refused> {
        let now = self.ticks(now);
        let (start, budget) = if word <= now {
            // Nothing is owed: whatever fits the burst passes, and the rounding does not count.
            (now.saturating_add(self.late), self.tolerance.saturating_add(self.late))
        } else {
            (word, self.tolerance)
        };
        let ticks = self.call.checked_mul(cost.into()).filter(|_| cost <= self.quota.burst);
        let new = ticks.and_then(|ticks| start.checked_add(ticks));
        match new {
            Some(new) if new - now <= budget && self.call > 0 => Ok(new),
            Some(_) | None => Err(self.refusal(word, now, cost)),
        }
    }

    /// Calls of cost 1 that would pass at `now`.
    #[must_use]
    pub fn remaining(&self, word: u64, now: Instant) -> u64 {
        self.room(word, self.ticks(now))
    }

    /// [`Pace::decide`] in the terms that every limiter answers in.
    ///
    /// # Errors
    ///
    /// As [`Pace::decide`].
    pub fn check(&self, word: u64, now: Instant, cost: u32) -> Decision {
        let new = self.decide(word, now, cost)?;
        Ok(Admitted { remaining: self.remaining(new, now) })
    }

    /// Undoes a charge whose call does not go out after all: `charged` is the word that the charge
    /// left behind, `word` the present one. Returns the word to swap in. Only what is still owed of
    /// the charge is returned; meant for undoing soon, where a later layer has refused.
    #[must_use]
    pub fn refund(&self, word: u64, charged: u64, cost: u32, now: Instant) -> u64 {
        let held = charged.saturating_sub(self.ticks(now));
        word.saturating_sub(self.call.saturating_mul(cost.into()).min(held))
    }

    /// A word under `from` as one under this pace that owes as many calls, rounded up: what to
    /// start with after a change of the quota. Under a rate of zero nothing is owed.
    #[must_use]
    pub fn carry(&self, word: u64, now: Instant, from: &Self) -> u64 {
        let owed = u128::from(word.saturating_sub(from.ticks(now)));
        let ticks = (owed * u128::from(self.call)).div_ceil(u128::from(from.call.max(1)));
        self.ticks(now).saturating_add(u64::try_from(ticks).unwrap_or(u64::MAX))
    }

    /// The limit at `now`.
    #[must_use]
    pub fn snapshot(&self, word: u64, now: Instant) -> RateSnapshot {
        let zero = self.call == 0;
        RateSnapshot {
            limit: self.quota.burst.into(),
            remaining: self.remaining(word, now),
            reset: if zero { Duration::MAX } else { self.instant(word).since(now) },
            window: self.quota.rate.time_of(self.quota.burst.into()),
        }
    }

    /// `now` in ticks, rounded down.
    #[inline]
    fn ticks(&self, now: Instant) -> u64 {
        let ticks = (u128::from(now.as_nanos()) * u128::from(self.slope)) >> SLOPE_BITS;
        u64::try_from(ticks).unwrap_or(u64::MAX)
    }

    /// The first instant at which [`Pace::ticks`] has reached `ticks`.
    fn instant(&self, ticks: u64) -> Instant {
        let nanos = (u128::from(ticks) << SLOPE_BITS).div_ceil(u128::from(self.slope.max(1)));
        Instant::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }

    fn room(&self, word: u64, now: u64) -> u64 {
        let free = self.tolerance.saturating_sub(word.saturating_sub(now));
        free.checked_div(self.call).unwrap_or(0)
    }

    #[cold]
    fn refusal(&self, word: u64, now: u64, cost: u32) -> Refused {
        if cost > self.quota.burst {
            return Refused::Impossible { capacity: self.quota.burst.into() };
        }
        let ticks = self.call.checked_mul(cost.into()).filter(|_| self.call > 0);
        let new = ticks.and_then(|ticks| word.max(now).checked_add(ticks));
        // The instant is a whole nanosecond, so what passes then may end up to one later: a word
        // whose life ends in between never lets the call pass.
        let new = new.filter(|new| new.checked_add(2 * TICKS_MAX).is_some());
        match new {
            Some(new) => Refused::Limited {
                retry_at: self.instant(new.saturating_sub(self.tolerance)),
                remaining: self.room(word, now),
            },
            None => Refused::Limited { retry_at: Instant::NEVER, remaining: 0 },
        }
    }
}

/// Slope, ticks of a call, and lateness for a rate of more than 32 calls in its period.
fn rounded(count: u64, period: u64) -> (u64, u64, u64) {
    let wide = u128::from(period) * u128::from(TICKS_MAX) / u128::from(count);
    // At least 3, since no rate has more than 10 calls a nanosecond.
    let call = wide.max(1);
    let slope = ((call * u128::from(count)) << SLOPE_BITS) / u128::from(period);
    let fit = |number: u128| u64::try_from(number).unwrap_or(u64::MAX);
    (fit(slope), fit(call), 1)
}
