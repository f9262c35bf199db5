//! Distributions of durations: service times, legs of the network, pauses of users.

use std::sync::Arc;

use seawall_core::rng::Rng;
use seawall_core::time::Duration;

use crate::chance::{exponential, normal, unit};

/// How long something takes.
#[derive(Clone, Debug, PartialEq)]
pub enum Distribution {
    /// Always the same.
    Constant(Duration),
    /// Without memory, with this mean.
    Exponential(Duration),
    /// Evenly between two bounds.
    Uniform(Duration, Duration),
    /// The size of a normal variable: mean and deviation of the latter.
    Normal(Duration, Duration),
    /// Its logarithm is normal: the median, and the deviation of the logarithm.
    LogNormal {
        /// Half of the draws are shorter.
        median: Duration,
        /// Deviation of the natural logarithm.
        sigma: f64,
    },
    /// Weibull: long tails for a shape below 1.
    Weibull {
        /// The scale λ.
        scale: Duration,
        /// The shape k.
        shape: f64,
    },
    /// One of several, each with its weight.
    Mixture(Arc<[(f64, Distribution)]>),
    /// As observed: one of these, drawn evenly.
    Empirical(Arc<[Duration]>),
}

impl Distribution {
    /// No time at all.
    pub const NONE: Self = Self::Constant(Duration::ZERO);

    /// The log-normal distribution with these two quantiles; `p99` above `p50`.
    #[must_use]
    pub fn between(p50: Duration, p99: Duration) -> Self {
        // The 99 % quantile of the standard normal distribution.
        const Z99: f64 = 2.326_347_874_040_841;
        let sigma = libm::log(p99.as_secs_f64() / p50.as_secs_f64()) / Z99;
        Self::LogNormal { median: p50, sigma }
    }

    /// Draws one duration.
    #[inline]
    pub fn draw(&self, rng: &mut impl Rng) -> Duration {
        // Most are: a network without delay is drawn from several times for each call.
        if let Self::Constant(time) = self {
            return *time;
        }
        self.draw_by_chance(rng)
    }

    fn draw_by_chance(&self, rng: &mut impl Rng) -> Duration {
        match self {
            Self::Constant(time) => *time,
            Self::Exponential(mean) => scaled(*mean, exponential(rng)),
            Self::Uniform(from, to) => *from + scaled(to.saturating_sub(*from), unit(rng)),
            Self::Normal(mean, deviation) => {
                seconds((mean.as_secs_f64() + deviation.as_secs_f64() * normal(rng)).abs())
            }
            Self::LogNormal { median, sigma } => scaled(*median, libm::exp(sigma * normal(rng))),
            Self::Weibull { scale, shape } => {
                scaled(*scale, libm::pow(exponential(rng), 1.0 / shape))
            }
            Self::Mixture(parts) => match pick(parts, unit(rng)) {
                Some(part) => part.draw(rng),
                None => Duration::ZERO,
            },
            Self::Empirical(seen) => {
                let index = rng.below(u64::try_from(seen.len()).unwrap_or(u64::MAX));
                let index = usize::try_from(index).unwrap_or_default();
                seen.get(index).copied().unwrap_or_default()
            }
        }
    }

    /// The mean in seconds.
    #[must_use]
    pub fn mean(&self) -> f64 {
        match self {
            Self::Constant(time) | Self::Exponential(time) => time.as_secs_f64(),
            Self::Uniform(from, to) => f64::midpoint(from.as_secs_f64(), to.as_secs_f64()),
            Self::Normal(mean, deviation) => folded(mean.as_secs_f64(), deviation.as_secs_f64()),
            Self::LogNormal { median, sigma } => {
                median.as_secs_f64() * libm::exp(sigma * sigma / 2.0)
            }
            Self::Weibull { scale, shape } => scale.as_secs_f64() * libm::tgamma(1.0 + 1.0 / shape),
            Self::Mixture(parts) => {
                let total: f64 = parts.iter().map(|(weight, _)| weight).sum();
                parts.iter().map(|(weight, part)| weight * part.mean()).sum::<f64>() / total
            }
            Self::Empirical(seen) => {
                let count = u32::try_from(seen.len()).unwrap_or(u32::MAX);
                seen.iter().map(Duration::as_secs_f64).sum::<f64>() / f64::from(count.max(1))
            }
        }
    }
}

