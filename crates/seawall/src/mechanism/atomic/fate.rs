//! What becomes of a job that its caller may give up at any moment.
//!
//! Who runs jobs is in `blocking`.

use super::sync::{AtomicU8, AtomicU32, Ordering};

const QUEUED: u8 = 0;
const RUNNING: u8 = 1;
const DONE: u8 = 2;
const ABANDONED: u8 = 3;

/// The state of one job. Both sides swap it, so whoever comes second knows what the other did.
#[derive(Debug)]
pub(crate) struct Fate(AtomicU8);

impl Fate {
    pub(crate) fn new() -> Self {
        Self(AtomicU8::new(QUEUED))
    }

    /// The worker is about to run it; false where nobody waits for it any more.
    pub(crate) fn start(&self) -> bool {
        let started =
            self.0.compare_exchange(QUEUED, RUNNING, Ordering::Relaxed, Ordering::Relaxed);
        started.is_ok()
    }

    /// The worker has run it. If it was a zombie, it is none any more.
    pub(crate) fn finish(&self, zombies: &AtomicU32) {
        // Acquire: the caller counted the zombie before it said so.
        if self.0.swap(DONE, Ordering::Acquire) == ABANDONED {
            zombies.fetch_sub(1, Ordering::Relaxed);
        }
    }

    /// The caller does not wait for it any more. What runs then is a zombie until it returns.
    pub(crate) fn abandon(&self, zombies: &AtomicU32) {
        // Counted first: the worker may end it in between, and must find it counted.
        zombies.fetch_add(1, Ordering::Relaxed);
        if self.0.swap(ABANDONED, Ordering::Release) != RUNNING {
            zombies.fetch_sub(1, Ordering::Relaxed);
        }
    }
}
