//! A bulkhead that many threads share: its machine behind a lock, and its count of permits in one
//! word in front of it while nobody waits.
//!
//! What the word means, and when the count may be in it, is decided by the core
//! (`bulkhead/front.rs` there). What waits is above.

use std::collections::HashMap;
use std::sync::PoisonError;
use std::task::Waker;

use seawall_core::bulkhead::{Bulkhead, BulkheadRejected, Front, Permit, Waiter};
use seawall_core::event::Sink;
use seawall_core::time::Instant;

use super::batch::Batch;
use super::sync::{AtomicU64, Mutex, MutexGuard, Ordering};
use super::woken::Woken;

/// The count is in the word, or in the machine, never in both: it changes places only under the
/// lock, by one swap, so no permit is lost or made on the way. Whoever waits was queued under the
/// lock with the word gone, so every release that follows comes to the lock, and finds the waiter.
#[derive(Debug)]
pub(crate) struct Compartment {
    front: AtomicU64,
    locked: Mutex<Locked>,
}

#[derive(Debug)]
pub(crate) struct Locked {
    pub(crate) machine: Bulkhead,
    /// Of those who wait and have been polled. The queue of the machine bounds them.
    pub(crate) wakers: HashMap<Waiter, Waker>,
    /// What the present step reports.
    pub(crate) batch: Batch<BulkheadRejected>,
    published: u64,
}

/// What a step leaves to do once whatever is locked has been released.
#[derive(Debug)]
pub(crate) struct After {
    /// The waiters to wake, which dropping does.
    pub(crate) woken: Woken,
    pub(crate) batch: Batch<BulkheadRejected>,
}

impl Compartment {
    pub(crate) fn new(mut machine: Bulkhead) -> Self {
        let front = AtomicU64::new(machine.lend().map_or(Front::NONE, Front::word));
        let (wakers, batch) = (HashMap::new(), Batch::new(false));
        Self { front, locked: Mutex::new(Locked { machine, wakers, batch, published: 0 }) }
    }

    /// A permit without the lock; nothing where the machine has to be asked.
    #[inline]
    pub(crate) fn take(&self) -> Option<Permit> {
        let mut word = self.front.load(Ordering::Relaxed);
        loop {
            let (front, permit) = Front::from_word(word)?.take()?;
            // Acquire: what the last holder did while it held the permit has happened before.
            let swapped = self.front.compare_exchange_weak(
                word,
                front.word(),
                Ordering::Acquire,
                Ordering::Relaxed,
            );
            match swapped {
                Ok(_) => return Some(permit),
                Err(seen) => word = seen,
            }
        }
    }

    /// Gives a permit back without the lock.
    ///
    /// # Errors
    ///
    /// The permit, where it has to be given to the machine.
    #[inline]
    pub(crate) fn give_back(&self, permit: Permit) -> Result<(), Permit> {
        let mut word = self.front.load(Ordering::Relaxed);
        while let Some(front) = Front::from_word(word) {
            let swapped = self.front.compare_exchange_weak(
                word,
                front.give_back(&permit).word(),
                Ordering::Release,
                Ordering::Relaxed,
            );
            match swapped {
                Ok(_) => return Ok(()),
                Err(seen) => word = seen,
            }
        }
        Err(permit)
    }

    /// One step on the machine, with the whole count in it, and what it reports if that is
    /// `wanted`.
    pub(crate) fn step<T>(
        &self,
        now: Instant,
        wanted: bool,
        act: impl FnOnce(&mut Locked) -> T,
    ) -> (T, After) {
        let mut locked = self.lock();
        locked.batch = Batch::new(wanted);
        let Locked { machine, .. } = &mut *locked;
        // Acquire: what the holders of permits did before they gave them back to the word.
        if let Some(front) = Front::from_word(self.front.swap(Front::NONE, Ordering::AcqRel)) {
            machine.reclaim(front);
        }
        let result = act(&mut locked);
        let woken = locked.grant(now);
        if let Some(front) = locked.machine.lend() {
            self.front.store(front.word(), Ordering::Release);
        }
        let Locked { batch, published, .. } = &mut *locked;
        batch.number(published);
        let batch = std::mem::replace(batch, Batch::new(false));
        (result, After { woken, batch })
    }

    /// Permits in use that the machine does not know of, and the machine to look at.
    pub(crate) fn look(&self) -> (u32, MutexGuard<'_, Locked>) {
        let locked = self.lock();
        let lent = Front::from_word(self.front.load(Ordering::Acquire));
        (lent.map_or(0, Front::in_use), locked)
    }

    fn lock(&self) -> MutexGuard<'_, Locked> {
        self.locked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Locked {
    /// The wakers of those who own a permit from now on, and of those who never will.
    fn grant(&mut self, now: Instant) -> Woken {
        let Self { machine, wakers, batch, .. } = self;
        let mut turn = Turn { wakers, batch, woken: Woken::default() };
        while let Some(waiter) = machine.next_grant_reporting(now, &mut turn) {
            turn.wake(waiter);
        }
        turn.woken
    }
}

/// Those whose waiting has ended in one step.
struct Turn<'a> {
    wakers: &'a mut HashMap<Waiter, Waker>,
    batch: &'a mut Batch<BulkheadRejected>,
    woken: Woken,
}

impl Turn<'_> {
    fn wake(&mut self, waiter: Waiter) {
        // Without a waker it has not been polled yet, and will ask by itself.
        if let Some(waker) = self.wakers.remove(&waiter) {
            self.woken.push(waker);
        }
    }
}

impl Sink<BulkheadRejected> for Turn<'_> {
    fn emit(&mut self, dropped: BulkheadRejected) {
        if let Some(waiter) = dropped.waiter {
            self.wake(waiter);
        }
        self.batch.emit(dropped);
    }
}
