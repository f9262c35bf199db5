//! When a number counts as reproduced.
//!
//! What is judged is a sample of independent runs. The rules are stated beforehand with each
//! number; none of them knows what a model is.

use super::stats::{binomial, deviation, many, mean, quantile, student};

/// A number as it was published.
#[derive(Clone, Debug, PartialEq)]
pub struct Stated {
    /// Its digits.
    pub text: String,
    /// Its value.
    pub value: f64,
    /// Half a unit of the last digit: what publishing took from it.
    pub rounding: f64,
}

impl Stated {
    /// Reads a number such as `0.2420`, `111110` or `6.4e-5`. What is none is NaN, which nothing
    /// agrees with.
    #[must_use]
    pub fn new(text: &str) -> Self {
        let (digits, power) = text.split_once('e').unwrap_or((text, "0"));
        let places = digits.split_once('.').map_or(0, |(_, places)| places.len());
        let power: f64 = power.parse().unwrap_or(f64::NAN);
        let places = f64::from(u32::try_from(places).unwrap_or(u32::MAX));
        let rounding = 0.5 * libm::pow(10.0, power - places);
        Self { text: text.to_owned(), value: text.parse().unwrap_or(f64::NAN), rounding }
    }
}

/// By which rule a number is judged.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Rule {
    /// The 99 % interval of the mean contains the value, and half of it is at most this share of
    /// the value.
    Within(f64),
    /// The same, half of the interval at most this.
    Points(f64),
    /// Every run gives this value.
    Always,
    /// The mean differs from the published one, of as many runs or more, by no more than this
    /// share.
    Near(f64),
    /// The mean lies within four of its standard errors, σ of one run being this, widened by the
    /// error of the published mean of so many runs.
    Sampled {
        /// Of one run; as our own runs have it where none was published.
        sigma: Option<f64>,
        /// Runs behind the published mean; 0 where that is not said.
        seeds: u32,
    },
    /// As [`Rule::Sampled`] with our own σ, for the median.
    Median {
        /// Runs behind the published median.
        seeds: u32,
    },
    /// Of so many runs as many count as lie in the 99 % binomial interval around the published
    /// share `seen / of`.
    Count {
        /// Runs of which it was true.
        seen: u32,
        /// All runs.
        of: u32,
    },
    /// It was published without a tolerance: shown beside ours, and not judged.
    Shown,
}

/// How strictly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strictness {
    /// As the rules say.
    Full,
    /// For few and short runs: a value may miss its tolerance by what they leave open, and their
    /// interval may be as wide as it is.
    Widened,
}

/// What became of a number.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Finding {
    /// Our value: a mean, a median or a count.
    pub ours: f64,
    /// Half of the 99 % interval around it; 0 for counts.
    pub error: f64,
    /// How far it may lie from the published one; for [`Rule::Within`] how large `error` may be;
    /// 0 where nothing is judged.
    pub tolerance: f64,
    /// Whether nothing speaks against it.
    pub ok: bool,
    /// How many times as many runs it takes for the wanted precision; 1 where that is reached.
    pub wanted: f64,
}

impl Rule {
    /// Judges a sample. Values that are no number say that a run does not count here.
    #[must_use]
    pub fn judge(&self, stated: &Stated, runs: &[f64], strictness: Strictness) -> Finding {
        let values: Vec<f64> = runs.iter().copied().filter(|value| !value.is_nan()).collect();
        let widened = strictness == Strictness::Widened;
        match *self {
            Self::Within(share) => {
                contained(stated, &values, (share * stated.value.abs(), widened))
            }
            Self::Points(points) => contained(stated, &values, (points, widened)),
            Self::Always => always(stated, &values),
            Self::Near(share) => {
                let extra = if widened { doubt(&values) } else { 0.0 };
                near(mean(&values), stated, &values, share * stated.value.abs() + extra)
            }
            Self::Sampled { sigma, seeds } => {
                let own = deviation(&values);
                // The deviation was published with two digits, and ours may be of few runs.
                let sigma = sigma.unwrap_or(own);
                near(mean(&values), stated, &values, 4.0 * sigma * spread(&values, seeds))
            }
            Self::Median { seeds } => {
                let sigma = 1.2533 * (quantile(&values, 0.75) - quantile(&values, 0.25)) / 1.349;
                let tolerance = 4.0 * sigma * spread(&values, seeds);
                near(quantile(&values, 0.5), stated, &values, tolerance)
            }
            Self::Count { seen, of } => counted((seen, of), &values),
            Self::Shown => {
                let (ours, error) = (mean(&values), interval(&values));
                Finding { ours, error, tolerance: 0.0, ok: true, wanted: 1.0 }
            }
        }
    }
}

/// The error of a mean of these runs and of one of so many others, in deviations of one run.
fn spread(values: &[f64], seeds: u32) -> f64 {
    let theirs = if seeds == 0 { 0.0 } else { 1.0 / f64::from(seeds) };
    libm::sqrt(1.0 / many(values).max(1.0) + theirs)
}

fn standard_error(values: &[f64]) -> f64 {
    deviation(values) / libm::sqrt(many(values).max(1.0))
}

