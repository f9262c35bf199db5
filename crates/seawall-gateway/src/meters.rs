//! Counters of the data plane, besides those that the machines keep themselves. Status and
//! metrics read the same ones, so that they never disagree; the text form is in
//! `observe/metrics.rs`.

use std::sync::atomic::{AtomicU64, Ordering};

use prometheus_client::metrics::histogram::Histogram;

use seawall_core::reason::Reason;

/// A number that only grows.
#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    /// One more.
    pub(crate) fn bump(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    /// So many more.
    pub(crate) fn add(&self, more: u64) {
        self.0.fetch_add(more, Ordering::Relaxed);
    }

    /// The number.
    pub(crate) fn total(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Counters by reason code.
#[derive(Debug)]
pub(crate) struct ByReason([Counter; Reason::ALL.len()]);

impl Default for ByReason {
    fn default() -> Self {
        Self(std::array::from_fn(|_| Counter::default()))
    }
}

impl ByReason {
    /// One more of `reason`.
    pub(crate) fn bump(&self, reason: Reason) {
        if let Some(counter) = self.0.get(reason as usize) {
            counter.bump();
        }
    }

    /// The reasons that have occurred, with their numbers.
    pub(crate) fn totals(&self) -> impl Iterator<Item = (Reason, u64)> {
        let pairs = Reason::ALL.into_iter().zip(self.0.iter());
        pairs.map(|(reason, counter)| (reason, counter.total())).filter(|(_, total)| *total > 0)
    }
}

/// Counters of an upstream.
#[derive(Debug, Default)]
pub(crate) struct UpstreamMeters {
    /// Calls that ended.
    pub(crate) calls: Counter,
    /// Calls that ended without a good answer.
    pub(crate) failed: Counter,
    /// Calls that a rung answered.
    pub(crate) fallbacks: Counter,
    /// Calls with a first attempt.
    pub(crate) first_attempts: Counter,
    /// Attempts that were begun.
    pub(crate) begun: Counter,
    /// Attempts after an earlier one of the same call.
    pub(crate) retries: Counter,
    /// Attempts beside a slow one of the same call.
    pub(crate) hedges: Counter,
    /// Retries that were wanted and not made.
    pub(crate) denied: ByReason,
    /// Ejections.
    pub(crate) ejections: Counter,
    /// Openings of its own breaker.
    pub(crate) breaker_opened: Counter,
    /// Openings of its endpoints' breakers.
    pub(crate) endpoint_breakers_opened: Counter,
}

/// Counters of a route.
#[derive(Debug)]
pub(crate) struct RouteMeters {
    /// Calls by verdict, in the order of [`crate::proxy::VERDICTS`].
    pub(crate) verdicts: [Counter; 6],
    /// Answers by the hundreds of their status, 1xx to 5xx.
    pub(crate) statuses: [Counter; 5],
    /// Local answers.
    pub(crate) local: ByReason,
    /// Duration of calls, in seconds.
    pub(crate) duration: Histogram,
}

/// Upper edges of the duration histogram, in seconds: from a fast cache to the longest deadline.
const DURATION_EDGES: [f64; 14] =
    [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];

impl Default for RouteMeters {
    fn default() -> Self {
        Self {
            verdicts: Default::default(),
            statuses: Default::default(),
            local: ByReason::default(),
            duration: Histogram::new(DURATION_EDGES),
        }
    }
}
