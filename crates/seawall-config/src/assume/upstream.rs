//! `[assume.upstreams.NAME]`: what is assumed about the service behind an upstream.

use super::{CALLS_MAX, COUNT_MAX, Known};
use crate::lint::{CacheFacts, Failing, Latency, Slowdown, UpstreamFacts};
use crate::nearest;
use crate::reader::{Given, TableReader, or};
use crate::upstream::bulkhead::ORDER;
use seawall_core::ratio::Ratio;
use seawall_core::time::Duration;

pub(super) fn read(table: &mut TableReader<'_>, known: Known<'_>) -> UpstreamFacts {
    let mut facts = UpstreamFacts {
        latency: table.table("latency", read_latency).unwrap_or_default(),
        capacity: value(table.per_second("capacity")),
        replicas: value(table.count("replicas", 1..=COUNT_MAX, "3")),
        workers: value(table.count("workers", 1..=COUNT_MAX, "20")),
        queue: value(table.count("queue", 0..=COUNT_MAX, "1000")),
        order: value(table.choice("order", &ORDER)),
        idle_timeout: value(table.duration("idle_timeout", "\"5s\"")),
        shards: value(table.count("shards", 1..=COUNT_MAX, "4")),
        usual_failures: value(table.share("usual_failures", "\"1%\"")),
        cold_capacity: value(table.per_second("cold_capacity")),
        cold_concurrency: value(table.count("cold_concurrency", 1..=COUNT_MAX, "4")),
        cost_spread: value(table.factor("cost_spread", "20")).map(times),
        slowdown: table.table("slowdown", read_slowdown),
        cache: table.table("cache", read_cache),
        ..UpstreamFacts::default()
    };
    read_neighbours(table, &mut facts, known);
    read_failures(table, &mut facts);
    facts
}

fn value<T>(given: Option<Given<T>>) -> Option<T> {
    given.map(|given| given.value)
}

/// A factor as a plain number.
fn times(factor: Ratio) -> f64 {
    f64::from(factor.ppm()) / f64::from(Ratio::ONE.ppm())
}

/// Who the service calls, needs, and is replaced by.
fn read_neighbours(table: &mut TableReader<'_>, facts: &mut UpstreamFacts, known: Known<'_>) {
    let calls = names(table, "calls", "[\"/stock\"]");
    if calls.len() > CALLS_MAX {
        let place = table.reading().place_of(&table.path_of("calls"));
        let what = format!("{} has {} entries", table.path_of("calls"), calls.len());
        table.wrong(place, what, format!("keep at most {CALLS_MAX}"));
    }
    let route = |label: &Given<String>| {
        let label = Given { value: label.value.as_str(), place: label.place };
        known.route(label, table.reading())
    };
    facts.calls = calls.iter().filter_map(route).collect();
    facts.calls.sort();
    facts.calls.dedup();
    facts.passes_deadline = or(table.flag("passes_deadline", "true"), false);
    let needs = names(table, "depends_on", "[\"ledger-db\"]");
    facts.depends_on = needs.into_iter().map(|given| given.value).collect();
    for name in names(table, "fallback_to", "[\"payments-backup\"]") {
        if known.upstreams.iter().all(|upstream| upstream.name != name.value) {
            let names: Vec<&str> = known.upstreams.iter().map(|u| u.name.as_str()).collect();
            let remedy = nearest::remedy(&name.value, &names, "known upstreams");
            table.wrong(name.place, format!("unknown upstream \"{}\"", name.value), remedy);
        }
        facts.fallback_to.push(name.value);
    }
}

/// How it fails, and how a failed replica is met.
fn read_failures(table: &mut TableReader<'_>, facts: &mut UpstreamFacts) {
    facts.tried_again = value(table.flag("tried_again", "true"));
    facts.eject_after = value(table.duration("eject_after", "\"10s\""));
    facts.fail_after = value(table.duration("fail_after", "\"10ms\""));
    facts.fails_with = read_failing(table, "fails_with");
}

/// A list of ways to fail.
pub(super) fn read_failing(table: &mut TableReader<'_>, key: &'static str) -> Vec<Failing> {
    let example = "[\"503\", \"silence\"]";
    let (given, path) = (names(table, key, example), table.path_of(key));
    let read = |given: Given<String>| {
        let failing = given.value.parse::<Failing>();
        if let Err(none) = failing {
            let what = format!("{path}: \"{}\" is {none}", given.value);
            table.wrong(given.place, what, format!("write {key} = {example}"));
        }
        failing.ok()
    };
    given.into_iter().filter_map(read).collect()
}

/// A list of texts.
fn names(table: &mut TableReader<'_>, key: &'static str, example: &str) -> Vec<Given<String>> {
    let path = table.path_of(key);
    let list = table.list(key, example, |element| {
        let text = element.as_str().filter(|text| !text.is_empty());
        if text.is_none() {
            let what = format!("an entry of {path} is no text");
            element.wrong(what, format!("write {key} = {example}"));
        }
        Some(Given { value: text?.to_owned(), place: element.place() })
    });
    or(list, Vec::new())
}

fn read_latency(table: &mut TableReader<'_>) -> Latency {
    let mut of = |key| table.duration(key, "\"40ms\"");
    let [mean, p50, p95, p99] = ["mean", "p50", "p95", "p99"].map(&mut of);
    let rising = [("p50", p50), ("p95", p95), ("p99", p99)];
    let mut below: Option<(&str, Duration)> = None;
    for (key, given) in rising.into_iter().filter_map(|(key, given)| Some((key, given?))) {
        if let Some((lower, least)) = below.filter(|(_, least)| *least > given.value) {
            let what = format!("{} is below {lower}", table.path_of(key));
            let remedy = format!("write at least {}", crate::units::print_duration(least));
            table.wrong(given.place, what, remedy);
        }
        below = Some((key, given.value));
    }
    Latency { mean: value(mean), p50: value(p50), p95: value(p95), p99: value(p99) }
}

fn read_slowdown(table: &mut TableReader<'_>) -> Slowdown {
    let (alone, each) = (table.duration("alone", "\"1s\""), table.duration("each", "\"10ms\""));
    for (key, example) in [("alone", "\"1s\""), ("each", "\"10ms\"")] {
        if !table.has(key) {
            let what = format!("{} has no {key}", table.path());
            table.wrong(table.place(), what, format!("write {key} = {example}"));
        }
    }
    Slowdown { alone: or(alone, Duration::ZERO), each: or(each, Duration::from_millis(1)) }
}

fn read_cache(table: &mut TableReader<'_>) -> CacheFacts {
    if !table.has("ttl") {
        let what = format!("{} has no ttl", table.path());
        table.wrong(table.place(), what, "write ttl = \"60s\"");
    }
    CacheFacts {
        ttl: or(table.duration("ttl", "\"60s\""), Duration::from_secs(60)),
        jitter: or(table.any_share("jitter", "\"10%\""), Ratio::ZERO),
        keys: value(table.count("keys", 1..=u32::MAX, "10000")),
        refill: value(table.duration("refill", "\"50ms\"")),
        single_flight: or(table.flag("single_flight", "true"), false),
        stale_if_error: or(table.flag("stale_if_error", "true"), false),
    }
}
