//! `[sweep]`: values that are varied, every combination of which is a point.

use seawall_config::Place;
use seawall_config::reader::{Element, Plain, TableReader, or};
use seawall_config::units::{parse_duration, parse_share, print_duration};
use seawall_core::time::Duration;

/// Points of one sweep at most: more than a plot can show, and each is run under every seed.
pub const POINTS_MAX: usize = 10_000;

/// Values of one axis at most.
const STEPS_MAX: u32 = 1_000;

/// A value that is varied.
#[derive(Clone, Debug)]
pub(super) struct Axis {
    /// The path of the value.
    pub(super) name: String,
    pub(super) place: Option<Place>,
    pub(super) values: Vec<Plain>,
}

/// Reads all axes, in the order of the file.
pub(super) fn read_all(root: &mut TableReader<'_>) -> Vec<Axis> {
    let axes = root.table("sweep", |t| {
        let entries = t.entries();
        let axis = |(name, element): (seawall_config::reader::Given<String>, Element<'_>)| {
            let values = read_values(&element)?;
            if values.is_empty() {
                element
                    .wrong(format!("\"{}\" has no values", name.value), "write some, or remove it");
            }
            Some(Axis { name: name.value, place: name.place, values })
        };
        entries.into_iter().filter_map(axis).collect::<Vec<_>>()
    });
    let axes = axes.unwrap_or_default();
    let points = axes.iter().fold(1_usize, |all, axis| all.saturating_mul(axis.values.len()));
    if points > POINTS_MAX {
        let place = axes.first().and_then(|axis| axis.place);
        let what = format!("the sweep has {points} points");
        root.wrong(place, what, format!("keep at most {POINTS_MAX}: fewer values, or fewer axes"));
    }
    axes
}

/// A list of values, or `{ from = 1, to = 5, steps = 5 }`.
fn read_values(element: &Element<'_>) -> Option<Vec<Plain>> {
    if let Some(values) = element.elements() {
        return Some(values.iter().filter_map(Element::plain).collect());
    }
    let read = element.table(|t| {
        let from = t.element("from");
        let to = t.element("to");
        let steps = or(t.count("steps", 2..=STEPS_MAX, "5"), 5);
        let (from, to) = (from?.plain()?, to?.plain()?);
        range(&from, &to, steps)
    });
    let values = read.flatten();
    if values.is_none() {
        let what = format!("{} is neither a list nor a range", element.path());
        element.wrong(what, "write [1, 2, 4] or { from = 1, to = 5, steps = 5 }");
    }
    values
}

/// So many values from the first to the last, both numbers, durations or shares.
fn range(from: &Plain, to: &Plain, steps: u32) -> Option<Vec<Plain>> {
    let between = |low: f64, high: f64, step: u32| {
        low + (high - low) * f64::from(step) / f64::from(steps - 1)
    };
    if let (Some(low), Some(high)) = (from.as_number(), to.as_number()) {
        let value = |step| Plain::number(rounded(between(low, high, step)));
        return (low.is_finite() && high.is_finite()).then(|| (0..steps).map(value).collect());
    }
    let (low, high) = (from.as_str()?, to.as_str()?);
    if let (Ok(low), Ok(high)) = (parse_duration(low), parse_duration(high)) {
        let value = |step| {
            let seconds = between(low.as_secs_f64(), high.as_secs_f64(), step);
            let time = Duration::try_from_secs_f64(seconds).unwrap_or_default();
            // To the microsecond, so that nobody reads rounding errors.
            let micros = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
            Plain::text(&print_duration(Duration::from_micros(micros)))
        };
        return Some((0..steps).map(value).collect());
    }
    let (low, high) = (parse_share(low).ok()?, parse_share(high).ok()?);
    let value = |step| {
        let percent = between(f64::from(low.ppm()), f64::from(high.ppm()), step) / 1e4;
        Plain::text(&format!("{}%", rounded(percent)))
    };
    Some((0..steps).map(value).collect())
}

/// A number to four decimals.
fn rounded(number: f64) -> f64 {
    (number * 1e4).round() / 1e4
}

/// The places of the values of each point, the last axis fastest.
pub(super) fn points(axes: &[Axis]) -> Vec<Vec<usize>> {
    let mut points = vec![Vec::new()];
    for axis in axes {
        let longer = points.into_iter().flat_map(|point: Vec<usize>| {
            (0..axis.values.len()).map(move |value| {
                let mut longer = point.clone();
                longer.push(value);
                longer
            })
        });
        points = longer.take(POINTS_MAX).collect();
    }
    points
}
