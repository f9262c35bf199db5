//! Numbers as people read them: no more digits than there is reason for.

/// A number with three digits that count.
#[must_use]
pub fn number(value: f64) -> String {
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
#[must_use]
pub fn rate(value: f64) -> String {
    format!("{}/s", number(value))
}

/// A duration, given in seconds.
#[must_use]
pub fn time(seconds: f64) -> String {
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
#[must_use]
pub fn share(value: f64) -> String {
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

/// A count with its noun.
#[must_use]
pub fn count(count: usize, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}

/// The beginning of a text, if it is longer than that.
#[must_use]
pub fn clipped(text: &str, chars: usize) -> String {
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
}
