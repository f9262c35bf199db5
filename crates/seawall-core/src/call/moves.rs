//! How a call gets on: admission, permits, attempts and the waits between them.

use crate::backoff::Backoff;
use crate::budget::{Reservation, Spent};
use crate::bulkhead::{Acquired, Claimed, Patience, Permit, Waiter};
use crate::deadline::{self, Expired};
use crate::fallback::{RESERVE_MIN, RESERVE_SHARE};
use crate::hedge::{Hedge, Race};
use crate::hold::{Counts, Door};
use crate::idempotency::Ending;
use crate::outcome::{
    Class, Demand, Observation, Origin, Outcome, Overrides, Reach, classify_with,
};
use crate::reason::Reason;
use crate::rng::Rng;
use crate::time::{Duration, Instant};
use crate::upstream::{Arriving, AttemptEnd, Choice, Closed, Probe, Wish};

use super::attempt::{Role, Running, Tried};
use super::flight::Flight;
use super::machine::{Call, Context, Doing, Journal, Refusal};
use super::retry::Retry;
use super::table::{Event as By, State};
use super::trail::StepKind;
use super::{Action, AttemptPlan, CallSettings, Facts, Safety, Until, Verdict};

impl Call {
    /// A call of which nothing is known yet.
    #[inline(always)]
    const fn blank(settings: &CallSettings, facts: Facts) -> Self {
        Self {
            settings: *settings,
            facts,
            state: State::New,
            doing: Doing::Nothing,
            started: Instant::EPOCH,
            attempts_end: Instant::NEVER,
            ticket: None,
            reservation: None,
            passed: None,
            backoff: Backoff::new(),
            attempts: 0,
            hedges: 0,
            hedge_at: None,
            hedge_delay: None,
            flight: Flight::new(),
            resends: 0,
            vain: 0,
            unmet: 0,
            lost: None,
            spared: false,
            unanswered: 0,
            held_since: None,
            away: None,
            demand: Demand::Nothing,
            tried: Tried::new(),
            probed: false,
            answered: None,
            latest: None,
            denied: None,
            ending: Ending::Free,
        }
    }

    /// A call that has not begun. Nothing is asked of anybody yet.
    #[must_use]
    #[inline]
    pub fn new(settings: &CallSettings, facts: Facts) -> Self {
        Self::blank(settings, facts)
    }

