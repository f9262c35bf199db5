//! In which condition each breaker and endpoint was, and when: read from the marks of a record.
//!
//! What a mark is, and how many are kept, is in `record`.

use std::collections::BTreeMap;

use seawall_core::Mode;
use seawall_core::breaker::BreakerEvent;
use seawall_core::health::HealthState;
use seawall_core::outlier::OutlierEvent;
use seawall_core::time::Instant;
use seawall_core::upstream::{Scope, What};

use super::{Mark, Record};

/// A condition other than the ordinary one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Condition {
    /// The breaker is open.
    Open,
    /// The breaker lets probes pass.
    HalfOpen,
    /// The endpoint is ejected.
    Ejected,
    /// The active checks of the endpoint do not pass.
    Unhealthy,
    /// Too few endpoints may be chosen, and all are tried.
    Panic,
}

impl Condition {
    /// All, in the order of reports.
    pub const ALL: [Self; 5] =
        [Self::Open, Self::HalfOpen, Self::Ejected, Self::Unhealthy, Self::Panic];

    /// Its name in reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::HalfOpen => "half-open",
            Self::Ejected => "ejected",
            Self::Unhealthy => "unhealthy",
            Self::Panic => "panic",
        }
    }

    const fn kind(self) -> Kind {
        match self {
            Self::Open | Self::HalfOpen => Kind::Breaker,
            Self::Ejected => Kind::Outlier,
            Self::Unhealthy => Kind::Health,
            Self::Panic => Kind::Panic,
        }
    }
}

/// What is in a condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Breaker,
    Outlier,
    Health,
    Panic,
}

/// A condition, as long as it lasted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stretch {
    /// Which.
    pub condition: Condition,
    /// Since when.
    pub from: Instant,
    /// Until when; the end of the run if it lasted.
    pub to: Instant,
}

/// The conditions of one breaker or endpoint in one instance of a gateway. Between them it is in
/// order: closed, in choice, healthy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Strip {
    /// The gateway, by its place in the plan.
    pub gateway: usize,
    /// Its upstream.
    pub upstream: usize,
    /// Its instance.
    pub instance: u32,
    /// The endpoint, by the place of its replica; none for the upstream as a whole.
    pub endpoint: Option<usize>,
    /// In their order, without overlap.
    pub stretches: Vec<Stretch>,
}

type Name = (usize, usize, u32, Option<usize>, Kind);

/// The strips of all that was ever out of order, upstreams before their endpoints.
#[must_use]
pub fn strips(record: &Record) -> Vec<Strip> {
    let mut all: BTreeMap<Name, Vec<Stretch>> = BTreeMap::new();
    for mark in &record.marks {
        let Some((kind, condition)) = change(mark.event.what) else { continue };
        let stretches = all.entry(name(mark, kind)).or_default();
        note(stretches, condition, (mark.event.at, record.end));
    }
    let filled = all.into_iter().filter(|(_, stretches)| !stretches.is_empty());
    let strip = |((gateway, upstream, instance, endpoint, _), stretches)| Strip {
        gateway,
        upstream,
        instance,
        endpoint,
        stretches,
    };
    filled.map(strip).collect()
}

/// Seconds that anything spent in a condition; several at once count together.
#[must_use]
pub fn time_in(record: &Record, condition: Condition) -> f64 {
    let stretches = strips(record).into_iter().flat_map(|strip| strip.stretches);
    let of = stretches.filter(|stretch| stretch.condition == condition);
    of.map(|stretch| stretch.to.since(stretch.from).as_secs_f64()).sum()
}

fn name(mark: &Mark, kind: Kind) -> Name {
    let endpoint = match mark.event.scope {
        Scope::Upstream => None,
        Scope::Endpoint(id) => Some(id.slot.index()),
    };
    (mark.gateway, mark.upstream, mark.instance, endpoint, kind)
}

/// A new condition begins where the last ends; nothing begins where all is in order again.
fn note(stretches: &mut Vec<Stretch>, condition: Option<Condition>, (at, end): (Instant, Instant)) {
    if let Some(last) = stretches.last_mut().filter(|last| last.to == end) {
        if Some(last.condition) == condition {
            return;
        }
        last.to = at;
    }
    if let Some(condition) = condition {
        stretches.push(Stretch { condition, from: at, to: end });
    }
}

/// What an event brings something into; nothing for what changes no condition.
fn change(what: What) -> Option<(Kind, Option<Condition>)> {
    let into = |condition: Condition| Some((condition.kind(), Some(condition)));
    match what {
        What::Breaker(BreakerEvent::Opened { .. }) => into(Condition::Open),
        What::Breaker(BreakerEvent::HalfOpened) => into(Condition::HalfOpen),
        What::Breaker(BreakerEvent::Closed { .. }) => Some((Kind::Breaker, None)),
        What::Outlier(OutlierEvent::Ejected { mode: Mode::Enforce, .. }) => {
            into(Condition::Ejected)
        }
        What::Outlier(OutlierEvent::Returned { mode: Mode::Enforce, .. }) => {
            Some((Kind::Outlier, None))
        }
        What::Health(change) if change.to == HealthState::Unhealthy => into(Condition::Unhealthy),
        What::Health(_) => Some((Kind::Health, None)),
        What::PanicEntered => into(Condition::Panic),
        What::PanicLeft => Some((Kind::Panic, None)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(secs: u64) -> Instant {
        Instant::from_nanos(secs * 1_000_000_000)
    }

    #[test]
    fn conditions_follow_one_another_and_the_last_lasts_to_the_end() {
        let mut stretches = Vec::new();
        let end = at(100);
        for (secs, condition) in [
            (10, Some(Condition::Open)),
            (20, Some(Condition::HalfOpen)),
            (21, Some(Condition::Open)),
            (40, None),
            (60, Some(Condition::Open)),
        ] {
            note(&mut stretches, condition, (at(secs), end));
        }
        let seen: Vec<_> = stretches.iter().map(|s| (s.condition, s.from, s.to)).collect();
        let (open, half) = (Condition::Open, Condition::HalfOpen);
        assert_eq!(
            seen,
            [
                (open, at(10), at(20)),
                (half, at(20), at(21)),
                (open, at(21), at(40)),
                (open, at(60), end)
            ]
        );
    }
}
