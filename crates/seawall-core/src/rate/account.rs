//! What one limit owes, through changes of its quota.
//!
//! The rule by which it admits is in `quota.rs`; who asks is in `gcra.rs` and `queue.rs`.

use super::quota::{Quota, Terms};
use super::rate::Exact;
use super::{RateSnapshot, Refused};
use crate::time::{Instant, nanos};

/// A theoretical arrival time (TAT) and the terms it is kept in.
#[derive(Debug)]
pub(super) struct Account {
    /// What is enforced.
    pub(super) quota: Quota,
    /// What TAT is kept in: of the latest rate that was not zero.
    pub(super) terms: Terms,
    pub(super) tat: Exact,
    /// Since when the rate is zero: nothing is emitted meanwhile.
    blocked: Option<Instant>,
}

impl Account {
    pub(super) fn new(quota: Quota) -> Self {
        Self {
            quota,
            terms: Terms::new(quota),
            tat: Exact::default(),
            blocked: quota.rate.is_zero().then_some(Instant::EPOCH),
        }
    }

    /// TAT after a call at `now`, with `tat` before it, if it passes.
    #[inline]
    pub(super) fn step(&self, tat: Exact, now: Instant, cost: u32) -> Result<Exact, Refused> {
        if self.blocked.is_none() {
            return self.terms.step(tat, now, cost);
        }
        if cost > self.quota.burst {
            return Err(Refused::Impossible { capacity: self.quota.burst.into() });
        }
        Err(Refused::Limited { retry_at: Instant::NEVER, remaining: 0 })
    }

    /// When a call that makes TAT `new` passes.
    pub(super) fn instant_of(&self, new: Exact) -> Instant {
        if self.blocked.is_some() { Instant::NEVER } else { self.terms.instant_of(new) }
    }

    pub(super) fn remaining(&self, tat: Exact, now: Instant) -> u64 {
        if self.blocked.is_some() { 0 } else { self.terms.remaining(tat, now) }
    }

    /// Takes another quota and keeps the debt, in calls. The time of a block does not count.
    pub(super) fn change(&mut self, quota: Quota, now: Instant) {
        if let Some(since) = self.blocked {
            let owed = self.terms.minus(self.tat, Exact::of(since));
            let still = Exact { at: nanos(now.since(since)), part: 0 };
            let resumed = self.terms.plus(Exact::of(since), still);
            self.tat = self.terms.plus(resumed, owed);
        }
        self.blocked = quota.rate.is_zero().then_some(now);
        if !quota.rate.is_zero() {
            let terms = Terms::new(quota);
            self.tat = self.terms.carried(self.tat, now, &terms);
            self.terms = terms;
        }
        self.quota = quota;
    }

    pub(super) fn snapshot(&self, now: Instant) -> RateSnapshot {
        if self.blocked.is_some() {
            return Terms::new(self.quota).snapshot(Exact::NEVER, now);
        }
        self.terms.snapshot(self.tat, now)
    }

    pub(super) fn invariants(&self, latest: Instant) {
        let count = self.terms.count().max(1);
        debug_assert!(self.tat.part < count, "more than a nanosecond beside the nanoseconds");
        debug_assert!(self.blocked.is_some() == self.quota.rate.is_zero(), "blocked by a rate");
        debug_assert!(self.blocked.is_none_or(|since| since <= latest), "in the future");
    }
}
