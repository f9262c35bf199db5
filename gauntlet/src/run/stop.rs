//! Waiting until a time of the run, and the word of the user that ends all waiting.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use crate::stamp::Stamp;

/// The user has had enough.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("stopped by the user")]
pub struct Stopped;

/// A flag that wakes all that wait. Clones are the same flag.
#[derive(Clone, Debug, Default)]
pub struct Stop(Arc<(Mutex<bool>, Condvar)>);

impl Stop {
    /// Ends all waiting, now and later.
    pub fn pull(&self) {
        *self.0.0.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.0.1.notify_all();
    }

    /// Whether it was pulled.
    #[must_use]
    pub fn is_pulled(&self) -> bool {
        *self.0.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until `at`; not at all where that has passed.
    ///
    /// # Errors
    /// [`Stopped`] once it was pulled.
    pub fn wait_until(&self, at: Stamp) -> Result<(), Stopped> {
        let mut pulled = self.0.0.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if *pulled {
                return Err(Stopped);
            }
            let left = at.since(Stamp::now());
            if left == 0 {
                return Ok(());
            }
            let waited = self.0.1.wait_timeout(pulled, Duration::from_nanos(left));
            pulled = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Waits for a time.
    ///
    /// # Errors
    /// [`Stopped`] once it was pulled.
    pub fn wait(&self, time: Duration) -> Result<(), Stopped> {
        let nanos = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        self.wait_until(Stamp::now().after(nanos))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_ends_at_its_time_and_a_pulled_stop_ends_it_at_once() {
        let stop = Stop::default();
        let at = Stamp::now().after(5_000_000);
        assert_eq!(stop.wait_until(at), Ok(()));
        assert!(Stamp::now() >= at);
        let other = stop.clone();
        let waiting = std::thread::spawn(move || other.wait(Duration::from_secs(600)));
        stop.pull();
        assert_eq!(waiting.join().unwrap(), Err(Stopped));
        assert_eq!(stop.wait_until(Stamp(0)), Err(Stopped));
    }
}
