//! Part c of the floor: requests that do not fit into the capacity of healthy replicas, even with a
//! queue that carries over whatever its deadline allows.
//!
//! All workers of a pool are taken for one server that works on one request at a time, so many
//! times as fast, and may be handed over between requests without loss. That is better than any
//! real fleet, so what it must drop everybody must drop. Which requests to drop so that the fewest
//! are is Moore's rule: take them in the order of their deadlines, and whenever one would end too
//! late, drop the longest taken so far (Moore 1968; deadlines here come in the order of arrivals,
//! which keeps the rule right with arrivals over time).

use std::collections::{BTreeSet, BinaryHeap};

use super::window::{Left, Window, windows};
use crate::measure::ledger::{Ledger, Request};
use crate::measure::number::{number, seconds};
use crate::measure::pools::Pool;
use crate::stamp::Stamp;

/// The fewest requests that must be dropped; `excused` ones are not asked at all.
pub(super) fn beyond(ledger: &Ledger<'_>, excused: &BTreeSet<u64>) -> u64 {
    let each = ledger.pools.0.iter().map(|pool| {
        let asked = ledger.within(ledger.spans.felt()).iter().filter(|request| {
            let id = request.planned.id;
            pool.routes.contains(&request.planned.route) && !excused.contains(&id)
        });
        dropped(&Speed::of(ledger, pool), asked)
    });
    each.sum()
}

/// Seconds of work that rounding may add up to: a job that ends at its very deadline fits.
const ROUNDING: f64 = 1e-6;

fn dropped<'a>(speed: &Speed, asked: impl Iterator<Item = &'a Request<'a>>) -> u64 {
    let mut jobs: Vec<&Request<'_>> = asked.collect();
    jobs.sort_by_key(|request| request.due());
    let mut taken: BinaryHeap<u64> = BinaryHeap::new();
    let mut dropped = 0;
    // How much work is done by the time at which the server is through with all taken jobs.
    let mut done = 0.0_f64;
    for request in jobs {
        let asked = speed.work_until(request.intended);
        if done <= asked {
            // The server is idle: dropping what is behind it would no longer help anybody.
            taken.clear();
            done = asked;
        }
        done += seconds(request.planned.service);
        taken.push(request.planned.service);
        if done > speed.work_until(request.due()) + ROUNDING {
            done -= seconds(taken.pop().unwrap_or_default());
            dropped += 1;
        }
    }
    dropped
}

/// How fast a pool works over time: steps of seconds of work for each second.
#[derive(Debug)]
struct Speed {
    /// Each with its beginning and the work done until then.
    steps: Vec<(Stamp, f64, f64)>,
}

impl Speed {
    fn of(ledger: &Ledger<'_>, pool: &Pool) -> Self {
        let windows = windows(ledger);
        // Not from the boot of the host on: small numbers are exact ones.
        let mut edges: BTreeSet<Stamp> = [ledger.spans.control.from].into();
        edges.extend(windows.iter().flat_map(|window| [window.span.from, window.span.to]));
        let mut steps: Vec<(Stamp, f64, f64)> = Vec::new();
        for at in edges {
            let work = steps.last().map_or(0.0, |step| ahead(step, at));
            steps.push((at, work, at_instant(ledger, pool, &windows, at)));
        }
        Self { steps }
    }

    /// Seconds of work that can be done until an instant.
    fn work_until(&self, at: Stamp) -> f64 {
        let index = self.steps.partition_point(|(from, ..)| *from <= at);
        index.checked_sub(1).and_then(|index| self.steps.get(index)).map_or(0.0, |s| ahead(s, at))
    }
}

fn ahead((from, work, speed): &(Stamp, f64, f64), at: Stamp) -> f64 {
    work + speed * seconds(at.since(*from))
}

/// Seconds of work a second at an instant.
fn at_instant(ledger: &Ledger<'_>, pool: &Pool, windows: &[Window], at: Stamp) -> f64 {
    let workers = f64::from(ledger.scenario.replicas.workers);
    let strikes = |window: &Window| pool.replicas.iter().any(|one| window.strikes(ledger, *one));
    let now: Vec<&Window> =
        windows.iter().filter(|window| window.span.has(at) && strikes(window)).collect();
    let left = |replica: u8| {
        let struck = now.iter().filter(|window| window.strikes(ledger, replica));
        let shares = struck.map(|window| match window.left {
            Left::Nothing => 0.0,
            Left::Share(share) => share,
            Left::OneLock(_) | Left::Spoiled => 1.0,
        });
        shares.fold(1.0, f64::min)
    };
    let all: f64 = pool.replicas.iter().map(|replica| workers * left(*replica)).sum();
    let service = ledger.scenario.replicas.service.as_secs_f64();
    let locks = now.iter().filter_map(|window| match window.left {
        // A request a hold, whatever its service: in work, its mean service.
        Left::OneLock(hold) if hold > 0 => Some(service / seconds(hold)),
        _ => None,
    });
    locks.fold(all, f64::min)
}

/// Requests a second that all replicas together can serve.
pub(crate) fn nominal(ledger: &Ledger<'_>) -> Option<f64> {
    let replicas = ledger.scenario.replicas;
    let service = replicas.service.as_secs_f64();
    let served = ledger.pools.0.iter().map(|pool| number(pool.replicas.len() as u64)).sum::<f64>();
    (service > 0.0).then(|| served * f64::from(replicas.workers) / service)
}
