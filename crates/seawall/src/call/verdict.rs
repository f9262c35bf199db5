//! What the machine's verdict means to whoever awaits the call.

use std::future::Future;

use seawall_core::call::{self, Verdict};
use seawall_core::reason::Reason;
use seawall_core::time::Instant;

use super::{Handle, Ladder, Parts, Provenance};
use crate::error::{Error, Spent, Until};
use crate::shared::Turn;

impl<P, Op, Fut, L, T, E> Parts<'_, P, Op, Fut, L>
where
    P: Handle,
    Fut: Future<Output = Result<T, E>>,
    L: Ladder<T, E>,
{
    /// Ends the call. Attempts that still run have lost: they are dropped before the value is
    /// handed on.
    pub(super) fn finish(&mut self, verdict: Verdict, turn: &Turn) -> Result<L::Answer, Error<E>> {
        self.attempts.as_mut().drop_all();
        self.guard.tell(&verdict);
        match verdict {
            Verdict::Answered { attempt } | Verdict::Truncated { attempt, .. } => {
                self.answer(Provenance::Attempt { number: attempt }, turn)
            }
            Verdict::FellBack { rung, why } => {
                self.answer(Provenance::Fallback { rung, why }, turn)
            }
            Verdict::Rejected { why, until } => {
                let (policy, until) = (self.guard.name().cloned(), relative(until, turn.now));
                Err(Error::Rejected { policy, reason: why, until })
            }
            Verdict::Failed { why } => Err(self.timed_out(why, turn)),
            Verdict::Cancelled => Err(self.timed_out(Reason::ClientGone, turn)),
        }
    }

    fn answer(&mut self, provenance: Provenance, turn: &Turn) -> Result<L::Answer, Error<E>> {
        match self.kept.take() {
            Some(Ok(value)) => Ok(L::answer(value, provenance)),
            Some(Err(error)) => Err(self.failed(error, turn)),
            None => {
                debug_assert!(false, "an answer of which nothing was kept");
                Err(self.timed_out(Reason::Internal, turn))
            }
        }
    }

    fn failed(&self, error: E, turn: &Turn) -> Error<E> {
        Error::Failed {
            policy: self.guard.name().cloned(),
            error,
            // The machine is silent where nobody would have retried.
            reason: self.guard.denied().unwrap_or(Reason::NotRetryable),
            attempts: self.guard.attempts(),
            elapsed: self.guard.elapsed(),
            retry_after: *self.hint,
            budget: spent(turn),
        }
    }

    fn timed_out(&self, reason: Reason, turn: &Turn) -> Error<E> {
        Error::TimedOut {
            policy: self.guard.name().cloned(),
            reason,
            denied: self.guard.denied(),
            attempts: self.guard.attempts(),
            elapsed: self.guard.elapsed(),
            budget: spent(turn),
        }
    }
}

fn spent(turn: &Turn) -> Option<Spent> {
    turn.budget.map(|budget| Spent { first: budget.first, extra: budget.extra })
}

fn relative(until: call::Until, now: Instant) -> Until {
    match until {
        call::Until::At(at) if at.is_never() => Until::Never,
        call::Until::At(at) => Until::In(at.since(now)),
        call::Until::Never => Until::Never,
        call::Until::Unknown => Until::Unknown,
    }
}
