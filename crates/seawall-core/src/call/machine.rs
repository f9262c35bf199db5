//! The machine itself: what it holds and its inputs. How it gets on is in `moves.rs`, whether it
//! tries again in `retry.rs`, how it ends in `endings.rs`.

use crate::backoff::Backoff;
use crate::breaker;
use crate::budget::Reservation;
use crate::bulkhead::{Claimed, Waiter};
use crate::deadline;
use crate::endpoint::EndpointId;
use crate::event::Sink;
use crate::hold::{Away, Place};
use crate::idempotency::Ending;
use crate::outcome::{Class, Demand, Observation, Reach};
use crate::reason::Reason;
use crate::rng::Rng;
use crate::throttle::Passed;
use crate::time::{Duration, Instant};
use crate::upstream::{Event, Scene, Upstream};

use super::attempt::Tried;
use super::flight::Flight;
use super::table::{self, Event as By, State};
use super::trail::{Step, StepKind};
use super::{Action, CallSettings, Facts, Replay, Rung, Until, Verdict};

/// The shared state and the chance that an input may use.
#[derive(Debug)]
pub struct Context<'a, R, S> {
    /// The time of the input.
    pub now: Instant,
    /// The upstream of the route.
    pub upstream: &'a mut Upstream,
    /// The driver's stream of chance.
    pub rng: &'a mut R,
    /// Takes changes of state, and the decisions made for the call.
    pub sink: &'a mut S,
}

/// What a call reports into: changes of state that concern everybody, and its own decision trail.
/// A driver that keeps no trails passes a sink that drops them, and pays nothing.
pub trait Journal: Sink<Event> + Sink<Step> {}

impl<S: Sink<Event> + Sink<Step>> Journal for S {}

impl<R, S: Sink<Step>> Context<'_, R, S> {
    #[inline]
    pub(super) fn note(&mut self, kind: StepKind) {
        self.sink.emit(Step { at: self.now, kind });
    }
}

impl<R, S> Context<'_, R, S> {
    /// The upstream, and what it needs for a step of its own.
    #[inline]
    pub(super) fn split(&mut self) -> (&mut Upstream, Scene<'_, R, S>) {
        (self.upstream, Scene { now: self.now, rng: self.rng, sink: self.sink })
    }
}

/// One logical call. See the module's documentation.
///
/// A driver that stops before [`Action::Finish`] must report [`Call::cancelled`], or permits leak;
/// keep the call in a guard whose `Drop` does.
#[derive(Debug)]
pub struct Call {
    pub(super) settings: CallSettings,
    pub(super) facts: Facts,
    pub(super) state: State,
    pub(super) doing: Doing,
    pub(super) started: Instant,
    /// By when attempts must have brought a head: the total deadline less the ladder's reserve.
    pub(super) attempts_end: Instant,
    pub(super) ticket: Option<breaker::Ticket>,
    pub(super) reservation: Option<Reservation>,
    /// The leave of the throttle for the next attempt.
    pub(super) passed: Option<Passed>,
    pub(super) backoff: Backoff,
    /// Attempts that count against the limit: all but those that provably never left.
    pub(super) attempts: u32,
    pub(super) hedges: u32,
    /// When the attempt in flight counts as slow and another may start beside it.
    pub(super) hedge_at: Option<Instant>,
    /// How long after the start of that attempt.
    pub(super) hedge_delay: Option<Duration>,
    pub(super) flight: Flight,
    pub(super) resends: u32,
    /// Attempts in an outage that met nobody and count against no limit.
    pub(super) vain: u32,
    /// Those that met nobody and do, so far.
    pub(super) unmet: u32,
    /// The endpoint that it lost a connection to first, and when.
    pub(super) lost: Option<(EndpointId, Instant)>,
    /// Whether it has had an attempt beyond its limit.
    pub(super) spared: bool,
    /// Those that ended without an answer, whatever they met.
    pub(super) unanswered: u32,
    /// Since when it has been held, with interruptions.
    pub(super) held_since: Option<Instant>,
    /// The receipt of a held call that goes on.
    pub(super) away: Option<Away>,
    /// What the latest answer that is retried asked of the next attempt.
    pub(super) demand: Demand,
    pub(super) tried: Tried,
    pub(super) probed: bool,
    /// The latest attempt that brought an answer, which the driver keeps.
    pub(super) answered: Option<u32>,
    /// What the latest attempt says of the dependency, and how long it took.
    pub(super) latest: Option<(Class, Duration)>,
    pub(super) denied: Option<Reason>,
    /// What is known of its work by the attempts that have ended.
    pub(super) ending: Ending,
}

