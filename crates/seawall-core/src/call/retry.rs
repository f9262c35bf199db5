//! Whether another attempt follows, and when.
//!
//! The questions are asked in a fixed order; the budget comes last, so that no token is spent on
//! a call that could not have retried anyway.

use crate::backoff::{FirstRetry, HINT_MAX, follow};
use crate::budget::{Purpose, Reservation};
use crate::deadline;
use crate::outcome::{Class, Demand, Latency, Origin, Outcome, Pushback, RetryRule};
use crate::reason::Reason;
use crate::rng::Rng;
use crate::time::Duration;

use super::machine::{Call, Context, Journal};
use super::{ATTEMPTS_MAX, Replay};

/// Why no other attempt follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Denied(pub Reason);

/// Another attempt, paid for.
#[derive(Debug)]
pub(super) struct Retry {
    pub(super) after: Duration,
    pub(super) reservation: Reservation,
}

impl Call {
    /// Plans another attempt after `outcome`, or says why there is none. A call that a further
    /// attempt could have helped, and that has none, is lost: the budget learns from it whether
    /// extra attempts are any good.
    pub(super) fn plan_retry(
        &mut self,
        outcome: &Outcome,
        replay: Replay,
        ctx: &mut Context<'_, impl Rng, impl Journal>,
    ) -> Result<Retry, Denied> {
        let planned = self.plan(outcome, replay, ctx);
        if let Err(Denied(why)) = planned
            && outcome.class == Class::Failure
            && is_loss(why)
        {
            ctx.upstream.lost(ctx.now);
        }
        planned
    }

    fn plan(
        &mut self,
        outcome: &Outcome,
        replay: Replay,
        ctx: &mut Context<'_, impl Rng, impl Journal>,
    ) -> Result<Retry, Denied> {
        self.may_retry(outcome, replay, ctx)?;
        if outcome.demand != Demand::Nothing && outcome.demand == self.demand {
            // It has been met, and the service still will not have the request.
            return Err(Denied(Reason::NotRetryable));
        }
        if !ctx.upstream.breaker_allows_retry(self.ticket.as_ref(), ctx.now) {
            return Err(Denied(Reason::BreakerOpen));
        }
        let after = self.retry_delay(outcome, ctx)?;
        if !ctx.upstream.has_endpoint() {
            return Err(Denied(Reason::NoHealthyEndpoint));
        }
        match ctx.upstream.reserve_extra(Purpose::Retry, ctx.now, ctx.sink) {
            Ok(reservation) => {
                self.demand = outcome.demand;
                Ok(Retry { after, reservation })
            }
            Err(_) => Err(Denied(Reason::BudgetEmpty)),
        }
    }

    /// Class, safety, replay and the limit of attempts.
    #[inline]
    fn may_retry(
        &mut self,
        outcome: &Outcome,
        replay: Replay,
        ctx: &mut Context<'_, impl Rng, impl Journal>,
    ) -> Result<(), Denied> {
        let repeatable = self.facts.safety.is_repeatable();
        match outcome.retry {
            RetryRule::Never => return Err(Denied(Reason::NotRetryable)),
            RetryRule::IfSafe if !repeatable => return Err(Denied(Reason::NotIdempotent)),
            RetryRule::IfSafe | RetryRule::Always => {}
        }
        if replay == Replay::Lost {
            return Err(Denied(Reason::ReplayOverflow));
        }
        let within = self.is_within(self.settings.max_attempts);
        if within || self.may_go_on(ctx) || self.spare(outcome, ctx) {
            return Ok(());
        }
        Err(Denied(Reason::AttemptsExhausted))
    }

    /// Whether the limits could leave a retry, whatever comes.
    #[inline]
    pub(super) fn has_attempts_left(&self) -> bool {
        self.is_within(self.settings.max_attempts.max(self.settings.max_while_helping))
    }

