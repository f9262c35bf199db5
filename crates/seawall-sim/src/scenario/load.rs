//! `[load.NAME]`: who calls, when, and with what.

use std::sync::Arc;

use seawall_config::reader::{Element, Given, TableReader, or};
use seawall_config::units::parse_duration;
use seawall_core::call::Safety;
use seawall_core::shed::{Class, Priority};
use seawall_core::time::{Duration, Instant};

use super::place::Ways;
use super::{client, place, target, time};
use crate::dist::Distribution;
use crate::plan::{Arrivals, Load, Pace, Rate, Shape, Spacing};

/// A load as its section says it, before whom it calls is known.
#[derive(Debug)]
pub(super) struct Section {
    pub(super) target: Option<target::Wish>,
    pub(super) load: Load,
}

/// Calls a second of one load: beyond it a run of seconds takes minutes.
const RATE_MAX: f64 = 10_000_000.0;

const SAFETY: [(&str, Safety); 3] =
    [("idempotent", Safety::Idempotent), ("keyed", Safety::Keyed), ("unsafe", Safety::Unsafe)];

const PRIORITIES: [(&str, Class); 4] = [
    ("normal", Class::Normal),
    ("critical", Class::Critical),
    ("high", Class::High),
    ("low", Class::Low),
];

const SPACINGS: [(&str, Spacing); 2] = [("poisson", Spacing::Poisson), ("even", Spacing::Even)];

/// Reads all loads.
pub(super) fn read_all(
    root: &mut TableReader<'_>,
    (ways, horizon): (&Ways, Duration),
) -> Vec<Section> {
    let loads = root.named("load", |name, t| read(name, t, (ways, horizon)));
    if loads.is_empty() && !root.has("load") {
        let remedy = "write [load.NAME] with rate = 100 and what it calls";
        root.wrong(None, "there is no load, so nothing would happen", remedy);
    }
    loads
}

fn read(name: Given<&str>, t: &mut TableReader<'_>, (ways, horizon): (&Ways, Duration)) -> Section {
    let target = target::Wish::read(t);
    let mut caller = client::nobody(ways.client.clone());
    if let Some(network) = place::read_way(t, "network") {
        caller.network = network;
    }
    client::read(t, &mut caller);
    let mut load = Load::new(name.value, arrivals(t, horizon), caller);
    load.tenant = t.text("tenant", "\"acme\"").map(|given| given.value.to_owned());
    load.priority = Priority::from(or(t.choice("priority", &PRIORITIES), Class::Normal));
    load.safety = or(t.choice("safety", &SAFETY), load.safety);
    load.cost = or(t.count("cost", 1..=1_000_000, "1"), 1);
    load.deadline = client::deadline(t);
    load.keys = t.table("keys", |t| {
        let count = or(t.count("count", 1..=10_000_000, "1000"), 1000);
        (count, or(t.decimal("zipf", 0.0..=10.0, "0.9"), 0.0))
    });
    Section { target, load }
}

/// When the calls of a load begin: by rate, by users, by both, or as recorded.
fn arrivals(t: &mut TableReader<'_>, horizon: Duration) -> Arrivals {
    let rate = read_rate(t, horizon);
    let users = t.count("users", 1..=1_000_000, "10");
    let think = time::read(t, "think");
    let times = read_times(t);
    let spacing = t.choice("spacing", &SPACINGS);
    let calls = t.count("calls", 1..=u32::MAX, "10");
    let patience = t.count("patience", 1..=u32::MAX, "3");
    let pace = t.choice("pace", &[("after_end", false), ("after_start", true)]);
    if users.is_none() {
        t.pointless("pace", pace, ("users", "write users = 10"));
    }
    let hybrid = think.is_some() && rate.is_some();
    if !hybrid {
        let needed = ("both rate and think", "write think = \"1s\"");
        t.pointless("calls", calls, needed);
        t.pointless("patience", patience, needed);
    }
    let think = think.unwrap_or(Distribution::NONE);
    match (rate, users, times) {
        (Some(rate), None, None) if hybrid => {
            Arrivals::Hybrid { rate, think, calls: or(calls, 10), patience: or(patience, 3) }
        }
        (Some(rate), None, None) => Arrivals::Open { rate, spacing: or(spacing, Spacing::Poisson) },
        (None, Some(users), None) => {
            let after_start = or(pace, false);
            let pace = if after_start { Pace::AfterStart(think) } else { Pace::AfterEnd(think) };
            Arrivals::Closed { users: users.value, pace }
        }
        (None, None, Some(times)) => Arrivals::Replay(times),
        (rate, users, times) => {
            let given = [rate.is_some(), users.is_some(), times.is_some()];
            let noted = t.has("rate") || t.has("users") || t.has("times");
            if given.iter().any(|given| *given) || !noted {
                let what = format!("{} needs one of rate, users and times", t.path());
                t.wrong(t.place(), what, "write rate = 100, or users = 10 with think = \"1s\"");
            }
            Arrivals::Replay(Arc::from([]))
        }
    }
}

/// Times of calls since the beginning, one in a line of a file.
fn read_times(t: &mut TableReader<'_>) -> Option<Arc<[Instant]>> {
    let file = t.text("times", "\"calls.txt\"")?;
    let text = super::text_of(t, file)?;
    let mut times: Vec<_> = time::lines(t, file.value, &text)?
        .into_iter()
        .map(|since| Instant::EPOCH.after(since))
        .collect();
    times.sort_unstable();
    Some(times.into())
}

