//! The queue of a bulkhead: waiters by class and age, in memory that is allocated beforehand.
//!
//! A slab of slots, the waiting ones of each class linked from oldest to newest, so that any waiter
//! leaves in constant time. Who is served, and when, is decided in `machine.rs`.

use alloc::vec::Vec;

use crate::shed::{CLASSES, Class};
use crate::time::Instant;

/// A place in the queue, or a permit on its way to whoever waited there. A name only: it may be
/// copied, and one whose place has been given up is recognised for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Waiter {
    index: u32,
    /// The number of its arrival. Never reused, hence no slot needs a counter that may wrap.
    generation: u64,
}

impl Waiter {
    /// A name for a call that waits for something else than a permit. No queue has such an index:
    /// their places are fewer.
    pub(crate) const fn of_hold(number: u64) -> Self {
        Self { index: u32::MAX, generation: number }
    }
}

/// What has become of a waiter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    Waiting { terms: Terms },
    Granted { weight: u32 },
    Gone,
}

/// What a waiter waits for, and how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Terms {
    pub(super) since: Instant,
    pub(super) until: Instant,
    /// No wait is longer than this, whatever happens.
    pub(super) useful_until: Instant,
    /// Permits, at least one.
    pub(super) weight: u32,
    /// How important it is.
    pub(super) class: Class,
}

/// The waiting ones of one class.
#[derive(Clone, Copy, Debug, Default)]
struct Line {
    oldest: Option<u32>,
    newest: Option<u32>,
    /// What they wait for, together.
    weight: u64,
}

#[derive(Clone, Copy, Debug)]
enum Place {
    Free { next: Option<u32> },
    Waiting { terms: Terms, older: Option<u32>, newer: Option<u32> },
    Granted { weight: u32 },
}

#[derive(Clone, Copy, Debug)]
struct Slot {
    generation: u64,
    place: Place,
}

#[derive(Debug)]
pub(super) struct Queue {
    slots: Vec<Slot>,
    /// How long `slots` may become; its capacity is at least that.
    places: usize,
    free: Option<u32>,
    /// By class, the most important first.
    lines: [Line; CLASSES as usize],
    waiting: u32,
    granted: u32,
    arrivals: u64,
}

impl Queue {
    pub(super) fn new(places: usize) -> Self {
        Self {
            slots: Vec::with_capacity(places),
            places,
            free: None,
            lines: [Line::default(); CLASSES as usize],
            waiting: 0,
            granted: 0,
            arrivals: 0,
        }
    }

    /// Makes room for `places`. Room that exists stays: waiters may be in it.
    pub(super) fn grow(&mut self, places: usize) {
        self.slots.reserve_exact(places.saturating_sub(self.slots.len()));
        self.places = self.places.max(places);
    }

    pub(super) const fn waiting(&self) -> u32 {
        self.waiting
    }

    /// What all those wait for, together, who are at least as important.
    pub(super) fn weight_before(&self, class: Class) -> u64 {
        let lines = self.lines.iter().take(usize::from(class.index()) + 1);
        lines.map(|line| line.weight).fold(0, u64::saturating_add)
    }

    pub(super) const fn granted(&self) -> u32 {
        self.granted
    }

    /// The waiting one that arrived first, and its terms.
    pub(super) fn oldest(&self) -> Option<(Waiter, Terms)> {
        let heads = self.lines.iter().filter_map(|line| self.waiting_at(line.oldest?));
        heads.min_by_key(|(waiter, _)| waiter.generation)
    }

    /// The waiting one that arrived last, and its terms.
    pub(super) fn newest(&self) -> Option<(Waiter, Terms)> {
        let tails = self.lines.iter().filter_map(|line| self.waiting_at(line.newest?));
        tails.max_by_key(|(waiter, _)| waiter.generation)
    }

    /// Of the most important waiting ones the one that arrived first.
    pub(super) fn foremost(&self) -> Option<(Waiter, Terms)> {
        self.lines.iter().find_map(|line| self.waiting_at(line.oldest?))
    }

    /// Of the least important waiting ones the one that arrived last.
    pub(super) fn hindmost(&self) -> Option<(Waiter, Terms)> {
        self.lines.iter().rev().find_map(|line| self.waiting_at(line.newest?))
    }

    /// Of those whose time has passed one that arrived before all others of its class.
    pub(super) fn expired(&self, now: Instant) -> Option<(Waiter, Terms)> {
        let mut heads = self.lines.iter().filter_map(|line| self.waiting_at(line.oldest?));
        heads.find(|(_, terms)| terms.until < now)
    }

    pub(super) fn standing(&self, waiter: Waiter) -> Standing {
        let slot = self.slot(waiter.index).filter(|slot| slot.generation == waiter.generation);
        match slot.map(|slot| slot.place) {
            Some(Place::Waiting { terms, .. }) => Standing::Waiting { terms },
            Some(Place::Granted { weight }) => Standing::Granted { weight },
            Some(Place::Free { .. }) | None => Standing::Gone,
        }
    }

    /// Appends a waiter as the newest; `None` when every slot is taken.
    pub(super) fn push(&mut self, terms: Terms) -> Option<Waiter> {
        let index = self.vacant()?;
        let line = self.lines.get_mut(usize::from(terms.class.index()))?;
        let older = line.newest.replace(index);
        line.oldest = line.oldest.or(Some(index));
        line.weight += u64::from(terms.weight);
        self.relink(older, |_, newer| *newer = Some(index));
        self.arrivals += 1;
        self.waiting += 1;
        let generation = self.arrivals;
        self.set(index, Slot { generation, place: Place::Waiting { terms, older, newer: None } });
        Some(Waiter { index, generation })
    }

