//! An upstream: its endpoints and everything that is learned about them.
//!
//! Calls share it. It owns the breaker, budget, bulkhead, balancer and outlier detector and
//! keeps them in agreement; the call machine (`call`) asks it for admission, an endpoint and a
//! permit, and reports what became of each attempt. Addresses, sockets and health checks are the
//! driver's.
//!
//! All tables are sized when endpoints change; admitting and settling allocate nothing.

mod admit;
mod choose;
mod describe;
mod endpoint;
mod event;
mod gates;
mod hedging;
mod holding;
mod narrow;
mod outcomes;
mod places;
mod replicas;
mod settings;
mod settle;
mod silence;
mod snapshot;
mod sole;

#[cfg(test)]
mod tests;

pub use choose::{Choice, ChoiceReason, Probe, Wish};
pub use endpoint::EndpointName;
pub use event::{Event, Scene, Scope, What};
pub(crate) use gates::{Arriving, Closed};
pub use outcomes::Outcomes;
pub use settings::{UpstreamSettings, WhenAllDown};
pub(crate) use settle::AttemptEnd;
pub use snapshot::{EndpointSnapshot, GatesSnapshot, UpstreamSnapshot};

use alloc::boxed::Box;
use alloc::collections::BTreeSet;
use alloc::vec::Vec;

use crate::balance::{Balancer, Joins, Loads};
use crate::breaker::{Breaker, Manual};
use crate::budget::{Budget, BudgetSnapshot};
use crate::bulkhead::{Bulkhead, Waiter};
use crate::concurrency::Demand;
use crate::deadline;
use crate::endpoint::{EndpointId, Slot};
use crate::event::Sink;
use crate::health::{Check, Health, HealthSettings};
use crate::hedge::Hedging;
use crate::histogram::RotatingHistogram;
use crate::hold::Hold;
use crate::number::small;
use crate::outcome::Overrides;
use crate::outlier::{self, Outliers};
use crate::ratio::Ratio;
use crate::rng::Rng;
use crate::time::{Duration, Instant};
use crate::timeout::AdaptiveTimeout;

use endpoint::{Endpoint, Leaving, Remembered};
use event::{Dropped, Scoped};
use gates::Gates;
use places::Refusing;
use sole::Fleet;

/// Endpoints of one upstream at most. Bounds the tables and the cost of a choice.
pub const ENDPOINTS_MAX: usize = 1_024;

/// How long the history of a removed endpoint is kept, so that a registry that drops and
/// re-registers it grants no amnesty.
const MEMORY: Duration = Duration::from_secs(600);

/// How often the typical latency is computed anew; a quantile walks a whole histogram.
const TYPICAL_EVERY: Duration = Duration::from_secs(1);

/// Fewer samples give no typical latency: one attempt that timed out would make every retry look
/// hopeless.
const TYPICAL_SAMPLES_MIN: u64 = 20;

/// An upstream. See the module's documentation.
#[derive(Debug)]
pub struct Upstream {
    settings: UpstreamSettings,
    endpoints: Vec<Option<Endpoint>>,
    generations: Vec<u32>,
    remembered: Vec<Remembered>,
    candidates: Vec<Slot>,
    /// Whether all endpoints are as good as when they were last looked at; see `narrow`.
    calm: bool,
    /// Those endpoints.
    members: Vec<Slot>,
    /// Those to which calls are sent, when places were last counted.
    used: Vec<Slot>,
    /// Endpoints whose slow start has not been told yet: they join where no events are taken.
    newcomers: Vec<EndpointId>,
    /// The shares of the levels as last told.
    loads: Option<Loads>,
    breaker: Breaker,
    budget: Budget,
    bulkhead: Bulkhead,
    gates: Gates,
    /// What the bulkhead was last limited to by the adaptive limits.
    limited_to: u32,
    /// What endpoints add to that, together.
    places: u64,
    /// When all of it was last counted.
    counted_at: Instant,
    /// Whether more come than are done, and callers may be refused for it.
    demand: Demand,
    refusing: Refusing,
    /// What an endpoint may have in flight of which nothing is known.
    of_blank: u32,
    /// Until when whoever waits for a permit may wait long, because of an outage that is over.
    patient_until: Instant,
    /// Waiters that lost their place without a grant and are to be woken; the queue bounds them.
    dropped: Vec<Waiter>,
    balancer: Balancer,
    outliers: Outliers,
    fleet: Fleet,
    hedging: Hedging,
    hold: Hold,
    /// Whether endpoints have come or gone since holding was told of them.
    regrouped: bool,
    timeout: AdaptiveTimeout,
    overrides: Overrides,
    latency: RotatingHistogram,
    typical: Duration,
    typical_at: Instant,
    panic: bool,
    outcomes: Outcomes,
}

