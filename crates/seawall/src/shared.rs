//! The state that all clones of a policy and all their calls share: one machine behind one lock.
//!
//! The lock is taken for single steps of a machine, never across an await, and no code of users
//! runs under it: wakers are called and dropped, and events published, after its release. A step
//! that panicked does not stop others: steps leave the machine whole.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;

use seawall_core::balance::EndpointInfo;
use seawall_core::budget::BudgetSnapshot;
use seawall_core::bulkhead::Waiter;
use seawall_core::call::{Action, Call as Machine, CallSettings, Context, Step, StepKind};
use seawall_core::endpoint::EndpointId;
use seawall_core::outlier::Agreement;
use seawall_core::reason::Reason;
use seawall_core::rng::{Rng as _, Stream};
use seawall_core::time::Instant;
use seawall_core::upstream::{self, EndpointName, Upstream};

use crate::attempt::Endpoint;
use crate::call::Options;
use crate::clock::Clock;
use crate::error::Spent;
use crate::event::{Decision, Event, Listeners, Outbox, endpoint_of};
use crate::mechanism::Woken;
use crate::settings::{Plan, Resolved};
use crate::step::{Input, Next, Place};

/// What a step of the machine draws on.
pub(crate) type Ctx<'a> = Context<'a, Stream, Outbox>;

/// The state behind all clones of a policy.
pub(crate) struct Shared {
    pub(crate) name: Option<Arc<str>>,
    pub(crate) clock: Clock,
    pub(crate) listeners: Listeners,
    locked: Apart<Mutex<Locked>>,
}

/// Keeps what every step writes off the cache lines of what every step only reads, the clock above
/// all: processors fetch lines of 64 bytes in pairs.
#[repr(align(128))]
struct Apart<T>(T);

/// The name alone: the rest would need the lock, and fill pages.
impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").field("name", &self.name).finish_non_exhaustive()
    }
}

/// What the lock protects.
pub(crate) struct Locked {
    pub(crate) upstream: Upstream,
    pub(crate) plan: Plan,
    call: CallSettings,
    rng: Stream,
    outbox: Outbox,
    published: u64,
    /// Calls that have begun.
    calls: u64,
    directory: Vec<(EndpointId, Endpoint)>,
    /// Calls that wait for a permit. The queue of the bulkhead bounds them.
    waiting: HashMap<Waiter, Waker>,
}

/// What a step leaves to do once the lock is released.
#[derive(Debug, Default)]
struct After {
    events: Vec<Event>,
    decisions: Vec<Decision>,
    woken: Woken,
}

/// Wakers that are no longer needed. To be dropped without the lock: that may drop a task, and with
/// it another call of the same policy.
type Outlived = [Option<Waker>; 2];

impl Shared {
    pub(crate) fn new(
        name: Option<Arc<str>>,
        plan: Plan,
        mut rng: Stream,
        listeners: Listeners,
        clock: Clock,
    ) -> Self {
        let Resolved { call, upstream } = plan.resolve();
        let upstream = Upstream::solo(upstream, clock.now(), &mut rng);
        let mut outbox = Outbox::default();
        if !listeners.events.is_empty() {
            outbox.open();
        }
        outbox.want_decisions(!listeners.decisions.is_empty());
        let (published, calls, directory, waiting) = (0, 0, Vec::new(), HashMap::new());
        let mut locked =
            Locked { upstream, plan, call, rng, outbox, published, calls, directory, waiting };
        locked.place_endpoints(clock.now());
        Self { name, clock, listeners, locked: Apart(Mutex::new(locked)) }
    }

    /// The machine. A panic of another holder does not stop traffic.
    pub(crate) fn lock(&self) -> MutexGuard<'_, Locked> {
        self.locked.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins a call, in the place where its machine stays: a machine is large, and moving it
    /// about would cost as much as what it decides.
    pub(crate) fn start(
        &self,
        machine: &mut Option<Machine>,
        place: &mut Place,
        options: &Options,
        rungs: u8,
    ) -> Next {
        let now = self.clock.now();
        let mut locked = self.lock();
        locked.calls += 1;
        place.call = locked.calls;
        locked.outbox.call = place.call;
        let facts = options.facts(&locked.plan, now, &self.clock);
        let machine = Machine::place(machine, &locked.call, facts);
        machine.set_rungs(rungs);
        let action = machine.begin(&mut locked.context(now));
        let next = locked.tell(place, &action, machine, now);
        self.release(locked, now);
        next
    }

