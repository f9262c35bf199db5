//! When the world was disturbed, and by what: the bands behind every plot over time.

use seawall_core::time::Instant;

use super::words;
use crate::plan::{Arrivals, Disturbance, Fault, Load, Plan, Replicas, Shape};

/// A disturbance, as long as it lasted.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Band {
    /// In seconds.
    pub(super) from: f64,
    /// In seconds; the end of the horizon where it lasted.
    pub(super) to: f64,
    /// What it was.
    pub(super) name: String,
}

/// What befell a world and what its loads did, by the plan; in the order of the plan.
pub(super) fn bands(plan: &Plan) -> Vec<Band> {
    let horizon = plan.horizon.as_secs_f64();
    let struck = plan.disturbances.iter().map(|disturbance| struck(plan, disturbance));
    let risen = plan.loads.iter().flat_map(risen);
    struck
        .chain(risen)
        .map(|band| Band { to: band.to.min(horizon), ..band })
        .filter(|band| band.from < horizon)
        .collect()
}

fn struck(plan: &Plan, disturbance: &Disturbance) -> Band {
    let from = seconds(disturbance.at);
    let service = plan.services.get(disturbance.service.0);
    let service = service.map_or("", |service| service.name.as_str());
    let whom = match &disturbance.replicas {
        Replicas::All => service.to_owned(),
        Replicas::One(one) => format!("{service}#{one}"),
        Replicas::Zone(zone) => format!("{service} in {zone}"),
    };
    Band {
        from,
        to: disturbance.lasts.map_or(f64::INFINITY, |lasts| from + lasts.as_secs_f64()),
        name: format!("{whom}: {}", fault(disturbance.fault)),
    }
}

fn fault(fault: Fault) -> String {
    match fault {
        Fault::Crash => "crash".to_owned(),
        Fault::Freeze => "freeze".to_owned(),
        Fault::BlackHole => "black hole".to_owned(),
        Fault::Errors(share) => format!("errors {}", words::share(f64::from(share.ppm()) / 1e6)),
        Fault::Slower(factor) => format!("{} times slower", words::number(factor)),
        Fault::Latency(added) => format!("latency + {}", words::time(added.as_secs_f64())),
        Fault::Capacity(share) => format!("capacity {}", words::share(share)),
    }
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