    /// Whether another attempt stays within this limit. Hedges have a limit of their own.
    #[inline]
    const fn is_within(&self, most: u32) -> bool {
        let made = self.attempts - self.hedges;
        let most = if self.facts.only.is_some() { 1 } else { most };
        made < most && self.attempts < ATTEMPTS_MAX
    }

    /// Gives the call one attempt beyond its limit, once, where it was the way that broke. The
    /// limit is there for requests that harm whoever serves them, and for services that fail.
    /// Where the endpoint whose connection was lost first has answered others since, it is neither.
    #[cold]
    fn spare(&mut self, outcome: &Outcome, ctx: &Context<'_, impl Rng, impl Journal>) -> bool {
        let retried = self.settings.max_attempts > 1 && self.facts.only.is_none();
        let lost = outcome.reason == Some(Reason::ConnectionLost);
        let alive = || {
            self.lost.is_some_and(|(endpoint, at)| ctx.upstream.has_answered_since(endpoint, at))
        };
        let fits = retried && lost && !self.spared && self.attempts < ATTEMPTS_MAX && alive();
        self.spared |= fits;
        fits
    }

    /// Whether the next attempt can go at once to an endpoint that has no part in what failed.
    fn goes_elsewhere(&self, outcome: &Outcome, ctx: &Context<'_, impl Rng, impl Journal>) -> bool {
        let cut_off = outcome.origin == Origin::Network && outcome.latency == Latency::Nothing;
        self.settings.backoff.first == FirstRetry::AtOnceElsewhere
            && self.attempts - self.hedges <= 1
            && cut_off
            && ctx.upstream.has_other(self.tried.as_slice(), ctx.now)
    }

    /// Whether retries help at present, so that the call may have more of them than usual. Each of
    /// its attempts was answered: one that was not may have cost all of its time, or its endpoint.
    #[cold]
    fn may_go_on(&self, ctx: &mut Context<'_, impl Rng, impl Journal>) -> bool {
        self.is_within(self.settings.max_while_helping)
            && self.unanswered == 0
            && ctx.upstream.retries_help(ctx.now)
    }

    /// The wait before the next attempt, if that attempt can still end in time.
    fn retry_delay(
        &mut self,
        outcome: &Outcome,
        ctx: &mut Context<'_, impl Rng, impl Journal>,
    ) -> Result<Duration, Denied> {
        let backoff = match outcome.throttled {
            true => self.settings.throttled_backoff,
            false => self.settings.backoff,
        };
        let (retry, draw) = (self.attempts - self.hedges, ctx.rng.draw());
        let mut after = match outcome.retry {
            _ if self.goes_elsewhere(outcome, ctx) => self.backoff.at_once(retry),
            RetryRule::Always => self.backoff.next_unsent(&backoff, retry, draw),
            RetryRule::IfSafe | RetryRule::Never => self.backoff.next(&backoff, retry, draw),
        };
        let left = self.remaining(ctx.now);
        if let Some(Pushback::After(wait)) = outcome.pushback {
            // The service sets the wait itself: no jitter, and the schedule begins anew.
            if wait > HINT_MAX {
                return Err(Denied(Reason::RetryAfterBeyondDeadline));
            }
            self.backoff.restart_after(retry);
            after = wait;
        } else if let Some(hint) = outcome.retry_after {
            let followed = follow(after, hint, left, ctx.rng.draw());
            after = followed.map_err(|_| Denied(Reason::RetryAfterBeyondDeadline))?;
        }
        let useful = ctx.upstream.min_useful(ctx.now);
        let fits = deadline::can_finish(ctx.now, after, useful, self.attempts_end);
        fits.then_some(after).ok_or(Denied(Reason::DeadlineCannotFit))
    }
}

/// Whether what denies an attempt is that attempts did not help, or that there may be no more of
/// them. What must not be repeated says nothing about that.
const fn is_loss(why: Reason) -> bool {
    matches!(
        why,
        Reason::AttemptsExhausted
            | Reason::BudgetEmpty
            | Reason::DeadlineCannotFit
            | Reason::BreakerOpen
            | Reason::NoHealthyEndpoint
    )
}
