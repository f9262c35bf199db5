//! A bulkhead by itself, shared by all its clones.
//!
//! The guard of a permit and waiting for one are in `permit.rs`, the word and the lock in
//! `atomic/front.rs`, all decisions in the core.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use seawall_core::bulkhead::{self as core, Acquired, BulkheadSnapshot, Need, TooHeavy, Waiter};
use seawall_core::reason::Reason;
use seawall_core::shed::Class;
use seawall_core::time::Instant;
use seawall_core::upstream::What;

use super::atomic::front::{Compartment, Locked};
use super::hold::Hold;
use super::permit::{self, Permit};
use super::rejected::{Rejected, relative};
use super::report::Reports;
use super::{Setup, policies};
use crate::{BuildError, BulkheadSettings, Error, Events, Outcome, Until};

/// Bounds how many calls are at one dependency at once, with a bounded queue in front.
///
/// Clones share everything. While nobody waits, a permit is one atomic step to get and one to give
/// back, and neither allocates; a compartment with a queue reads the clock as well, to know how
/// long permits are held. As soon as somebody waits, permits that come free go to those who wait,
/// in the order of the settings, and to nobody else.
#[derive(Clone, Debug)]
pub struct Bulkhead {
    shared: Arc<Shared>,
}

/// What the clones of a bulkhead share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) compartment: Compartment,
    pub(super) reports: Reports,
    /// Whether how long permits are held is of use: where calls may wait.
    timed: AtomicBool,
}

/// What an arrival finds.
pub(super) enum Arrival {
    Permit(core::Permit),
    Queued(Waiter, Instant),
}

impl Bulkhead {
    /// An empty compartment.
    ///
    /// # Errors
    ///
    /// [`BuildError`] with every setting that cannot work.
    pub fn new(settings: BulkheadSettings) -> Result<Self, BuildError> {
        Self::with(settings, Setup::new())
    }

    /// The same with a name that rejections carry.
    ///
    /// # Errors
    ///
    /// [`BuildError`] with every setting that cannot work.
    pub fn named(
        name: impl Into<Arc<str>>,
        settings: BulkheadSettings,
    ) -> Result<Self, BuildError> {
        Self::with(settings, Setup::named(name))
    }

    /// The same with a name and listeners, who hear of every refusal.
    ///
    /// # Errors
    ///
    /// [`BuildError`] with every setting that cannot work.
    pub fn with(settings: BulkheadSettings, setup: Setup) -> Result<Self, BuildError> {
        policies::check_bulkhead(settings)?;
        let compartment = Compartment::new(core::Bulkhead::new(settings));
        let timed = AtomicBool::new(settings.queue > 0);
        let shared = Shared { compartment, reports: setup.reports(), timed };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// A permit if one is free and nobody waits for it.
    ///
    /// # Errors
    ///
    /// [`Rejected`] by [`Reason::BulkheadFull`], or, where others may wait, by
    /// [`Reason::QueueWait`] or [`Reason::QueueFull`].
    #[inline]
    pub fn try_acquire(&self) -> Result<Permit<'_>, Rejected> {
        let permit = self.shared.try_acquire()?;
        Ok(Permit::new(Hold::Borrowed(&*self.shared), permit))
    }

    /// The same with a permit that may outlive this clone of the bulkhead, say in another task.
    ///
    /// # Errors
    ///
    /// [`Rejected`], as [`Bulkhead::try_acquire`].
    pub fn try_acquire_owned(&self) -> Result<Permit<'static>, Rejected> {
        let permit = self.shared.try_acquire()?;
        Ok(Permit::new(Hold::Shared(Arc::clone(&self.shared)), permit))
    }

    /// A permit, after waiting for it if need be; no longer than the settings say. Dropping the
    /// future gives up the place, and passes on the permit if it had just been given.
    ///
    /// # Errors
    ///
    /// [`Rejected`] by [`Reason::BulkheadFull`], [`Reason::QueueFull`], or [`Reason::QueueWait`]
    /// when the wait would be too long, which is known at once, or has been.
    ///
    /// # Panics
    ///
    /// As Tokio's timers do: if it has to wait outside a Tokio runtime with time enabled.
    pub async fn acquire(&self) -> Result<Permit<'_>, Rejected> {
        permit::acquire(Hold::Borrowed(&*self.shared), Instant::NEVER).await
    }

    /// The same for a permit that is of no use after `deadline`.
    ///
    /// # Errors
    ///
    /// [`Rejected`], as [`Bulkhead::acquire`].
    ///
    /// # Panics
    ///
    /// As [`Bulkhead::acquire`].
    pub async fn acquire_until(
        &self,
        deadline: tokio::time::Instant,
    ) -> Result<Permit<'_>, Rejected> {
        let until = self.shared.reports.clock.of(deadline);
        permit::acquire(Hold::Borrowed(&*self.shared), until).await
    }

    /// The same with a permit that may outlive this clone of the bulkhead. Without a deadline the
    /// settings alone bound the wait.
    ///
    /// # Errors
    ///
    /// [`Rejected`], as [`Bulkhead::acquire`].
    ///
    /// # Panics
    ///
    /// As [`Bulkhead::acquire`].
    pub async fn acquire_owned(
        &self,
        deadline: Option<tokio::time::Instant>,
    ) -> Result<Permit<'static>, Rejected> {
        let until = deadline.map_or(Instant::NEVER, |at| self.shared.reports.clock.of(at));
        permit::acquire(Hold::Shared(Arc::clone(&self.shared)), until).await
    }

    /// Runs `operation` under a permit. The permit comes back when the operation has ended, or has
    /// been dropped with this call.
    ///
    /// # Errors
    ///
    /// [`Error::Rejected`] if there is no permit; [`Error::Failed`] with the error of the
    /// operation.
    ///
    /// # Panics
    ///
    /// As [`Bulkhead::acquire`].
    pub async fn call<Op, Fut, T, E>(&self, operation: Op) -> Result<T, Error<E>>
    where
        Op: FnOnce() -> Fut,
        Fut: Future<Output = Result<T, E>>,
    {
        let permit = self.acquire().await?;
        let start = self.shared.reports.clock.now();
        let result = operation().await;
        drop(permit);
        result.map_err(|error| {
            let elapsed = self.shared.reports.clock.now().since(start);
            Error::of_single(self.shared.reports.name.clone(), error, elapsed, &Outcome::failure())
        })
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.shared.reports.name.as_deref()
    }

    /// Everything that is known at this moment.
    #[must_use]
    pub fn snapshot(&self) -> BulkheadSnapshot {
        let (in_front, locked) = self.shared.compartment.look();
        let snapshot = locked.machine.snapshot();
        BulkheadSnapshot { in_use: snapshot.in_use.saturating_add(in_front), ..snapshot }
    }

    /// Takes other settings. Permits in use and waiters stay, also those beyond a lowered limit,
    /// which drain; a raised limit serves waiters at once.
    ///
    /// # Errors
    ///
    /// [`BuildError`] if they cannot work; the old ones then stay in force.
    pub fn reconfigure(&self, settings: BulkheadSettings) -> Result<(), BuildError> {
        policies::check_bulkhead(settings)?;
        let shared = &*self.shared;
        shared.timed.store(settings.queue > 0, Ordering::Relaxed);
        let now = shared.reports.clock.now();
        let act = |locked: &mut Locked| locked.machine.reconfigure(settings);
        shared.step(now, act);
        Ok(())
    }

    /// The refusals from now on. Bounded, see [`Events`].
    #[must_use]
    pub fn events(&self) -> Events {
        self.shared.reports.subscribe()
    }
}

