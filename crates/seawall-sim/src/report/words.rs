//! Numbers as people read them: no more digits than there is reason for.

use crate::verdict::{Estimate, Proportion, Unit};

/// An interval wider than this share of its middle allows no digits.
const WIDE: f64 = 0.25;

/// And for shares of calls, one wider than this to each side.
const WIDE_SHARE: f64 = 0.05;

/// A number with three digits that count.
pub(super) fn number(value: f64) -> String {
    let size = value.abs();
    match size {
        _ if !value.is_finite() => "–".to_owned(),
        _ if size >= 1e9 => format!("{}G", digits(value / 1e9)),
        _ if size >= 1e6 => format!("{}M", digits(value / 1e6)),
        _ if size >= 1e4 => format!("{}k", digits(value / 1e3)),
        _ => digits(value),
    }
}

/// Three digits that count, without zeros at the end of a fraction.
fn digits(value: f64) -> String {
    let text = match value.abs() {
        size if size >= 100.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        size if size >= 1.0 => format!("{value:.2}"),
        size if size >= 0.0005 => format!("{value:.3}"),
        size if size > 0.0 => return format!("{value:.0e}"),
        _ => "0".to_owned(),
    };
    trimmed(&text)
}

fn trimmed(text: &str) -> String {
    if !text.contains('.') {
        return text.to_owned();
    }
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" { "0".to_owned() } else { text.to_owned() }
}

/// Calls in a second.
pub(super) fn rate(value: f64) -> String {
    format!("{}/s", number(value))
}

/// A duration, given in seconds.
pub(super) fn time(seconds: f64) -> String {
    let size = seconds.abs();
    match size {
        _ if !seconds.is_finite() => "–".to_owned(),
        _ if size == 0.0 => "0 s".to_owned(),
        _ if size < 1e-3 => format!("{} µs", digits(seconds * 1e6)),
        _ if size < 1.0 => format!("{} ms", digits(seconds * 1e3)),
        _ if size < 1000.0 => format!("{} s", digits(seconds)),
        _ if size < 36_000.0 => format!("{} min", digits(seconds / 60.0)),
        _ => format!("{} h", digits(seconds / 3600.0)),
    }
}

/// A share. What is not quite all is never written as all, and what is not quite nothing never as
/// nothing.
pub(super) fn share(value: f64) -> String {
    let percent = value * 100.0;
    let rest = (100.0 - percent).abs();
    match percent {
        _ if !value.is_finite() => "–".to_owned(),
        _ if rest == 0.0 => "100 %".to_owned(),
        _ if percent < 100.0 && rest < 0.001 => "> 99.999 %".to_owned(),
        _ if percent > 0.0 && percent < 0.001 => "< 0.001 %".to_owned(),
        _ if percent < 100.0 && rest < 0.1 => format!("{} %", floor(percent, 1000.0)),
        _ if percent < 100.0 && rest < 10.0 => format!("{} %", floor(percent, 100.0)),
        _ => format!("{} %", digits(percent)),
    }
}

/// Cut, not rounded, so that 99.996 % does not become 100 %.
fn floor(percent: f64, steps: f64) -> String {
    trimmed(&format!("{:.3}", libm::floor(percent * steps + 1e-9) / steps))
}

/// A number of a kind.
pub(crate) fn value(unit: Unit, value: f64) -> String {
    match unit {
        Unit::Share => share(value),
        Unit::Time => time(value),
        Unit::Number => number(value),
        Unit::Truth => (if value > 0.5 { "yes" } else { "no" }).to_owned(),
    }
}

/// A mean over runs with its interval; of one too wide, the interval alone.
pub(super) fn estimate(unit: Unit, of: &Estimate) -> String {
    if unit == Unit::Truth {
        return share(of.mean);
    }
    let Some(half) = of.half else { return value(unit, of.mean) };
    // Runs that agree to the last digit have no interval to speak of.
    if half <= of.mean.abs() * 1e-9 {
        return value(unit, of.mean);
    }
    if is_wide(unit, of) {
        let (low, high) = bounds(unit, of);
        return format!("{} to {} (uncertain)", value(unit, low), value(unit, high));
    }
    let (factor, name) = scale(unit, of.mean);
    let (mean, half) = (of.mean * factor, half * factor);
    let places = places(half);
    format!("{mean:.places$} ± {half:.places$}{name}")
}

/// What a number of this size is multiplied with before it is written, and what then follows it.
fn scale(unit: Unit, value: f64) -> (f64, &'static str) {
    let size = value.abs();
    match unit {
        Unit::Share => (100.0, " %"),
        Unit::Time if size < 1e-3 => (1e6, " µs"),
        Unit::Time if size < 1.0 => (1e3, " ms"),
        Unit::Time if size < 1000.0 => (1.0, " s"),
        Unit::Time if size < 36_000.0 => (1.0 / 60.0, " min"),
        Unit::Time => (1.0 / 3600.0, " h"),
        Unit::Number if size >= 1e6 => (1e-6, "M"),
        Unit::Number | Unit::Truth => (1.0, ""),
    }
}

