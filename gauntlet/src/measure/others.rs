//! What befell those whom the fault did not concern: other routes, other tenants, and each
//! priority and kind of request by itself.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Latency;
use super::ledger::{Ledger, Request};
use super::number::{count, number, ratio};
use super::span::Span;
use crate::scenario::Fault;
use crate::stream::{Priority, Verb};

/// Requests of one priority.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rank {
    /// Which.
    pub priority: Priority,
    /// Asked in the fault phase.
    pub asked: u64,
    /// Those of them that ended well.
    pub ok: u64,
    /// Latency of control.
    pub control: Latency,
    /// Latency of the fault phase.
    pub fault: Latency,
}

/// Kinds of requests, by what may be done with them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Safe.
    Get,
    /// Idempotent.
    Put,
    /// A POST with an idempotency key.
    KeyedPost,
    /// A POST without one: never to be sent twice.
    Post,
}

/// Requests of one kind in fault and observation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ByKind {
    /// Which.
    pub kind: Kind,
    /// Asked.
    pub asked: u64,
    /// Those of them that did not end well.
    pub errors: u64,
    /// Latency of the fault phase.
    pub fault: Latency,
}

/// The kind of a request.
const fn kind(request: &Request<'_>) -> Kind {
    match (request.planned.verb, request.planned.keyed) {
        (Verb::Get, _) => Kind::Get,
        (Verb::Put, _) => Kind::Put,
        (Verb::Post, true) => Kind::KeyedPost,
        (Verb::Post, false) => Kind::Post,
    }
}

pub(crate) fn kinds(ledger: &Ledger<'_>) -> Vec<ByKind> {
    let of = |wanted, span| -> Vec<Request<'_>> {
        ledger.within(span).iter().filter(|one| kind(one) == wanted).copied().collect()
    };
    let kinds = [Kind::Get, Kind::Put, Kind::KeyedPost, Kind::Post].map(|kind| {
        let felt = of(kind, ledger.spans.felt());
        ByKind {
            kind,
            asked: count(&felt),
            errors: felt.iter().filter(|one| one.is_error()).count() as u64,
            fault: Latency::of(&of(kind, ledger.spans.fault)),
        }
    });
    kinds.into_iter().filter(|kind| kind.asked > 0).collect()
}

pub(crate) fn ranks(ledger: &Ledger<'_>) -> Vec<Rank> {
    let of = |priority, span| -> Vec<Request<'_>> {
        let all = ledger.within(span).iter();
        all.filter(|one| one.planned.priority == priority).copied().collect()
    };
    let ranks = [Priority::High, Priority::Normal, Priority::Low].map(|priority| {
        let fault = of(priority, ledger.spans.fault);
        Rank {
            priority,
            asked: count(&fault),
            ok: fault.iter().filter(|one| !one.is_error()).count() as u64,
            control: Latency::of(&of(priority, ledger.spans.control)),
            fault: Latency::of(&fault),
        }
    });
    ranks.into_iter().filter(|rank| rank.asked > 0).collect()
}

/// Error rate of those whom the fault does not concern, over their rate in control. None where it
/// concerns everybody.
pub(crate) fn collateral(ledger: &Ledger<'_>) -> Option<f64> {
    let hot = hot_tenant(ledger);
    let spared = |request: &&Request<'_>| match hot {
        Some(hot) => request.planned.tenant != hot,
        None => {
            let pool = ledger.pools.serving(request.planned.route);
            pool.is_some_and(|pool| pool.targets.is_empty())
        }
    };
    if hot.is_none() && ledger.run.targets.is_empty() {
        return None;
    }
    let rate = |span| {
        let all = ledger.within(span).iter().filter(spared);
        let (errors, all) = all.fold((0, 0), |(errors, all), request| {
            (errors + u64::from(request.is_error()), all + 1)
        });
        ratio(errors, all)
    };
    Some(rate(ledger.spans.felt())? - rate(ledger.spans.control).unwrap_or_default())
}

/// Jain's index of the relative goodput of the tenants beside a hot one in the fault phase: 1 where
/// all fare alike, 1 ÷ their number where one has everything. None without a hot tenant.
pub(crate) fn fairness(ledger: &Ledger<'_>) -> Option<f64> {
    let hot = hot_tenant(ledger)?;
    let mut tenants: BTreeMap<u8, (u64, u64)> = BTreeMap::new();
    for request in ledger.within(ledger.spans.fault) {
        let (ok, all) = tenants.entry(request.planned.tenant).or_default();
        *ok += u64::from(!request.is_error());
        *all += 1;
    }
    tenants.remove(&hot);
    jain(&tenants.values().filter_map(|(ok, all)| ratio(*ok, *all)).collect::<Vec<_>>())
}

/// (Σx)² ÷ (n Σx²), Jain, Chiu and Hawe 1984; none where all are 0.
fn jain(shares: &[f64]) -> Option<f64> {
    let sum: f64 = shares.iter().sum();
    let squares: f64 = shares.iter().map(|share| share * share).sum();
    (squares > 0.0).then(|| sum * sum / (number(count(shares)) * squares))
}

/// In a scenario that has one: the tenant that asks most in the fault phase.
fn hot_tenant(ledger: &Ledger<'_>) -> Option<u8> {
    let is_hot = |fault: &Fault| matches!(fault, Fault::HotTenant { .. });
    ledger.scenario.faults.iter().find(|one| is_hot(&one.fault))?;
    let mut asked: BTreeMap<u8, u64> = BTreeMap::new();
    for request in ledger.within(ledger.spans.fault) {
        *asked.entry(request.planned.tenant).or_default() += 1;
    }
    asked.into_iter().max_by_key(|(_, asked)| *asked).map(|(tenant, _)| tenant)
}

/// Requests a second that ended well in a span; none where it has no length.
pub(crate) fn goodput_of(ledger: &Ledger<'_>, span: Span) -> Option<f64> {
    let (ok, _) = super::recovery::goodput(ledger, span);
    (span.nanos() > 0).then(|| number(ok) / super::number::seconds(span.nanos()))
}

#[cfg(test)]
mod tests {
    use super::jain;

    #[test]
    fn jains_index_is_one_for_equals_and_a_share_for_one_who_has_all() {
        assert_eq!(jain(&[0.5, 0.5, 0.5]), Some(1.0));
        assert_eq!(jain(&[1.0, 0.0, 0.0, 0.0]), Some(0.25));
        assert_eq!(jain(&[0.0, 0.0]), None);
        assert_eq!(jain(&[]), None);
    }
}
