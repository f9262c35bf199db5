//! Requests that were lost to a fault whatever anybody did: parts a, b, d and e of the floor. Only
//! requests that did fail are looked at; what was answered could be answered.

use std::collections::BTreeSet;

use super::window::{Left, outages, strikes, windows};
use crate::measure::ledger::{Ledger, Request};
use crate::record::Attempt;
use crate::scenario::Fault;
use crate::stamp::Stamp;
use crate::wire;

/// Requests of fault and observation that failed.
fn failed<'l, 'a>(ledger: &'l Ledger<'a>) -> impl Iterator<Item = &'l Request<'a>> {
    ledger.within(ledger.spans.felt()).iter().filter(|request| request.is_error())
}

/// Those that were asked earlier but not yet answered count as well where they were in flight.
fn in_flight_ids<'a>(
    ledger: &'a Ledger<'_>,
    fits: impl Fn(&Request<'_>, Stamp) -> bool + 'a,
) -> BTreeSet<u64> {
    let strikes = strikes(ledger);
    let hit = failed(ledger).filter(|request| {
        strikes
            .iter()
            .any(|strike| was_at_target(ledger, request, *strike) && fits(request, *strike))
    });
    hit.map(|request| request.planned.id).collect()
}

fn was_at_target(ledger: &Ledger<'_>, request: &Request<'_>, strike: Stamp) -> bool {
    let attempts = ledger.attempts_at(request.planned.id).iter();
    let mut at_target = attempts.filter(|one| ledger.run.targets.contains(&one.replica));
    at_target.any(|one| is_in_flight(one, strike))
}

/// The runner writes down that it strikes, and then does it: signals and rules of packets have
/// taken hold by then.
const TO_ACT: u64 = 10_000_000;

fn is_in_flight(attempt: &Attempt, at: Stamp) -> bool {
    attempt.begun <= at.after(TO_ACT) && attempt.ended.is_none_or(|ended| ended > at)
}

/// a. Where every replica is struck, an oracle has nowhere to send an unsafe request but to a
/// replica that may spoil it, and only once.
pub(super) fn sent_once(ledger: &Ledger<'_>) -> BTreeSet<u64> {
    let mut ids = in_flight_ids(ledger, |request, _| request.is_unsafe());
    let spoiled: Vec<_> =
        windows(ledger).into_iter().filter(|window| window.left == Left::Spoiled).collect();
    let lost = failed(ledger).filter(|request| request.is_unsafe()).filter(|request| {
        let pool = ledger.pools.serving(request.planned.route);
        let begun = ledger.attempts_at(request.planned.id).first().map(|one| one.begun);
        let inside = |at: Stamp| spoiled.iter().any(|window| window.span.has(at));
        pool.is_some_and(|pool| pool.is_all_struck()) && begun.is_some_and(inside)
    });
    ids.extend(lost.map(|request| request.planned.id));
    ids.extend(poisoned_beside(ledger));
    ids
}

/// b. In flight at a target, with less time left than service and way back take elsewhere.
pub(super) fn too_late(ledger: &Ledger<'_>) -> BTreeSet<u64> {
    let round_trip = ledger.round_trip();
    in_flight_ids(ledger, |request, strike| {
        request.due().since(strike) < request.planned.service + round_trip
    })
}

/// d. The deadline ends before any endpoint of the route can have answered.
pub(super) fn nobody_there(ledger: &Ledger<'_>) -> BTreeSet<u64> {
    let of_pool = ledger.pools.struck().flat_map(|pool| {
        let outages = outages(ledger, pool);
        let asked = failed(ledger).filter(|one| pool.routes.contains(&one.planned.route));
        asked.filter(move |request| {
            let service = request.planned.service;
            outages.iter().any(|outage| {
                // Asked so early that it could have been answered before: not excused by this.
                let too_early = request.intended.after(service) <= outage.from;
                !too_early && request.due() < outage.to.after(service)
            })
        })
    });
    of_pool.map(|request| request.planned.id).collect()
}

/// e. Requests that kill whoever serves them, and those open when the gateway itself was killed.
pub(super) fn hopeless(ledger: &Ledger<'_>) -> BTreeSet<u64> {
    let faults = || ledger.scenario.faults.iter().map(|one| &one.fault);
    let killed = faults().any(|fault| *fault == Fault::GatewayKilled);
    let lost = failed(ledger).filter(|request| {
        let open = |strike: &Stamp| {
            request.answered.is_some_and(|one| one.begun <= *strike && *strike <= one.ended)
        };
        is_poison(ledger, request.planned.id) || (killed && ledger.spans.strikes.iter().any(open))
    });
    lost.map(|request| request.planned.id).collect()
}

fn is_poison(ledger: &Ledger<'_>, id: u64) -> bool {
    poisons(ledger).any(|one_in| wire::is_poison(id, one_in))
}

fn poisons(ledger: &Ledger<'_>) -> impl Iterator<Item = u32> {
    ledger.scenario.faults.iter().filter_map(|one| match one.fault {
        Fault::Poison { one_in } => Some(one_in),
        _ => None,
    })
}

/// Unsafe requests whose replica died of another's poison while it worked on them: who sent them
/// could not know.
fn poisoned_beside(ledger: &Ledger<'_>) -> BTreeSet<u64> {
    if poisons(ledger).next().is_none() {
        return BTreeSet::new();
    }
    let lost = failed(ledger).filter(|request| {
        let attempts = ledger.attempts_at(request.planned.id);
        let died = !attempts.is_empty() && attempts.iter().all(|one| one.ended.is_none());
        request.is_unsafe() && died
    });
    lost.map(|request| request.planned.id).collect()
}
