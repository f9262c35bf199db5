//! How a call waits through an outage.
//!
//! Who is held, and until when, is decided by `crate::hold`; here is what the call itself has to
//! say: it must provably have been sent to nobody, or be safe to repeat and have paid for it.

use crate::deadline;
use crate::hold::{Look, NotHeld, Patience, Place, Wish};
use crate::outcome::{Outcome, Reach};
use crate::reason::Reason;
use crate::rng::Rng;

use super::attempt::Tried;
use super::machine::{Call, Context, Doing, Journal};
use super::table::{Event as By, State};
use super::trail::StepKind;
use super::{Action, Denied, Replay, Until};

impl Call {
    /// Whether it may be held at all. Where there is a ladder a substitute at once is better than
    /// an answer late; and who has to ask one endpoint does not wait for the others.
    pub(super) const fn is_holdable(&self) -> bool {
        self.settings.rungs == 0 && self.facts.only.is_none()
    }

    /// An attempt that came to `outcome` met nobody. If nobody is met anywhere, that costs the call
    /// nothing but time, and nothing else is to be tried; none if others may be there.
    #[cold]
    pub(super) fn meet_outage(
        &mut self,
        outcome: &Outcome,
        replay: Replay,
        ctx: &mut Context<'_, impl Rng, impl Journal>,
    ) -> Option<Action> {
        if !ctx.upstream.is_unreachable() || self.facts.only.is_some() {
            return None;
        }
        if self.settings.rungs > 0 {
            self.deny(Denied(Reason::UpstreamUnreachable), ctx);
            let why = self.reason_of(outcome, ctx.now);
            return Some(self.give_up(By::Ended, why, Until::Unknown, ctx));
        }
        (replay == Replay::Possible).then(|| self.wait_out(ctx))
    }

    /// Waits for the end of the outage, or probes for it if that is due.
    fn wait_out(&mut self, ctx: &mut Context<'_, impl Rng, impl Journal>) -> Action {
        // What met nobody counts against nothing, and those who met nobody may be asked again.
        self.attempts -= self.unmet;
        self.vain = self.vain.saturating_add(core::mem::take(&mut self.unmet));
        (self.tried, self.probed, self.latest) = (Tried::new(), false, None);
        self.acquire(By::Ended, ctx)
    }

    /// There is nobody to send it to: it is held, or ends here.
    #[cold]
    pub(super) fn hold_back(
        &mut self,
        by: By,
        ctx: &mut Context<'_, impl Rng, impl Journal>,
    ) -> Action {
        if let Some(passed) = self.passed.take() {
            ctx.upstream.settle_throttle(Some(passed), None, ctx.now, ctx.sink);
        }
        self.latest = None;
        if !self.is_holdable() {
            return self.give_up(by, Reason::UpstreamUnreachable, Until::Unknown, ctx);
        }
        let useful = ctx.upstream.min_useful(ctx.now);
        let until = deadline::of_queue(self.attempts_end, useful);
        let patience = match self.facts.remaining {
            Some(_) => Patience::Told,
            None => Patience::Unknown,
        };
        let wish = Wish { until, since: self.held_since, body: self.facts.body, patience };
        let away = self.away.take();
        match ctx.upstream.hold(wish, away, ctx.now, ctx.sink) {
            Ok((place, look_at)) => {
                self.held_since = Some(self.held_since.unwrap_or(ctx.now));
                ctx.note(StepKind::Held { until: place.until() });
                self.enter(by, State::Holding, Doing::Hold { place, look_at });
                Action::Enqueue(place.waiter())
            }
            Err(why) => self.give_up(by, reason(why), Until::Unknown, ctx),
        }
    }

    /// Looks whether the hold is over.
    pub(super) fn look(
        &mut self,
        by: By,
        place: Place,
        ctx: &mut Context<'_, impl Rng, impl Journal>,
    ) -> Action {
        match ctx.upstream.look(place, ctx.now, ctx.sink) {
            Look::Held { look_at } => {
                self.doing = Doing::Hold { place, look_at };
                Action::Enqueue(place.waiter())
            }
            Look::Go(away) => {
                self.away = Some(away);
                ctx.note(StepKind::Released);
                self.acquire(by, ctx)
            }
            Look::Over => self.give_up(by, Reason::UpstreamUnreachable, Until::Unknown, ctx),
        }
    }

    /// A call that had been held has met somebody, or ends.
    #[cold]
    pub(super) fn come_back(
        &mut self,
        reach: Reach,
        ctx: &mut Context<'_, impl Rng, impl Journal>,
    ) {
        if let Some(away) = self.away.take() {
            ctx.upstream.back_from_hold(away, reach, ctx.now, ctx.sink);
        }
    }
}

const fn reason(why: NotHeld) -> Reason {
    match why {
        NotHeld::Full => Reason::HoldFull,
        NotHeld::NoTime => Reason::UpstreamUnreachable,
    }
}
