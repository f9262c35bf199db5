//! Small arithmetic that several figures share: shares, quantiles and counts as numbers.

/// Nanoseconds of a second.
pub(crate) const SECOND: u64 = 1_000_000_000;

/// A count as a number. Counts of a run are far below 2⁵³, so that nothing is lost.
#[expect(clippy::cast_precision_loss, reason = "exact up to 2⁵³, which no run counts to")]
pub(crate) const fn number(count: u64) -> f64 {
    count as f64
}

/// The length of a slice.
pub(crate) const fn count<T>(all: &[T]) -> u64 {
    all.len() as u64
}

/// A part of a whole; none where there is no whole.
pub(crate) fn ratio(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| number(part) / number(whole))
}

/// Nanoseconds as seconds.
pub(crate) const fn seconds(nanos: u64) -> f64 {
    number(nanos) / 1e9
}

/// The quantile of sorted values by nearest rank: the smallest value that at least `per_mille`
/// thousandths of all do not exceed. None of nothing.
pub(crate) fn quantile(sorted: &[u64], per_mille: u64) -> Option<u64> {
    let rank = (count(sorted) * per_mille).div_ceil(1000).max(1);
    sorted.get(usize::try_from(rank - 1).ok()?).copied()
}

/// The middle of numbers, or the mean of the two in the middle. None of nothing.
pub(crate) fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let upper = *sorted.get(sorted.len() / 2)?;
    let lower = *sorted.get((sorted.len() - 1) / 2)?;
    Some(f64::midpoint(lower, upper))
}

/// The middle of whole numbers; the upper one of two. None of nothing.
pub(crate) fn middle(mut values: Vec<u64>) -> Option<u64> {
    values.sort_unstable();
    values.get(values.len() / 2).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_values_that_occurred() {
        let hundred: Vec<u64> = (1..=100).collect();
        assert_eq!(quantile(&hundred, 500), Some(50));
        assert_eq!(quantile(&hundred, 990), Some(99));
        assert_eq!(quantile(&hundred, 999), Some(100));
        assert_eq!(quantile(&[7], 1), Some(7));
        assert_eq!(quantile(&[], 500), None);
    }

    #[test]
    fn a_median_of_two_lies_between_them() {
        assert_eq!(median(&[3.0, 1.0]), Some(2.0));
        assert_eq!(median(&[3.0, 1.0, 9.0]), Some(3.0));
        assert_eq!(median(&[]), None);
    }
}
