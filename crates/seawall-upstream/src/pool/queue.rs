//! Who waits for a connection, in the order of arrival.
//!
//! Checkouts with a dial on its way stand in the same queue as those without one: a connection
//! that is returned serves whoever came first. What suits whom is decided in `book`.

use std::collections::VecDeque;

use tokio::sync::oneshot::{self, Receiver, Sender};

use super::shared::{Handed, Slot};
use crate::Reuse;

/// A checkout in the queue.
#[derive(Debug)]
pub(super) struct Waiter<B> {
    id: u64,
    pub(super) reuse: Reuse,
    conns: Sender<Handed<B>>,
    /// Absent once a dial is on its way.
    places: Option<Sender<Slot<B>>>,
}

impl<B> Waiter<B> {
    pub(super) fn has_dial(&self) -> bool {
        self.places.is_none()
    }

    /// Wakes the waiter. One that has left is no longer in the queue, so this always arrives; if
    /// it did not, dropping the connection would close it and free its place.
    pub(super) fn hand(self, handed: Handed<B>) {
        drop(self.conns.send(handed));
    }
}

/// The queue. Its owner bounds how many wait without a dial; the others are bounded as dials are.
#[derive(Debug)]
pub(super) struct Queue<B> {
    waiters: VecDeque<Waiter<B>>,
    without_dial: usize,
}

impl<B> Queue<B> {
    pub(super) fn new() -> Self {
        Self { waiters: VecDeque::new(), without_dial: 0 }
    }

    /// Checkouts that have no dial on its way.
    pub(super) fn without_dial(&self) -> usize {
        self.without_dial
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Waiter<B>> {
        self.waiters.iter()
    }

    /// Adds a checkout whose dial begins now.
    pub(super) fn push_dialling(&mut self, id: u64, reuse: Reuse) -> Receiver<Handed<B>> {
        let (conns, handed) = oneshot::channel();
        self.waiters.push_back(Waiter { id, reuse, conns, places: None });
        handed
    }

    /// Adds a checkout that has no place to dial.
    pub(super) fn push(
        &mut self,
        id: u64,
        reuse: Reuse,
    ) -> (Receiver<Handed<B>>, Receiver<Slot<B>>) {
        let (conns, handed) = oneshot::channel();
        let (places, place) = oneshot::channel();
        self.waiters.push_back(Waiter { id, reuse, conns, places: Some(places) });
        self.without_dial += 1;
        (handed, place)
    }

    /// The way to give the first checkout without a dial its place; it stays in the queue.
    pub(super) fn promote(&mut self) -> Option<Sender<Slot<B>>> {
        let places = self.waiters.iter_mut().find_map(|waiter| waiter.places.take())?;
        self.without_dial -= 1;
        Some(places)
    }

    /// Takes out the waiter at `index`, counted from the first.
    pub(super) fn remove(&mut self, index: usize) -> Option<Waiter<B>> {
        let waiter = self.waiters.remove(index)?;
        self.without_dial -= usize::from(!waiter.has_dial());
        Some(waiter)
    }

    /// Forgets a waiter that left, if it still was in the queue.
    pub(super) fn leave(&mut self, id: u64) {
        let index = self.waiters.iter().position(|waiter| waiter.id == id);
        drop(index.and_then(|index| self.remove(index)));
    }
}
