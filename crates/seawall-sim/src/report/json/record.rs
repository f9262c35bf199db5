//! What was seen of one run, as JSON.

use super::super::bands::{Band, bands, seconds};
use super::super::tree::{Tree, list, maybe, object};
use crate::observe::{
    End, Heat, LoadRecord, Mark, Record, Series, ServiceRecord, Strip, Tally, UpstreamRecord,
    strips,
};
use crate::plan::Plan;
use seawall_core::breaker::BreakerEvent;
use seawall_core::health::HealthState;
use seawall_core::outlier::OutlierEvent;
use seawall_core::upstream::{Scope, What};

pub(super) fn record(plan: &Plan, record: &Record) -> Tree {
    let loads = plan.loads.iter().zip(&record.loads);
    let services = plan.services.iter().zip(&record.services);
    object([
        ("end", seconds(record.end).into()),
        ("bucket", record.bucket.as_secs_f64().into()),
        ("unstable", maybe(record.unstable.map(seconds))),
        ("duplicates", record.duplicates.into()),
        ("bands", list(bands(plan, record).iter().map(band))),
        ("loads", list(loads.map(|(plan, seen)| load(&plan.name, seen)))),
        ("services", list(services.map(|(plan, seen)| service(&plan.name, seen)))),
        ("upstreams", list(upstreams(plan, record))),
        ("series", series(&record.series)),
        ("strips", list(strips(record).iter().map(|one| strip(plan, one)))),
        ("marks", list(record.marks.iter().map(|one| mark(plan, one)))),
        ("marks_lost", record.marks_lost.into()),
    ])
}

fn band(band: &Band) -> Tree {
    object([("name", (&band.name).into()), ("from", band.from.into()), ("to", band.to.into())])
}

fn load(name: &str, seen: &LoadRecord) -> Tree {
    let line = &seen.timeline;
    let ends = End::ALL.map(|end| (end.name(), seen.ends(end).into()));
    let latency = object([
        ("mean", seen.latency.mean().into()),
        ("p50", seen.latency.quantile(0.5).into()),
        ("p90", seen.latency.quantile(0.9).into()),
        ("p99", seen.latency.quantile(0.99).into()),
        ("p99_9", seen.latency.quantile(0.999).into()),
    ]);
    let timeline = object([
        ("started", list(line.iter().map(|bucket| bucket.started))),
        ("attempts", list(line.iter().map(|bucket| bucket.attempts))),
        ("good", list(line.iter().map(|bucket| bucket.good))),
        ("bad", list(line.iter().map(|bucket| bucket.bad))),
        ("latency_sum", list(line.iter().map(|bucket| bucket.latency))),
    ]);
    object([
        ("name", name.into()),
        ("started", seen.started.into()),
        ("attempts", seen.attempts.into()),
        ("ends", object(ends)),
        ("latency", latency),
        ("timeline", timeline),
    ])
}

fn service(name: &str, seen: &ServiceRecord) -> Tree {
    let line = &seen.timeline;
    let timeline = object([
        ("arrived", list(line.iter().map(|bucket| bucket.arrived))),
        ("refused", list(line.iter().map(|bucket| bucket.refused))),
        ("wanted", list(line.iter().map(|bucket| bucket.wanted))),
        ("wasted", list(line.iter().map(|bucket| bucket.wasted))),
    ]);
    object([
        ("name", name.into()),
        ("arrived", seen.arrived.into()),
        ("refused", seen.refused.into()),
        ("dropped", seen.dropped.into()),
        ("begun", seen.begun.into()),
        ("waited", seen.waited.into()),
        ("wait_sum", seen.wait.into()),
        ("wanted", seen.wanted.into()),
        ("wasted", seen.wasted.into()),
        ("occupancy", seen.occupancy.into()),
        ("timeline", timeline),
    ])
}

fn upstreams(plan: &Plan, record: &Record) -> Vec<Tree> {
    let gateways = plan.gateways.iter().zip(&record.upstreams);
    let all = gateways.flat_map(|(gateway, seen)| {
        let pairs = gateway.upstreams.iter().zip(seen);
        pairs.map(|(upstream, seen)| self::upstream((&gateway.name, &upstream.name), seen))
    });
    all.collect()
}