/// The mean of the size of a normal variable.
fn folded(mean: f64, deviation: f64) -> f64 {
    if deviation <= 0.0 {
        return mean.abs();
    }
    let ratio = mean / deviation;
    let spread = deviation * libm::sqrt(2.0 / std::f64::consts::PI);
    spread * libm::exp(-ratio * ratio / 2.0) + mean * libm::erf(ratio / std::f64::consts::SQRT_2)
}

fn pick(parts: &[(f64, Distribution)], draw: f64) -> Option<&Distribution> {
    let total: f64 = parts.iter().map(|(weight, _)| weight).sum();
    let mut left = draw * total;
    for (weight, part) in parts {
        left -= weight;
        if left < 0.0 {
            return Some(part);
        }
    }
    // Rounding may leave the last crumb to nobody.
    parts.last().map(|(_, part)| part)
}

/// `factor` times `time`, in nanoseconds; below zero and NaN are nothing, and the longest is 584
/// years.
#[must_use]
pub fn scaled(time: Duration, factor: f64) -> Duration {
    #[expect(clippy::cast_precision_loss, reason = "durations of a hundred days and more round")]
    let nanos = seawall_core::time::nanos(time) as f64;
    rounded(nanos * factor)
}

/// A number of seconds as a duration, with the same ends.
#[must_use]
pub fn seconds(seconds: f64) -> Duration {
    rounded(seconds * 1e9)
}

/// To the nearest number. The cast cuts off what follows the point, so that the rest says whether
/// to round up: most processors that this is built for can only be told to round by a function.
fn rounded(nanos: f64) -> Duration {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "the cast stops at the ends of the range, NaN is nothing, and what has a rest is \
                  exact both ways"
    )]
    let (whole, rest) = (nanos as u64, nanos - (nanos as u64) as f64);
    Duration::from_nanos(whole.saturating_add(u64::from(rest >= 0.5)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chance::Seed;

    const MS: Duration = Duration::from_millis(1);

    fn all() -> Vec<Distribution> {
        let mixture =
            [(0.9, Distribution::Exponential(10 * MS)), (0.1, Distribution::Constant(100 * MS))];
        vec![
            Distribution::Constant(7 * MS),
            Distribution::Exponential(20 * MS),
            Distribution::Uniform(10 * MS, 30 * MS),
            Distribution::Normal(10 * MS, 2 * MS),
            Distribution::Normal(MS, 3 * MS),
            Distribution::between(40 * MS, 100 * MS),
            Distribution::Weibull { scale: 10 * MS, shape: 0.8 },
            Distribution::Mixture(mixture.into()),
            Distribution::Empirical([MS, 2 * MS, 6 * MS].into()),
        ]
    }

    #[test]
    fn the_mean_of_many_draws_is_the_mean() {
        for distribution in all() {
            let mut rng = Seed::new(3).stream("mean");
            let n = 200_000_u32;
            let sum: f64 = (0..n).map(|_| distribution.draw(&mut rng).as_secs_f64()).sum();
            let ratio = sum / f64::from(n) / distribution.mean();
            // The widest has a deviation of about 1.3 means: four standard errors are 1.2 %.
            assert!((ratio - 1.0).abs() < 0.012, "{distribution:?}: {ratio}");
        }
    }

    #[test]
    fn nanoseconds_are_rounded_to_the_nearest_and_stop_at_the_ends() {
        let just_below_half = 0.499_999_999_999_999_94;
        for (nanos, expected) in [
            (0.0, 0),
            (just_below_half, 0),
            (0.5, 1),
            (1.5, 2),
            (2.5, 3),
            (-0.7, 0),
            (4_503_599_627_370_495.5, 4_503_599_627_370_496),
            (1e17, 100_000_000_000_000_000),
            (1.9e19, u64::MAX),
            (f64::INFINITY, u64::MAX),
            (f64::NEG_INFINITY, 0),
            (f64::NAN, 0),
        ] {
            assert_eq!(rounded(nanos), Duration::from_nanos(expected), "{nanos}");
        }
    }

    #[test]
    fn a_log_normal_has_the_quantiles_it_was_made_of() {
        let distribution = Distribution::between(40 * MS, 300 * MS);
        let mut rng = Seed::new(4).stream("quantiles");
        let mut draws: Vec<_> = (0..100_000).map(|_| distribution.draw(&mut rng)).collect();
        draws.sort_unstable();
        let (p50, p99) = (draws[50_000].as_secs_f64(), draws[99_000].as_secs_f64());
        assert!((p50 / 0.04 - 1.0).abs() < 0.02, "{p50}");
        assert!((p99 / 0.3 - 1.0).abs() < 0.05, "{p99}");
    }
}
