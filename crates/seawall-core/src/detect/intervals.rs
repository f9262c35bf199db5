//! The last intervals between beats, with their mean and deviation kept as they come and go.
//!
//! What they mean is in `accrual.rs`.

use alloc::vec::Vec;

use super::phi;
use crate::number::small;
use crate::time::{Duration, nanos};

/// The largest number of intervals.
pub(super) const SAMPLES_MAX: u32 = 10_000;

/// No interval counts as longer, 13 days: with 10 000 of them the sums below stay within 128 bits.
const INTERVAL_MAX: u64 = 1 << 50;

/// A sliding window of intervals. Sums are exact integers, so they never drift from what is held.
#[derive(Clone, Debug)]
pub(super) struct Intervals {
    /// A ring once it is full.
    held: Vec<u64>,
    size: usize,
    next: usize,
    sum: u128,
    squares: u128,
}

impl Intervals {
    /// Room for `size` intervals, at least one; allocated here and never again.
    pub(super) fn new(size: u32) -> Self {
        let size = size.clamp(1, SAMPLES_MAX) as usize;
        Self { held: Vec::with_capacity(size), size, next: 0, sum: 0, squares: 0 }
    }

    pub(super) fn push(&mut self, interval: Duration) {
        let interval = nanos(interval).min(INTERVAL_MAX);
        match self.held.get_mut(self.next) {
            Some(oldest) => {
                let gone = u128::from(core::mem::replace(oldest, interval));
                self.sum -= gone;
                self.squares -= gone * gone;
            }
            None => self.held.push(interval),
        }
        self.sum += u128::from(interval);
        self.squares += u128::from(interval) * u128::from(interval);
        self.next = (self.next + 1) % self.size;
    }

    pub(super) fn count(&self) -> u32 {
        small(self.held.len())
    }

    /// The mean, rounded down; none of nothing.
    pub(super) fn mean(&self) -> Option<Duration> {
        let mean = self.sum.checked_div(self.held.len() as u128)?;
        Some(Duration::from_nanos(u64::try_from(mean).unwrap_or(u64::MAX)))
    }

    /// The standard deviation of what is held, rounded down; zero of one or none.
    pub(super) fn deviation(&self) -> Duration {
        let count = self.held.len() as u128;
        let scatter = count * self.squares - self.sum * self.sum;
        // √(scatter / n²), the root first, so that small scatters are not lost to the division.
        let root = phi::root(scatter);
        Duration::from_nanos(root / (self.held.len() as u64).max(1))
    }

    /// The same intervals, the latest ones, in a window of another size.
    pub(super) fn resized(&self, size: u32) -> Self {
        let mut new = Self::new(size);
        let split = if self.held.len() == self.size { self.next } else { 0 };
        let (late, early) = self.held.split_at(split.min(self.held.len()));
        early.iter().chain(late).for_each(|interval| new.push(Duration::from_nanos(*interval)));
        new
    }

    pub(super) fn invariants(&self) {
        let sum: u128 = self.held.iter().copied().map(u128::from).sum();
        let square = |interval: &u64| u128::from(*interval) * u128::from(*interval);
        debug_assert!(self.held.len() <= self.size, "more intervals than places");
        debug_assert_eq!(sum, self.sum, "the sum is not a recount");
        debug_assert_eq!(self.held.iter().map(square).sum::<u128>(), self.squares);
    }
}
