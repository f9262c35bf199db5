//! Many calls over one upstream, driven by chance, each watched from outside.
//!
//! What is drawn is in `draws.rs`, the naive budget in `ledger.rs`.

use std::collections::BTreeSet;
use std::vec::Vec;

use super::draws::{self, HEDGES_MAX, one_of, small};
use super::ledger::Ledger;
use super::world::{MS, REFUSED, World};
use crate::breaker::Manual;
use crate::bulkhead::Waiter;
use crate::call::machine::Doing;
use crate::call::{
    ATTEMPTS_MAX, Action, AttemptPlan, Call, CallEvent, CallSettings, CallState, Facts, Replay,
    Role, Rung, Safety, TABLE, Verdict,
};
use crate::endpoint::EndpointId;
use crate::health::Check;
use crate::outcome::Observation;
use crate::outlier::Standing;
use crate::rng::{Rng, Stream};
use crate::time::{Duration, Instant};
use crate::upstream::Draining;

/// A move that a call really made.
pub(super) type Move = (CallState, CallEvent, CallState);

/// Calls of one fleet at most; over ones stay in it, to be disturbed.
const CALLS_MAX: usize = 8;

/// Free resends of one call at most.
const RESENDS: u32 = 2;

pub(super) struct Fleet<'a> {
    world: World,
    chance: Stream,
    watched: Vec<Watched>,
    granted: Vec<Waiter>,
    ledger: Ledger,
    /// Whether nobody is there: attempts mostly meet nobody.
    gone: bool,
    reached: &'a mut BTreeSet<Move>,
}

/// A call, and what an outsider knows of it.
struct Watched {
    call: Call,
    settings: CallSettings,
    facts: Facts,
    begun: u32,
    hedges: u32,
    /// Attempts in flight before the latest input.
    flying: usize,
    /// The attempt whose answer is handed on, once there is one.
    handed_on: Option<u32>,
    /// Whether an attempt may have been executed.
    executed: bool,
    uploaded: bool,
    rungs: u8,
    grant: Option<usize>,
    verdict: Option<Verdict>,
}

impl<'a> Fleet<'a> {
    pub(super) fn new(seed: u64, reached: &'a mut BTreeSet<Move>) -> Self {
        let mut chance = Stream::new(seed, "fleet");
        let settings = draws::upstream(&mut chance);
        let endpoints = one_of(&mut chance, &[1, 2, 3, 4]);
        let world = World::seeded(settings, endpoints, seed);
        let (watched, granted, ledger) = (Vec::new(), Vec::new(), Ledger::default());
        let gone = chance.below(3) == 0;
        Self { world, chance, watched, granted, ledger, gone, reached }
    }

    /// One random thing happens.
    pub(super) fn step(&mut self) {
        if self.chance.below(3) == 0 {
            let time = draws::span(&mut self.chance);
            self.world.pass(time);
        }
        match self.chance.below(100) {
            0..20 if self.watched.len() < CALLS_MAX => self.start(),
            20 => self.reconfigure(),
            21 => self.replace_endpoints(),
            22 => self.disturb(),
            23..26 => self.gone = !self.gone,
            _ => self.move_one(),
        }
        self.settle();
    }

    /// Brings every call to its end, by its own means or by leaving it.
    pub(super) fn finish(&mut self) {
        let play = self.chance.below(4) > 0;
        for index in 0..self.watched.len() {
            for _ in 0..200 {
                if !play || self.watched[index].verdict.is_some() {
                    break;
                }
                self.play(index);
                self.settle();
            }
            let over = self.watched[index].verdict.is_some();
            assert!(!play || over, "a call does not end: {:?}", self.watched[index].call);
            self.input(index, CallEvent::Cancelled);
            self.settle();
        }
        self.check_nothing_left();
    }

    fn start(&mut self) {
        let (settings, facts) = (draws::call(&mut self.chance), draws::facts(&mut self.chance));
        let (client, action) = self.world.start(settings, facts);
        let watched = Watched {
            call: client.call,
            settings,
            facts,
            begun: 0,
            hedges: 0,
            flying: 0,
            handed_on: None,
            executed: false,
            uploaded: false,
            rungs: 0,
            grant: None,
            verdict: None,
        };
        self.watched.push(watched);
        let index = self.watched.len() - 1;
        self.took(index, (CallState::New, CallEvent::Start), &action);
    }

