//! Warm-up: a limit that is lower while its upstream is cold.
//!
//! The limit that is always the same is in `gcra.rs`; giving way to a busy upstream is in
//! `adaptive.rs`.

use super::quota::Terms;
use super::rate::Exact;
use super::{Admitted, Decision, Layer, Quota, RateSnapshot, Refused};
use crate::invalid::Invalid;
use crate::time::{Duration, Instant, nanos};

/// The longest warm-up, 1 day. What takes longer is no cold start.
const WARM_UP_MAX: Duration = Duration::from_secs(86_400);
/// Bits to which products are held, so that three of them fit 128.
const SCALE_BITS: u32 = 56;

/// Settings of a limit that warms up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WarmUpSettings {
    /// The limit once warm.
    pub quota: Quota,
    /// How long warming up takes at full demand, up to 1 day.
    pub period: Duration,
    /// How many times slower a cold limit is, 2 to 100. Default 3, as in Guava and Sentinel.
    pub cold_factor: u32,
}

impl WarmUpSettings {
    /// A quota that warms up within `period`, from a third of its rate.
    #[must_use]
    pub const fn of(quota: Quota, period: Duration) -> Self {
        Self { quota, period, cold_factor: 3 }
    }

    /// Refuses what cannot work.
    ///
    /// # Errors
    ///
    /// As [`Quota::validate`], and [`Invalid`] for a period of zero or above a day, or a cold
    /// factor outside of 2 to 100.
    pub fn validate(&self) -> Result<(), Invalid> {
        self.quota.validate()?;
        if self.period.is_zero() || self.period > WARM_UP_MAX {
            let shown = self.period.as_secs();
            return Err(Invalid::new("warm_up.period", shown, "above 0 s and at most 86400 s"));
        }
        if !(2..=100).contains(&self.cold_factor) {
            return Err(Invalid::new("warm_up.cold_factor", self.cold_factor, "2 to 100"));
        }
        Ok(())
    }

    fn cold(&self) -> u128 {
        self.cold_factor.clamp(2, 100).into()
    }

    /// Stored time, in parts, above which the limit is not yet warm: `w/(f − 1)`.
    fn warm_below(&self) -> u128 {
        self.parts() / (self.cold() - 1)
    }

    /// How far above that it is when cold: `2w/(f + 1)`.
    fn ramp(&self) -> u128 {
        (self.parts() * 2 / (self.cold() + 1)).max(1)
    }

    fn full(&self) -> u128 {
        self.warm_below() + self.ramp()
    }

    fn parts(&self) -> u128 {
        u128::from(nanos(self.period.min(WARM_UP_MAX))) * u128::from(self.quota.rate.count())
    }
}

/// A limit whose calls cost more the longer it was idle (`SmoothWarmingUp` of Guava; Sentinel).
///
/// Idle time is stored as tokens, up to `warn + w·q/2` with `warn = w·q/2` (factor 3). A call
/// takes one; above `warn` it lasts longer than 1/q, in a straight line up to `cold_factor` times
/// as long.
/// So an upstream that has been idle sees `q / cold_factor` at first, and q after the period.
///
/// A new one is cold. At full demand the burst is that of the quota when warm, and about a
/// `cold_factor`th of it when cold; `admitted ≤ B + q·t` holds always.
///
/// Whole numbers throughout. Constant time; nothing is allocated. A `now` earlier than the latest
/// one seen counts as the latest.
#[derive(Debug)]
pub struct WarmUp {
    /// What is enforced.
    quota: Quota,
    /// What TAT and the tokens are kept in: of the latest rate that was not zero.
    settings: WarmUpSettings,
    terms: Terms,
    /// Tokens in parts: a token is the period of the rate.
    stored: u128,
    tat: Exact,
    /// Since when the rate is zero: nothing is emitted or stored meanwhile.
    blocked: Option<Instant>,
    latest: Instant,
}

