//! The threads of a pool and the jobs on their way to them.
//!
//! What a job does is in `job.rs`. How many there may be is decided by the bulkhead: each job has a
//! permit, so there are never more than threads.

use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use super::job::Job;

pub(super) struct Workers {
    inbox: Arc<Inbox>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

#[derive(Default)]
struct Inbox {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    jobs: VecDeque<Job>,
    closed: bool,
}

impl Workers {
    pub(super) fn start(name: &str, threads: u32) -> io::Result<Self> {
        let workers = Self { inbox: Arc::default(), threads: Mutex::default() };
        for number in 1..=threads {
            let inbox = Arc::clone(&workers.inbox);
            let thread = thread::Builder::new().name(format!("{name}-{number}"));
            // Where one cannot be started, dropping the workers ends those before it.
            let handle = thread.spawn(move || inbox.serve())?;
            lock(&workers.threads).push(handle);
        }
        Ok(workers)
    }

    /// Hands a job to the next free thread.
    ///
    /// # Errors
    ///
    /// The job, where no thread takes any more.
    pub(super) fn push(&self, job: Job) -> Result<(), Job> {
        let mut state = lock(&self.inbox.state);
        if state.closed {
            return Err(job);
        }
        state.jobs.push_back(job);
        drop(state);
        self.inbox.changed.notify_one();
        Ok(())
    }

    /// Ends the threads once they have done what they were given, and waits for that.
    pub(super) fn join(&self) {
        self.close();
        let threads = std::mem::take(&mut *lock(&self.threads));
        for thread in threads {
            // Jobs contain their panics, and a thread that has ended all the same has ended.
            let _ended = thread.join();
        }
    }

    fn close(&self) {
        lock(&self.inbox.state).closed = true;
        self.inbox.changed.notify_all();
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        self.close();
    }
}

impl fmt::Debug for Workers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Workers").field("threads", &lock(&self.threads).len()).finish()
    }
}

impl Inbox {
    /// The life of a thread.
    fn serve(&self) {
        while let Some(job) = self.next() {
            job();
        }
    }

    /// The next job; nothing once there will be none.
    fn next(&self) -> Option<Job> {
        let mut state = lock(&self.state);
        loop {
            if let Some(job) = state.jobs.pop_front() {
                return Some(job);
            }
            if state.closed {
                return None;
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

/// A panic of another holder stops nobody: what the locks protect is whole at every step.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
