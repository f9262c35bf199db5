//! One rate limit that lets calls wait: the core's queue behind a lock.
//!
//! The limit that only refuses, without a lock, is in `limiter.rs`.

use std::collections::HashMap;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker, ready};

use seawall_core::rate::{Claimed, QueueSettings, RateQueue, RateWaiter, Refused, Reserved};
use seawall_core::reason::Reason;
use seawall_core::time::Instant;
use seawall_core::upstream::What;

use super::rejected;
use crate::mechanism::atomic::batch::Batch;
use crate::mechanism::atomic::woken::Woken;
use crate::mechanism::report::Reports;
use crate::mechanism::{Rejected, Setup};
use crate::timer::Timer;
use crate::{BuildError, Events, Until};

/// Bounds the rate of calls, and lets those that come too early wait for their instant.
///
/// Clones share everything. Who comes first passes first. A waiter is charged when it comes and
/// told its instant, so each needs one timer, which is set anew only if somebody before it leaves
/// or the quota changes. Waiters and their waits are bounded by the settings.
#[derive(Clone, Debug)]
pub struct QueuedRateLimiter {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    locked: Mutex<Locked>,
    reports: Reports,
}

#[derive(Debug)]
struct Locked {
    machine: RateQueue,
    /// Of those who wait and have been polled. The settings bound them.
    wakers: HashMap<RateWaiter, Waker>,
    published: u64,
}

impl QueuedRateLimiter {
    /// A limit that owes nothing.
    ///
    /// # Errors
    ///
    /// [`BuildError`] for settings that cannot work.
    pub fn new(settings: QueueSettings) -> Result<Self, BuildError> {
        Self::with(settings, Setup::new())
    }

    /// The same with a name that rejections carry.
    ///
    /// # Errors
    ///
    /// [`BuildError`] for settings that cannot work.
    pub fn named(name: impl Into<Arc<str>>, settings: QueueSettings) -> Result<Self, BuildError> {
        Self::with(settings, Setup::named(name))
    }

    /// The same with a name and listeners, who hear of every wait and refusal.
    ///
    /// # Errors
    ///
    /// [`BuildError`] for settings that cannot work.
    pub fn with(settings: QueueSettings, setup: Setup) -> Result<Self, BuildError> {
        settings.validate().map_err(BuildError::of)?;
        let (machine, wakers) = (RateQueue::new(settings), HashMap::new());
        let locked = Mutex::new(Locked { machine, wakers, published: 0 });
        Ok(Self { shared: Arc::new(Shared { locked, reports: setup.reports() }) })
    }

    /// Asks for one call that does not wait. It passes nobody who does.
    ///
    /// # Errors
    ///
    /// [`Rejected`] by [`Reason::RateLimited`], until it would pass.
    pub fn try_acquire(&self) -> Result<(), Rejected> {
        let now = self.shared.reports.clock.now();
        match self.shared.reserve(1, now, now)? {
            None => Ok(()),
            // Its instant is now, and it has no more to wait for.
            Some((waiter, _)) => {
                let place = Place { shared: &self.shared, waiter: Some(waiter) };
                drop(place);
                Err(self.shared.too_late())
            }
        }
    }

    /// Passes at once or after waiting for it, no longer than the settings say. Dropping the future
    /// gives up the place, and what was charged for it goes to those behind.
    ///
    /// # Errors
    ///
    /// [`Rejected`] by [`Reason::QueueFull`], or by [`Reason::QueueWait`] when its instant would
    /// come too late, which is known at once.
    ///
    /// # Panics
    ///
    /// As Tokio's timers do: if it has to wait outside a Tokio runtime with time enabled.
    pub async fn wait(&self) -> Result<(), Rejected> {
        self.shared.wait(1, Instant::NEVER).await
    }

    /// The same for a call that costs as much as so many, and is of no use after `deadline`, if
    /// there is one.
    ///
    /// # Errors
    ///
    /// [`Rejected`], as [`QueuedRateLimiter::wait`]; or by [`Reason::CostExceedsLimit`] if it costs
    /// more than the burst.
    ///
    /// # Panics
    ///
    /// As [`QueuedRateLimiter::wait`].
    pub async fn wait_many(
        &self,
        cost: u32,
        deadline: Option<tokio::time::Instant>,
    ) -> Result<(), Rejected> {
        let until = deadline.map_or(Instant::NEVER, |at| self.shared.reports.clock.of(at));
        self.shared.wait(cost, until).await
    }

    /// Calls that wait.
    #[must_use]
    pub fn queued(&self) -> usize {
        self.shared.lock().machine.queued()
    }

    /// Calls of cost 1 that would pass now without waiting.
    #[must_use]
    pub fn remaining(&self) -> u64 {
        let now = self.shared.reports.clock.now();
        self.shared.lock().machine.remaining(now)
    }