    /// Something happens to one call: mostly what fits its state, sometimes anything.
    fn move_one(&mut self) {
        if self.watched.is_empty() {
            return;
        }
        let index = small(&mut self.chance, u32::try_from(self.watched.len()).expect("few"));
        let index = index as usize;
        let state = self.watched[index].call.state();
        let fitting: Vec<_> =
            TABLE.iter().filter(|(from, ..)| *from == state).map(|(_, by, _)| *by).collect();
        let anything = fitting.is_empty() || self.chance.below(8) == 0;
        let events = if anything { &CallEvent::ALL[1..] } else { &fitting };
        let event = one_of(&mut self.chance, events);
        // Leaving is rare, or few calls would come to anything else.
        if event != CallEvent::Cancelled || self.chance.below(4) == 0 {
            self.input(index, event);
        }
    }

    /// What an honest driver would do next for this call.
    fn play(&mut self, index: usize) {
        let event = match self.watched[index].call.state() {
            CallState::Queued | CallState::Holding | CallState::BackingOff => CallEvent::Timer,
            CallState::Attempting if !self.gone && self.chance.below(2) == 0 => CallEvent::Head,
            CallState::Attempting | CallState::Delivering => CallEvent::Ended,
            CallState::FallingBack => CallEvent::RungDone,
            CallState::New | CallState::Finished => return,
        };
        if event == CallEvent::Timer {
            let due = self.watched[index].call.next_deadline().expect("it waits for something");
            self.world.now = self.world.now.max(due);
        }
        self.input(index, event);
    }

    fn input(&mut self, index: usize, event: CallEvent) {
        let before = self.watched[index].call.state();
        let number = self.number(index);
        let replay = match self.chance.below(8) {
            0 => Replay::Lost,
            _ => Replay::Possible,
        };
        let woken = event == CallEvent::Granted && before == CallState::Holding;
        if event == CallEvent::Timer || woken {
            self.near_deadline(index);
        }
        let seen = if event == CallEvent::Head {
            draws::head(&mut self.chance)
        } else if self.gone && self.chance.below(4) > 0 {
            REFUSED
        } else if self.chance.below(2) == 0 {
            Observation::Completed
        } else {
            draws::end(&mut self.chance)
        };
        let rung = one_of(&mut self.chance, &[Rung::Served, Rung::Failed]);
        // Whoever answers with an error is often about to go.
        self.gone |= event == CallEvent::Head && self.chance.below(4) == 0;
        let Self { world, watched, .. } = self;
        let one = &mut watched[index];
        one.note(event, (number, seen, replay));
        let action = match event {
            CallEvent::Start => return,
            CallEvent::Granted => one.call.granted(&mut world.ctx()),
            CallEvent::Head => one.call.head(number, seen, replay, &mut world.ctx()),
            CallEvent::Ended => one.call.ended(number, seen, replay, &mut world.ctx()),
            CallEvent::Timer => one.call.timer(Replay::Possible, &mut world.ctx()),
            CallEvent::RungDone => one.call.rung_done(rung, &mut world.ctx()),
            CallEvent::Uploading => {
                one.call.uploading(world.now, replay);
                Action::Wait
            }
            CallEvent::Cancelled => {
                one.call.cancelled(&mut world.ctx());
                one.verdict.get_or_insert(Verdict::Cancelled);
                Action::Wait
            }
        };
        self.took(index, (before, event), &action);
    }

    /// Mostly an attempt that may report something, sometimes any.
    fn number(&mut self, index: usize) -> u32 {
        let one = &self.watched[index];
        let flying: Vec<_> = one.call.flight.iter().map(|running| running.number).collect();
        let last = one.handed_on.unwrap_or(one.begun);
        match self.chance.below(10) {
            0 => small(&mut self.chance, 4),
            _ if flying.is_empty() => last,
            _ => one_of(&mut self.chance, &flying),
        }
    }

    /// Timers come early, in time and late.
    fn near_deadline(&mut self, index: usize) {
        let Some(due) = self.watched[index].call.next_deadline() else { return };
        if due.is_never() || self.chance.below(4) == 0 {
            return;
        }
        let nano = Duration::from_nanos(1);
        let early = Instant::from_nanos(due.as_nanos() - 1);
        let when =
            one_of(&mut self.chance, &[early, due, due, due.after(nano), due.after(MS * 30)]);
        self.world.now = self.world.now.max(when);
    }