    /// One step of a call.
    ///
    /// Takes no closure, which would have the machine compiled anew for every operation of users.
    pub(crate) fn step(&self, machine: &mut Machine, place: &mut Place, input: &Input) -> Next {
        let now = self.clock.now();
        let mut locked = self.lock();
        locked.outbox.call = place.call;
        let action = input.act(machine, &mut locked.context(now));
        let next = locked.tell(place, &action, machine, now);
        match action {
            Action::Enqueue(waiter) => self.keep_waker(locked, place, Some(waiter)),
            _ if place.waiter.is_some() => self.keep_waker(locked, place, None),
            _ => self.release(locked, now),
        }
        next
    }

    /// One step on behalf of nobody in particular.
    pub(crate) fn control<T>(&self, act: impl FnOnce(&mut Locked, Instant) -> T) -> T {
        let now = self.clock.now();
        let mut locked = self.lock();
        let result = act(&mut locked, now);
        self.release(locked, now);
        result
    }

    /// Lets go of the lock, and then does what the step has left to do: mostly nothing.
    #[inline]
    fn release(&self, locked: MutexGuard<'_, Locked>, now: Instant) {
        if cfg!(debug_assertions) {
            locked.upstream.invariants();
        }
        if !locked.upstream.is_unattended() || !locked.outbox.is_empty() {
            self.release_and_follow(locked, now);
        }
    }

    #[cold]
    fn release_and_follow(&self, mut locked: MutexGuard<'_, Locked>, now: Instant) {
        let granted = locked.next_grant(now);
        let after = locked.after(self, granted, now);
        drop(locked);
        self.follow(after);
    }

    /// Keeps the waker of a call that is told to wait for a permit, under the lock of the step
    /// that told it: no grant slips by. Wakers that are no longer needed are dropped after its
    /// release.
    #[cold]
    fn keep_waker(
        &self,
        mut locked: MutexGuard<'_, Locked>,
        place: &mut Place,
        wanted: Option<Waiter>,
    ) {
        let outlived = locked.move_place(place, wanted);
        self.release(locked, place.now);
        drop(outlived);
    }

    /// A reader of the events from now on.
    pub(crate) fn subscribe(&self) -> crate::Events {
        let events = self.listeners.events.subscribe();
        self.lock().outbox.open();
        events
    }

    /// A reader of the decisions for calls from now on.
    pub(crate) fn subscribe_decisions(&self) -> crate::Events<Decision> {
        let decisions = self.listeners.decisions.subscribe();
        self.lock().outbox.want_decisions(true);
        decisions
    }

    fn follow(&self, after: After) {
        drop(after.woken);
        for event in &after.events {
            self.listeners.events.publish(event);
        }
        for decision in &after.decisions {
            self.listeners.decisions.publish(decision);
        }
        if !after.decisions.is_empty() && self.listeners.decisions.is_empty() {
            // The last reader has gone: calls go unrecorded again. Asked once more under the lock,
            // under which a new reader would say that it is there.
            let mut locked = self.lock();
            let wanted = !self.listeners.decisions.is_empty();
            locked.outbox.want_decisions(wanted);
        }
    }
}

