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
use seawall_core::call::{Action, Call as Machine, CallSettings, Context, Replay};
use seawall_core::endpoint::EndpointId;
use seawall_core::outcome::{Observation, Overrides};
use seawall_core::reason::Reason;
use seawall_core::rng::Stream;
use seawall_core::time::Instant;
use seawall_core::upstream::{self, EndpointName, Upstream};

use crate::attempt::Endpoint;
use crate::call::Options;
use crate::clock::Clock;
use crate::event::{Event, Listeners, Outbox, endpoint_of};
use crate::settings::{Plan, Resolved};

/// What a step of the machine draws on.
pub(crate) type Ctx<'a> = Context<'a, Stream, Outbox>;

/// The state behind all clones of a policy.
pub(crate) struct Shared {
    pub(crate) name: Option<Arc<str>>,
    pub(crate) clock: Clock,
    pub(crate) listeners: Listeners,
    locked: Mutex<Locked>,
}

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
    directory: Vec<(EndpointId, Endpoint)>,
    /// Calls that wait for a permit. The queue of the bulkhead bounds them.
    waiting: HashMap<Waiter, Waker>,
}

/// What one step came to.
#[derive(Debug)]
pub(crate) struct Turn {
    pub(crate) action: Action,
    /// The time of the step.
    pub(crate) now: Instant,
    /// Where, if an attempt is to be made at an endpoint.
    pub(crate) endpoint: Option<Endpoint>,
    /// What the budget held, if it is why the call ended.
    pub(crate) budget: Option<BudgetSnapshot>,
}

/// What a step leaves to do once the lock is released.
#[derive(Debug, Default)]
struct After {
    events: Vec<Event>,
    woken: Woken,
}

/// Wakers that are no longer needed. To be dropped without the lock: that may drop a task, and with
/// it another call of the same policy.
type Outlived = [Option<Waker>; 2];

/// Wakers of calls that own a permit now. One step hardly ever frees more than one.
///
/// Dropping wakes them: should one panic, the others are woken all the same.
#[derive(Debug, Default)]
struct Woken {
    first: Option<Waker>,
    more: Vec<Waker>,
}

impl Woken {
    fn push(&mut self, waker: Waker) {
        match &self.first {
            None => self.first = Some(waker),
            Some(_) => self.more.push(waker),
        }
    }
}

impl Drop for Woken {
    fn drop(&mut self) {
        let next = self.first.take().or_else(|| self.more.pop());
        if let Some(waker) = next {
            let _rest = Self { first: None, more: std::mem::take(&mut self.more) };
            waker.wake();
        }
    }
}

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
        if !listeners.is_empty() {
            outbox.open();
        }
        let (published, directory, waiting) = (0, Vec::new(), HashMap::new());
        let mut locked =
            Locked { upstream, plan, call, rng, outbox, published, directory, waiting };
        locked.place_endpoints(clock.now());
        Self { name, clock, listeners, locked: Mutex::new(locked) }
    }

    /// The machine. A panic of another holder does not stop traffic.
    pub(crate) fn lock(&self) -> MutexGuard<'_, Locked> {
        self.locked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins a call, in the place where its machine stays: a machine is large, and moving it
    /// about would cost as much as what it decides.
    pub(crate) fn start(
        &self,
        machine: &mut Option<Machine>,
        options: &Options,
        rungs: u8,
    ) -> Turn {
        let now = self.clock.now();
        let mut locked = self.lock();
        let settings = CallSettings { rungs, ..locked.call };
        let facts = options.facts(locked.plan.safety, now, &self.clock);
        let machine = machine.insert(Machine::new(settings, facts));
        let action = machine.begin(&mut locked.context(now));
        let turn = locked.turn(action, machine, now);
        self.release(locked, now, Outlived::default());
        turn
    }

    /// One step of a call. The answer of an attempt is whole when it arrives, so what the machine
    /// says to hand on has ended in the same moment, under the same lock.
    pub(crate) fn step(
        &self,
        machine: &mut Machine,
        place: &mut Place,
        act: impl FnOnce(&mut Machine, &mut Ctx<'_>) -> Action,
    ) -> Turn {
        let now = self.clock.now();
        let mut locked = self.lock();
        let mut ctx = locked.context(now);
        let mut action = act(machine, &mut ctx);
        if let Action::Deliver(number) = action {
            action = machine.ended(number, Observation::Completed, Replay::Possible, &mut ctx);
        }
        let outlived = locked.register(place, &action);
        let turn = locked.turn(action, machine, now);
        self.release(locked, now, outlived);
        turn
    }

    /// One step on behalf of nobody in particular.
    pub(crate) fn control<T>(&self, act: impl FnOnce(&mut Locked, Instant) -> T) -> T {
        let now = self.clock.now();
        let mut locked = self.lock();
        let result = act(&mut locked, now);
        self.release(locked, now, Outlived::default());
        result
    }

    /// Lets go of the lock, and then does what the step has left to do: mostly nothing.
    fn release(&self, mut locked: MutexGuard<'_, Locked>, now: Instant, outlived: Outlived) {
        if cfg!(debug_assertions) {
            locked.upstream.invariants();
        }
        let granted = locked.upstream.next_grant(now);
        if granted.is_none() && locked.outbox.is_empty() {
            drop(locked);
            drop(outlived);
            return;
        }
        let after = locked.after(self, granted, now);
        drop(locked);
        drop(outlived);
        self.follow(after);
    }

    /// A reader of the events from now on.
    pub(crate) fn subscribe(&self) -> crate::Events {
        let events = self.listeners.subscribe();
        self.lock().outbox.open();
        events
    }

    fn follow(&self, after: After) {
        drop(after.woken);
        for event in &after.events {
            self.listeners.publish(event);
        }
    }
}

