//! Gateways: they drive the call machine as the real one does, and decide nothing.

use std::collections::HashMap;

use fnv::FnvBuildHasher;
use seawall_core::bulkhead::Waiter;
use seawall_core::call::{Action, AttemptPlan, Call, Context, Facts, Replay, Rung, Step, Verdict};
use seawall_core::event::Sink;
use seawall_core::health::Check;
use seawall_core::outcome::{ConnectFailure, Connection, Observation, Sent};
use seawall_core::rng::{Rng, Stream};
use seawall_core::shed::Class;
use seawall_core::time::{Duration, Instant};
use seawall_core::upstream::{self, EndpointName, Upstream};

use super::call::Burden;
use super::event::{Answer, Asker, Event};
use super::job::Job;
use super::slab::Key;
use super::traced::Body;
use super::{GatewayState, World, number};
use crate::agenda::Limit;
use crate::chance::Seed;
use crate::plan::{Cancel, Gateway, GatewayId, Network, Plan, Protected, RouteId, ServiceId};

/// An upstream of one instance of a gateway.
#[derive(Debug)]
pub(super) struct ProtectedState {
    pub(super) upstream: Upstream,
    pub(super) chance: Stream,
    pub(super) gateway: usize,
    /// Its place in the plan of the gateway.
    pub(super) place: usize,
    instance: u32,
    pub(super) service: ServiceId,
    pub(super) network: Network,
    cancel: Cancel,
    pub(super) checks: Option<(Duration, Duration)>,
    pub(super) endpoints: Vec<seawall_core::endpoint::EndpointId>,
    /// When the check of each endpoint that is under way must be answered.
    pending: Vec<Option<Instant>>,
    /// Looked up only, so its order is of no account.
    waiters: HashMap<Waiter, Key, FnvBuildHasher>,
    /// What the machine reported in the latest steps.
    pub(super) notes: Notes,
}

/// A call that a gateway makes for somebody.
#[derive(Debug)]
pub(super) struct Guarded {
    asker: Asker,
    pub(super) protected: u32,
    route: u32,
    burden: Burden,
    /// Nobody waits for it any longer.
    pub(super) gone: bool,
    /// The timer that is entered for it.
    armed: Instant,
    limit: Option<Limit>,
    /// The latest attempt that runs, and the others.
    latest: Option<(u32, Key)>,
    others: Vec<(u32, Key)>,
    /// Where it waits for a permit, or for the end of an outage.
    waiter: Option<Waiter>,
    /// What the latest head said.
    pub(super) heard: Answer,
    /// The body that belongs to it, where that was recorded.
    pub(super) body: Option<Box<Body>>,
    entered: Instant,
}

impl Guarded {
    pub(super) fn new(asker: Asker, protected: u32, route: RouteId, burden: Burden) -> Self {
        Self {
            asker,
            protected,
            route: number(route.0),
            burden,
            gone: false,
            armed: Instant::NEVER,
            limit: None,
            latest: None,
            others: Vec::new(),
            waiter: None,
            heard: Answer::Error,
            body: None,
            entered: Instant::NEVER,
        }
    }

    /// Whether an attempt is under way.
    const fn has_running(&self) -> bool {
        self.latest.is_some() || !self.others.is_empty()
    }

    pub(super) fn take_job(&mut self, number: u32) -> Option<Key> {
        if let Some((_, job)) = self.latest.take_if(|(latest, _)| *latest == number) {
            return Some(job);
        }
        let place = self.others.iter().position(|(other, _)| *other == number)?;
        Some(self.others.swap_remove(place).1)
    }
}

/// Takes what a machine reports. Trails of single calls are not kept.
#[derive(Debug, Default)]
pub(super) struct Notes(Vec<upstream::Event>);

impl Sink<upstream::Event> for Notes {
    fn emit(&mut self, event: upstream::Event) {
        self.0.push(event);
    }
}

impl Sink<Step> for Notes {
    fn emit(&mut self, _: Step) {}
}

pub(super) type Ctx<'a> = Context<'a, Stream, Notes>;

