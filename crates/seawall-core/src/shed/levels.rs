//! Arrivals by level, and how many levels fit a target.

use alloc::boxed::Box;

use super::{Cursor, LEVELS};

/// Counters of arrivals, one for each level.
#[derive(Debug)]
pub(super) struct Levels {
    counts: Box<[u64]>,
    total: u64,
}

impl Levels {
    pub(super) fn new() -> Self {
        Self { counts: Box::new([0; LEVELS as usize]), total: 0 }
    }

    pub(super) const fn total(&self) -> u64 {
        self.total
    }

    /// Counts one arrival; how many of its level there were before it.
    pub(super) fn count(&mut self, level: u16) -> u64 {
        let Some(count) = self.counts.get_mut(usize::from(level)) else { return 0 };
        *count += 1;
        self.total += 1;
        *count - 1
    }

    pub(super) fn at(&self, level: u16) -> u64 {
        self.counts.get(usize::from(level)).copied().unwrap_or_default()
    }

    /// The most levels whose arrivals add up to no more than `target`, and their sum.
    pub(super) fn fitting(&self, target: u64) -> (Cursor, u64) {
        let (mut sum, mut levels) = (0, 0);
        for count in &self.counts {
            if sum + count > target {
                break;
            }
            sum += count;
            levels += 1;
        }
        (Cursor::new(levels), sum)
    }

    pub(super) fn clear(&mut self) {
        self.counts.fill(0);
        self.total = 0;
    }

    pub(super) fn invariants(&self) {
        debug_assert_eq!(self.counts.iter().sum::<u64>(), self.total, "arrivals are miscounted");
    }
}