impl Locked {
    fn context(&mut self, now: Instant) -> Ctx<'_> {
        let Self { upstream, rng, outbox, .. } = self;
        Context { now, upstream, rng, sink: outbox }
    }

    fn next_grant(&mut self, now: Instant) -> Option<Waiter> {
        let Self { upstream, outbox, .. } = self;
        upstream.next_grant(now, outbox)
    }

    /// Takes over another plan; what was learned stays.
    pub(crate) fn reconfigure(&mut self, plan: Plan, now: Instant) {
        let Resolved { call, upstream } = plan.resolve();
        self.upstream.reconfigure(upstream, now, &mut self.outbox);
        self.call = call;
        self.plan = plan;
        self.place_endpoints(now);
    }

    /// Forces the breaker, or gives it back to its rules.
    pub(crate) fn force_breaker(&mut self, manual: seawall_core::breaker::Manual, now: Instant) {
        let Self { upstream, outbox, .. } = self;
        upstream.force_breaker(manual, now, outbox);
    }

    /// Different endpoints to ask the same of.
    pub(crate) fn replicas(&mut self, number: usize, now: Instant) -> Vec<EndpointId> {
        self.upstream.replicas(number, now, &mut self.rng)
    }

    /// Tells the outlier detector how an answer compared with others.
    pub(crate) fn compared(&mut self, id: EndpointId, agreement: Agreement, now: Instant) {
        let Self { upstream, rng, outbox, .. } = self;
        upstream.compared(id, agreement, (now, rng.draw()), outbox);
    }

    /// Tells the machine of the endpoints, if the policy has any, and how statuses are judged.
    fn place_endpoints(&mut self, now: Instant) {
        // A list that does not hold together has been refused with the plan.
        self.upstream.set_overrides(self.plan.overrides.clone().unwrap_or_default());
        let Some(endpoints) = &self.plan.endpoints else { return };
        let described = endpoints.iter().map(|endpoint| {
            let zone = endpoint.zone.as_ref().and_then(|zone| self.plan.zone(zone));
            let info = EndpointInfo { zone, ..endpoint.info };
            (EndpointName::from(&*endpoint.name), info)
        });
        let described: Vec<_> = described.collect();
        let placed = self.upstream.set_described(&described, now, &mut self.rng);
        let known = endpoints.iter().map(|endpoint| Arc::clone(&endpoint.name)).enumerate();
        let ids = placed.into_iter().map(|(_, id)| id);
        self.directory.clear();
        self.directory.extend(ids.zip(known.map(|(index, name)| Endpoint { name, index })));
    }

    /// Tells a call what a step came to.
    #[inline(always)]
    fn tell(&self, place: &mut Place, action: &Action, machine: &Machine, now: Instant) -> Next {
        match action {
            Action::Attempt(plan) if !self.directory.is_empty() => {
                place.endpoint = self.find(plan.endpoint);
            }
            Action::Finish(_) if machine.denied() == Some(Reason::BudgetEmpty) => {
                place.spent = Some(self.spent(now));
            }
            _ => {}
        }
        place.keep(action, now)
    }

    #[cold]
    fn spent(&self, now: Instant) -> Spent {
        let BudgetSnapshot { first, extra, .. } = self.upstream.budget(now);
        Spent { first, extra }
    }

    pub(crate) fn find(&self, id: EndpointId) -> Option<Endpoint> {
        self.directory.iter().find(|(known, _)| *known == id).map(|(_, info)| info.clone())
    }

    fn move_place(&mut self, place: &mut Place, wanted: Option<Waiter>) -> Outlived {
        let mut outlived = Outlived::default();
        if place.waiter != wanted
            && let Some(left) = place.waiter.take()
        {
            outlived[0] = self.waiting.remove(&left);
        }
        if let (Some(waiter), Some(waker)) = (wanted, place.waker.take()) {
            place.waiter = wanted;
            outlived[1] = self.waiting.insert(waiter, waker);
        }
        outlived
    }

    #[cold]
    fn after(&mut self, shared: &Shared, granted: Option<Waiter>, now: Instant) -> After {
        let mut after = After::default();
        let mut next = granted;
        while let Some(waiter) = next {
            // Without a waker it is on its way to ask by itself.
            if let Some(waker) = self.waiting.remove(&waiter) {
                after.woken.push(waker);
            }
            next = self.next_grant(now);
        }
        let reported = self.outbox.drain();
        after.events = reported.into_iter().map(|event| self.name(shared, event)).collect();
        let decided = self.outbox.drain_decisions();
        after.decisions = decided.into_iter().map(|step| self.name_step(shared, step)).collect();
        after
    }

    /// A decision in the words of users.
    fn name_step(&self, shared: &Shared, (call, step): (u64, Step)) -> Decision {
        let at = shared.clock.runtime_or_epoch(step.at);
        let endpoint = match step.kind {
            StepKind::Attempt { endpoint, .. } => self.find(endpoint),
            _ => None,
        };
        Decision { policy: shared.name.clone(), call, at, endpoint, what: step.kind }
    }

    /// An event in the words of users.
    fn name(&mut self, shared: &Shared, event: upstream::Event) -> Event {
        self.published += 1;
        let at = shared.clock.runtime_or_epoch(event.at);
        let endpoint = endpoint_of(event.scope).and_then(|id| self.find(id));
        let (policy, sequence, what) = (shared.name.clone(), self.published, event.what);
        Event { policy, sequence, at, endpoint, what }
    }
}