/// Decimals that show two digits of the half-width: more of the mean would be noise.
fn places(half: f64) -> usize {
    let bounds = [10.0, 1.0, 0.1, 0.01, 0.001];
    bounds.iter().take_while(|bound| half < **bound).count()
}

/// Whether the interval is too wide for digits to mean anything.
pub(super) fn is_wide(unit: Unit, of: &Estimate) -> bool {
    let half = of.half.unwrap_or_default();
    match unit {
        Unit::Share => half > WIDE_SHARE,
        Unit::Time | Unit::Number => half > of.mean.abs() * WIDE,
        Unit::Truth => false,
    }
}

/// The interval, as far as such a number can be.
pub(super) fn bounds(unit: Unit, of: &Estimate) -> (f64, f64) {
    let most = if unit == Unit::Share { 1.0 } else { f64::MAX };
    (of.low().max(0.0), of.high().min(most))
}

/// A difference with its sign and interval; of shares in points.
pub(super) fn difference(unit: Unit, of: &Estimate) -> String {
    let sign = |x: f64| if x > 0.0 { "+" } else { "" };
    let one = |x: f64| match unit {
        Unit::Share | Unit::Truth => format!("{} points", number(x * 100.0)),
        Unit::Time | Unit::Number => value(unit, x),
    };
    let mean = format!("{}{}", sign(of.mean), one(of.mean));
    let Some(half) = of.half.filter(|half| *half > 0.0) else { return mean };
    let (factor, name) = match unit {
        Unit::Share | Unit::Truth => (100.0, " points"),
        Unit::Time | Unit::Number => scale(unit, of.mean.abs().max(half)),
    };
    let (mean, half) = (of.mean * factor, half * factor);
    let places = places(half);
    format!("{mean:+.places$} ± {half:.places$}{name}")
}

/// A share of runs with its interval.
pub(super) fn proportion(of: &Proportion) -> String {
    format!("{} of {} runs (between {})", share(of.share()), of.count, between(of))
}

/// Its interval, as short as can be.
pub(super) fn range(of: &Proportion) -> String {
    format!("{:.0}–{:.0} %", of.low * 100.0, of.high * 100.0)
}

/// Its interval alone.
pub(super) fn between(of: &Proportion) -> String {
    let whole = |x: f64| format!("{:.0}", x * 100.0);
    format!("{} and {} %", whole(of.low), whole(of.high))
}

/// A count with its noun.
pub(super) fn count(count: usize, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}

/// The beginning of a text, if it is longer than that.
pub(super) fn clipped(text: &str, chars: usize) -> String {
    if text.chars().count() <= chars {
        return text.to_owned();
    }
    let mut cut: String = text.chars().take(chars.saturating_sub(1)).collect();
    cut.push('…');
    cut
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_three_digits_that_count() {
        let printed = [0.0, 1.0, 0.12345, 12.345, 123.45, 1234.5, 12_345.0, 1.5e6, f64::NAN];
        let printed = printed.map(number);
        assert_eq!(printed, ["0", "1", "0.123", "12.3", "123", "1234", "12.3k", "1.5M", "–"]);
    }

    #[test]
    fn what_is_not_quite_all_is_not_written_as_all() {
        let printed = [1.0, 0.999_999_9, 0.99996, 0.9995, 0.95, 0.69, 0.0, 1e-7].map(share);
        let wanted = ["100 %", "> 99.999 %", "99.996 %", "99.95 %", "95 %", "69 %", "0 %"];
        assert_eq!(printed[..7], wanted);
        assert_eq!(printed[7], "< 0.001 %");
    }

    #[test]
    fn durations_have_units_that_fit() {
        let printed = [0.0, 2.5e-5, 0.0123, 1.5, 150.0, 1800.0].map(time);
        assert_eq!(printed, ["0 s", "25 µs", "12.3 ms", "1.5 s", "150 s", "30 min"]);
    }

    #[test]
    fn a_wide_interval_is_printed_in_place_of_digits() {
        let of = |values: &[f64]| Estimate::of(values).expect("there are values");
        assert_eq!(estimate(Unit::Time, &of(&[1.0, 1.02, 0.98])), "1.000 ± 0.050 s");
        assert_eq!(estimate(Unit::Time, &of(&[1.0, 5.0, 0.3])), "0 s to 8.4 s (uncertain)");
        assert_eq!(estimate(Unit::Share, &of(&[0.5, 0.9])), "0 % to 100 % (uncertain)");
        assert_eq!(estimate(Unit::Number, &of(&[3.0])), "3");
        assert_eq!(estimate(Unit::Number, &of(&[3.0, 3.0])), "3");
    }
}