impl WarmUp {
    /// A cold limit.
    #[must_use]
    pub fn new(settings: WarmUpSettings) -> Self {
        let quota = settings.quota;
        Self {
            quota,
            settings,
            terms: Terms::new(quota),
            stored: settings.full(),
            tat: Exact::default(),
            blocked: quota.rate.is_zero().then_some(Instant::EPOCH),
            latest: Instant::EPOCH,
        }
    }

    /// Asks for one call and charges it if it passes.
    ///
    /// # Errors
    ///
    /// [`Refused`]; nothing is charged then.
    pub fn decide(&mut self, now: Instant, cost: u32) -> Decision {
        let admitted = self.check(now, cost)?;
        self.commit(now, cost);
        Ok(admitted)
    }

    /// The time between two calls when so many tokens are stored, rounded up.
    #[must_use]
    pub fn interval_at(&self, tokens: u64) -> Duration {
        let rate = self.quota.rate;
        if rate.is_zero() {
            return Duration::MAX;
        }
        let stored = u128::from(tokens) * u128::from(rate.period());
        let above = stored.saturating_sub(self.settings.warm_below()).min(self.settings.ramp());
        let factor = self.settings.cold() - 1;
        let extra = share(u128::from(rate.period()) * factor, above, self.settings.ramp());
        let parts = u128::from(rate.period()) + extra;
        Exact::from_parts(parts, rate.count()).ceil().since(Instant::EPOCH)
    }

    /// Tokens stored at `now`, rounded down: the more, the colder.
    #[must_use]
    pub fn stored(&self, now: Instant) -> u64 {
        let stored = self.stored_at(now.max(self.latest));
        u64::try_from(stored / u128::from(self.settings.quota.rate.period())).unwrap_or(u64::MAX)
    }

    /// Takes other settings. Debt is kept in calls, warmth as a share. The time of a rate of zero
    /// does not count, neither towards the debt nor as idle.
    pub fn reconfigure(&mut self, settings: WarmUpSettings, now: Instant) {
        let now = self.advance(now);
        if let Some(since) = self.blocked {
            let pause = Exact { at: nanos(now.since(since)), part: 0 };
            self.tat = self.terms.plus(self.tat, pause);
        }
        self.quota = settings.quota;
        self.blocked = self.quota.rate.is_zero().then_some(now);
        if self.blocked.is_none() {
            self.convert(settings, now);
        }
        self.invariants();
    }

    /// The limit at `now`. Changes nothing.
    #[must_use]
    pub fn snapshot(&self, now: Instant) -> RateSnapshot {
        let now = now.max(self.latest);
        if self.blocked.is_some() {
            return Terms::new(self.quota).snapshot(Exact::NEVER, now);
        }
        self.terms.snapshot(self.tat, now)
    }

    /// Checks, in debug builds, what must always hold.
    pub fn invariants(&self) {
        debug_assert!(self.stored <= self.settings.full(), "colder than cold");
        debug_assert!(self.tat.part < self.terms.count().max(1), "a nanosecond not carried");
        debug_assert!(self.blocked.is_some() == self.quota.rate.is_zero(), "blocked by a rate");
    }

    /// Debt and warmth in the terms of other settings.
    fn convert(&mut self, settings: WarmUpSettings, now: Instant) {
        let terms = Terms::new(settings.quota);
        self.tat = self.terms.carried(self.tat, now, &terms);
        self.stored = share(settings.full(), self.stored, self.settings.full().max(1));
        self.stored = self.stored.min(settings.full());
        (self.settings, self.terms) = (settings, terms);
    }

    fn stored_at(&self, now: Instant) -> u128 {
        if self.blocked.is_some() {
            return self.stored;
        }
        let idle = self.terms.minus(Exact::of(now), self.tat).parts(self.terms.count());
        self.stored.saturating_add(idle).min(self.settings.full())
    }