/// What a call is doing, with what it holds for it. The state of the table says the same by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Doing {
    Nothing,
    Wait { waiter: Waiter, since: Instant, until: Instant },
    Hold { place: Place, look_at: Instant },
    Attempts,
    BackOff { until: Instant },
    Delivery { attempt: u32 },
    Rung { rung: u8, refusal: Refusal },
}

/// Why a call did not succeed, and when another may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) why: Reason,
    pub(super) until: Until,
}

impl Call {
    /// Begins a call at once.
    pub fn start(
        settings: CallSettings,
        facts: Facts,
        ctx: &mut Context<'_, impl Rng, impl Journal>,
    ) -> (Self, Action) {
        let mut call = Self::new(&settings, facts);
        let action = call.begin(ctx);
        (call, action)
    }

    /// Gives the call as many rungs of the ladder, whatever its settings say. To be said before it
    /// begins.
    #[inline]
    pub const fn set_rungs(&mut self, rungs: u8) {
        self.settings.rungs = rungs;
    }

    /// Begins a call where it stands: it need not be moved afterwards.
    #[inline]
    pub fn begin(&mut self, ctx: &mut Context<'_, impl Rng, impl Journal>) -> Action {
        match self.state {
            State::New => self.admit(ctx),
            State::Queued
            | State::Attempting
            | State::Holding
            | State::BackingOff
            | State::Delivering
            | State::FallingBack
            | State::Finished => Action::Wait,
        }
    }

    /// The bulkhead may have granted the permit that the call waits for, or its hold may be over.
    pub fn granted(&mut self, ctx: &mut Context<'_, impl Rng, impl Journal>) -> Action {
        let (waiter, since) = match self.doing {
            Doing::Wait { waiter, since, .. } => (waiter, since),
            Doing::Hold { place, .. } => return self.look(By::Granted, place, ctx),
            Doing::Nothing
            | Doing::Attempts
            | Doing::BackOff { .. }
            | Doing::Delivery { .. }
            | Doing::Rung { .. } => return Action::Wait,
        };
        let claimed = ctx.upstream.claim(waiter, ctx.now);
        if !matches!(claimed, Claimed::StillWaiting) {
            ctx.upstream.note_wait(ctx.now.since(since), ctx.now, ctx.sink);
        }
        match claimed {
            Claimed::Permit(permit) => {
                ctx.note(StepKind::Granted);
                self.dispatch_later(By::Granted, permit, ctx)
            }
            Claimed::StillWaiting => Action::Enqueue(waiter),
            Claimed::Gone => {
                let why = ctx.upstream.name_of_lost_wait();
                self.give_up(By::Granted, why, Until::Unknown, ctx)
            }
        }
    }

    /// The head of an answer to attempt `number` has arrived.
    #[inline]
    pub fn head(
        &mut self,
        number: u32,
        seen: Observation,
        replay: Replay,
        ctx: &mut Context<'_, impl Rng, impl Journal>,
    ) -> Action {
        let Some((outcome, elapsed)) = self.observe(number, seen, ctx) else {
            return Action::Wait;
        };
        if let Some(choice) = self.flight.set_head(number, (outcome, elapsed)) {
            ctx.upstream.heard(choice, ctx.now);
        }
        self.answered = Some(number);
        if self.is_left_to_others(number, &outcome) {
            self.end_attempt(number, &outcome, ctx);
            return self.stay(By::Head);
        }
        self.abandon_others((number, outcome.class), ctx);
        match self.plan_retry(&outcome, replay, ctx) {
            Ok(retry) => {
                self.end_attempt(number, &outcome, ctx);
                self.back_off(By::Head, retry, ctx)
            }
            Err(denied) if outcome.class == Class::Failure && self.settings.rungs > 0 => {
                self.deny(denied, ctx);
                self.end_attempt(number, &outcome, ctx);
                self.give_up(By::Head, denied.0, Until::Unknown, ctx)
            }
            Err(denied) => {
                if outcome.class != Class::Success {
                    self.deny(denied, ctx);
                }
                self.deliver(By::Head, number, ctx)
            }
        }
    }

