//! `[expect]`: what must hold of every run, or of every run of some points.

use std::fmt;

use seawall_config::nearest;
use seawall_config::reader::{Element, Given, TableReader};
use seawall_config::units::{parse_duration, parse_share, print_duration};
use seawall_core::time::{Duration, Instant};

use super::sweep::Axis;
use crate::plan::Load;
use crate::verdict::{MEASURES, Measure, Unit};

/// Something that is expected.
#[derive(Clone, Debug, PartialEq)]
pub struct Expect {
    /// The name of a measure of the verdict.
    pub measure: &'static str,
    /// What the measure counts in.
    pub unit: Unit,
    /// How it is compared.
    pub test: Test,
    /// With what: a share, seconds, a number; 1 for true and 0 for false.
    pub bound: f64,
    /// Looked at from so long after the end of all events until the horizon, not over the run.
    pub within: Option<Duration>,
    /// Of this load alone, by its place in the plan; of all together without.
    pub load: Option<usize>,
    /// Only at points with these values, by axis and value; everywhere without.
    pub only: Vec<(usize, usize)>,
    /// As written.
    pub text: String,
}

/// How a measure is compared with its bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Test {
    /// At least.
    AtLeast,
    /// At most.
    AtMost,
    /// More.
    Above,
    /// Less.
    Below,
    /// Exactly.
    Is,
}

const TESTS: [(&str, Test); 5] = [
    (">=", Test::AtLeast),
    ("<=", Test::AtMost),
    ("==", Test::Is),
    (">", Test::Above),
    ("<", Test::Below),
];

impl Test {
    /// Whether a value passes.
    #[must_use]
    pub fn passes(self, value: f64, bound: f64) -> bool {
        match self {
            Self::AtLeast => value >= bound,
            Self::AtMost => value <= bound,
            Self::Above => value > bound,
            Self::Below => value < bound,
            Self::Is => (value - bound).abs() <= 1e-9,
        }
    }

    /// Whether the first of two values is further from passing.
    #[must_use]
    pub fn is_worse(self, one: f64, other: f64, bound: f64) -> bool {
        match self {
            Self::AtLeast | Self::Above => one < other,
            Self::AtMost | Self::Below => one > other,
            Self::Is => (one - bound).abs() > (other - bound).abs(),
        }
    }
}

impl fmt::Display for Test {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = TESTS.iter().find(|(_, test)| test == self).map_or("", |(word, _)| word);
        f.write_str(word)
    }
}

/// What expectations are checked against.
pub(super) struct Frame<'a> {
    pub(super) axes: &'a [Axis],
    pub(super) loads: &'a [Load],
    pub(super) horizon: Duration,
    /// When the last event ends, where that is known.
    pub(super) quiet: Option<Instant>,
}

/// The measure that may also be a share.
pub const GOODPUT: &str = "goodput";

/// Measures that can be looked at after the events.
const LATER: [&str; 2] = [GOODPUT, "success_rate"];

/// Measures of one load alone.
const OF_LOADS: [&str; 14] = [
    "success_rate",
    "substitute_rate",
    "refused_rate",
    "goodput",
    "mean",
    "p50",
    "p90",
    "p99",
    "p99_9",
    "load_factor",
    "time_to_recover",
    "worst_second",
    "end_success_rate",
    "metastable",
];

/// Reads `[expect]`.
pub(super) fn read_all(root: &mut TableReader<'_>, frame: &Frame<'_>) -> Vec<Expect> {
    let read = root.table("expect", |t| {
        let mut all = Vec::new();
        for (name, element) in t.entries() {
            if name.value == "at" {
                all.extend(read_some(&element, frame));
            } else {
                all.extend(read_entry(&name, &element, frame));
            }
        }
        all
    });
    read.unwrap_or_default()
}