/// The upstreams of all instances of all gateways.
pub(super) fn build(plan: &Plan, seed: Seed) -> (Vec<ProtectedState>, Vec<GatewayState>) {
    let (mut protected, mut gateways) = (Vec::new(), Vec::new());
    for (index, gateway) in plan.gateways.iter().enumerate() {
        let chance = seed.stream(&format!("gateway {}", gateway.name));
        gateways.push(GatewayState { first: protected.len(), chance });
        for instance in 0..gateway.instances.max(1) {
            for (place, upstream) in gateway.upstreams.iter().enumerate() {
                let name = format!("{} {instance} {}", gateway.name, upstream.name);
                let replicas = plan.services.get(upstream.service.0).map_or(0, |s| s.replicas);
                let chance = seed.stream(&name);
                protected.push(protect(upstream, replicas, chance, (index, place, instance)));
            }
        }
    }
    (protected, gateways)
}

fn protect(
    settings: &Protected,
    replicas: u32,
    mut chance: Stream,
    (gateway, place, instance): (usize, usize, u32),
) -> ProtectedState {
    let start = Instant::EPOCH;
    let mut upstream = Upstream::new(settings.settings, start, &mut chance);
    upstream.set_overrides(settings.overrides.clone());
    let described: Vec<_> = (0..replicas)
        .map(|replica| {
            let name = EndpointName::new(format!("{}#{replica}", settings.name).into());
            (name, settings.endpoints.get(replica as usize).copied().unwrap_or_default())
        })
        .collect();
    let placed = upstream.set_described(&described, start, &mut chance);
    ProtectedState {
        upstream,
        chance,
        gateway,
        place,
        instance,
        service: settings.service,
        network: settings.network.clone(),
        cancel: settings.cancel,
        checks: settings.checks,
        pending: vec![None; placed.len()],
        endpoints: placed.into_iter().map(|(_, id)| id).collect(),
        waiters: HashMap::default(),
        notes: Notes::default(),
    }
}

impl World {
    /// The upstream behind a route, in any instance of its gateway.
    pub(super) fn instance_of(&mut self, gateway: GatewayId, route: RouteId) -> u32 {
        let settings = self.plan.gateways.get(gateway.0);
        let state = self.gateways.get_mut(gateway.0);
        let (Some(settings), Some(state)) = (settings, state) else { return 0 };
        let place = settings.routes.get(route.0).map_or(0, |route| route.upstream);
        let instance = match settings.instances {
            0 | 1 => 0,
            many => usize::try_from(state.chance.below(u64::from(many))).unwrap_or_default(),
        };
        number(state.first + instance * settings.upstreams.len() + place)
    }

    fn gateway_of(&self, guarded: &Guarded) -> Option<&Gateway> {
        let protected = self.protected.get(guarded.protected as usize)?;
        self.plan.gateways.get(protected.gateway)
    }

    /// A request arrives at its gateway.
    pub(super) fn enter(&mut self, key: Key) {
        let Some(guarded) = self.guarded.find(key) else { return };
        let route = self.gateway_of(guarded).and_then(|g| g.routes.get(guarded.route as usize));
        let (Some(route), Some(load)) = (route, self.plan.loads.get(guarded.burden.load as usize))
        else {
            return;
        };
        let own = load.priority;
        let priority = if own.class() == Class::Normal { route.priority.into() } else { own };
        let told = load.deadline.map(|_| guarded.burden.deadline.since(self.now));
        let recorded = self.recorded_facts(&guarded.burden, route.priority);
        let facts = recorded.unwrap_or_else(|| Facts {
            remaining: told,
            affinity: guarded.burden.key,
            priority,
            cost: load.cost,
            ..Facts::of(load.safety)
        });
        let settings = route.settings;
        let Some(guarded) = self.guarded.find_mut(key) else { return };
        guarded.entered = self.now;
        if self.machines.len() <= key.place() {
            self.machines.resize_with(key.place() + 1, || None);
        }
        if let Some(machine) = self.machines.get_mut(key.place()) {
            // The call that had the place before is over.
            *machine = None;
            Call::place(machine, &settings, facts);
        }
        self.drive(key, Call::begin);
    }

