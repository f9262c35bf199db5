//! The recent past of a closed breaker, by count or by time.
//!
//! The ring of calls is in `call_ring.rs`, the ring of time buckets in `crate::window`; what the
//! counts mean is in `judge.rs`.

use super::WindowKind;
use super::call_ring::CallRing;
use super::weigh::{Vote, Weighed};
use crate::ratio::Ratio;
use crate::time::{Duration, Instant};
use crate::window::TimeRing;

/// Counts of the calls in a window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    /// Calls that succeeded or failed.
    pub(super) calls: u64,
    pub(super) failures: u64,
    pub(super) slow: u64,
    /// Calls given up without an answer that says anything.
    pub(super) abandoned: u64,
}

impl Tally {
    pub(super) fn failure_rate(&self) -> Ratio {
        Ratio::of_parts(self.failures, self.calls)
    }

    pub(super) fn slow_rate(&self) -> Ratio {
        Ratio::of_parts(self.slow, self.calls)
    }

    /// Abandoned calls are failures where there is nothing else, and nothing where there is.
    #[inline]
    pub(super) fn settled(self) -> Self {
        if self.calls > 0 {
            return Self { abandoned: 0, ..self };
        }
        Self { calls: self.abandoned, failures: self.abandoned, ..self }
    }

    #[inline]
    pub(super) fn count(&mut self, weighed: Weighed) {
        match weighed.vote {
            Vote::Success | Vote::Failure => {
                self.calls += 1;
                self.failures += u64::from(weighed.vote == Vote::Failure);
                self.slow += u64::from(weighed.slow);
            }
            Vote::Unfinished => self.abandoned += 1,
            Vote::Nothing => {}
        }
    }

    const fn add(&mut self, other: Self) {
        self.calls += other.calls;
        self.failures += other.failures;
        self.slow += other.slow;
        self.abandoned += other.abandoned;
    }

    const fn subtract(&mut self, other: Self) {
        self.calls -= other.calls;
        self.failures -= other.failures;
        self.slow -= other.slow;
        self.abandoned -= other.abandoned;
    }
}

/// The calls of the last so long, their sum kept beside the buckets: it is asked for with every
/// outcome, and ten buckets are a lot to add up.
#[derive(Debug)]
pub(super) struct Buckets {
    ring: TimeRing<Tally>,
    /// Of the live buckets as of the latest call.
    sum: Tally,
}

impl Buckets {
    fn new(length: Duration, origin: Instant) -> Self {
        Self { ring: TimeRing::new(length, origin), sum: Tally::default() }
    }

    #[inline]
    fn record(&mut self, weighed: Weighed, now: Instant) {
        self.advance(now);
        self.ring.at(now).count(weighed);
        self.sum.count(weighed);
    }

    fn put(&mut self, past: Tally, now: Instant) {
        self.advance(now);
        self.ring.at(now).add(past);
        self.sum.add(past);
    }

    fn advance(&mut self, now: Instant) {
        let sum = &mut self.sum;
        self.ring.advance_with(now, |dropped| sum.subtract(dropped));
    }

    /// What is held at `now`. Reading changes nothing, so where time has left the current bucket
    /// the ring is copied: ten small buckets, once in a while.
    #[inline]
    fn tally(&self, now: Instant) -> Tally {
        if self.ring.is_current(now) {
            return self.sum;
        }
        let (mut ring, mut sum) = (self.ring.clone(), self.sum);
        ring.advance_with(now, |dropped| sum.subtract(dropped));
        sum
    }

    fn clear(&mut self) {
        self.ring.clear();
        self.sum = Tally::default();
    }

    fn age_into(&mut self, new: &mut Self, now: Instant) {
        self.ring.age_into(&mut new.ring, now, |bucket, counts| bucket.add(counts));
        (self.sum, new.sum) = (total(&self.ring), total(&new.ring));
    }

    fn invariants(&self) {
        debug_assert_eq!(self.sum, total(&self.ring), "the sum is not a recount");
    }
}