    /// All wait for as long as it is of use to them. Takes time with the places.
    pub(super) fn prolong(&mut self) {
        for slot in &mut self.slots {
            if let Place::Waiting { terms, .. } = &mut slot.place {
                terms.until = terms.until.max(terms.useful_until);
            }
        }
    }

    /// None waits beyond `until`. Takes time with the places.
    pub(super) fn shorten(&mut self, until: Instant) {
        for slot in &mut self.slots {
            if let Place::Waiting { terms, .. } = &mut slot.place {
                terms.until = terms.until.min(until);
            }
        }
    }

    /// Turns a waiting one into one that owns a permit; nothing else.
    pub(super) fn grant(&mut self, waiter: Waiter) {
        if let Standing::Waiting { terms: Terms { weight, .. } } = self.standing(waiter) {
            self.unlink(waiter.index);
            self.granted += 1;
            let place = Place::Granted { weight };
            self.set(waiter.index, Slot { generation: waiter.generation, place });
        }
    }

    /// Gives up the slot of `waiter`, and tells what it was.
    pub(super) fn remove(&mut self, waiter: Waiter) -> Standing {
        let standing = self.standing(waiter);
        match standing {
            Standing::Gone => return standing,
            Standing::Granted { .. } => self.granted -= 1,
            Standing::Waiting { .. } => self.unlink(waiter.index),
        }
        let next = self.free.replace(waiter.index);
        self.set(waiter.index, Slot { generation: 0, place: Place::Free { next } });
        standing
    }

    pub(super) fn invariants(&self) {
        if !cfg!(debug_assertions) {
            return;
        }
        debug_assert!(self.slots.len() <= self.places, "more slots than places");
        debug_assert!(self.places <= self.slots.capacity(), "a slot would allocate");
        let count = |is: fn(&Place) -> bool| self.slots.iter().filter(|s| is(&s.place)).count();
        let granted = count(|place| matches!(place, Place::Granted { .. }));
        let waiting = count(|place| matches!(place, Place::Waiting { .. }));
        debug_assert_eq!(granted, self.granted as usize, "grants are miscounted");
        debug_assert_eq!(waiting, self.waiting as usize, "waiters are miscounted");
        let linked = self.lines.iter().map(|line| self.linked(line)).sum::<usize>();
        debug_assert_eq!(linked, waiting, "a waiter is out of the line");
    }

    /// How many are in a line, each younger than the one before and linked back to it.
    fn linked(&self, line: &Line) -> usize {
        let (mut next, mut before, mut arrival, mut count) = (line.oldest, None, 0, 0);
        let mut weight = 0;
        while let Some((index, slot)) = next.and_then(|index| Some((index, self.slot(index)?)))
            && let Place::Waiting { terms, older, newer } = slot.place
        {
            weight += u64::from(terms.weight);
            debug_assert_eq!(older, before, "the line is broken backwards");
            debug_assert!(slot.generation > arrival, "a younger waiter is before an older one");
            (before, next, arrival) = (Some(index), newer, slot.generation);
            count += 1;
        }
        debug_assert_eq!(before, line.newest, "the newest is not the end of the line");
        debug_assert_eq!(weight, line.weight, "weights are miscounted");
        count
    }

    fn slot(&self, index: u32) -> Option<&Slot> {
        self.slots.get(index as usize)
    }

    fn set(&mut self, index: u32, slot: Slot) {
        let old = self.slots.get_mut(index as usize);
        debug_assert!(old.is_some(), "slot {index} does not exist");
        if let Some(old) = old {
            *old = slot;
        }
    }

    fn waiting_at(&self, index: u32) -> Option<(Waiter, Terms)> {
        let slot = self.slot(index)?;
        match slot.place {
            Place::Waiting { terms, .. } => {
                Some((Waiter { index, generation: slot.generation }, terms))
            }
            Place::Free { .. } | Place::Granted { .. } => None,
        }
    }

    /// A slot to fill: a free one, or a new one while there is room.
    fn vacant(&mut self) -> Option<u32> {
        if let Some(index) = self.free {
            self.free = match self.slot(index)?.place {
                Place::Free { next } => next,
                Place::Waiting { .. } | Place::Granted { .. } => None,
            };
            return Some(index);
        }
        let index = u32::try_from(self.slots.len()).ok()?;
        if self.slots.len() >= self.places {
            return None;
        }
        self.slots.push(Slot { generation: 0, place: Place::Free { next: None } });
        Some(index)
    }

    /// Takes a waiting slot out of the line.
    fn unlink(&mut self, index: u32) {
        let place = self.slot(index).map(|slot| slot.place);
        let Some(Place::Waiting { terms, older, newer }) = place else { return };
        self.relink(older, |_, link| *link = newer);
        self.relink(newer, |link, _| *link = older);
        if let Some(line) = self.lines.get_mut(usize::from(terms.class.index())) {
            if line.oldest == Some(index) {
                line.oldest = newer;
            }
            if line.newest == Some(index) {
                line.newest = older;
            }
            line.weight -= u64::from(terms.weight);
        }
        self.waiting -= 1;
    }

    /// Changes the links (older, newer) of the waiting slot at `index`, if there is one.
    fn relink(
        &mut self,
        index: Option<u32>,
        change: impl FnOnce(&mut Option<u32>, &mut Option<u32>),
    ) {
        let slot = index.and_then(|index| self.slots.get_mut(index as usize));
        if let Some(Slot { place: Place::Waiting { older, newer, .. }, .. }) = slot {
            change(older, newer);
        }
    }
}

#[cfg(all(test, debug_assertions))]
mod tests {
    use super::*;

    #[test]
    #[should_panic(expected = "waiters are miscounted")]
    fn a_waiter_that_is_not_there_is_noticed() {
        let mut queue = Queue::new(2);
        queue.waiting += 1;
        queue.invariants();
    }
}
