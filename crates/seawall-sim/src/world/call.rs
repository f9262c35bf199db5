//! Callers with habits of their own: attempts, timeouts and retries of those who know nothing of
//! Seawall.

use std::collections::VecDeque;

use seawall_core::backoff::Backoff;
use seawall_core::rng::{Rng, Stream};
use seawall_core::time::Instant;

use super::event::{Answer, Asker, Event};
use super::guarded::Guarded;
use super::job::Job;
use super::slab::Key;
use super::station::Station;
use super::{World, number};
use crate::agenda::Limit;
use crate::chance::Seed;
use crate::observe::{End, Serial};
use crate::plan::{Caller, Cancel, Guard, Pick, ServiceId, Target};

/// All calls that are made in one way from one place.
#[derive(Debug)]
pub(super) struct CallerState {
    pub(super) settings: Caller,
    instances: Vec<Instance>,
    /// Whose turn it is among the replicas.
    turn: u32,
    chance: Stream,
}

/// What one process remembers.
#[derive(Clone, Debug, Default)]
struct Instance {
    /// Connections that attempts hold.
    busy: u32,
    /// Attempts that wait for one: the call and the number of the attempt.
    waiting: VecDeque<(Key, u32)>,
    tokens: f64,
    calls: u64,
    failures: u64,
}

impl CallerState {
    pub(super) fn new(settings: &Caller, name: &str, seed: Seed) -> Self {
        let begin = match settings.guard {
            Guard::Bucket { full, .. } => tokens(full),
            Guard::None | Guard::FailureShare(_) => 0.0,
        };
        let instance = Instance { tokens: begin, ..Instance::default() };
        Self {
            settings: settings.clone(),
            instances: vec![instance; settings.instances.max(1) as usize],
            turn: 0,
            chance: seed.stream(name),
        }
    }

    /// An instance for a call that belongs to nobody in particular.
    pub(super) fn any_instance(&mut self) -> u32 {
        let instances = self.instances.len();
        if instances == 1 { 0 } else { below(&mut self.chance, instances) }
    }

    /// Users and replicas beyond the number of instances share them.
    fn instance(&mut self, instance: u32) -> Option<&mut Instance> {
        match self.instances.as_mut_slice() {
            [only] => Some(only),
            all => all.get_mut(instance as usize % all.len().max(1)),
        }
    }

    fn begin(&mut self, instance: u32) {
        let guard = self.settings.guard;
        let Some(instance) = self.instance(instance) else { return };
        instance.calls += 1;
        if let Guard::Bucket { full, gain, .. } = guard {
            instance.tokens = (instance.tokens + tokens(gain)).min(tokens(full));
        }
    }

    /// Notes a failed attempt, and says whether another may follow.
    fn may_retry(&mut self, instance: u32, attempt: u32) -> bool {
        let (guard, attempts) = (self.settings.guard, self.settings.attempts);
        let Some(instance) = self.instance(instance) else { return false };
        instance.failures += 1;
        if attempt >= attempts {
            return false;
        }
        match guard {
            Guard::None => true,
            Guard::Bucket { above, .. } => {
                let pays = instance.tokens > tokens(above);
                instance.tokens -= if pays { 1.0 } else { 0.0 };
                pays
            }
            Guard::FailureShare(share) => {
                instance.failures * 1000 <= u64::from(share) * instance.calls
            }
        }
    }
}

/// Thousandths of tokens, as tokens.
fn tokens(thousandths: u32) -> f64 {
    f64::from(thousandths) / 1e3
}

/// What an attempt gets of the connections of its process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Turn {
    Now,
    Later,
    Never,
}

impl CallerState {
    /// Takes a connection for an attempt, or a place in the queue for one.
    fn connect(&mut self, instance: u32, attempt: (Key, u32)) -> Turn {
        let Some(pool) = self.settings.pool else { return Turn::Now };
        let Some(instance) = self.instance(instance) else { return Turn::Never };
        if instance.busy < pool.connections {
            instance.busy += 1;
            return Turn::Now;
        }
        if instance.waiting.len() >= pool.queue {
            return Turn::Never;
        }
        instance.waiting.push_back(attempt);
        Turn::Later
    }

    /// Gives a connection back; the attempt that waited longest for it, which may be over.
    fn disconnect(&mut self, instance: u32) -> Option<(Key, u32)> {
        self.settings.pool?;
        let instance = self.instance(instance)?;
        let next = instance.waiting.pop_front();
        if next.is_none() {
            instance.busy = instance.busy.saturating_sub(1);
        }
        next
    }
}

/// One of so many, as a place in a list.
fn below(rng: &mut impl Rng, bound: usize) -> u32 {
    let bound = u64::try_from(bound).unwrap_or(u64::MAX);
    u32::try_from(rng.below(bound)).unwrap_or(u32::MAX)
}

