//! What one side of the demo lived through: counts, reasons of failures, latency quantiles. Who
//! measures is `load`; how it is printed is in `screen` and `report`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::Duration;

use hdrhistogram::Histogram;

use super::arrivals::Wish;
use super::client::Mishap;

/// Why a request failed, as the customer sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Failure {
    /// No complete answer.
    Mishap(Mishap),
    /// An answer that is not 200.
    Status(u16),
    /// Not even sent: too many others were still unanswered.
    InFlightBound,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mishap(mishap) => f.write_str(mishap.name()),
            Self::Status(status) => write!(f, "status {status}"),
            Self::InFlightBound => f.write_str("too many in flight"),
        }
    }
}

/// How a request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// Served in full.
    Served,
    /// Served, with a substitute for a part of it.
    Degraded,
    /// Failed.
    Failed(Failure),
}

/// Counts and latencies over some time.
#[derive(Clone, Debug)]
pub(super) struct Sums {
    /// All requests that ended, however they ended.
    pub(super) requests: u64,
    /// Of them, those that failed.
    pub(super) failed: u64,
    /// Of them, those served degraded.
    pub(super) degraded: u64,
    latencies: Option<Histogram<u32>>,
}

/// The longest latency told apart, in microseconds: a minute, twelve times the customer's
/// patience. Longer ones count as this.
const LATENCY_MAX_MICROS: u64 = 60_000_000;
/// Three digits tell 2.00 s from 2.01 s, and keep a histogram below 100 KiB.
const DIGITS: u8 = 3;

impl Sums {
    fn new() -> Self {
        // The bounds are constants within the histogram's limits; without it only quantiles go.
        let latencies = Histogram::new_with_bounds(1, LATENCY_MAX_MICROS, DIGITS).ok();
        Self { requests: 0, failed: 0, degraded: 0, latencies }
    }

    fn count(&mut self, end: End, latency: Duration) {
        self.requests += 1;
        match end {
            End::Served => {}
            End::Degraded => self.degraded += 1,
            End::Failed(_) => self.failed += 1,
        }
        if let Some(latencies) = &mut self.latencies {
            let micros = u64::try_from(latency.as_micros()).unwrap_or(LATENCY_MAX_MICROS);
            latencies.saturating_record(micros);
        }
    }

    /// The latency that the share `quantile` of all requests, failed ones included, stayed
    /// within. Zero if there were none.
    pub(super) fn quantile(&self, quantile: f64) -> Duration {
        let micros = self.latencies.as_ref().map_or(0, |all| all.value_at_quantile(quantile));
        Duration::from_micros(micros)
    }

    /// Requests that were served, in full or degraded.
    pub(super) const fn served(&self) -> u64 {
        self.requests - self.failed
    }
}

/// All that is known of one side.
#[derive(Debug)]
pub(super) struct Tally {
    /// Since the start.
    pub(super) whole: Sums,
    /// Failures by what was asked and why they failed; bounded by the few kinds of both.
    pub(super) failures: BTreeMap<(Wish, Failure), u64>,
    /// Numbers of the payments that the customer holds a confirmation for.
    pub(super) confirmed: BTreeSet<u64>,
    slice: Sums,
}

impl Tally {
    /// Nothing lived through yet.
    pub(super) fn new() -> Self {
        let (failures, confirmed) = (BTreeMap::new(), BTreeSet::new());
        Self { whole: Sums::new(), failures, confirmed, slice: Sums::new() }
    }

    /// A request for `wish` ended as `end`, `latency` after it was due.
    pub(super) fn count(&mut self, wish: Wish, end: End, latency: Duration) {
        self.whole.count(end, latency);
        self.slice.count(end, latency);
        if let End::Failed(failure) = end {
            *self.failures.entry((wish, failure)).or_default() += 1;
        }
    }

    /// What happened since the last call of this.
    pub(super) fn take_slice(&mut self) -> Sums {
        std::mem::replace(&mut self.slice, Sums::new())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn quantiles_count_every_request_failed_ones_included() {
        let mut tally = Tally::new();
        for _ in 0..98 {
            tally.count(Wish::Page, End::Served, 10 * MS);
        }
        let timed_out = End::Failed(Failure::Mishap(Mishap::TimedOut));
        tally.count(Wish::Page, timed_out, 2_000 * MS);
        tally.count(Wish::Page, timed_out, 2_000 * MS);
        let (median, tail) = (tally.whole.quantile(0.5), tally.whole.quantile(0.99));
        assert!((9 * MS..12 * MS).contains(&median), "p50 is {median:?}");
        assert!((1_980 * MS..2_020 * MS).contains(&tail), "p99 is {tail:?}");
        assert_eq!(tally.failures.values().sum::<u64>(), 2);
    }

    #[test]
    fn a_slice_starts_anew_while_the_whole_goes_on() {
        let mut tally = Tally::new();
        tally.count(Wish::Page, End::Degraded, MS);
        assert_eq!(tally.take_slice().requests, 1);
        tally.count(Wish::Payment, End::Failed(Failure::InFlightBound), MS);
        let slice = tally.take_slice();
        assert_eq!((slice.requests, slice.failed, slice.degraded), (1, 1, 0));
        assert_eq!((tally.whole.requests, tally.whole.failed, tally.whole.degraded), (2, 1, 1));
        assert_eq!(tally.whole.served(), 1);
    }

    #[test]
    fn latencies_past_the_longest_count_as_the_longest() {
        let mut tally = Tally::new();
        tally.count(Wish::Page, End::Served, Duration::from_secs(3_600));
        assert!(tally.whole.quantile(1.0) >= Duration::from_secs(59));
    }
}
