//! What quiet times say about latency without load: six slots of ten seconds.
//!
//! A slot counts only if at most half of the limit was in use throughout; when nothing was quiet
//! for long, `steady.rs` makes a quiet moment.

use crate::histogram::Histogram;
use crate::ratio::Ratio;
use crate::time::{Duration, Instant, nanos};

/// Closed slots that are remembered.
const SLOTS: usize = 6;

/// The length of a slot.
const WIDTH: Duration = Duration::from_secs(10);

/// A slot with fewer samples says nothing: its tenth percentile would be one stray attempt.
const SAMPLES_MIN: u64 = 10;

/// The share of latencies below the one that stands for no load. The least would be a stray.
pub(super) const QUIET_SHARE: Ratio = Ratio::from_percent(10);

/// The present slot, and the tenth percentiles of the closed ones that were quiet.
#[derive(Debug)]
pub(super) struct Slots {
    origin: Instant,
    current: u64,
    latencies: Histogram,
    was_busy: bool,
    quiet: [Option<Duration>; SLOTS],
}

/// What closing a slot brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Closed {
    /// It was quiet, and the base is this now: the least of the quiet slots of the last minute,
    /// or that of the closed one if it is older than that.
    Quiet(Duration),
    /// It was busy or nearly empty, or there was none to close.
    Nothing,
}

impl Slots {
    pub(super) fn new(origin: Instant) -> Self {
        let latencies = Histogram::new();
        Self { origin, current: 0, latencies, was_busy: false, quiet: [None; SLOTS] }
    }

    /// The least of the quiet slots of the last minute.
    pub(super) fn base(&self) -> Option<Duration> {
        self.quiet.iter().flatten().min().copied()
    }

    /// Something was in flight: more than half of the limit makes the slot busy.
    pub(super) fn note_use(&mut self, in_flight: u32, limit: u32) {
        self.was_busy |= u64::from(in_flight) * 2 > u64::from(limit);
    }

    pub(super) fn record(&mut self, latency: Duration) {
        self.latencies.record(latency);
    }

    /// Closes the present slot if it is over at `now`, and drops what is too old.
    pub(super) fn advance(&mut self, now: Instant) -> Closed {
        let index = nanos(now.since(self.origin)) / nanos(WIDTH);
        if index <= self.current {
            return Closed::Nothing;
        }
        let verdict = self.verdict();
        self.set(self.current, verdict);
        let gap = (index - self.current).min(SLOTS as u64 + 1);
        for step in 1..gap {
            self.set(index - step, None);
        }
        self.current = index;
        self.latencies.clear();
        self.was_busy = false;
        verdict.map_or(Closed::Nothing, |closed| Closed::Quiet(self.base().unwrap_or(closed)))
    }

    /// Forgets the closed slots, since something better is known.
    pub(super) fn forget(&mut self) {
        self.quiet = [None; SLOTS];
    }

    fn verdict(&self) -> Option<Duration> {
        let counts = !self.was_busy && self.latencies.count() >= SAMPLES_MIN;
        if counts { self.latencies.quantile(QUIET_SHARE) } else { None }
    }

    fn set(&mut self, index: u64, verdict: Option<Duration>) {
        let place = usize::try_from(index % SLOTS as u64).unwrap_or_default();
        if let Some(slot) = self.quiet.get_mut(place) {
            *slot = verdict;
        }
    }
}
