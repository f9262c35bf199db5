//! Numbers cut to the width of their field. Arithmetic on shares is in `ratio`, on times in `time`.

/// `number`, which is not negative, or the largest `u32` where it does not fit. Saturation is
/// right for counts and bounds: beyond four thousand million they all mean "more than there is".
pub(crate) fn small(number: impl TryInto<u32>) -> u32 {
    number.try_into().unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_the_largest() {
        assert_eq!((small(7_usize), small(u64::from(u32::MAX))), (7, u32::MAX));
        assert_eq!((small(1_u64 << 32), small(u128::MAX)), (u32::MAX, u32::MAX));
    }
}
