//! Values that carry their unit: durations, sizes, shares, rates and factors, read and printed.
//!
//! Reading goes by integers alone, so that what is printed reads back as the same value.

use seawall_core::ratio::Ratio;
use seawall_core::time::Duration;

/// Nanoseconds in a year of 365 days. A longer duration is a slip; "off" says "never".
const YEAR_NANOS: u64 = 365 * 24 * 3_600 * 1_000_000_000;

/// Units of time, the longest first, so that printing meets the largest that divides.
const TIME: [(&str, u64); 6] = [
    ("h", 3_600_000_000_000),
    ("m", 60_000_000_000),
    ("s", 1_000_000_000),
    ("ms", 1_000_000),
    ("us", 1_000),
    ("ns", 1),
];

/// Units of size, the largest first. Decimal kilobytes are left out: one meaning for each word.
const SIZE: [(&str, u64); 4] = [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("B", 1)];

/// Periods of a rate, in seconds.
const PERIODS: [(&str, u32); 3] = [("s", 1), ("min", 60), ("h", 3_600)];

/// Reads `250ms`, `1.5s`, `24h`. Units: ns, us, ms, s, m, h.
///
/// # Errors
/// What is wrong with the text, as the end of a sentence about it.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    let nanos = parse_quantity(text, &TIME)?;
    if nanos > YEAR_NANOS {
        return Err(format!("\"{text}\" is longer than a year"));
    }
    Ok(Duration::from_nanos(nanos))
}

/// Prints a duration in the largest unit that leaves no fraction: `250ms`, `90s`, `24h`.
#[must_use]
pub fn print_duration(duration: Duration) -> String {
    print_quantity(seawall_core::time::nanos(duration), &TIME, "0s")
}

/// Reads `64KiB`, `1MiB`, `512B`. Units: B, KiB, MiB, GiB.
///
/// # Errors
/// What is wrong with the text, as the end of a sentence about it.
pub fn parse_size(text: &str) -> Result<u64, String> {
    parse_quantity(text, &SIZE)
}

/// Prints a size in the largest unit that leaves no fraction: `64KiB`.
#[must_use]
pub fn print_size(bytes: u64) -> String {
    print_quantity(bytes, &SIZE, "0B")
}

/// Reads `20%`, `12.5%`; at most four decimals, at most 429 496 %.
///
/// # Errors
/// What is wrong with the text, as the end of a sentence about it.
pub fn parse_share(text: &str) -> Result<Ratio, String> {
    let ppm = parse_quantity(text, &[("%", 10_000)])?;
    ratio(ppm, text)
}

/// Reads a quantile: `p50`, `p99.9`.
///
/// # Errors
/// What is wrong with the text, as the end of a sentence about it; also a quantile of 0.
pub fn parse_quantile(text: &str) -> Result<Ratio, String> {
    let wrong = || format!("\"{text}\" is no quantile from p0.0001 to p100");
    let number = text.strip_prefix('p').ok_or_else(wrong)?;
    let ppm = scaled(number, 10_000).ok_or_else(wrong)?;
    let share = ratio(ppm, text)?;
    if share == Ratio::ZERO || share > Ratio::ONE { Err(wrong()) } else { Ok(share) }
}

/// Prints a quantile: `p99`, `p99.9`.
#[must_use]
pub fn print_quantile(share: Ratio) -> String {
    format!("p{}", share.to_string().trim_end_matches('%'))
}

/// Reads a plain factor such as `2` or `1.5`, at most 4 294.
///
/// # Errors
/// What is wrong with the text, as the end of a sentence about it.
pub fn parse_factor(text: &str) -> Result<Ratio, String> {
    let ppm = scaled(text, 1_000_000).ok_or_else(|| format!("{text} is not a factor"))?;
    ratio(ppm, text)
}

