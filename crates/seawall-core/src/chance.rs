//! Whether failures are chance: how many an endpoint may have that fails as often as is usual.
//!
//! What is usual is known by whoever sees several endpoints (`outlier`); here is the arithmetic
//! alone, in whole numbers.

use crate::number::small;
use crate::ratio::Ratio;

/// What chance may do: once in a million, here of 10¹². The question comes up with every attempt,
/// so that one in a thousand would come up every few seconds.
const BY_CHANCE: u64 = 1_000_000;

/// Certainty, in the same unit.
const CERTAIN: u64 = 1_000_000_000_000;

/// The square of the standard deviations that a number of failures must lie above what is usual:
/// 4.75, beyond which a normal distribution has one in a million.
const DEVIATIONS_SQUARED: i128 = 23;

/// No row needs to be longer, however often all fail.
const ROW_MAX: u32 = 100;

/// One, in the unit of a share.
const ONE: i128 = 1_000_000;

/// The least row of failures that is no chance where this share of attempts fails: n with
/// pⁿ ≤ 10⁻⁶. Five while p is up to 6 %, twelve at 30 %, twenty at 50 %.
pub(crate) fn least_row(usual: Ratio) -> u32 {
    let mut left = CERTAIN;
    let shrinks = |_: &u32| {
        left = usual.min(Ratio::ONE).of(left);
        left > BY_CHANCE
    };
    small((1..ROW_MAX).take_while(shrinks).count() + 1)
}

/// Whether so many failures of so many attempts could be chance where this share of them fails.
/// By the normal approximation, f − n·p against 4.75 · √(n·p·(1 − p)), squared to stay in whole
/// numbers.
pub(crate) fn explains(usual: Ratio, failures: u64, attempts: u64) -> bool {
    let (failures, attempts) = (i128::from(failures), i128::from(attempts));
    let usual = i128::from(usual.min(Ratio::ONE).ppm());
    let excess = failures.saturating_mul(ONE).saturating_sub(attempts.saturating_mul(usual));
    let variance = attempts.saturating_mul(usual.saturating_mul(ONE - usual));
    excess <= 0 || excess.saturating_mul(excess) <= variance.saturating_mul(DEVIATIONS_SQUARED)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_the_longer_the_more_is_usual() {
        let rows = [0, 1, 6, 10, 30, 50, 90, 100].map(|p| least_row(Ratio::from_percent(p)));
        assert_eq!(rows, [1, 3, 5, 6, 12, 20, 100, 100]);
    }

    #[test]
    fn where_nothing_is_usual_no_failure_is_chance() {
        assert!(!explains(Ratio::ZERO, 1, 1_000));
        assert!(explains(Ratio::ZERO, 0, 1_000));
        assert!(explains(Ratio::ZERO, 0, 0));
    }

    #[test]
    fn few_attempts_must_lie_farther_off_than_many() {
        let usual = Ratio::from_percent(30);
        let least =
            |attempts| (0..=attempts).find(|failures| !explains(usual, *failures, attempts));
        let known = [None, Some(10), Some(16), Some(52), Some(370)];
        assert_eq!([5, 10, 20, 100, 1_000].map(least), known);
    }

    #[test]
    fn what_always_fails_is_always_usual() {
        assert!(explains(Ratio::ONE, u64::MAX, u64::MAX));
        assert!(explains(Ratio::ONE, 20, 20));
    }
}
