//! What the machine's verdict means to whoever awaits the call.

use std::future::Future;

use seawall_core::reason::Reason;

use super::{Handle, Ladder, Parts, Provenance};
use crate::error::Error;

impl<P, Op, Fut, L, T, E> Parts<'_, P, Op, Fut, L>
where
    P: Handle,
    Fut: Future<Output = Result<T, E>>,
    L: Ladder<T, E>,
{
    /// Ends the call with what was kept. Attempts that still run have lost: they are dropped
    /// before the value is handed on.
    pub(super) fn answer(&mut self, provenance: Provenance) -> Result<L::Answer, Error<E>> {
        self.attempts.as_mut().drop_all();
        self.guard.tell_end();
        match self.kept.take() {
            Some(Ok(value)) => Ok(L::answer(value, provenance)),
            Some(Err(error)) => Err(self.failed(error)),
            None => {
                debug_assert!(false, "an answer of which nothing was kept");
                Err(self.timed_out(Reason::Internal))
            }
        }
    }

    /// Ends the call before any attempt.
    #[cold]
    pub(super) fn reject(&mut self, reason: Reason) -> Error<E> {
        self.attempts.as_mut().drop_all();
        self.guard.tell_end();
        let (policy, until) = (self.guard.name().cloned(), self.guard.until());
        Error::Rejected { policy, reason, until }
    }

    /// Ends the call without a result.
    #[cold]
    pub(super) fn fail(&mut self, reason: Reason) -> Error<E> {
        self.attempts.as_mut().drop_all();
        self.guard.tell_end();
        self.timed_out(reason)
    }

    fn failed(&self, error: E) -> Error<E> {
        Error::Failed {
            policy: self.guard.name().cloned(),
            error,
            // The machine is silent where nobody would have retried.
            reason: self.guard.denied().unwrap_or(Reason::NotRetryable),
            attempts: self.guard.attempts(),
            elapsed: self.guard.elapsed(),
            retry_after: *self.hint,
            budget: self.guard.spent(),
            ending: self.guard.ending(),
        }
    }

    fn timed_out(&self, reason: Reason) -> Error<E> {
        Error::TimedOut {
            policy: self.guard.name().cloned(),
            reason,
            denied: self.guard.denied(),
            attempts: self.guard.attempts(),
            elapsed: self.guard.elapsed(),
            budget: self.guard.spent(),
            ending: self.guard.ending(),
        }
    }
}
