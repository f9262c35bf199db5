//! Whether another attempt starts beside a slow one.
//!
//! How long an attempt may take before it counts as slow, and how many hedges are too many, is
//! decided by `crate::hedge`; here is what the call itself has to say.

use crate::budget::{Purpose, Spent};
use crate::bulkhead::{Acquired, Patience, Permit};
use crate::hedge::{Conditions, EXTRA_MAX, Response, Suppressed};
use crate::idempotency::Ending;
use crate::outcome::{Class, Outcome, RetryRule};
use crate::rng::Rng;
use crate::time::Duration;
use crate::timeout::Hedges;
use crate::upstream::{Choice, Probe, Wish};

use super::attempt::Role;
use super::machine::{Call, Context, Journal};
use super::table::{Event as By, State};
use super::trail::StepKind;
use super::{ATTEMPTS_MAX, Action, AttemptPlan, Effect, Replay};

impl Call {
    /// Sets the time at which an attempt that begins now counts as slow.
    #[inline(always)]
    pub(super) fn plan_hedge(
        &mut self,
        timeout: Duration,
        ctx: &mut Context<'_, impl Rng, impl Journal>,
    ) {
        (self.hedge_at, self.hedge_delay) = (None, None);
        if ctx.upstream.hedges() {
            self.plan_due_hedge(timeout, ctx);
        }
    }

    #[inline(never)]
    fn plan_due_hedge(&mut self, timeout: Duration, ctx: &mut Context<'_, impl Rng, impl Journal>) {
        let most = ctx.upstream.settings().hedge.max_extra.min(EXTRA_MAX);
        let spent = self.hedges >= most || self.attempts >= ATTEMPTS_MAX;
        let wanted = self.settings.hedges != Hedges::Never && self.facts.only.is_none();
        let fit = self.facts.safety.is_repeatable() && self.facts.effect == Effect::Harmless;
        if spent || !wanted || !fit {
            return;
        }
        self.hedge_delay = ctx.upstream.hedge_delay(timeout, ctx.now);
        self.hedge_at = self.hedge_delay.map(|delay| ctx.now.after(delay));
    }

    /// The attempts in flight are slow: starts another beside them, or says why not.
    pub(super) fn hedge(
        &mut self,
        replay: Replay,
        ctx: &mut Context<'_, impl Rng, impl Journal>,
    ) -> Action {
        self.hedge_at = None;
        self.check(By::Timer, State::Attempting);
        match self.try_hedge(replay, ctx) {
            Ok(plan) => Action::Attempt(plan),
            Err(why) => {
                ctx.note(StepKind::HedgeSuppressed(why));
                Action::Wait
            }
        }
    }

    fn try_hedge(
        &mut self,
        replay: Replay,
        ctx: &mut Context<'_, impl Rng, impl Journal>,
    ) -> Result<AttemptPlan, Suppressed> {
        let conditions = self.conditions(replay, ctx);
        let hedge = ctx.upstream.may_hedge(&conditions, ctx.now, ctx.sink)?;
        match self.equip(ctx) {
            Ok((choice, permit)) => {
                let facts = (self.hedge_delay.unwrap_or_default(), choice.endpoint);
                ctx.upstream.hedge_fired(&hedge, facts, ctx.now, ctx.sink);
                self.hedges += 1;
                Ok(self.launch((Role::Hedge, Some(hedge)), (choice, permit, None), ctx))
            }
            Err(why) => {
                ctx.upstream.hedge_withdrawn(hedge, why, ctx.now, ctx.sink);
                Err(why)
            }
        }
    }

    fn conditions(
        &self,
        replay: Replay,
        ctx: &mut Context<'_, impl Rng, impl Journal>,
    ) -> Conditions {
        let response = match replay {
            Replay::Possible => Response::None,
            Replay::Lost => Response::Committed,
        };
        Conditions {
            safety: self.facts.safety,
            response,
            fired: self.hedges,
            left: self.remaining(ctx.now),
            useful: ctx.upstream.min_useful(ctx.now),
            untried: ctx.upstream.untried(self.tried.as_slice(), ctx.now),
            load: ctx.upstream.load(ctx.now),
        }
    }

