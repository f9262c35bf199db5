//! Blocking work in a compartment: a bounded pool of threads, and the jobs nobody waits for.
//!
//! A thread that blocks cannot be cancelled. When its caller gives up, the job goes on, holds its
//! thread, and must hold its permit too: else a hung dependency would be given thread after thread
//! until there are none for anyone. Such jobs are counted as zombies, so that it shows. Threads are
//! the driver's; who waits for one is the business of the [`Bulkhead`] inside.

use alloc::vec::Vec;

use super::{Bulkhead, BulkheadSettings, BulkheadSnapshot, Permit};
use crate::event::Sink;
use crate::invalid::Invalid;
use crate::number::small;
use crate::time::{Duration, Instant};

/// The most threads of one pool. More would be gigabytes of stacks.
pub const THREADS_MAX: u32 = 65_536;

/// A job that has begun. A name only: it may be copied, and one that has ended is recognised for
/// ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Job {
    index: u32,
    number: u64,
}

#[derive(Debug)]
struct Running {
    number: u64,
    permit: Permit,
    since: Instant,
    abandoned_at: Option<Instant>,
}

/// What happened to a job, emitted after the state has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BlockingEvent {
    /// Its caller has given up. It keeps its permit.
    Abandoned {
        /// For how long it had run.
        after: Duration,
        /// Jobs that run for nobody, this one included.
        zombies: u32,
    },
    /// A job that nobody waited for has returned after all.
    ZombieReturned {
        /// For how long nobody had waited.
        after: Duration,
        /// Jobs that run for nobody still.
        zombies: u32,
    },
}

/// A pool at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlockingSnapshot {
    /// Its permits and its queue.
    pub bulkhead: BulkheadSnapshot,
    /// Jobs that run, zombies included.
    pub running: u32,
    /// Jobs that run for nobody.
    pub zombies: u32,
    /// Jobs given up so far.
    pub abandoned: u64,
}

/// A compartment for blocking work. Memory: 56 bytes for each thread, allocated when it is built.
///
/// A `now` earlier than the latest one seen counts as the latest.
#[derive(Debug)]
pub struct Blocking {
    bulkhead: Bulkhead,
    jobs: Vec<Option<Running>>,
    begun: u64,
    running: u32,
    zombies: u32,
    abandoned: u64,
    latest: Instant,
}

impl Blocking {
    /// An idle pool with a thread for each permit, of which there are at most [`THREADS_MAX`].
    #[must_use]
    pub fn new(settings: BulkheadSettings) -> Self {
        let settings = bounded(settings);
        Self {
            bulkhead: Bulkhead::new(settings),
            jobs: Vec::with_capacity(settings.permits as usize),
            begun: 0,
            running: 0,
            zombies: 0,
            abandoned: 0,
            latest: Instant::EPOCH,
        }
    }

    /// Whether a pool can work with these settings.
    ///
    /// # Errors
    ///
    /// As [`BulkheadSettings::validate`]; and more permits than [`THREADS_MAX`].
    pub fn validate(settings: &BulkheadSettings) -> Result<(), Invalid> {
        settings.validate()?;
        if settings.permits > THREADS_MAX {
            return Err(Invalid::new("permits", settings.permits, "at most 65536 threads"));
        }
        Ok(())
    }

    /// Takes new settings. Jobs run on, also those on threads beyond a lowered number.
    pub fn reconfigure(&mut self, settings: BulkheadSettings) {
        let settings = bounded(settings);
        self.bulkhead.reconfigure(settings);
        self.jobs.reserve_exact((settings.permits as usize).saturating_sub(self.jobs.len()));
    }

    /// The compartment: to acquire, claim and leave, and to release what no job began with.
    pub const fn bulkhead(&mut self) -> &mut Bulkhead {
        &mut self.bulkhead
    }

    /// A job begins on a thread, with the permit that its caller has got. A heavy permit is still
    /// one job.
    pub fn begin(&mut self, permit: Permit, now: Instant) -> Job {
        let since = self.observe(now);
        self.begun += 1;
        self.running += 1;
        let number = self.begun;
        let running = Some(Running { number, permit, since, abandoned_at: None });
        let index = self.jobs.iter().position(Option::is_none).unwrap_or(self.jobs.len());
        match self.jobs.get_mut(index) {
            Some(slot) => *slot = running,
            None => self.jobs.push(running),
        }
        self.invariants();
        Job { index: small(index), number }
    }

    /// Its caller has given up. The job goes on and keeps its permit until it returns. Says
    /// nothing of a job that has returned, or was given up before.
    pub fn abandon(&mut self, job: Job, now: Instant, sink: &mut impl Sink<BlockingEvent>) {
        let now = self.observe(now);
        let Some(running) = self.running_mut(job).filter(|job| job.abandoned_at.is_none()) else {
            return;
        };
        running.abandoned_at = Some(now);
        let after = now.since(running.since);
        self.zombies += 1;
        self.abandoned = self.abandoned.saturating_add(1);
        sink.emit(BlockingEvent::Abandoned { after, zombies: self.zombies });
        self.invariants();
    }

    /// The job has returned, and its permit comes free for [`Bulkhead::next_grant`]. Once for each
    /// job; again it changes nothing.
    pub fn on_returned(&mut self, job: Job, now: Instant, sink: &mut impl Sink<BlockingEvent>) {
        let now = self.observe(now);
        if self.running_mut(job).is_none() {
            return;
        }
        let slot = self.jobs.get_mut(job.index as usize).and_then(Option::take);
        let Some(Running { permit, since, abandoned_at, .. }) = slot else { return };
        self.running -= 1;
        self.bulkhead.release(permit, now.since(since), now);
        if let Some(abandoned_at) = abandoned_at {
            self.zombies -= 1;
            let after = now.since(abandoned_at);
            sink.emit(BlockingEvent::ZombieReturned { after, zombies: self.zombies });
        }
        self.invariants();
    }

    /// All that is known.
    #[must_use]
    pub fn snapshot(&self) -> BlockingSnapshot {
        let Self { running, zombies, abandoned, .. } = *self;
        BlockingSnapshot { bulkhead: self.bulkhead.snapshot(), running, zombies, abandoned }
    }

    /// Checks, in debug builds, what must always hold. Walks the jobs.
    pub fn invariants(&self) {
        if !cfg!(debug_assertions) {
            return;
        }
        let jobs = || self.jobs.iter().flatten();
        let zombies = jobs().filter(|job| job.abandoned_at.is_some()).count();
        debug_assert_eq!(jobs().count(), self.running as usize, "jobs are miscounted");
        debug_assert_eq!(zombies, self.zombies as usize, "zombies are miscounted");
        let in_use = self.bulkhead.snapshot().in_use;
        debug_assert!(self.running <= in_use, "a job without a permit");
    }

    fn running_mut(&mut self, job: Job) -> Option<&mut Running> {
        let slot = self.jobs.get_mut(job.index as usize)?.as_mut();
        slot.filter(|running| running.number == job.number)
    }

    fn observe(&mut self, now: Instant) -> Instant {
        self.latest = self.latest.max(now);
        self.latest
    }
}

fn bounded(settings: BulkheadSettings) -> BulkheadSettings {
    BulkheadSettings { permits: settings.permits.min(THREADS_MAX), ..settings }
}

#[cfg(all(test, debug_assertions))]
mod tests {
    use super::*;

    #[test]
    #[should_panic(expected = "zombies are miscounted")]
    fn a_zombie_that_is_not_there_is_noticed() {
        let mut pool = Blocking::new(BulkheadSettings { permits: 2, ..Default::default() });
        pool.zombies += 1;
        pool.invariants();
    }
}
