//! The queue of a bulkhead: waiters by age, in memory that is allocated beforehand.
//!
//! A slab of slots, the waiting ones linked from oldest to newest, so that any waiter leaves in
//! constant time. Who is served, and when, is decided in `machine.rs`.

use alloc::vec::Vec;

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
    /// Permits, at least one.
    pub(super) weight: u32,
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
    oldest: Option<u32>,
    newest: Option<u32>,
    waiting: u32,
    /// What they wait for, together.
    waiting_weight: u64,
    granted: u32,
    arrivals: u64,
}

impl Queue {
    pub(super) fn new(places: usize) -> Self {
        Self {
            slots: Vec::with_capacity(places),
            places,
            free: None,
            oldest: None,
            newest: None,
            waiting: 0,
            waiting_weight: 0,
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

    pub(super) const fn waiting_weight(&self) -> u64 {
        self.waiting_weight
    }

    pub(super) const fn granted(&self) -> u32 {
        self.granted
    }

    /// The waiting one that arrived first, and its terms.
    pub(super) fn oldest(&self) -> Option<(Waiter, Terms)> {
        self.oldest.and_then(|index| self.waiting_at(index))
    }

    /// The waiting one that arrived last, and its terms.
    pub(super) fn newest(&self) -> Option<(Waiter, Terms)> {
        self.newest.and_then(|index| self.waiting_at(index))
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
        let older = self.newest.replace(index);
        self.relink(older, |_, newer| *newer = Some(index));
        self.oldest = self.oldest.or(Some(index));
        self.arrivals += 1;
        self.waiting += 1;
        self.waiting_weight += u64::from(terms.weight);
        let generation = self.arrivals;
        self.set(index, Slot { generation, place: Place::Waiting { terms, older, newer: None } });
        Some(Waiter { index, generation })
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
        debug_assert_eq!(self.linked(), waiting, "a waiter is out of the line");
        let weight = |slot: &Slot| match slot.place {
            Place::Waiting { terms, .. } => u64::from(terms.weight),
            Place::Free { .. } | Place::Granted { .. } => 0,
        };
        let weights = self.slots.iter().map(weight).sum::<u64>();
        debug_assert_eq!(weights, self.waiting_weight, "weights are miscounted");
    }

    /// How many are in line, each younger than the one before and linked back to it.
    fn linked(&self) -> usize {
        let (mut next, mut before, mut arrival, mut count) = (self.oldest, None, 0, 0);
        while let Some((index, slot)) = next.and_then(|index| Some((index, self.slot(index)?)))
            && let Place::Waiting { older, newer, .. } = slot.place
        {
            debug_assert_eq!(older, before, "the line is broken backwards");
            debug_assert!(slot.generation > arrival, "a younger waiter is before an older one");
            (before, next, arrival) = (Some(index), newer, slot.generation);
            count += 1;
        }
        debug_assert_eq!(before, self.newest, "the newest is not the end of the line");
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
        if self.oldest == Some(index) {
            self.oldest = newer;
        }
        if self.newest == Some(index) {
            self.newest = older;
        }
        self.waiting -= 1;
        self.waiting_weight -= u64::from(terms.weight);
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