    /// What any extra attempt needs: leave of the throttle, a permit, a token of the budget and an
    /// endpoint.
    fn equip(
        &mut self,
        ctx: &mut Context<'_, impl Rng, impl Journal>,
    ) -> Result<(Choice, Permit), Suppressed> {
        let draw = ctx.rng.draw();
        let asked = ctx.upstream.pass_throttle(self.facts.priority, (ctx.now, draw), ctx.sink);
        let passed = asked.map_err(|_| Suppressed::Overloaded)?;
        let equipped = self.take_place(ctx);
        match equipped {
            Ok(_) => self.passed = passed,
            Err(_) => ctx.upstream.settle_throttle(passed, None, ctx.now, ctx.sink),
        }
        equipped
    }

    fn take_place(
        &self,
        ctx: &mut Context<'_, impl Rng, impl Journal>,
    ) -> Result<(Choice, Permit), Suppressed> {
        let permit = self.spare_permit(ctx)?;
        let Ok(reservation) = ctx.upstream.reserve_extra(Purpose::Hedge, ctx.now, ctx.sink) else {
            ctx.upstream.release(permit, Duration::ZERO, ctx.now);
            return Err(Suppressed::BudgetEmpty);
        };
        let (tried, key) = (self.tried.as_slice(), self.facts.affinity);
        let wish = Wish { tried, probe: Probe::Never, key };
        let (upstream, mut scene) = ctx.split();
        let Some(mut choice) = upstream.choose_other(wish, &mut scene) else {
            ctx.upstream.release(permit, Duration::ZERO, ctx.now);
            ctx.upstream.refund(reservation, ctx.now);
            return Err(Suppressed::NoUntriedEndpoint);
        };
        ctx.upstream.weigh(&mut choice, permit.weight(), ctx.now);
        // That a hedge was quicker does not show that it was needed: it stays charged.
        let _spent: Spent = reservation.spend();
        Ok((choice, permit))
    }

    /// A permit that nobody waits for: a hedge never queues, nor takes the place of a first try.
    fn spare_permit(
        &self,
        ctx: &mut Context<'_, impl Rng, impl Journal>,
    ) -> Result<Permit, Suppressed> {
        if !ctx.upstream.has_free_permit() {
            return Err(Suppressed::NoPermit);
        }
        let wanted = (self.facts.weight, self.facts.priority.class(), Patience::Usual);
        match ctx.upstream.acquire(wanted, self.attempts_end, ctx.now, ctx.sink) {
            Acquired::Permit(permit) => Ok(permit),
            Acquired::Queued { waiter, .. } => {
                ctx.upstream.leave(waiter, ctx.now, ctx.sink);
                Err(Suppressed::NoPermit)
            }
            Acquired::Refused { .. } => Err(Suppressed::NoPermit),
        }
    }

    /// Whether the end of one attempt leaves the decision to another that still runs: what might
    /// have been retried waits for it, anything else is final.
    #[inline]
    pub(super) fn is_left_to_others(&self, ended: u32, outcome: &Outcome) -> bool {
        outcome.retry != RetryRule::Never && self.flight.other_than(ended).is_some()
    }

    /// Ends every attempt but `winner`, which came to `class`, that still runs: its result is no
    /// longer wanted. The driver drops its work before it hands anything on.
    #[inline]
    pub(super) fn abandon_others(
        &mut self,
        (winner, class): (u32, Class),
        ctx: &mut Context<'_, impl Rng, impl Journal>,
    ) {
        self.hedge_at = None;
        while let Some(number) = self.flight.other_than(winner) {
            ctx.note(StepKind::Abandoned { number });
            // Only who was slow enough to be hedged, and lost to that hedge, has shown how slow.
            if class == Class::Success && number < winner {
                self.flight.set_outrun(number);
            }
            if self.ending != Ending::Keep {
                // Nobody sees how it ends.
                self.ending = Ending::Unknown;
            }
            self.end_attempt(number, &Outcome::abandoned(), ctx);
        }
    }
}
