//! A number of samples that are judged together: few if they agree, more if they do not.
//!
//! What follows from them is in `knee.rs`.

use super::Finished;
use super::millionths::Millionths;
use crate::time::{Duration, Instant, nanos};

/// So many slow samples in a row are proof at once. Where latencies spread as widely as they are
/// long every fourth is slow by chance, and eight in a row one in a hundred thousand times.
const STREAK: u32 = 8;

/// Samples are looked at in groups of so many, two groups at a time: so many slow ones of both are
/// proof as well, and none slow is proof that there is room.
const GROUP: u32 = 8;
const GROUPS_SLOW: u32 = 13;

/// So many decide in any case: their mean is off by an eighth of the spread. Half of that makes the
/// first base, so that one is soon known.
const FULL: u32 = 64;
const FIRST: u32 = 32;

/// And so many mean latencies must have passed: what ends first after a pause is what was quick.
const FULL_MEANS: u32 = 2;
const FIRST_MEANS: u32 = 8;

/// A sample counts as no more than so many base latencies: a stray of minutes is one sample.
const LONGEST_SAMPLE: u32 = 16;

/// Samples that took longer than this, and so many base latencies, to gather tell of different
/// times.
const LONGEST: Duration = Duration::from_secs(2);
const LONGEST_BASES: u32 = 16;

/// Of an endpoint of which nothing is known yet: longer, or one that is seldom called would have no
/// base before the first flood, and take that for its normal.
const LONGEST_FIRST: Duration = Duration::from_mins(1);

/// How sure a reading is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Weight {
    /// Few samples that agree: enough to act, not to learn a base from, since those that do not
    /// agree are waited for.
    Early,
    Full,
}

/// What samples say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Reading {
    pub(super) weight: Weight,
    /// In flight when they began, on average.
    pub(super) beside: Millionths,
    /// The most of that.
    pub(super) peak: u32,
    /// The mean latency: by Little's law it is to the base as what is in flight to what is worked
    /// on, which holds for no other measure.
    pub(super) latency: Duration,
}

/// Samples, added up.
#[derive(Clone, Copy, Debug, Default)]
struct Tally {
    count: u32,
    slow: u32,
    latency: u64,
    beside: u64,
    peak: u32,
}

/// The samples since the last full reading, and the latest of them.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Epoch {
    since: Instant,
    all: Tally,
    /// The latest that were slow one after the other.
    streak: Tally,
    /// The present group, and the one before.
    group: Tally,
    before: Tally,
}

impl Tally {
    fn add(&mut self, latency: Duration, beside: u32, slow: bool) {
        self.count += 1;
        self.slow += u32::from(slow);
        self.latency = self.latency.saturating_add(nanos(latency));
        self.beside += u64::from(beside);
        self.peak = self.peak.max(beside);
    }

    fn with(self, other: Self) -> Self {
        Self {
            count: self.count + other.count,
            slow: self.slow + other.slow,
            latency: self.latency.saturating_add(other.latency),
            beside: self.beside + other.beside,
            peak: self.peak.max(other.peak),
        }
    }

    fn mean(&self) -> Duration {
        Duration::from_nanos(self.latency / u64::from(self.count.max(1)))
    }

    fn reading(&self, weight: Weight) -> Reading {
        let beside = Millionths::mean(self.beside, self.count);
        Reading { weight, beside, peak: self.peak, latency: self.mean() }
    }
}

impl Epoch {
    /// Forgets samples of long ago.
    pub(super) fn renew(&mut self, now: Instant, base: Option<Duration>) {
        let known = |base: Duration| base.saturating_mul(LONGEST_BASES).max(LONGEST);
        let longest = base.map_or(LONGEST_FIRST, known);
        if now.since(self.since) > longest {
            *self = Self::default();
        }
    }

    /// Takes one sample, which is slow if it took longer than `slow_from`, once a base is known.
    pub(super) fn take(
        &mut self,
        now: Instant,
        finished: &Finished,
        (base, slow_from): (Option<Duration>, Duration),
    ) {
        if self.all.count == 0 {
            self.since = now;
        }
        if self.group.count == GROUP {
            self.before = core::mem::take(&mut self.group);
        }
        let most = base.map_or(Duration::MAX, |base| base.saturating_mul(LONGEST_SAMPLE));
        let (latency, beside) = (finished.latency.min(most), finished.in_flight);
        let slow = base.is_some() && finished.latency > slow_from;
        self.all.add(latency, beside, slow);
        self.group.add(latency, beside, slow);
        match slow {
            // They agree that it is so long.
            true => self.streak.add(finished.latency, beside, slow),
            false => self.streak = Tally::default(),
        }
    }

    /// What the samples say, once they say anything.
    pub(super) fn reading(&self, now: Instant, base: Option<Duration>) -> Option<Reading> {
        let (full, means) = if base.is_some() { (FULL, FULL_MEANS) } else { (FIRST, FIRST_MEANS) };
        let long_enough = || now.since(self.since) >= self.all.mean().saturating_mul(means);
        if self.all.count >= full && long_enough() {
            return Some(self.all.reading(Weight::Full));
        }
        base?;
        if self.streak.count == STREAK {
            return Some(self.streak.reading(Weight::Early));
        }
        let both = self.group.with(self.before);
        let ends = self.group.count == GROUP && self.before.count == GROUP;
        let agree = both.slow == 0 || both.slow >= GROUPS_SLOW;
        (ends && agree).then(|| both.reading(Weight::Early))
    }

    /// Whether the latest samples were slow: two in a row are more than chance.
    pub(super) const fn turns_slow(&self) -> bool {
        self.streak.count >= 2
    }

    pub(super) fn invariants(&self) {
        debug_assert!(self.all.slow <= self.all.count, "more slow samples than samples");
        debug_assert!(self.group.count <= GROUP, "a group that has not been closed");
        debug_assert!(self.streak.slow == self.streak.count, "a streak that is broken");
    }
}
