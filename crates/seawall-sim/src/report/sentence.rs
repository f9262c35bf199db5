//! What it all comes to, in sentences with numbers.

use super::bands;
use super::words;
use crate::outcome::{Outcome, Point, Run};
use crate::verdict::{
    Estimate, Fate, Measure, Quantity, Threshold, Turn, Unit, thresholds, trouble,
};

/// Combinations of a sweep that are told of one by one; the map shows the rest.
const TOLD: usize = 12;

/// The verdict; never empty.
pub(super) fn sentences(outcome: &Outcome) -> Vec<String> {
    let runs: usize = outcome.points.iter().map(|point| point.runs.len()).sum();
    if runs == 0 {
        return vec!["Nothing was run.".to_owned()];
    }
    if let [point] = outcome.points.as_slice() {
        return of_point(point);
    }
    let found = thresholds(outcome);
    if found.is_empty() {
        return of_sweep(outcome);
    }
    let mut told: Vec<String> =
        found.iter().take(TOLD).map(|one| of_threshold(outcome, one)).collect();
    if found.len() > TOLD {
        told.push(format!("{} further combinations are in the map.", found.len() - TOLD));
    }
    told
}

/// Whether runs stay down where none was expected to: what a colour may underline.
pub(super) fn is_good(outcome: &Outcome) -> bool {
    let down = |point: &Point| point.of(Fate::Down).next().is_some();
    outcome.expectations.iter().all(|expectation| expectation.held)
        && (!outcome.expectations.is_empty() || !outcome.points.iter().any(down))
}

fn of_point(point: &Point) -> Vec<String> {
    match point.runs.as_slice() {
        [run] => vec![of_run(point, run)],
        _ => of_runs(point),
    }
}

fn of_run(point: &Point, run: &Run) -> String {
    let verdict = &run.verdict;
    let course = verdict.course;
    if verdict.unstable {
        let at = run.record.as_ref().and_then(|record| record.unstable);
        let at = at.map_or_else(String::new, |at| {
            format!(": after {} more was under way than may be", words::time(bands::seconds(at)))
        });
        return format!("Unstable: the queues of this run grow without bound{at}.");
    }
    let end = words::share(course.end);
    if course.metastable {
        return format!(
            "The run stays down: it worked before the trigger, and long after it, under no more \
             load, only {end} of calls end well. This is a metastable state."
        );
    }
    if verdict.fate() == Fate::Down {
        return format!("The run ends badly: only {end} of its last calls end well.");
    }
    let good = format!(
        "{} of {} calls ended well, {}",
        words::share(verdict.success_rate),
        verdict.calls,
        words::rate(verdict.goodput)
    );
    match (trouble(&point.plan).is_some(), course.recovered) {
        (true, Some(after)) => format!(
            "The run comes back: {good}; calls end well again {} after the trigger is gone.",
            words::time(after)
        ),
        _ => format!("The run works to its end: {good}."),
    }
}

fn of_runs(point: &Point) -> Vec<String> {
    let down = point.down();
    let struck = trouble(&point.plan).is_some();
    let works = if struck { "come back" } else { "work to their end" };
    let mut told = match (down.hits, down.count - down.hits) {
        (0, count) => vec![format!("All {count} runs {works}.")],
        (count, 0) => vec![format!("All {count} runs stay down.")],
        _ => vec![format!(
            "{} stay down, the others {works}. What follows is said of each kind by itself: a mean \
             over both would be a state that no run is in.",
            words::proportion(&down)
        )],
    };
    for fate in Fate::ALL {
        told.extend(of_kind(point, fate));
    }
    told
}

fn of_kind(point: &Point, fate: Fate) -> Option<String> {
    let count = point.of(fate).count();
    let tell = |name: &str| {
        let measure = Measure::named(name)?;
        let estimate = point.estimate(fate, measure)?;
        Some((measure.unit, estimate))
    };
    let word = |(unit, estimate): (Unit, Estimate)| words::estimate(unit, &estimate);
    let goodput = word(tell("goodput")?);
    let (success, p99) = (word(tell("success_rate")?), word(tell("p99")?));
    let who = match (fate, count) {
        (Fate::Back, 1) => "The run that works".to_owned(),
        (Fate::Down, 1) => "The run that stays down".to_owned(),
        (Fate::Back, _) => format!("The {count} runs that work"),
        (Fate::Down, _) => format!("The {count} runs that stay down"),
    };
    let mut told =
        format!("{who}: {success} of calls end well, goodput {goodput} a second, p99 {p99}");
    if let Some(after) = tell("time_to_recover").filter(|_| fate == Fate::Back) {
        told = format!("{told}, well again {} after the trigger", word(after));
    }
    Some(format!("{told}."))
}

fn of_sweep(outcome: &Outcome) -> Vec<String> {
    let down = |point: &&Point| point.of(Fate::Down).next().is_some();
    let bad = outcome.points.iter().filter(down).count();
    let all = outcome.points.len();
    vec![match bad {
        0 => format!("No run of {} stays down.", words::count(all, "combination")),
        _ => format!("In {bad} of {} runs stay down.", words::count(all, "combination")),
    }]
}

/// `Comes back from this trigger up to 35/s; at 40/s 69 % of 200 runs stay down.`
fn of_threshold(outcome: &Outcome, found: &Threshold) -> String {
    let others = found.others.iter().filter_map(|(axis, value)| {
        let axis = outcome.axes.get(*axis)?;
        Some(format!("{} = {}", axis.name, axis.values.get(*value)?))
    });
    let others = others.collect::<Vec<_>>().join(", ");
    let told = turning(outcome, found);
    if others.is_empty() {
        let mut letters = told.chars();
        let first = letters.next().map(|first| first.to_uppercase().to_string());
        return format!("{}{}", first.unwrap_or_default(), letters.as_str());
    }
    format!("With {others}: {told}")
}

fn turning(outcome: &Outcome, found: &Threshold) -> String {
    let struck = outcome.points.iter().any(|point| trouble(&point.plan).is_some());
    let works = if struck { "comes back from this trigger" } else { "works" };
    let upto = if found.falls() { "down to" } else { "up to" };
    let step = |place: Option<usize>| found.steps.get(place?);
    let name = |turn: &Turn| named(outcome, found, turn);
    // A value may itself end in a percentage.
    let comma = if found.quantity == Quantity::Value { "," } else { "" };
    match (step(found.holds), step(found.fails)) {
        (Some(holds), None) => format!("{works} {upto} {}, the last value tried.", name(holds)),
        (Some(holds), Some(fails)) => format!(
            "{works} {upto} {}; at {}{comma} {} stay down.",
            name(holds),
            name(fails),
            words::proportion(&fails.down)
        ),
        (None, Some(fails)) => format!(
            "at {}, the first value tried, {} stay down already.",
            name(fails),
            words::proportion(&fails.down)
        ),
        (None, None) => "nothing was run.".to_owned(),
    }
}

/// The value of a step as it is called in sentences.
fn named(outcome: &Outcome, found: &Threshold, turn: &Turn) -> String {
    match found.quantity {
        Quantity::Load => words::rate(turn.number),
        Quantity::EndLoad => format!("{} at the end", words::rate(turn.number)),
        Quantity::Value => {
            let axis = outcome.axes.get(found.axis);
            let value = axis.and_then(|axis| axis.values.get(turn.value));
            let name = axis.map_or("", |axis| axis.name.as_str());
            format!("{name} = {}", value.map_or("", String::as_str))
        }
    }
}
