//! The smoothed time for which permits are held.

use crate::time::{Duration, nanos};

/// The newest sample counts 1/8, so that about the last eight permits decide: enough to even out
/// single slow ones, few enough to follow a dependency that slows down. The gain of TCP's smoothed
/// round-trip time (Jacobson, "Congestion Avoidance and Control", 1988; RFC 6298).
const WEIGHT: u64 = 8;

/// The longest sample, some 36 years: eight of it fit the sum.
const LONGEST: u64 = u64::MAX / (2 * WEIGHT);

/// An exponentially weighted moving average in whole nanoseconds. Unknown before the first sample.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct ServiceTime {
    /// [`WEIGHT`] times the average, so that what one division cuts off is not lost to the next.
    scaled: Option<u64>,
}

impl ServiceTime {
    /// Takes in one sample; the first one is the average.
    #[inline]
    pub(super) fn record(&mut self, held: Duration) {
        let held = nanos(held).min(LONGEST);
        let scaled = self.scaled.map_or(held * WEIGHT, |scaled| scaled - scaled / WEIGHT + held);
        debug_assert!(scaled <= LONGEST * WEIGHT, "an average above its largest sample");
        self.scaled = Some(scaled);
    }

    /// The average, rounded down.
    pub(super) fn average(self) -> Option<Duration> {
        self.scaled.map(|scaled| Duration::from_nanos(scaled / WEIGHT))
    }

    /// How long whoever is at `position` (1 is next; heavy ones count their weight) waits for one
    /// of `permits`, rounded up: `position · S / L`, since a permit comes free every S / L.
    pub(super) fn wait(self, position: u64, permits: u32) -> Option<Duration> {
        let scaled = u128::from(self.scaled?) * u128::from(position);
        let wait = scaled.div_ceil(u128::from(permits.max(1)) * u128::from(WEIGHT));
        Some(Duration::from_nanos(u64::try_from(wait).unwrap_or(u64::MAX)))
    }
}