    /// Attempt `number` has ended: without a head, or with the last byte of its answer, or short
    /// of it.
    #[inline]
    pub fn ended(
        &mut self,
        number: u32,
        seen: Observation,
        replay: Replay,
        ctx: &mut Context<'_, impl Rng, impl Journal>,
    ) -> Action {
        if self.doing == (Doing::Delivery { attempt: number }) {
            return self.delivered(number, seen, ctx);
        }
        let Some((outcome, _)) = self.observe(number, seen, ctx) else { return Action::Wait };
        self.note_loss(number, seen, ctx.now);
        self.end_attempt(number, &outcome, ctx);
        if self.is_left_to_others(number, &outcome) {
            return self.stay(By::Ended);
        }
        self.abandon_others((number, outcome.class), ctx);
        if seen == Observation::CallerGone {
            ctx.note(StepKind::Cancelled);
            return self.finish(By::Ended, Verdict::Cancelled, ctx);
        }
        if self.may_resend(seen, replay) {
            self.resends += 1;
            self.attempts -= 1;
            self.unanswered -= 1;
            return self.wait_until(By::Ended, ctx.now);
        }
        if outcome.reach == Reach::Nobody
            && let Some(action) = self.meet_outage(&outcome, replay, ctx)
        {
            return action;
        }
        match self.plan_retry(&outcome, replay, ctx) {
            Ok(retry) => self.back_off(By::Ended, retry, ctx),
            Err(denied) => {
                self.deny(denied, ctx);
                let why = self.reason_of(&outcome, ctx.now);
                if let Observation::CallerFault(_) = seen {
                    // Neither a rung nor an older answer stands in for what the caller did wrong.
                    ctx.note(StepKind::Refused(why));
                    return self.finish(By::Ended, Verdict::Failed { why }, ctx);
                }
                self.give_up(By::Ended, why, Until::Unknown, ctx)
            }
        }
    }

    /// Remembers where the first connection was lost.
    fn note_loss(&mut self, number: u32, seen: Observation, now: Instant) {
        if let Observation::Lost { .. } = seen
            && let Some(running) = self.flight.find(number)
        {
            self.lost.get_or_insert((running.choice.endpoint, now));
        }
    }

    /// The caller was still sending its body at `since`: the time of the attempt runs from there,
    /// since a slow caller is no fault of the service. Once the body has outgrown the replay
    /// buffer the total gives way too, unless the caller set it.
    pub fn uploading(&mut self, since: Instant, replay: Replay) {
        if self.state != State::Attempting {
            return;
        }
        if replay == Replay::Lost && self.facts.remaining.is_none() {
            self.attempts_end = self.attempts_end.max(since.after(self.settings.attempt));
        }
        self.flight.served_since(since, self.attempts_end);
        if let (Some(at), Some(delay)) = (self.hedge_at, self.hedge_delay) {
            self.hedge_at = Some(at.max(since.after(delay)));
        }
        self.check(By::Uploading, State::Attempting);
    }

    /// Time has passed; `replay` tells whether the request could be sent again, beside the attempts
    /// that run. Waking early is harmless.
    pub fn timer(
        &mut self,
        replay: Replay,
        ctx: &mut Context<'_, impl Rng, impl Journal>,
    ) -> Action {
        match &self.doing {
            Doing::Wait { waiter, since, until } => {
                let (waiter, since, due) = (*waiter, *since, ctx.now >= *until);
                if due { self.stop_waiting(waiter, since, ctx) } else { Action::Enqueue(waiter) }
            }
            Doing::Hold { place, look_at } => {
                let (place, due) = (*place, ctx.now >= *look_at);
                if due { self.look(By::Timer, place, ctx) } else { Action::Enqueue(place.waiter()) }
            }
            Doing::BackOff { until } if ctx.now >= *until => self.try_again(ctx),
            Doing::Attempts => self.watch(replay, ctx),
            Doing::Nothing
            | Doing::BackOff { .. }
            | Doing::Delivery { .. }
            | Doing::Rung { .. } => Action::Wait,
        }
    }

    /// Gives up the attempts whose time is over, one by one, and hedges the slow.
    fn watch(&mut self, replay: Replay, ctx: &mut Context<'_, impl Rng, impl Journal>) -> Action {
        if let Some(number) = self.flight.overdue(ctx.now) {
            self.check(By::Timer, State::Attempting);
            ctx.note(StepKind::Abandoned { number });
            return Action::Abandon(number);
        }
        match self.hedge_at {
            Some(at) if ctx.now >= at => self.hedge(replay, ctx),
            Some(_) | None => Action::Wait,
        }
    }