impl Shared {
    #[inline]
    fn try_acquire(&self) -> Result<core::Permit, Rejected> {
        match self.compartment.take() {
            Some(permit) => Ok(permit),
            None => self.try_machine(),
        }
    }

    #[cold]
    fn try_machine(&self) -> Result<core::Permit, Rejected> {
        let now = self.reports.clock.now();
        match self.arrive(now, now)? {
            Arrival::Permit(permit) => Ok(permit),
            Arrival::Queued(waiter, _) => {
                debug_assert!(false, "queued without time to wait");
                self.leave(waiter);
                Err(self.rejected(Reason::QueueWait, Until::Unknown))
            }
        }
    }

    /// Asks the machine for a permit or a place.
    pub(super) fn arrive(&self, now: Instant, useful_until: Instant) -> Result<Arrival, Rejected> {
        let need = Need {
            weight: 1,
            useful_until,
            class: Class::Normal,
            patience: seawall_core::bulkhead::Patience::Usual,
        };
        let acquired = self.step(now, |locked| {
            let Locked { machine, batch, .. } = locked;
            machine.acquire_weighted(need, now, batch)
        });
        match acquired {
            Ok(Acquired::Permit(permit)) => Ok(Arrival::Permit(permit)),
            Ok(Acquired::Queued { waiter, until }) => Ok(Arrival::Queued(waiter, until)),
            Ok(Acquired::Refused { reason, retry_at }) => {
                Err(self.rejected(reason, relative(retry_at, now)))
            }
            // There is no lighter permit, and no compartment without one.
            Err(TooHeavy { .. }) => Err(self.rejected(Reason::BulkheadFull, Until::Unknown)),
        }
    }

    /// Gives a place up, and whatever was given to it.
    pub(super) fn leave(&self, waiter: Waiter) {
        let now = self.reports.clock.now();
        let waker = self.step(now, |locked| {
            let Locked { machine, batch, .. } = locked;
            machine.leave_reporting(waiter, now, batch);
            locked.wakers.remove(&waiter)
        });
        // Dropping a waker may drop a task, and with it another waiter: not under the lock.
        drop(waker);
    }

    /// Since when a permit that was just given is held; absent where nobody asks.
    #[inline]
    pub(super) fn held_since(&self) -> Option<Instant> {
        self.timed.load(Ordering::Relaxed).then(|| self.reports.clock.now())
    }

    #[inline]
    pub(super) fn release(&self, permit: core::Permit, since: Option<Instant>) {
        if let Err(permit) = self.compartment.give_back(permit) {
            self.release_to_machine(permit, since);
        }
    }

    #[cold]
    fn release_to_machine(&self, permit: core::Permit, since: Option<Instant>) {
        let now = self.reports.clock.now();
        // Zero says nothing about how long permits are held.
        let held = since.map_or(Duration::ZERO, |since| now.since(since));
        self.step(now, |locked| locked.machine.release(permit, held, now));
    }

    /// One step on the machine. Then, without its lock, those who got a permit are woken, and who
    /// listens is told.
    pub(super) fn step<T>(&self, now: Instant, act: impl FnOnce(&mut Locked) -> T) -> T {
        let (result, after) = self.compartment.step(now, self.reports.are_wanted(), act);
        drop(after.woken);
        self.reports.publish(after.batch, now, What::Bulkhead);
        result
    }

    pub(super) fn rejected(&self, reason: Reason, until: Until) -> Rejected {
        Rejected::new(self.reports.name.as_ref(), reason, until)
    }
}
