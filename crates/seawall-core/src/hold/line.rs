//! The line of held calls, by when their callers are likely to lose patience.

use alloc::collections::BTreeMap;

use crate::bulkhead::Waiter;
use crate::time::{Duration, Instant};

/// A place in the line. A name only: one that has been given up is recognised for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// Until when somebody waits for it in all likelihood.
    awaited: Instant,
    until: Instant,
    number: u64,
}

impl Place {
    pub(super) const fn new(awaited: Instant, until: Instant, number: u64) -> Self {
        Self { awaited, until, number }
    }

    /// When waiting is over.
    #[must_use]
    pub const fn until(self) -> Instant {
        self.until
    }

    /// What the driver wakes.
    #[must_use]
    pub const fn waiter(self) -> Waiter {
        Waiter::of_hold(self.number)
    }
}

/// Calls in the order in which patience ends; of equal ones the earlier deadline, and then the
/// first to come, is first. Each with the bytes that its body may take.
#[derive(Debug)]
pub(super) struct Line(BTreeMap<Place, u64>);

impl Line {
    pub(super) const EMPTY: Self = Self(BTreeMap::new());

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn insert(&mut self, place: Place, body: u64) {
        let before = self.0.insert(place, body);
        debug_assert_eq!(before, None, "places are numbered");
    }

    pub(super) fn remove(&mut self, place: Place) -> Option<u64> {
        self.0.remove(&place)
    }

    pub(super) fn contains(&self, place: Place) -> bool {
        self.0.contains_key(&place)
    }

    /// Takes out the call that goes next where an answer takes so long: of those whose callers will
    /// still be there, the one with the least time. Where nobody is likely to be, the one that came
    /// last, whose caller may be.
    pub(super) fn pop(&mut self, takes: Duration, now: Instant) -> Option<(Place, u64)> {
        let least = Place::new(now.after(takes), Instant::EPOCH, 0);
        match self.0.range(least..).next() {
            Some((place, _)) => {
                let place = *place;
                self.0.remove(&place).map(|body| (place, body))
            }
            None => self.0.pop_last(),
        }
    }

    /// Takes out any call.
    pub(super) fn take_any(&mut self) -> Option<(Place, u64)> {
        self.0.pop_first()
    }

    /// The call with the most patience.
    pub(super) fn last(&self) -> Option<Place> {
        self.0.last_key_value().map(|(place, _)| *place)
    }

    /// Takes in all of another line.
    pub(super) fn take_in(&mut self, other: &mut Self) {
        self.0.append(&mut other.0);
    }

    pub(super) fn bytes(&self) -> u64 {
        self.0.values().fold(0, |sum, body| sum.saturating_add(*body))
    }
}
