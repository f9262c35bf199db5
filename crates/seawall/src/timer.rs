//! A timer of the runtime that is set anew whenever a machine names another instant: the one of a
//! call, of a wait for a permit, and of a wait for a rate limit. It is made when something has to
//! be waited for, not before: to make and register one costs more than the rest of a call that
//! succeeds at once.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;
use tokio::time::{Instant, Sleep, sleep_until};

use crate::clock::{Clock, ManualTimer};

pin_project! {
    /// A timer that is set anew whenever the machine names another instant.
    #[derive(Debug, Default)]
    pub(crate) struct Timer {
        #[pin]
        sleep: Option<Sleep>,
        manual: ManualTimer,
    }
}

impl Timer {
    /// Ready when `at` has come; never without one.
    pub(crate) fn poll_until(
        self: Pin<&mut Self>,
        at: Option<Instant>,
        clock: &Clock,
        cx: &mut Context<'_>,
    ) -> Poll<()> {
        let this = self.project();
        if let Some(poll) = clock.poll_manual(this.manual, at, cx) {
            return poll;
        }
        let Some(at) = at else { return Poll::Pending };
        let mut sleep = this.sleep;
        match sleep.as_mut().as_pin_mut() {
            None => sleep.set(Some(sleep_until(at))),
            Some(armed) if armed.deadline() != at => armed.reset(at),
            Some(_) => {}
        }
        let Some(armed) = sleep.as_pin_mut() else { return Poll::Pending };
        // Outside the task's budget: an attempt that uses the budget up at every poll would
        // otherwise keep its own deadline from ever being seen.
        Pin::new(&mut tokio::task::coop::unconstrained(armed)).poll(cx)
    }
}