impl Upstream {
    /// An upstream without endpoints. `rng` gives the windows their phase, so that the instances
    /// of a fleet do not pulse in step.
    #[must_use]
    pub fn new(settings: UpstreamSettings, now: Instant, rng: &mut impl Rng) -> Self {
        let minute = Duration::from_secs(60);
        let mut upstream = Self {
            settings,
            endpoints: Vec::new(),
            generations: Vec::new(),
            remembered: Vec::new(),
            candidates: Vec::new(),
            calm: false,
            members: Vec::new(),
            used: Vec::new(),
            newcomers: Vec::new(),
            loads: None,
            breaker: Breaker::new(settings.breaker, phase(rng)),
            budget: Budget::new(settings.budget, phase(rng)),
            bulkhead: Bulkhead::new(settings.bulkhead),
            gates: Gates::new(&settings, now, rng),
            limited_to: u32::MAX,
            places: 0,
            counted_at: Instant::EPOCH,
            demand: Demand::default(),
            refusing: Refusing::No,
            of_blank: u32::MAX,
            patient_until: Instant::EPOCH,
            dropped: Vec::new(),
            balancer: Balancer::new(settings.balance, rng),
            outliers: Outliers::new(settings.outlier, phase(rng)),
            fleet: Fleet::Endpoints,
            hedging: Hedging::new(settings.hedge, phase(rng)),
            hold: Hold::new(settings.hold),
            regrouped: true,
            timeout: AdaptiveTimeout::new(settings.timeout, now),
            overrides: Overrides::default(),
            latency: RotatingHistogram::new(minute, phase(rng)),
            typical: Duration::ZERO,
            typical_at: now,
            panic: false,
            outcomes: Outcomes::default(),
        };
        upstream.enforce_limit(now);
        upstream
    }

    /// Takes over new settings; everything that was learned stays.
    pub fn reconfigure(
        &mut self,
        settings: UpstreamSettings,
        now: Instant,
        sink: &mut impl Sink<Event>,
    ) {
        self.settings = settings;
        self.calm = false;
        self.breaker.reconfigure(settings.breaker, now);
        self.budget.reconfigure(settings.budget, now);
        self.bulkhead.reconfigure(settings.bulkhead);
        self.reconfigure_gates(now, sink);
        self.balancer.reconfigure(settings.balance);
        self.outliers.reconfigure(settings.outlier, now);
        self.hedging.reconfigure(settings.hedge, now);
        self.reconfigure_hold(now, sink);
        self.timeout.reconfigure(settings.timeout);
        for endpoint in self.endpoints.iter_mut().flatten() {
            endpoint.breaker.reconfigure(settings.endpoint_breaker, now);
            endpoint.reconfigure_limit(settings.endpoint_limit, now, sink);
            match settings.health {
                Some(health) => endpoint.health.reconfigure(health),
                None => endpoint.health = Health::new(HealthSettings::default()),
            }
        }
        self.count_places(now);
    }

    /// Judges these statuses otherwise than by the table. Default none.
    pub fn set_overrides(&mut self, overrides: Overrides) {
        self.overrides = overrides;
    }

    /// The attempt budget at `now`.
    #[must_use]
    pub fn budget(&self, now: Instant) -> BudgetSnapshot {
        self.budget.snapshot(now)
    }

    /// The settings in force.
    #[must_use]
    pub fn settings(&self) -> &UpstreamSettings {
        &self.settings
    }

    /// Makes `names` the endpoints: known ones keep what was learned, new ones join, missing
    /// ones take no new attempts and are gone when their last attempt ends. Names beyond
    /// [`ENDPOINTS_MAX`] and repeated names are left out. Returns the identity of each name.
    ///
    /// New ones have the default [`crate::balance::EndpointInfo`], known ones keep theirs;
    /// [`Upstream::set_described`] says both at once.
    pub fn set_endpoints(
        &mut self,
        names: &[EndpointName],
        now: Instant,
        rng: &mut impl Rng,
    ) -> Vec<(EndpointName, EndpointId)> {
        let placed = self.place(names, now, rng);
        self.rebalance();
        self.count_places(now);
        placed
    }

