//! How a call ends: down the ladder, with an answer, or without.

use crate::breaker::Ended;
use crate::hedge::Race;
use crate::idempotency::Ending;
use crate::outcome::{Class, Connection, Observation, Outcome, Reach, Sent, classify_with};
use crate::reason::Reason;
use crate::rng::Rng;
use crate::time::{Duration, Instant};

use super::machine::{Call, Context, Doing, Journal, Refusal};
use super::table::{Event as By, State};
use super::trail::StepKind;
use super::{Action, Denied, Replay, Until, Verdict};

/// Requests that provably never left are sent again without charge so often. It takes two stale
/// connections in a row to use them up; after that a retry must be paid for.
const RESENDS_MAX: u32 = 2;

impl Call {
    /// A request that provably never left goes out again at once, on another connection.
    pub(super) fn may_resend(&self, seen: Observation, replay: Replay) -> bool {
        let stale = Observation::Lost { connection: Connection::Reused, sent: Sent::No };
        seen == stale && replay == Replay::Possible && self.resends < RESENDS_MAX
    }

    pub(super) fn deny(&mut self, denied: Denied, ctx: &mut Context<'_, impl Rng, impl Journal>) {
        self.denied = Some(denied.0);
        ctx.note(StepKind::RetryDenied(denied.0));
    }

    pub(super) fn reason_of(&self, outcome: &Outcome, now: Instant) -> Reason {
        match outcome.reason {
            Some(Reason::AttemptTimeout) if now >= self.attempts_end => Reason::DeadlineExceeded,
            Some(reason) => reason,
            None => Reason::ConnectionLost,
        }
    }

    /// No attempt will bring the call further: down the ladder, or the last answer, or the end.
    #[cold]
    pub(super) fn give_up(
        &mut self,
        by: By,
        why: Reason,
        until: Until,
        ctx: &mut Context<'_, impl Rng, impl Journal>,
    ) -> Action {
        self.give_back(ctx);
        self.descend(by, 0, Refusal { why, until }, ctx)
    }

    /// Returns what was taken for an attempt that will not be made.
    #[inline]
    fn give_back(&mut self, ctx: &mut Context<'_, impl Rng, impl Journal>) {
        if let Some(reservation) = self.reservation.take() {
            ctx.upstream.refund(reservation, ctx.now);
        }
        if let Some(passed) = self.passed.take() {
            ctx.upstream.settle_throttle(Some(passed), None, ctx.now, ctx.sink);
        }
    }

    /// Asks rung number `rung`, or ends the call where the ladder does.
    pub(super) fn descend(
        &mut self,
        by: By,
        rung: u8,
        refusal: Refusal,
        ctx: &mut Context<'_, impl Rng, impl Journal>,
    ) -> Action {
        let Refusal { why, until } = refusal;
        if rung < self.settings.rungs {
            // No attempt follows, so the upstream is judged now: a slow rung, and whoever answers
            // it, must not keep a place among its probes.
            self.settle(ctx);
            ctx.note(StepKind::FellBack { rung, why });
            self.enter(by, State::FallingBack, Doing::Rung { rung, refusal });
            return Action::FallBack { rung, why };
        }
        if let Some(number) = self.answered {
            return self.deliver(by, number, ctx);
        }
        ctx.note(StepKind::Refused(why));
        let verdict = match self.attempts {
            0 => Verdict::Rejected { why, until },
            _ => Verdict::Failed { why },
        };
        self.finish(by, verdict, ctx)
    }

    /// Hands on the answer of attempt `number`, which may still be arriving or stand by whole.
    #[inline]
    pub(super) fn deliver(
        &mut self,
        by: By,
        number: u32,
        ctx: &mut Context<'_, impl Rng, impl Journal>,
    ) -> Action {
        if let Some(hedge) = self.flight.take_hedge(number) {
            ctx.upstream.hedge_ended(hedge, Race::Won, ctx.now, ctx.sink);
        }
        ctx.note(StepKind::Delivered { number });
        self.enter(by, State::Delivering, Doing::Delivery { attempt: number });
        Action::Deliver(number)
    }

