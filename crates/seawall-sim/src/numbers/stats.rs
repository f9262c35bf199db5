//! The little statistics that judging needs: means, deviations, Student's and binomial intervals.

/// A count as a real number.
pub(super) fn real(count: u64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "counts of events are far below 2⁵³")]
    let real = count as f64;
    real
}

/// The length of a list as a real number.
pub(super) fn many(values: &[f64]) -> f64 {
    real(u64::try_from(values.len()).unwrap_or(u64::MAX))
}

pub(super) fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / many(values).max(1.0)
}

/// The deviation of one value, estimated from these; none from fewer than two.
pub(super) fn deviation(values: &[f64]) -> f64 {
    let mean = mean(values);
    let squares: f64 = values.iter().map(|value| (value - mean) * (value - mean)).sum();
    if values.len() < 2 { f64::INFINITY } else { libm::sqrt(squares / (many(values) - 1.0)) }
}

/// The value below which a share of them lies, on a line between two neighbours.
pub(super) fn quantile(values: &[f64], share: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let last = sorted.len().saturating_sub(1);
    let place = share * real(u64::try_from(last).unwrap_or_default());
    let step = (0..last).take_while(|step| real(*step as u64 + 1) <= place).count();
    let (low, high) = (sorted.get(step), sorted.get(step + 1).or_else(|| sorted.get(step)));
    let (Some(low), Some(high)) = (low, high) else { return f64::NAN };
    let part = place - real(u64::try_from(step).unwrap_or_default());
    if part <= 0.0 { *low } else { low + part * (high - low) }
}

/// The 99.5 % quantile of the standard normal distribution: two sides of it leave 1 %.
const Z: f64 = 2.575_829_303_548_9;

/// The 99.5 % quantile of Student's distribution with `free` degrees of freedom, by the expansion
/// of Cornish and Fisher: within 0.1 % from nine degrees on, which ten runs have.
pub(super) fn student(free: f64) -> f64 {
    let (square, free) = (Z * Z, free.max(1.0));
    let first = Z * (square + 1.0) / 4.0;
    let second = Z * ((5.0 * square + 16.0) * square + 3.0) / 96.0;
    let third = Z * (((3.0 * square + 19.0) * square + 17.0) * square - 15.0) / 384.0;
    Z + (first + (second + third / free) / free) / free
}

/// The counts that `of` trials of probability `p` give, all but half a percent at either end.
pub(super) fn binomial(of: u32, p: f64) -> (u32, u32) {
    let (mut below, mut low) = (0.0, None);
    for count in 0..=of {
        below += mass(of, count, p);
        if low.is_none() && below > 0.005 {
            low = Some(count);
        }
        if below >= 0.995 {
            return (low.unwrap_or(count), count);
        }
    }
    (low.unwrap_or(of), of)
}

/// The probability of `count` of `of`.
fn mass(of: u32, count: u32, p: f64) -> f64 {
    if p <= 0.0 {
        return f64::from(u8::from(count == 0));
    }
    if p >= 1.0 {
        return f64::from(u8::from(count == of));
    }
    let choose = |n: u32| libm::lgamma(f64::from(n) + 1.0);
    let ways = choose(of) - choose(count) - choose(of - count);
    let logs = f64::from(count) * libm::log(p) + f64::from(of - count) * libm::log(1.0 - p);
    libm::exp(ways + logs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn student_is_as_tables_have_it() {
        for (free, table) in [(9.0, 3.2498), (19.0, 2.8609), (29.0, 2.7564), (99.0, 2.6264)] {
            assert!((student(free) / table - 1.0).abs() < 1e-3, "{free}");
        }
    }

    #[test]
    fn binomial_intervals_leave_half_a_percent_at_either_end() {
        assert_eq!(binomial(200, 0.0), (0, 0));
        assert_eq!(binomial(12, 1.0), (12, 12));
        // Of ten tosses, none or ten have 1 in 1024 each, one or nine 10 in 1024.
        assert_eq!(binomial(10, 0.5), (1, 9));
        assert_eq!(binomial(200, 0.235), (32, 63));
    }

    #[test]
    fn quantiles_lie_between_their_neighbours() {
        let values = [4.0, 1.0, 3.0, 2.0];
        let seen = [0.0, 0.5, 1.0].map(|share| quantile(&values, share).to_string());
        assert_eq!(seen, ["1", "2.5", "4"]);
        assert_eq!(quantile(&[1.0, f64::INFINITY], 0.0).to_string(), "1");
        assert!((deviation(&values) - 1.290_994).abs() < 1e-6);
    }
}
