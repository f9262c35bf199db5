//! Token bucket: a level that fills with time and that calls draw from.
//!
//! It decides exactly as GCRA does and keeps two numbers instead of one; it is here for those who
//! think in tokens, and as a second opinion in the tests.

use super::{Admitted, Decision, Layer, Quota, RateSnapshot, Refused};
use crate::time::{Duration, Instant, nanos};

/// A token bucket of `burst` tokens that fills at `rate`.
///
/// The level is kept in parts of which a token has as many as the rate's period has nanoseconds:
/// a refill is then `elapsed · count` parts, without remainder. Every step takes constant time and
/// allocates nothing. A `now` earlier than the latest one seen counts as the latest.
#[derive(Debug)]
pub struct TokenBucket {
    quota: Quota,
    level: u128,
    latest: Instant,
}

impl TokenBucket {
    /// A full bucket. The quota should be valid ([`Quota::validate`]).
    #[must_use]
    pub fn new(quota: Quota) -> Self {
        Self { quota, level: parts(quota, quota.burst.into()), latest: Instant::EPOCH }
    }

    /// Draws `cost` tokens.
    ///
    /// # Errors
    ///
    /// [`Refused`]; nothing is drawn then.
    pub fn decide(&mut self, now: Instant, cost: u32) -> Decision {
        let admitted = self.check(now, cost)?;
        self.commit(now, cost);
        Ok(admitted)
    }

    /// Takes another quota. The tokens that are missing stay missing.
    pub fn reconfigure(&mut self, quota: Quota, now: Instant) {
        self.refill(now);
        let missing = parts(self.quota, self.quota.burst.into()) - self.level;
        let period = u128::from(self.quota.rate.period());
        let new_period = u128::from(quota.rate.period());
        let (whole, rest) = (missing / period, missing % period);
        let missing = whole * new_period + (rest * new_period).div_ceil(period);
        self.quota = quota;
        self.level = parts(quota, quota.burst.into()).saturating_sub(missing);
        self.invariants();
    }

    /// The bucket at `now`. Changes nothing.
    #[must_use]
    pub fn snapshot(&self, now: Instant) -> RateSnapshot {
        let Quota { rate, burst } = self.quota;
        let level = self.level_at(now.max(self.latest));
        let missing = parts(self.quota, burst.into()) - level;
        let reset = missing.checked_div(u128::from(rate.count())).map_or(Duration::MAX, |_| {
            let time = missing.div_ceil(u128::from(rate.count()));
            Duration::from_nanos(u64::try_from(time).unwrap_or(u64::MAX))
        });
        RateSnapshot {
            limit: burst.into(),
            remaining: self.tokens(level),
            reset,
            window: rate.time_of(burst.into()),
        }
    }

    /// Checks, in debug builds, what must always hold.
    pub fn invariants(&self) {
        let full = parts(self.quota, self.quota.burst.into());
        debug_assert!(self.level <= full, "more tokens than the bucket holds");
    }

    fn refill(&mut self, now: Instant) {
        let now = self.latest.max(now);
        self.level = self.level_at(now);
        self.latest = now;
    }

    fn level_at(&self, now: Instant) -> u128 {
        let elapsed = nanos(now.since(self.latest));
        let gained = u128::from(elapsed) * u128::from(self.quota.rate.count());
        self.level.saturating_add(gained).min(parts(self.quota, self.quota.burst.into()))
    }

    fn tokens(&self, level: u128) -> u64 {
        if self.quota.rate.is_zero() {
            return 0;
        }
        u64::try_from(level / u128::from(self.quota.rate.period())).unwrap_or(u64::MAX)
    }

    fn limited(&self, missing: u128) -> Refused {
        let count = u128::from(self.quota.rate.count());
        let retry_at = match missing.checked_div(count) {
            None => Instant::NEVER,
            Some(_) => {
                let wait = u64::try_from(missing.div_ceil(count)).unwrap_or(u64::MAX);
                self.latest.after(Duration::from_nanos(wait))
            }
        };
        Refused::Limited { retry_at, remaining: self.tokens(self.level) }
    }
}

impl Layer for TokenBucket {
    fn check(&mut self, now: Instant, cost: u32) -> Decision {
        self.refill(now);
        if cost > self.quota.burst {
            return Err(Refused::Impossible { capacity: self.quota.burst.into() });
        }
        let wanted = parts(self.quota, cost.into());
        match self.level.checked_sub(wanted) {
            Some(left) if !self.quota.rate.is_zero() => {
                Ok(Admitted { remaining: self.tokens(left) })
            }
            Some(_) => Err(self.limited(u128::MAX)),
            None => Err(self.limited(wanted - self.level)),
        }
    }

    fn commit(&mut self, now: Instant, cost: u32) {
        self.refill(now);
        self.level = self.level.saturating_sub(parts(self.quota, cost.into()));
        self.invariants();
    }
}

/// So many tokens in parts.
fn parts(quota: Quota, tokens: u64) -> u128 {
    u128::from(tokens) * u128::from(quota.rate.period())
}

#[cfg(all(test, debug_assertions))]
mod tests {
    use super::*;
    use crate::rate::Rate;

    #[test]
    #[should_panic(expected = "more tokens than the bucket holds")]
    fn more_tokens_than_fit_are_noticed() {
        let mut bucket = TokenBucket::new(Quota::of(Rate::per_second(10)));
        bucket.level += 1;
        bucket.invariants();
    }
}
