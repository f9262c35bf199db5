//! How latency spreads, from two of its quantiles: a lognormal distribution through both.
//!
//! Pure arithmetic for checks of a configuration; what is measured while calls run is in
//! `histogram`.

use crate::ratio::Ratio;
use crate::time::Duration;

/// Halvings that find a quantile of the normal distribution to the last digit of a float.
const HALVINGS: u32 = 60;

/// No quantile that a [`Ratio`] can name lies further out, in standard deviations.
const FURTHEST: f64 = 8.0;

/// A lognormal distribution of latencies, the shape that services usually have: many answers near
/// the median and a long tail.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spread {
    /// In seconds.
    median: f64,
    /// Of the logarithm.
    deviation: f64,
}

impl Spread {
    /// The distribution with this median and this latency at the quantile `share`; `None` where
    /// there is none: a median of zero, a latency below it, a share not between a half and all.
    #[must_use]
    #[expect(clippy::float_arithmetic, reason = "an estimate, which decides nothing by itself")]
    pub fn fit(median: Duration, share: Ratio, latency: Duration) -> Option<Self> {
        let whole = share > Ratio::from_percent(50) && share < Ratio::ONE;
        if median.is_zero() || latency < median || !whole {
            return None;
        }
        let grown = libm::log(latency.as_secs_f64() / median.as_secs_f64());
        let beyond = 1.0 - f64::from(share.ppm()) / f64::from(Ratio::ONE.ppm());
        Some(Self { median: median.as_secs_f64(), deviation: grown / deviations(beyond) })
    }

    /// The mean, in seconds: the median times exp(σ²/2).
    #[must_use]
    #[expect(clippy::float_arithmetic, reason = "an estimate, which decides nothing by itself")]
    pub fn mean(&self) -> f64 {
        self.median * libm::exp(self.deviation * self.deviation / 2.0)
    }

    /// The latency at a quantile, in seconds.
    #[must_use]
    #[expect(clippy::float_arithmetic, reason = "an estimate, which decides nothing by itself")]
    pub fn quantile(&self, share: Ratio) -> f64 {
        let beyond = 1.0 - f64::from(share.ppm()) / f64::from(Ratio::ONE.ppm());
        self.median * libm::exp(self.deviation * deviations(beyond))
    }

    /// The share of answers that take longer than `latency`.
    #[must_use]
    #[expect(clippy::float_arithmetic, reason = "an estimate, which decides nothing by itself")]
    pub fn beyond(&self, latency: Duration) -> f64 {
        if latency.is_zero() {
            return 1.0;
        }
        let grown = libm::log(latency.as_secs_f64() / self.median);
        if self.deviation <= 0.0 {
            return if grown < 0.0 { 1.0 } else { 0.0 };
        }
        normal_beyond(grown / self.deviation)
    }
}

/// The share of a normal distribution that lies more than so many standard deviations above.
#[expect(clippy::float_arithmetic, reason = "an estimate, which decides nothing by itself")]
fn normal_beyond(deviations: f64) -> f64 {
    libm::erfc(deviations * core::f64::consts::FRAC_1_SQRT_2) / 2.0
}

/// The reverse of [`normal_beyond`].
#[expect(clippy::float_arithmetic, reason = "an estimate, which decides nothing by itself")]
fn deviations(beyond: f64) -> f64 {
    let (mut low, mut high) = (-FURTHEST, FURTHEST);
    for _ in 0..HALVINGS {
        let middle = low.midpoint(high);
        if normal_beyond(middle) > beyond { low = middle } else { high = middle }
    }
    low.midpoint(high)
}

#[cfg(test)]
mod tests {
    use super::*;

    const P99: Ratio = Ratio::from_percent(99);

    fn spread() -> Spread {
        Spread::fit(Duration::from_millis(40), P99, Duration::from_millis(300)).unwrap()
    }

    #[test]
    fn the_quantiles_given_come_back() {
        let beyond = |millis| spread().beyond(Duration::from_millis(millis));
        assert!((beyond(40) - 0.5).abs() < 1e-9);
        assert!((beyond(300) - 0.01).abs() < 1e-9);
        assert!((beyond(0) - 1.0).abs() < 1e-12);
        assert!((spread().quantile(P99) - 0.3).abs() < 1e-9);
        assert!((spread().quantile(Ratio::from_percent(50)) - 0.04).abs() < 1e-9);
    }

    #[test]
    fn the_mean_lies_above_the_median_by_the_spread() {
        // ln(7.5) / 2.32635 = 0.86612, exp(0.86612² / 2) = 1.4552.
        assert!((spread().mean() - 0.058_21).abs() < 1e-4, "{}", spread().mean());
    }

    #[test]
    fn equal_quantiles_are_a_constant_latency() {
        let even = Duration::from_millis(40);
        let constant = Spread::fit(even, P99, even).unwrap();
        assert!(constant.beyond(Duration::from_millis(41)).abs() < 1e-12);
        assert!((constant.beyond(Duration::from_millis(39)) - 1.0).abs() < 1e-12);
        assert!((constant.mean() - 0.04).abs() < 1e-12);
    }

    #[test]
    fn what_is_no_distribution_is_refused() {
        let (short, long) = (Duration::from_millis(40), Duration::from_millis(300));
        assert_eq!(Spread::fit(long, P99, short), None);
        assert_eq!(Spread::fit(Duration::ZERO, P99, long), None);
        assert_eq!(Spread::fit(short, Ratio::ONE, long), None);
        assert_eq!(Spread::fit(short, Ratio::from_percent(50), long), None);
    }
}