/// What a request carries along the whole way.
#[derive(Clone, Copy, Debug)]
pub(super) struct Burden {
    /// The load that it comes from.
    pub(super) load: u32,
    /// Its key, if the load has any.
    pub(super) key: Option<u64>,
    /// By when it must have been answered, as far as it is told.
    pub(super) deadline: Instant,
    /// Its place among the recorded calls of its load, if it was recorded.
    pub(super) told: Option<u32>,
    /// What tells an unsafe call, as far as the service that the load calls.
    pub(super) serial: Serial,
}

/// A call that is under way.
#[derive(Debug)]
pub(super) struct Calling {
    pub(super) owner: Owner,
    pub(super) caller: u32,
    instance: u32,
    pub(super) burden: Burden,
    pub(super) started: Instant,
    attempt: u32,
    /// By when the attempt must have been answered.
    until: Instant,
    limit: Option<Limit>,
    backoff: Backoff,
    under_way: Option<UnderWay>,
}

/// Who a call belongs to.
#[derive(Clone, Copy, Debug)]
pub(super) enum Owner {
    /// A load.
    Load,
    /// A user.
    User(Key),
    /// A job, which cannot go on without.
    Job { job: Key, branch: u32 },
}

/// What an attempt has become on the other side.
#[derive(Clone, Copy, Debug)]
pub(super) enum UnderWay {
    /// Nothing yet: it waits for a connection.
    Waiting,
    Job(Key),
    Guarded(Key),
}

impl World {
    /// Begins a call.
    pub(super) fn call(
        &mut self,
        (owner, caller, instance): (Owner, u32, u32),
        burden: Burden,
    ) -> Option<Key> {
        self.callers.get_mut(caller as usize)?.begin(instance);
        let call = self.calls.insert(Calling {
            owner,
            caller,
            instance,
            burden,
            started: self.now,
            attempt: 0,
            until: burden.deadline,
            limit: None,
            backoff: Backoff::new(),
            under_way: None,
        });
        self.attempt(call);
        Some(call)
    }

    /// Makes the next attempt of a call.
    pub(super) fn attempt(&mut self, key: Key) {
        let calling = self.calls.find(key);
        let patience = calling.and_then(|calling| self.recorded_patience(&calling.burden));
        let Some(calling) = self.calls.find_mut(key) else { return };
        let Some(caller) = self.callers.get_mut(calling.caller as usize) else { return };
        calling.attempt += 1;
        let attempt = calling.attempt;
        let load = calling.burden.load;
        let own = !matches!(calling.owner, Owner::Job { .. });
        calling.until = calling.burden.deadline;
        if let Some(timeout) = patience.or(caller.settings.timeout) {
            let at = self.now.after(timeout);
            calling.until = calling.until.min(at);
            // That of the attempt before was taken back when it ended.
            calling.limit = self.agenda.enter_in_turn(at, Event::Timeout { call: key, attempt });
        }
        // What a service asks of others is told by the arrivals there.
        if own {
            self.observer.attempted(load, self.now);
        }
        match caller.connect(calling.instance, (key, attempt)) {
            Turn::Now => self.send_attempt(key),
            Turn::Later => calling.under_way = Some(UnderWay::Waiting),
            Turn::Never => {
                let limit = calling.limit.take();
                self.take_back(limit);
                self.failed(key, End::Refused);
            }
        }
    }

    /// An attempt has a connection and sets out.
    fn send_attempt(&mut self, key: Key) {
        let Some(calling) = self.calls.find_mut(key) else { return };
        let Some(caller) = self.callers.get_mut(calling.caller as usize) else { return };
        let asker = Asker::Caller { call: key, attempt: calling.attempt };
        let burden = Burden { deadline: calling.until, ..calling.burden };
        let (target, pick) = (caller.settings.target, caller.settings.pick);
        let leg = caller.settings.network.there.draw(&mut self.network);
        caller.turn = caller.turn.wrapping_add(1);
        let turn = caller.turn;
        let at = self.now.after(leg);
        let under_way = match target {
            Target::Service(service) => {
                let replica = self.pick(service, pick, turn);
                let job = self.jobs.insert(Job::new(asker, (service, replica), burden));
                self.agenda.enter(at, Event::Reach { job });
                UnderWay::Job(job)
            }
            Target::Route(gateway, route) => {
                let protected = self.instance_of(gateway, route);
                let guarded = self.guarded.insert(Guarded::new(asker, protected, route, burden));
                self.agenda.enter(at, Event::Enter { guarded });
                UnderWay::Guarded(guarded)
            }
        };
        if let Some(calling) = self.calls.find_mut(key) {
            calling.under_way = Some(under_way);
        }
    }

    /// An attempt gives its connection back, and the next that waits for it sets out.
    fn free(&mut self, (caller, instance): (u32, u32), under_way: UnderWay) {
        if matches!(under_way, UnderWay::Waiting) {
            return;
        }
        loop {
            let Some(caller) = self.callers.get_mut(caller as usize) else { return };
            let Some((next, attempt)) = caller.disconnect(instance) else { return };
            let calling = self.calls.find(next).filter(|calling| calling.attempt == attempt);
            let waits = |calling: &Calling| matches!(calling.under_way, Some(UnderWay::Waiting));
            if calling.is_some_and(waits) {
                return self.send_attempt(next);
            }
        }
    }

