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
    /// How many requests took how long: cells of [`cell_start`] that are not empty, failed requests
    /// counted as the patience.
    #[serde(default)]
    pub cells: Vec<(u32, u64)>,
    /// The p50 of its requests in nanoseconds, likewise.
    #[serde(default)]
    pub p50: Option<u64>,
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
    let latency = super::Latency::of(requests);
    Second {
        classes: classes(requests),
        attempts: (0..replicas).map(|replica| traffic.at(replica, piece)).collect(),
        cells: cells(requests),
        p50: latency.p50,
        p99: latency.p99,
    }
}

fn cells(requests: &[super::ledger::Request<'_>]) -> Vec<(u32, u64)> {
    let mut counts: BTreeMap<u32, u64> = BTreeMap::new();
    for request in requests {
        *counts.entry(cell(request.latency)).or_default() += 1;
    }
    counts.into_iter().collect()
}

/// The cell of a latency: its highest bit and the two below it, so that four cells are a doubling.
fn cell(nanos: u64) -> u32 {
    // Below four nanoseconds there are no two bits to tell apart, and no answers.
    let nanos = nanos.max(4);
    let octave = nanos.ilog2();
    let quarter = u32::try_from((nanos >> (octave - 2)) & 3).unwrap_or(0);
    octave * 4 + quarter
}

/// Where a cell of latencies begins, in seconds.
#[must_use]
pub fn cell_start(cell: u32) -> f64 {
    let (octave, quarter) = ((cell / 4).clamp(2, 61), u64::from(cell % 4));
    seconds((4 + quarter) << (octave - 2))
}

/// How many requests came to each class.
pub(crate) fn classes(requests: &[super::ledger::Request<'_>]) -> [u64; CLASSES.len()] {
    let mut counts: BTreeMap<usize, u64> = BTreeMap::new();
    for request in requests {
        *counts.entry(request.class.place()).or_default() += 1;
    }
    std::array::from_fn(|place| counts.get(&place).copied().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_latency_lies_in_its_cell() {
        for nanos in [4, 5, 7, 8, 1_000, 20_000_000, 4_999_999_999, 5_000_000_000, 1 << 60] {
            let cell = cell(nanos);
            let at = seconds(nanos);
            assert!(cell_start(cell) <= at && at < cell_start(cell + 1), "{nanos}: {cell}");
        }
        assert_eq!(cell(0), cell(3), "what is faster than any network is one cell");
    }
}
