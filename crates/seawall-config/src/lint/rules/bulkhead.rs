//! L12 to L14: compartments too small, too large to matter, and queues nobody can outwait.

use crate::lint::finding::{Finding, Severity};
use crate::lint::hop::Hop;
use crate::lint::rule::Rule;
use crate::lint::text::{number, percent, rate, seconds, time};
use crate::lint::view::{Hour, Judged, Notes, View};
use crate::route::RouteConfig;
use crate::upstream::{BulkheadConfig, Protocol, UpstreamConfig};
use seawall_core::bulkhead::QueueOrder;
use seawall_core::sizing;
use seawall_core::time::Duration;

/// The share of calls that a compartment may refuse while all is well.
const REFUSED_MAX: f64 = 0.01;

/// Above so many permits chance evens out: what is refused is what is above them. Sums would only
/// be long.
const EXACT_MAX: u32 = 100_000;

/// What a limit should be, as a multiple of what is in flight at the 99th percentile.
const HEADROOM: f64 = 1.5;

/// A bulkhead too small for the traffic that it takes on an ordinary day.
pub(super) fn l12_too_small(view: &View<'_>, notes: &mut Notes) {
    for (upstream, bulkhead) in bulkheads(view) {
        let about = format!("upstream {}", upstream.name);
        notes.keep(Rule::numbered::<12>(), &about, too_small(view, upstream, bulkhead));
    }
}

