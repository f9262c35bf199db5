//! A small world for tests of the call machine: one upstream, a clock and a stream of chance.
//!
//! What is asserted in it is in the files beside this one.

use core::ops::{Deref, DerefMut};
use std::format;
use std::vec::Vec;

use crate::Mode;
use crate::backoff::{BackoffSettings, Jitter};
use crate::bulkhead::BulkheadSettings;
use crate::call::{
    Action, AttemptPlan, Call, CallSettings, Context, Facts, Replay, Safety, Step, StepKind, Trail,
    Verdict,
};
use crate::endpoint::EndpointId;
use crate::event::Sink;
use crate::outcome::{ConnectFailure, Connection, Observation, Sent};
use crate::reason::Reason;
use crate::rng::Stream;
use crate::time::{Duration, Instant};
use crate::upstream::{
    EndpointName, EndpointSnapshot, Event, Upstream, UpstreamSettings, UpstreamSnapshot,
};

pub(super) const MS: Duration = Duration::from_millis(1);
pub(super) const SECOND: Duration = Duration::from_secs(1);

pub(super) const COMPLETED: Observation = Observation::Completed;
pub(super) const REFUSED: Observation = Observation::ConnectFailed(ConnectFailure::Refused);
pub(super) const TIMED_OUT: Observation = Observation::TimedOut { sent: Sent::Yes };
/// A request that provably never left, on a connection that had gone stale.
pub(super) const STALE: Observation =
    Observation::Lost { connection: Connection::Reused, sent: Sent::No };

pub(super) const fn status(code: u16) -> Observation {
    Observation::Status { code, retry_after: None, exhausted: false }
}

pub(super) const fn hinted(code: u16, hint: Duration) -> Observation {
    Observation::Status { code, retry_after: Some(hint), exhausted: false }
}

pub(super) const fn get() -> Facts {
    Facts::of(Safety::Idempotent)
}

pub(super) const fn post() -> Facts {
    Facts::of(Safety::Unsafe)
}

pub(super) const fn within(remaining: Duration) -> Facts {
    Facts { remaining: Some(remaining), ..Facts::of(Safety::Idempotent) }
}

/// Calls whose waits are round numbers.
pub(super) fn plain() -> CallSettings {
    let backoff = BackoffSettings { jitter: Jitter::None, ..BackoffSettings::transient() };
    CallSettings { backoff, throttled_backoff: backoff, ..CallSettings::default() }
}

/// An upstream that takes every call: for tests of what the call alone decides.
pub(super) fn lenient() -> UpstreamSettings {
    let mut settings = UpstreamSettings::default();
    settings.breaker.mode = Mode::Off;
    settings.endpoint_breaker.mode = Mode::Off;
    settings.outlier.mode = Mode::Off;
    settings.budget.floor_per_second = 1_000_000;
    settings
}

/// An upstream with this many permits and places to wait for one.
pub(super) fn narrow(permits: u32, queue: u32) -> UpstreamSettings {
    let bulkhead = BulkheadSettings { permits, queue, ..BulkheadSettings::default() };
    UpstreamSettings { bulkhead, ..lenient() }
}

pub(super) struct World {
    pub(super) upstream: Upstream,
    pub(super) ids: Vec<EndpointId>,
    pub(super) rng: Stream,
    pub(super) journal: Pages,
    pub(super) now: Instant,
}

/// Changes of state, and the trail of the call that takes the step.
#[derive(Debug, Default)]
pub(super) struct Pages {
    pub(super) events: Vec<Event>,
    pub(super) trail: Trail,
}

impl Sink<Event> for Pages {
    fn emit(&mut self, event: Event) {
        self.events.push(event);
    }
}

impl Sink<Step> for Pages {
    fn emit(&mut self, step: Step) {
        self.trail.emit(step);
    }
}

impl World {
    pub(super) fn new(settings: UpstreamSettings, endpoints: u32) -> Self {
        Self::seeded(settings, endpoints, 1)
    }

    pub(super) fn seeded(settings: UpstreamSettings, endpoints: u32, seed: u64) -> Self {
        let mut rng = Stream::new(seed, "world");
        let now = Instant::from_millis(1_000);
        let upstream = Upstream::new(settings, now, &mut rng);
        let (ids, journal) = (Vec::new(), Pages::default());
        let mut world = Self { upstream, ids, rng, journal, now };
        world.set_endpoints(endpoints);
        world
    }

    pub(super) fn set_endpoints(&mut self, count: u32) {
        let names: Vec<_> = (0..count).map(|n| EndpointName::from(&*format!("e{n}"))).collect();
        let placed = self.upstream.set_endpoints(&names, self.now, &mut self.rng);
        self.ids = placed.into_iter().map(|(_, id)| id).collect();
    }

