//! What is to happen when: the queue of events of a run.
//!
//! Events of the same instant come in the order in which they were entered. Three kinds of wait
//! have places of their own, since a run spends much of its time here: none at all (a plain queue),
//! those that are due in the order in which they are entered (lanes), and all others (a heap). Most
//! of the second kind are limits, which are nearly always taken back.

use std::cmp::{Ordering, Reverse};
use std::collections::{BinaryHeap, VecDeque};

use seawall_core::time::Instant;

/// Events of so many kinds stay out of the heap: a timeout and a deadline of two kinds of call, and
/// the arrivals of two loads.
const LANES: usize = 6;

/// A queue of events in virtual time.
#[derive(Debug)]
pub struct Agenda<E> {
    now: Instant,
    /// What is due at once needs neither a time nor a number: all that is due now and was entered
    /// before came into the lanes or the heap, and goes first. Most often it is one event.
    next: Option<E>,
    /// Those after it.
    at_once: VecDeque<E>,
    /// As many as have been needed: all of them are looked at again and again.
    lanes: Vec<Lane<E>>,
    heap: BinaryHeap<Reverse<Entry<E>>>,
    /// The first of all lanes, and its lane; [`END`] without any.
    limit: (Place, usize),
    /// The first of lanes and heap.
    later: Place,
    entered: u64,
}

/// Events in the order in which they are due.
#[derive(Debug)]
struct Lane<E> {
    /// The first of them has not been taken back.
    waiting: VecDeque<Entry<Option<E>>>,
    /// How many are gone: the number of the first of those that wait.
    gone: u64,
}

/// The name of a limit, by which it can be taken back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    lane: usize,
    index: u64,
}

/// When an event is due, and its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Place {
    at: Instant,
    number: u64,
}

/// After every place there is.
const END: Place = Place { at: Instant::NEVER, number: u64::MAX };

impl PartialOrd for Place {
    #[inline]
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Place {
    /// In one comparison: a heap does little else, and a branch between two would be foreseen by
    /// nobody.
    #[inline]
    fn cmp(&self, other: &Self) -> Ordering {
        let key = |place: &Self| u128::from(place.at.as_nanos()) << 64 | u128::from(place.number);
        key(self).cmp(&key(other))
    }
}

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
    #[inline]
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<E> Ord for Entry<E> {
    #[inline]
    fn cmp(&self, other: &Self) -> Ordering {
        self.place.cmp(&other.place)
    }
}

impl<E> Default for Agenda<E> {
    fn default() -> Self {
        Self {
            now: Instant::EPOCH,
            next: None,
            at_once: VecDeque::new(),
            lanes: Vec::new(),
            heap: BinaryHeap::new(),
            limit: (END, 0),
            later: END,
            entered: 0,
        }
    }
}

impl<E> Lane<E> {
    fn first(&self) -> Place {
        self.waiting.front().map_or(END, |entry| entry.place)
    }

    fn take(&mut self) -> Option<E> {
        let entry = self.waiting.pop_front()?;
        self.gone += 1;
        self.tidy();
        entry.event
    }

    #[inline]
    fn take_back(&mut self, index: u64) {
        let place = index.checked_sub(self.gone).and_then(|place| usize::try_from(place).ok());
        if let Some(entry) = place.and_then(|place| self.waiting.get_mut(place)) {
            entry.event = None;
            self.tidy();
        }
    }

    /// Forgets what was taken back as soon as nothing is before it, so that a lane is no longer
    /// than the time from its first limit to its last.
    #[inline]
    fn tidy(&mut self) {
        while self.waiting.front().is_some_and(|entry| entry.event.is_none()) {
            self.waiting.pop_front();
            self.gone += 1;
        }
    }
}

impl<E> Agenda<E> {
    /// Enters an event. What is due at [`Instant::NEVER`] is forgotten at once, and what should
    /// have happened already happens now.
    #[inline]
    pub fn enter(&mut self, at: Instant, event: E) {
        if at > self.now {
            self.enter_later(at, event);
        } else if self.next.is_none() {
            self.next = Some(event);
        } else {
            self.at_once.push_back(event);
        }
    }

    #[inline(never)]
    fn enter_later(&mut self, at: Instant, event: E) {
        if at.is_never() {
            return;
        }
        let place = self.number(at);
        self.heap.push(Reverse(Entry { place, event }));
        self.later = self.later.min(place);
    }

    /// Enters an event of a kind that is mostly entered in the order in which it is due, as a limit
    /// of fixed length is. Its name, by which it should be taken back once it has lost its meaning;
    /// none where it had to be entered like any other.
    pub fn enter_in_turn(&mut self, at: Instant, event: E) -> Option<Limit> {
        let Some(lane) = Some(at).filter(|at| *at > self.now).and_then(|at| self.lane(at)) else {
            self.enter(at, event);
            return None;
        };
        let place = self.number(at);
        let limits = self.lanes.get_mut(lane)?;
        let index = limits.gone + limits.waiting.len() as u64;
        limits.waiting.push_back(Entry { place, event: Some(event) });
        if place < self.limit.0 {
            self.limit = (place, lane);
        }
        self.later = self.later.min(place);
        Some(Limit { lane, index })
    }

