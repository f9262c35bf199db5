//! How sure a number over several seeds is: intervals of means and of shares.

use super::number;

/// The share of such intervals that contain the truth, in percent.
pub const CONFIDENCE: u32 = 95;

/// Student's t for that confidence and 1 to 30 degrees of freedom (two-sided).
const STUDENT: [f64; 30] = [
    12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160,
    2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064, 2.060, 2.056,
    2.052, 2.048, 2.045, 2.042,
];

/// The same for the normal distribution.
const NORMAL: f64 = 1.959_964;

/// The first term by which Student's t exceeds it: (z³ + z)/4, divided by the degrees of freedom.
const EXCESS: f64 = 2.372;

/// A mean over runs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// The mean.
    pub mean: f64,
    /// Half the width of its interval; none of a single run, which says nothing of its kind.
    pub half: Option<f64>,
    /// The runs.
    pub count: usize,
}

/// A share of runs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Proportion {
    /// Runs that are so.
    pub hits: usize,
    /// All runs.
    pub count: usize,
    /// The lower end of its interval.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

impl Estimate {
    /// Of values that are taken for independent draws of one distribution; none of no values or
    /// where one is no number. Student (1908).
    #[must_use]
    pub fn of(values: &[f64]) -> Option<Self> {
        let count = number(values.len() as u64);
        let mean = values.iter().sum::<f64>() / count;
        if !mean.is_finite() {
            return None;
        }
        let squares: f64 = values.iter().map(|value| (value - mean) * (value - mean)).sum();
        let half = values.len().checked_sub(1).filter(|free| *free > 0).map(|free| {
            student(free) * libm::sqrt(squares / number(free as u64)) / libm::sqrt(count)
        });
        Some(Self { mean, half, count: values.len() })
    }

    /// The lower end of the interval; the mean itself of a single run.
    #[must_use]
    pub fn low(&self) -> f64 {
        self.mean - self.half.unwrap_or_default()
    }

    /// The upper end.
    #[must_use]
    pub fn high(&self) -> f64 {
        self.mean + self.half.unwrap_or_default()
    }

    /// Whether the interval leaves out zero: a difference that chance alone does not explain.
    #[must_use]
    pub fn is_clear(&self) -> bool {
        self.half.is_some_and(|half| self.mean.abs() > half)
    }
}

impl Proportion {
    /// The interval that keeps its promise for few runs and near 0 and 1 too (Wilson 1927).
    #[must_use]
    pub fn of(hits: usize, count: usize) -> Self {
        if count == 0 {
            return Self { hits, count, low: 0.0, high: 1.0 };
        }
        let (n, square) = (number(count as u64), NORMAL * NORMAL);
        let share = number(hits as u64) / n;
        let centre = (share + square / (2.0 * n)) / (1.0 + square / n);
        let spread = libm::sqrt(share * (1.0 - share) / n + square / (4.0 * n * n));
        let half = NORMAL * spread / (1.0 + square / n);
        // At the ends rounding would leave out the share itself.
        let low = if hits == 0 { 0.0 } else { (centre - half).max(0.0) };
        let high = if hits >= count { 1.0 } else { (centre + half).min(1.0) };
        Self { hits, count, low, high }
    }

    /// The share; 0 of no runs.
    #[must_use]
    pub fn share(&self) -> f64 {
        if self.count == 0 { 0.0 } else { number(self.hits as u64) / number(self.count as u64) }
    }
}

fn student(free: usize) -> f64 {
    let listed = STUDENT.get(free.saturating_sub(1)).copied();
    listed.unwrap_or_else(|| NORMAL + EXCESS / number(free as u64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mean_has_the_interval_of_the_tables() {
        let estimate = Estimate::of(&[1.0, 2.0, 3.0, 4.0, 5.0]).expect("there are values");
        assert_eq!(format!("{:.3}", estimate.mean), "3.000");
        // s = √2.5, t = 2.776: 2.776 · 1.5811 / √5.
        assert_eq!(estimate.half.map(|half| format!("{half:.3}")).as_deref(), Some("1.963"));
        assert_eq!(Estimate::of(&[7.0]).and_then(|one| one.half), None);
        assert_eq!(Estimate::of(&[]), None);
        assert_eq!(Estimate::of(&[1.0, f64::NAN]), None);
        assert_eq!(Estimate::of(&[1.0, f64::INFINITY]), None);
    }

    #[test]
    fn students_t_goes_over_into_the_normal_distribution() {
        let printed = [31, 60, 120, 100_000].map(|free| format!("{:.2}", student(free)));
        assert_eq!(printed, ["2.04", "2.00", "1.98", "1.96"]);
    }

    #[test]
    fn a_share_has_the_interval_of_wilson() {
        let share = Proportion::of(138, 200);
        assert_eq!(format!("{:.3} {:.3}", share.low, share.high), "0.623 0.750");
        let none = Proportion::of(0, 20);
        assert_eq!(format!("{:.3} {:.3}", none.low, none.high), "0.000 0.161");
        let all = Proportion::of(20, 20);
        assert_eq!(format!("{:.3} {:.3}", all.low, all.high), "0.839 1.000");
        assert_eq!(Proportion::of(0, 0).share().to_string(), "0");
    }

    #[test]
    fn a_difference_is_clear_where_its_interval_leaves_out_zero() {
        let clear = Estimate::of(&[1.0, 1.1, 0.9]).expect("there are values");
        let unclear = Estimate::of(&[1.0, -1.1, 0.9]).expect("there are values");
        assert!(clear.is_clear() && !unclear.is_clear());
        assert!(!Estimate::of(&[1.0]).expect("there is one").is_clear());
    }
}
