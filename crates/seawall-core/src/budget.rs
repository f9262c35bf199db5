//! Attempt budget: the bound on extra attempts as a share of recent calls.

use crate::ratio::Ratio;
use crate::time::{Duration, Instant, nanos};
use crate::window::{BUCKETS, TimeRing};

/// Settings of an attempt budget.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BudgetSettings {
    /// Extra attempts allowed for each first attempt of the window. Default 20 %, as in the
    /// Gateway API's retry constraint.
    pub ratio: Ratio,
    /// Extra attempts a second that are allowed however few calls there are. Default 10.
    pub floor_per_second: u32,
    /// The window. Default 10 s.
    pub window: Duration,
}

impl Default for BudgetSettings {
    fn default() -> Self {
        Self {
            ratio: Ratio::from_percent(20),
            floor_per_second: 10,
            window: Duration::from_secs(10),
        }
    }
}

/// Bounds the extra attempts of one upstream: retries and hedges together, whoever asks.
///
/// Grants while extra attempts stay within the greater of `ratio` of the window's first attempts
/// and `floor` a second; the floor cannot be spent in one burst. With the defaults at every grant
/// `extra ≤ max(0.2 · first, 100)`. Under lasting failure the grants pulse with the period of the
/// window, which is why its phase should differ between instances.
///
/// Source: the rule of the Gateway API's retry constraint (GEP-3388), as an exact integer test.
#[derive(Debug)]
pub struct Budget {
    settings: BudgetSettings,
    origin: Instant,
    ring: TimeRing<Counts>,
    latest: Instant,
}

#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    first: u32,
    extra: u32,
}

/// The right to one extra attempt, reserved when it is decided. [`Reservation::spend`] it when the
/// attempt starts, or give it to [`Budget::refund`].
#[derive(Debug)]
#[must_use = "a reservation that is neither spent nor refunded counts as spent"]
pub struct Reservation {
    at: Instant,
}

impl Reservation {
    /// The attempt has started.
    pub fn spend(self) {}
}

/// No extra attempt: the budget is spent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Denied {
    /// First attempts in the window.
    pub first: u64,
    /// Extra attempts in the window.
    pub extra: u64,
}

/// A budget at an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BudgetSnapshot {
    /// First attempts in the window.
    pub first: u64,
    /// Extra attempts in the window.
    pub extra: u64,
    /// Extra attempts that would be granted one after the other now.
    pub left: u64,
}

impl Budget {
    /// An empty budget whose window has the phase of `origin`.
    #[must_use]
    pub fn new(settings: BudgetSettings, origin: Instant) -> Self {
        let ring = TimeRing::new(settings.window, origin);
        Self { settings, origin, ring, latest: Instant::EPOCH }
    }

    /// Takes over new settings. Counts are kept; under a new window they count as of now.
    pub fn reconfigure(&mut self, settings: BudgetSettings, now: Instant) {
        let now = self.advance(now);
        let before = core::mem::replace(&mut self.settings, settings);
        if before.window == settings.window {
            return;
        }
        let (first, extra) = self.totals();
        self.ring = TimeRing::new(settings.window, self.origin);
        *self.ring.at(now) = Counts { first: saturate(first), extra: saturate(extra) };
    }

    /// A call starts its first attempt. Once for each call, whoever shares the budget.
    pub fn deposit(&mut self, now: Instant) {
        let now = self.advance(now);
        let bucket = self.ring.at(now);
        bucket.first = bucket.first.saturating_add(1);
    }

    /// Reserves an extra attempt.
    ///
    /// # Errors
    /// [`Denied`] with the counts, if the budget is spent.
    pub fn reserve(&mut self, now: Instant) -> Result<Reservation, Denied> {
        let now = self.advance(now);
        let (first, extra) = self.totals();
        let current = u64::from(self.ring.at(now).extra);
        if !self.allows(first, extra, current) {
            return Err(Denied { first, extra });
        }
        let bucket = self.ring.at(now);
        bucket.extra = bucket.extra.saturating_add(1);
        Ok(Reservation { at: now })
    }

    /// Returns a reservation whose attempt was not made, to the bucket it came from if that is
    /// still live.
    pub fn refund(&mut self, reservation: Reservation, now: Instant) {
        self.advance(now);
        if let Some(bucket) = self.ring.past(reservation.at) {
            bucket.extra = bucket.extra.saturating_sub(1);
        }
    }

    /// Its counts at `now`.
    #[must_use]
    pub fn snapshot(&self, now: Instant) -> BudgetSnapshot {
        let mut ring = self.ring.clone();
        let current = u64::from(ring.at(now.max(self.latest)).extra);
        let (first, extra) = totals(&ring);
        let by_ratio = self.settings.ratio.of(first).saturating_sub(extra);
        let (whole, bucket) = self.floors();
        let by_floor = whole.saturating_sub(extra).min(bucket.saturating_sub(current));
        BudgetSnapshot { first, extra, left: by_ratio.max(by_floor) }
    }

    /// Asserts what must hold between any two steps.
    pub fn invariants(&self) {
        let (first, extra) = self.totals();
        debug_assert!(first <= u64::from(u32::MAX) * BUCKETS as u64, "first attempts overflow");
        debug_assert!(extra <= u64::from(u32::MAX) * BUCKETS as u64, "extra attempts overflow");
    }

    /// Whether one more extra attempt fits, given the sums of the window and the extra attempts of
    /// the current bucket.
    fn allows(&self, first: u64, extra: u64, current: u64) -> bool {
        let part = u128::from(extra + 1) * 1_000_000;
        if part <= u128::from(self.settings.ratio.ppm()) * u128::from(first) {
            return true;
        }
        let (whole, bucket) = self.floors();
        extra < whole && current < bucket
    }

    /// What the floor allows in the window and in one bucket, rounded down; a floor above zero
    /// allows at least one in a bucket, or a short window would make it nothing.
    fn floors(&self) -> (u64, u64) {
        let of = |span: Duration| {
            let product = u128::from(self.settings.floor_per_second) * u128::from(nanos(span));
            u64::try_from(product / 1_000_000_000).unwrap_or(u64::MAX)
        };
        let least = u64::from(self.settings.floor_per_second.min(1));
        (of(self.settings.window).max(least), of(self.ring.width()).max(least))
    }

    fn advance(&mut self, now: Instant) -> Instant {
        self.latest = self.latest.max(now);
        self.ring.advance(self.latest);
        self.latest
    }

    fn totals(&self) -> (u64, u64) {
        totals(&self.ring)
    }
}

fn totals(ring: &TimeRing<Counts>) -> (u64, u64) {
    ring.live().fold((0, 0), |(first, extra), bucket| {
        (first + u64::from(bucket.first), extra + u64::from(bucket.extra))
    })
}

fn saturate(count: u64) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests;
