//! Comparing endpoints by their success rates: what is the middle, and how far from it is too far.
//!
//! By default median and median absolute deviation, because mean and standard deviation are moved
//! by the very outliers they should find: k bad of n have z = √((n − k)/k), which never reaches 1.9
//! once more than 21.7 % are bad (Leys et al., "Detecting outliers", 2013, on the MAD in general).
//! The latter are there for comparison. Latencies are compared in `latency.rs`.

use alloc::vec::Vec;

use super::event::Finding;
use super::record::Tally;
use super::settings::{MeanRule, OutlierSettings};
use crate::endpoint::Slot;
use crate::number::small;
use crate::ratio::Ratio;

/// 3 · 1.4826: three standard deviations, estimated from the MAD of a normal distribution.
const SPREADS: Ratio = Ratio::from_ppm(4_447_800);

/// With fewer endpoints there is no telling which of them is the odd one.
pub(super) const COMPARABLE_MIN: usize = 3;

/// An endpoint with its success rate, rounded down. Ordered from the worst, then by slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Rated {
    pub(super) rate: Ratio,
    pub(super) slot: Slot,
    pub(super) failures: u32,
    pub(super) requests: u32,
}

impl Rated {
    /// The rate of a tally; none without requests.
    pub(super) fn new(slot: Slot, tally: Tally) -> Option<Self> {
        let requests = tally.requests();
        let rate = share(tally.successes, requests)?;
        Some(Self { rate, slot, failures: tally.failures, requests })
    }
}

/// What the endpoints of a judgement are held against.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Thresholds {
    /// A rate below this is too low by the median.
    pub(super) deviation: Option<Ratio>,
    /// A rate below this is too low by the mean, with so many requests.
    pub(super) mean: Option<(Ratio, u32)>,
    /// A share of failures of this much is too large.
    pub(super) share: Option<Ratio>,
}

impl Thresholds {
    /// Those that hold among the endpoints of `rated`, which is sorted and has enough requests;
    /// `scratch` needs room for as many.
    pub(super) fn among(
        rated: &[Rated],
        settings: &OutlierSettings,
        scratch: &mut Vec<u32>,
    ) -> Self {
        let enough = rated.len() >= settings.failure_share_endpoints as usize;
        let mean = settings.mean;
        Self {
            deviation: settings.deviation.and_then(|points| threshold(rated, points, scratch)),
            mean: mean.and_then(|rule| Some((below_mean(rated, rule)?, rule.min_requests))),
            share: settings.failure_share.filter(|_| enough),
        }
    }

    /// What is wrong with an endpoint, if anything.
    pub(super) fn finding(&self, rated: &Rated) -> Option<Finding> {
        let mean = self.mean.filter(|(_, least)| rated.requests >= *least);
        let thresholds = self.deviation.into_iter().chain(mean.map(|(threshold, _)| threshold));
        let rate = rated.rate;
        if let Some(threshold) = thresholds.filter(|threshold| rate < *threshold).max() {
            return Some(Finding::SuccessRate { rate, threshold });
        }
        let limit = self.share?;
        let reached = limit.is_reached_by(u64::from(rated.failures), u64::from(rated.requests));
        let share = share(rated.failures, rated.requests)?;
        reached.then_some(Finding::FailureShare { share, limit })
    }
}

/// `part / whole`, rounded down; none of nothing.
pub(super) fn share(part: u32, whole: u32) -> Option<Ratio> {
    (whole > 0).then(|| Ratio::of_parts(part.into(), whole.into()))
}

/// The rate below which an endpoint is an outlier: median − max(3 · 1.4826 · MAD, `deviation`).
/// None with fewer than three. `rated` is sorted; `scratch` needs room for as many.
pub(super) fn threshold(
    rated: &[Rated],
    deviation: Ratio,
    scratch: &mut Vec<u32>,
) -> Option<Ratio> {
    if rated.len() < COMPARABLE_MIN {
        return None;
    }
    scratch.clear();
    scratch.extend(rated.iter().map(|rated| rated.rate.ppm()));
    let median = median(scratch);
    for value in scratch.iter_mut() {
        *value = value.abs_diff(median);
    }
    scratch.sort_unstable();
    let spread = SPREADS.of(u64::from(self::median(scratch)));
    let spread = small(spread).max(deviation.ppm());
    Some(Ratio::from_ppm(median.saturating_sub(spread)))
}

/// The rate below which an endpoint is an outlier for Envoy: mean − factor · σ of the population.
/// None with too few endpoints that have enough requests; zero, below which nobody is, where the
/// difference would be negative.
pub(super) fn below_mean(rated: &[Rated], rule: MeanRule) -> Option<Ratio> {
    let judged = rated.iter().filter(|rated| rated.requests >= rule.min_requests);
    let (count, sum, squares) = judged.fold((0, 0, 0), |(count, sum, squares), rated| {
        let rate = u128::from(rated.rate.ppm());
        (count + 1, sum + rate, squares + rate * rate)
    });
    if count < u128::from(rule.min_endpoints.max(1)) {
        return None;
    }
    // √(n·Σx² − (Σx)²) = n·σ, so that everything stays a whole number until the end.
    let spread = u64::try_from((count * squares - sum * sum).isqrt()).ok()?;
    let allowed = u128::from(rule.factor.of(spread));
    let threshold = sum.saturating_sub(allowed) / count;
    u32::try_from(threshold).ok().map(Ratio::from_ppm)
}

/// The middle of a sorted list; the mean of the two middle ones, rounded down, where there are two.
fn median(sorted: &[u32]) -> u32 {
    let upper = sorted.get(sorted.len() / 2).copied().unwrap_or_default();
    if sorted.len() % 2 == 1 {
        return upper;
    }
    let lower = sorted.len().checked_sub(2).and_then(|end| sorted.get(end / 2));
    lower.copied().unwrap_or_default().midpoint(upper)
}
