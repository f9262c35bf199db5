//! Sliding log: the instants of the calls that count, and nothing estimated.
//!
//! The approximation that needs three numbers is in `sliding_counter.rs`.

use alloc::collections::VecDeque;

use super::windows::WindowLimit;
use super::{Admitted, Decision, Layer, RateSnapshot, Refused};
use crate::invalid::Invalid;
use crate::time::{Duration, Instant, nanos};

/// The largest limit of a log: 16 MB of instants. Whoever needs more wants GCRA.
pub const LOG_MAX: u32 = 1_000_000;

/// At most `limit` calls in any window: a call counts from its instant until just before a window
/// later.
///
/// Keeps one entry for each instant at which something passed, so at most `limit`, all allocated
/// when it is built. A step takes constant time but for dropping the expired, which costs each
/// entry's drop once, and for telling a refused call of cost c when to come back, which looks at
/// no more than c entries. A `now` earlier than the latest one seen counts as the latest.
#[derive(Debug)]
pub struct SlidingLog {
    settings: WindowLimit,
    entries: VecDeque<Entry>,
    used: u64,
    latest: Instant,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    at: Instant,
    cost: u64,
}

impl SlidingLog {
    /// An empty log. A limit above [`LOG_MAX`] is taken as that.
    #[must_use]
    pub fn new(settings: WindowLimit) -> Self {
        let settings = bounded(settings);
        let entries = VecDeque::with_capacity(settings.limit as usize);
        Self { settings, entries, used: 0, latest: Instant::EPOCH }
    }

    /// Refuses what cannot work.
    ///
    /// # Errors
    ///
    /// As [`WindowLimit::validate`], and [`Invalid`] for a limit above [`LOG_MAX`].
    pub fn validate(settings: &WindowLimit) -> Result<(), Invalid> {
        settings.validate()?;
        if settings.limit > LOG_MAX {
            return Err(Invalid::new("limit", settings.limit, "at most 1000000 for a log"));
        }
        Ok(())
    }

    /// Asks for one call and logs it if it passes.
    ///
    /// # Errors
    ///
    /// [`Refused`]; nothing is logged then.
    pub fn decide(&mut self, now: Instant, cost: u32) -> Decision {
        let admitted = self.check(now, cost)?;
        self.commit(now, cost);
        Ok(admitted)
    }

    /// Takes other settings. The log stays; a longer window counts again only what it still holds.
    pub fn reconfigure(&mut self, settings: WindowLimit, now: Instant) {
        self.advance(now);
        self.settings = bounded(settings);
        let wanted = (self.settings.limit as usize).saturating_sub(self.entries.len());
        self.entries.reserve(wanted);
        self.advance(now);
        self.invariants();
    }

    /// The log at `now`. Changes nothing.
    #[must_use]
    pub fn snapshot(&self, now: Instant) -> RateSnapshot {
        let now = now.max(self.latest);
        let live = self.entries.iter().filter(|entry| !self.is_expired(entry, now));
        let used = live.map(|entry| entry.cost).sum();
        let reset =
            self.entries.back().map_or(Duration::ZERO, |entry| self.expiry(entry).since(now));
        self.settings.snapshot(used, reset)
    }

    /// Checks, in debug builds, what must always hold.
    pub fn invariants(&self) {
        debug_assert_eq!(
            self.used,
            self.entries.iter().map(|entry| entry.cost).sum::<u64>(),
            "the sum of the log"
        );
        debug_assert!(self.entries.len() as u64 <= self.used, "an entry of nothing");
    }

    fn advance(&mut self, now: Instant) -> Instant {
        self.latest = self.latest.max(now);
        while let Some(first) = self.entries.front() {
            if !self.is_expired(first, self.latest) {
                break;
            }
            self.used -= first.cost;
            self.entries.pop_front();
        }
        self.latest
    }

    fn is_expired(&self, entry: &Entry, now: Instant) -> bool {
        nanos(now.since(entry.at)) >= self.settings.width()
    }

    fn expiry(&self, entry: &Entry) -> Instant {
        entry.at.after(Duration::from_nanos(self.settings.width()))
    }

    /// When enough of the oldest have left for a call of this cost.
    fn retry_at(&self, cost: u32) -> Instant {
        let limit = u64::from(self.settings.limit);
        let mut excess = self.used.saturating_add(cost.into()).saturating_sub(limit);
        for entry in &self.entries {
            excess = excess.saturating_sub(entry.cost);
            if excess == 0 {
                return self.expiry(entry);
            }
        }
        self.latest
    }
}

impl Layer for SlidingLog {
    fn check(&mut self, now: Instant, cost: u32) -> Decision {
        self.advance(now);
        self.settings.possible(cost)?;
        let free = u64::from(self.settings.limit).saturating_sub(self.used);
        match free.checked_sub(cost.into()) {
            Some(remaining) if self.used <= self.settings.limit.into() => {
                Ok(Admitted { remaining })
            }
            Some(_) | None => {
                Err(Refused::Limited { retry_at: self.retry_at(cost), remaining: free })
            }
        }
    }

    fn commit(&mut self, now: Instant, cost: u32) {
        let at = self.advance(now);
        let cost = u64::from(cost);
        self.used = self.used.saturating_add(cost);
        match self.entries.back_mut().filter(|last| last.at == at) {
            Some(last) => last.cost = last.cost.saturating_add(cost),
            None if cost > 0 => self.entries.push_back(Entry { at, cost }),
            None => {}
        }
        self.invariants();
    }
}

fn bounded(settings: WindowLimit) -> WindowLimit {
    WindowLimit { limit: settings.limit.min(LOG_MAX), ..settings }
}

#[cfg(all(test, debug_assertions))]
mod tests {
    use super::*;

    #[test]
    #[should_panic(expected = "the sum of the log")]
    fn a_sum_that_is_no_recount_is_noticed() {
        let mut log = SlidingLog::new(WindowLimit { limit: 1, window: Duration::from_secs(1) });
        log.used = 1;
        log.invariants();
    }
}
