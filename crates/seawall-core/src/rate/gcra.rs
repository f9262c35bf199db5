//! The generic cell rate algorithm: one limit, exact at every rate. The default.
//!
//! The rule itself is in `quota.rs`, the lock-free form in `pace.rs`, waiting in `queue.rs`.

use super::account::Account;
use super::quota::Quota;
use super::rate::Exact;
use super::{Decision, Layer, RateSnapshot, Refused};
use crate::time::Instant;

/// What a call was charged before its true cost is known.
///
/// Ends in [`Gcra::settle`]. One that is dropped stays charged as estimated.
#[derive(Debug)]
#[must_use = "a charge that is not settled stays as estimated"]
pub struct Charge {
    cost: u32,
    /// TAT just after it was charged.
    tat: Exact,
    /// All that had been refunded until then.
    refunded: Exact,
    generation: u64,
}

/// A limit by GCRA: one instant, the theoretical arrival time (TAT), at which nothing is owed.
///
/// A call of cost c passes if `max(now, TAT) + c·T − now ≤ B·T`. Every step takes constant time
/// and allocates nothing. A `now` earlier than the latest one seen counts as the latest.
#[derive(Debug)]
pub struct Gcra {
    account: Account,
    /// The sum of all refunds under this quota.
    refunded: Exact,
    generation: u64,
    latest: Instant,
}

impl Gcra {
    /// A limit that owes nothing. The quota should be valid ([`Quota::validate`]).
    #[must_use]
    pub fn new(quota: Quota) -> Self {
        let account = Account::new(quota);
        Self { account, refunded: Exact::default(), generation: 0, latest: Instant::EPOCH }
    }

    /// The quota in force.
    #[must_use]
    pub const fn quota(&self) -> Quota {
        self.account.quota
    }

    /// Asks for one call and charges it if it passes. A cost of 0 passes unless something is owed
    /// beyond the burst.
    ///
    /// # Errors
    ///
    /// [`Refused`]; nothing is charged then.
    pub fn decide(&mut self, now: Instant, cost: u32) -> Decision {
        self.admit(now, cost)?;
        Ok(self.account.terms.admitted(self.account.tat, self.latest))
    }

    /// [`Gcra::decide`] for who does not ask what remains: to know costs a division.
    ///
    /// # Errors
    ///
    /// [`Refused`]; nothing is charged then.
    #[inline]
    pub fn admit(&mut self, now: Instant, cost: u32) -> Result<(), Refused> {
        let now = self.observe(now);
        self.account.tat = self.account.step(self.account.tat, now, cost)?;
        self.invariants();
        Ok(())
    }

    /// Asks for one call whose cost is only estimated.
    ///
    /// # Errors
    ///
    /// [`Refused`]; nothing is charged then.
    pub fn charge(&mut self, now: Instant, estimate: u32) -> Result<Charge, Refused> {
        self.admit(now, estimate)?;
        let Self { refunded, generation, .. } = *self;
        Ok(Charge { cost: estimate, tat: self.account.tat, refunded, generation })
    }

    /// The true cost of a call, known at its end. What it cost more is charged, down to a debt of
    /// one burst (then the rest is forgiven, or one wrong estimate would block for ever); what it
    /// cost less is returned.
    ///
    /// Returned is only what is still owed: what time has already forgiven would otherwise count
    /// twice. A charge made before the quota changed returns nothing.
    pub fn settle(&mut self, charge: Charge, actual: u32, now: Instant) {
        let now = self.observe(now);
        match actual.checked_sub(charge.cost) {
            Some(more) => self.charge_more(more, now),
            None => self.refund(&charge, charge.cost - actual, now),
        }
        self.invariants();
    }

    /// Takes another quota. Debt is kept, in calls: a limit that was spent stays spent, and
    /// recovers at the new rate. During a rate of zero nothing recovers.
    pub fn reconfigure(&mut self, quota: Quota, now: Instant) {
        let now = self.observe(now);
        self.account.change(quota, now);
        self.refunded = Exact::default();
        self.generation = self.generation.wrapping_add(1);
        self.invariants();
    }

    /// The limit at `now`. Changes nothing.
    #[must_use]
    pub fn snapshot(&self, now: Instant) -> RateSnapshot {
        self.account.snapshot(now.max(self.latest))
    }

    /// Checks, in debug builds, what must always hold.
    pub fn invariants(&self) {
        self.account.invariants(self.latest);
    }

    fn charge_more(&mut self, more: u32, now: Instant) {
        let Account { terms, tat, .. } = &mut self.account;
        let wanted = terms.after(*tat, now, more);
        *tat = (*tat).max(wanted.min(terms.floor(now)));
    }

    /// With D = TAT less what it would be without the charge: each refund since then took its part
    /// of the time that the charge still holds, and each instant that passes takes another. So
    /// `charge.tat − refunds − now` is at most D, and giving back no more never over-admits.
    fn refund(&mut self, charge: &Charge, less: u32, now: Instant) {
        if charge.generation != self.generation {
            return;
        }
        let Account { terms, tat, .. } = &mut self.account;
        let others = terms.minus(self.refunded, charge.refunded);
        let held = terms.minus(terms.minus(charge.tat, others), Exact::of(now));
        let back = terms.time_of(less).min(held);
        *tat = terms.minus(*tat, back);
        self.refunded = terms.plus(self.refunded, back);
    }

    fn observe(&mut self, now: Instant) -> Instant {
        self.latest = self.latest.max(now);
        self.latest
    }
}

impl Layer for Gcra {
    fn check(&mut self, now: Instant, cost: u32) -> Decision {
        let now = self.observe(now);
        let tat = self.account.step(self.account.tat, now, cost)?;
        Ok(self.account.terms.admitted(tat, now))
    }

    fn commit(&mut self, now: Instant, cost: u32) {
        let now = self.observe(now);
        self.account.tat = self.account.terms.after(self.account.tat, now, cost);
        self.invariants();
    }
}

#[cfg(all(test, debug_assertions))]
mod tests {
    use super::*;
    use crate::rate::Rate;

    #[test]
    #[should_panic(expected = "more than a nanosecond")]
    fn a_part_that_should_have_been_carried_is_noticed() {
        let mut gcra = Gcra::new(Quota::of(Rate::per_second(10)));
        gcra.account.tat.part = u64::MAX;
        gcra.invariants();
    }
}
