//! The outcome as JSON. Series are lists with one number for each bucket; the parts of one record
//! are in `record`.

mod record;

use super::tree::{Tree, list, maybe, object};
use super::{VERSION, sentence};
use crate::observe::{CELLS, cell_start};
use crate::outcome::{Expectation, Outcome, Point, Run};
use crate::verdict::{
    CONFIDENCE, Estimate, Fate, LoadVerdict, MEASURES, Proportion, Quantity, Threshold, Verdict,
    planned, thresholds, written,
};
use seawall_core::time::Instant;

/// Raised when a key changes its meaning or goes; new keys do not raise it.
const FORMAT: u64 = 1;

pub(super) fn document(outcome: &Outcome) -> Tree {
    object([
        ("format", FORMAT.into()),
        ("seawall", VERSION.into()),
        ("title", (&outcome.title).into()),
        ("command", (&outcome.command).into()),
        ("seed", outcome.seed.to_string().into()),
        ("config", maybe(outcome.config.map(|config| format!("{config:016x}")))),
        ("verdict", list(sentence::sentences(outcome))),
        ("confidence_percent", CONFIDENCE.into()),
        ("latency_cell_starts", list((0..=CELLS).map(cell_start))),
        ("expectations", list(outcome.expectations.iter().map(expectation))),
        (
            "axes",
            list(outcome.axes.iter().map(|axis| {
                object([("name", (&axis.name).into()), ("values", list(&axis.values))])
            })),
        ),
        ("thresholds", list(thresholds(outcome).iter().map(|found| threshold(outcome, found)))),
        ("points", list(outcome.points.iter().map(|one| point(outcome, one)))),
    ])
}

fn expectation(expectation: &Expectation) -> Tree {
    object([
        ("text", (&expectation.text).into()),
        ("worst", (&expectation.seen).into()),
        ("held", expectation.held.into()),
    ])
}

pub(super) fn proportion(of: &Proportion) -> Tree {
    object([
        ("runs", of.hits.into()),
        ("of", of.count.into()),
        ("share", of.share().into()),
        ("low", of.low.into()),
        ("high", of.high.into()),
    ])
}

pub(super) fn estimate(of: &Estimate) -> Tree {
    object([("mean", of.mean.into()), ("half_width", maybe(of.half)), ("runs", of.count.into())])
}

fn threshold(outcome: &Outcome, found: &Threshold) -> Tree {
    let axis = |axis: usize| outcome.axes.get(axis);
    let others = found.others.iter().filter_map(|(other, value)| {
        let axis = axis(*other)?;
        let value = axis.values.get(*value)?;
        Some(object([("axis", (&axis.name).into()), ("value", value.into())]))
    });
    let quantity = match found.quantity {
        Quantity::Load => "planned_load",
        Quantity::EndLoad => "planned_load_at_end",
        Quantity::Value => "value",
    };
    let steps = found.steps.iter().map(|turn| {
        let value = axis(found.axis).and_then(|axis| axis.values.get(turn.value));
        object([
            ("value", maybe(value)),
            ("number", turn.number.into()),
            ("down", proportion(&turn.down)),
        ])
    });
    object([
        ("axis", maybe(axis(found.axis).map(|axis| &axis.name))),
        ("where", list(others)),
        ("quantity", quantity.into()),
        ("steps", list(steps)),
        ("holds", maybe(found.holds)),
        ("fails", maybe(found.fails)),
    ])
}

fn point(outcome: &Outcome, point: &Point) -> Tree {
    let summary = Fate::ALL.map(|fate| (fate.name(), summary(point, fate)));
    object([
        ("values", list(written(outcome, point))),
        ("planned_load", planned(&point.plan, Instant::EPOCH).into()),
        ("down", proportion(&point.down())),
        ("measures", object(summary)),
        ("runs", list(point.runs.iter().map(|one| run(point, one)))),
    ])
}

/// The measures of the runs of one kind; nothing where there is none.
fn summary(point: &Point, fate: Fate) -> Tree {
    if point.of(fate).next().is_none() {
        return Tree::None;
    }
    let all = MEASURES.iter().filter_map(|measure| {
        let of = point.estimate(fate, measure)?;
        Some((measure.name.to_owned(), estimate(&of)))
    });
    Tree::Object(all.collect())
}

fn run(point: &Point, run: &Run) -> Tree {
    object([
        ("seed", run.seed.to_string().into()),
        ("fate", run.verdict.fate().name().into()),
        ("calls", run.verdict.calls.into()),
        ("measures", measures(&run.verdict)),
        ("loads", list(run.verdict.loads.iter().map(load))),
        ("record", maybe(run.record.as_ref().map(|seen| record::record(&point.plan, seen)))),
    ])
}

fn measures(verdict: &Verdict) -> Tree {
    let all = MEASURES.iter().map(|measure| (measure.name.to_owned(), maybe(measure.of(verdict))));
    Tree::Object(all.collect())
}

fn load(load: &LoadVerdict) -> Tree {
    object([
        ("name", (&load.name).into()),
        ("calls", load.calls.into()),
        ("success_rate", load.success_rate.into()),
        ("goodput", load.goodput.into()),
        ("p99", load.p99.into()),
    ])
}
