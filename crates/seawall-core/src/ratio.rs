//! Shares as integers, in parts per million, so that no threshold depends on float rounding.

use core::fmt;

use crate::invalid::Invalid;
use crate::number::small;

/// Parts of one million; 20 % is 200 000. May exceed one (a growth factor of 2 is 2 000 000).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ratio(u32);

/// One whole, in parts per million.
const WHOLE: u32 = 1_000_000;

impl Ratio {
    /// Nothing.
    pub const ZERO: Self = Self(0);
    /// The whole, 100 %.
    pub const ONE: Self = Self(WHOLE);

    /// A ratio of `ppm` parts per million.
    #[must_use]
    pub const fn from_ppm(ppm: u32) -> Self {
        Self(ppm)
    }

    /// A ratio of `percent` hundredths, at most 4 294 %.
    #[must_use]
    pub const fn from_percent(percent: u32) -> Self {
        Self(percent.saturating_mul(WHOLE / 100))
    }

    /// What share of `whole` the `part` is, rounded down; the largest ratio where it does not fit
    /// or where the whole is empty, and zero where the part is.
    #[must_use]
    pub fn of_parts(part: u64, whole: u64) -> Self {
        if part == 0 || whole == 0 {
            return Self(if part == 0 { 0 } else { u32::MAX });
        }
        // A division in 128 bits takes far longer.
        if let Some(parts) = part.checked_mul(u64::from(WHOLE)) {
            return Self(small(parts / whole));
        }
        Self(small(u128::from(part) * u128::from(WHOLE) / u128::from(whole)))
    }

    /// Parts per million.
    #[must_use]
    pub const fn ppm(self) -> u32 {
        self.0
    }

    /// Whether `part / whole` is at least this ratio, computed without division, and in 128 bits
    /// where 64 do not hold it.
    ///
    /// An empty whole reaches only a ratio of zero.
    #[must_use]
    #[inline]
    pub fn is_reached_by(self, part: u64, whole: u64) -> bool {
        if let (Ok(part), Ok(whole)) = (u32::try_from(part), u32::try_from(whole)) {
            let reached =
                u64::from(part) * u64::from(WHOLE) >= u64::from(self.0) * u64::from(whole);
            return reached && (whole > 0 || self.0 == 0);
        }
        u128::from(part) * u128::from(WHOLE) >= u128::from(self.0) * u128::from(whole)
            && (whole > 0 || self.0 == 0)
    }

    /// This share of `value`, rounded down; `u64::MAX` when it does not fit.
    #[must_use]
    pub fn of(self, value: u64) -> u64 {
        // A division in 128 bits takes as long as everything else of a decision.
        if let Some(product) = value.checked_mul(u64::from(self.0)) {
            return product / u64::from(WHOLE);
        }
        let share = u128::from(value) * u128::from(self.0) / u128::from(WHOLE);
        u64::try_from(share).unwrap_or(u64::MAX)
    }
}

impl TryFrom<f64> for Ratio {
    type Error = Invalid;

    /// A share as programs compute it, 0.2 for 20 %, to the nearest millionth. The one border at
    /// which a float becomes a ratio.
    ///
    /// # Errors
    ///
    /// [`Invalid`] for what is no share: not a number, negative, or above 4294.
    fn try_from(share: f64) -> Result<Self, Invalid> {
        const MOST: f64 = 4_294.0;
        if !(0.0..=MOST).contains(&share) {
            return Err(Invalid::new("ratio", share, "a number from 0 to 4294"));
        }
        #[expect(clippy::float_arithmetic, reason = "floats end here, and nothing is added up")]
        let ppm = libm::rint(share * f64::from(WHOLE));
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "whole, not negative and below 2^32, as checked above"
        )]
        let ppm = ppm as u32;
        Ok(Self(ppm))
    }
}

impl fmt::Display for Ratio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, rest) = (self.0 / 10_000, self.0 % 10_000);
        if rest == 0 {
            return write!(f, "{whole}%");
        }
        let digits = alloc::format!("{rest:04}");
        write!(f, "{whole}.{}%", digits.trim_end_matches('0'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::ToString;

    #[test]
    fn an_exact_tie_reaches_the_ratio() {
        let half = Ratio::from_percent(50);
        assert!(half.is_reached_by(10, 20));
        assert!(!half.is_reached_by(9, 20));
        assert!(Ratio::from_ppm(333_333).is_reached_by(1, 3));
        assert!(!Ratio::from_ppm(333_334).is_reached_by(1, 3));
    }

    #[test]
    fn nothing_of_nothing_reaches_only_zero() {
        assert!(Ratio::ZERO.is_reached_by(0, 0));
        assert!(!Ratio::from_ppm(1).is_reached_by(0, 0));
    }

    #[test]
    fn narrow_and_wide_arithmetic_agree() {
        for ppm in [0, 1, 333_333, 1_000_000, u32::MAX] {
            for whole in [1, 2, 3, u64::from(u32::MAX) - 1, u64::from(u32::MAX)] {
                for part in [0, 1, whole / 2, whole] {
                    let ratio = Ratio::from_ppm(ppm);
                    let exact = u128::from(part) * 1_000_000 >= u128::from(ppm) * u128::from(whole);
                    assert_eq!(ratio.is_reached_by(part, whole), exact, "{ppm} {part}/{whole}");
                    let wide = u128::from(whole) * u128::from(ppm) / 1_000_000;
                    assert_eq!(u128::from(ratio.of(whole)), wide, "{ppm} of {whole}");
                }
            }
        }
    }

    #[test]
    fn the_share_of_a_part_is_what_it_reaches() {
        let big = u64::MAX / 2;
        for (part, whole) in [(0, 7), (1, 3), (7, 7), (big - 1, big), (2, 1), (4_294, 1), (5, big)]
        {
            let ratio = Ratio::of_parts(part, whole);
            let next = Ratio::from_ppm(ratio.ppm() + 1);
            assert!(ratio.is_reached_by(part, whole), "{part}/{whole}");
            assert!(!next.is_reached_by(part, whole), "{part}/{whole}");
        }
        assert_eq!(Ratio::of_parts(0, 0), Ratio::ZERO);
        assert_eq!(Ratio::of_parts(1, 0), Ratio::from_ppm(u32::MAX));
        assert_eq!(Ratio::of_parts(4_295, 1), Ratio::from_ppm(u32::MAX));
        assert_eq!(Ratio::of_parts(u64::MAX, 1), Ratio::from_ppm(u32::MAX));
    }

    #[test]
    fn shares_round_down_and_saturate() {
        assert_eq!(Ratio::from_percent(50).of(7), 3);
        assert_eq!(Ratio::from_percent(200).of(u64::MAX), u64::MAX);
    }

    #[test]
    fn prints_as_percent() {
        assert_eq!(Ratio::from_percent(20).to_string(), "20%");
        assert_eq!(Ratio::from_ppm(12_500).to_string(), "1.25%");
    }

    #[test]
    fn floats_that_are_no_share_are_refused() {
        for (share, ppm) in [(0.0, 0), (0.2, 200_000), (1.0, WHOLE), (4_294.0, 4_294_000_000)] {
            assert_eq!(Ratio::try_from(share), Ok(Ratio::from_ppm(ppm)));
        }
        for share in [f64::NAN, -0.1, f64::INFINITY, f64::NEG_INFINITY, 4_295.0] {
            let invalid = Ratio::try_from(share).unwrap_err();
            assert_eq!(
                (invalid.field(), invalid.permitted()),
                ("ratio", "a number from 0 to 4294")
            );
        }
    }
}