    /// The answer that was handed on has ended. A body that breaks off is a failure of the
    /// service, whatever its head said.
    #[inline]
    pub(super) fn delivered(
        &mut self,
        number: u32,
        seen: Observation,
        ctx: &mut Context<'_, impl Rng, impl Journal>,
    ) -> Action {
        let body = classify_with(seen, self.settings.opt_ins, ctx.upstream.overrides());
        if body.class != Class::Success {
            // The work was done, and there is no whole answer to keep.
            self.ending = Ending::Unknown;
            ctx.note(StepKind::Saw { number, seen, class: body.class });
        }
        self.end_delivery(number, body, ctx);
        let verdict = match body.class {
            Class::Success => Verdict::Answered { attempt: number },
            Class::Abandoned => Verdict::Cancelled,
            Class::Failure | Class::Ignored => {
                let why = body.reason.unwrap_or(Reason::ResponseIncomplete);
                Verdict::Truncated { attempt: number, why }
            }
        };
        self.finish(By::Ended, verdict, ctx)
    }

    /// Credits the endpoint of an answer with the worse of its head, if it came, and its body.
    #[inline]
    pub(super) fn end_delivery(
        &mut self,
        number: u32,
        body: Outcome,
        ctx: &mut Context<'_, impl Rng, impl Journal>,
    ) {
        let Some(running) = self.flight.find(number) else { return };
        let (outcome, elapsed) = match running.head {
            None => (body, ctx.now.since(running.served)),
            Some((head, elapsed)) => {
                // A caller that hangs up on a bad answer makes it no better.
                let stands = match body.class {
                    Class::Success => true,
                    Class::Abandoned => head.class != Class::Success,
                    Class::Failure | Class::Ignored => false,
                };
                (if stands { head } else { body }, elapsed)
            }
        };
        self.latest = Some((outcome.class, elapsed));
        self.end_attempt(number, &outcome, ctx);
    }

    /// The caller left while attempts were in flight.
    #[cold]
    pub(super) fn cancel_attempts(&mut self, ctx: &mut Context<'_, impl Rng, impl Journal>) {
        while let Some(number) = self.flight.any() {
            self.ending = Ending::Unknown;
            self.end_delivery(number, Outcome::abandoned(), ctx);
        }
    }

    pub(super) fn finish(
        &mut self,
        by: By,
        verdict: Verdict,
        ctx: &mut Context<'_, impl Rng, impl Journal>,
    ) -> Action {
        self.enter(by, State::Finished, Doing::Nothing);
        self.close(ctx);
        Action::Finish(verdict)
    }

    /// Whether another attempt would have brought an answer stays unknown.
    pub(super) fn leave_undecided(&mut self) {
        self.latest = self.latest.map(|(_, elapsed)| (Class::Abandoned, elapsed));
    }

    /// Settles what the call holds as a whole.
    ///
    /// While an answer is delivered it still holds its place among the probes of the upstream: a
    /// body that breaks off is a failure whatever its head said, so nobody knows before its end
    /// what the probe has found, and giving the place to another would make two of one.
    #[inline(always)]
    pub(super) fn close(&mut self, ctx: &mut Context<'_, impl Rng, impl Journal>) {
        self.give_back(ctx);
        if self.away.is_some() {
            self.come_back(Reach::Unknown, ctx);
        }
        self.settle(ctx);
    }

    /// Tells the breaker of the upstream what the call came to. A call without an attempt says
    /// nothing about the upstream, however long it waited for us.
    #[inline(always)]
    fn settle(&mut self, ctx: &mut Context<'_, impl Rng, impl Journal>) {
        if let Some(ticket) = self.ticket.take() {
            let (class, elapsed) = match self.latest {
                Some(latest) => latest,
                None => (Class::Ignored, Duration::ZERO),
            };
            let ended = Ended { class, elapsed };
            ctx.upstream.settle_call(ticket, ended, (ctx.now, ctx.rng.draw()), ctx.sink);
        }
    }
}
