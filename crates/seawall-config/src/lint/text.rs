//! Numbers as findings print them: as few digits as still tell the difference.

use seawall_core::time::{Duration, nanos};

/// `1.655s`, `150ms`, `250us`.
pub(super) fn time(duration: Duration) -> String {
    let nanos = nanos(duration);
    let (scale, unit) = match nanos {
        1_000_000_000.. => (1_000_000_000, "s"),
        1_000_000.. => (1_000_000, "ms"),
        _ => (1_000, "us"),
    };
    // Three decimals, rounded to the nearest.
    let thousandths = nanos.saturating_add(scale / 2_000) / (scale / 1_000);
    let digits = format!("{}.{:03}", thousandths / 1_000, thousandths % 1_000);
    format!("{}{unit}", trimmed(&digits))
}

/// The same for seconds that an estimate came to; what is no duration is `forever`.
pub(super) fn seconds(seconds: f64) -> String {
    Duration::try_from_secs_f64(seconds).map_or_else(|_| "forever".to_owned(), time)
}

/// A number with three significant digits, or all that stand before the point.
pub(super) fn number(value: f64) -> String {
    let digits = match value.abs() {
        1e9.. => return format!("{value:.2e}"),
        100.0.. => format!("{value:.0}"),
        10.0.. => format!("{value:.1}"),
        1.0.. => format!("{value:.2}"),
        0.01.. => format!("{value:.3}"),
        0.0 => "0".to_owned(),
        _ => return format!("{value:.2e}"),
    };
    trimmed(&digits).to_owned()
}

/// A share in percent: `15.9%`, `0.85%`.
pub(super) fn percent(share: f64) -> String {
    format!("{}%", number(share * 100.0))
}

/// A rate for each second.
pub(super) fn rate(per_second: f64) -> String {
    format!("{}/s", number(per_second))
}

/// The next duration of two digits, for a fix that people type: 1.655 s is 1.7 s.
pub(super) fn rounded_up(duration: Duration) -> Duration {
    let (nanos, step) = (nanos(duration), step(duration));
    Duration::from_nanos(nanos.div_ceil(step).saturating_mul(step))
}

/// The duration of two digits before it.
pub(super) fn rounded_down(duration: Duration) -> Duration {
    let (nanos, step) = (nanos(duration), step(duration));
    Duration::from_nanos(nanos / step * step)
}

/// What the second digit of a duration counts, in nanoseconds.
fn step(duration: Duration) -> u64 {
    let nanos = nanos(duration);
    let mut step = 1_u64;
    while nanos / step >= 100 {
        step = step.saturating_mul(10);
    }
    step
}

/// Without zeros at the end of decimals.
fn trimmed(digits: &str) -> &str {
    if digits.contains('.') { digits.trim_end_matches('0').trim_end_matches('.') } else { digits }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_three_decimals_at_most() {
        assert_eq!(time(Duration::from_millis(1655)), "1.655s");
        assert_eq!(time(Duration::from_millis(800)), "800ms");
        assert_eq!(time(Duration::from_micros(250)), "250us");
        assert_eq!(time(Duration::from_nanos(1)), "0.001us");
        assert_eq!(time(Duration::ZERO), "0us");
        assert_eq!(time(Duration::from_nanos(1_234_567_890)), "1.235s");
        assert_eq!(seconds(2.5), "2.5s");
        assert_eq!(seconds(f64::INFINITY), "forever");
    }

    #[test]
    fn numbers_keep_what_tells_them_apart() {
        let shares =
            [(0.158_89, "15.9%"), (0.008_46, "0.846%"), (0.4, "40%"), (1.16e-5, "1.16e-3%")];
        for (share, text) in shares {
            assert_eq!(percent(share), text);
        }
        assert_eq!(number(64.285), "64.3");
        assert_eq!(number(1.7), "1.7");
        assert_eq!(number(1024.0), "1024");
        assert_eq!(number(0.0), "0");
        assert_eq!(rate(0.5), "0.5/s");
    }

    #[test]
    fn fixes_are_rounded_to_two_digits() {
        assert_eq!(rounded_down(Duration::from_micros(283_333)), Duration::from_millis(280));
        assert_eq!(rounded_up(Duration::from_millis(1655)), Duration::from_millis(1700));
        assert_eq!(rounded_up(Duration::from_millis(17)), Duration::from_millis(17));
        assert_eq!(rounded_up(Duration::ZERO), Duration::ZERO);
        assert_eq!(rounded_up(Duration::MAX).as_nanos(), u128::from(u64::MAX));
    }
}