fn read_rate(t: &mut TableReader<'_>, horizon: Duration) -> Option<Rate> {
    let scale = t.decimal("scale", 0.0..=1000.0, "1.5");
    let element = t.element("rate");
    let Some(element) = element else {
        if !t.has("rate") {
            t.pointless("scale", scale, ("rate", "write rate = 100"));
        }
        return None;
    };
    let rate = match element.as_number() {
        Some(number) => checked(&element, number).map(Rate::constant),
        None => {
            let read = element.table(|t| read_shape(t, horizon));
            if read.is_none() {
                let what = format!("{} is neither a number nor a table", element.path());
                element.wrong(what, "write rate = 100, for calls in a second");
            }
            read.flatten()
        }
    }?;
    Some(Rate { scale: or(scale, 1.0), ..rate })
}

/// A number of calls in a second.
fn checked(element: &Element<'_>, number: f64) -> Option<f64> {
    if (0.0..=RATE_MAX).contains(&number) {
        return Some(number);
    }
    let what = format!("{} is {number}, which is no rate", element.path());
    element.wrong(what, "write calls in a second, from 0 to 10000000");
    None
}

/// The words of `shape`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Steps,
    Line,
    Sine,
}

const FORMS: [(&str, Form); 3] =
    [("steps", Form::Steps), ("line", Form::Line), ("sine", Form::Sine)];

fn read_shape(t: &mut TableReader<'_>, horizon: Duration) -> Option<Rate> {
    let form = t.choice("shape", &FORMS);
    if form.is_none() && !t.has("shape") {
        t.wrong(t.place(), format!("{} has no shape", t.path()), "write shape = \"steps\"");
    }
    match form?.value {
        Form::Steps => read_points(t, Shape::Steps),
        Form::Line => read_points(t, Shape::Line),
        Form::Sine => sine(t, horizon),
    }
}

/// `points = [["0s", 120], ["60s", 240]]`, or a file with `0s 120` in each line.
fn read_points(t: &mut TableReader<'_>, shape: Shape) -> Option<Rate> {
    let example = "[[\"0s\", 120], [\"60s\", 240]]";
    let listed = t.list("points", example, |element| {
        let point = read_point(element);
        if point.is_none() {
            element.wrong(format!("{} is no point", element.path()), format!("write {example}"));
        }
        point
    });
    let file = t.text("file", "\"rates.txt\"");
    let points = match (listed, file) {
        (Some(listed), None) => listed.value,
        (None, Some(file)) => points_of(t, file)?,
        _ => {
            let what = format!("{} needs either points or file", t.path());
            t.wrong(t.place(), what, format!("write points = {example}"));
            return None;
        }
    };
    let ascending = points.windows(2).all(|pair| match pair {
        [(earlier, _), (later, _)] => earlier < later,
        _ => true,
    });
    if points.is_empty() || !ascending {
        let place = t.reading().place_of(&t.path_of("points")).or_else(|| t.place());
        let what = format!("{} has no points in ascending time", t.path());
        t.wrong(place, what, format!("write points = {example}"));
        return None;
    }
    Some(Rate { points, shape, scale: 1.0 })
}

fn read_point(element: &Element<'_>) -> Option<(Instant, f64)> {
    let pair = element.elements()?;
    let [time, rate] = pair.as_slice() else { return None };
    let at = parse_duration(time.as_str()?).ok()?;
    let rate = rate.as_number().filter(|rate| (0.0..=RATE_MAX).contains(rate))?;
    Some((Instant::EPOCH.after(at), rate))
}

fn points_of(t: &TableReader<'_>, file: Given<&str>) -> Option<Vec<(Instant, f64)>> {
    let text = super::text_of(t, file)?;
    let mut points = Vec::new();
    for (number, line) in (1..).zip(text.lines().map(str::trim)) {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let point = line.split_once(char::is_whitespace).and_then(|(time, rate)| {
            let at = parse_duration(time.trim_end_matches(',')).ok()?;
            let rate: f64 = rate.trim().parse().ok()?;
            (0.0..=RATE_MAX).contains(&rate).then_some((Instant::EPOCH.after(at), rate))
        });
        let Some(point) = point else {
            let what = format!("{}, line {number}: \"{line}\" is no point", file.value);
            t.wrong(file.place, what, "write a time and a rate, such as: 60s 240");
            return None;
        };
        points.push(point);
    }
    Some(points)
}

/// A day in small: from `low` to `high` and back in each period, drawn as straight lines.
fn sine(t: &mut TableReader<'_>, horizon: Duration) -> Option<Rate> {
    const PARTS: u32 = 32;
    let low = t.decimal("low", 0.0..=RATE_MAX, "50").map(|given| given.value);
    let high = t.decimal("high", 0.0..=RATE_MAX, "200").map(|given| given.value);
    let period = t.duration("period", "\"60s\"").map(|given| given.value);
    if !t.has("low") || !t.has("high") || !t.has("period") {
        let what = format!("{} needs low, high and period", t.path());
        t.wrong(t.place(), what, "write low = 50, high = 200, period = \"60s\"");
    }
    let (low, high, period) = (low?, high?, period?);
    let step = (period / PARTS).max(Duration::from_millis(1));
    let mut points = Vec::new();
    let mut at = Duration::ZERO;
    while at <= horizon && points.len() < 100_000 {
        let phase = at.as_secs_f64() / period.as_secs_f64() * std::f64::consts::TAU;
        let height = (1.0 - libm::cos(phase)) / 2.0;
        points.push((Instant::EPOCH.after(at), low + (high - low) * height));
        at += step;
    }
    Some(Rate { points, shape: Shape::Line, scale: 1.0 })
}
