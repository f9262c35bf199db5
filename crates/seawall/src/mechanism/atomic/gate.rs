//! The gate of a breaker: its machine behind a lock, and one word in front that says whether
//! anybody has to ask it.
//!
//! What the word means is decided by the core (`breaker/free_flow.rs` there).

use std::sync::PoisonError;

use seawall_core::breaker::{Breaker, BreakerEvent, FreeFlow, Ticket};
use seawall_core::rng::Stream;
use seawall_core::time::Instant;

use super::batch::Batch;
use super::sync::{AtomicU64, Mutex, MutexGuard, Ordering};

/// A breaker that many threads share.
///
/// Admission while traffic flows is one load. Every step on the machine, settling included, is
/// under the lock, and publishes the word **before** the lock is released and the step returns. So
/// an admission that happens after a step that tripped has returned finds the word gone, whoever
/// made that step.
#[derive(Debug)]
pub(crate) struct Gate {
    flow: Line<AtomicU64>,
    locked: Mutex<Locked>,
}

/// Alone on its cache line (two of them: processors fetch pairs): the word is read by every
/// admission, and what lies beside it is written by every settling.
#[derive(Debug)]
#[repr(align(128))]
struct Line<T>(T);

#[derive(Debug)]
pub(crate) struct Locked {
    pub(crate) machine: Breaker,
    pub(crate) rng: Stream,
    published: u64,
}

impl Gate {
    pub(crate) fn new(machine: Breaker, rng: Stream) -> Self {
        let flow = word(&machine, Instant::EPOCH);
        let locked = Locked { machine, rng, published: 0 };
        Self { flow: Line(AtomicU64::new(flow)), locked: Mutex::new(locked) }
    }

    /// The ticket of whoever comes while traffic flows; nothing where the machine has to be asked.
    #[inline]
    pub(crate) fn flows(&self) -> Option<Ticket> {
        FreeFlow::from_word(self.flow.0.load(Ordering::Acquire)).map(FreeFlow::ticket)
    }

    /// One step on the machine at `now`, and what it reports if that is `wanted`.
    #[inline]
    pub(crate) fn step<T>(
        &self,
        now: Instant,
        wanted: bool,
        act: impl FnOnce(&mut Locked, &mut Batch<BreakerEvent>) -> T,
    ) -> (T, Batch<BreakerEvent>) {
        let mut batch = Batch::new(wanted);
        let mut locked = self.lock();
        let result = act(&mut locked, &mut batch);
        let flow = word(&locked.machine, now);
        // Writing the same again would take the line away from all who read it.
        if self.flow.0.load(Ordering::Relaxed) != flow {
            self.flow.0.store(flow, Ordering::Release);
        }
        batch.number(&mut locked.published);
        (result, batch)
    }

    /// The machine, to look at. A panic of another holder does not stop traffic: steps leave the
    /// machine whole.
    pub(crate) fn lock(&self) -> MutexGuard<'_, Locked> {
        self.locked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[inline]
fn word(machine: &Breaker, now: Instant) -> u64 {
    machine.free_flow(now).map_or(FreeFlow::ASK, FreeFlow::word)
}
