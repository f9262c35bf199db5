//! Blocking work in a compartment: a bounded pool of threads, and the jobs nobody waits for.
//!
//! A thread that blocks cannot be cancelled. When its caller gives up, the job goes on, holds its
//! thread, and must hold its permit too: else a hung dependency would be given thread after thread
//! until there are none for anyone. Such jobs are counted as zombies, so that it shows. Threads are
//! the driver's; who waits for one is the business of the [`Bulkhead`] inside, and the jobs are in
//! `jobs.rs`, for drivers whose bulkhead is a thing of its own.

use super::jobs::{BlockingEvent, Job, Jobs, JobsSnapshot, Started};
use super::{Bulkhead, BulkheadSettings, BulkheadSnapshot, Permit};
use crate::event::Sink;
use crate::invalid::Invalid;
use crate::time::Instant;

/// The most threads of one pool. More would be gigabytes of stacks.
pub const THREADS_MAX: u32 = 65_536;

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

/// A compartment for blocking work. Memory: 64 bytes for each thread, allocated when it is built.
///
/// A `now` earlier than the latest one seen counts as the latest.
#[derive(Debug)]
pub struct Blocking {
    bulkhead: Bulkhead,
    jobs: Jobs<Permit>,
}

impl Blocking {
    /// An idle pool with a thread for each permit, of which there are at most [`THREADS_MAX`].
    #[must_use]
    pub fn new(settings: BulkheadSettings) -> Self {
        let settings = bounded(settings);
        let jobs = Jobs::with_capacity(settings.permits as usize);
        Self { bulkhead: Bulkhead::new(settings), jobs }
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
        self.jobs.reserve(settings.permits as usize);
    }

    /// The compartment: to acquire, claim and leave, and to release what no job began with.
    pub const fn bulkhead(&mut self) -> &mut Bulkhead {
        &mut self.bulkhead
    }

    /// A job begins on a thread, with the permit that its caller has got. A heavy permit is still
    /// one job.
    pub fn begin(&mut self, permit: Permit, now: Instant) -> Job {
        let job = self.jobs.hand_over(permit);
        let started = self.jobs.start(job, now);
        debug_assert_eq!(started, Started::Run, "nobody can have given it up");
        self.invariants();
        job
    }

    /// Its caller has given up. The job goes on and keeps its permit until it returns. Says
    /// nothing of a job that has returned, or was given up before.
    pub fn abandon(&mut self, job: Job, now: Instant, sink: &mut impl Sink<BlockingEvent>) {
        let unbegun = self.jobs.abandon(job, now, sink);
        debug_assert!(unbegun.is_none(), "jobs begin as soon as they are there");
        self.invariants();
    }

    /// The job has returned, and its permit comes free for [`Bulkhead::next_grant`]. Once for each
    /// job; again it changes nothing.
    pub fn on_returned(&mut self, job: Job, now: Instant, sink: &mut impl Sink<BlockingEvent>) {
        if let Some((permit, ran)) = self.jobs.on_returned(job, now, sink) {
            self.bulkhead.release(permit, ran, now);
        }
        self.invariants();
    }

    /// All that is known.
    #[must_use]
    pub fn snapshot(&self) -> BlockingSnapshot {
        let JobsSnapshot { running, zombies, abandoned } = self.jobs.snapshot();
        BlockingSnapshot { bulkhead: self.bulkhead.snapshot(), running, zombies, abandoned }
    }

    /// Checks, in debug builds, what must always hold. Walks the jobs.
    pub fn invariants(&self) {
        self.jobs.invariants();
        let (running, in_use) = (self.jobs.snapshot().running, self.bulkhead.snapshot().in_use);
        debug_assert!(running <= in_use, "a job without a permit");
    }
}

fn bounded(settings: BulkheadSettings) -> BulkheadSettings {
    BulkheadSettings { permits: settings.permits.min(THREADS_MAX), ..settings }
}

#[cfg(all(test, debug_assertions))]
mod tests {
    use super::*;

    #[test]
    #[should_panic(expected = "a job without a permit")]
    fn a_job_without_a_permit_is_noticed() {
        let mut pool = Blocking::new(BulkheadSettings { permits: 2, ..Default::default() });
        let permit = pool.bulkhead.acquire_at_once(1, Instant::EPOCH).expect("an idle pool");
        let _running = pool.begin(permit, Instant::EPOCH);
        pool.bulkhead.in_use = 0;
        pool.invariants();
    }
}
