//! Leaky bucket as a queue: every call is told the instant at which it may go.
//!
//! Calls that leave the queue early and give their place back are in `queue.rs`.

use super::rate::Exact;
use super::{Quota, Rate, Refused};
use crate::invalid::Invalid;
use crate::time::{Duration, Instant};

/// Settings of a leaky bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LeakySettings {
    /// The rate at which calls leave, evenly spaced.
    pub rate: Rate,
    /// No call waits longer, up to 4.5 years. It bounds the queue: `rate · max_wait` calls.
    pub max_wait: Duration,
}

impl LeakySettings {
    /// Refuses what cannot work.
    ///
    /// # Errors
    ///
    /// [`Invalid`] for a wait above 4.5 years.
    pub fn validate(&self) -> Result<(), Invalid> {
        Quota { rate: self.rate, burst: 1 }.validate()?;
        if self.max_wait > Duration::from_nanos(1 << 57) {
            let shown = self.max_wait.as_secs();
            return Err(Invalid::new("max_wait", shown, "at most 4.5 years, in seconds"));
        }
        Ok(())
    }
}

/// A leaky bucket: the next instant at which a call may leave.
///
/// There is no burst; calls leave one emission interval apart, later ones rounded up to the
/// nanosecond. Whoever is admitted goes at the instant it was told, and is charged already.
/// Constant time; nothing is allocated. A `now` earlier than the latest one seen counts as the
/// latest.
#[derive(Debug)]
pub struct LeakyBucket {
    settings: LeakySettings,
    next: Exact,
    latest: Instant,
}

impl LeakyBucket {
    /// An empty queue.
    #[must_use]
    pub fn new(settings: LeakySettings) -> Self {
        Self { settings, next: Exact::default(), latest: Instant::EPOCH }
    }

    /// When a call of this cost may go: `now` or later. The one after it follows `cost` intervals
    /// behind.
    ///
    /// # Errors
    ///
    /// [`Refused::Limited`] when the wait would be longer than `max_wait`; nothing is charged then.
    pub fn decide(&mut self, now: Instant, cost: u32) -> Result<Instant, Refused> {
        self.latest = self.latest.max(now);
        let start = self.next.max(Exact::of(self.latest));
        let rate = self.settings.rate;
        let next = start.plus(Exact::emission(rate, cost.into()), rate.count());
        if rate.is_zero() || next == Exact::NEVER {
            return Err(Refused::Limited { retry_at: Instant::NEVER, remaining: 0 });
        }
        let at = start.ceil();
        if at.since(self.latest) > self.settings.max_wait {
            let wait = at.since(self.latest).saturating_sub(self.settings.max_wait);
            return Err(Refused::Limited { retry_at: self.latest.after(wait), remaining: 0 });
        }
        self.next = next;
        self.invariants();
        Ok(at)
    }

    /// Takes other settings. What waits keeps the instant it was told; the calls that are still
    /// owed after the last of them are owed at the new rate.
    pub fn reconfigure(&mut self, settings: LeakySettings, now: Instant) {
        self.latest = self.latest.max(now);
        // The fraction belonged to the old rate.
        self.next = Exact::of(self.next.ceil());
        self.settings = settings;
        self.invariants();
    }

    /// How long a call that came at `now` would wait.
    #[must_use]
    pub fn wait(&self, now: Instant) -> Duration {
        self.next.ceil().since(now.max(self.latest))
    }

    /// Checks, in debug builds, what must always hold.
    pub fn invariants(&self) {
        let count = self.settings.rate.count().max(1);
        debug_assert!(self.next.part < count, "more than a nanosecond beside the nanoseconds");
    }
}
