//! Values with their unit: durations and shares as scenario files write them.

use std::time::Duration;

/// Units of time, the longest first.
const TIME: [(&str, u64); 5] =
    [("m", 60_000_000_000), ("s", 1_000_000_000), ("ms", 1_000_000), ("us", 1_000), ("ns", 1)];

/// An hour: no phase or fault of a benchmark lasts longer, so a longer one is a slip.
const LONGEST: Duration = Duration::from_secs(3_600);

/// Reads `7s`, `250ms`, `1.5s`, `2m`.
///
/// # Errors
/// What is wrong, as the end of a sentence about the key.
pub fn duration(text: &str) -> Result<Duration, String> {
    let unit_at = text.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(text.len());
    let (number, unit) = text.split_at(unit_at);
    if unit.is_empty() {
        return Err(format!("\"{text}\" has no unit"));
    }
    let known = TIME.iter().find(|(name, _)| *name == unit);
    let (_, nanos) = known.ok_or_else(|| format!("\"{unit}\" is no unit of time"))?;
    let number = plain(number).ok_or_else(|| format!("\"{text}\" is no duration"))?;
    let scale = Duration::from_nanos(*nanos);
    let read = Duration::try_from_secs_f64(number * scale.as_secs_f64());
    let read = read.map_err(|_| format!("\"{text}\" is no duration"))?;
    if read > LONGEST { Err(format!("\"{text}\" is longer than an hour")) } else { Ok(read) }
}

/// Prints a duration in the largest unit that leaves no fraction: `7s`, `250ms`.
#[must_use]
pub fn print(duration: Duration) -> String {
    let nanos = duration.as_nanos();
    let fitting = TIME.iter().find(|(_, unit)| nanos.is_multiple_of(u128::from(*unit)));
    match fitting {
        Some((name, unit)) if nanos > 0 => format!("{}{name}", nanos / u128::from(*unit)),
        _ => "0s".to_owned(),
    }
}

/// Reads `50%`, `0.5%` as a number from 0 to 1.
///
/// # Errors
/// What is wrong, as the end of a sentence about the key.
pub fn share(text: &str) -> Result<f64, String> {
    let number = text.strip_suffix('%').ok_or_else(|| format!("\"{text}\" has no %"))?;
    let percent = plain(number).ok_or_else(|| format!("\"{text}\" is no share"))?;
    if percent > 100.0 {
        return Err(format!("\"{text}\" is more than all"));
    }
    Ok(percent / 100.0)
}

/// Digits and at most one point: no sign, no exponent, no "inf".
fn plain(text: &str) -> Option<f64> {
    let digits = text.chars().all(|c| c.is_ascii_digit() || c == '.');
    if digits { text.trim().parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_carry_their_unit() {
        assert_eq!(duration("7s"), Ok(Duration::from_secs(7)));
        assert_eq!(duration("1.5s"), Ok(Duration::from_millis(1_500)));
        assert_eq!(duration("250ms"), Ok(Duration::from_millis(250)));
        assert_eq!(duration("2m"), Ok(Duration::from_secs(120)));
        assert_eq!(duration("0s"), Ok(Duration::ZERO));
        for wrong in ["7", "s", "-1s", "1e3s", "7 s", "2h", "61m", "infs", ""] {
            assert!(duration(wrong).is_err(), "{wrong} was read");
        }
    }

    #[test]
    fn a_printed_duration_reads_back() {
        for text in ["0s", "7s", "250ms", "2m", "90s", "1500us", "17ns"] {
            let read = duration(text).unwrap();
            assert_eq!(duration(&print(read)), Ok(read), "{text}");
        }
        assert_eq!(print(Duration::from_millis(1_500)), "1500ms");
    }

    #[test]
    fn shares_carry_their_sign_and_end_at_all() {
        assert_eq!(share("50%"), Ok(0.5));
        assert_eq!(share("100%"), Ok(1.0));
        for wrong in ["50", "0.5", "101%", "-1%", "%"] {
            assert!(share(wrong).is_err(), "{wrong} was read");
        }
    }
}
