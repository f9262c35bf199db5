//! The one word of a rate limit.
//!
//! The rule by which it changes is decided by the core (`rate/pace.rs` there).

use seawall_core::rate::{Pace, Refused};
use seawall_core::time::Instant;

use super::sync::{AtomicU64, Ordering};

/// Says that the limit has moved to another cell. No limit owes anything until the end of time:
/// the core refuses before.
const MOVED: u64 = u64::MAX;

/// A quota and what is owed under it.
#[derive(Debug)]
pub(crate) struct Cell {
    pace: Pace,
    word: AtomicU64,
}

/// The quota has changed, and the limit is in another cell now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Moved;

impl Cell {
    pub(crate) fn new(pace: Pace, word: u64) -> Self {
        Self { pace, word: AtomicU64::new(word) }
    }

    /// Asks for one call, and charges it if it passes: the decision and the charge are one swap.
    ///
    /// # Errors
    ///
    /// [`Moved`] if somebody else has to be asked.
    #[inline]
    pub(crate) fn decide(&self, now: Instant, cost: u32) -> Result<Result<(), Refused>, Moved> {
        // Relaxed: the word guards no other memory.
        let mut word = self.word.load(Ordering::Relaxed);
        loop {
            if word == MOVED {
                return Err(Moved);
            }
            let new = match self.pace.decide(word, now, cost) {
                Ok(new) => new,
                Err(refused) => return Ok(Err(refused)),
            };
            let swapped =
                self.word.compare_exchange_weak(word, new, Ordering::Relaxed, Ordering::Relaxed);
            match swapped {
                Ok(_) => return Ok(Ok(())),
                Err(seen) => word = seen,
            }
        }
    }

    /// What was owed here, as the start of a cell under another quota. Nothing passes here any
    /// more: a charge was either made before, and is carried over, or is made there.
    pub(crate) fn move_to(&self, pace: Pace, now: Instant) -> Self {
        let word = self.word.swap(MOVED, Ordering::Relaxed);
        Self::new(pace, pace.carry(word, now, &self.pace))
    }

    /// The quota, and what is owed under it.
    pub(crate) fn look(&self) -> (Pace, u64) {
        (self.pace, self.word.load(Ordering::Relaxed))
    }
}