    /// A replica of a service, as a place among all.
    fn pick(&mut self, service: ServiceId, pick: Pick, turn: u32) -> u32 {
        let Some(state) = self.services.get_mut(service.0) else { return 0 };
        let replicas = self.plan.services.get(service.0).map_or(1, |service| service.replicas);
        let offset = match pick {
            _ if replicas == 1 => 0,
            Pick::Random => below(&mut state.chance, replicas as usize),
            Pick::RoundRobin => turn % replicas.max(1),
            Pick::LeastLoaded => {
                let all = state.first..state.first + replicas as usize;
                let stations = self.stations.get(all).unwrap_or_default();
                let least = (0..).zip(stations).min_by_key(|(_, station)| station.crowd());
                least.map_or(0, |(offset, _)| offset)
            }
            Pick::ShorterOfTwo => {
                let draws = [(); 2].map(|()| below(&mut state.chance, replicas as usize));
                let crowd = |draw: &u32| {
                    self.stations.get(state.first + *draw as usize).map_or(0, Station::crowd)
                };
                draws.into_iter().min_by_key(crowd).unwrap_or(0)
            }
        };
        number(state.first) + offset
    }

    /// An answer has come back to a caller.
    pub(super) fn answered(&mut self, key: Key, attempt: u32, answer: Answer) {
        let Some(calling) = self.calls.find_mut(key) else { return };
        if calling.attempt != attempt {
            return;
        }
        let Some(under_way) = calling.under_way.take() else { return };
        let (whose, limit) = ((calling.caller, calling.instance), calling.limit.take());
        self.take_back(limit);
        self.free(whose, under_way);
        match answer {
            Answer::Good | Answer::Substitute => self.end_call(key, End::of(answer)),
            Answer::Error | Answer::Refused | Answer::Lost | Answer::Unreachable => {
                self.failed(key, End::of(answer));
            }
        }
    }

    /// An attempt has taken too long.
    pub(super) fn timed_out(&mut self, key: Key, attempt: u32) {
        let Some(calling) = self.calls.find_mut(key) else { return };
        if calling.attempt != attempt {
            return;
        }
        let Some(under_way) = calling.under_way.take() else { return };
        calling.limit = None;
        let (caller, instance) = (calling.caller, calling.instance);
        self.forsake_attempt(caller, under_way);
        self.free((caller, instance), under_way);
        self.failed(key, End::TimedOut);
    }

    /// Nobody waits for an attempt any longer.
    fn forsake_attempt(&mut self, caller: u32, under_way: UnderWay) {
        let Some(caller) = self.callers.get(caller as usize) else { return };
        let told = match caller.settings.cancel {
            Cancel::Never => None,
            Cancel::OnTimeout => Some(caller.settings.network.there.draw(&mut self.network)),
        };
        let at = told.map_or(Instant::NEVER, |leg| self.now.after(leg));
        match under_way {
            UnderWay::Waiting => {}
            UnderWay::Job(job) => self.forsake_job(job, at),
            UnderWay::Guarded(guarded) => {
                if let Some(guarded) = self.guarded.find_mut(guarded) {
                    guarded.gone = true;
                }
                self.agenda.enter(at, Event::Leave { guarded });
            }
        }
    }

    /// Nobody waits for a call any longer.
    pub(super) fn forsake_call(&mut self, key: Key) {
        let Some(calling) = self.calls.remove(key) else { return };
        self.take_back(calling.limit);
        if let Some(under_way) = calling.under_way {
            self.forsake_attempt(calling.caller, under_way);
            self.free((calling.caller, calling.instance), under_way);
        }
    }

    fn failed(&mut self, key: Key, end: End) {
        let Some(calling) = self.calls.find_mut(key) else { return };
        if end == End::TimedOut {
            self.observer.timed_out(calling.burden.load, self.now);
        }
        let Some(caller) = self.callers.get_mut(calling.caller as usize) else { return };
        if !caller.may_retry(calling.instance, calling.attempt) {
            return self.end_call(key, end);
        }
        let draw = caller.chance.draw();
        let wait = calling.backoff.next(&caller.settings.wait, calling.attempt, draw);
        let at = self.now.after(wait);
        if at >= calling.burden.deadline {
            return self.end_call(key, end);
        }
        self.agenda.enter(at, Event::Retry { call: key });
    }

    fn end_call(&mut self, key: Key, end: End) {
        let Some(calling) = self.calls.find(key) else { return };
        let Calling { owner, instance, burden: Burden { load, .. }, started, .. } = *calling;
        self.calls.drop_at(key);
        match owner {
            Owner::Load => {
                let took = self.now.since(started);
                self.tally.count(end, took);
                self.observer.ended(load, (started, self.now), end);
                self.open_call_ended((load, instance), took);
            }
            Owner::User(user) => {
                self.tally.count(end, self.now.since(started));
                self.observer.ended(load, (started, self.now), end);
                self.user_ended(user, started, end);
            }
            Owner::Job { job, branch } => self.branch_ended(job, branch, end),
        }
    }
}