    fn place(
        &mut self,
        names: &[EndpointName],
        now: Instant,
        rng: &mut impl Rng,
    ) -> Vec<(EndpointName, EndpointId)> {
        self.fleet = Fleet::Endpoints;
        let first = self.endpoints.iter().flatten().next().is_none();
        let joins = if first { Joins::Warm } else { Joins::Cold };
        let mut known = BTreeSet::new();
        let mut names: Vec<_> = names.iter().filter(|name| known.insert(*name)).collect();
        names.truncate(ENDPOINTS_MAX);
        let known: BTreeSet<_> = names.iter().copied().collect();
        for endpoint in self.endpoints.iter_mut().flatten() {
            let listed = known.contains(&endpoint.name);
            endpoint.leaving = match endpoint.leaving {
                Some(Leaving::Drained) if listed => Some(Leaving::Drained),
                _ => (!listed).then_some(Leaving::Removed),
            };
        }
        self.collect_drained(now);
        let mut placed = Vec::with_capacity(names.len());
        for name in names {
            let id = match self.find(name) {
                Some(id) => id,
                None => self.join(name, joins, now, rng),
            };
            placed.push((name.clone(), id));
        }
        placed
    }

    /// Takes an endpoint out of choice for good, or back in. Running attempts go on.
    pub fn set_draining(&mut self, id: EndpointId, draining: Draining, now: Instant) {
        let Some(endpoint) = self.endpoint_mut(id) else { return };
        if endpoint.leaving == Some(Leaving::Removed) {
            return;
        }
        endpoint.leaving = match draining {
            Draining::Yes => Some(Leaving::Drained),
            Draining::No => None,
        };
        self.rebalance();
        self.count_places(now);
    }

    /// Reports an active health check of an endpoint.
    pub fn health_checked(
        &mut self,
        id: EndpointId,
        check: Check,
        now: Instant,
        sink: &mut impl Sink<Event>,
    ) {
        self.calm = false;
        let Some(endpoint) = self.endpoint_mut(id) else { return };
        let change = endpoint.health.report(check);
        if check == Check::Passed {
            // It may bring the first probe forward, but only real traffic re-admits.
            self.outliers.hasten(id.slot, now);
            self.hold.hasten(id.slot);
        }
        if let Some(change) = change {
            sink.emit(Event { at: now, scope: Scope::Endpoint(id), what: What::Health(change) });
            self.count_places(now);
        }
    }

    /// Forces the breaker of the upstream, or gives it back to its rules.
    pub fn force_breaker(&mut self, manual: Manual, now: Instant, sink: &mut impl Sink<Event>) {
        let mut scoped = Scoped { at: now, scope: Scope::Upstream, sink };
        self.breaker.force(manual, now, &mut scoped);
    }

    /// The next waiter that should be woken: it owns a permit now, has lost its place, or is held
    /// and should look, as its claim will say. Call it after every step until it gives none.
    pub fn next_grant(&mut self, now: Instant, sink: &mut impl Sink<Event>) -> Option<Waiter> {
        if let Some(held) = self.next_held(now, sink) {
            return Some(held);
        }
        let mut dropped = Dropped { waiters: &mut self.dropped, at: now, sink };
        let granted = self.bulkhead.next_grant_reporting(now, &mut dropped);
        granted.or_else(|| self.dropped.pop())
    }

    /// Whether nobody waits for a permit, a release, or the news that there will be none: then
    /// [`Upstream::next_grant`] has nobody to name.
    #[must_use]
    #[inline]
    pub fn is_unattended(&self) -> bool {
        self.bulkhead.queued() == 0 && self.dropped.is_empty() && self.is_nobody_held()
    }

    /// The median latency of attempts in the last minute, at least 1 ms: what an attempt needs to
    /// have a fair chance. At most a second old.
    pub fn min_useful(&mut self, now: Instant) -> Duration {
        if now.since(self.typical_at) >= TYPICAL_EVERY || self.typical.is_zero() {
            let known = self.latency.count(now) >= TYPICAL_SAMPLES_MIN;
            let median = self.latency.quantile(now, Ratio::from_percent(50)).filter(|_| known);
            self.typical = median.unwrap_or_default();
            self.typical_at = now;
        }
        deadline::min_useful(Some(self.typical))
    }

    /// A quantile of what attempts took in the last minute, those that were given up included;
    /// none without any. Walks a whole histogram.
    pub fn latency_quantile(&mut self, share: Ratio, now: Instant) -> Option<Duration> {
        self.latency.quantile(now, share)
    }

    /// The name of an endpoint, if it is still registered.
    #[must_use]
    pub fn name(&self, id: EndpointId) -> Option<&EndpointName> {
        self.endpoint(id).map(|endpoint| &endpoint.name)
    }