/// `at = [{ where = { "load.a.scale" = 2 }, goodput = ">= 90%" }]`.
fn read_some(element: &Element<'_>, frame: &Frame<'_>) -> Vec<Expect> {
    let Some(entries) = element.elements() else {
        let example = "write at = [{ where = { \"load.a.scale\" = 2 }, goodput = \">= 90%\" }]";
        element.wrong(format!("{} is no list", element.path()), example);
        return Vec::new();
    };
    let mut all = Vec::new();
    for entry in entries {
        let read = entry.table(|t| {
            let only = t.table("where", |t| {
                let entries = t.entries();
                let value =
                    |(name, value): &(Given<String>, Element<'_>)| axis_value(name, value, frame);
                entries.iter().filter_map(value).collect::<Vec<_>>()
            });
            if only.is_none() && !t.has("where") {
                let what = format!("{} says not where", t.path());
                t.wrong(t.place(), what, "write where = { \"load.a.scale\" = 2 }");
            }
            let others = t.entries().into_iter().filter(|(name, _)| name.value != "where");
            let mut found = Vec::new();
            for (name, value) in others {
                found.extend(read_entry(&name, &value, frame));
            }
            found
                .into_iter()
                .map(|expect| Expect { only: only.clone().unwrap_or_default(), ..expect })
                .collect::<Vec<_>>()
        });
        if read.is_none() {
            entry.wrong("an entry of at is no table", "write { where = { … }, goodput = … }");
        }
        all.extend(read.unwrap_or_default());
    }
    all
}

fn axis_value(
    name: &Given<String>,
    element: &Element<'_>,
    frame: &Frame<'_>,
) -> Option<(usize, usize)> {
    let Some(place) = frame.axes.iter().position(|axis| axis.name == name.value) else {
        let names: Vec<&str> = frame.axes.iter().map(|axis| axis.name.as_str()).collect();
        let remedy = nearest::remedy(&name.value, &names, "known axes");
        element.wrong(format!("the sweep does not vary \"{}\"", name.value), remedy);
        return None;
    };
    let plain = element.plain()?;
    let values = &frame.axes.get(place)?.values;
    let found = values.iter().position(|value| value.written() == plain.written());
    if found.is_none() {
        let names: Vec<&str> = values.iter().map(seawall_config::reader::Plain::written).collect();
        let what = format!("\"{}\" never is {}", name.value, plain.written());
        element.wrong(what, format!("its values: {}", names.join(", ")));
    }
    Some((place, found?))
}

/// An expectation of all loads together, or `load.NAME.MEASURE = …` of some.
fn read_entry(name: &Given<String>, element: &Element<'_>, frame: &Frame<'_>) -> Vec<Expect> {
    if name.value != "load" || !element.is_table() {
        let names: Vec<&str> = MEASURES.iter().map(|measure| measure.name).collect();
        return read_one(name, element, (frame, &names)).into_iter().collect();
    }
    let read = element.table(|t| {
        let entries = t.entries();
        let of = |(name, element): &(Given<String>, Element<'_>)| of_load(name, element, frame);
        entries.iter().flat_map(of).collect::<Vec<_>>()
    });
    read.unwrap_or_default()
}

fn of_load(name: &Given<String>, element: &Element<'_>, frame: &Frame<'_>) -> Vec<Expect> {
    let Some(place) = frame.loads.iter().position(|load| load.name == name.value) else {
        let names: Vec<&str> = frame.loads.iter().map(|load| load.name.as_str()).collect();
        let remedy = nearest::remedy(&name.value, &names, "known loads");
        element.wrong(format!("no load is called \"{}\"", name.value), remedy);
        return Vec::new();
    };
    let read = element.table(|t| {
        let entries = t.entries();
        let of = |(measure, element): &(Given<String>, Element<'_>)| {
            let expect = read_one(measure, element, (frame, &OF_LOADS))?;
            let text = format!("{}: {}", name.value, expect.text);
            Some(Expect { load: Some(place), text, ..expect })
        };
        entries.iter().filter_map(of).collect::<Vec<_>>()
    });
    if read.is_none() {
        element.wrong(format!("{} is no table", element.path()), "write load.NAME.p99 = …");
    }
    read.unwrap_or_default()
}

fn read_one(
    name: &Given<String>,
    element: &Element<'_>,
    (frame, names): (&Frame<'_>, &[&str]),
) -> Option<Expect> {
    let known = Measure::named(&name.value).filter(|measure| names.contains(&measure.name));
    let Some(measure) = known else {
        let what = format!("nothing is measured as \"{}\"", name.value);
        element.wrong(what, nearest::remedy(&name.value, names, "known measures"));
        return None;
    };
    let unit = unit_of(measure, element);
    let example = example(unit);
    let parsed = match (element.as_flag(), element.as_str(), element.as_number()) {
        (Some(flag), _, _) if unit == Unit::Truth => {
            Ok((Test::Is, f64::from(u8::from(flag)), None))
        }
        (_, Some(text), _) if unit != Unit::Truth => parse(text, unit),
        _ => Err("is no expectation".to_owned()),
    };
    let (test, bound, within) = match parsed {
        Ok(parsed) => parsed,
        Err(why) => {
            element.wrong(format!("{} {why}", name.value), example);
            return None;
        }
    };
    let text = match element.as_str() {
        Some(text) => format!("{} {text}", name.value),
        None => format!("{} = {}", name.value, if bound > 0.0 { "true" } else { "false" }),
    };
    let (load, only) = (None, Vec::new());
    let expect = Expect { measure: measure.name, unit, test, bound, within, load, only, text };
    check(&expect, element, frame).then_some(expect)
}

/// Goodput is a number of calls in a second, or a share of those that begin.
fn unit_of(measure: &Measure, element: &Element<'_>) -> Unit {
    let share = element.as_str().is_some_and(|text| text.contains('%'));
    if measure.name == GOODPUT && share { Unit::Share } else { measure.unit }
}

/// A valid value, as the mend.
const fn example(unit: Unit) -> &'static str {
    match unit {
        Unit::Share => "write \">= 99.5%\"",
        Unit::Number => "write \"<= 1.3\"",
        Unit::Time => "write \"<= 250ms\"",
        Unit::Truth => "write true or false",
    }
}

/// A test, a bound, and `within 5s after events end` where that is said.
type Parsed = (Test, f64, Option<Duration>);

fn parse(text: &str, unit: Unit) -> Result<Parsed, String> {
    let text = text.trim();
    let found = TESTS.iter().find_map(|(word, test)| Some((text.strip_prefix(word)?, *test)));
    let (rest, test) = found.ok_or_else(|| format!("\"{text}\" does not begin with >= or <="))?;
    let (bound, within) = match rest.split_once(" within ") {
        None => (rest.trim(), None),
        Some((bound, later)) => (bound.trim(), Some(parse_within(later)?)),
    };
    Ok((test, parse_bound(bound, unit)?, within))
}

fn parse_within(text: &str) -> Result<Duration, String> {
    let time = text.trim().strip_suffix("after events end").map(str::trim);
    let time = time.ok_or_else(|| format!("\"within {text}\" is not understood"))?;
    parse_duration(time)
}

fn parse_bound(text: &str, unit: Unit) -> Result<f64, String> {
    let number = |text: &str| -> Result<f64, String> {
        let number: Option<f64> = text.parse().ok();
        number.filter(|n| n.is_finite()).ok_or_else(|| format!("\"{text}\" is no number"))
    };
    match unit {
        Unit::Share if text.ends_with('%') => {
            if let Some(below) = text.strip_prefix('-') {
                return Ok(-f64::from(parse_share(below)?.ppm()) / 1e6);
            }
            Ok(f64::from(parse_share(text)?.ppm()) / 1e6)
        }
        Unit::Time => Ok(parse_duration(text)?.as_secs_f64()),
        Unit::Share | Unit::Number | Unit::Truth => number(text),
    }
}

/// Notes what can never be, and what cannot be looked at.
fn check(expect: &Expect, element: &Element<'_>, frame: &Frame<'_>) -> bool {
    let most = if expect.unit == Unit::Share { 1.0 } else { f64::INFINITY };
    let reachable = match expect.test {
        Test::AtLeast => expect.bound <= most,
        Test::Above => expect.bound < most,
        Test::AtMost => expect.bound >= 0.0,
        Test::Below => expect.bound > 0.0,
        Test::Is => (0.0..=most).contains(&expect.bound),
    };
    if !reachable {
        let range = if most > 1.0 { "it is never below 0" } else { "it lies in 0% to 100%" };
        element.wrong(format!("{} can never be: {range}", expect.text), example(expect.unit));
        return false;
    }
    let Some(within) = expect.within else { return true };
    if !LATER.contains(&expect.measure) || expect.unit != Unit::Share {
        let what = format!("{} is known of whole runs only", expect.measure);
        element.wrong(
            what,
            "remove \"within … after events end\", or write goodput = \">= 99% within …\"",
        );
        return false;
    }
    let Some(quiet) = frame.quiet else {
        element
            .wrong("there is no time at which all events have ended", "give each event at and for");
        return false;
    };
    let from = quiet.after(within);
    if from >= Instant::EPOCH.after(frame.horizon) {
        let from = print_duration(from.since(Instant::EPOCH));
        let what = format!("{} can never be seen: the scenario is over at {from}", expect.text);
        element.wrong(what, "lengthen horizon, or let the events end earlier");
        return false;
    }
    true
}
