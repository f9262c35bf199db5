//! Latency histograms of fixed memory: one that only grows, and one over the recent past.
//!
//! Buckets are linear within powers of two, as in `HdrHistogram` (Tene, 2012), twenty to each, so
//! that a reported quantile lies at most 5 % above the true one. Integers only. Counters by time
//! without distribution live in `window.rs`.

use alloc::boxed::Box;

use crate::ratio::Ratio;
use crate::time::{Duration, Instant, nanos};

/// Buckets within one power of two. Twenty is the least that keeps the error at 5 %.
const STEPS: u32 = 20;

/// The first power of two told apart, 512 ns; what is shorter counts as that.
const FIRST_POWER: u32 = 9;

/// The first power of two no longer told apart, 73 min; what is longer counts as that.
const END_POWER: u32 = 42;

const BUCKETS: usize = (STEPS * (END_POWER - FIRST_POWER)) as usize;

/// Rotating slots of a window: it covers between five and six sixths of its length.
const SLOTS: u32 = 6;

/// No bucket of a slot counts further, so that the sum of six always fits. With slots of ten
/// seconds that is 70 million answers of one latency a second.
const SLOT_COUNT_MAX: u32 = u32::MAX / SLOTS;

/// Counts of latencies from 512 ns to 73 min, in 660 buckets (2.6 KiB) allocated at construction.
///
/// A quantile is reported as the upper edge of its bucket: never below the true value, and at
/// most 5 % above it. Latencies out of range count at its ends. Full buckets stop at `u32::MAX`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Histogram {
    buckets: Box<[u32]>,
    count: u64,
}

impl Default for Histogram {
    fn default() -> Self {
        Self::new()
    }
}

impl Histogram {
    /// An empty histogram.
    #[must_use]
    pub fn new() -> Self {
        Self { buckets: Box::new([0; BUCKETS]), count: 0 }
    }

    /// Counts one latency.
    #[inline]
    pub fn record(&mut self, latency: Duration) {
        self.add(bucket(latency), u32::MAX);
    }

    /// How many latencies were counted.
    #[must_use]
    pub const fn count(&self) -> u64 {
        self.count
    }

    /// The latency of rank ⌈`share` · count⌉: the smallest for zero, the largest from 100 % up.
    /// None without samples. Walks the buckets.
    #[must_use]
    pub fn quantile(&self, share: Ratio) -> Option<Duration> {
        let whole = u128::from(Ratio::ONE.ppm());
        let rank = (u128::from(share.ppm()) * u128::from(self.count)).div_ceil(whole);
        let rank = u64::try_from(rank).unwrap_or(u64::MAX).min(self.count).max(1);
        let mut reached = 0;
        let index = self.buckets.iter().position(|count| {
            reached += u64::from(*count);
            reached >= rank
        })?;
        Some(upper_edge(index))
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.buckets.fill(0);
        self.count = 0;
    }

    /// Counts into a bucket unless it has reached `limit`; returns how much was counted.
    #[inline]
    fn add(&mut self, index: usize, limit: u32) -> u32 {
        let Some(count) = self.buckets.get_mut(index).filter(|count| **count < limit) else {
            return 0;
        };
        *count += 1;
        self.count += 1;
        1
    }

    /// Adds the counts of another one. The bound of a slot is kept, so that sums of six still fit.
    fn merge(&mut self, other: &Self) {
        for (count, more) in self.buckets.iter_mut().zip(&other.buckets) {
            let sum = count.saturating_add(*more);
            self.count += u64::from(sum - *count);
            *count = sum;
        }
    }

    /// Takes away counts that were added to this one as well.
    fn subtract(&mut self, other: &Self) {
        for (count, gone) in self.buckets.iter_mut().zip(&other.buckets) {
            *count = count.saturating_sub(*gone);
        }
        self.count = self.count.saturating_sub(other.count);
    }
}

/// The latencies of the last so long, in six slots that turn at their origin plus multiples of a
/// sixth of the window.
///
/// Memory: seven histograms, 18 KiB, allocated at construction. Recording touches two of them; a
/// quantile reads one, since the sum of the slots is kept beside them.
#[derive(Clone, Debug)]
pub struct RotatingHistogram {
    slots: [Histogram; SLOTS as usize],
    sum: Histogram,
    width: u64,
    origin: u64,
    current: u64,
    /// The first instant of the next slot, which follows from `current`: kept, because a division
    /// for each latency would cost more than to count it.
    next_turn: u64,
}

