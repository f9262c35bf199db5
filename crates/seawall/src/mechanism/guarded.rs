//! A machine of the core behind one lock, with what it reports.
//!
//! For mechanisms without a part that threads share outside of the lock; that of the others is in
//! `atomic`.

use std::sync::{Mutex, MutexGuard, PoisonError};

use seawall_core::time::Instant;
use seawall_core::upstream::What;

use super::Setup;
use super::atomic::batch::Batch;
use super::report::Reports;

#[derive(Debug)]
pub(super) struct Guarded<M> {
    pub(super) reports: Reports,
    locked: Mutex<Locked<M>>,
}

#[derive(Debug)]
struct Locked<M> {
    machine: M,
    published: u64,
}

impl<M> Guarded<M> {
    pub(super) fn new(machine: M, setup: Setup) -> Self {
        let locked = Mutex::new(Locked { machine, published: 0 });
        Self { reports: setup.reports(), locked }
    }

    pub(super) fn now(&self) -> Instant {
        self.reports.clock.now()
    }

    /// One step on the machine; what it reports is published once the lock is released.
    pub(super) fn step<E, T>(
        &self,
        now: Instant,
        what: fn(E) -> What,
        act: impl FnOnce(&mut M, &mut Batch<E>) -> T,
    ) -> T {
        let mut batch = Batch::new(self.reports.are_wanted());
        let mut locked = self.lock();
        let result = act(&mut locked.machine, &mut batch);
        batch.number(&mut locked.published);
        drop(locked);
        self.reports.publish(batch, now, what);
        result
    }

    /// Looks at the machine, or changes what is not reported.
    pub(super) fn look<T>(&self, act: impl FnOnce(&mut M) -> T) -> T {
        act(&mut self.lock().machine)
    }

    /// A panic of another holder stops nobody: steps leave the machine whole.
    fn lock(&self) -> MutexGuard<'_, Locked<M>> {
        self.locked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