    /// Asserts what must hold between any two steps.
    pub fn invariants(&self) {
        self.breaker.invariants();
        self.budget.invariants();
        self.bulkhead.invariants();
        self.outliers.invariants();
        self.balancer.invariants();
        self.hedging.invariants();
        self.hold.invariants();
        self.gates.invariants();
        self.timeout.invariants();
        self.place_invariants();
        debug_assert!(self.endpoints.len() <= self.candidates.capacity(), "no room for a choice");
    }

    fn find(&self, name: &EndpointName) -> Option<EndpointId> {
        self.endpoints.iter().flatten().find(|endpoint| endpoint.name == *name).map(|e| e.id)
    }

    fn endpoint(&self, id: EndpointId) -> Option<&Endpoint> {
        let endpoint = self.endpoints.get(id.slot.index())?.as_ref()?;
        (endpoint.id == id).then_some(endpoint)
    }

    fn endpoint_mut(&mut self, id: EndpointId) -> Option<&mut Endpoint> {
        let endpoint = self.endpoints.get_mut(id.slot.index())?.as_mut()?;
        (endpoint.id == id).then_some(endpoint)
    }

    fn join(
        &mut self,
        name: &EndpointName,
        joins: Joins,
        now: Instant,
        rng: &mut impl Rng,
    ) -> EndpointId {
        let slot = self.free_slot();
        let generation = self.next_generation(slot);
        let id = EndpointId { slot, generation };
        let endpoint = Endpoint::new(id, name.clone(), &self.settings, phase(rng));
        if let Some(place) = self.endpoints.get_mut(slot.index()) {
            *place = Some(endpoint);
        }
        self.balancer.insert(slot, now, joins);
        if joins == Joins::Cold {
            self.newcomers.push(id);
        }
        self.outliers.insert(slot, now);
        self.hold.forget(slot);
        self.restore(name, slot, now);
        id
    }

    /// Gives back what is remembered of an endpoint that was removed a short time ago.
    fn restore(&mut self, name: &EndpointName, slot: Slot, now: Instant) {
        self.remembered.retain(|entry| now.since(entry.at) < MEMORY);
        let Some(place) = self.remembered.iter().position(|entry| entry.name == *name) else {
            return;
        };
        let entry = self.remembered.swap_remove(place);
        self.outliers.restore(slot, entry.history, now);
    }

    fn free_slot(&mut self) -> Slot {
        let free = self.endpoints.iter().position(Option::is_none);
        let index = free.unwrap_or(self.endpoints.len());
        if free.is_none() {
            self.endpoints.push(None);
            self.generations.push(0);
            self.candidates.clear();
            self.candidates.reserve(self.endpoints.len());
            self.members.clear();
            self.members.reserve(self.endpoints.len());
            self.used.clear();
            self.used.reserve(self.endpoints.len());
        }
        Slot::new(small(index))
    }

    fn next_generation(&mut self, slot: Slot) -> u32 {
        let Some(generation) = self.generations.get_mut(slot.index()) else { return 0 };
        *generation = generation.wrapping_add(1);
        *generation
    }

    /// Forgets drained endpoints without a running attempt, keeping their history for a while.
    fn collect_drained(&mut self, now: Instant) {
        for place in &mut self.endpoints {
            let gone = place
                .as_ref()
                .is_some_and(|e| e.leaving == Some(Leaving::Removed) && e.active == 0);
            let Some(endpoint) = place.take_if(|_| gone) else { continue };
            self.balancer.remove(endpoint.id.slot);
            let history = self.outliers.remove(endpoint.id.slot, now);
            let entry = Remembered { name: endpoint.name, at: now, history };
            remember(&mut self.remembered, entry);
        }
    }
}

/// Whether an endpoint is being drained.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Draining {
    /// It takes no new attempts.
    Yes,
    /// It does.
    No,
}

/// Keeps the history of a removed endpoint, if it has one; the oldest makes room.
fn remember(remembered: &mut Vec<Remembered>, entry: Remembered) {
    if entry.history == outlier::Remembered::default() {
        return;
    }
    if remembered.len() >= ENDPOINTS_MAX {
        let oldest = (0..).zip(&*remembered).min_by_key(|(_, known)| known.at).map(|(at, _)| at);
        oldest.map(|at: usize| remembered.swap_remove(at));
    }
    remembered.push(entry);
}

/// A phase for a window: anywhere in the first hour, far beyond any window's width.
fn phase(rng: &mut impl Rng) -> Instant {
    Instant::from_nanos(rng.below(3_600_000_000_000))
}

impl From<&str> for EndpointName {
    fn from(name: &str) -> Self {
        Self::new(Box::from(name))
    }
}