impl RotatingHistogram {
    /// An empty histogram over `window`. `origin` should differ between instances, so that a
    /// fleet does not turn in step; only its phase matters. A window below six nanoseconds is
    /// taken as six.
    #[must_use]
    pub fn new(window: Duration, origin: Instant) -> Self {
        let width = (nanos(window) / SLOTS as u64).max(1);
        let slots = core::array::from_fn(|_| Histogram::new());
        let origin = origin.as_nanos() % width;
        Self { slots, sum: Histogram::new(), width, origin, current: 0, next_turn: origin }
    }

    /// Counts one latency. An earlier `now` than the latest seen counts as the latest.
    pub fn record(&mut self, now: Instant, latency: Duration) {
        self.advance(now);
        let index = bucket(latency);
        if slot(&mut self.slots, self.current).add(index, SLOT_COUNT_MAX) > 0 {
            self.sum.add(index, u32::MAX);
        }
    }

    /// How many latencies the window holds at `now`.
    pub fn count(&mut self, now: Instant) -> u64 {
        self.advance(now);
        self.sum.count()
    }

    /// As [`Histogram::quantile`], of the latencies that the window holds at `now`.
    pub fn quantile(&mut self, now: Instant, share: Ratio) -> Option<Duration> {
        self.advance(now);
        self.sum.quantile(share)
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.slots.iter_mut().for_each(Histogram::clear);
        self.sum.clear();
    }

    /// The latencies that the window holds at `now`, in a window of another length, by their age to
    /// a slot. What the new one does not cover is left out. Allocates.
    #[must_use]
    pub fn rewindowed(&mut self, window: Duration, origin: Instant, now: Instant) -> Self {
        let mut new = Self::new(window, origin);
        self.advance(now);
        new.advance(now);
        for back in 0..u64::from(SLOTS).min(self.current + 1) {
            let age = self.width.saturating_mul(back);
            let then = now.as_nanos().saturating_sub(age);
            let index = new.index(Instant::from_nanos(then));
            if index <= new.current && new.current - index < u64::from(SLOTS) {
                let old = slot(&mut self.slots, self.current - back);
                slot(&mut new.slots, index).merge(old);
                new.sum.merge(old);
            }
        }
        new
    }

    /// Asserts what must hold between any two steps.
    pub fn invariants(&self) {
        for (index, total) in self.sum.buckets.iter().enumerate() {
            let parts = self.slots.iter().filter_map(|slot| slot.buckets.get(index));
            debug_assert_eq!(parts.sum::<u32>(), *total, "bucket {index} is not its slots' sum");
        }
        let counts = self.slots.iter().map(Histogram::count);
        debug_assert_eq!(counts.sum::<u64>(), self.sum.count(), "the count is not the slots' sum");
    }

    /// Drops the slots that are too old at `now`: at most six, whatever the gap.
    #[inline]
    fn advance(&mut self, now: Instant) {
        if now.as_nanos() >= self.next_turn {
            self.turn(now);
        }
    }

    #[cold]
    fn turn(&mut self, now: Instant) {
        let index = self.index(now);
        let gap = index.saturating_sub(self.current).min(SLOTS as u64);
        for step in 1..=gap {
            let old = slot(&mut self.slots, index - gap + step);
            self.sum.subtract(old);
            old.clear();
        }
        self.current = self.current.max(index);
        self.next_turn = self.current.saturating_mul(self.width).saturating_add(self.origin);
    }

    const fn index(&self, now: Instant) -> u64 {
        // One is added so that instants before the first turn have an index of their own.
        now.as_nanos().saturating_add(self.width - self.origin) / self.width
    }
}

#[expect(clippy::indexing_slicing, reason = "the index is taken modulo the length")]
#[expect(clippy::cast_possible_truncation, reason = "a number below six fits a usize")]
#[inline]
const fn slot(slots: &mut [Histogram; SLOTS as usize], index: u64) -> &mut Histogram {
    &mut slots[(index % SLOTS as u64) as usize]
}

/// The bucket of `latency`. An edge belongs to the bucket below it and so is reported exactly.
#[expect(clippy::cast_possible_truncation, reason = "an index below 660 fits a usize")]
#[inline]
fn bucket(latency: Duration) -> usize {
    let below = nanos(latency).saturating_sub(1).clamp(1 << FIRST_POWER, (1 << END_POWER) - 1);
    let power = below.ilog2();
    let step = ((below - (1 << power)) * u64::from(STEPS)) >> power;
    (u64::from(power - FIRST_POWER) * u64::from(STEPS) + step) as usize
}

/// The largest latency of a bucket.
const fn upper_edge(index: usize) -> Duration {
    let (octave, step) = (index as u64 / STEPS as u64, index as u64 % STEPS as u64);
    let start = 1_u64 << (FIRST_POWER as u64 + octave);
    Duration::from_nanos(start + (start * (step + 1)).div_ceil(STEPS as u64))
}

#[cfg(test)]
mod tests;