    /// The lane for what is due then. An empty one is the last resort but one: it is left to a kind
    /// that has none yet.
    #[inline]
    fn lane(&mut self, at: Instant) -> Option<usize> {
        if at.is_never() {
            return None;
        }
        let mut empty = None;
        for (index, lane) in self.lanes.iter().enumerate() {
            match lane.waiting.back() {
                Some(last) if last.place.at <= at => return Some(index),
                Some(_) => {}
                None => empty = empty.or(Some(index)),
            }
        }
        empty.or_else(|| self.open_lane())
    }

    #[cold]
    fn open_lane(&mut self) -> Option<usize> {
        let index = self.lanes.len();
        (index < LANES).then(|| {
            self.lanes.push(Lane { waiting: VecDeque::new(), gone: 0 });
            index
        })
    }

    /// Takes a limit back, unless it has come.
    #[inline]
    pub fn take_back(&mut self, limit: Limit) {
        if let Some(lane) = self.lanes.get_mut(limit.lane) {
            lane.take_back(limit.index);
            if self.limit.1 == limit.lane && self.limit.0 != lane.first() {
                self.look_at_limits();
                self.look();
            }
        }
    }

    const fn number(&mut self, at: Instant) -> Place {
        self.entered += 1;
        Place { at, number: self.entered }
    }

    /// Takes the next event and its time.
    #[inline]
    pub fn take(&mut self) -> Option<(Instant, E)> {
        if self.later.at > self.now
            && let Some(event) = self.next.take()
        {
            // Looked at first: an empty queue has nothing to hand on.
            if !self.at_once.is_empty() {
                self.next = self.at_once.pop_front();
            }
            return Some((self.now, event));
        }
        self.take_later()
    }

    fn take_later(&mut self) -> Option<(Instant, E)> {
        let at = self.later.at;
        let event = if self.limit.0 == self.later {
            let event = self.lanes.get_mut(self.limit.1).and_then(Lane::take);
            self.look_at_limits();
            event
        } else {
            self.heap.pop().map(|Reverse(entry)| entry.event)
        }?;
        self.look();
        self.now = at;
        Some((at, event))
    }

    fn look_at_limits(&mut self) {
        self.limit = (END, 0);
        for (index, lane) in self.lanes.iter().enumerate() {
            // No two have the same place, so that the lanes need not be compared.
            if lane.first() < self.limit.0 {
                self.limit = (lane.first(), index);
            }
        }
    }

    #[inline]
    fn look(&mut self) {
        let heap = self.heap.peek().map_or(END, |Reverse(entry)| entry.place);
        self.later = self.limit.0.min(heap);
    }

    /// How many events wait.
    #[must_use]
    pub fn len(&self) -> usize {
        let waits = |lane: &Lane<E>| lane.waiting.iter().filter(|e| e.event.is_some()).count();
        let lanes: usize = self.lanes.iter().map(waits).sum();
        usize::from(self.next.is_some()) + self.at_once.len() + self.heap.len() + lanes
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

    #[derive(Clone, Copy, Debug)]
    enum Act {
        Enter(u64),
        Limit(u64),
        /// One of the limits so far, whether it has come or not.
        TakeBack(prop::sample::Index),
        Take,
    }

    fn act() -> impl Strategy<Value = Act> {
        prop_oneof![
            2 => (0_u64..50).prop_map(Act::Enter),
            3 => (0_u64..50).prop_map(Act::Limit),
            2 => any::<prop::sample::Index>().prop_map(Act::TakeBack),
            3 => Just(Act::Take),
        ]
    }

    proptest! {
        /// Against a list that is sorted by time and number whenever something is taken.
        #[test]
        fn events_come_by_time_and_then_by_entry(acts in prop::collection::vec(act(), 1..400)) {
            let (mut agenda, mut model, mut limits) = (Agenda::default(), Vec::new(), Vec::new());
            let mut now = 0;
            for (number, act) in acts.into_iter().enumerate() {
                match act {
                    Act::Enter(wait) => {
                        agenda.enter(Instant::from_nanos(now + wait), number);
                        model.push((now + wait, number));
                    }
                    Act::Limit(wait) => {
                        let limit = agenda.enter_in_turn(Instant::from_nanos(now + wait), number);
                        limits.extend(limit.map(|limit| (limit, number)));
                        model.push((now + wait, number));
                    }
                    Act::TakeBack(which) if !limits.is_empty() => {
                        let (limit, number) = *which.get(&limits);
                        agenda.take_back(limit);
                        model.retain(|(_, entered)| *entered != number);
                    }
                    Act::TakeBack(_) => {}
                    Act::Take => {
                        model.sort_unstable();
                        let expected = (!model.is_empty()).then(|| model.remove(0));
                        let taken = agenda.take().map(|(at, event)| (at.as_nanos(), event));
                        prop_assert_eq!(taken, expected);
                        now = taken.map_or(now, |(at, _)| at);
                    }
                }
                prop_assert_eq!(agenda.len(), model.len());
            }
        }
    }

    #[test]
    fn limits_that_were_taken_back_take_no_room() {
        let mut agenda = Agenda::default();
        for at in 1..1_000 {
            let limit = agenda.enter_in_turn(Instant::from_nanos(at), at);
            assert!(limit.is_some());
            limit.into_iter().for_each(|limit| agenda.take_back(limit));
        }
        let kept: usize = agenda.lanes.iter().map(|lane| lane.waiting.len()).sum();
        assert_eq!(kept, 0);
        assert_eq!(agenda.take(), None);
    }

    #[test]
    fn what_never_comes_is_not_kept() {
        let mut agenda = Agenda::default();
        agenda.enter(Instant::NEVER, ());
        assert!(agenda.is_empty());
    }
}