    /// Takes other settings. What is owed stays owed, and every waiter is given a new instant. A
    /// rate of zero is a pause.
    ///
    /// # Errors
    ///
    /// [`BuildError`] for settings that cannot work; the old ones then stay in force.
    pub fn reconfigure(&self, settings: QueueSettings) -> Result<(), BuildError> {
        settings.validate().map_err(BuildError::of)?;
        let now = self.shared.reports.clock.now();
        let ((), woken) = self.shared.step(|locked| locked.machine.reconfigure(settings, now));
        drop(woken);
        Ok(())
    }

    /// The waits and refusals from now on. Bounded, see [`Events`].
    #[must_use]
    pub fn events(&self) -> Events {
        self.shared.reports.subscribe()
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.shared.reports.name.as_deref()
    }
}

impl Shared {
    /// Passes (`None`), or is given a place and its instant.
    fn reserve(
        &self,
        cost: u32,
        now: Instant,
        useful_until: Instant,
    ) -> Result<Option<(RateWaiter, Instant)>, Rejected> {
        let mut batch = Batch::new(self.reports.are_wanted());
        let (reserved, woken) = self.step(|locked| {
            let reserved = locked.machine.reserve(now, cost, useful_until, &mut batch);
            batch.number(&mut locked.published);
            reserved
        });
        drop(woken);
        self.reports.publish(batch, now, What::Rate);
        match reserved {
            Reserved::Admitted { .. } => Ok(None),
            Reserved::Queued { waiter, wake_at } => Ok(Some((waiter, wake_at))),
            Reserved::Refused { reason, refused } => Err(self.refused(reason, refused, now)),
        }
    }

    /// Whoever had no time to wait was refused by the limit, not by the queue.
    fn refused(&self, reason: Reason, refused: Refused, now: Instant) -> Rejected {
        let rejected = rejected(self.reports.name.as_ref(), refused, now);
        match refused {
            Refused::Impossible { .. } => rejected,
            Refused::Limited { .. } => Rejected { reason, ..rejected },
        }
    }

    async fn wait(&self, cost: u32, useful_until: Instant) -> Result<(), Rejected> {
        let Some((waiter, _)) = self.reserve(cost, self.reports.clock.now(), useful_until)? else {
            return Ok(());
        };
        let mut place = Place { shared: self, waiter: Some(waiter) };
        let mut timer = pin!(Timer::default());
        let clock = &self.reports.clock;
        poll_fn(|cx| {
            loop {
                let Some(wake_at) = ready!(place.claim(cx.waker())?) else {
                    return Poll::Ready(Ok(()));
                };
                ready!(timer.as_mut().poll_until(clock.runtime(wake_at), clock, cx));
            }
        })
        .await
    }

    /// One step on the machine. Those whose instant has moved are woken by dropping the second
    /// part, and set their timers anew.
    fn step<T>(&self, act: impl FnOnce(&mut Locked) -> T) -> (T, Woken) {
        let mut locked = self.lock();
        let result = act(&mut locked);
        let mut woken = Woken::default();
        while let Some(moved) = locked.machine.next_moved() {
            // Without a waker it has not been polled yet, and will ask by itself.
            if let Some(waker) = locked.wakers.remove(&moved.waiter) {
                woken.push(waker);
            }
        }
        (result, woken)
    }

    fn lock(&self) -> MutexGuard<'_, Locked> {
        self.locked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn too_late(&self) -> Rejected {
        Rejected::new(self.reports.name.as_ref(), Reason::QueueWait, Until::Unknown)
    }
}

/// A place in the queue, given up when it is dropped.
#[derive(Debug)]
struct Place<'a> {
    shared: &'a Shared,
    waiter: Option<RateWaiter>,
}

impl Place<'_> {
    /// Asks whether the instant has come: nothing if so, else when it will.
    fn claim(&mut self, waker: &Waker) -> Poll<Result<Option<Instant>, Rejected>> {
        let Some(waiter) = self.waiter else { return Poll::Ready(Err(self.shared.too_late())) };
        let now = self.shared.reports.clock.now();
        // Cloned before the lock is taken, and dropped after: both may run anything.
        let waker = waker.clone();
        let ((claimed, outlived), woken) = self.shared.step(|locked| {
            let claimed = locked.machine.claim(waiter, now);
            let outlived = match claimed {
                Claimed::StillWaiting { .. } => [locked.wakers.insert(waiter, waker), None],
                Claimed::Admitted | Claimed::Gone => [locked.wakers.remove(&waiter), Some(waker)],
            };
            (claimed, outlived)
        });
        drop((woken, outlived));
        if let Claimed::StillWaiting { wake_at } = claimed {
            return Poll::Ready(Ok(Some(wake_at)));
        }
        self.waiter = None;
        Poll::Ready(match claimed {
            Claimed::Admitted => Ok(None),
            _ => Err(self.shared.too_late()),
        })
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let Some(waiter) = self.waiter.take() else { return };
        let now = self.shared.reports.clock.now();
        let (waker, woken) = self.shared.step(|locked| {
            locked.machine.cancel(waiter, now);
            locked.wakers.remove(&waiter)
        });
        drop((woken, waker));
    }
}
