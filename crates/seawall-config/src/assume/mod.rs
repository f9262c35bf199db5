//! The section `[assume]`: what `seawall check` has to know of the world around the config. It has
//! no effect while a gateway runs.
//!
//! What it means is in `lint/facts.rs`; routes and upstreams have files of their own here, and so
//! has the section `[lint]`, which switches rules off.

mod allow;
mod route;
mod upstream;

use crate::lint::{Date, Facts, FaultFacts};
use crate::nearest;
use crate::reader::{Given, Reading, TableReader, or, set};
use crate::route::RouteConfig;
use crate::upstream::UpstreamConfig;
use std::collections::BTreeMap;

pub(crate) use allow::read as read_allowed;

/// The most gateways of a fleet, replicas of a service, and calls in a queue.
const COUNT_MAX: u32 = 1_000_000;

/// The most routes that one service calls in turn.
const CALLS_MAX: usize = 64;

/// What facts refer to.
#[derive(Clone, Copy)]
pub(crate) struct Known<'a> {
    pub(crate) upstreams: &'a [UpstreamConfig],
    pub(crate) routes: &'a [RouteConfig],
}

/// The facts, and how the file calls the routes that it says them of, by their names.
#[derive(Debug, Default)]
pub(crate) struct Assumed {
    pub(crate) facts: Facts,
    pub(crate) labels: BTreeMap<String, String>,
}

pub(crate) fn read(table: &mut TableReader<'_>, known: Known<'_>) -> Assumed {
    let mut facts = Facts::default();
    set(&mut facts.gateways, table.count("gateways", 1..=COUNT_MAX, "4"));
    set(&mut facts.overhead, table.duration_or_zero("overhead", "\"5ms\""));
    set(&mut facts.round_trip, table.duration_or_zero("round_trip", "\"1ms\""));
    set(&mut facts.utilisation_max, table.share("utilisation_max", "\"70%\""));
    let lag = table.duration_or_zero("deregistration", "\"5s\"");
    facts.deregistration = lag.map(|given| given.value);
    set(&mut facts.production, table.flag("production", "true"));
    facts.today = table.date("today").map(|given| given.value);
    facts.shadow_since = table.date("shadow_since").map(|given| given.value);
    let mut labels = BTreeMap::new();
    for (label, name, route) in read_routes(table, known) {
        if let Some(name) = name {
            labels.insert(name.clone(), label);
            facts.routes.insert(name, route);
        }
    }
    let upstreams = table.named("upstreams", |name, t| {
        check_upstream(t, known, name);
        (name.value.to_owned(), upstream::read(t, known))
    });
    facts.upstreams = upstreams.into_iter().collect();
    let faults = table.named("faults", |name, t| (name.value.to_owned(), read_fault(t)));
    facts.faults = faults.into_iter().collect();
    check_circles(&facts, known, table.reading());
    Assumed { facts, labels }
}

/// A route as the file calls it, its name if there is such a route, and what is said of it.
type Said = (String, Option<String>, crate::lint::RouteFacts);

fn read_routes(table: &mut TableReader<'_>, known: Known<'_>) -> Vec<Said> {
    let mut seen: Vec<String> = Vec::new();
    table.labelled("routes", |label, t| {
        let name = known.route(label, t.reading());
        if let Some(name) = &name {
            if seen.contains(name) {
                let what = format!("route \"{name}\" is described twice");
                t.wrong(label.place, what, "keep one of the two");
            }
            seen.push(name.clone());
        }
        (label.value.to_owned(), name, route::read(t))
    })
}

fn check_upstream(table: &TableReader<'_>, known: Known<'_>, name: Given<&str>) {
    if known.upstreams.iter().all(|upstream| upstream.name != name.value) {
        let names: Vec<&str> = known.upstreams.iter().map(|u| u.name.as_str()).collect();
        let remedy = nearest::remedy(name.value, &names, "known upstreams");
        table.wrong(name.place, format!("unknown upstream \"{}\"", name.value), remedy);
    }
}

impl Known<'_> {
    /// The name of the route that is meant: by its name, or by its path where only one has it.
    pub(crate) fn route(&self, label: Given<&str>, reading: &Reading<'_>) -> Option<String> {
        if let Some(route) = self.routes.iter().find(|route| route.name == label.value) {
            return Some(route.name.clone());
        }
        let mut of_path = self.routes.iter().filter(|route| route.path == label.value);
        match (of_path.next(), of_path.next()) {
            (Some(only), None) => return Some(only.name.clone()),
            (Some(one), Some(other)) => {
                let what = format!("several routes have the path \"{}\"", label.value);
                let remedy = format!("write a name: \"{}\" or \"{}\"", one.name, other.name);
                reading.wrong(label.place, what, remedy);
            }
            (None, _) => {
                let names: Vec<&str> = self.routes.iter().map(|r| r.name.as_str()).collect();
                let remedy = nearest::remedy(label.value, &names, "known routes");
                reading.wrong(label.place, format!("unknown route \"{}\"", label.value), remedy);
            }
        }
        None
    }
}

fn read_fault(table: &mut TableReader<'_>) -> FaultFacts {
    FaultFacts {
        target: table.text("target", "\"payments\"").map(|given| given.value.to_owned()),
        ttl: table.duration("ttl", "\"10m\"").map(|given| given.value),
        expires: table.date("expires").map(|given: Given<Date>| given.value),
        enabled: or(table.flag("enabled", "true"), true),
    }
}

/// A service that calls itself in the end would never answer.
fn check_circles(facts: &Facts, known: Known<'_>, reading: &Reading<'_>) {
    let upstream_of: BTreeMap<&str, &str> =
        known.routes.iter().map(|route| (route.name.as_str(), route.upstream.as_str())).collect();
    let mut open: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (name, said) in &facts.upstreams {
        let called = said.calls.iter().filter_map(|route| upstream_of.get(route.as_str()).copied());
        open.insert(name, called.collect());
    }
    // What calls nothing that is still open is no part of a circle, nor leads into one.
    loop {
        let before = open.len();
        let names: Vec<&str> = open.keys().copied().collect();
        let leads_on =
            |called: &Vec<&str>| called.iter().any(|name| names.binary_search(name).is_ok());
        open.retain(|_, called| leads_on(called));
        if open.len() == before {
            break;
        }
    }
    if let Some((name, called)) = open.first_key_value() {
        let path = format!("assume.upstreams.{name}.calls");
        let what = format!("{path}: calls of {name} lead in a circle, over {}", called.join(", "));
        reading.wrong(reading.place_of(&path), what, "remove one of the calls");
    }
}
