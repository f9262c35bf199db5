//! What an upstream reports: changes of state, with where and when.

use crate::balance::Loads;
use alloc::vec::Vec;

use crate::breaker::{BreakerEvent, KeyedEvent};
use crate::brownout::BrownoutEvent;
use crate::budget::BudgetEvent;
use crate::bulkhead::{BlockingEvent, BulkheadRejected, Waiter};
use crate::concurrency::LimitEvent;
use crate::detect::DetectEvent;
use crate::endpoint::EndpointId;
use crate::event::Sink;
use crate::health;
use crate::hedge::HedgeEvent;
use crate::hold::HoldEvent;
use crate::outlier::OutlierEvent;
use crate::rate::RateEvent;
use crate::shed::ShedEvent;
use crate::throttle::ThrottleEvent;
use crate::time::Instant;
use crate::timeout::TimeoutAdapted;

/// Where something happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// The upstream as a whole.
    Upstream,
    /// One of its endpoints.
    Endpoint(EndpointId),
}

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum What {
    /// A breaker.
    Breaker(BreakerEvent),
    /// The rate limit.
    Rate(RateEvent),
    /// Shedding by priority.
    Shed(ShedEvent),
    /// The client throttle.
    Throttle(ThrottleEvent),
    /// The adaptive concurrency limit.
    Limit(LimitEvent),
    /// The bulkhead.
    Bulkhead(BulkheadRejected),
    /// The attempt budget.
    Budget(BudgetEvent),
    /// The adaptive attempt timeout.
    Timeout(TimeoutAdapted),
    /// A hedge.
    Hedge(HedgeEvent),
    /// An outage, and what is held through it.
    Hold(HoldEvent),
    /// The outlier detector.
    Outlier(OutlierEvent),
    /// The verdict of active health checks.
    Health(health::Change),
    /// The shares of the priority levels changed, and calls go past the first level or did.
    Spillover(Loads),
    /// An endpoint joined or came back and reaches its full weight by degrees.
    SlowStart,
    /// Too few endpoints may be chosen, and all are tried; or none may, and
    /// [`super::WhenAllDown`] is in force.
    PanicEntered,
    /// An endpoint may be chosen again.
    PanicLeft,
    /// A breaker of a set by key. Reported by sets that stand alone, never by an upstream, as are
    /// those that follow.
    Keyed(KeyedEvent),
    /// A job of a pool of threads.
    Blocking(BlockingEvent),
    /// The degradation level changed.
    Brownout(BrownoutEvent),
    /// A failure detector.
    Detector(DetectEvent),
}

/// One change of state.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Event {
    /// When.
    pub at: Instant,
    /// Where.
    pub scope: Scope,
    /// What.
    pub what: What,
}

/// What a step of an upstream draws on.
#[derive(Debug)]
pub struct Scene<'a, R, S> {
    /// The time of the step.
    pub now: Instant,
    /// The driver's stream of chance.
    pub rng: &'a mut R,
    /// Takes changes of state.
    pub sink: &'a mut S,
}

/// Lends a sink to machines that know neither scope nor time.
pub(super) struct Scoped<'a, S> {
    pub(super) at: Instant,
    pub(super) scope: Scope,
    pub(super) sink: &'a mut S,
}

impl<S: Sink<Event>> Sink<BreakerEvent> for Scoped<'_, S> {
    fn emit(&mut self, event: BreakerEvent) {
        self.sink.emit(Event { at: self.at, scope: self.scope, what: What::Breaker(event) });
    }
}

impl<S: Sink<Event>> Sink<RateEvent> for Scoped<'_, S> {
    fn emit(&mut self, event: RateEvent) {
        self.sink.emit(Event { at: self.at, scope: self.scope, what: What::Rate(event) });
    }
}

impl<S: Sink<Event>> Sink<ShedEvent> for Scoped<'_, S> {
    fn emit(&mut self, event: ShedEvent) {
        self.sink.emit(Event { at: self.at, scope: self.scope, what: What::Shed(event) });
    }
}

impl<S: Sink<Event>> Sink<ThrottleEvent> for Scoped<'_, S> {
    fn emit(&mut self, event: ThrottleEvent) {
        self.sink.emit(Event { at: self.at, scope: self.scope, what: What::Throttle(event) });
    }
}

impl<S: Sink<Event>> Sink<LimitEvent> for Scoped<'_, S> {
    fn emit(&mut self, event: LimitEvent) {
        self.sink.emit(Event { at: self.at, scope: self.scope, what: What::Limit(event) });
    }
}

impl<S: Sink<Event>> Sink<BulkheadRejected> for Scoped<'_, S> {
    fn emit(&mut self, event: BulkheadRejected) {
        self.sink.emit(Event { at: self.at, scope: self.scope, what: What::Bulkhead(event) });
    }
}

/// Keeps the waiters that a bulkhead drops, and passes on what it says of them.
pub(super) struct Dropped<'a, S> {
    pub(super) waiters: &'a mut Vec<Waiter>,
    pub(super) at: Instant,
    pub(super) sink: &'a mut S,
}

impl<S: Sink<Event>> Sink<BulkheadRejected> for Dropped<'_, S> {
    fn emit(&mut self, event: BulkheadRejected) {
        self.waiters.extend(event.waiter);
        let (at, scope) = (self.at, Scope::Upstream);
        self.sink.emit(Event { at, scope, what: What::Bulkhead(event) });
    }
}

impl<S: Sink<Event>> Sink<BudgetEvent> for Scoped<'_, S> {
    fn emit(&mut self, event: BudgetEvent) {
        self.sink.emit(Event { at: self.at, scope: self.scope, what: What::Budget(event) });
    }
}

impl<S: Sink<Event>> Sink<HoldEvent> for Scoped<'_, S> {
    fn emit(&mut self, event: HoldEvent) {
        self.sink.emit(Event { at: self.at, scope: self.scope, what: What::Hold(event) });
    }
}

impl<S: Sink<Event>> Sink<TimeoutAdapted> for Scoped<'_, S> {
    fn emit(&mut self, event: TimeoutAdapted) {
        self.sink.emit(Event { at: self.at, scope: self.scope, what: What::Timeout(event) });
    }
}

impl<S: Sink<Event>> Sink<HedgeEvent> for Scoped<'_, S> {
    fn emit(&mut self, event: HedgeEvent) {
        self.sink.emit(Event { at: self.at, scope: self.scope, what: What::Hedge(event) });
    }
}

/// Lends a sink to the outlier detector, which knows endpoints by slot alone.
pub(super) struct BySlot<'a, S> {
    pub(super) at: Instant,
    pub(super) generations: &'a [u32],
    pub(super) sink: &'a mut S,
    /// Whether it reported anything, which may concern any endpoint.
    pub(super) reported: bool,
}

impl<S: Sink<Event>> Sink<OutlierEvent> for BySlot<'_, S> {
    fn emit(&mut self, event: OutlierEvent) {
        self.reported = true;
        let slot = event.slot();
        let generation = self.generations.get(slot.index()).copied().unwrap_or_default();
        let scope = Scope::Endpoint(EndpointId { slot, generation });
        self.sink.emit(Event { at: self.at, scope, what: What::Outlier(event) });
    }
}
