//! Where a system turns: goodput against load going up and coming down, within a run or over a
//! sweep, and how long recovery takes near the edge.

use super::chart::{Axis, Chart, Room, width};
use super::legend::{Key, legend};
use super::scale::Scale;
use super::svg::Area;
use super::{figure, headed, section as framed};
use crate::outcome::{Outcome, Point, Run};
use crate::report::shown::Shown;
use crate::report::words;
use crate::verdict::{Fate, Hysteresis, Quantity, Threshold, hysteresis, thresholds};

pub(super) fn section(outcome: &Outcome, shown: &[Shown<'_>]) -> String {
    let mut body = String::new();
    for run in shown {
        if let Some(found) = hysteresis(&run.point.plan, run.record) {
            body.push_str(&headed(outcome, run));
            body.push_str(&loop_of(&found));
        }
    }
    for found in thresholds(outcome).iter().filter(|found| found.others.is_empty()) {
        if found.quantity != Quantity::Value {
            body.push_str(&both_ways(outcome, found));
        }
        body.push_str(&recovery(outcome, found));
    }
    framed("Where it turns", &body)
}

/// One run whose load rises and falls.
fn loop_of(found: &Hysteresis) -> String {
    let all = found.up.iter().chain(&found.down);
    let rates = all.flat_map(|level| [level.offered, level.goodput]);
    let scale = Scale::up_to(rates);
    let axis = |title| Axis::new(scale, title, words::number);
    let (x, y) = (axis("offered, calls a second"), axis("goodput, calls a second"));
    let mut chart = Chart::new("Goodput against load, up and down", Room::of(260.0), &x, &y);
    let Scale::Linear(_, top) = scale else { return String::new() };
    chart.path("one", [(0.0, 0.0), (top, top)].into_iter());
    for (class, levels) in [("works", &found.up), ("down", &found.down)] {
        chart.path(class, levels.iter().map(|level| (level.offered, level.goodput)));
        for level in levels {
            if let Some(spot) = chart.spot((level.offered, level.goodput)) {
                chart.svg.dot(&format!("{class} dot"), spot, &words::rate(level.goodput));
            }
        }
    }
    let keys = [
        (Key::Line, "works", "while the load rises"),
        (Key::Line, "down", "while it falls"),
        (Key::Line, "one", "everything served"),
    ];
    let picture = format!("{}{}", legend(&keys), chart.finish());
    figure("Up and down", &picture, "Where the lines part, the state depends on the past.")
}

/// A sweep over load: before the trigger and after it.
fn both_ways(outcome: &Outcome, found: &Threshold) -> String {
    let steps = steps(outcome, found);
    let before = |load: f64, run: &Run| Some((load, load * run.verdict.course.before?));
    let after = |load: f64, run: &Run| (load, load * run.verdict.course.end);
    let top = steps.iter().map(|(load, _)| *load);
    let ends = steps
        .iter()
        .flat_map(|(load, point)| point.runs.iter().map(move |run| after(*load, run).1));
    let y = Axis::new(Scale::up_to(ends.chain(top)), "goodput, calls a second", words::number);
    let x = Axis::new(loads(&steps), "load, calls a second", words::number);
    let mut chart = Chart::new("Goodput against load before and after", Room::of(260.0), &x, &y);
    shade(&mut chart, found);
    let mut lines: Vec<(f64, f64)> = Vec::new();
    for (load, point) in &steps {
        let mut all: Vec<_> = point.runs.iter().filter_map(|run| before(*load, run)).collect();
        all.sort_by(|a, b| a.1.total_cmp(&b.1));
        lines.extend(all.get(all.len() / 2));
        for run in &point.runs {
            let class = match run.verdict.fate() {
                Fate::Back => "works dot",
                Fate::Down => "down dot",
            };
            let spot = chart.spot(after(*load, run));
            let title =
                format!("{} at the end, seed {}", words::share(run.verdict.course.end), run.seed);
            if let Some(spot) = spot {
                chart.svg.dot(class, spot, &title);
            }
        }
    }
    chart.path("offered", lines.into_iter());
    let keys = [
        (Key::Line, "offered", "before the trigger (median)"),
        (Key::Dot, "works dot", "long after, a run that works"),
        (Key::Dot, "down dot", "long after, a run that stays down"),
        (Key::Fill, "vulnerable", "some runs stay down"),
        (Key::Fill, "metastable", "all runs stay down"),
    ];
    let picture = format!("{}{}", legend(&keys), chart.finish());
    figure(
        "Goodput against load, before the trigger and long after",
        &picture,
        "Each dot is a run. Two rows of dots over one load are two states of the same system; \
         above stands the share of runs that stay down.",
    )
}

/// The parts of the axis in which runs stay down.
/// Each says how many, as dots that lie upon one another cannot.
fn shade(chart: &mut Chart, found: &Threshold) {
    let Area { top, bottom, .. } = chart.area;
    let mut free = 0.0;
    let mut sorted = found.steps.clone();
    sorted.sort_by(|a, b| a.number.total_cmp(&b.number));
    for (index, step) in sorted.iter().enumerate() {
        let class = match (step.down.hits, step.down.count) {
            (0, _) => continue,
            (hits, count) if hits == count => "metastable",
            _ => "vulnerable",
        };
        let middle = |other: Option<usize>| {
            let other = other.and_then(|other| sorted.get(other));
            other.map_or(step.number, |other| f64::midpoint(other.number, step.number))
        };
        let ends = (middle(index.checked_sub(1)), middle(Some(index + 1)));
        let (Some(left), Some(right)) = (chart.across(ends.0), chart.across(ends.1)) else {
            continue;
        };
        chart.svg.rect(class, Area { left, top, right, bottom }, &words::proportion(&step.down));
        let share = words::share(step.down.share());
        let half = width(&share) / 2.0;
        if let Some(x) = chart.across(step.number).filter(|x| x - half > free) {
            chart.svg.text("tick mid", (x, top - 4.0), &share);
            free = x + half + 6.0;
        }
    }
}

/// How long it took to come back, run by run; what never did stands on top.
fn recovery(outcome: &Outcome, found: &Threshold) -> String {
    let steps = steps(outcome, found);
    let times = steps
        .iter()
        .flat_map(|(_, point)| point.runs.iter().filter_map(|run| run.verdict.course.recovered));
    let times: Vec<f64> = times.collect();
    if times.is_empty() {
        return String::new();
    }
    let Scale::Linear(_, top) = Scale::up_to(times.iter().copied()) else { return String::new() };
    let never = top * 1.15;
    let scale = Scale::Linear(0.0, never * 1.03);
    let y = Axis::new(scale, "time to recover", words::time);
    let (title, label): (String, fn(f64) -> String) = match found.quantity {
        Quantity::Load | Quantity::EndLoad => ("load, calls a second".to_owned(), words::number),
        Quantity::Value => {
            let axis = outcome.axes.get(found.axis);
            (axis.map_or_else(String::new, |axis| axis.name.clone()), words::number)
        }
    };
    let x = Axis::new(loads(&steps), &title, label);
    let mut chart = Chart::new("Time to recover", Room::of(200.0), &x, &y);
    shade(&mut chart, found);
    let mut medians: Vec<(f64, f64)> = Vec::new();
    for (load, point) in &steps {
        let mut all: Vec<f64> = point.runs.iter().map(|run| recovered(run, never)).collect();
        all.sort_by(f64::total_cmp);
        medians.extend(
            all.get(all.len() / 2)
                .map(|median| (*load, if *median < never { *median } else { f64::NAN })),
        );
        for run in &point.runs {
            let height = recovered(run, never);
            let (class, title) = if height < never {
                ("works dot", words::time(height))
            } else {
                ("down dot", format!("never, seed {}", run.seed))
            };
            if let Some(spot) = chart.spot((*load, height)) {
                chart.svg.dot(class, spot, &title);
            }
        }
    }
    chart.path("works", medians.into_iter());
    let keys = [
        (Key::Dot, "works dot", "a run, and the median"),
        (Key::Dot, "down dot", "a run that did not recover"),
        (Key::Fill, "vulnerable", "some runs stay down"),
        (Key::Fill, "metastable", "all runs stay down"),
    ];
    let picture = format!("{}{}", legend(&keys), chart.finish());
    let caption = "From the end of the trigger to the first window in which calls end well. Near \
                   the edge it grows without bound.";
    figure("Time to recover", &picture, caption)
}

fn recovered(run: &Run, never: f64) -> f64 {
    let back = run.verdict.fate() == Fate::Back;
    run.verdict.course.recovered.filter(|_| back).unwrap_or(never)
}

fn steps<'a>(outcome: &'a Outcome, found: &Threshold) -> Vec<(f64, &'a Point)> {
    let mut steps: Vec<_> = found
        .steps
        .iter()
        .filter_map(|step| Some((step.number, outcome.points.get(step.point)?)))
        .collect();
    steps.sort_by(|a, b| a.0.total_cmp(&b.0));
    steps
}

/// An axis over all steps with a little room at both ends.
fn loads(steps: &[(f64, &Point)]) -> Scale {
    let ends = steps.first().zip(steps.last()).map(|(first, last)| (first.0, last.0));
    let (low, high) = ends.unwrap_or((0.0, 1.0));
    let room = if high > low { (high - low) * 0.04 } else { 1.0 };
    Scale::Linear(low - room, high + room)
}
