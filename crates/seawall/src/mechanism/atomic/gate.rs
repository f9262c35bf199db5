//! The gate of a breaker: its machine behind a lock, one word in front that says whether anybody
//! has to ask it, and words beside it in which successes are counted meanwhile.
//!
//! What the words mean is decided by the core (`breaker/free_flow.rs`, `breaker/collect.rs` there).
//! Which thread counts where is above.

use std::sync::PoisonError;

use seawall_core::breaker::{Breaker, BreakerEvent, Collect, Ended, FreeFlow, Tallied, Ticket};
use seawall_core::outcome::Class;
use seawall_core::rng::{Rng, Stream};
use seawall_core::time::{Duration, Instant, nanos};

use super::batch::Batch;
use super::sync::{AtomicU64, LANES, Mutex, MutexGuard, Ordering};

/// A breaker that many threads share.
///
/// Admission while traffic flows is one load. Every step on the machine, settling included, is
/// under the lock, and publishes the word **before** the lock is released and the step returns. So
/// an admission that happens after a step that tripped has returned finds the word gone, whoever
/// made that step.
///
/// A success that changes nothing but counts, as most do, is counted in the word of a lane, without
/// the lock. Every step but the settling of such a success first closes the lanes and hands in
/// what they have counted, so it sees all that had been settled when it began; what comes after its
/// lane was closed finds it closed, and waits for the lock. A lane is opened, under the lock, by
/// the next such success of its threads: lanes of other threads are left alone, or two threads
/// would for ever close each other's.
#[derive(Debug)]
pub(crate) struct Gate {
    front: Line<Front>,
    lanes: [Line<AtomicU64>; LANES],
    locked: Mutex<Locked>,
}

/// What is read with every call and hardly ever written.
#[derive(Debug)]
struct Front {
    flow: AtomicU64,
    /// The bounds of what the open lanes count ([`Collect`]), in nanoseconds.
    until: AtomicU64,
    slow: AtomicU64,
}

/// Alone on its cache line (two of them: processors fetch pairs): what is read by every admission
/// keeps away from what is written by every settling, and lanes from each other.
#[derive(Debug)]
#[repr(align(128))]
struct Line<T>(T);

/// A call that has ended. When, and how long it took, is asked only where it matters.
#[derive(Debug)]
pub(crate) struct Settling<N, E> {
    pub(crate) ticket: Ticket,
    pub(crate) class: Class,
    pub(crate) now: N,
    /// How long it took if it ended then.
    pub(crate) elapsed: E,
}

#[derive(Debug)]
pub(crate) struct Locked {
    pub(crate) machine: Breaker,
    pub(crate) rng: Stream,
    published: u64,
}

impl Gate {
    pub(crate) fn new(machine: Breaker, rng: Stream) -> Self {
        let flow = AtomicU64::new(word(&machine, Instant::EPOCH));
        let front = Front { flow, until: AtomicU64::new(0), slow: AtomicU64::new(0) };
        let lanes = std::array::from_fn(|_| Line(AtomicU64::new(Tallied::CLOSED)));
        let locked = Locked { machine, rng, published: 0 };
        Self { front: Line(front), lanes, locked: Mutex::new(locked) }
    }

    /// The ticket of whoever comes while traffic flows; nothing where the machine has to be asked.
    #[inline]
    pub(crate) fn flows(&self) -> Option<Ticket> {
        FreeFlow::from_word(self.front.0.flow.load(Ordering::Acquire)).map(FreeFlow::ticket)
    }

    /// Settles a call: a plain success in the open lane of its thread, anything else under the
    /// lock. With what it reports if that is `wanted`, and when.
    #[inline]
    pub(crate) fn settle(
        &self,
        lane: usize,
        settling: Settling<impl Fn() -> Instant, impl Fn(Instant) -> Duration>,
        wanted: bool,
    ) -> Option<(Batch<BreakerEvent>, Instant)> {
        let lane = lane % LANES;
        if settling.class == Class::Success && self.count(lane, &settling) {
            return None;
        }
        let Settling { ticket, class, now, elapsed } = settling;
        let now = now();
        let ended = Ended { class, elapsed: elapsed(now) };
        Some((self.settle_locked(lane, ticket, ended, (now, wanted)), now))
    }

    /// Counts a success in its lane, if that is open and takes it.
    #[inline]
    fn count(
        &self,
        lane: usize,
        settling: &Settling<impl Fn() -> Instant, impl Fn(Instant) -> Duration>,
    ) -> bool {
        let lane = &self.lanes[lane].0;
        // Acquire, here and at each failure: the bounds are those of this word, or later ones.
        let mut word = lane.load(Ordering::Acquire);
        loop {
            let Some(more) = Tallied::with_one(word, &settling.ticket) else { return false };
            if !self.is_within_bounds(&settling.now, &settling.elapsed) {
                return false;
            }
            let swapped =
                lane.compare_exchange_weak(word, more, Ordering::Release, Ordering::Acquire);
            match swapped {
                Ok(_) => return true,
                Err(seen) => word = seen,
            }
        }
    }

