//! Waiting for something that nobody announces: a process that ends, a socket that answers.
//!
//! Only the runner's own thread waits here, and never in a measured interval's way.

use std::time::Duration;

use rustix::thread::{NanosleepRelativeResult, nanosleep};

use crate::stamp::Stamp;

/// Asks again every 10 ms; answers what `found` finds, or nothing once `patience` is over.
pub(crate) fn until<T>(patience: Duration, mut found: impl FnMut() -> Option<T>) -> Option<T> {
    let end = Stamp::now().after(u64::try_from(patience.as_nanos()).unwrap_or(u64::MAX));
    loop {
        if let Some(found) = found() {
            return Some(found);
        }
        if Stamp::now() >= end {
            return None;
        }
        pause(Duration::from_millis(10));
    }
}

/// Waits so long.
pub(crate) fn pause(time: Duration) {
    let seconds = i64::try_from(time.as_secs()).unwrap_or(i64::MAX);
    let nanos = i64::from(time.subsec_nanos());
    let mut left = rustix::time::Timespec { tv_sec: seconds, tv_nsec: nanos };
    // A signal ends the sleep early; the rest is slept then.
    while let NanosleepRelativeResult::Interrupted(rest) = nanosleep(&left) {
        left = rest;
    }
}