    pub(super) fn pass(&mut self, time: Duration) {
        self.now = self.now.after(time);
    }

    pub(super) fn ctx(&mut self) -> Context<'_, Stream, Pages> {
        let Self { upstream, rng, journal, now, .. } = self;
        Context { now: *now, upstream, rng, sink: journal }
    }

    pub(super) fn start(&mut self, settings: CallSettings, facts: Facts) -> (Client, Action) {
        self.journal.trail = Trail::default();
        let (call, action) = Call::start(settings, facts, &mut self.ctx());
        self.upstream.invariants();
        (Client { call, trail: self.journal.trail.clone() }, action)
    }

    /// Starts a call that gets its permit at once.
    pub(super) fn attempt(
        &mut self,
        settings: CallSettings,
        facts: Facts,
    ) -> (Client, AttemptPlan) {
        let (client, action) = self.start(settings, facts);
        (client, plan(&action))
    }

    /// One whole call at its first try that answers with `code` after `latency`.
    pub(super) fn one(&mut self, code: u16, latency: Duration) -> Verdict {
        let settings = CallSettings { max_attempts: 1, ..plain() };
        let (mut call, plan) = self.attempt(settings, get());
        self.pass(latency);
        assert_eq!(call.head(self, plan.number, status(code)), Action::Deliver(plan.number));
        verdict(&call.ended(self, plan.number, COMPLETED))
    }

    pub(super) fn snapshot(&self) -> UpstreamSnapshot {
        self.upstream.snapshot(self.now)
    }

    pub(super) fn endpoint(&self, id: EndpointId) -> EndpointSnapshot {
        let found = self.snapshot().endpoints.into_iter().find(|endpoint| endpoint.id == id);
        found.expect("the endpoint is registered")
    }

    pub(super) fn in_use(&self) -> u32 {
        self.snapshot().bulkhead.in_use
    }

    pub(super) fn extra(&self) -> u64 {
        self.snapshot().budget.extra
    }
}

/// A call, driven with few words; the invariants are asserted after every step.
#[derive(Debug)]
pub(super) struct Client {
    pub(super) call: Call,
    pub(super) trail: Trail,
}

impl Deref for Client {
    type Target = Call;

    fn deref(&self) -> &Call {
        &self.call
    }
}

impl DerefMut for Client {
    fn deref_mut(&mut self) -> &mut Call {
        &mut self.call
    }
}

impl Client {
    pub(super) fn head(&mut self, world: &mut World, number: u32, seen: Observation) -> Action {
        self.step(world, |call, ctx| call.head(number, seen, Replay::Possible, ctx))
    }

    pub(super) fn ended(&mut self, world: &mut World, number: u32, seen: Observation) -> Action {
        self.step(world, |call, ctx| call.ended(number, seen, Replay::Possible, ctx))
    }

    pub(super) fn timer(&mut self, world: &mut World) -> Action {
        self.step(world, |call, ctx| call.timer(Replay::Possible, ctx))
    }

    pub(super) fn granted(&mut self, world: &mut World) -> Action {
        self.step(world, |call, ctx| call.granted(ctx))
    }

    pub(super) fn cancelled(&mut self, world: &mut World) {
        let _over = self.step(world, |call, ctx| {
            call.cancelled(ctx);
            Action::Wait
        });
    }

    pub(super) fn step(
        &mut self,
        world: &mut World,
        act: impl FnOnce(&mut Call, &mut Context<'_, Stream, Pages>) -> Action,
    ) -> Action {
        core::mem::swap(&mut self.trail, &mut world.journal.trail);
        let action = act(&mut self.call, &mut world.ctx());
        core::mem::swap(&mut self.trail, &mut world.journal.trail);
        world.upstream.invariants();
        action
    }

    /// Lets the wait of a retry pass and takes the next attempt.
    pub(super) fn retried(&mut self, world: &mut World) -> AttemptPlan {
        world.now = self.next_deadline().expect("it waits before a retry");
        plan(&self.timer(world))
    }

    /// Why the trail says that no other attempt follows.
    pub(super) fn denial(&self) -> Option<Reason> {
        self.trail.steps().find_map(|step| {
            let StepKind::RetryDenied(reason) = step.kind else { return None };
            Some(reason)
        })
    }
}

pub(super) fn plan(action: &Action) -> AttemptPlan {
    let Action::Attempt(plan) = action else { panic!("no attempt, but {action:?}") };
    *plan
}

pub(super) fn verdict(action: &Action) -> Verdict {
    let Action::Finish(verdict) = action else { panic!("not the end, but {action:?}") };
    *verdict
}
