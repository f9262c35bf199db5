//! The bounded recent past by time: a ring of ten buckets.
//!
//! The window by count lives with the breaker (`breaker/window.rs`), its only user.

use crate::time::{Duration, Instant, nanos};

/// Buckets of a ring. Ten make the window cover between 90 % and 100 % of its length.
pub const BUCKETS: usize = 10;

/// A ring of [`BUCKETS`] buckets of `width` each; a bucket is live while it is less than ten
/// widths old. The index of a bucket follows from time alone, so slots never drift.
///
/// `origin` should differ between instances: a fleet whose windows turn at the same moment pulses
/// in step. Memory is fixed; advancing clears at most ten buckets whatever the gap.
#[derive(Clone, Debug)]
pub struct TimeRing<T> {
    buckets: [T; BUCKETS],
    width: u64,
    origin: u64,
    current: u64,
}

impl<T: Copy + Default> TimeRing<T> {
    /// An empty ring covering `window`, whose buckets turn at `origin` plus multiples of a tenth.
    ///
    /// A window below ten nanoseconds is taken as ten.
    #[must_use]
    pub fn new(window: Duration, origin: Instant) -> Self {
        let width = (nanos(window) / BUCKETS as u64).max(1);
        // The phase alone matters; an origin in the future would leave early instants indexless.
        let origin = origin.as_nanos() % width;
        Self { buckets: [T::default(); BUCKETS], width, origin, current: 0 }
    }

    /// Drops what is too old at `now`. An earlier `now` than the latest seen changes nothing.
    pub fn advance(&mut self, now: Instant) {
        let index = self.index(now);
        let gap = index.saturating_sub(self.current).min(BUCKETS as u64);
        for step in 1..=gap {
            *self.slot(index - gap + step) = T::default();
        }
        self.current = self.current.max(index);
    }

    /// The bucket of `now`, after dropping what is too old.
    pub fn at(&mut self, now: Instant) -> &mut T {
        self.advance(now);
        self.slot(self.current)
    }

    /// The bucket that holds `then`, if it is still live as of the latest `now` seen.
    pub fn past(&mut self, then: Instant) -> Option<&mut T> {
        let index = self.index(then);
        let live = index <= self.current && self.current - index < BUCKETS as u64;
        live.then(|| self.slot(index))
    }

    /// The live buckets, in no particular order. Call [`TimeRing::advance`] first.
    pub fn live(&self) -> impl Iterator<Item = &T> {
        self.buckets.iter()
    }

    /// Moves each bucket to the bucket of `into` of the same age, if that is still live, by `add`:
    /// what a changed window keeps of the old one.
    pub fn age_into(&mut self, into: &mut Self, now: Instant, add: impl Fn(&mut T, T)) {
        self.advance(now);
        into.advance(now);
        let mut back = 0_u64;
        for _ in 0..BUCKETS {
            let then = Instant::from_nanos(now.as_nanos().saturating_sub(back));
            // Taken, so that a bucket met twice near the epoch counts once.
            let counts = self.past(then).map(core::mem::take).unwrap_or_default();
            if let Some(bucket) = into.past(then) {
                add(bucket, counts);
            }
            back = back.saturating_add(self.width);
        }
    }

    /// The width of one bucket.
    #[must_use]
    pub fn width(&self) -> Duration {
        Duration::from_nanos(self.width)
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.buckets = [T::default(); BUCKETS];
    }

    fn index(&self, now: Instant) -> u64 {
        // One is added so that instants before the first turn have an index of their own.
        now.as_nanos().saturating_add(self.width - self.origin) / self.width
    }

    #[expect(clippy::indexing_slicing, reason = "the index is taken modulo the length")]
    #[expect(clippy::cast_possible_truncation, reason = "a number below ten fits a usize")]
    fn slot(&mut self, index: u64) -> &mut T {
        &mut self.buckets[(index % BUCKETS as u64) as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::vec::Vec;

    const SECOND: Duration = Duration::from_secs(1);

    fn sum<T: Copy + Default + for<'a> core::iter::Sum<&'a T>>(
        ring: &mut TimeRing<T>,
        now: Instant,
    ) -> T {
        ring.advance(now);
        ring.live().sum()
    }

    #[test]
    fn a_bucket_leaves_after_ten_widths() {
        let mut ring = TimeRing::<u32>::new(SECOND * 10, Instant::EPOCH);
        *ring.at(Instant::from_millis(500)) += 3;
        assert_eq!(sum(&mut ring, Instant::from_millis(9_999)), 3);
        assert_eq!(sum(&mut ring, Instant::from_millis(10_000)), 0);
    }

    #[test]
    fn a_long_gap_clears_everything() {
        let mut ring = TimeRing::<u32>::new(SECOND * 10, Instant::from_millis(300));
        *ring.at(Instant::from_millis(500)) += 3;
        assert_eq!(sum(&mut ring, Instant::from_nanos(u64::MAX / 2)), 0);
    }

    #[test]
    fn never_is_an_ordinary_instant() {
        let mut ring = TimeRing::<u32>::new(SECOND * 10, Instant::from_millis(300));
        assert_eq!(sum(&mut ring, Instant::NEVER), 0);
    }

    proptest! {
        #[test]
        fn agrees_with_a_full_log(
            steps in prop::collection::vec(0_u64..3_000, 1..200), origin in 0_u64..5_000,
        ) {
            let width = 1_000;
            let origin = origin % width;
            let mut ring = TimeRing::<usize>::new(SECOND * 10, Instant::from_millis(origin));
            let mut log: Vec<u64> = Vec::new();
            let mut now = 0;
            for step in steps {
                now += step;
                *ring.at(Instant::from_millis(now)) += 1;
                log.push(now);
                let bucket = |at: u64| (at + width - origin) / width;
                let expected = log.iter().filter(|at| bucket(**at) + 10 > bucket(now)).count();
                prop_assert_eq!(sum(&mut ring, Instant::from_millis(now)), expected);
            }
        }
    }
}
