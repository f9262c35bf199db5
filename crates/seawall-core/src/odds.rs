//! How likely rare events are: many failures by chance alone, and so many of them in a row.
//!
//! Pure arithmetic for documents and for checks of a configuration; what a breaker does about
//! failures is in `breaker`.

/// Below this share of the sum so far a further term changes no digit that anybody reads.
const NEGLIGIBLE: f64 = 1e-16;

/// The chance of at least `hits` among `trials` independent ones with probability `each`: the tail
/// of the binomial distribution. Probabilities outside of 0 to 1 count as the nearer end.
///
/// Terms fall off quickly on the far side of the mean, so some thousand of them are added up even
/// for the largest counts.
#[must_use]
#[expect(clippy::float_arithmetic, reason = "an estimate, which decides nothing by itself")]
pub fn at_least(hits: u32, trials: u32, each: f64) -> f64 {
    if hits == 0 {
        return 1.0;
    }
    if hits > trials || each.is_nan() || each <= 0.0 {
        return 0.0;
    }
    if each >= 1.0 {
        return 1.0;
    }
    let beyond_mean = f64::from(hits) > f64::from(trials) * each;
    if beyond_mean {
        sum((hits..=trials).map(|count| exactly(count, trials, each)))
    } else {
        1.0 - sum((0..hits).rev().map(|count| exactly(count, trials, each)))
    }
}

/// How many trials it takes on average until `row` hits in a row have come, each with probability
/// `each`: (1 − pⁿ) / ((1 − p) · pⁿ). Infinite where they never come.
#[must_use]
#[expect(clippy::float_arithmetic, reason = "an estimate, which decides nothing by itself")]
pub fn until_row(row: u32, each: f64) -> f64 {
    if each.is_nan() || each <= 0.0 {
        return f64::INFINITY;
    }
    if each >= 1.0 {
        return f64::from(row);
    }
    let all = libm::pow(each, f64::from(row));
    (1.0 - all) / ((1.0 - each) * all)
}

/// The chance of exactly `hits`, by logarithms, since the binomial coefficient fits no float.
#[expect(clippy::float_arithmetic, reason = "an estimate, which decides nothing by itself")]
fn exactly(hits: u32, trials: u32, each: f64) -> f64 {
    let (hits, misses) = (f64::from(hits), f64::from(trials.saturating_sub(hits)));
    let ways = ln_factorial(hits + misses) - ln_factorial(hits) - ln_factorial(misses);
    libm::exp(ways + hits * libm::log(each) + misses * libm::log1p(-each))
}

#[expect(clippy::float_arithmetic, reason = "an estimate, which decides nothing by itself")]
fn ln_factorial(number: f64) -> f64 {
    libm::lgamma(number + 1.0)
}

/// The sum of terms that fall off, until they no longer matter.
#[expect(clippy::float_arithmetic, reason = "an estimate, which decides nothing by itself")]
fn sum(terms: impl Iterator<Item = f64>) -> f64 {
    let mut sum = 0.0;
    for term in terms {
        sum += term;
        if term < sum * NEGLIGIBLE || term <= 0.0 {
            break;
        }
    }
    sum
}

#[cfg(test)]
#[expect(clippy::float_arithmetic, reason = "relative errors")]
mod tests {
    use super::*;

    fn near(ours: f64, expected: f64, tolerance: f64) {
        assert!((ours - expected).abs() <= expected * tolerance, "{ours}, not {expected}");
    }

    #[test]
    fn e18_false_trips_of_a_ratio_breaker_are_those_of_the_binomial_tail() {
        near(at_least(3, 5, 0.05), 1.16e-3, 0.005);
        near(at_least(5, 10, 0.05), 6.4e-5, 0.01);
        near(at_least(10, 20, 0.05), 1.1e-8, 0.05);
        near(at_least(10, 100, 0.05), 0.0282, 0.005);
    }

    #[test]
    fn e17_calls_until_a_row_of_failures() {
        near(until_row(5, 0.5), 62.0, 1e-9);
        near(until_row(5, 0.2), 3905.0, 1e-9);
        near(until_row(5, 0.1), 111_110.0, 1e-6);
        near(until_row(5, 0.9), 6.94, 1e-3);
        near(until_row(5, 1.0), 5.0, 1e-9);
        assert!(until_row(5, 0.0).is_infinite() && until_row(5, f64::NAN).is_infinite());
    }

    #[test]
    fn both_sides_of_the_mean_agree() {
        for (hits, trials, each) in [(1, 3, 0.5), (2, 3, 0.5), (50, 100, 0.5), (51, 100, 0.5)] {
            let whole = at_least(hits, trials, each);
            let rest: f64 = (0..hits).map(|count| exactly(count, trials, each)).sum();
            near(whole + rest, 1.0, 1e-9);
        }
        near(at_least(500_000, 1_000_000, 0.5), 0.5, 0.01);
    }

    #[test]
    fn ends_of_the_range_are_certain() {
        let certain = |hits, trials, each, expected: f64| {
            assert!((at_least(hits, trials, each) - expected).abs() < 1e-12, "{hits} of {trials}");
        };
        certain(0, 0, 0.5, 1.0);
        certain(1, 0, 0.5, 0.0);
        certain(3, 3, 1.0, 1.0);
        certain(3, 3, 0.0, 0.0);
        certain(3, 3, f64::NAN, 0.0);
        certain(1, u32::MAX, 0.5, 1.0);
    }
}
