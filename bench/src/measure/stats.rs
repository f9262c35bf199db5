//! Median and interval of a few dozen rounds, without an assumption about their distribution.

/// The middle of the rounds and where the true middle lies with about 95 % confidence.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Spread {
    pub(crate) median: f64,
    pub(crate) low: f64,
    pub(crate) high: f64,
}

impl Spread {
    /// From at least one value.
    pub(crate) fn of(mut values: Vec<f64>) -> Self {
        values.sort_by(f64::total_cmp);
        let (low, high) = interval(values.len());
        let middle = values.len() / 2;
        let median = if values.len().is_multiple_of(2) {
            f64::midpoint(values[middle - 1], values[middle])
        } else {
            values[middle]
        };
        Self { median, low: values[low], high: values[high] }
    }
}

/// The ranks, counted from 0, between which the median lies: half the count less and more 0.98
/// times its root, the normal approximation of the binomial (David and Nagaraja, Order
/// Statistics, §7.1).
fn interval(count: usize) -> (usize, usize) {
    let half = count as f64 / 2.0;
    let reach = 0.98 * (count as f64).sqrt();
    let low = (half - reach).floor().max(1.0) as usize - 1;
    let high = (half + 1.0 + reach).ceil().min(count as f64) as usize - 1;
    (low, high)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_of_an_even_count_lies_between_the_middle_two() {
        assert_eq!(Spread::of(vec![4.0, 1.0, 3.0, 2.0]).median, 2.5);
    }

    #[test]
    fn the_interval_of_thirty_one_rounds_leaves_out_the_outer_nine_and_ten() {
        assert_eq!(interval(31), (9, 21));
    }

    #[test]
    fn one_round_is_its_own_interval() {
        assert_eq!(Spread::of(vec![7.0]), Spread { median: 7.0, low: 7.0, high: 7.0 });
    }
}