    /// Gives an input to the machine of a call, and does what it says until there is nothing to do
    /// at this time; then serves those whom that helped.
    pub(super) fn drive(
        &mut self,
        key: Key,
        input: impl FnOnce(&mut Call, &mut Ctx<'_>) -> Action,
    ) {
        let Some(place) = self.guarded.find(key).map(|guarded| guarded.protected) else { return };
        if let Some(action) = self.put_at(place, key, input) {
            self.act(key, action);
        }
        let Some(state) = self.protected.get(place as usize) else { return };
        if !state.upstream.is_unattended() {
            self.grant(place);
            self.report(place);
        } else if !state.notes.0.is_empty() {
            self.report(place);
        }
    }

    /// Serves those whom a step has helped to a permit.
    #[cold]
    fn grant(&mut self, place: u32) {
        while let Some(waiter) = self.next_grant(place) {
            let state = self.protected.get_mut(place as usize);
            let Some(key) = state.and_then(|state| state.waiters.remove(&waiter)) else { continue };
            if let Some(action) = self.put(key, Call::granted) {
                self.act(key, action);
            }
        }
    }

    #[inline]
    fn put(
        &mut self,
        key: Key,
        input: impl FnOnce(&mut Call, &mut Ctx<'_>) -> Action,
    ) -> Option<Action> {
        let place = self.guarded.find(key)?.protected;
        self.put_at(place, key, input)
    }

    /// The same where the upstream of a call that is under way is known.
    #[inline]
    fn put_at(
        &mut self,
        place: u32,
        key: Key,
        input: impl FnOnce(&mut Call, &mut Ctx<'_>) -> Action,
    ) -> Option<Action> {
        let state = self.protected.get_mut(place as usize)?;
        let mut ctx = Context {
            now: self.now,
            upstream: &mut state.upstream,
            rng: &mut state.chance,
            sink: &mut state.notes,
        };
        let machine = self.machines.get_mut(key.place())?;
        Some(input(machine.as_mut()?, &mut ctx))
    }

    fn next_grant(&mut self, place: u32) -> Option<Waiter> {
        let state = self.protected.get_mut(place as usize)?;
        state.upstream.next_grant(self.now, &mut state.notes)
    }

    /// Passes on what a machine reported.
    pub(super) fn report(&mut self, place: u32) {
        let Some(state) = self.protected.get_mut(place as usize) else { return };
        for event in state.notes.0.drain(..) {
            let at = (state.gateway, state.place, state.instance);
            self.observer.happened(at, event);
        }
    }

    fn act(&mut self, key: Key, mut action: Action) {
        self.unlist(key);
        loop {
            let next = match action {
                Action::Attempt(plan) => {
                    self.send(key, plan);
                    break;
                }
                Action::Enqueue(waiter) => {
                    self.list(key, waiter);
                    break;
                }
                Action::Wait => break,
                Action::Abandon(number) => {
                    self.forsake_number(key, number);
                    let seen = Observation::TimedOut { sent: Sent::Yes };
                    self.put(key, |call, ctx| call.ended(number, seen, Replay::Possible, ctx))
                }
                Action::Deliver(number) => {
                    self.forsake_running(key);
                    if self.body_flows(key, number) {
                        break;
                    }
                    let seen = Observation::Completed;
                    self.put(key, |call, ctx| call.ended(number, seen, Replay::Possible, ctx))
                }
                Action::FallBack { .. } => {
                    self.put(key, |call, ctx| call.rung_done(Rung::Served, ctx))
                }
                Action::Finish(verdict) => return self.conclude(key, verdict),
            };
            match next {
                Some(next) => action = next,
                None => return,
            }
        }
        self.arm(key);
    }

    /// Notes whom a waiter stands for.
    fn list(&mut self, key: Key, waiter: Waiter) {
        let Some(guarded) = self.guarded.find_mut(key) else { return };
        guarded.waiter = Some(waiter);
        if let Some(state) = self.protected.get_mut(guarded.protected as usize) {
            state.waiters.insert(waiter, key);
        }
    }

    /// Forgets it.
    fn unlist(&mut self, key: Key) {
        let Some(guarded) = self.guarded.find_mut(key) else { return };
        let Some(waiter) = guarded.waiter.take() else { return };
        if let Some(state) = self.protected.get_mut(guarded.protected as usize) {
            state.waiters.remove(&waiter);
        }
    }

    /// Enters a timer for a call, unless one is entered that comes no later.
    fn arm(&mut self, key: Key) {
        let Some(guarded) = self.guarded.find_mut(key) else { return };
        let machine = self.machines.get(key.place()).and_then(Option::as_ref);
        let due = machine.and_then(Call::next_deadline);
        let Some(due) = due.filter(|due| *due < guarded.armed) else { return };
        let limit = self.agenda.enter_in_turn(due, Event::Timer { guarded: key });
        let before = std::mem::replace(&mut guarded.limit, limit);
        guarded.armed = due;
        self.take_back(before);
    }

    /// Makes an attempt.
    fn send(&mut self, key: Key, plan: AttemptPlan) {
        let Some(guarded) = self.guarded.find_mut(key) else { return };
        let Some(state) = self.protected.get_mut(guarded.protected as usize) else { return };
        let first = self.services.get(state.service.0).map_or(0, |service| service.first);
        let station = number(first + plan.endpoint.slot.index());
        let asker = Asker::Gateway { guarded: key, number: plan.number };
        let burden = Burden { deadline: plan.deadline, ..guarded.burden };
        let job = self.jobs.insert(Job::new(asker, (state.service, station), burden));
        if let Some(before) = guarded.latest.replace((plan.number, job)) {
            guarded.others.push(before);
        }
        let leg = state.network.there.draw(&mut self.network);
        let at = (state.gateway, state.place);
        self.observer.sent(at, plan.role, (burden.load, guarded.entered, self.now));
        self.agenda.enter(self.now.after(leg), Event::Reach { job });
    }

    /// An answer has come back to a gateway.
    pub(super) fn heard(&mut self, key: Key, number: u32, answer: Answer) {
        let Some(guarded) = self.guarded.find_mut(key) else { return };
        if guarded.take_job(number).is_none() {
            return;
        }
        let place = guarded.protected as usize;
        let service = || self.plan.services.get(self.protected.get(place)?.service.0);
        let head = |code| Observation::Status { code, retry_after: None, exhausted: false };
        let seen = match answer {
            Answer::Good | Answer::Substitute => head(200),
            Answer::Error => head(service().map_or(503, |service| service.error_status)),
            Answer::Refused => head(service().map_or(503, |service| service.refusal_status)),
            Answer::Lost => Observation::Lost { connection: Connection::Fresh, sent: Sent::Maybe },
            Answer::Unreachable => Observation::ConnectFailed(ConnectFailure::Refused),
        };
        let (possible, is_head) = (Replay::Possible, matches!(seen, Observation::Status { .. }));
        if is_head {
            guarded.heard = answer;
        }
        match (is_head, guarded.body.is_some()) {
            // Where no body was recorded, head and body are one.
            (true, false) => {
                self.drive(key, |call, ctx| call.answered(number, seen, possible, ctx));
            }
            (true, true) => self.drive(key, |call, ctx| call.head(number, seen, possible, ctx)),
            (false, _) => self.drive(key, |call, ctx| call.ended(number, seen, possible, ctx)),
        }
    }

    /// A call asked to be woken.
    pub(super) fn wake(&mut self, key: Key) {
        let Some(guarded) = self.guarded.find_mut(key) else { return };
        (guarded.armed, guarded.limit) = (Instant::NEVER, None);
        self.drive(key, |call, ctx| call.timer(Replay::Possible, ctx));
    }

    /// A gateway learns that nobody waits for a call any longer.
    pub(super) fn leave(&mut self, key: Key) {
        let Some(place) = self.guarded.find(key).map(|guarded| guarded.protected) else { return };
        self.put(key, |call, ctx| {
            call.cancelled(ctx);
            Action::Wait
        });
        self.unlist(key);
        self.forsake_running(key);
        let limit = self.guarded.remove(key).and_then(|guarded| guarded.limit);
        self.take_back(limit);
        // What it held may serve another.
        while let Some(waiter) = self.next_grant(place) {
            let state = self.protected.get_mut(place as usize);
            let Some(key) = state.and_then(|state| state.waiters.remove(&waiter)) else { continue };
            self.drive(key, Call::granted);
        }
        self.report(place);
    }

    /// A call is over.
    fn conclude(&mut self, key: Key, verdict: Verdict) {
        let Some(guarded) = self.guarded.find(key) else { return };
        let Guarded { asker, protected, burden, gone, heard, entered, limit, .. } = *guarded;
        if guarded.has_running() {
            self.forsake_all(key);
        }
        self.guarded.drop_at(key);
        self.take_back(limit);
        let answer = match verdict {
            Verdict::Answered { .. } => heard,
            Verdict::FellBack { .. } => Answer::Substitute,
            Verdict::Rejected { .. } => Answer::Refused,
            Verdict::Failed { .. } | Verdict::Truncated { .. } | Verdict::Cancelled => {
                Answer::Error
            }
        };
        if let Some(state) = self.protected.get(protected as usize) {
            let at = (state.gateway, state.place);
            self.observer.concluded(at, (burden.load, entered, self.now), verdict);
        }
        if gone {
            return;
        }
        let Asker::Caller { call, .. } = asker else { return };
        let caller = self.calls.find(call).map(|calling| calling.caller as usize);
        let settings = caller.and_then(|caller| self.callers.get(caller)).map(|c| &c.settings);
        let leg = settings.map_or(Duration::ZERO, |s| s.network.back.draw(&mut self.network));
        self.after(leg, Event::Reply { asker, answer });
    }

    fn forsake_number(&mut self, key: Key, number: u32) {
        let Some(guarded) = self.guarded.find_mut(key) else { return };
        let place = guarded.protected;
        if let Some(job) = guarded.take_job(number) {
            self.forsake_at(place, job);
        }
    }

    #[inline]
    fn forsake_running(&mut self, key: Key) {
        if self.guarded.find(key).is_some_and(Guarded::has_running) {
            self.forsake_all(key);
        }
    }

    fn forsake_all(&mut self, key: Key) {
        let Some(guarded) = self.guarded.find_mut(key) else { return };
        let place = guarded.protected;
        let (latest, others) = (guarded.latest.take(), std::mem::take(&mut guarded.others));
        for (_, job) in latest.into_iter().chain(others) {
            self.forsake_at(place, job);
        }
    }

    fn forsake_at(&mut self, place: u32, job: Key) {
        let Some(state) = self.protected.get(place as usize) else { return };
        let told = match state.cancel {
            Cancel::Never => Instant::NEVER,
            Cancel::OnTimeout => self.now.after(state.network.there.draw(&mut self.network)),
        };
        self.forsake_job(job, told);
    }

    pub(super) fn begin_checks(&mut self) {
        for place in 0..self.protected.len() {
            self.begin_checks_of(place, Instant::EPOCH);
        }
    }

    /// A gateway checks an endpoint; the check before it has had its time.
    pub(super) fn check(&mut self, place: u32, endpoint: u32) {
        let Some(state) = self.protected.get_mut(place as usize) else { return };
        let Some((every, patience)) = state.checks else { return };
        let due = state.pending.get_mut(endpoint as usize).and_then(Option::take);
        if due.is_some_and(|due| self.now >= due) {
            self.judge(place, endpoint, Check::TimedOut);
        }
        let Some(state) = self.protected.get_mut(place as usize) else { return };
        let first = self.services.get(state.service.0).map_or(0, |service| service.first);
        let ills = self.stations.get(first + endpoint as usize).map(|station| station.ills);
        let silent = ills.is_some_and(|ills| ills.silent());
        let down = ills.is_some_and(|ills| ills.down());
        if silent {
            if let Some(pending) = state.pending.get_mut(endpoint as usize) {
                *pending = Some(self.now.after(patience));
            }
        } else {
            let there = state.network.there.draw(&mut self.network);
            let answer = if down { Answer::Unreachable } else { Answer::Good };
            let back = state.network.back.draw(&mut self.network);
            let asker = Asker::Check { protected: place, endpoint };
            self.after(there.saturating_add(back), Event::Reply { asker, answer });
        }
        self.after(every, Event::Check { protected: place, endpoint });
    }

    /// The answer to a check.
    pub(super) fn checked(&mut self, place: u32, endpoint: u32, answer: Answer) {
        let check = if answer == Answer::Good { Check::Passed } else { Check::Failed };
        self.judge(place, endpoint, check);
    }

    fn judge(&mut self, place: u32, endpoint: u32, check: Check) {
        let Some(state) = self.protected.get_mut(place as usize) else { return };
        let Some(id) = state.endpoints.get(endpoint as usize).copied() else { return };
        state.upstream.health_checked(id, check, self.now, &mut state.notes);
        self.report(place);
    }
}