/// Prints a factor as the plain number it is: `2`, `1.5`.
#[must_use]
pub fn print_factor(factor: Ratio) -> String {
    let (whole, rest) = (factor.ppm() / 1_000_000, factor.ppm() % 1_000_000);
    let digits = format!("{whole}.{rest:06}");
    digits.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Reads `10/s`, `300/min`, `7200/h` as whole events for each second.
///
/// # Errors
/// What is wrong with the text; also a rate that is no whole number for each second.
pub fn parse_rate(text: &str) -> Result<u32, String> {
    let (number, period) =
        text.split_once('/').ok_or_else(|| format!("\"{text}\" names no period"))?;
    let count: u32 = number.parse().map_err(|_| format!("\"{number}\" is not a whole number"))?;
    let seconds = PERIODS.iter().find(|(name, _)| *name == period).map(|(_, seconds)| *seconds);
    let seconds = seconds.ok_or_else(|| format!("\"/{period}\" is not one of /s, /min, /h"))?;
    if !count.is_multiple_of(seconds) {
        return Err(format!("\"{text}\" is not a whole number for each second"));
    }
    Ok(count / seconds)
}

/// Reads a count and the period that it is for: `5/s`, `300/min`, `10/500ms`.
///
/// # Errors
/// What is wrong with the text.
pub fn parse_quota(text: &str) -> Result<(u32, Duration), String> {
    let (number, period) =
        text.split_once('/').ok_or_else(|| format!("\"{text}\" names no period"))?;
    let count = number.parse().map_err(|_| format!("\"{number}\" is not a whole number"))?;
    let named = PERIODS.iter().find(|(name, _)| *name == period);
    let period = match named {
        Some((_, seconds)) => Duration::from_secs((*seconds).into()),
        None => parse_duration(period).map_err(|_| {
            format!("\"/{period}\" is neither /s, /min, /h nor a duration such as /500ms")
        })?,
    };
    if period.is_zero() {
        return Err(format!("\"{text}\" is for no time at all"));
    }
    Ok((count, period))
}

/// Prints a count and its period, for each second where that is a whole number: `5/s`, `7/1m`.
#[must_use]
pub fn print_quota(count: u64, period: Duration) -> String {
    const SECOND: u64 = 1_000_000_000;
    let nanos = seawall_core::time::nanos(period).max(1);
    match count.checked_mul(SECOND).filter(|_| nanos <= SECOND) {
        Some(scaled) if scaled.is_multiple_of(nanos) => format!("{}/s", scaled / nanos),
        _ => format!("{count}/{}", print_duration(period)),
    }
}

/// Prints a rate for each second: `10/s`.
#[must_use]
pub fn print_rate(per_second: u32) -> String {
    format!("{per_second}/s")
}

fn ratio(ppm: u64, text: &str) -> Result<Ratio, String> {
    u32::try_from(ppm).map(Ratio::from_ppm).map_err(|_| format!("\"{text}\" is too large"))
}

fn parse_quantity(text: &str, units: &[(&str, u64)]) -> Result<u64, String> {
    let digits = text.trim_end_matches(|c: char| !c.is_ascii_digit());
    let unit = text.get(digits.len()..).unwrap_or_default().trim_start();
    if digits.is_empty() {
        return Err(format!("\"{text}\" has no number before its unit"));
    }
    if unit.is_empty() {
        return Err(format!("\"{text}\" has no unit"));
    }
    let Some((_, scale)) = units.iter().find(|(name, _)| *name == unit) else {
        let names: Vec<&str> = units.iter().map(|(name, _)| *name).collect();
        return Err(format!("\"{unit}\" in \"{text}\" is not one of {}", names.join(", ")));
    };
    scaled(digits, *scale).ok_or_else(|| format!("\"{text}\" is no number that can be held"))
}

/// A decimal number times `scale`, when that is a whole number below 2⁶⁴.
fn scaled(text: &str, scale: u64) -> Option<u64> {
    let (whole, decimals) = text.split_once('.').unwrap_or((text, "0"));
    let plain = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    // Nine decimals are nanoseconds of a second, the finest that any unit here can hold.
    if !plain(whole) || !plain(decimals) || decimals.len() > 15 {
        return None;
    }
    let parts = 10_u128.pow(u32::try_from(decimals.len()).ok()?);
    let fraction = decimals.parse::<u128>().ok()? * u128::from(scale);
    let total = u128::from(whole.parse::<u64>().ok()?) * u128::from(scale) + fraction / parts;
    if fraction % parts == 0 { u64::try_from(total).ok() } else { None }
}

fn print_quantity(amount: u64, units: &[(&str, u64)], zero: &str) -> String {
    let fits = units.iter().find(|(_, scale)| amount.is_multiple_of(*scale));
    match fits {
        Some((name, scale)) if amount > 0 => format!("{}{name}", amount / scale),
        _ => zero.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn common_values_read_as_written() {
        assert_eq!(parse_duration("250ms"), Ok(Duration::from_millis(250)));
        assert_eq!(parse_duration("1.5s"), Ok(Duration::from_millis(1500)));
        assert_eq!(parse_duration("24h"), Ok(Duration::from_secs(86_400)));
        assert_eq!(parse_size("64KiB"), Ok(65_536));
        assert_eq!(parse_share("12.5%"), Ok(Ratio::from_ppm(125_000)));
        assert_eq!(parse_rate("300/min"), Ok(5));
        assert_eq!(parse_quota("10/500ms"), Ok((10, Duration::from_millis(500))));
        assert_eq!(print_quota(10, Duration::from_millis(500)), "20/s");
        assert_eq!(print_quota(7, Duration::from_secs(60)), "7/1m");
        assert_eq!(parse_quota("7/1m"), parse_quota("7/min"));
        assert_eq!(parse_factor("1.5"), Ok(Ratio::from_ppm(1_500_000)));
        assert_eq!(print_factor(Ratio::from_ppm(2_000_000)), "2");
    }

    #[test]
    fn each_refusal_says_why() {
        let why = |text| parse_duration(text).unwrap_err();
        assert_eq!(why("30"), "\"30\" has no unit");
        assert_eq!(why("ms"), "\"ms\" has no number before its unit");
        assert_eq!(why("3 sec"), "\"sec\" in \"3 sec\" is not one of h, m, s, ms, us, ns");
        assert_eq!(why("-3s"), "\"-3s\" is no number that can be held");
        assert_eq!(why("0.5ns"), "\"0.5ns\" is no number that can be held");
        assert_eq!(why("9999h"), "\"9999h\" is longer than a year");
        let why = |text| parse_size(text).unwrap_err();
        assert_eq!(why("64KB"), "\"KB\" in \"64KB\" is not one of GiB, MiB, KiB, B");
        assert_eq!(why("99999999999GiB"), "\"99999999999GiB\" is no number that can be held");
        assert_eq!(parse_share("999999%").unwrap_err(), "\"999999%\" is too large");
        assert_eq!(parse_quantile("p0").unwrap_err(), "\"p0\" is no quantile from p0.0001 to p100");
        assert_eq!(parse_quantile("95"), parse_quantile("95%").map_err(|e| e.replace('%', "")));
        assert_eq!(parse_quota("7/0s").unwrap_err(), "\"7/0s\" is for no time at all");
        assert!(parse_quota("7/day").unwrap_err().contains("such as /500ms"));
        assert_eq!(parse_rate("10").unwrap_err(), "\"10\" names no period");
        assert!(parse_rate("7/min").unwrap_err().contains("whole number for each second"));
        assert!(parse_rate("7/day").unwrap_err().contains("/s, /min, /h"));
    }

    proptest! {
        #[test]
        fn printed_values_read_back_the_same(
            nanos in 0..=YEAR_NANOS, bytes: u64, ppm: u32, rate: u32,
        ) {
            let duration = Duration::from_nanos(nanos);
            prop_assert_eq!(parse_duration(&print_duration(duration)), Ok(duration));
            prop_assert_eq!(parse_size(&print_size(bytes)), Ok(bytes));
            let share = Ratio::from_ppm(ppm);
            prop_assert_eq!(parse_share(&share.to_string()), Ok(share));
            prop_assert_eq!(parse_factor(&print_factor(share)), Ok(share));
            prop_assert_eq!(parse_rate(&print_rate(rate)), Ok(rate));
            let quantile = Ratio::from_ppm(ppm % 1_000_000 + 1);
            prop_assert_eq!(parse_quantile(&print_quantile(quantile)), Ok(quantile));
        }

        #[test]
        fn no_text_makes_a_reader_panic(text in "[ -~é]{0,24}") {
            drop((parse_duration(&text), parse_size(&text), parse_share(&text)));
            drop((parse_factor(&text), parse_rate(&text), parse_quantile(&text)));
        }
    }
}