    /// Holds what a call did against what it may do.
    fn took(&mut self, index: usize, (before, event): (CallState, CallEvent), action: &Action) {
        let Self { world, watched, ledger, reached, .. } = self;
        let one = &mut watched[index];
        let after = one.call.state();
        let impossible = !TABLE.iter().any(|(from, by, _)| (*from, *by) == (before, event));
        assert!(!impossible || after == before, "{before:?} × {event:?} led to {after:?}");
        let fewer = one.call.flight.iter().count() < one.flying;
        let busy = fewer || event == CallEvent::Uploading && !impossible;
        if after != before || !is_idle(action) || busy {
            assert!(!impossible, "{before:?} × {event:?} answered {action:?}");
            reached.insert((before, event, after));
        }
        one.check(action, world.now);
        one.check_flight();
        if matches!(action, Action::Attempt(AttemptPlan { role: Role::Hedge, .. })) {
            ledger.grant(world.now, &world.upstream.settings().budget);
        }
        match (one.grant, one.call.reservation.is_some()) {
            (None, true) => {
                one.grant = Some(ledger.grant(world.now, &world.upstream.settings().budget));
            }
            (Some(grant), false) => {
                if !matches!(action, Action::Attempt(_)) {
                    ledger.refund(grant);
                }
                one.grant = None;
            }
            (None, false) | (Some(_), true) => {}
        }
        if matches!(action, Action::Attempt(_)) && one.begun == 1 {
            ledger.deposit(world.now);
        }
        if event == CallEvent::Timer {
            let next = one.call.next_deadline();
            let spins = is_idle(action) && next.is_some_and(|next| next <= world.now);
            assert!(!spins, "a timer that spins in {after:?}");
        }
    }

    fn reconfigure(&mut self) {
        let settings = draws::upstream(&mut self.chance);
        self.world.upstream.reconfigure(settings, self.world.now, &mut self.world.journal);
    }

    fn replace_endpoints(&mut self) {
        let count = one_of(&mut self.chance, &[0, 1, 2, 3, 4]);
        self.world.set_endpoints(count);
    }

    fn disturb(&mut self) {
        let Self { world, chance, .. } = self;
        let manual = [Manual::Auto, Manual::Auto, Manual::ForcedOpen, Manual::ForcedClosed];
        let World { upstream, ids, journal, now, .. } = world;
        match (chance.below(3), ids.first()) {
            (0, Some(id)) => {
                let check = one_of(chance, &[Check::Passed, Check::Failed, Check::TimedOut]);
                upstream.health_checked(*id, check, *now, journal);
            }
            (1, Some(id)) => {
                upstream.set_draining(*id, one_of(chance, &[Draining::Yes, Draining::No]), *now);
            }
            _ => upstream.force_breaker(one_of(chance, &manual), *now, journal),
        }
    }

    /// What holds after every step.
    fn settle(&mut self) {
        while let Some(waiter) =
            self.world.upstream.next_grant(self.world.now, &mut self.world.journal)
        {
            // Some are woken because they lost their place.
            if self.world.upstream.has_granted(waiter) {
                self.granted.push(waiter);
            }
        }
        self.world.upstream.invariants();
        let waiting: Vec<_> = self.watched.iter().filter_map(Watched::waiter).collect();
        self.granted.retain(|waiter| waiting.contains(waiter));
        let running: Vec<_> = self.watched.iter().flat_map(Watched::endpoints).collect();
        let seen = self.world.snapshot();
        let held: u32 = self.watched.iter().map(|one| one.held(&self.granted)).sum();
        assert_eq!(seen.bulkhead.in_use, held, "permits in use");
        for endpoint in seen.endpoints {
            let active = running.iter().filter(|id| **id == endpoint.id).count();
            assert_eq!(endpoint.load.active as usize, active, "attempts at {:?}", endpoint.id);
        }
        self.world.journal.events.clear();
    }

    fn check_nothing_left(&self) {
        let seen = self.world.snapshot();
        assert_eq!((seen.bulkhead.in_use, seen.bulkhead.queued), (0, 0));
        assert_eq!((seen.hold.held, seen.hold.bytes), (0, 0), "a place among the held");
        assert_eq!(seen.breaker.probes, 0, "a probe place of the upstream");
        assert_eq!(seen.endpoints.len(), self.world.ids.len(), "a removed endpoint stays");
        for endpoint in seen.endpoints {
            assert_eq!((endpoint.load.active, endpoint.breaker.probes), (0, 0));
            assert_ne!(endpoint.outlier.standing, Standing::Probing);
        }
        self.ledger.check(&seen.budget, self.world.now);
    }
}

impl Watched {
    /// Notes what is about to be reported.
    fn note(&mut self, event: CallEvent, (number, seen, replay): (u32, Observation, Replay)) {
        self.flying = self.call.flight.iter().count();
        let running = self.call.flight.iter().any(|running| running.number == number);
        let reported = matches!(event, CallEvent::Head | CallEvent::Ended);
        self.executed |= running && reported && !draws::provably_not_executed(seen);
        self.uploaded |= event == CallEvent::Uploading && replay == Replay::Lost;
    }

