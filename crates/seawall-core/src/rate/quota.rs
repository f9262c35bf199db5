//! A quota: a rate and the burst that it forgives, and the step of GCRA that follows from both.
//!
//! Who keeps the state is in `gcra.rs` (one limit), `keyed/` (many) and `pace.rs` (one word).

use super::rate::{Exact, Rate};
use super::{Admitted, RateSnapshot, Refused};
use crate::invalid::Invalid;
use crate::time::{Duration, Instant, nanos};

/// The longest time in which a burst may be emitted: 2⁵⁷ ns, 4.5 years. It keeps every sum of the
/// lock-free form within 64 bits.
const REFILL_MAX: u64 = 1 << 57;

/// So many calls in such a time, of which so many at once.
///
/// For every interval t, at most `burst + rate · t` calls pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// The rate in the long run. No default: a limit that nobody chose helps nobody.
    pub rate: Rate,
    /// The most at one instant, at least 1; the most that one call may cost. Where only a rate is
    /// given, [`Quota::of`] takes what it emits in a second.
    pub burst: u32,
}

impl Quota {
    /// A rate, with the burst of a second of it, at least 1.
    #[must_use]
    pub fn of(rate: Rate) -> Self {
        Self { rate, burst: rate.default_burst() }
    }

    /// Refuses what cannot work.
    ///
    /// # Errors
    ///
    /// [`Invalid`] for a burst of zero, which would refuse everything without saying so (block by a
    /// rate of zero instead), and for one that would take longer than 4.5 years to be emitted.
    pub fn validate(&self) -> Result<(), Invalid> {
        if self.burst == 0 {
            return Err(Invalid::new("burst", self.burst, "at least 1"));
        }
        let refill = self.rate.time_of(self.burst.into());
        if !self.rate.is_zero() && nanos(refill) > REFILL_MAX {
            let permitted = "no more than the rate emits in 4.5 years";
            return Err(Invalid::new("burst", self.burst, permitted));
        }
        Ok(())
    }
}

/// A quota, with what every decision needs of it worked out.
#[derive(Clone, Copy, Debug)]
pub(super) struct Terms {
    pub(super) quota: Quota,
    /// T, the time in which one call is emitted.
    interval: Exact,
    /// B·T.
    tolerance: Exact,
}

impl Terms {
    pub(super) fn new(quota: Quota) -> Self {
        let interval = Exact::emission(quota.rate, 1);
        let tolerance = Exact::emission(quota.rate, quota.burst.into());
        Self { quota, interval, tolerance }
    }

    pub(super) const fn count(&self) -> u64 {
        self.quota.rate.count()
    }

    /// c·T.
    #[inline]
    pub(super) fn time_of(&self, cost: u32) -> Exact {
        if cost == 1 { self.interval } else { Exact::emission(self.quota.rate, cost.into()) }
    }

    pub(super) const fn plus(&self, left: Exact, right: Exact) -> Exact {
        left.plus(right, self.count())
    }

    pub(super) fn minus(&self, left: Exact, right: Exact) -> Exact {
        left.minus(right, self.count())
    }

    /// The rule of GCRA (ITU-T I.371, the virtual scheduling form): the theoretical arrival time
    /// after a call that passes.
    #[inline]
    pub(super) fn step(&self, tat: Exact, now: Instant, cost: u32) -> Result<Exact, Refused> {
        let new = self.after(tat, now, cost);
        let fits = new < Exact::NEVER && new <= self.plus(Exact::of(now), self.tolerance);
        if fits && cost <= self.quota.burst && !self.quota.rate.is_zero() {
            return Ok(new);
        }
        Err(self.refusal(tat, now, cost))
    }

    #[cold]
    fn refusal(&self, tat: Exact, now: Instant, cost: u32) -> Refused {
        if cost > self.quota.burst {
            return Refused::Impossible { capacity: self.quota.burst.into() };
        }
        let new = self.after(tat, now, cost);
        if self.quota.rate.is_zero() || new == Exact::NEVER {
            return Refused::Limited { retry_at: Instant::NEVER, remaining: 0 };
        }
        Refused::Limited { retry_at: self.instant_of(new), remaining: self.remaining(tat, now) }
    }

    /// TAT after a call at `now` that passes whatever the limit.
    #[inline]
    pub(super) fn after(&self, tat: Exact, now: Instant, cost: u32) -> Exact {
        self.plus(tat.max(Exact::of(now)), self.time_of(cost))
    }

    /// When a call that makes TAT `new` passes.
    pub(super) fn instant_of(&self, new: Exact) -> Instant {
        if new == Exact::NEVER {
            return Instant::NEVER;
        }
        self.minus(new, self.tolerance).ceil()
    }

    /// ⌊(B·T − (TAT − now)) / T⌋.
    pub(super) fn remaining(&self, tat: Exact, now: Instant) -> u64 {
        if self.quota.rate.is_zero() {
            return 0;
        }
        let owed = self.minus(tat, Exact::of(now));
        let room = self.minus(self.tolerance, owed).parts(self.count());
        divided(room, self.quota.rate.period())
    }

    pub(super) fn admitted(&self, tat: Exact, now: Instant) -> Admitted {
        Admitted { remaining: self.remaining(tat, now) }
    }

    pub(super) fn snapshot(&self, tat: Exact, now: Instant) -> RateSnapshot {
        let zero = self.quota.rate.is_zero();
        RateSnapshot {
            limit: self.quota.burst.into(),
            remaining: self.remaining(tat, now),
            reset: if zero { Duration::MAX } else { tat.ceil().since(now) },
            window: self.quota.rate.time_of(self.quota.burst.into()),
        }
    }

    /// The calls that `tat` owes under these terms, as a TAT that owes the same under `terms`.
    ///
    /// Debt is kept in calls, as a bucket keeps its tokens: whoever has spent the burst has still
    /// spent it after the change, and waits for it at the new rate. Rounded up.
    pub(super) fn carried(&self, tat: Exact, now: Instant, terms: &Self) -> Exact {
        if self.quota.rate.is_zero() || terms.quota.rate.is_zero() {
            return Exact::of(now).min(tat);
        }
        let owed = self.minus(tat, Exact::of(now)).parts(self.count());
        let (period, new_period) = (self.quota.rate.period(), terms.quota.rate.period());
        let (whole, rest) = (owed / u128::from(period), owed % u128::from(period));
        let rest = (rest * u128::from(new_period)).div_ceil(u128::from(period));
        let parts = whole.saturating_mul(u128::from(new_period)).saturating_add(rest);
        terms.plus(Exact::of(now), Exact::from_parts(parts, terms.count()))
    }

    /// TAT that owes at most the burst more than it may: what a settled debt is cut to.
    pub(super) fn floor(&self, now: Instant) -> Exact {
        self.plus(self.plus(Exact::of(now), self.tolerance), self.tolerance)
    }
}

/// `parts / period` rounded down, in 64 bits where they suffice.
fn divided(parts: u128, period: u64) -> u64 {
    match u64::try_from(parts) {
        Ok(parts) => parts / period,
        Err(_) => u64::try_from(parts / u128::from(period)).unwrap_or(u64::MAX),
    }
}
