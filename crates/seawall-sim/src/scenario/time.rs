//! How long things take, as scenario files write it: a duration, or a table with `dist`.

use std::sync::Arc;

use seawall_config::reader::{Element, TableReader, or};
use seawall_config::units::parse_duration;
use seawall_core::time::Duration;

use crate::dist::Distribution;

/// The kinds of distributions.
#[derive(Clone, Copy, Debug)]
enum Kind {
    Exponential,
    Constant,
    Uniform,
    Normal,
    LogNormal,
    Weibull,
    Mixture,
    Empirical,
}

const KINDS: [(&str, Kind); 9] = [
    ("exponential", Kind::Exponential),
    ("constant", Kind::Constant),
    ("uniform", Kind::Uniform),
    ("normal", Kind::Normal),
    ("lognormal", Kind::LogNormal),
    ("weibull", Kind::Weibull),
    ("bimodal", Kind::Mixture),
    ("mixture", Kind::Mixture),
    ("empirical", Kind::Empirical),
];

/// What to write for a distribution.
const FORMS: &str = "write \"20ms\" or { dist = \"exponential\", mean = \"20ms\" }";

/// Observations kept of a file; more would not change a run that anybody waits for.
const OBSERVATIONS_MAX: usize = 1_000_000;

/// Reads the distribution at `key`.
pub(super) fn read(table: &mut TableReader<'_>, key: &'static str) -> Option<Distribution> {
    of(&table.element(key)?)
}

/// Reads a distribution.
fn of(element: &Element<'_>) -> Option<Distribution> {
    if let Some(text) = element.as_str() {
        return match parse_duration(text) {
            Ok(time) => Some(Distribution::Constant(time)),
            Err(why) => {
                element.wrong(format!("{}: {why}", element.path()), FORMS);
                None
            }
        };
    }
    let read = element.table(of_table);
    if read.is_none() {
        element.wrong(format!("{} is neither text nor a table", element.path()), FORMS);
    }
    read.flatten()
}

fn of_table(table: &mut TableReader<'_>) -> Option<Distribution> {
    let Some(kind) = table.choice("dist", &KINDS) else {
        if !table.has("dist") {
            let what = format!("{} says no dist", table.path());
            table.wrong(table.place(), what, "write dist = \"exponential\"");
        }
        return None;
    };
    match kind.value {
        Kind::Exponential => Some(Distribution::Exponential(need(table, "mean", "\"20ms\"")?)),
        Kind::Constant => Some(Distribution::Constant(need(table, "value", "\"20ms\"")?)),
        Kind::Uniform => {
            let (from, to) = ascending(table, ("from", "\"10ms\""), ("to", "\"30ms\""))?;
            Some(Distribution::Uniform(from, to))
        }
        Kind::Normal => {
            let deviation = or(table.duration_or_zero("deviation", "\"2ms\""), Duration::ZERO);
            Some(Distribution::Normal(need(table, "mean", "\"20ms\"")?, deviation))
        }
        Kind::LogNormal => {
            let (p50, p99) = ascending(table, ("p50", "\"40ms\""), ("p99", "\"300ms\""))?;
            Some(Distribution::between(p50, p99))
        }
        Kind::Weibull => {
            let scale = need(table, "scale", "\"20ms\"")?;
            let shape = or(table.decimal("shape", 0.05..=100.0, "0.8"), 1.0);
            Some(Distribution::Weibull { scale, shape })
        }
        Kind::Mixture => mixture(table),
        Kind::Empirical => empirical(table),
    }
}

/// A duration that must be there.
fn need(table: &mut TableReader<'_>, key: &'static str, example: &str) -> Option<Duration> {
    let given = table.duration(key, example);
    if given.is_none() && !table.has(key) {
        let what = format!("{} says no {key}", table.path());
        table.wrong(table.place(), what, format!("write {key} = {example}"));
    }
    given.map(|given| given.value)
}

fn ascending(
    table: &mut TableReader<'_>,
    (low, low_example): (&'static str, &str),
    (high, high_example): (&'static str, &str),
) -> Option<(Duration, Duration)> {
    let from = need(table, low, low_example);
    let to = need(table, high, high_example);
    let (from, to) = (from?, to?);
    if from > to {
        let what = format!("{} is below {low}", table.path_of(high));
        let place = table.reading().place_of(&table.path_of(high));
        table.wrong(place, what, format!("raise {high}, or lower {low}"));
        return None;
    }
    Some((from, to))
}

fn mixture(table: &mut TableReader<'_>) -> Option<Distribution> {
    let example = "[{ weight = 9, dist = \"constant\", value = \"5ms\" }]";
    let parts = table.list("parts", example, |element| {
        let part = element.table(|t| {
            let weight = or(t.decimal("weight", 0.0..=1e9, "9"), 1.0);
            Some((weight, of_table(t)?))
        });
        if part.is_none() {
            element.wrong("a part is no table", format!("write parts = {example}"));
        }
        part.flatten()
    });
    let noted = table.has("parts");
    let parts = parts.map(|given| given.value).unwrap_or_default();
    if parts.iter().map(|(weight, _)| weight).sum::<f64>() <= 0.0 {
        if !noted || table.is_empty_list("parts") {
            let what = format!("{} has no parts", table.path());
            table.wrong(table.place(), what, format!("write parts = {example}"));
        }
        return None;
    }
    Some(Distribution::Mixture(parts.into()))
}

/// Observations from a file, one duration in a line, or from a list.
fn empirical(table: &mut TableReader<'_>) -> Option<Distribution> {
    let listed = table.list("values", "[\"5ms\", \"9ms\"]", |element| {
        let time = element.as_str().map(parse_duration);
        if !matches!(time, Some(Ok(_))) {
            element.wrong("a value is no duration", "write \"5ms\"");
        }
        time?.ok()
    });
    let file = table.text("file", "\"latencies.txt\"");
    let times = match (listed, file) {
        (Some(listed), None) => listed.value,
        (None, Some(file)) => {
            let text = super::text_of(table, file)?;
            lines(table, file.value, &text)?
        }
        _ => {
            let what = format!("{} needs either file or values", table.path());
            table.wrong(table.place(), what, "write file = \"latencies.txt\"");
            return None;
        }
    };
    if times.is_empty() {
        let what = format!("{} has no observations", table.path());
        table.wrong(table.place(), what, "give at least one duration");
        return None;
    }
    Some(Distribution::Empirical(Arc::from(times)))
}

/// The durations of a file, one in each line; empty lines and those that begin with # aside.
pub(super) fn lines(table: &TableReader<'_>, file: &str, text: &str) -> Option<Vec<Duration>> {
    let lines = (1..).zip(text.lines().map(str::trim));
    let said = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
    let mut times = Vec::new();
    for (number, line) in said.take(OBSERVATIONS_MAX) {
        match parse_duration(line) {
            Ok(time) => times.push(time),
            Err(why) => {
                let what = format!("{}: {file}, line {number}: {why}", table.path());
                table.wrong(table.place(), what, "write one duration in a line, such as 12ms");
                return None;
            }
        }
    }
    Some(times)
}
