//! One closure on its way through the pool, and the caller's end of it.
//!
//! Where it runs is in `workers.rs`. Who runs for nobody is decided by the core
//! (`bulkhead/jobs.rs` there).

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use seawall_core::bulkhead::{self as core, Jobs, JobsSnapshot, Started};
use seawall_core::upstream::What;
use tokio::sync::oneshot;

use super::BlockingError;
use crate::mechanism::guarded::Guarded;
use crate::mechanism::report::Reports;
use crate::mechanism::{Permit, Setup};

/// What a thread runs. Never panics.
pub(super) type Job = Box<dyn FnOnce() + Send>;

/// The jobs of a pool, with their permits.
#[derive(Debug)]
pub(super) struct Roll(Guarded<Jobs<Permit<'static>>>);

impl Roll {
    pub(super) fn new(threads: u32, setup: Setup) -> Self {
        let jobs = Jobs::with_capacity(usize::try_from(threads).unwrap_or(0));
        Self(Guarded::new(jobs, setup))
    }

    pub(super) fn reports(&self) -> &Reports {
        &self.0.reports
    }

    pub(super) fn snapshot(&self) -> JobsSnapshot {
        self.0.look(|jobs| jobs.snapshot())
    }

    fn hand_over(&self, permit: Permit<'static>) -> core::Job {
        self.0.look(|jobs| jobs.hand_over(permit))
    }

    fn start(&self, job: core::Job) -> Started {
        let now = self.0.now();
        self.0.look(|jobs| jobs.start(job, now))
    }

    /// The job has returned. Its permit goes to whoever waits for it, not under the lock.
    fn on_returned(&self, job: core::Job) {
        let now = self.0.now();
        drop(self.0.step(now, What::Blocking, |jobs, sink| jobs.on_returned(job, now, sink)));
    }

    /// Nobody waits for the job any more. If it has not begun its permit comes free, not under the
    /// lock.
    fn abandon(&self, job: core::Job) {
        let now = self.0.now();
        drop(self.0.step(now, What::Blocking, |jobs, sink| jobs.abandon(job, now, sink)));
    }
}

/// The caller's end. Dropped before the answer is there, it gives the job up.
#[derive(Debug)]
pub(super) struct Answer<T> {
    receiver: oneshot::Receiver<Result<T, BlockingError>>,
    roll: Arc<Roll>,
    job: core::Job,
}

/// A job that runs `work` under `permit`, and where its answer comes.
pub(super) fn pair<T, F>(work: F, permit: Permit<'static>, roll: &Arc<Roll>) -> (Job, Answer<T>)
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    let (sender, receiver) = oneshot::channel();
    let job = roll.hand_over(permit);
    let answer = Answer { receiver, roll: Arc::clone(roll), job };
    let roll = Arc::clone(roll);
    let run = move || {
        if roll.start(job) == Started::GivenUp {
            // What it has caught may panic when it is dropped.
            let _contained = catch_unwind(AssertUnwindSafe(|| drop(work)));
            return;
        }
        let result = catch_unwind(AssertUnwindSafe(work)).map_err(panicked);
        // Free before the caller hears of it, who may come back at once.
        roll.on_returned(job);
        let unheard = sender.send(result).err();
        // A value that nobody waits for is dropped here, and may panic too.
        let _contained = catch_unwind(AssertUnwindSafe(|| drop(unheard)));
    };
    (Box::new(run), answer)
}

impl<T> Answer<T> {
    pub(super) async fn wait(mut self) -> Result<T, BlockingError> {
        // A job is dropped without an answer only where its thread is gone.
        (&mut self.receiver).await.unwrap_or(Err(BlockingError::Panicked { message: None }))
    }
}

impl<T> Drop for Answer<T> {
    fn drop(&mut self) {
        // Of a job that has returned this says nothing.
        self.roll.abandon(self.job);
    }
}

fn panicked(payload: Box<dyn Any + Send>) -> BlockingError {
    let text = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let message = text.or_else(|| payload.downcast_ref::<String>().cloned());
    // Dropping what was thrown may panic once more.
    let _contained = catch_unwind(AssertUnwindSafe(|| drop(payload)));
    BlockingError::Panicked { message }
}
