//! What an upstream is at an instant: plain data with reasons.

use alloc::vec::Vec;

use crate::balance::LoadSnapshot;
use crate::breaker::BreakerSnapshot;
use crate::budget::BudgetSnapshot;
use crate::bulkhead::BulkheadSnapshot;
use crate::concurrency::{Limit, LimitSnapshot};
use crate::endpoint::EndpointId;
use crate::health::HealthState;
use crate::hedge::HedgeSnapshot;
use crate::hold::HoldSnapshot;
use crate::outlier::OutlierSnapshot;
use crate::rate::LimiterSnapshot;
use crate::shed::ShedSnapshot;
use crate::throttle::ThrottleSnapshot;
use crate::time::Instant;
use crate::timeout::AdaptiveSnapshot;

use super::{Outcomes, Upstream};

/// An upstream at an instant.
#[derive(Clone, Debug)]
pub struct UpstreamSnapshot {
    /// Whether an endpoint may be chosen by the rules, and there is no outage.
    pub usable: bool,
    /// Whether the latest choice found no good endpoint.
    pub panic: bool,
    /// What keeps calls out before anything is sent.
    pub gates: GatesSnapshot,
    /// Its breaker.
    pub breaker: BreakerSnapshot,
    /// Its bulkhead.
    pub bulkhead: BulkheadSnapshot,
    /// Its budget.
    pub budget: BudgetSnapshot,
    /// Its hedges.
    pub hedge: HedgeSnapshot,
    /// What it holds through an outage.
    pub hold: HoldSnapshot,
    /// Its adaptive attempt timeout.
    pub timeout: AdaptiveSnapshot,
    /// What all its attempts came to.
    pub outcomes: Outcomes,
    /// Its endpoints, by slot.
    pub endpoints: Vec<EndpointSnapshot>,
}

/// The gates of an upstream at an instant; absent ones are not configured.
#[derive(Clone, Debug)]
pub struct GatesSnapshot {
    /// The rate limit.
    pub rate: Option<LimiterSnapshot>,
    /// Shedding by priority.
    pub shed: Option<ShedSnapshot>,
    /// The client throttle.
    pub throttle: Option<ThrottleSnapshot>,
    /// The adaptive concurrency limit.
    pub concurrency: Option<LimitSnapshot>,
}

/// An endpoint at an instant.
#[derive(Clone, Debug)]
pub struct EndpointSnapshot {
    /// Which.
    pub id: EndpointId,
    /// Whether it takes no new attempts for good.
    pub draining: bool,
    /// Its verdict by active checks.
    pub health: HealthState,
    /// Its breaker.
    pub breaker: BreakerSnapshot,
    /// What the outlier detector knows.
    pub outlier: OutlierSnapshot,
    /// What the balancer knows.
    pub load: LoadSnapshot,
    /// Since when attempts wait in vain, if that is far longer than usual: then it is not chosen
    /// while others are heard of, but for a trial now and then.
    pub silent_since: Option<Instant>,
    /// How many attempts may be in flight there; absent without limits at endpoints.
    pub limit: Option<LimitSnapshot>,
    /// What its attempts came to since it joined.
    pub outcomes: Outcomes,
}

impl Upstream {
    /// Everything that is known at `now`.
    #[must_use]
    pub fn snapshot(&self, now: Instant) -> UpstreamSnapshot {
        let endpoints = self.endpoints.iter().flatten().map(|endpoint| EndpointSnapshot {
            id: endpoint.id,
            draining: endpoint.leaving.is_some(),
            health: endpoint.health.state(),
            breaker: endpoint.breaker.snapshot(now),
            outlier: self.outliers.snapshot(endpoint.id.slot, now),
            load: self.balancer.snapshot(endpoint.id.slot, now),
            silent_since: self.silent_since(endpoint.id, now),
            limit: endpoint.limit.as_ref().map(Limit::snapshot),
            outcomes: endpoint.outcomes,
        });
        UpstreamSnapshot {
            usable: self.has_good_endpoint(now) && !self.is_unreachable(),
            panic: self.panic,
            gates: self.gates_snapshot(now),
            breaker: self.breaker.snapshot(now),
            bulkhead: self.bulkhead.snapshot(),
            budget: self.budget.snapshot(now),
            hedge: self.hedging.snapshot(now),
            hold: self.hold.snapshot(),
            timeout: self.timeout.snapshot(),
            outcomes: self.outcomes,
            endpoints: endpoints.collect(),
        }
    }
}
