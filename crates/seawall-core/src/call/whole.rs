//! Answers that arrive whole.
//!
//! Where head and body are one, as the result of a function is, a driver reports both at once.
//! Everything but a plain success goes the way of `machine.rs` and `endings.rs`.

use crate::hold::Counts;
use crate::idempotency::Ending;
use crate::outcome::{Class, Observation, PLAIN_SUCCESS, Reach};
use crate::rng::Rng;
use crate::timeout::Sample;
use crate::upstream::AttemptEnd;

use super::machine::{Call, Context, Doing, Journal};
use super::table::{Event as By, State};
use super::trail::StepKind;
use super::{Action, Replay, Verdict};

impl Call {
    /// The whole answer to attempt `number` has arrived: [`Call::head`] and, where that hands it
    /// on, the end of its body.
    #[inline]
    pub fn answered(
        &mut self,
        number: u32,
        seen: Observation,
        replay: Replay,
        ctx: &mut Context<'_, impl Rng, impl Journal>,
    ) -> Action {
        if self.is_plain(number, &seen, ctx) {
            return self.serve(number, seen, ctx);
        }
        let action = self.head(number, seen, replay, ctx);
        if let Action::Deliver(number) = action {
            return self.ended(number, Observation::Completed, Replay::Possible, ctx);
        }
        action
    }

    /// Whether the only attempt of a call without hedges has brought what most attempts bring.
    #[inline]
    fn is_plain<R, S>(&self, number: u32, seen: &Observation, ctx: &Context<'_, R, S>) -> bool {
        self.state == State::Attempting
            && self.flight.is_only(number)
            && seen.is_plain_success(ctx.upstream.overrides())
    }

    /// Both steps in one: what the answer is to the retry, to other attempts and to the ladder need
    /// not be asked. It must leave the same behind, down to the trail and the draws.
    #[inline]
    fn serve(
        &mut self,
        number: u32,
        seen: Observation,
        ctx: &mut Context<'_, impl Rng, impl Journal>,
    ) -> Action {
        let Some(mut running) = self.flight.take(number) else { return Action::Wait };
        let elapsed = ctx.now.since(running.served);
        if let Some(spent) = running.spent.take() {
            ctx.upstream.helped(spent, ctx.now);
        }
        ctx.note(StepKind::Saw { number, seen, class: Class::Success });
        if self.away.is_some() {
            self.come_back(Reach::Answered, ctx);
        }
        let met = (Reach::Answered, running.started);
        let _counts: Counts = ctx.upstream.note_reach(&running.choice, met, ctx.now, ctx.sink);
        ctx.note(StepKind::Delivered { number });
        (self.hedge_at, self.answered) = (None, Some(number));
        self.latest = Some((Class::Success, elapsed));
        self.ending = self.ending.then(Ending::of_judged(seen, &PLAIN_SUCCESS));
        self.enter(By::Head, State::Delivering, Doing::Delivery { attempt: number });
        let (outcome, timeout) = (&PLAIN_SUCCESS, running.timeout);
        let sample = Some(Sample::Answered(elapsed));
        let end = AttemptEnd { outcome, elapsed, answered: true, timeout, sample };
        let _none_met_nobody: Counts = self.return_all(running, &end, ctx);
        self.enter(By::Ended, State::Finished, Doing::Nothing);
        self.close(ctx);
        Action::Finish(Verdict::Answered { attempt: number })
    }
}