/// Where a call waits for a permit, if it does, and whom to wake.
#[derive(Debug, Default)]
pub(crate) struct Place {
    waiter: Option<Waiter>,
    /// Cloned before the lock is taken: cloning may run anything.
    pub(crate) waker: Option<Waker>,
}

impl Locked {
    pub(crate) fn context(&mut self, now: Instant) -> Ctx<'_> {
        let Self { upstream, rng, outbox, .. } = self;
        Context { now, upstream, rng, sink: outbox }
    }

    /// Takes over another plan; what was learned stays.
    pub(crate) fn reconfigure(&mut self, plan: Plan, now: Instant) {
        let Resolved { call, upstream } = plan.resolve();
        self.upstream.reconfigure(upstream, now);
        self.call = call;
        self.plan = plan;
        self.place_endpoints(now);
    }

    /// Forces the breaker, or gives it back to its rules.
    pub(crate) fn force_breaker(&mut self, manual: seawall_core::breaker::Manual, now: Instant) {
        let Self { upstream, outbox, .. } = self;
        upstream.force_breaker(manual, now, outbox);
    }

    /// Tells the machine of the endpoints, if the policy has any, and how statuses are judged.
    fn place_endpoints(&mut self, now: Instant) {
        // A list that does not hold together has been refused with the plan.
        self.upstream.set_overrides(Overrides::new(&self.plan.overrides).unwrap_or_default());
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

    fn turn(&self, action: Action, machine: &Machine, now: Instant) -> Turn {
        let endpoint = match &action {
            Action::Attempt(plan) => self.find(plan.endpoint),
            _ => None,
        };
        let ended = matches!(action, Action::Finish(_));
        let budget = (ended && machine.denied() == Some(Reason::BudgetEmpty))
            .then(|| self.upstream.snapshot(now).budget);
        Turn { action, now, endpoint, budget }
    }

    fn find(&self, id: EndpointId) -> Option<Endpoint> {
        self.directory.iter().find(|(known, _)| *known == id).map(|(_, info)| info.clone())
    }

    /// Keeps the waker of a call that is told to wait for a permit, under the lock of the step
    /// that told it: no grant slips by. Returns the wakers that are no longer needed.
    fn register(&mut self, place: &mut Place, action: &Action) -> Outlived {
        let wanted = match action {
            Action::Enqueue(waiter) => Some(*waiter),
            _ => None,
        };
        let mut outlived = Outlived::default();
        if wanted.is_none() && place.waiter.is_none() {
            return outlived;
        }
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
            next = self.upstream.next_grant(now);
        }
        let reported = self.outbox.drain();
        after.events = reported.into_iter().map(|event| self.name(shared, event)).collect();
        after
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