    /// The rung that was asked has answered or failed.
    pub fn rung_done(
        &mut self,
        result: Rung,
        ctx: &mut Context<'_, impl Rng, impl Journal>,
    ) -> Action {
        let Doing::Rung { rung, refusal } = self.doing else { return Action::Wait };
        match result {
            Rung::Served => {
                let why = refusal.why;
                self.finish(By::RungDone, Verdict::FellBack { rung, why }, ctx)
            }
            Rung::Failed => self.descend(By::RungDone, rung + 1, refusal, ctx),
        }
    }

    /// The caller has left, or the driver gives up for reasons of its own. Everything that the
    /// call holds is given back.
    pub fn cancelled(&mut self, ctx: &mut Context<'_, impl Rng, impl Journal>) {
        if matches!(self.state, State::New | State::Finished) {
            return;
        }
        match core::mem::replace(&mut self.doing, Doing::Nothing) {
            Doing::Wait { waiter, since, .. } => {
                ctx.upstream.note_wait(ctx.now.since(since), ctx.now, ctx.sink);
                ctx.upstream.leave(waiter, ctx.now, ctx.sink);
                self.leave_undecided();
            }
            Doing::Hold { place, .. } => ctx.upstream.leave_hold(place, ctx.now, ctx.sink),
            Doing::BackOff { .. } => self.leave_undecided(),
            Doing::Attempts | Doing::Delivery { .. } => self.cancel_attempts(ctx),
            // The upstream had its chance, and what came of it stands.
            Doing::Nothing | Doing::Rung { .. } => {}
        }
        ctx.note(StepKind::Cancelled);
        self.enter(By::Cancelled, State::Finished, Doing::Nothing);
        self.close(ctx);
    }

    /// When to call [`Call::timer`]; `None` while only the driver can move the call.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Instant> {
        match &self.doing {
            Doing::Wait { until, .. } | Doing::BackOff { until } => Some(*until),
            Doing::Hold { look_at, .. } => Some(*look_at),
            Doing::Attempts => self.flight.next_deadline().into_iter().chain(self.hedge_at).min(),
            Doing::Nothing | Doing::Delivery { .. } | Doing::Rung { .. } => None,
        }
    }

    /// By when it must have ended, the ladder included; never without a limit, nor before it has
    /// begun.
    #[must_use]
    pub fn deadline(&self) -> Instant {
        let total = deadline::shortest(self.settings.total, self.facts.remaining);
        match (self.state, total) {
            (State::New, _) | (_, None) => Instant::NEVER,
            (_, Some(total)) => self.started.after(total),
        }
    }

    /// How many attempts have been begun, whatever they count for.
    #[inline]
    pub(super) const fn begun(&self) -> u32 {
        self.attempts + self.resends + self.vain
    }

    /// The state it is in.
    #[must_use]
    pub fn state(&self) -> State {
        self.state
    }

    /// When it began.
    #[must_use]
    pub fn started(&self) -> Instant {
        self.started
    }

    /// Attempts so far, those that provably never left, or met nobody in an outage, not counted.
    #[must_use]
    pub fn attempts(&self) -> u32 {
        self.attempts
    }

    /// Why no further attempt followed, where one would have been of use.
    #[must_use]
    pub fn denied(&self) -> Option<Reason> {
        self.denied
    }

    /// What the call means for the record of its idempotency key, once it has finished: of its
    /// attempts alone, whatever a rung answered.
    #[must_use]
    pub fn ending(&self) -> Ending {
        self.ending
    }

    /// The time that is left for attempts, for the service to know; `None` without a limit.
    #[must_use]
    pub fn remaining(&self, now: Instant) -> Option<Duration> {
        deadline::left(now, self.attempts_end)
    }

    /// Another attempt still runs and decides.
    fn stay(&mut self, by: By) -> Action {
        self.enter(by, State::Attempting, Doing::Attempts);
        Action::Wait
    }

    /// Moves on, checked against the table.
    #[inline]
    pub(super) fn enter(&mut self, by: By, state: State, doing: Doing) {
        self.check(by, state);
        self.state = state;
        self.doing = doing;
    }

    #[inline]
    pub(super) fn check(&self, by: By, next: State) {
        debug_assert!(
            table::targets(self.state, by).contains(&next),
            "{by:?} does not lead from {:?} to {next:?}",
            self.state
        );
    }
}