/// What few runs leave open: half as much again as the 99 % interval, four standard errors of ten.
fn doubt(values: &[f64]) -> f64 {
    1.5 * interval(values)
}

fn interval(values: &[f64]) -> f64 {
    standard_error(values) * student(many(values) - 1.0)
}

fn contained(stated: &Stated, values: &[f64], (tolerance, widened): (f64, bool)) -> Finding {
    let (ours, error) = (mean(values), interval(values));
    let off = (ours - stated.value).abs();
    let ok = if widened {
        off <= tolerance + stated.rounding + doubt(values)
    } else {
        off <= error + stated.rounding && error <= tolerance
    };
    let wanted = (error / tolerance) * (error / tolerance);
    Finding { ours, error, tolerance, ok, wanted: wanted.max(1.0) }
}

fn always(stated: &Stated, values: &[f64]) -> Finding {
    let is = |value: &f64| (value - stated.value).abs() <= stated.value.abs() * 1e-12;
    let ok = !values.is_empty() && values.iter().all(is);
    Finding { ours: mean(values), error: 0.0, tolerance: 0.0, ok, wanted: 1.0 }
}

fn near(ours: f64, stated: &Stated, values: &[f64], tolerance: f64) -> Finding {
    let tolerance = tolerance + stated.rounding;
    let ok = (ours - stated.value).abs() <= tolerance;
    Finding { ours, error: interval(values), tolerance, ok, wanted: 1.0 }
}

fn counted((seen, of): (u32, u32), values: &[f64]) -> Finding {
    let runs = u32::try_from(values.len()).unwrap_or(u32::MAX);
    let share = f64::from(seen) / f64::from(of.max(1));
    let (low, high) = binomial(runs, share);
    let count: f64 = values.iter().sum();
    let ok = runs > 0 && f64::from(low) <= count && count <= f64::from(high);
    let tolerance = f64::from(high - low) / 2.0;
    Finding { ours: count, error: 0.0, tolerance, ok, wanted: 1.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(rule: Rule, text: &str, values: &[f64]) -> Finding {
        rule.judge(&Stated::new(text), values, Strictness::Full)
    }

    #[test]
    fn digits_tell_how_much_was_rounded_off() {
        let of = |text: &str| Stated::new(text).rounding;
        for (text, rounding) in [("0.2420", 5e-5), ("5", 0.5), ("6.4e-5", 5e-7), ("111110", 0.5)] {
            assert!((of(text) / rounding - 1.0).abs() < 1e-9, "{text}");
        }
        assert!(!judge(Rule::Always, "none", &[1.0]).ok);
    }

    #[test]
    fn an_interval_must_contain_the_value_and_be_narrow() {
        let values: Vec<f64> = (0..10).map(|run| 5.0 + f64::from(run % 5 - 2) * 0.01).collect();
        assert!(judge(Rule::Within(0.01), "5.000", &values).ok);
        assert!(!judge(Rule::Within(0.01), "5.030", &values).ok, "outside");
        let wide = judge(Rule::Within(0.001), "5.000", &values);
        assert!(!wide.ok && wide.wanted > 5.0, "{wide:?}");
        let widened =
            |text| Rule::Within(0.001).judge(&Stated::new(text), &values, Strictness::Widened).ok;
        assert!(widened("5.000") && !widened("5.030"));
    }

    #[test]
    fn runs_that_do_not_count_are_left_out() {
        assert!(judge(Rule::Always, "243", &[243.0, f64::NAN, 243.0]).ok);
        assert!(!judge(Rule::Always, "243", &[243.0, 242.0]).ok);
        assert!(!judge(Rule::Always, "243", &[f64::NAN]).ok);
    }

    #[test]
    fn a_sampled_mean_may_miss_by_four_errors_of_both_sides() {
        let values = [1.0; 25];
        let rule = |seeds| Rule::Sampled { sigma: Some(0.5), seeds };
        assert!(judge(rule(0), "1.39", &values).ok && !judge(rule(0), "1.42", &values).ok);
        assert!(judge(rule(25), "1.55", &values).ok && !judge(rule(25), "1.58", &values).ok);
    }

    #[test]
    fn counts_lie_in_the_binomial_interval() {
        let runs = |count: usize| [vec![1.0; count], vec![0.0; 200 - count]].concat();
        let ok = |count| judge(Rule::Count { seen: 47, of: 200 }, "47", &runs(count)).ok;
        assert_eq!([31, 32, 63, 64].map(ok), [false, true, true, false]);
        let none = Rule::Count { seen: 0, of: 200 };
        assert!(judge(none, "0", &runs(0)).ok && !judge(none, "0", &runs(1)).ok);
    }

    #[test]
    fn a_median_does_not_mind_what_never_ends() {
        let mut values: Vec<f64> = (0..40).map(|run| 30.0 + f64::from(run)).collect();
        values.push(f64::INFINITY);
        let rule = Rule::Median { seeds: 12 };
        assert!(judge(rule, "50", &values).ok && !judge(rule, "90", &values).ok);
    }
}
