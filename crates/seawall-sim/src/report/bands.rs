//! When the world was disturbed, and by what: the bands behind every plot over time.

use seawall_core::fault::Fault;
use seawall_core::ratio::Ratio;
use seawall_core::time::Instant;

pub(super) use seawall_plot::chart::Band;

use super::words;
use crate::observe::{Befallen, Record};
use crate::plan::{Arrivals, Disturbance, Load, Plan, Replicas, Shape, Victims};

/// What befell a world and what its loads did, in the order of the plan.
pub(super) fn bands(plan: &Plan, record: &Record) -> Vec<Band> {
    let horizon = plan.horizon.as_secs_f64();
    let struck = plan.disturbances.iter().enumerate().filter_map(|(place, disturbance)| {
        let seen = record.befallen.get(place).copied().unwrap_or_default();
        struck(plan, (disturbance, seen))
    });
    let risen = plan.loads.iter().flat_map(risen);
    struck
        .chain(risen)
        .map(|band| Band { to: band.to.min(horizon), ..band })
        .filter(|band| band.from < horizon)
        .collect()
}

/// A disturbance that waits for something has no time of its own before the run.
fn struck(plan: &Plan, (disturbance, seen): (&Disturbance, Befallen)) -> Option<Band> {
    let seen = seen.from.map(|from| (from, seen.to.unwrap_or(Instant::NEVER)));
    let (from, to) = disturbance.span().or(seen)?;
    let (whom, what) = (whom(plan, &disturbance.victims), what(disturbance.fault));
    let to = if to.is_never() { f64::INFINITY } else { seconds(to) };
    Some(Band { from: seconds(from), to, name: format!("{whom}: {what}") })
}

fn whom(plan: &Plan, victims: &Victims) -> String {
    match victims {
        Victims::Replicas(service, replicas) => {
            let service = plan.services.get(service.0).map_or("", |service| &service.name);
            match replicas {
                Replicas::All => service.to_owned(),
                Replicas::One(one) => format!("{service}#{one}"),
                Replicas::Zone(zone) => format!("{service} in {zone}"),
            }
        }
        Victims::Zone(zone) => format!("zone {zone}"),
        Victims::Load(load) => {
            format!("load {}", plan.loads.get(*load).map_or("", |load| &load.name))
        }
        Victims::Gateway(gateway, ..) => {
            plan.gateways.get(gateway.0).map_or("", |gateway| &gateway.name).to_owned()
        }
    }
}

fn what(fault: Fault) -> String {
    let times = |factor: Ratio| words::number(part(factor));
    match fault {
        Fault::Reset(share) => format!("resets {}", words::share(part(share))),
        Fault::Errors(share) => format!("errors {}", words::share(part(share))),
        Fault::Latency { added, .. } => format!("latency + {}", words::time(added.as_secs_f64())),
        Fault::Slower(factor) => format!("{} times slower", times(factor)),
        Fault::Capacity(share) => format!("capacity {}", words::share(part(share))),
        Fault::Surge(factor) => format!("{} times as many calls", times(factor)),
        Fault::BlackHole(_) => "black hole".to_owned(),
        Fault::Crash
        | Fault::Freeze
        | Fault::Refuse
        | Fault::Restart { .. }
        | Fault::Drain
        | Fault::Flush
        | Fault::Reload => fault.name().to_owned(),
    }
}

fn part(ratio: Ratio) -> f64 {
    f64::from(ratio.ppm()) / 1e6
}

/// The times at which a load is above where it began.
fn risen(load: &Load) -> Option<Band> {
    let (Arrivals::Open { rate, .. } | Arrivals::Hybrid { rate, .. }) = &load.arrivals else {
        return None;
    };
    let (_, base) = *rate.points.first()?;
    let above = |(_, value): &&(Instant, f64)| *value > base;
    let first = rate.points.iter().position(|point| above(&point))?;
    // A line begins to rise at the point before.
    let rise = if rate.shape == Shape::Line { first.saturating_sub(1) } else { first };
    let rest = rate.points.get(first..)?;
    let end = rest.iter().find(|point| !above(point));
    let top = rest.iter().map(|(_, value)| *value).fold(base, f64::max) * rate.scale;
    let name = format!("load {}: up to {}", load.name, words::rate(top));
    let (from, _) = *rate.points.get(rise)?;
    let to = end.map_or(f64::INFINITY, |(at, _)| seconds(*at));
    Some(Band { from: seconds(from), to, name })
}

pub(super) fn seconds(at: Instant) -> f64 {
    at.since(Instant::EPOCH).as_secs_f64()
}
