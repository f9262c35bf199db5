//! The outcome of a scenario as text and as JSON.

use serde_json::{Map, Value, json};

use seawall_sim::outcome::{Outcome, Point};
use seawall_sim::verdict::{MEASURES, Unit};

/// A line for each point, and what was expected.
pub(super) fn text(outcome: &Outcome) -> String {
    let mut text = String::new();
    for point in &outcome.points {
        text += &format!("{}\n", describe(outcome, point));
    }
    for expectation in &outcome.expectations {
        let word = if expectation.held { "holds" } else { "FAILS" };
        text += &format!("{word}: {} ({})\n", expectation.text, expectation.seen);
    }
    let unstable = outcome.points.iter().flat_map(|point| &point.runs);
    let verdict = match (unstable.clone().any(|run| run.verdict.unstable), outcome.held()) {
        (true, _) => "verdict: unstable",
        (false, true) => "verdict: as expected",
        (false, false) => "verdict: not as expected",
    };
    text + verdict + "\n"
}

/// The values of a point, and the median of each measure over its runs.
fn describe(outcome: &Outcome, point: &Point) -> String {
    let values =
        outcome.axes.iter().zip(&point.values).filter_map(|(axis, value)| {
            Some(format!("{} = {}", axis.name, axis.values.get(*value)?))
        });
    let measures = MEASURES.iter().filter_map(|measure| {
        let mut seen: Vec<f64> =
            point.runs.iter().filter_map(|run| measure.of(&run.verdict)).collect();
        seen.sort_by(f64::total_cmp);
        let median = seen.get(seen.len() / 2)?;
        Some(format!("{} {}", measure.name, shown(*median, measure.unit)))
    });
    values.chain(measures).collect::<Vec<_>>().join(", ")
}

fn shown(value: f64, unit: Unit) -> String {
    match unit {
        Unit::Share => format!("{:.3}%", value * 100.0),
        Unit::Time => format!("{:.1}ms", value * 1000.0),
        Unit::Number => format!("{value:.3}"),
        Unit::Truth => (value > 0.0).to_string(),
    }
}

/// All runs with their seeds and measures.
pub(super) fn json(outcome: &Outcome) -> Value {
    let axes = outcome.axes.iter().map(|axis| json!({ "name": axis.name, "values": axis.values }));
    let expectations = outcome.expectations.iter().map(|expectation| {
        json!({ "text": expectation.text, "seen": expectation.seen, "held": expectation.held })
    });
    json!({
        "version": env!("CARGO_PKG_VERSION"),
        "title": outcome.title,
        "command": outcome.command,
        "seed": outcome.seed,
        "config": outcome.config.map(|config| format!("{config:016x}")),
        "axes": axes.collect::<Vec<_>>(),
        "points": outcome.points.iter().map(point).collect::<Vec<_>>(),
        "expectations": expectations.collect::<Vec<_>>(),
        "held": outcome.held(),
    })
}

fn point(point: &Point) -> Value {
    let runs = point.runs.iter().map(|run| {
        let measures = MEASURES.iter().filter_map(|measure| {
            Some((measure.name.to_owned(), json!(measure.of(&run.verdict)?)))
        });
        json!({ "seed": run.seed, "measures": measures.collect::<Map<_, _>>() })
    });
    json!({ "values": point.values, "runs": runs.collect::<Vec<_>>() })
}
