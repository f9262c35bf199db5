//! The places of waiters: numbered, reused, and safe against late use.

use alloc::collections::VecDeque;
use alloc::vec::Vec;

use crate::time::Instant;

use super::QueueOrder;

/// A place in a queue. A copy that outlives its place is recognised.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Waiter {
    index: u32,
    generation: u32,
}

/// What the holder of a place is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Waiting,
    Granted,
}

#[derive(Clone, Copy, Debug)]
struct Seat {
    generation: u32,
    taken: Option<Place>,
    until: Instant,
}

/// A bounded queue whose memory is taken at once.
#[derive(Debug)]
pub(super) struct Queue {
    seats: Vec<Seat>,
    free: Vec<u32>,
    order: VecDeque<Waiter>,
    granted: u32,
}

impl Queue {
    pub(super) fn new(capacity: u32) -> Self {
        let mut queue =
            Self { seats: Vec::new(), free: Vec::new(), order: VecDeque::new(), granted: 0 };
        queue.resize(capacity);
        queue
    }

    /// Makes room for `capacity` waiters and as many that are granted but not yet awake. Never
    /// shrinks, so that no waiter loses its place.
    pub(super) fn resize(&mut self, capacity: u32) {
        let wanted = (capacity as usize).saturating_mul(2);
        let missing = wanted.saturating_sub(self.seats.len());
        self.seats.reserve(missing);
        self.free.reserve(wanted);
        self.order.reserve(wanted);
        for _ in 0..missing {
            self.add_seat();
        }
    }

    pub(super) fn len(&self) -> u32 {
        u32::try_from(self.order.len()).unwrap_or(u32::MAX)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.order.is_empty()
    }

    pub(super) const fn granted(&self) -> u32 {
        self.granted
    }

    /// Takes a place that is good until `until`.
    pub(super) fn push(&mut self, until: Instant) -> Waiter {
        if self.free.is_empty() {
            // More were granted at once than ever wait; the next wake-ups give places back.
            self.add_seat();
        }
        let index = self.free.pop().unwrap_or_default();
        let mut waiter = Waiter { index, generation: 0 };
        if let Some(seat) = self.seats.get_mut(index as usize) {
            seat.generation = seat.generation.wrapping_add(1);
            seat.taken = Some(Place::Waiting);
            seat.until = until;
            waiter.generation = seat.generation;
        }
        self.order.push_back(waiter);
        waiter
    }

    /// Takes the next waiter out of the order; its place stays.
    pub(super) fn take_next(&mut self, order: QueueOrder) -> Option<(Waiter, Instant)> {
        let waiter = match order {
            QueueOrder::Fifo => self.order.pop_front()?,
            QueueOrder::Lifo => self.order.pop_back()?,
        };
        let seat = self.seats.get(waiter.index as usize)?;
        Some((waiter, seat.until))
    }

    /// The waiter owns a permit from now on.
    pub(super) fn grant(&mut self, waiter: Waiter) {
        if let Some(seat) = self.seat_mut(waiter) {
            seat.taken = Some(Place::Granted);
            self.granted += 1;
        }
    }

    pub(super) fn place(&self, waiter: Waiter) -> Option<Place> {
        let seat = self.seats.get(waiter.index as usize)?;
        seat.taken.filter(|_| seat.generation == waiter.generation)
    }

    /// Frees a place, wherever its holder stands. Linear only for one who leaves the middle.
    pub(super) fn remove(&mut self, waiter: Waiter) {
        let Some(place) = self.place(waiter) else { return };
        match place {
            Place::Granted => self.granted -= 1,
            Place::Waiting => self.order.retain(|other| *other != waiter),
        }
        if let Some(seat) = self.seat_mut(waiter) {
            seat.taken = None;
            self.free.push(waiter.index);
        }
    }

    pub(super) fn invariants(&self) {
        let taken = self.seats.iter().filter(|seat| seat.taken.is_some()).count();
        let expected = self.order.len() + self.granted as usize;
        debug_assert_eq!(taken, expected, "a place is waiting or granted");
        debug_assert_eq!(taken + self.free.len(), self.seats.len(), "a place got lost");
    }

    fn add_seat(&mut self) {
        let index = u32::try_from(self.seats.len()).unwrap_or(u32::MAX);
        self.seats.push(Seat { generation: 0, taken: None, until: Instant::EPOCH });
        self.free.push(index);
    }

    fn seat_mut(&mut self, waiter: Waiter) -> Option<&mut Seat> {
        let seat = self.seats.get_mut(waiter.index as usize)?;
        (seat.generation == waiter.generation).then_some(seat)
    }
}