fn upstream((gateway, name): (&String, &String), seen: &UpstreamRecord) -> Tree {
    let counts = |all: &std::collections::BTreeMap<&'static str, u64>| {
        Tree::Object(all.iter().map(|(key, count)| ((*key).to_owned(), (*count).into())).collect())
    };
    object([
        ("gateway", gateway.into()),
        ("upstream", name.into()),
        ("firsts", seen.firsts.into()),
        ("retries", seen.retries.into()),
        ("hedges", seen.hedges.into()),
        ("answered", seen.answered.into()),
        ("reasons", counts(&seen.reasons)),
        ("decisions", counts(&seen.decisions)),
    ])
}

fn series(series: &Series) -> Tree {
    let column = |of: fn(&Tally) -> u64| list(series.tallies.iter().map(of));
    object([
        ("firsts", column(|tally| tally.firsts)),
        ("retries", column(|tally| tally.retries)),
        ("hedges", column(|tally| tally.hedges)),
        ("shed", column(|tally| tally.shed)),
        ("denied", column(|tally| tally.denied)),
        ("refused", column(|tally| tally.refused)),
        ("duplicates", column(|tally| tally.duplicates)),
        ("latency_p50", list(series.heat.iter().map(|heat| maybe(heat.quantile(0.5))))),
        ("latency_p99", list(series.heat.iter().map(|heat| maybe(heat.quantile(0.99))))),
        ("latency_cells", list(series.heat.iter().map(cells))),
    ])
}

/// The cells that are not empty: place, calls that ended well, calls that did not.
fn cells(heat: &Heat) -> Tree {
    let all = heat.good.iter().zip(&heat.bad).enumerate();
    let filled = all.filter(|(_, (good, bad))| **good > 0 || **bad > 0);
    list(filled.map(|(cell, (good, bad))| list([cell.into(), Tree::from(*good), (*bad).into()])))
}

fn place(plan: &Plan, (gateway, upstream): (usize, usize)) -> [(&'static str, Tree); 2] {
    let gateway = plan.gateways.get(gateway);
    let upstream = gateway.and_then(|gateway| gateway.upstreams.get(upstream));
    [
        ("gateway", maybe(gateway.map(|gateway| &gateway.name))),
        ("upstream", maybe(upstream.map(|upstream| &upstream.name))),
    ]
}

fn strip(plan: &Plan, strip: &Strip) -> Tree {
    let [gateway, upstream] = place(plan, (strip.gateway, strip.upstream));
    let stretches = strip.stretches.iter().map(|stretch| {
        object([
            ("condition", stretch.condition.name().into()),
            ("from", seconds(stretch.from).into()),
            ("to", seconds(stretch.to).into()),
        ])
    });
    object([
        gateway,
        upstream,
        ("instance", strip.instance.into()),
        ("endpoint", maybe(strip.endpoint)),
        ("stretches", list(stretches)),
    ])
}

/// A change of state.
fn mark(plan: &Plan, mark: &Mark) -> Tree {
    let [gateway, upstream] = place(plan, (mark.gateway, mark.upstream));
    let endpoint = match mark.event.scope {
        Scope::Upstream => None,
        Scope::Endpoint(id) => Some(id.slot.index()),
    };
    object([
        ("at", seconds(mark.event.at).into()),
        gateway,
        upstream,
        ("instance", mark.instance.into()),
        ("endpoint", maybe(endpoint)),
        ("what", word(mark.event.what).into()),
    ])
}

/// The name of a change of state. Decisions on single calls are counted and are no marks.
const fn word(what: What) -> &'static str {
    match what {
        What::Breaker(BreakerEvent::Opened { .. }) => "breaker_opened",
        What::Breaker(BreakerEvent::HalfOpened) => "breaker_half_opened",
        What::Breaker(BreakerEvent::Closed { .. }) => "breaker_closed",
        What::Breaker(BreakerEvent::Forced { .. }) => "breaker_forced",
        What::Breaker(BreakerEvent::ProbeAbandoned) => "probe_abandoned",
        What::Outlier(OutlierEvent::Ejected { .. }) => "ejected",
        What::Outlier(OutlierEvent::Capped { .. }) => "ejection_capped",
        What::Outlier(OutlierEvent::Suppressed { .. }) => "ejection_suppressed",
        What::Outlier(OutlierEvent::NotEnforced { .. }) => "ejection_not_enforced",
        What::Outlier(OutlierEvent::Returned { .. }) => "returned",
        What::Health(change) => match change.to {
            HealthState::Unknown => "health_unknown",
            HealthState::Healthy => "healthy",
            HealthState::Unhealthy => "unhealthy",
        },
        What::Spillover(_) => "spillover",
        What::SlowStart => "slow_start",
        What::PanicEntered => "panic_entered",
        What::PanicLeft => "panic_left",
        _ => "decision",
    }
}
