//! What policies and services did over time: counts for each bucket of the timeline.
//!
//! Calls themselves are counted by the timelines of their loads (`record`), changes of state by
//! marks.

use seawall_core::call::{Role, Verdict};
use seawall_core::shed::ShedEvent;
use seawall_core::time::{Duration, Instant, nanos};
use seawall_core::upstream::What;

use super::{Heat, Work};

/// What happened in one bucket, over all loads, gateways and services; the warm-up included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// First attempts of gateways.
    pub firsts: u64,
    /// Retries of gateways.
    pub retries: u64,
    /// Hedges of gateways.
    pub hedges: u64,
    /// Calls that gateways shed by priority.
    pub shed: u64,
    /// Retries and hedges that a budget did not allow.
    pub denied: u64,
    /// Refusals: calls that gateways rejected, requests that replicas had no room for.
    pub refused: u64,
    /// Executions of unsafe calls after their first.
    pub duplicates: u64,
}

/// What a service did in one bucket, the warm-up included.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ServiceBucket {
    /// Requests that arrived.
    pub arrived: u64,
    /// Of these, refused.
    pub refused: u64,
    /// Work done that somebody waited for, in seconds.
    pub wanted: f64,
    /// Work done that nobody waited for, in seconds.
    pub wasted: f64,
}

/// What is kept of a run besides its loads, for each bucket.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Series {
    /// What policies did.
    pub tallies: Vec<Tally>,
    /// How long calls took.
    pub heat: Vec<Heat>,
}

/// The bucket that a world is in. Its time never goes back, so that a comparison finds it.
#[derive(Debug)]
pub(super) struct Place {
    index: usize,
    last: usize,
    until: Instant,
    bucket: Duration,
}

impl Place {
    pub(super) fn new(buckets: usize, bucket: Duration) -> Self {
        let until = Instant::EPOCH.after(bucket);
        Self { index: 0, last: buckets.saturating_sub(1), until, bucket }
    }

    /// The bucket of `now`; what comes after the last counts with it.
    pub(super) fn at(&mut self, now: Instant) -> usize {
        if now >= self.until {
            self.go_on(now);
        }
        self.index
    }

    #[cold]
    fn go_on(&mut self, now: Instant) {
        let length = nanos(self.bucket).max(1);
        let place = usize::try_from(now.as_nanos() / length).unwrap_or(usize::MAX);
        self.index = place.min(self.last);
        self.until = if self.index == self.last {
            Instant::NEVER
        } else {
            Instant::from_nanos((now.as_nanos() / length + 1).saturating_mul(length))
        };
    }
}

impl Series {
    pub(super) fn new(buckets: usize) -> Self {
        Self { tallies: vec![Tally::default(); buckets], heat: vec![Heat::default(); buckets] }
    }
}

impl Tally {
    pub(super) fn sent(&mut self, role: Role) {
        match role {
            Role::First => self.firsts += 1,
            Role::Retry => self.retries += 1,
            Role::Hedge => self.hedges += 1,
        }
    }

    pub(super) fn concluded(&mut self, verdict: Verdict) {
        self.refused += u64::from(matches!(verdict, Verdict::Rejected { .. }));
    }

    pub(super) fn decided(&mut self, what: What) {
        use seawall_core::budget::BudgetEvent::Denied;
        match what {
            What::Shed(ShedEvent::Shed { .. }) => self.shed += 1,
            What::Budget(Denied { .. }) => self.denied += 1,
            _ => {}
        }
    }
}

impl ServiceBucket {
    pub(super) fn worked(&mut self, work: Work, seconds: f64) {
        match work {
            Work::Wanted => self.wanted += seconds,
            Work::Wasted => self.wasted += seconds,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_found_by_division_as_by_comparison() {
        let mut place = Place::new(5, Duration::from_nanos(10));
        let seen = [0, 9, 10, 10, 35, 39, 40, 49, 50, 1_000_000].map(Instant::from_nanos);
        assert_eq!(seen.map(|now| place.at(now)), [0, 0, 1, 1, 3, 3, 4, 4, 4, 4]);
    }

    #[test]
    fn one_bucket_holds_everything() {
        let mut place = Place::new(1, Duration::from_nanos(1));
        assert_eq!([0, 7, u64::MAX].map(|n| place.at(Instant::from_nanos(n))), [0, 0, 0]);
    }
}