    /// Stores the idle time until `now`, and lets TAT follow.
    fn advance(&mut self, now: Instant) -> Instant {
        self.latest = self.latest.max(now);
        if self.blocked.is_none() {
            self.stored = self.stored_at(self.latest);
            self.tat = self.tat.max(Exact::of(self.latest));
        }
        self.latest
    }

    /// What a call lasts, in parts: the area below the line from the tokens stored to those left.
    fn lasts(&self, cost: u32) -> u128 {
        let parts = u128::from(cost) * u128::from(self.settings.quota.rate.period());
        let above = self.stored.saturating_sub(self.settings.warm_below());
        let taken = parts.min(above);
        let twice_mean = 2 * above - taken;
        let extra = share(taken * (self.settings.cold() - 1), twice_mean, 2 * self.settings.ramp());
        parts.saturating_add(extra)
    }

    /// How far TAT may lie ahead for a call of this cost to pass.
    fn ahead(&self, cost: u32) -> Exact {
        self.terms.time_of(self.settings.quota.burst.saturating_sub(cost))
    }
}

impl Layer for WarmUp {
    fn check(&mut self, now: Instant, cost: u32) -> Decision {
        let now = self.advance(now);
        let Quota { rate, burst } = self.quota;
        if cost > burst {
            return Err(Refused::Impossible { capacity: burst.into() });
        }
        if rate.is_zero() {
            return Err(Refused::Limited { retry_at: Instant::NEVER, remaining: 0 });
        }
        let remaining = self.terms.remaining(self.tat, now);
        let passes = self.terms.minus(self.tat, self.ahead(cost));
        if passes <= Exact::of(now) {
            return Ok(Admitted { remaining: remaining.saturating_sub(cost.into()) });
        }
        Err(Refused::Limited { retry_at: passes.ceil(), remaining })
    }

    fn commit(&mut self, now: Instant, cost: u32) {
        self.advance(now);
        let lasts = Exact::from_parts(self.lasts(cost), self.terms.count());
        let parts = u128::from(cost) * u128::from(self.settings.quota.rate.period());
        self.tat = self.terms.plus(self.tat, lasts);
        self.stored = self.stored.saturating_sub(parts);
        self.invariants();
    }
}

/// `value · part / whole`, rounded up. Numbers too large for 128 bits lose their last bits first,
/// in a way that makes the result larger.
fn share(value: u128, part: u128, whole: u128) -> u128 {
    let excess = |number: u128| (u128::BITS - number.leading_zeros()).saturating_sub(SCALE_BITS);
    let shift = excess(part).max(excess(whole));
    let narrow = excess(value).saturating_sub(8);
    let up =
        |number: u128, bits: u32| (number >> bits) + u128::from(!number.is_multiple_of(1 << bits));
    let product = up(value, narrow).saturating_mul(up(part, shift));
    let divided = product.div_ceil((whole >> shift).max(1));
    divided.checked_shl(narrow).unwrap_or(u128::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[cfg(debug_assertions)]
    #[test]
    #[should_panic(expected = "colder than cold")]
    fn colder_than_cold_is_noticed() {
        let quota = Quota::of(crate::rate::Rate::per_second(10));
        let mut limit = WarmUp::new(WarmUpSettings::of(quota, Duration::from_secs(1)));
        limit.stored += 1;
        limit.invariants();
    }

    proptest! {
        /// What does not fit is rounded up twice, each time by less than one in 2^55.
        #[test]
        fn a_share_is_never_less_than_exact_and_hardly_more(
            value in 0_u128..1 << 66, part in 0_u128..1 << 60, more in 0_u128..1 << 60,
        ) {
            let whole = part + more + 1;
            let exact = (value * part).div_ceil(whole);
            let found = share(value, part, whole);
            prop_assert!(found >= exact, "{found} is below {exact}");
            prop_assert!(found <= exact + (exact >> 50) + (value >> 50) + 4, "{found}, {exact}");
        }
    }
}
