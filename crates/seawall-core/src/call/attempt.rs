//! An attempt of a call, and the endpoints already tried.

use crate::budget::Spent;
use crate::bulkhead::Permit;
use crate::endpoint::Slot;
use crate::hedge::Hedge;
use crate::outcome::{Latency, Outcome};
use crate::throttle::Passed;
use crate::time::{Duration, Instant};
use crate::timeout::Sample;
use crate::upstream::Choice;

use super::ATTEMPTS_MAX;

/// Why an attempt is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// It is the first of its call.
    First,
    /// An earlier one has ended.
    Retry,
    /// Another one is slow and still runs.
    Hedge,
}

/// An attempt that holds a permit and the receipts of its endpoint.
#[derive(Debug)]
pub(super) struct Running {
    pub(super) number: u32,
    /// What a hedge owes an account of, until it has given it.
    pub(super) hedge: Option<Hedge>,
    pub(super) choice: Choice,
    pub(super) permit: Permit,
    /// What the budget is told of a retry that brings a good answer.
    pub(super) spent: Option<Spent>,
    /// What the throttle is told of its end.
    pub(super) passed: Option<Passed>,
    /// Permits in use when it began, its own included.
    pub(super) in_flight: u32,
    pub(super) started: Instant,
    /// Since when the service has had all that the caller sent: what it is judged by.
    pub(super) served: Instant,
    /// How long it may take.
    pub(super) timeout: Duration,
    /// When its own timeout runs out, were there no deadline of the call.
    pub(super) patience: Instant,
    /// By when a head must have arrived: the earlier of its patience and the call's deadline.
    pub(super) deadline: Instant,
    /// Once the head has arrived: its outcome and how long it took.
    pub(super) head: Option<(Outcome, Duration)>,
    /// Whether the machine has already asked the driver to give it up.
    pub(super) abandoning: bool,
    /// Whether another attempt was quicker.
    pub(super) outrun: bool,
}

impl Running {
    /// What it teaches about latency, if it ends at `now` with `outcome`. An attempt that was cut
    /// by the deadline of its call, or by a caller that left, teaches nothing.
    #[inline]
    pub(super) fn sample(&self, outcome: &Outcome, now: Instant) -> Option<Sample> {
        if let Some((_, elapsed)) = self.head {
            let done = outcome.latency == Latency::Sample;
            return done.then_some(Sample::Answered(elapsed));
        }
        if self.outrun {
            return Some(Sample::Outrun(now.since(self.served)));
        }
        let late = outcome.latency == Latency::AtLeast && now >= self.patience;
        late.then_some(Sample::TimedOut(self.timeout))
    }
}

/// The endpoints that a call has tried, oldest first, without repetition.
#[derive(Debug)]
pub(super) struct Tried {
    slots: [Slot; ATTEMPTS_MAX as usize],
    len: usize,
}

impl Tried {
    pub(super) const fn new() -> Self {
        Self { slots: [Slot::new(0); ATTEMPTS_MAX as usize], len: 0 }
    }

    /// Notes `slot` as the latest.
    #[inline]
    pub(super) fn note(&mut self, slot: Slot) {
        let known = self.as_slice().iter().position(|tried| *tried == slot);
        if let Some(place) = known {
            self.forget(place);
        }
        if let Some(place) = self.slots.get_mut(self.len) {
            *place = slot;
            self.len += 1;
        }
    }

    #[inline]
    pub(super) fn as_slice(&self) -> &[Slot] {
        self.slots.get(..self.len).unwrap_or_default()
    }

    fn forget(&mut self, place: usize) {
        if let Some(rest) = self.slots.get_mut(place..self.len) {
            rest.rotate_left(1);
            self.len -= 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_try_stands_last_and_once() {
        let mut tried = Tried::new();
        for index in [1, 2, 1, 3] {
            tried.note(Slot::new(index));
        }
        assert_eq!(tried.as_slice(), [2, 1, 3].map(Slot::new));
    }

    #[test]
    fn a_full_list_keeps_its_bound() {
        let mut tried = Tried::new();
        for index in 0..ATTEMPTS_MAX + 5 {
            tried.note(Slot::new(index));
        }
        assert_eq!(tried.as_slice().len(), ATTEMPTS_MAX as usize);
    }
}
