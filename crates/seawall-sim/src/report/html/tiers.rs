//! Requests at each service, callers above those whom they call.

use super::chart::{Axis, Chart, Named, Room};
use super::figure;
use super::legend::{Key, legend};
use super::scale::Scale;
use crate::observe::ServiceRecord;
use crate::plan::{Plan, Target};
use crate::report::bands::bands;
use crate::report::shown::Shown;
use crate::report::words;
use crate::verdict::{number, share};

/// Services that are drawn; of more, those deepest in the call graph are left out.
const DRAWN: usize = 12;

pub(super) fn pictures(run: &Shown<'_>) -> String {
    let plan = &run.point.plan;
    let order = order(plan);
    let drawn = order.iter().take(DRAWN).filter_map(|service| {
        let record = run.record.services.get(*service)?;
        Some(tier(run, (*service, record)))
    });
    let mut body: String = drawn.collect();
    if body.is_empty() {
        return body;
    }
    if order.len() > DRAWN {
        body.push_str(&format!(
            "<p>{} further services are in the JSON.</p>\n",
            order.len() - DRAWN
        ));
    }
    let mut keys = vec![
        (Key::Line, "offered", "calls of loads"),
        (Key::Line, "gateway", "requests that arrived"),
    ];
    if run.record.services.iter().any(|service| service.refused > 0) {
        keys.push((Key::Line, "refusals", "of these refused"));
    }
    let keys = legend(&keys);
    format!("{keys}{body}")
}

fn tier(run: &Shown<'_>, (service, record): (usize, &ServiceRecord)) -> String {
    let plan = &run.point.plan;
    let name = plan.services.get(service).map_or("", |service| service.name.as_str());
    let length = run.record.bucket.as_secs_f64().max(1e-9);
    let points = |of: &dyn Fn(usize) -> u64| -> Vec<(f64, f64)> {
        let buckets = 0..record.timeline.len();
        let at = |index: usize| (number(index as u64) + 0.5) * length;
        buckets.map(|index| (at(index), number(of(index)) / length)).collect()
    };
    let piece = |index: usize| record.timeline.get(index).copied().unwrap_or_default();
    let arrived = points(&|index| piece(index).arrived);
    let refused = points(&|index| piece(index).refused);
    let calls = points(&|index| {
        let loads = run.record.loads.iter().filter_map(|load| load.timeline.get(index));
        loads.map(|bucket| bucket.started).sum()
    });
    let all = arrived.iter().chain(&calls).map(|(_, rate)| *rate);
    let y = Axis::new(Scale::up_to(all), "requests a second", words::number);
    let time = Axis::time(plan.horizon.as_secs_f64());
    let label = format!("Requests at {name} over time");
    let mut chart = Chart::new(&label, Room::of(80.0), &time, &y);
    chart.bands(&bands(plan, run.record), Named::No);
    chart.path("offered", calls.into_iter());
    if refused.iter().any(|(_, rate)| *rate > 0.0) {
        chart.path("refusals", refused.into_iter());
    }
    chart.path("gateway", arrived.into_iter());
    figure(name, &chart.finish(), &numbers(run, record))
}

/// What a tier came to, in a line.
fn numbers(run: &Shown<'_>, record: &ServiceRecord) -> String {
    let calls = run.run.verdict.calls;
    let work = record.wanted + record.wasted;
    let wasted = if work > 0.0 { record.wasted / work } else { 0.0 };
    let mut told = vec![format!("{} requests", record.arrived)];
    if calls > 0 {
        told.push(format!("{} for each call", words::number(share(record.arrived, calls))));
    }
    told.push(format!("{} of the work wasted", words::share(wasted)));
    if record.refused > 0 {
        told.push(format!("{} refused", record.refused));
    }
    if record.dropped > 0 {
        told.push(format!("{} dropped after their deadline", record.dropped));
    }
    format!("{}.", told.join(", "))
}

/// The services in the order of the call graph: each after all that call it, as far as there is
/// no circle; those that nothing reaches come last.
fn order(plan: &Plan) -> Vec<usize> {
    let count = plan.services.len();
    let mut depth = vec![count; count];
    let mut reached: Vec<(usize, usize)> = Vec::new();
    reached.extend(
        plan.loads.iter().filter_map(|l| service_of(plan, l.caller.target)).map(|s| (s, 0)),
    );
    // A path longer than there are services goes in a circle, and no depth grows beyond it.
    while let Some((service, level)) = reached.pop() {
        let Some(known) = depth.get_mut(service) else { continue };
        if level >= count || (*known < count && level <= *known) {
            continue;
        }
        *known = level;
        let calls = plan.services.get(service).map(|service| service.calls.as_slice());
        let next = calls.unwrap_or_default().iter();
        reached
            .extend(next.filter_map(|c| service_of(plan, c.caller.target)).map(|s| (s, level + 1)));
    }
    let mut order: Vec<usize> = (0..count).collect();
    order.sort_by_key(|service| depth.get(*service).copied());
    order
}

fn service_of(plan: &Plan, target: Target) -> Option<usize> {
    match target {
        Target::Service(service) => Some(service.0),
        Target::Route(gateway, route) => {
            let gateway = plan.gateways.get(gateway.0)?;
            let route = gateway.routes.get(route.0)?;
            Some(gateway.upstreams.get(route.upstream)?.service.0)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dist::Distribution;
    use crate::plan::{Arrivals, Caller, Dependency, Load, Need, Rate, Server, Service, Spacing};
    use seawall_core::time::Duration;

    #[test]
    fn services_come_after_all_that_call_them() {
        let mut plan = Plan::lasting(Duration::from_secs(1));
        let mut add = |name| plan.service(Service::new(name, Server::new(1, Distribution::NONE)));
        let (database, lonely, middle, front) = (add("d"), add("l"), add("m"), add("f"));
        let mut calls = |from: crate::plan::ServiceId, to| {
            let caller = Caller::of(Target::Service(to));
            let call = Dependency { caller, fan_out: 1, need: Need::All };
            plan.services[from.0].calls.push(call);
        };
        calls(front, database);
        calls(front, middle);
        calls(middle, database);
        let rate = Rate::constant(1.0);
        let arrivals = Arrivals::Open { rate, spacing: Spacing::Even };
        plan.loads.push(Load::new("all", arrivals, Caller::of(Target::Service(front))));
        assert_eq!(order(&plan), [front.0, middle.0, database.0, lonely.0]);
    }
}
