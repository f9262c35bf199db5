//! Hedges as the upstream sees them: how slow is slow, and how many are too many.
//!
//! What a call must bring along for a hedge is in `call/hedging.rs`.

use crate::Mode;
use crate::breaker::Phase;
use crate::endpoint::{EndpointId, Slot};
use crate::event::Sink;
use crate::hedge::{Conditions, Hedge, Load, Race, Suppressed};
use crate::time::{Duration, Instant};

use super::Upstream;
use super::event::{Event, Scope, Scoped};
use super::sole::Fleet;

impl Upstream {
    /// Whether slow attempts are hedged, be it in shadow.
    #[inline]
    pub(crate) fn hedges(&self) -> bool {
        self.settings.hedge.mode != Mode::Off
    }

    /// How long an attempt may take before it counts as slow; `None` while nobody can tell.
    #[inline]
    pub(crate) fn hedge_delay(&mut self, timeout: Duration, now: Instant) -> Option<Duration> {
        self.hedging.delay(now, &mut self.latency, timeout)
    }

    /// Asks for a hedge.
    pub(crate) fn may_hedge(
        &mut self,
        conditions: &Conditions,
        now: Instant,
        sink: &mut impl Sink<Event>,
    ) -> Result<Hedge, Suppressed> {
        self.hedging.may_fire(now, conditions, &mut upstream_wide(now, sink))
    }

    pub(crate) fn hedge_fired(
        &mut self,
        hedge: &Hedge,
        (delay, endpoint): (Duration, EndpointId),
        now: Instant,
        sink: &mut impl Sink<Event>,
    ) {
        self.hedging.fired(hedge, delay, endpoint, &mut upstream_wide(now, sink));
    }

    pub(crate) fn hedge_withdrawn(
        &mut self,
        hedge: Hedge,
        why: Suppressed,
        now: Instant,
        sink: &mut impl Sink<Event>,
    ) {
        self.hedging.withdraw(hedge, why, now, &mut upstream_wide(now, sink));
    }

    pub(crate) fn hedge_ended(
        &mut self,
        hedge: Hedge,
        race: Race,
        now: Instant,
        sink: &mut impl Sink<Event>,
    ) {
        self.hedging.settle(hedge, race, &mut upstream_wide(now, sink));
    }

    /// Endpoints that could take an attempt and are not among `tried`.
    pub(crate) fn untried(&self, tried: &[Slot], now: Instant) -> usize {
        match self.fleet {
            // An outage has its own probes, and all the others wait for them.
            _ if self.is_unreachable() => 0,
            Fleet::Sole => 1,
            Fleet::Endpoints => self.count_good(|slot| !tried.contains(&slot), now),
        }
    }

    /// Whether another endpoint than those of `tried` could take an attempt.
    pub(crate) fn has_other(&self, tried: &[Slot], now: Instant) -> bool {
        self.fleet == Fleet::Endpoints && self.untried(tried, now) > 0
    }

    /// Whether there is too much work already: then hedges go first.
    pub(crate) fn load(&self, now: Instant) -> Load {
        match self.breaker.phase(now) {
            // Whoever was held is work that has piled up: it is slow for want of room.
            Phase::Closed if self.is_overloaded() || self.hold.is_releasing() => Load::Overloaded,
            Phase::Closed => Load::Normal,
            Phase::Open { .. } | Phase::ProbeDue | Phase::HalfOpen { .. } => Load::Overloaded,
        }
    }
}

fn upstream_wide<S>(at: Instant, sink: &mut S) -> Scoped<'_, S> {
    Scoped { at, scope: Scope::Upstream, sink }
}