    /// Puts a call that has not begun where it is to stay, unless one is there. It is large, and to
    /// make it elsewhere and move it would cost as much as what it decides.
    #[inline]
    pub fn place<'a>(
        place: &'a mut Option<Self>,
        settings: &CallSettings,
        facts: Facts,
    ) -> &'a mut Self {
        place.get_or_insert_with(|| Self::blank(settings, facts))
    }

    #[inline]
    pub(super) fn admit(&mut self, ctx: &mut Context<'_, impl Rng, impl Journal>) -> Action {
        let (own, given) = (self.settings.total, self.facts.remaining);
        self.started = ctx.now;
        let limit = deadline::shortest(own, given);
        ctx.note(StepKind::Deadline(limit));
        match deadline::begin(ctx.now, limit, None) {
            Ok(end) if !self.settings.attempt.is_zero() => {
                self.attempts_end = attempts_end(ctx.now, end, self.settings.rungs);
            }
            // A guard stands outside the ladder: there is no time to serve even a rung.
            Ok(_) | Err(Expired) => {
                let why = Reason::DeadlineExpired;
                ctx.note(StepKind::Refused(why));
                return self.finish(By::Start, Verdict::Rejected { why, until: Until::Never }, ctx);
            }
        }
        let arriving = Arriving { priority: self.facts.priority, cost: self.facts.cost };
        if let Err(closed) = ctx.upstream.pass_gates(arriving, ctx.now, ctx.sink) {
            return self.turn_away(closed, ctx);
        }
        match ctx.upstream.admit_call(ctx.now, ctx.rng.draw(), ctx.sink) {
            Ok(ticket) => {
                self.ticket = Some(ticket);
                self.acquire(By::Start, ctx)
            }
            Err(refused) => {
                self.give_up(By::Start, Reason::BreakerOpen, Until::At(refused.until), ctx)
            }
        }
    }

    /// Ends a call at a gate outside of the ladder: a limit is a limit, and what is shed must cost
    /// as little as can be.
    #[cold]
    fn turn_away(
        &mut self,
        closed: Closed,
        ctx: &mut Context<'_, impl Rng, impl Journal>,
    ) -> Action {
        ctx.note(StepKind::Refused(closed.reason));
        let verdict = Verdict::Rejected { why: closed.reason, until: until(closed.until) };
        self.finish(By::Start, verdict, ctx)
    }

    /// Asks for leave and a permit for the next attempt.
    #[inline(always)]
    pub(super) fn acquire(
        &mut self,
        by: By,
        ctx: &mut Context<'_, impl Rng, impl Journal>,
    ) -> Action {
        if ctx.upstream.is_unreachable() && ctx.upstream.is_held_back(ctx.now) {
            return self.hold_back(by, ctx);
        }
        let (priority, weight) = (self.facts.priority, self.facts.weight);
        match ctx.upstream.pass_throttle(priority, (ctx.now, ctx.rng.draw()), ctx.sink) {
            Ok(passed) => self.passed = passed,
            Err(closed) => return self.give_up(by, closed.reason, until(closed.until), ctx),
        }
        // All who were held are let go at once, and have waited in vain long enough.
        let held = self.held_since.is_some() || self.vain > 0;
        let patience = if held { Patience::Long } else { Patience::Usual };
        let wanted = (weight, priority.class(), patience);
        match ctx.upstream.acquire(wanted, self.attempts_end, ctx.now, ctx.sink) {
            Acquired::Permit(permit) => {
                ctx.upstream.note_wait(Duration::ZERO, ctx.now, ctx.sink);
                self.dispatch(by, permit, ctx)
            }
            Acquired::Queued { waiter, until } => {
                ctx.note(StepKind::Queued);
                let since = ctx.now;
                let until = ctx.upstream.next_look(until, since);
                self.enter(by, State::Queued, Doing::Wait { waiter, since, until });
                Action::Enqueue(waiter)
            }
            Acquired::Refused { reason, retry_at } => {
                self.give_up(by, reason, until(Some(retry_at)), ctx)
            }
        }
    }

    /// Sends the next attempt on its way.
    #[inline(always)]
    pub(super) fn dispatch(
        &mut self,
        by: By,
        permit: Permit,
        ctx: &mut Context<'_, impl Rng, impl Journal>,
    ) -> Action {
        if let Some(Refusal { why, until }) = self.obstacle(ctx) {
            ctx.upstream.release(permit, Duration::ZERO, ctx.now);
            return self.give_up(by, why, until, ctx);
        }
        let door = ctx.upstream.ask_door(ctx.now, ctx.sink);
        if door == Door::Closed && self.facts.only.is_none() {
            ctx.upstream.release(permit, Duration::ZERO, ctx.now);
            return self.hold_back(by, ctx);
        }
        let Some(mut choice) = self.choose(door, ctx) else {
            ctx.upstream.release(permit, Duration::ZERO, ctx.now);
            return self.give_up(by, Reason::NoHealthyEndpoint, Until::Unknown, ctx);
        };
        ctx.upstream.weigh(&mut choice, permit.weight(), ctx.now);
        let role = if self.begun() == 0 { Role::First } else { Role::Retry };
        let spent = self.pay(ctx);
        let plan = self.launch((role, None), (choice, permit, spent), ctx);
        self.enter(by, State::Attempting, Doing::Attempts);
        Action::Attempt(plan)
    }

    /// The endpoint of the next attempt.
    #[inline(always)]
    fn choose(&self, door: Door, ctx: &mut Context<'_, impl Rng, impl Journal>) -> Option<Choice> {
        let (tried, probe, key) = (self.tried.as_slice(), self.probe(), self.facts.affinity);
        let (upstream, mut scene) = ctx.split();
        match (self.facts.only, door) {
            (Some(endpoint), _) => upstream.choose_only(endpoint, &mut scene),
            (None, Door::Probe(slot, number)) => upstream.choose_probe((slot, number), &mut scene),
            (None, Door::Open | Door::Closed) => {
                upstream.choose(Wish { tried, probe, key }, &mut scene)
            }
        }
    }

    /// The same after a wait; apart from those who need not wait.
    #[inline(never)]
    pub(super) fn dispatch_later(
        &mut self,
        by: By,
        permit: Permit,
        ctx: &mut Context<'_, impl Rng, impl Journal>,
    ) -> Action {
        self.dispatch(by, permit, ctx)
    }

    /// Begins an attempt that has its endpoint and its permit.
    #[inline(always)]
    pub(super) fn launch(
        &mut self,
        (role, hedge): (Role, Option<Hedge>),
        (choice, permit, spent): (Choice, Permit, Option<Spent>),
        ctx: &mut Context<'_, impl Rng, impl Journal>,
    ) -> AttemptPlan {
        self.attempts += 1;
        self.tried.note(choice.endpoint.slot);
        self.probed |= choice.is_probe();
        let number = self.begun();
        let (endpoint, reason, candidates) = (choice.endpoint, choice.reason, choice.candidates);
        ctx.note(StepKind::Attempt { number, role, endpoint, reason, candidates });
        let timeout = ctx.upstream.attempt_timeout(self.settings.attempt, ctx.now, ctx.sink);
        let patience = ctx.now.after(timeout);
        let deadline = deadline::of_attempt(ctx.now, timeout, self.attempts_end);
        self.flight.push(|| Running {
            number,
            hedge,
            choice,
            permit,
            spent,
            passed: if self.passed.is_some() { self.passed.take() } else { None },
            in_flight: ctx.upstream.in_flight(),
            started: ctx.now,
            served: ctx.now,
            timeout,
            patience,
            deadline,
            head: None,
            abandoning: false,
            outrun: false,
        });
        self.plan_hedge(timeout, ctx);
        let held = self.is_holdable() && ctx.upstream.holds();
        let last = self.hedge_at.is_none() && !self.has_attempts_left() && !held;
        let demand = self.demand;
        AttemptPlan { number, role, endpoint, reason, deadline, demand, last }
    }

    /// What forbids an attempt now. Asked again once a permit is there: the breaker may have
    /// opened meanwhile, and a driver may be late with the news of a grant.
    #[inline]
    fn obstacle(&self, ctx: &Context<'_, impl Rng, impl Journal>) -> Option<Refusal> {
        if ctx.now >= self.attempts_end {
            return Some(Refusal { why: Reason::DeadlineExceeded, until: Until::Never });
        }
        let first = self.begun() == 0 && self.held_since.is_none();
        if first || ctx.upstream.breaker_allows_retry(self.ticket.as_ref(), ctx.now) {
            return None;
        }
        Some(Refusal { why: Reason::BreakerOpen, until: Until::Unknown })
    }

    #[inline]
    fn probe(&self) -> Probe {
        match self.facts.safety {
            _ if self.probed => Probe::Never,
            Safety::Idempotent | Safety::Keyed => Probe::Freely,
            Safety::Unsafe => Probe::Reluctantly,
        }
    }

    /// The first attempt deposits into the budget, an extra one spends what was reserved for it.
    #[inline(always)]
    fn pay(&mut self, ctx: &mut Context<'_, impl Rng, impl Journal>) -> Option<Spent> {
        if self.begun() == 0 && self.reservation.is_none() {
            ctx.upstream.deposit(ctx.now);
        }
        self.reservation.take().map(Reservation::spend)
    }

    /// Judges what was seen of attempt `number`; none if it is not in flight.
    #[inline]
    pub(super) fn observe(
        &mut self,
        number: u32,
        seen: Observation,
        ctx: &mut Context<'_, impl Rng, impl Journal>,
    ) -> Option<(Outcome, Duration)> {
        if self.state != State::Attempting {
            return None;
        }
        let running = self.flight.find(number)?;
        let outcome = self.judge(running, seen, ctx.upstream.overrides());
        let is_hedge = running.hedge.is_some();
        if outcome.reach == Reach::Answered {
            // At the head: its body may end long after the endpoint has gone again.
            let met = (outcome.reach, running.started);
            let _known: Counts = ctx.upstream.note_reach(&running.choice, met, ctx.now, ctx.sink);
        }
        let elapsed = ctx.now.since(running.served);
        if outcome.class == Class::Success
            && let Some(spent) = self.flight.take_spent(number)
        {
            ctx.upstream.helped(spent, ctx.now);
        }
        let failed = self.latest.is_some_and(|(latest, _)| latest == Class::Failure);
        if outcome.class != Class::Abandoned || !failed {
            self.latest = Some((outcome.class, elapsed));
        }
        self.ending = self.ending.then(Ending::of_judged(seen, &outcome));
        ctx.note(StepKind::Saw { number, seen, class: outcome.class });
        self.unmet += u32::from(outcome.reach == Reach::Nobody && !is_hedge);
        self.unanswered += u32::from(outcome.reach != Reach::Answered);
        if self.away.is_some() && outcome.reach != Reach::Nobody {
            self.come_back(outcome.reach, ctx);
        }
        Some((outcome, elapsed))
    }

    /// An attempt that had less than its time because its caller is in a hurry is given up rather
    /// than failed, or impatient callers would open the breaker of a healthy upstream. Limits of
    /// our own count in full.
    #[inline]
    fn judge(&self, running: &Running, seen: Observation, overrides: &Overrides) -> Outcome {
        let mut outcome = classify_with(seen, self.settings.opt_ins, overrides);
        if outcome.reason == Some(Reason::AttemptTimeout) && self.cuts_short(running) {
            (outcome.class, outcome.origin) = (Class::Abandoned, Origin::Caller);
        }
        outcome
    }

    /// Whether the hurry of the caller leaves an attempt less than its time.
    #[inline]
    fn cuts_short(&self, running: &Running) -> bool {
        let hurried = self
            .facts
            .remaining
            .is_some_and(|remaining| self.settings.total.is_none_or(|total| remaining < total));
        hurried && running.deadline < running.patience
    }

    /// Gives back what attempt `number` held and credits its endpoint.
    #[inline]
    pub(super) fn end_attempt(
        &mut self,
        number: u32,
        outcome: &Outcome,
        ctx: &mut Context<'_, impl Rng, impl Journal>,
    ) {
        let Some(mut running) = self.flight.take(number) else { return };
        let sample = running.sample(outcome, ctx.now);
        if let Some(hedge) = running.hedge.take() {
            ctx.upstream.hedge_ended(hedge, Race::Lost, ctx.now, ctx.sink);
        }
        let (answered, elapsed) = match running.head {
            Some((_, elapsed)) => (true, elapsed),
            None => (false, ctx.now.since(running.served)),
        };
        let timeout = running.timeout;
        let end = AttemptEnd { outcome, elapsed, answered, timeout, sample };
        if self.return_all(running, &end, ctx) == Counts::No {
            self.latest = None;
        }
    }

    /// Gives back what an attempt held, and tells everybody how it ended.
    #[inline(always)]
    pub(super) fn return_all(
        &self,
        running: Running,
        end: &AttemptEnd<'_>,
        ctx: &mut Context<'_, impl Rng, impl Journal>,
    ) -> Counts {
        let Running { choice, permit, passed, in_flight, started, .. } = running;
        let mut counts = Counts::Yes;
        // Answers have been noted with their heads.
        if end.outcome.reach != Reach::Answered {
            let met = (end.outcome.reach, started);
            counts = ctx.upstream.note_reach(&choice, met, ctx.now, ctx.sink);
        }
        let discounted = match counts {
            Counts::Yes => None,
            Counts::No => Some(end.outcome.discounted()),
        };
        let outcome = discounted.as_ref().unwrap_or(end.outcome);
        let end = &AttemptEnd { outcome, ..*end };
        ctx.upstream.release(permit, ctx.now.since(started), ctx.now);
        ctx.upstream.settle_throttle(passed, Some(end.outcome), ctx.now, ctx.sink);
        ctx.upstream.learn_limit((end.outcome, end.elapsed), in_flight, ctx.now, ctx.sink);
        let (upstream, mut scene) = ctx.split();
        upstream.attempt_ended(choice, end, &mut scene);
        counts
    }

    #[cold]
    pub(super) fn back_off(
        &mut self,
        by: By,
        retry: Retry,
        ctx: &mut Context<'_, impl Rng, impl Journal>,
    ) -> Action {
        ctx.note(StepKind::Retry { after: retry.after });
        self.reservation = Some(retry.reservation);
        self.wait_until(by, ctx.now.after(retry.after))
    }

    pub(super) fn wait_until(&mut self, by: By, until: Instant) -> Action {
        self.enter(by, State::BackingOff, Doing::BackOff { until });
        Action::Wait
    }

    /// The wait before a retry is over.
    pub(super) fn try_again(&mut self, ctx: &mut Context<'_, impl Rng, impl Journal>) -> Action {
        match self.obstacle(ctx) {
            Some(Refusal { why, until }) => self.give_up(By::Timer, why, until, ctx),
            None => self.acquire(By::Timer, ctx),
        }
    }

    /// The time in the queue is over, unless it was but time to look, or has been prolonged; a
    /// permit granted in the same moment is still taken.
    #[cold]
    pub(super) fn stop_waiting(
        &mut self,
        waiter: Waiter,
        since: Instant,
        ctx: &mut Context<'_, impl Rng, impl Journal>,
    ) -> Action {
        if let Some(until) = ctx.upstream.look_up(waiter, ctx.now).filter(|until| *until > ctx.now)
        {
            let until = ctx.upstream.next_look(until, ctx.now);
            self.doing = Doing::Wait { waiter, since, until };
            return Action::Enqueue(waiter);
        }
        ctx.upstream.note_wait(ctx.now.since(since), ctx.now, ctx.sink);
        match ctx.upstream.claim(waiter, ctx.now) {
            Claimed::Permit(permit) => self.dispatch_later(By::Timer, permit, ctx),
            Claimed::StillWaiting | Claimed::Gone => {
                ctx.upstream.leave(waiter, ctx.now, ctx.sink);
                let why = ctx.upstream.name_of_lost_wait();
                self.give_up(By::Timer, why, Until::Unknown, ctx)
            }
        }
    }
}

/// The same in the words of a verdict.
const fn until(at: Option<Instant>) -> Until {
    match at {
        Some(at) if at.is_never() => Until::Never,
        Some(at) => Until::At(at),
        None => Until::Unknown,
    }
}

/// By when attempts must have ended: the deadline of the call, less what a ladder needs.
fn attempts_end(start: Instant, end: Instant, rungs: u8) -> Instant {
    match rungs {
        0 => end,
        _ => deadline::before_rungs(start, end, RESERVE_MIN, RESERVE_SHARE),
    }
}
