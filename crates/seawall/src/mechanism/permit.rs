//! The guard of a permit, and waiting for one.

use std::future::poll_fn;
use std::pin::pin;
use std::task::{Poll, Waker, ready};

use seawall_core::bulkhead::{self as core, Claimed, Waiter};
use seawall_core::reason::Reason;
use seawall_core::time::Instant;

use super::Rejected;
use super::bulkhead::{Arrival, Shared};
use super::hold::Hold;
use crate::Until;
use crate::timer::Timer;

/// The right to occupy one place of a bulkhead. It comes free when this is dropped, and goes to
/// whoever waits for it.
#[derive(Debug)]
#[must_use = "a permit that is dropped at once admits nothing"]
pub struct Permit<'a> {
    shared: Hold<'a, Shared>,
    permit: Option<core::Permit>,
    since: Option<Instant>,
}

impl<'a> Permit<'a> {
    #[inline]
    pub(super) fn new(shared: Hold<'a, Shared>, permit: core::Permit) -> Self {
        let since = shared.held_since();
        Self { shared, permit: Some(permit), since }
    }
}

impl Drop for Permit<'_> {
    #[inline]
    fn drop(&mut self) {
        if let Some(permit) = self.permit.take() {
            self.shared.release(permit, self.since);
        }
    }
}

/// A permit, at once or after waiting.
pub(super) async fn acquire(
    shared: Hold<'_, Shared>,
    useful_until: Instant,
) -> Result<Permit<'_>, Rejected> {
    if let Some(permit) = shared.compartment.take() {
        return Ok(Permit::new(shared, permit));
    }
    match shared.arrive(shared.reports.clock.now(), useful_until)? {
        Arrival::Permit(permit) => Ok(Permit::new(shared, permit)),
        Arrival::Queued(waiter, until) => {
            let mut place = Place { shared: &shared, waiter: Some(waiter) };
            let permit = place.wait(until).await?;
            drop(place);
            Ok(Permit::new(shared, permit))
        }
    }
}

const fn waits(claimed: &Claimed) -> bool {
    matches!(claimed, Claimed::StillWaiting)
}

/// A place in the queue, given up when it is dropped.
#[derive(Debug)]
struct Place<'a> {
    shared: &'a Shared,
    waiter: Option<Waiter>,
}

impl Place<'_> {
    /// Waits for the permit, or the end of the time to wait for it. One timer, set once.
    async fn wait(&mut self, until: Instant) -> Result<core::Permit, Rejected> {
        let clock = self.shared.reports.clock.clone();
        let mut timer = pin!(Timer::default());
        poll_fn(|cx| {
            if let Poll::Ready(claimed) = self.claim(cx.waker()) {
                return Poll::Ready(claimed);
            }
            ready!(timer.as_mut().poll_until(clock.runtime(until), &clock, cx));
            self.give_up();
            Poll::Ready(Err(self.too_late()))
        })
        .await
    }

    fn claim(&mut self, waker: &Waker) -> Poll<Result<core::Permit, Rejected>> {
        let Some(waiter) = self.waiter else { return Poll::Ready(Err(self.too_late())) };
        let now = self.shared.reports.clock.now();
        // Cloned before the lock is taken, and dropped after: both may run anything.
        let mut waker = Some(waker.clone());
        let (claimed, outlived) = self.shared.step(now, |locked| {
            let claimed = locked.machine.claim(waiter, now);
            let outlived = match (&claimed, waker.take_if(|_| waits(&claimed))) {
                (Claimed::StillWaiting, Some(waker)) => locked.wakers.insert(waiter, waker),
                _ => locked.wakers.remove(&waiter),
            };
            (claimed, outlived)
        });
        drop((outlived, waker));
        match claimed {
            Claimed::StillWaiting => Poll::Pending,
            Claimed::Permit(permit) => {
                self.waiter = None;
                Poll::Ready(Ok(permit))
            }
            Claimed::Gone => {
                self.waiter = None;
                Poll::Ready(Err(self.too_late()))
            }
        }
    }

    fn give_up(&mut self) {
        if let Some(waiter) = self.waiter.take() {
            self.shared.leave(waiter);
        }
    }

    fn too_late(&self) -> Rejected {
        self.shared.rejected(Reason::QueueWait, Until::Unknown)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.give_up();
    }
}
