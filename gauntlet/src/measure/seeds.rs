//! Several seeds of one cell together, and two products over the same seeds. Every product meets
//! the same stream and fault for a seed, so that differences are taken seed by seed.

use seawall_core::rng::{Draw, Rng, Stream};
use serde::Serialize;

use super::metric::{Better, METRICS, Metric};
use super::number::median;
use super::{Figures, number::count};

/// A metric over the seeds of a cell.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Spread {
    /// In the middle.
    pub median: f64,
    /// The least.
    pub least: f64,
    /// The most.
    pub most: f64,
    /// Seeds that had a value.
    pub seeds: u64,
}

impl Spread {
    /// Of some values; none of none.
    #[must_use]
    pub fn of(values: &[f64]) -> Option<Self> {
        let least = values.iter().copied().min_by(f64::total_cmp)?;
        let most = values.iter().copied().max_by(f64::total_cmp)?;
        Some(Self { median: median(values)?, least, most, seeds: count(values) })
    }
}

/// Each metric over the runs of a cell, in the order of [`METRICS`]; none where no run has it.
#[must_use]
pub fn over_seeds(runs: &[&Figures]) -> Vec<(&'static Metric, Option<Spread>)> {
    let of = |metric: &'static Metric| {
        let values: Vec<f64> = runs.iter().filter_map(|run| (metric.of)(run)).collect();
        (metric, Spread::of(&values))
    };
    METRICS.iter().map(of).collect()
}

/// The noise of a metric: how far the runs without any fault lie apart, of each product by itself,
/// the most of all. A difference that is not above it is no difference. Zero without such runs.
#[must_use]
pub fn noise(metric: &Metric, calm: &[Vec<&Figures>]) -> f64 {
    let spreads = calm.iter().filter_map(|runs| {
        let values: Vec<f64> = runs.iter().filter_map(|run| metric.compared(run)).collect();
        Spread::of(&values)
    });
    spreads.map(|spread| spread.most - spread.least).fold(0.0, f64::max)
}

/// What a comparison came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The first is better, beyond noise and chance.
    Better,
    /// The first is worse, beyond noise and chance.
    Worse,
    /// The difference is within the noise, or its interval has zero in it.
    Tie,
}

/// Two products over the same seeds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Comparison {
    /// The median of the differences, first less second.
    pub difference: f64,
    /// Where its 95 % interval begins.
    pub low: f64,
    /// Where it ends.
    pub high: f64,
    /// Seeds that both have.
    pub seeds: u64,
    /// What that comes to.
    pub outcome: Outcome,
}

/// Samples drawn anew: with 2000 the ends of the interval move by about a percent of its length
/// from one drawing to another.
const SAMPLES: usize = 2000;

/// Compares two products by a metric. `pairs` holds the values of both for each seed that both
/// have; `noise` is that of [`noise`]. None without pairs.
///
/// The interval is the percentile bootstrap of the median difference over seeds (Efron 1979), drawn
/// from a fixed seed, so that equal runs give equal intervals. One seed has no interval: there the
/// noise alone decides.
#[must_use]
pub fn compare(metric: &Metric, pairs: &[(f64, f64)], noise: f64) -> Option<Comparison> {
    let differences: Vec<f64> = pairs.iter().map(|(ours, theirs)| ours - theirs).collect();
    let difference = median(&differences)?;
    let (low, high) = interval(&differences)?;
    let has_zero = low <= 0.0 && high >= 0.0;
    let less_is_better = metric.better == Better::Lower;
    let outcome = match difference {
        _ if difference.abs() <= noise || has_zero => Outcome::Tie,
        _ if (difference < 0.0) == less_is_better => Outcome::Better,
        _ => Outcome::Worse,
    };
    Some(Comparison { difference, low, high, seeds: count(pairs), outcome })
}

fn interval(differences: &[f64]) -> Option<(f64, f64)> {
    let mut stream = Stream::new(count(differences), "bootstrap over seeds");
    let mut medians: Vec<f64> = (0..SAMPLES)
        .filter_map(|_| {
            let sample = differences.iter().filter_map(|_| {
                let place = Draw::from_bits(stream.next_u64()).of(count(differences));
                differences.get(usize::try_from(place).ok()?).copied()
            });
            median(&sample.collect::<Vec<_>>())
        })
        .collect();
    medians.sort_by(f64::total_cmp);
    let low = medians.get(medians.len() / 40)?;
    let high = medians.get(medians.len().checked_sub(1 + medians.len() / 40)?)?;
    Some((*low, *high))
}
