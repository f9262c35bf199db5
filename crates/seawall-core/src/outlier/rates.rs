//! Comparing endpoints by their success rates: the median, and how far from it is too far.
//!
//! Median and median absolute deviation, because mean and standard deviation are moved by the very
//! outliers they should find: k bad of n have z = √((n − k)/k), which never reaches 1.9 once more
//! than 21.7 % are bad (Leys et al., "Detecting outliers", 2013, on the MAD in general).

use alloc::vec::Vec;

use super::event::Finding;
use super::record::Tally;
use super::settings::OutlierSettings;
use crate::endpoint::Slot;
use crate::ratio::Ratio;

/// 3 · 1.4826: three standard deviations, estimated from the MAD of a normal distribution.
const SPREADS: Ratio = Ratio::from_ppm(4_447_800);

/// With fewer endpoints there is no telling which of them is the odd one.
const COMPARABLE_MIN: usize = 3;

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

/// `part / whole`, rounded down; none of nothing.
pub(super) fn share(part: u32, whole: u32) -> Option<Ratio> {
    let ppm = u64::from(part) * u64::from(Ratio::ONE.ppm());
    let ppm = ppm.checked_div(u64::from(whole))?;
    u32::try_from(ppm).ok().map(Ratio::from_ppm)
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
    let spread = u32::try_from(spread).unwrap_or(u32::MAX).max(deviation.ppm());
    Some(Ratio::from_ppm(median.saturating_sub(spread)))
}

/// What is wrong with an endpoint, if anything.
pub(super) fn finding(
    rated: &Rated,
    threshold: Option<Ratio>,
    settings: &OutlierSettings,
) -> Option<Finding> {
    if let Some(threshold) = threshold.filter(|threshold| rated.rate < *threshold) {
        return Some(Finding::SuccessRate { rate: rated.rate, threshold });
    }
    let limit = settings.failure_share?;
    let reached = limit.is_reached_by(u64::from(rated.failures), u64::from(rated.requests));
    let share = share(rated.failures, rated.requests)?;
    reached.then_some(Finding::FailureShare { share, limit })
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
