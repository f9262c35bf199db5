//! What retries cost: the load that they multiply, and the success that they buy.
//!
//! Arithmetic for checks and reports; nothing here decides about a call. While attempts fail
//! independently, few of them help much. When everything fails, each layer of retries multiplies
//! what the one above it sends, and only budgets keep the product small ("Addressing Cascading
//! Failures", *Site Reliability Engineering*, 2016).

use crate::number::small;
use crate::ratio::Ratio;

/// One, in the fixed point that powers are taken in: 10¹⁸ parts, so that products fit 128 bits.
const ONE: u128 = 1_000_000_000_000_000_000;

/// Parts of the fixed point in one part per million.
const OF_PPM: u128 = ONE / 1_000_000;

/// The share of calls that succeed within `attempts` independent attempts, each of which fails
/// with probability `failure` (above 100 % counts as that): `1 − p^A`, rounded down.
#[must_use]
pub fn success(failure: Ratio, attempts: u32) -> Ratio {
    in_ppm((ONE - power(fixed(failure), attempts)) / OF_PPM)
}

/// The attempts that such calls make on average: `(1 − p^A) / (1 − p)`, and `A` where all fail.
/// Rounded up; at most [`Ratio`]'s largest, 4 294-fold.
#[must_use]
pub fn load(failure: Ratio, attempts: u32) -> Ratio {
    let failure = fixed(failure);
    if failure == ONE {
        return in_ppm(u128::from(attempts) * 1_000_000);
    }
    let sum = (ONE - power(failure, attempts)) * 1_000_000;
    in_ppm(sum.div_ceil(ONE - failure))
}

/// The most attempts that one layer makes of a call: its limit of attempts, or what its budget
/// allows beside the first, whichever is less. The floor of a budget comes on top of that where
/// calls are few.
#[must_use]
pub fn layer(attempts: u32, budget: Option<Ratio>) -> Ratio {
    let limit = in_ppm(u128::from(attempts) * 1_000_000);
    budget.map_or(limit, |ratio| {
        limit.min(Ratio::from_ppm(ratio.ppm().saturating_add(Ratio::ONE.ppm())))
    })
}

/// The load at the bottom of stacked layers for each call at the top, rounded up: their product.
/// At most [`Ratio`]'s largest, 4 294-fold.
#[must_use]
pub fn stacked(layers: impl IntoIterator<Item = Ratio>) -> Ratio {
    layers.into_iter().fold(Ratio::ONE, |sum, layer| {
        in_ppm((u128::from(sum.ppm()) * u128::from(layer.ppm())).div_ceil(1_000_000))
    })
}

/// A share of at most the whole, in fixed point.
fn fixed(share: Ratio) -> u128 {
    u128::from(share.min(Ratio::ONE).ppm()) * OF_PPM
}

/// By repeated squaring, each product to the nearest part.
fn power(base: u128, exponent: u32) -> u128 {
    let (mut result, mut square, mut rest) = (ONE, base, exponent);
    while rest > 0 {
        if rest % 2 == 1 {
            result = (result * square + ONE / 2) / ONE;
        }
        square = (square * square + ONE / 2) / ONE;
        rest /= 2;
    }
    result
}

fn in_ppm(ppm: u128) -> Ratio {
    Ratio::from_ppm(small(ppm))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HALF: Ratio = Ratio::from_percent(50);

    #[test]
    fn re_1_success_and_load_follow_from_the_failure_rate_and_the_attempts() {
        assert_eq!((success(HALF, 3).ppm(), load(HALF, 3).ppm()), (875_000, 1_750_000));
        assert_eq!((success(HALF, 4).ppm(), load(HALF, 4).ppm()), (937_500, 1_875_000));
        assert_eq!((success(Ratio::ONE, 4), load(Ratio::ONE, 4)), (Ratio::ZERO, layer(4, None)));
    }

    #[test]
    fn success_rounds_down_and_load_up() {
        // 1 − p³ = 0.962963074…, 1 + p + p² = 1.444443888…
        let third = Ratio::from_ppm(333_333);
        assert_eq!((success(third, 3).ppm(), load(third, 3).ppm()), (962_963, 1_444_444));
        let bit = Ratio::from_ppm(1_000_001);
        assert_eq!(stacked([bit, bit]).ppm(), 1_000_003, "a bound is never cut");
    }

    #[test]
    fn re_2_stacked_layers_multiply_and_budgets_keep_the_product_small() {
        let five = |layer| stacked([layer; 5]).ppm();
        assert_eq!(five(layer(3, None)), 243_000_000);
        assert_eq!(five(layer(3, Some(Ratio::from_percent(20)))), 2_488_320);
        assert_eq!(five(layer(3, Some(Ratio::from_percent(10)))), 1_610_510);
    }

    #[test]
    fn t50_two_layers_of_four_attempts_make_sixteen() {
        assert_eq!(stacked([layer(4, None), layer(4, None)]), layer(16, None));
    }

    #[test]
    fn a_budget_allows_no_more_than_the_limit_of_attempts() {
        assert_eq!(layer(1, Some(Ratio::from_percent(20))), Ratio::ONE);
        assert_eq!(layer(2, Some(Ratio::from_percent(250))), layer(2, None));
    }

    #[test]
    fn extremes_saturate() {
        assert_eq!(success(Ratio::ZERO, 0), Ratio::ZERO);
        assert_eq!(load(Ratio::ZERO, u32::MAX), Ratio::ONE);
        assert_eq!(load(Ratio::ONE, u32::MAX).ppm(), u32::MAX);
        assert_eq!(success(Ratio::from_percent(300), 9), Ratio::ZERO);
        assert_eq!(success(Ratio::from_ppm(999_999), u32::MAX), Ratio::ONE);
        assert_eq!(stacked([layer(u32::MAX, None); 3]).ppm(), u32::MAX);
        assert_eq!(stacked([]), Ratio::ONE);
    }

    #[test]
    fn load_agrees_with_adding_up_each_attempt() {
        for percent in [0, 1, 33, 50, 99, 100] {
            let failure = Ratio::from_percent(percent);
            let mut reached = 1_000_000_000_000_u64;
            let mut sum = 0;
            for attempts in 1..=10 {
                sum += reached;
                reached = failure.of(reached);
                let ours = u64::from(load(failure, attempts).ppm());
                let exact = sum / 1_000_000;
                assert!(ours.abs_diff(exact) <= 1, "{percent} %, {attempts}: {ours}, {exact}");
            }
        }
    }
}
