//! What goes into a step of a call's machine and what comes out of it, in the words of this driver.
//!
//! Steps are taken in `shared.rs`, and carried out in `call/`.

use std::task::Waker;

use seawall_core::bulkhead::Waiter;
use seawall_core::call::{self, Action, Call as Machine, Replay, Rung, Verdict};
use seawall_core::outcome::Observation;
use seawall_core::reason::Reason;
use seawall_core::time::Instant;

use crate::attempt::Endpoint;
use crate::call::Provenance;
use crate::error::{Spent, Until};
use crate::shared::Ctx;

/// What happened to a call.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Input {
    /// An attempt brought a result.
    Result { number: u32, seen: Observation, replay: Replay },
    /// An attempt ended without one.
    Ended { number: u32, seen: Observation, replay: Replay },
    /// There may be a permit.
    Granted,
    /// Time has passed.
    Timer(Replay),
    /// The ladder was asked.
    RungDone(Rung),
    /// Nobody waits for it any more.
    Cancelled,
}

impl Input {
    /// Tells the machine. A result is whole when it arrives, so what the machine says to hand on
    /// has ended in the same moment, under the same lock.
    #[inline]
    pub(crate) fn act(&self, machine: &mut Machine, ctx: &mut Ctx<'_>) -> Action {
        match *self {
            Self::Result { number, seen, replay } => machine.answered(number, seen, replay, ctx),
            _ => self.act_later(machine, ctx),
        }
    }

    /// All that is not the result of an attempt; out of the way of those that are.
    #[inline(never)]
    fn act_later(&self, machine: &mut Machine, ctx: &mut Ctx<'_>) -> Action {
        match self.act_once(machine, ctx) {
            Action::Deliver(number) => {
                machine.ended(number, Observation::Completed, Replay::Possible, ctx)
            }
            action => action,
        }
    }

    #[inline]
    fn act_once(&self, machine: &mut Machine, ctx: &mut Ctx<'_>) -> Action {
        match *self {
            Self::Result { number, seen, replay } => machine.answered(number, seen, replay, ctx),
            Self::Ended { number, seen, replay } => machine.ended(number, seen, replay, ctx),
            Self::Granted => machine.granted(ctx),
            Self::Timer(replay) => machine.timer(replay, ctx),
            Self::RungDone(rung) => machine.rung_done(rung, ctx),
            Self::Cancelled => {
                machine.cancelled(ctx);
                Action::Wait
            }
        }
    }
}

/// What a call does next.
///
/// Small enough to be handed back in registers: an action of the machine that is written, copied
/// and read at once costs more than what the machine decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// Makes an attempt; the rest about it is in the [`Place`].
    Attempt(u32),
    /// Waits for a result, a permit, or the time that the machine names.
    Wait,
    /// Drops an attempt whose time is over.
    Abandon(u32),
    /// Asks a rung of the ladder.
    FallBack { rung: u8, why: Reason },
    /// Ends with what was kept.
    Answer(Provenance),
    /// Ends without an attempt; until when is in the [`Place`].
    Reject(Reason),
    /// Ends without a result.
    Fail(Reason),
}

/// What steps leave with their call, beside its machine. Written where it changes.
#[derive(Debug)]
pub(crate) struct Place {
    /// The number of the call.
    pub(crate) call: u64,
    /// Where it waits for a permit, if it does.
    pub(crate) waiter: Option<Waiter>,
    /// Cloned before the lock is taken: cloning may run anything.
    pub(crate) waker: Option<Waker>,
    /// The time of the latest step.
    pub(crate) now: Instant,
    /// By when the latest attempt must have ended.
    pub(crate) deadline: Instant,
    /// Where it goes, if to an endpoint.
    pub(crate) endpoint: Option<Endpoint>,
    /// Until when the call was refused, if it was.
    pub(crate) until: Until,
    /// Whether no other attempt can follow that one.
    pub(crate) last: bool,
    /// How the call ended.
    pub(crate) verdict: Option<Verdict>,
    /// What the budget held, if it is why the call ended.
    pub(crate) spent: Option<Spent>,
}

impl Place {
    pub(crate) const fn new() -> Self {
        Self {
            call: 0,
            waiter: None,
            waker: None,
            now: Instant::EPOCH,
            deadline: Instant::NEVER,
            endpoint: None,
            until: Until::Unknown,
            last: false,
            verdict: None,
            spent: None,
        }
    }

    /// Keeps what does not fit into the answer.
    #[inline]
    pub(crate) fn keep(&mut self, action: &Action, now: Instant) -> Next {
        self.now = now;
        match action {
            Action::Attempt(plan) => {
                (self.deadline, self.last) = (plan.deadline, plan.last);
                Next::Attempt(plan.number)
            }
            Action::Enqueue(_) | Action::Wait | Action::Deliver(_) => Next::Wait,
            Action::Abandon(number) => Next::Abandon(*number),
            Action::FallBack { rung, why } => Next::FallBack { rung: *rung, why: *why },
            Action::Finish(verdict) => self.end(verdict),
        }
    }

    fn end(&mut self, verdict: &Verdict) -> Next {
        self.verdict = Some(*verdict);
        match verdict {
            Verdict::Answered { attempt } | Verdict::Truncated { attempt, .. } => {
                Next::Answer(Provenance::Attempt { number: *attempt })
            }
            Verdict::FellBack { rung, why } => {
                Next::Answer(Provenance::Fallback { rung: *rung, why: *why })
            }
            Verdict::Rejected { why, until } => {
                self.until = relative(*until, self.now);
                Next::Reject(*why)
            }
            Verdict::Failed { why } => Next::Fail(*why),
            Verdict::Cancelled => Next::Fail(Reason::ClientGone),
        }
    }
}

fn relative(until: call::Until, now: Instant) -> Until {
    match until {
        call::Until::At(at) if at.is_never() => Until::Never,
        call::Until::At(at) => Until::In(at.since(now)),
        call::Until::Never => Until::Never,
        call::Until::Unknown => Until::Unknown,
    }
}