fn bulkheads<'a>(
    view: &View<'a>,
) -> impl Iterator<Item = (&'a UpstreamConfig, BulkheadConfig)> + use<'a> {
    view.config.upstreams.iter().filter_map(|upstream| Some((upstream, upstream.bulkhead?)))
}

fn too_small(view: &View<'_>, upstream: &UpstreamConfig, bulkhead: BulkheadConfig) -> Judged {
    let name = &upstream.name;
    let permits = bulkhead.permits.ok_or_else(|| view.needs_setting(name, "bulkhead.permits"))?;
    let per_second = view.rate_to(name, Hour::Peak)? / view.gateways();
    let mean = view.mean_latency(name)?;
    let busy = per_second * mean;
    let queue = useful_queue(bulkhead, permits, mean);
    let refused = refused(permits, queue, busy);
    if refused <= REFUSED_MAX {
        return Ok(None);
    }
    let waiting = match queue {
        0 => String::new(),
        places => format!(" with {places} places to wait in"),
    };
    let formula = format!(
        "{} × {} = {} in use; {permits} permits{waiting} refuse {} > {}",
        rate(per_second),
        seconds(mean),
        number(busy),
        percent(refused),
        percent(REFUSED_MAX)
    );
    let fix = format!(
        "bulkhead = {{ permits = {} }} in [upstreams.{name}]",
        number(enough(permits, busy))
    );
    let used = ["bulkhead.permits", "bulkhead.queue"].map(|key| view.on_upstream(upstream, key));
    let latency = view.fact_of_upstream(name, "latency", seconds(mean));
    let finding = Finding::new(Rule::numbered::<12>(), Severity::Warning).on_upstream(name);
    let finding = finding.uses(used).uses([latency]).uses(view.rates_to(name)).mend(fix);
    let consequence = "calls are refused while the service is well";
    let numbers = [
        ("permits", f64::from(permits)),
        ("queue", f64::from(queue)),
        ("busy", busy),
        ("refused", refused),
    ];
    Ok(Some(finding.says(formula, consequence).numbers(&numbers)))
}

/// The places of the queue from which a call is served before it has waited too long.
fn useful_queue(bulkhead: BulkheadConfig, permits: u32, mean: f64) -> u32 {
    let queue = bulkhead.queue.unwrap_or_else(|| permits.saturating_mul(2)).min(EXACT_MAX);
    let served = bulkhead.max_wait.as_secs_f64() * f64::from(permits) / mean.max(1e-9);
    let served = Duration::try_from_secs_f64(served.min(1e9)).unwrap_or_default().as_secs();
    queue.min(u32::try_from(served).unwrap_or(u32::MAX))
}

/// The share that is refused; for many permits by the means alone.
fn refused(permits: u32, queue: u32, busy: f64) -> f64 {
    if permits <= EXACT_MAX {
        return sizing::refused(permits, queue, busy);
    }
    (1.0 - f64::from(permits) / busy).max(0.0)
}

/// Permits that refuse little enough without a queue: the load and two and a half of its standard
/// deviations, then a few more until it holds.
fn enough(permits: u32, busy: f64) -> f64 {
    let mut more = (busy + 2.5 * busy.sqrt()).ceil().max(f64::from(permits) + 1.0);
    let whole = |more: f64| Duration::try_from_secs_f64(more).map_or(u64::MAX, |d| d.as_secs());
    while let Some(few) = u32::try_from(whole(more)).ok().filter(|few| *few < EXACT_MAX) {
        if sizing::refused(few, 0, busy) <= REFUSED_MAX {
            break;
        }
        more += (more / 50.0).ceil();
    }
    more
}

/// A bulkhead that can never be full.
pub(super) fn l13_no_effect(view: &View<'_>, notes: &mut Notes) {
    for (upstream, bulkhead) in bulkheads(view) {
        let about = format!("upstream {}", upstream.name);
        notes.keep(Rule::numbered::<13>(), &about, no_effect(view, upstream, bulkhead));
    }
}

fn no_effect(view: &View<'_>, upstream: &UpstreamConfig, bulkhead: BulkheadConfig) -> Judged {
    let name = &upstream.name;
    let permits = bulkhead.permits.ok_or_else(|| view.needs_setting(name, "bulkhead.permits"))?;
    let endpoints = u64::try_from(upstream.endpoints.len()).unwrap_or(u64::MAX);
    let each = upstream.pool.attempts(upstream.protocol);
    let connections = endpoints.saturating_mul(each);
    if u64::from(permits) > connections {
        let formula = format!(
            "{permits} permits > {endpoints} × {each} {} = {connections}",
            match upstream.protocol {
                Protocol::Http1 => "connections",
                Protocol::H2c => "streams",
            }
        );
        let keys = ["bulkhead.permits", "pool.connections", "endpoints"];
        let finding = Finding::new(Rule::numbered::<13>(), Severity::Warning).on_upstream(name);
        let finding = finding.uses(keys.map(|key| view.on_upstream(upstream, key)));
        let fix =
            format!("bulkhead = {{ permits = {connections} }} in [upstreams.{name}], or fewer");
        let consequence =
            "connections run out first, and calls wait for them with a permit in hand";
        let numbers = [("permits", f64::from(permits))];
        return Ok(Some(finding.mend(fix).says(formula, consequence).numbers(&numbers)));
    }
    let per_second = view.rate_to(name, Hour::Peak)? / view.gateways();
    let patience = view
        .routes_to(name)
        .map(|route| (Hop::of(&route.policy).longest(), route))
        .max_by_key(|(patience, _)| *patience);
    let Some((patience, route)) = patience else { return Ok(None) };
    let most = per_second * patience.as_secs_f64();
    if f64::from(permits) < most {
        return Ok(None);
    }
    let formula =
        format!("{permits} permits ≥ {} × {} = {}", rate(per_second), time(patience), number(most));
    let consequence = "more can never be in flight: a slow service fills memory, and the bulkhead \
                       never says no";
    let finding = Finding::new(Rule::numbered::<13>(), Severity::Warning).on_upstream(name);
    let finding = finding.uses([
        view.on_upstream(upstream, "bulkhead.permits"),
        view.on_route(route, "timeouts.total"),
    ]);
    let finding = finding.uses(view.rates_to(name)).says(formula, consequence);
    let fix = format!(
        "bulkhead = {{ permits = {} }} in [upstreams.{name}]",
        near(view, upstream, per_second)
    );
    let numbers = [("permits", f64::from(permits)), ("in_flight_max", most), ("rate", per_second)];
    Ok(Some(finding.mend(fix).numbers(&numbers)))
}

/// A limit near what is in flight at the 99th percentile, in words where that is not known.
fn near(view: &View<'_>, upstream: &UpstreamConfig, per_second: f64) -> String {
    match view.p99_latency(&upstream.name) {
        Ok(p99) => number((per_second * p99 * HEADROOM).ceil().max(1.0)),
        Err(_) => format!("{} × the 99th percentile × {HEADROOM}", rate(per_second)),
    }
}

/// A queue whose end is reached when nobody waits any more.
pub(super) fn l14_long_queue(view: &View<'_>, notes: &mut Notes) {
    for (route, upstream) in view.routes() {
        let about = format!("route {}", route.name);
        let rule = Rule::numbered::<14>();
        notes.keep(rule, &about, long_queue(view, route, upstream));
        notes.findings.extend(long_wait(view, route, upstream));
    }
}

/// The queue of the service itself.
fn long_queue(view: &View<'_>, route: &RouteConfig, upstream: &UpstreamConfig) -> Judged {
    let (name, facts) = (&upstream.name, view.of_upstream(&upstream.name));
    if facts.order.is_some_and(|order| order != QueueOrder::Fifo) {
        return Ok(None);
    }
    let needs = |key| view.needs_of_upstream(name, key);
    let queue = facts.queue.ok_or_else(|| needs("queue"))?;
    let workers = facts.workers.ok_or_else(|| needs("workers"))?.max(1);
    let (mean, p99) = (view.mean_latency(name)?, view.p99_latency(name)?);
    let attempt = Hop::of(&route.policy).attempt;
    let patience = (attempt.as_secs_f64() - p99).max(0.0);
    let wait = f64::from(queue) * mean / f64::from(workers);
    if wait <= patience {
        return Ok(None);
    }
    let formula = format!(
        "{queue} × {} ÷ {workers} = {} > {} − {} = {}",
        seconds(mean),
        seconds(wait),
        time(attempt),
        seconds(p99),
        seconds(patience)
    );
    let consequence = "under overload the service works on calls that nobody waits for any more";
    let half = f64::from(workers) * attempt.as_secs_f64() / (2.0 * mean.max(1e-9));
    let fix = format!(
        "a queue of at most {} in {name} (assume.upstreams.{name}.queue), or one that serves the \
         newest first",
        number(half.floor())
    );
    let used = [
        view.on_route(route, "timeouts.attempt"),
        view.fact_of_upstream(name, "queue", queue.to_string()),
        view.fact_of_upstream(name, "workers", workers.to_string()),
        view.fact_of_upstream(name, "latency", seconds(mean)),
    ];
    let finding = Finding::new(Rule::numbered::<14>(), Severity::Error);
    let finding = finding.on_route(&route.name, name).uses(used).mend(fix);
    let numbers = [
        ("queue", f64::from(queue)),
        ("workers", f64::from(workers)),
        ("service_s", mean),
        ("wait_s", wait),
        ("patience_s", patience),
    ];
    Ok(Some(finding.says(formula, consequence).numbers(&numbers)))
}

/// The queue of our own bulkhead, whose longest wait is given.
fn long_wait(view: &View<'_>, route: &RouteConfig, upstream: &UpstreamConfig) -> Option<Finding> {
    let bulkhead = upstream.bulkhead.filter(|bulkhead| bulkhead.queue != Some(0))?;
    let total = route.policy.timeouts.total.filter(|_| serves_in_turn(bulkhead.order))?;
    let used =
        [view.on_upstream(upstream, "bulkhead.max_wait"), view.on_route(route, "timeouts.total")];
    // The default is bounded by the deadline of each call; only a wait that was asked for misleads.
    if bulkhead.max_wait < total || used.iter().take(1).all(|used| used.place.is_none()) {
        return None;
    }
    let (wait, total_text) = (time(bulkhead.max_wait), time(total));
    let formula = format!("bulkhead.max_wait {wait} ≥ {total_text}, the total of the route");
    let consequence = "a call may wait for a permit as long as it may live, and has no time left";
    let shorter = time(total / 20);
    let fix = format!("bulkhead = {{ max_wait = \"{shorter}\" }} in [upstreams.{}]", upstream.name);
    let finding = Finding::new(Rule::numbered::<14>(), Severity::Error);
    let finding = finding.on_route(&route.name, &upstream.name).uses(used).mend(fix);
    let numbers =
        [("wait_s", bulkhead.max_wait.as_secs_f64()), ("patience_s", total.as_secs_f64())];
    Some(finding.says(formula, consequence).numbers(&numbers))
}

/// Whether whoever has waited longest is served first, be it among equals.
const fn serves_in_turn(order: QueueOrder) -> bool {
    matches!(order, QueueOrder::Fifo | QueueOrder::Priority)
}
