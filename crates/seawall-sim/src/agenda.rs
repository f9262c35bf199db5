//! What is to happen when: the queue of events of a run.
//!
//! Events of the same instant come in the order in which they were entered. Three kinds of wait
//! have places of their own, since a run spends much of its time here: none at all (a plain queue),
//! limits of fixed length, which nearly always come to nothing and are due in the order in which
//! they are entered (lanes), and all others (a heap).

use std::cmp::{Ordering, Reverse};
use std::collections::{BinaryHeap, VecDeque};

use seawall_core::time::Instant;

/// Limits of so many lengths stay out of the heap: a timeout and a deadline of two kinds of call.
const LANES: usize = 4;

/// A queue of events in virtual time.
#[derive(Debug)]
pub struct Agenda<E> {
    now: Instant,
    at_once: VecDeque<Entry<E>>,
    lanes: [VecDeque<Entry<E>>; LANES],
    /// The first of all lanes: its key, and its lane.
    limit: Option<(Place, usize)>,
    heap: BinaryHeap<Reverse<Entry<E>>>,
    entered: u64,
}

/// When an event is due, and its number.
type Place = (Instant, u64);

#[derive(Debug)]
struct Entry<E> {
    place: Place,
    event: E,
}

impl<E> PartialEq for Entry<E> {
    fn eq(&self, other: &Self) -> bool {
        self.place == other.place
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
        self.place.cmp(&other.place)
    }
}

impl<E> Default for Agenda<E> {
    fn default() -> Self {
        Self {
            now: Instant::EPOCH,
            at_once: VecDeque::new(),
            lanes: Default::default(),
            limit: None,
            heap: BinaryHeap::new(),
            entered: 0,
        }
    }
}

impl<E> Agenda<E> {
    /// Enters an event. What is due at [`Instant::NEVER`] is forgotten at once, and what should
    /// have happened already happens now.
    pub fn enter(&mut self, at: Instant, event: E) {
        let Some(entry) = self.number(at, event) else { return };
        if at <= self.now {
            self.at_once.push_back(entry);
        } else {
            self.heap.push(Reverse(entry));
        }
    }

    /// Enters an event that most likely will have lost its meaning by then.
    pub fn enter_limit(&mut self, at: Instant, event: E) {
        let Some(entry) = self.number(at, event) else { return };
        let place = entry.place;
        // An empty lane is the last resort but one: it is left to a length that has none yet.
        let fits = |lane: &VecDeque<Entry<E>>| lane.back().is_some_and(|last| last.place <= place);
        let lane = (self.lanes.iter().position(fits))
            .or_else(|| self.lanes.iter().position(VecDeque::is_empty));
        let Some((lane, index)) = lane.and_then(|at| Some((self.lanes.get_mut(at)?, at))) else {
            return self.heap.push(Reverse(entry));
        };
        lane.push_back(entry);
        if self.limit.is_none_or(|(first, _)| place < first) {
            self.limit = Some((place, index));
        }
    }

    fn number(&mut self, at: Instant, event: E) -> Option<Entry<E>> {
        if at.is_never() {
            return None;
        }
        self.entered += 1;
        Some(Entry { place: (at.max(self.now), self.entered), event })
    }

    /// Takes the next event and its time.
    pub fn take(&mut self) -> Option<(Instant, E)> {
        let heap = self.heap.peek().map(|Reverse(entry)| entry.place);
        let limit = self.limit.map(|(place, _)| place);
        let later = [heap, limit].into_iter().flatten().min();
        let entry = match self.at_once.front() {
            Some(first) if later.is_none_or(|later| first.place < later) => {
                self.at_once.pop_front()
            }
            _ if later.is_some() && later == limit => self.take_limit(),
            _ => self.heap.pop().map(|Reverse(entry)| entry),
        }?;
        self.now = entry.place.0;
        Some((self.now, entry.event))
    }

    fn take_limit(&mut self) -> Option<Entry<E>> {
        let (_, index) = self.limit?;
        let entry = self.lanes.get_mut(index)?.pop_front();
        let firsts = self.lanes.iter().zip(0..);
        self.limit = firsts.filter_map(|(lane, index)| Some((lane.front()?.place, index))).min();
        entry
    }

    /// How many events wait.
    #[must_use]
    pub fn len(&self) -> usize {
        let lanes: usize = self.lanes.iter().map(VecDeque::len).sum();
        self.at_once.len() + self.heap.len() + lanes
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
            steps in prop::collection::vec(prop::option::of((0_u64..50, any::<bool>())), 1..400),
        ) {
            let (mut agenda, mut model) = (Agenda::default(), Vec::new());
            let mut now = 0;
            for (number, step) in steps.into_iter().enumerate() {
                if let Some((wait, limit)) = step {
                    let at = Instant::from_nanos(now + wait);
                    if limit { agenda.enter_limit(at, number) } else { agenda.enter(at, number) }
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
