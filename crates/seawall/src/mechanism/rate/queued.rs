//! One rate limit that lets calls wait: the core's queue behind a lock.
//!
//! The limit that only refuses, without a lock, is in `limiter.rs`.

use std::collections::HashMap;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker, ready};

use seawall_core::event::Discard;
use seawall_core::rate::{Claimed, QueueSettings, RateQueue, RateWaiter, Refused, Reserved};
use seawall_core::reason::Reason;
use seawall_core::time::Instant;
use tokio::task::coop::unconstrained;
use tokio::time::{Sleep, sleep_until};

use super::rejected;
use crate::clock::Clock;
use crate::mechanism::Rejected;
use crate::mechanism::atomic::woken::Woken;
use crate::{BuildError, Until};

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
    name: Option<Arc<str>>,
    clock: Clock,
}

#[derive(Debug)]
struct Locked {
    machine: RateQueue,
    /// Of those who wait and have been polled. The settings bound them.
    wakers: HashMap<RateWaiter, Waker>,
}

impl QueuedRateLimiter {
    /// A limit that owes nothing.
    ///
    /// # Errors
    ///
    /// [`BuildError`] for settings that cannot work.
    pub fn new(settings: QueueSettings) -> Result<Self, BuildError> {
        Self::build(None, settings)
    }

    /// The same with a name that rejections carry.
    ///
    /// # Errors
    ///
    /// [`BuildError`] for settings that cannot work.
    pub fn named(name: impl Into<Arc<str>>, settings: QueueSettings) -> Result<Self, BuildError> {
        Self::build(Some(name.into()), settings)
    }

    /// Asks for one call that does not wait. It passes nobody who does.
    ///
    /// # Errors
    ///
    /// [`Rejected`] by [`Reason::RateLimited`], until it would pass.
    pub fn try_acquire(&self) -> Result<(), Rejected> {
        let now = self.shared.clock.now();
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
        let until = deadline.map_or(Instant::NEVER, |at| self.shared.clock.of(at));
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
        let now = self.shared.clock.now();
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
        let now = self.shared.clock.now();
        let ((), woken) = self.shared.step(|locked| locked.machine.reconfigure(settings, now));
        drop(woken);
        Ok(())
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.shared.name.as_deref()
    }

    fn build(name: Option<Arc<str>>, settings: QueueSettings) -> Result<Self, BuildError> {
        settings.validate().map_err(BuildError::of)?;
        let locked = Locked { machine: RateQueue::new(settings), wakers: HashMap::new() };
        let shared = Shared { locked: Mutex::new(locked), name, clock: Clock::start() };
        Ok(Self { shared: Arc::new(shared) })
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
        let act =
            |locked: &mut Locked| locked.machine.reserve(now, cost, useful_until, &mut Discard);
        let (reserved, woken) = self.step(act);
        drop(woken);
        match reserved {
            Reserved::Admitted { .. } => Ok(None),
            Reserved::Queued { waiter, wake_at } => Ok(Some((waiter, wake_at))),
            Reserved::Refused { reason, refused } => Err(self.refused(reason, refused, now)),
        }
    }

    /// Whoever had no time to wait was refused by the limit, not by the queue.
    fn refused(&self, reason: Reason, refused: Refused, now: Instant) -> Rejected {
        let rejected = rejected(self.name.as_ref(), refused, now);
        match refused {
            Refused::Impossible { .. } => rejected,
            Refused::Limited { .. } => Rejected { reason, ..rejected },
        }
    }

    async fn wait(&self, cost: u32, useful_until: Instant) -> Result<(), Rejected> {
        let Some((waiter, wake_at)) = self.reserve(cost, self.clock.now(), useful_until)? else {
            return Ok(());
        };
        let mut place = Place { shared: self, waiter: Some(waiter) };
        let mut timer = pin!(self.clock.runtime(wake_at).map(sleep_until));
        poll_fn(|cx| place.poll(timer.as_mut(), cx)).await
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
        Rejected::new(self.name.as_ref(), Reason::QueueWait, Until::Unknown)
    }
}

/// A place in the queue, given up when it is dropped.
#[derive(Debug)]
struct Place<'a> {
    shared: &'a Shared,
    waiter: Option<RateWaiter>,
}

impl Place<'_> {
    /// Ready once the instant has come. The timer is set anew only where the instant has moved.
    fn poll(
        &mut self,
        mut timer: Pin<&mut Option<Sleep>>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), Rejected>> {
        loop {
            let wake_at = ready!(self.claim(cx.waker())?);
            let Some(wake_at) = wake_at else { return Poll::Ready(Ok(())) };
            let wanted = self.shared.clock.runtime(wake_at);
            match (timer.as_mut().as_pin_mut(), wanted) {
                (Some(armed), Some(at)) if armed.deadline() == at => {}
                (Some(armed), Some(at)) => armed.reset(at),
                _ => timer.set(wanted.map(sleep_until)),
            }
            let Some(armed) = timer.as_mut().as_pin_mut() else { return Poll::Pending };
            // Outside the task's budget: a task that has used it up must still see its instant.
            ready!(pin!(unconstrained(armed)).poll(cx));
        }
    }

    /// Asks whether the instant has come: nothing if so, else when it will.
    fn claim(&mut self, waker: &Waker) -> Poll<Result<Option<Instant>, Rejected>> {
        let Some(waiter) = self.waiter else { return Poll::Ready(Err(self.shared.too_late())) };
        let now = self.shared.clock.now();
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
        let now = self.shared.clock.now();
        let (waker, woken) = self.shared.step(|locked| {
            locked.machine.cancel(waiter, now);
            locked.wakers.remove(&waiter)
        });
        drop((woken, waker));
    }
}
