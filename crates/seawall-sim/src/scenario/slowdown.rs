//! `slowdown` and `weather` of a service: what makes the same work take longer at times.
//!
//! What the words mean for a run is in `plan/service.rs` and `world/station.rs`.

use seawall_config::reader::{Element, Given, TableReader, or};
use seawall_config::units::parse_duration;

use super::time;
use crate::dist::Distribution;
use crate::plan::{Slowdown, Weather};

/// What to write for a slowdown.
const FORMS: &str = "write \"1ms\", { per_waiting = \"1ms\" }, { per_job = \"1ms\", every = 100 } \
                     or { crowd = [{ jobs = 10, factor = 1 }, { jobs = 50, factor = 4 }] }";

/// Reads `slowdown`: a duration for each request that is there, or a table.
pub(super) fn read(t: &mut TableReader<'_>) -> Slowdown {
    t.element("slowdown").and_then(|element| of(&element)).unwrap_or(Slowdown::None)
}

fn of(element: &Element<'_>) -> Option<Slowdown> {
    if let Some(text) = element.as_str() {
        let time = parse_duration(text);
        let time = time.map_err(|why| element.wrong(format!("{}: {why}", element.path()), FORMS));
        return time.ok().map(Slowdown::PerJob);
    }
    let read = element.table(of_table);
    if read.is_none() {
        element.wrong(format!("{} is neither text nor a table", element.path()), FORMS);
    }
    read.flatten()
}

fn of_table(t: &mut TableReader<'_>) -> Option<Slowdown> {
    let per_job = t.duration("per_job", "\"1ms\"");
    let per_waiting = t.duration("per_waiting", "\"1ms\"");
    let every = t.count("every", 1..=u32::MAX, "100");
    let crowd = read_crowd(t);
    if per_job.is_none() {
        t.pointless("every", every, ("per_job", "write per_job = \"1ms\" beside it"));
    }
    match ["per_job", "per_waiting", "crowd"].iter().filter(|key| t.has(key)).count() {
        0 => t.wrong(t.place(), format!("{} says not by how much", t.path()), FORMS),
        1 => {}
        _ => t.wrong(t.place(), format!("{} says several things", t.path()), FORMS),
    }
    let crowd = crowd.map(|crowd| Slowdown::Table(crowd.into()));
    let waiting = per_waiting.map(|each| Slowdown::PerWaiting(each.value));
    let there = per_job.map(|each| match every {
        Some(every) => Slowdown::Collections(every.value, each.value),
        None => Slowdown::PerJob(each.value),
    });
    there.or(waiting).or(crowd)
}

/// So many jobs and how many times as long work takes with them, ascending.
fn read_crowd(t: &mut TableReader<'_>) -> Option<Vec<(u32, f64)>> {
    let example = "[{ jobs = 10, factor = 1 }, { jobs = 50, factor = 4 }]";
    let points = t.list("crowd", example, |element| {
        let point = element.table(read_point);
        if point.is_none() {
            element.wrong("a point is no table", format!("write crowd = {example}"));
        }
        point.flatten()
    })?;
    let points: Given<Vec<(u32, f64)>> = points;
    let ascending = points.value.windows(2).all(|pair| pair[0].0 < pair[1].0);
    if points.value.is_empty() || !ascending {
        let what = format!("the jobs of {} do not ascend", t.path_of("crowd"));
        t.wrong(points.place, what, format!("write crowd = {example}"));
        return None;
    }
    Some(points.value)
}

fn read_point(t: &mut TableReader<'_>) -> Option<(u32, f64)> {
    let jobs = t.count("jobs", 1..=u32::MAX, "10");
    let factor = t.decimal("factor", 0.001..=1e6, "4");
    for key in ["jobs", "factor"].into_iter().filter(|key| !t.has(key)) {
        t.wrong(
            t.place(),
            format!("{} says no {key}", t.path()),
            "write { jobs = 10, factor = 4 }",
        );
    }
    Some((jobs?.value, factor?.value))
}

/// Reads `weather`: good and bad spells that all replicas share.
pub(super) fn read_weather(t: &mut TableReader<'_>) -> Option<Weather> {
    t.table("weather", |t| {
        let mut spell = |key| {
            let spell = time::read(t, key);
            if !t.has(key) {
                let remedy = format!("write {key} = {{ dist = \"exponential\", mean = \"30s\" }}");
                t.wrong(t.place(), format!("{} says no {key}", t.path()), remedy);
            }
            spell.filter(|spell| lasts(t, key, spell))
        };
        let (good, bad) = (spell("good"), spell("bad"));
        let slower = or(t.decimal("slower", 0.001..=1e6, "5"), 5.0);
        Some(Weather { good: good?, bad: bad?, slower })
    })
    .flatten()
}

/// A spell of no length would follow the next at once, for ever.
fn lasts(t: &TableReader<'_>, key: &str, spell: &Distribution) -> bool {
    let lasts = spell.mean() > 0.0;
    if !lasts {
        let place = t.reading().place_of(&t.path_of(key));
        t.wrong(
            place,
            format!("{} takes no time", t.path_of(key)),
            format!("write {key} = \"30s\""),
        );
    }
    lasts
}
