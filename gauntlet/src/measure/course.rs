//! A run second by second, as plots show it. What is judged is computed elsewhere.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::class::CLASSES;
use super::ledger::Ledger;
use super::number::{SECOND, number, seconds};
use super::span::Span;
use super::traffic::Traffic;

/// A run from the beginning of control to the end of observation. Times are seconds since that
/// beginning.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Course {
    /// When the fault phase began.
    pub fault: f64,
    /// When the observation began.
    pub observation: f64,
    /// From when the first fault was set to when the last one was lifted; none without a fault.
    pub harm: Option<(f64, f64)>,
    /// The seconds, by the intended starts of requests.
    pub seconds: Vec<Second>,
}

/// A second of a run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Second {
    /// Requests of each class, in the order of [`CLASSES`].
    pub classes: [u64; CLASSES.len()],
    /// Attempts at each replica, from 0.
    pub attempts: Vec<f64>,
    /// The p99 of its requests in nanoseconds, failed ones counted as the patience.
    pub p99: Option<u64>,
}

impl Second {
    /// All requests that were asked.
    #[must_use]
    pub fn offered(&self) -> u64 {
        self.classes.iter().sum()
    }

    /// Those that ended well.
    #[must_use]
    pub fn ok(&self) -> u64 {
        self.classes.first().copied().unwrap_or_default()
    }

    /// Attempts for each request; none without requests.
    #[must_use]
    pub fn amplification(&self) -> Option<f64> {
        let offered = self.offered();
        (offered > 0).then(|| self.attempts.iter().sum::<f64>() / number(offered))
    }
}

impl Course {
    pub(crate) fn of(ledger: &Ledger<'_>, traffic: &Traffic) -> Self {
        let spans = &ledger.spans;
        let whole = Span { from: spans.control.from, to: spans.observation.to };
        let at = |stamp: crate::stamp::Stamp| seconds(stamp.since(whole.from));
        Self {
            fault: at(spans.fault.from),
            observation: at(spans.observation.from),
            harm: (!ledger.scenario.faults.is_empty())
                .then(|| (at(spans.struck), at(spans.removed))),
            seconds: whole.pieces(SECOND).map(|piece| second(ledger, traffic, piece)).collect(),
        }
    }
}

fn second(ledger: &Ledger<'_>, traffic: &Traffic, piece: Span) -> Second {
    let requests = ledger.within(piece);
    let replicas = traffic.replicas().max().map_or(0, |last| *last + 1);
    Second {
        classes: classes(requests),
        attempts: (0..replicas).map(|replica| traffic.at(replica, piece)).collect(),
        p99: super::Latency::of(requests).p99,
    }
}

/// How many requests came to each class.
pub(crate) fn classes(requests: &[super::ledger::Request<'_>]) -> [u64; CLASSES.len()] {
    let mut counts: BTreeMap<usize, u64> = BTreeMap::new();
    for request in requests {
        *counts.entry(request.class.place()).or_default() += 1;
    }
    std::array::from_fn(|place| counts.get(&place).copied().unwrap_or_default())
}