/// A window of either kind. Recording and reading cost the same however much it holds.
#[derive(Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "one for each breaker; a box would cost a jump a call"
)]
pub(super) enum Window {
    Calls(CallRing),
    Time(Buckets),
}

impl Window {
    pub(super) fn new(kind: WindowKind, origin: Instant) -> Self {
        match kind {
            WindowKind::Calls(size) => Self::Calls(CallRing::new(size)),
            WindowKind::Time(length) => Self::Time(Buckets::new(length, origin)),
        }
    }

    #[inline]
    pub(super) fn record(&mut self, weighed: Weighed, now: Instant) {
        match self {
            Self::Calls(ring) => ring.record(weighed),
            Self::Time(buckets) => buckets.record(weighed, now),
        }
    }

    /// What the window holds at `now`.
    #[inline]
    pub(super) fn tally(&self, now: Instant) -> Tally {
        match self {
            Self::Calls(ring) => ring.tally(),
            Self::Time(buckets) => buckets.tally(now).settled(),
        }
    }

    pub(super) fn clear(&mut self) {
        match self {
            Self::Calls(ring) => ring.clear(),
            Self::Time(buckets) => buckets.clear(),
        }
    }

    /// Records so many successes as of `now`, none of them slow.
    pub(super) fn record_successes(&mut self, count: u32, now: Instant) {
        match self {
            Self::Calls(ring) => ring.record_successes(count),
            Self::Time(buckets) => {
                buckets.put(Tally { calls: count.into(), ..Tally::default() }, now);
            }
        }
    }

    /// When time alone next changes what it holds.
    pub(super) const fn turns_at(&self) -> Instant {
        match self {
            Self::Calls(_) => Instant::NEVER,
            Self::Time(buckets) => buckets.ring.turns_at(),
        }
    }

    /// So many calls are enough for a rate: `wanted`, but never more than a count window can hold,
    /// which would disarm the breaker without a word.
    #[inline]
    pub(super) fn enough(&self, wanted: u32) -> u64 {
        match self {
            Self::Calls(ring) => u64::from(wanted.clamp(1, ring.size())),
            Self::Time(_) => u64::from(wanted.max(1)),
        }
    }

    /// A window of another shape with the same past, as far as the old one knows it.
    ///
    /// Calls keep their order between count windows and their age between time windows, to a
    /// bucket. Turning a count into time makes every call recent; turning time into a count keeps
    /// the rates.
    pub(super) fn reshaped(&mut self, kind: WindowKind, origin: Instant, now: Instant) -> Self {
        let mut window = Self::new(kind, origin);
        match (self, &mut window) {
            (Self::Calls(old), Self::Calls(new)) => old.replay(new),
            (Self::Calls(old), Self::Time(new)) => new.put(old.past(), now),
            (Self::Time(old), Self::Time(new)) => old.age_into(new, now),
            (Self::Time(old), Self::Calls(new)) => new.fill(old.tally(now)),
        }
        window
    }

    pub(super) fn invariants(&self, now: Instant) {
        let tally = self.tally(now);
        debug_assert!(tally.failures <= tally.calls, "more failures than calls");
        debug_assert!(tally.slow <= tally.calls, "more slow calls than calls");
        match self {
            Self::Calls(ring) => ring.invariants(),
            Self::Time(buckets) => buckets.invariants(),
        }
    }
}

fn total(ring: &TimeRing<Tally>) -> Tally {
    ring.sum(|mut sum, bucket| {
        sum.add(bucket);
        sum
    })
}

#[cfg(all(test, debug_assertions))]
mod tests {
    use super::*;

    #[test]
    #[should_panic(expected = "the sum is not a recount")]
    fn a_sum_that_is_no_recount_is_noticed() {
        let mut window = Window::new(WindowKind::Time(Duration::from_secs(10)), Instant::EPOCH);
        window.record(Weighed { vote: Vote::Success, slow: false }, Instant::EPOCH);
        if let Window::Time(buckets) = &mut window {
            buckets.sum.calls += 1;
        }
        window.invariants(Instant::EPOCH);
    }
}
