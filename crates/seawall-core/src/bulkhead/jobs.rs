//! The jobs of a pool of threads: what waits for its thread, what runs, and what runs for nobody.
//!
//! Each job has a permit of some bulkhead, of whatever type the driver has for it. The pool with a
//! bulkhead of its own is in `blocking.rs`, and why jobs keep their permits as well.

use alloc::vec::Vec;

use crate::event::Sink;
use crate::time::{Duration, Instant};

/// A job. A name only: it may be copied, and one that has ended is recognised for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Job {
    index: u32,
    number: u64,
}

#[derive(Debug)]
struct Entry<P> {
    number: u64,
    permit: P,
    state: State,
}

#[derive(Clone, Copy, Debug)]
enum State {
    /// On its way to a thread.
    HandedOver,
    Running {
        since: Instant,
        abandoned_at: Option<Instant>,
    },
}

impl State {
    const fn runs(self) -> bool {
        matches!(self, Self::Running { .. })
    }

    const fn is_zombie(self) -> bool {
        matches!(self, Self::Running { abandoned_at: Some(_), .. })
    }
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

/// Whether a thread is to run a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Started {
    /// It runs from now on.
    Run,
    /// Its caller has given up before: leave it.
    GivenUp,
}

/// Jobs at a moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct JobsSnapshot {
    /// Jobs that run, zombies included.
    pub running: u32,
    /// Jobs that run for nobody.
    pub zombies: u32,
    /// Jobs given up while they ran, so far.
    pub abandoned: u64,
}

/// The jobs of a pool, each with a permit of type `P`, which bounds how many there are.
///
/// Memory: as many entries as there were jobs at once, each of a permit and 48 bytes. Every step
/// but handing over takes constant time; that looks for a free place among all.
///
/// A `now` earlier than the latest one seen counts as the latest.
#[derive(Debug)]
pub struct Jobs<P> {
    entries: Vec<Option<Entry<P>>>,
    begun: u64,
    snapshot: JobsSnapshot,
    latest: Instant,
}

impl<P> Jobs<P> {
    /// No jobs, and room for so many without allocating.
    #[must_use]
    pub fn with_capacity(threads: usize) -> Self {
        let (entries, snapshot) = (Vec::with_capacity(threads), JobsSnapshot::default());
        Self { entries, begun: 0, snapshot, latest: Instant::EPOCH }
    }

    /// Makes room for so many.
    pub fn reserve(&mut self, threads: usize) {
        self.entries.reserve_exact(threads.saturating_sub(self.entries.len()));
    }

    /// A job goes to a thread, with the permit that its caller has got. A heavy permit is still
    /// one job.
    pub fn hand_over(&mut self, permit: P) -> Job {
        self.begun += 1;
        let number = self.begun;
        let entry = Some(Entry { number, permit, state: State::HandedOver });
        let index = self.entries.iter().position(Option::is_none).unwrap_or(self.entries.len());
        match self.entries.get_mut(index) {
            Some(place) => *place = entry,
            None => self.entries.push(entry),
        }
        self.invariants();
        Job { index: u32::try_from(index).unwrap_or(u32::MAX), number }
    }

    /// A thread is about to run it.
    pub fn start(&mut self, job: Job, now: Instant) -> Started {
        let since = self.observe(now);
        let started = match self.find(job) {
            Some(entry) if !entry.state.runs() => {
                entry.state = State::Running { since, abandoned_at: None };
                self.snapshot.running += 1;
                Started::Run
            }
            Some(_) | None => Started::GivenUp,
        };
        self.invariants();
        started
    }

    /// Its caller has given up. One that runs goes on, and keeps its permit until it returns; one
    /// that has not begun never will, and its permit comes back here. Says nothing of a job that
    /// has returned, or was given up before.
    #[must_use = "the permit of a job that never began has to be released"]
    pub fn abandon(
        &mut self,
        job: Job,
        now: Instant,
        sink: &mut impl Sink<BlockingEvent>,
    ) -> Option<P> {
        let now = self.observe(now);
        match &mut self.find(job)?.state {
            State::HandedOver => return self.take(job).map(|entry| entry.permit),
            State::Running { abandoned_at: Some(_), .. } => return None,
            State::Running { since, abandoned_at } => {
                let after = now.since(*since);
                *abandoned_at = Some(now);
                self.snapshot.zombies += 1;
                self.snapshot.abandoned = self.snapshot.abandoned.saturating_add(1);
                let zombies = self.snapshot.zombies;
                sink.emit(BlockingEvent::Abandoned { after, zombies });
            }
        }
        self.invariants();
        None
    }

    /// The job has returned: its permit, and how long it ran. Once for each job; again it is none.
    #[must_use = "the permit has to be released"]
    pub fn on_returned(
        &mut self,
        job: Job,
        now: Instant,
        sink: &mut impl Sink<BlockingEvent>,
    ) -> Option<(P, Duration)> {
        let now = self.observe(now);
        let State::Running { since, abandoned_at } = self.find(job)?.state else { return None };
        let permit = self.take(job)?.permit;
        self.snapshot.running -= 1;
        if let Some(abandoned_at) = abandoned_at {
            self.snapshot.zombies -= 1;
            let (after, zombies) = (now.since(abandoned_at), self.snapshot.zombies);
            sink.emit(BlockingEvent::ZombieReturned { after, zombies });
        }
        self.invariants();
        Some((permit, now.since(since)))
    }

    /// All that is known.
    #[must_use]
    pub const fn snapshot(&self) -> JobsSnapshot {
        self.snapshot
    }

    /// Checks, in debug builds, what must always hold. Walks the jobs.
    pub fn invariants(&self) {
        if !cfg!(debug_assertions) {
            return;
        }
        let count = |holds: fn(State) -> bool| {
            self.entries.iter().flatten().filter(|entry| holds(entry.state)).count()
        };
        let JobsSnapshot { running, zombies, .. } = self.snapshot;
        debug_assert_eq!(count(State::runs), running as usize, "jobs are miscounted");
        debug_assert_eq!(count(State::is_zombie), zombies as usize, "zombies are miscounted");
    }

    fn find(&mut self, job: Job) -> Option<&mut Entry<P>> {
        let place = self.entries.get_mut(job.index as usize)?.as_mut();
        place.filter(|entry| entry.number == job.number)
    }

    fn take(&mut self, job: Job) -> Option<Entry<P>> {
        let place = self.entries.get_mut(job.index as usize)?;
        place.take_if(|entry| entry.number == job.number)
    }

    fn observe(&mut self, now: Instant) -> Instant {
        self.latest = self.latest.max(now);
        self.latest
    }
}

#[cfg(all(test, debug_assertions))]
mod tests {
    use super::*;

    #[test]
    #[should_panic(expected = "zombies are miscounted")]
    fn a_zombie_that_is_not_there_is_noticed() {
        let mut jobs = Jobs::<()>::with_capacity(2);
        jobs.snapshot.zombies += 1;
        jobs.invariants();
    }
}