    /// Whether a success ends within the bucket that is counted, and in less than a slow call
    /// takes. Looks at the clock only if there are buckets, or slow calls.
    #[inline]
    fn is_within_bounds(
        &self,
        now: impl Fn() -> Instant,
        elapsed: impl Fn(Instant) -> Duration,
    ) -> bool {
        // Acquire: bounds later than the word of a lane were stored after that was closed, so that
        // the swap that follows fails.
        let until = self.front.0.until.load(Ordering::Acquire);
        let slow = self.front.0.slow.load(Ordering::Acquire);
        if until == u64::MAX && slow == u64::MAX {
            return true;
        }
        let now = now();
        now.as_nanos() < until && (slow == u64::MAX || nanos(elapsed(now)) < slow)
    }

    #[inline(never)]
    fn settle_locked(
        &self,
        lane: usize,
        ticket: Ticket,
        ended: Ended,
        (now, wanted): (Instant, bool),
    ) -> Batch<BreakerEvent> {
        let mut locked = self.lock();
        let collects = locked.machine.collects(now);
        if collects.is_some_and(|collect| collect.takes(&ticket, ended, now)) {
            self.close(lane, &mut locked);
        } else {
            self.close_all(&mut locked);
        }
        let act = |locked: &mut Locked, sink: &mut Batch<BreakerEvent>| {
            let draw = locked.rng.draw();
            locked.machine.settle(ticket, ended, (now, draw), sink);
        };
        let ((), batch) = self.act(&mut locked, (now, wanted), act);
        if let Some(collect) = locked.machine.collects(now) {
            self.open(lane, collect);
        }
        batch
    }

    /// One step on the machine at `now`, and what it reports if that is `wanted`.
    pub(crate) fn step<T>(
        &self,
        now: Instant,
        wanted: bool,
        act: impl FnOnce(&mut Locked, &mut Batch<BreakerEvent>) -> T,
    ) -> (T, Batch<BreakerEvent>) {
        let mut locked = self.look();
        self.act(&mut locked, (now, wanted), act)
    }

    /// The machine, to look at: it knows of every call that had been settled before.
    pub(crate) fn look(&self) -> MutexGuard<'_, Locked> {
        let mut locked = self.lock();
        self.close_all(&mut locked);
        locked
    }

    #[inline]
    fn act<T>(
        &self,
        locked: &mut Locked,
        (now, wanted): (Instant, bool),
        act: impl FnOnce(&mut Locked, &mut Batch<BreakerEvent>) -> T,
    ) -> (T, Batch<BreakerEvent>) {
        let mut batch = Batch::new(wanted);
        let result = act(locked, &mut batch);
        publish(&self.front.0.flow, word(&locked.machine, now));
        batch.number(&mut locked.published);
        (result, batch)
    }

    /// Opens a lane, under the lock. Its bounds first: whoever sees the word sees them.
    fn open(&self, lane: usize, collect: Collect) {
        publish(&self.front.0.until, collect.until.as_nanos());
        publish(&self.front.0.slow, nanos(collect.slow));
        self.lanes[lane].0.store(collect.word(), Ordering::Release);
    }

    fn close_all(&self, locked: &mut Locked) {
        (0..LANES).for_each(|lane| self.close(lane, locked));
    }

    /// Closes a lane, under the lock, and hands in what it has counted.
    fn close(&self, lane: usize, locked: &mut Locked) {
        let lane = &self.lanes[lane].0;
        // Nobody else opens one, and to swap what is closed would take its line from its threads.
        if lane.load(Ordering::Relaxed) == Tallied::CLOSED {
            return;
        }
        let word = lane.swap(Tallied::CLOSED, Ordering::AcqRel);
        if let Some(tallied) = Tallied::from_word(word) {
            locked.machine.hand_in(tallied);
        }
    }

    /// A panic of another holder does not stop traffic: steps leave the machine whole.
    fn lock(&self) -> MutexGuard<'_, Locked> {
        self.locked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Writing the same again would take the line away from all who read it.
#[inline]
fn publish(place: &AtomicU64, word: u64) {
    if place.load(Ordering::Relaxed) != word {
        place.store(word, Ordering::Release);
    }
}

#[inline]
fn word(machine: &Breaker, now: Instant) -> u64 {
    machine.free_flow(now).map_or(FreeFlow::ASK, FreeFlow::word)
}
