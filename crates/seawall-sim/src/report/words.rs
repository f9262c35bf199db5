//! Measures of the simulator as people read them. Plain numbers are written by `seawall-plot`.

pub(super) use seawall_plot::words::{clipped, count, number, rate, share, time};

use crate::verdict::{Estimate, Proportion, Unit};

/// An interval wider than this share of its middle allows no digits.
const WIDE: f64 = 0.25;

/// And for shares of calls, one wider than this to each side.
const WIDE_SHARE: f64 = 0.05;

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

#[cfg(test)]
mod tests {
    use super::*;

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
