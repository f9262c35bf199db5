//! What is to happen when: the queue of events of a run.
//!
//! Events of the same instant come in the order in which they were entered. Most waits of a run
//! have one of a few fixed lengths (a timeout, a leg of the network), so what is entered later is
//! also due later: such events go to a lane, a plain queue, and only what fits no lane costs a
//! place in a heap.

use std::cmp::{Ordering, Reverse};
use std::collections::{BinaryHeap, VecDeque};

use seawall_core::time::Instant;

/// Lanes tried before the heap. A call has about three fixed waits: a leg, a timeout, a deadline.
const LANES: usize = 4;

/// A queue of events in virtual time.
#[derive(Debug)]
pub struct Agenda<E> {
    lanes: [VecDeque<Entry<E>>; LANES],
    heap: BinaryHeap<Reverse<Entry<E>>>,
    entered: u64,
}

#[derive(Debug)]
struct Entry<E> {
    at: Instant,
    number: u64,
    event: E,
}

impl<E> Entry<E> {
    const fn key(&self) -> (Instant, u64) {
        (self.at, self.number)
    }
}

impl<E> PartialEq for Entry<E> {
    fn eq(&self, other: &Self) -> bool {
        self.number == other.number
    }
}

impl<E> Eq for Entry<E> {}

impl<E> PartialOrd for Entry<E> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<E> Ord for Entry<E> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.key().cmp(&other.key())
    }
}

impl<E> Default for Agenda<E> {
    fn default() -> Self {
        Self { lanes: Default::default(), heap: BinaryHeap::new(), entered: 0 }
    }
}

impl<E> Agenda<E> {
    /// Enters an event. What is due at [`Instant::NEVER`] is forgotten at once.
    pub fn enter(&mut self, at: Instant, event: E) {
        if at.is_never() {
            return;
        }
        self.entered += 1;
        let entry = Entry { at, number: self.entered, event };
        // The lane that ends latest before it: an early event in a lane of its own leaves the
        // lanes of the long waits to the long waits.
        let mut best: Option<(Instant, usize)> = None;
        for (index, lane) in self.lanes.iter().enumerate() {
            let last = lane.back().map_or(Instant::EPOCH, |last| last.at);
            if last <= at && best.is_none_or(|(end, _)| last > end) {
                best = Some((last, index));
            }
        }
        match best.and_then(|(_, index)| self.lanes.get_mut(index)) {
            Some(lane) => lane.push_back(entry),
            None => self.heap.push(Reverse(entry)),
        }
    }

    /// Takes the next event and its time.
    pub fn take(&mut self) -> Option<(Instant, E)> {
        let mut first = self.heap.peek().map(|Reverse(entry)| (entry.key(), LANES));
        for (index, lane) in self.lanes.iter().enumerate() {
            let Some(entry) = lane.front() else { continue };
            if first.is_none_or(|(key, _)| entry.key() < key) {
                first = Some((entry.key(), index));
            }
        }
        let (_, index) = first?;
        let entry = match self.lanes.get_mut(index) {
            Some(lane) => lane.pop_front(),
            None => self.heap.pop().map(|Reverse(entry)| entry),
        };
        entry.map(|entry| (entry.at, entry.event))
    }

    /// How many events wait.
    #[must_use]
    pub fn len(&self) -> usize {
        self.heap.len() + self.lanes.iter().map(VecDeque::len).sum::<usize>()
    }

    /// Whether nothing is left to happen.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Against a list that is sorted by time and number whenever something is taken.
        #[test]
        fn events_come_by_time_and_then_by_entry(
            steps in prop::collection::vec(prop::option::of(0_u64..50), 1..400),
        ) {
            let (mut agenda, mut model) = (Agenda::default(), Vec::new());
            let mut now = 0;
            for (number, step) in steps.into_iter().enumerate() {
                if let Some(wait) = step {
                    agenda.enter(Instant::from_nanos(now + wait), number);
                    model.push((now + wait, number));
                } else {
                    model.sort_unstable();
                    let expected = (!model.is_empty()).then(|| model.remove(0));
                    let taken = agenda.take().map(|(at, event)| (at.as_nanos(), event));
                    prop_assert_eq!(taken, expected);
                    now = taken.map_or(now, |(at, _)| at);
                }
                prop_assert_eq!(agenda.len(), model.len());
            }
        }
    }

    #[test]
    fn what_never_comes_is_not_kept() {
        let mut agenda = Agenda::default();
        agenda.enter(Instant::NEVER, ());
        assert!(agenda.is_empty());
    }
}
