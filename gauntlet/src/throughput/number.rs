//! Integers as people read them. Figures stay integers until here.

/// `12_345` as "12,345".
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Nanoseconds as microseconds with one decimal.
pub(super) fn micros(nanos: u64) -> String {
    let tenths = (nanos + 50) / 100;
    format!("{}.{}", grouped(tenths / 10), tenths % 10)
}

/// Bytes as MiB with one decimal.
pub(super) fn mebibytes(bytes: u64) -> String {
    let tenths = (bytes * 10 + (1 << 19)) >> 20;
    format!("{}.{}", tenths / 10, tenths % 10)
}

/// Bytes as KiB with one decimal.
pub(super) fn kibibytes(bytes: u64) -> String {
    let tenths = (bytes * 10 + (1 << 9)) >> 10;
    format!("{}.{}", tenths / 10, tenths % 10)
}

/// `part` in thousandths of `whole`; nothing where there is no whole.
pub(super) fn permille(part: u64, whole: u64) -> Option<u64> {
    let scaled = u128::from(part) * 1000 + u128::from(whole) / 2;
    scaled.checked_div(u128::from(whole)).and_then(|ratio| u64::try_from(ratio).ok())
}

/// Thousandths as a factor with two decimals.
pub(super) fn factor(permille: u64) -> String {
    let hundredths = (permille + 5) / 10;
    format!("{}.{:02}", hundredths / 100, hundredths % 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_rounded_to_what_is_shown() {
        assert_eq!([grouped(7), grouped(1_234), grouped(1_234_567)], ["7", "1,234", "1,234,567"]);
        assert_eq!([micros(14_549), micros(14_550), micros(99)], ["14.5", "14.6", "0.1"]);
        assert_eq!((mebibytes(15 << 19), kibibytes(12_288)), ("7.5".to_owned(), "12.0".to_owned()));
        assert_eq!(permille(105, 100).map(factor).as_deref(), Some("1.05"));
        assert_eq!(permille(1, 0), None);
    }
}