    fn check(&mut self, action: &Action, now: Instant) {
        match action {
            Action::Attempt(plan) => self.check_attempt(plan, now),
            Action::FallBack { rung, .. } => {
                assert_eq!(*rung, self.rungs, "rungs are asked in order");
                assert!(*rung < self.settings.rungs, "a rung that is not there");
                self.rungs += 1;
            }
            Action::Finish(verdict) => self.check_verdict(*verdict),
            Action::Deliver(number) => {
                assert!(*number > 0 && *number <= self.begun, "an answer of no attempt");
                self.handed_on = Some(*number);
            }
            Action::Enqueue(_) | Action::Wait | Action::Abandon(_) => {}
        }
        let over = self.call.state() == CallState::Finished;
        assert_eq!(self.verdict.is_some(), over, "a verdict at the end and not before");
    }

    fn check_attempt(&mut self, plan: &AttemptPlan, now: Instant) {
        self.begun += 1;
        assert_eq!(plan.number, self.begun, "attempts are counted");
        self.hedges += u32::from(plan.role == Role::Hedge);
        let most = self.settings.max_attempts.max(1) + self.hedges + u32::from(self.call.spared);
        // What met nobody while nobody could be reached counts against nothing.
        let begun = self.begun - self.call.resends - self.call.vain;
        assert!(self.call.resends <= RESENDS && begun <= most.min(ATTEMPTS_MAX), "too many");
        assert!(self.hedges <= HEDGES_MAX, "too many hedges");
        let repeatable = self.facts.safety != Safety::Unsafe;
        assert!(plan.role != Role::Hedge || repeatable, "an unsafe request was hedged");
        assert!(plan.deadline > now, "an attempt without time");
        assert_eq!(self.verdict, None, "an attempt after the verdict");
        let safe = self.facts.safety != Safety::Unsafe;
        assert!(safe || !self.executed, "an unsafe request was sent twice");
        for total in [self.settings.total.filter(|_| !self.uploaded), self.facts.remaining] {
            let end = total.map_or(Instant::NEVER, |total| self.call.started().after(total));
            assert!(plan.deadline <= end, "an attempt beyond the deadline of its call");
        }
    }

    fn check_verdict(&mut self, verdict: Verdict) {
        assert_eq!(self.verdict, None, "a second verdict");
        self.verdict = Some(verdict);
        match verdict {
            Verdict::Rejected { .. } => assert!(!self.executed && self.call.attempts() == 0),
            Verdict::Failed { .. } => assert!(self.begun > 0),
            Verdict::Answered { attempt } | Verdict::Truncated { attempt, .. } => {
                assert_eq!(Some(attempt), self.handed_on);
            }
            Verdict::FellBack { rung, .. } => assert_eq!(rung + 1, self.rungs),
            Verdict::Cancelled => {}
        }
    }

    fn waiter(&self) -> Option<Waiter> {
        let Doing::Wait { waiter, .. } = self.call.doing else { return None };
        Some(waiter)
    }

    /// Where attempts hold a permit: those in flight, or the one whose answer is handed on.
    fn endpoints(&self) -> impl Iterator<Item = EndpointId> {
        self.call.flight.iter().map(|running| running.choice.endpoint)
    }

    /// Permits that it holds, or owns as one of the `granted` waiters.
    fn held(&self, granted: &[Waiter]) -> u32 {
        let owned = self.waiter().is_some_and(|waiter| granted.contains(&waiter));
        let holders = self.endpoints().count() + usize::from(owned);
        self.facts.weight * u32::try_from(holders).expect("few")
    }

    /// T82: as long as attempts are what a call waits for, at least one is in flight; and none is
    /// once the call does anything else but hand its answer on.
    fn check_flight(&self) {
        let flying = self.call.flight.iter().count();
        match self.call.state() {
            CallState::Attempting => assert!(flying > 0, "{:?}", self.call),
            CallState::Delivering => assert!(flying <= 1, "{:?}", self.call),
            CallState::New
            | CallState::Queued
            | CallState::Holding
            | CallState::BackingOff
            | CallState::FallingBack
            | CallState::Finished => assert_eq!(flying, 0, "{:?}", self.call),
        }
    }
}

const fn is_idle(action: &Action) -> bool {
    matches!(action, Action::Wait | Action::Enqueue(_))
}

/// A whole case. The settings, too, come from the seed.
pub(super) fn run(seed: u64, reached: &mut BTreeSet<Move>) {
    let mut fleet = Fleet::new(seed, reached);
    for _ in 0..40 {
        fleet.step();
    }
    fleet.finish();
}
