//! Comparing endpoints by their latencies: each with the median of the others.
//!
//! Of the others, because of two endpoints the slow one is half of the median of both.

use super::event::Finding;
use super::settings::LatencyRule;
use crate::endpoint::Slot;
use crate::time::{Duration, nanos};

/// An endpoint with the median of its latencies in nanoseconds. Ordered from the fastest, then by
/// slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Timed {
    pub(super) median: u64,
    pub(super) slot: Slot,
}

/// What is wrong with the endpoint at `place` of a sorted list, if anything.
pub(super) fn finding(timed: &[Timed], place: usize, rule: &LatencyRule) -> Option<Finding> {
    let median = Duration::from_nanos(timed.get(place)?.median);
    let threshold = threshold(timed, place, rule)?;
    (median >= threshold).then_some(Finding::Latency { median, threshold })
}

/// The median from which on the endpoint at `place` is an outlier:
/// max(factor · m, m + least), m being the median of the others. None without others.
pub(super) fn threshold(timed: &[Timed], place: usize, rule: &LatencyRule) -> Option<Duration> {
    let others = median_without(timed, place)?;
    let times = rule.factor.of(others);
    let above = others.saturating_add(nanos(rule.least));
    Some(Duration::from_nanos(times.max(above)))
}

/// The median of a sorted list without one place; the mean of the two middle ones, rounded down,
/// where there are two.
fn median_without(timed: &[Timed], place: usize) -> Option<u64> {
    let others = timed.len().checked_sub(1).filter(|others| *others > 0)?;
    let at = |rank: usize| timed.get(rank + usize::from(rank >= place)).map(|timed| timed.median);
    let upper = at(others / 2)?;
    if others % 2 == 1 {
        return Some(upper);
    }
    Some(at(others / 2 - 1)?.midpoint(upper))
}
