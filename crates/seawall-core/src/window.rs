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
    /// The first instant of the next bucket and the slot of the current one, both following from
    /// `current`: kept, because a division for each call would cost more than the rest of it.
    next_turn: u64,
    position: usize,
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
        let buckets = [T::default(); BUCKETS];
        Self { buckets, width, origin, current: 0, next_turn: origin, position: 0 }
    }

    /// Drops what is too old at `now`. An earlier `now` than the latest seen changes nothing.
    #[inline]
    pub fn advance(&mut self, now: Instant) {
        self.advance_with(now, |_| {});
    }

    /// As [`TimeRing::advance`], telling each dropped bucket: for sums kept beside the ring.
    #[inline]
    pub fn advance_with(&mut self, now: Instant, dropped: impl FnMut(T)) {
        if !self.is_current(now) {
            self.turn(now, dropped);
        }
    }

    /// Whether the bucket of `now` is the latest one seen, or an older one: advancing to it would
    /// then change nothing.
    #[must_use]
    #[inline]
    pub const fn is_current(&self, now: Instant) -> bool {
        now.as_nanos() < self.next_turn
    }

    /// The first instant of the next bucket.
    #[must_use]
    pub const fn turns_at(&self) -> Instant {
        Instant::from_nanos(self.next_turn)
    }

    /// The bucket of `now`, after dropping what is too old.
    #[expect(clippy::indexing_slicing, reason = "the position is taken modulo the length")]
    #[inline]
    pub fn at(&mut self, now: Instant) -> &mut T {
        self.advance(now);
        &mut self.buckets[self.position]
    }

    /// Beyond the current bucket; out of the way of the calls that stay within it.
    #[cold]
    #[expect(clippy::cast_possible_truncation, reason = "a number below ten fits a usize")]
    fn turn(&mut self, now: Instant, mut dropped: impl FnMut(T)) {
        let index = self.index(now);
        let gap = index.saturating_sub(self.current).min(BUCKETS as u64);
        for step in 1..=gap {
            dropped(core::mem::take(self.slot(index - gap + step)));
        }
        self.current = self.current.max(index);
        self.next_turn = self.current.saturating_mul(self.width).saturating_add(self.origin);
        self.position = (self.current % BUCKETS as u64) as usize;
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

    /// What the live buckets hold together, by `plus`. Call [`TimeRing::advance`] first.
    #[must_use]
    pub fn sum(&self, plus: impl Fn(T, T) -> T) -> T {
        self.live().fold(T::default(), |sum, bucket| plus(sum, *bucket))
    }

    /// Takes the length of another window, and keeps of the old one what that covers: each bucket
    /// goes to the new one of the same age, as near as buckets allow, by `plus`. `origin` as in
    /// [`TimeRing::new`].
    pub fn reshape(
        &mut self,
        window: Duration,
        origin: Instant,
        now: Instant,
        plus: impl Fn(T, T) -> T,
    ) {
        let mut ring = Self::new(window, origin);
        self.age_into(&mut ring, now, |bucket, counts| *bucket = plus(*bucket, counts));
        *self = ring;
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

    #[test]
    fn each_dropped_bucket_is_told_once() {
        let mut ring = TimeRing::<u32>::new(SECOND * 10, Instant::from_millis(300));
        let mut dropped = Vec::new();
        for second in [0, 1, 2] {
            *ring.at(Instant::from_millis(second * 1_000)) += 1;
        }
        ring.advance_with(Instant::from_millis(10_500), |count| dropped.push(count));
        assert_eq!(dropped.iter().sum::<u32>(), 2, "two are ten widths old");
        ring.advance_with(Instant::from_millis(60_000), |count| dropped.push(count));
        assert_eq!(dropped.iter().sum::<u32>(), 3);
        ring.advance_with(Instant::from_millis(60_000), |_| panic!("dropped twice"));
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
