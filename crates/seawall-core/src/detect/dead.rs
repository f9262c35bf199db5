//! Peers that were declared dead, remembered so that a partition can heal.
//!
//! Who declares is `fusion.rs`; sending the probes is the driver's.

use alloc::vec::Vec;

use crate::time::Instant;

/// A bounded list of dead peers, one of which is tried again each round.
///
/// A group that forgets its dead stays split for ever when a cut line comes back, since neither
/// half talks to the other. Peers are numbers that the owner gave out. When the list is full, the
/// one that died first makes room. Memory is allocated when it is built.
#[derive(Clone, Debug)]
pub struct DeadList {
    dead: Vec<(u32, Instant)>,
    size: usize,
    next: usize,
}

impl DeadList {
    /// Room for `size` peers, at least one.
    #[must_use]
    pub fn new(size: u32) -> Self {
        let size = size.max(1) as usize;
        Self { dead: Vec::with_capacity(size), size, next: 0 }
    }

    /// A peer was declared dead. Returns the one that is forgotten for it, if any. Telling twice
    /// changes nothing.
    pub fn add(&mut self, peer: u32, now: Instant) -> Option<u32> {
        if self.dead.iter().any(|(known, _)| *known == peer) {
            return None;
        }
        let forgotten = (self.dead.len() >= self.size).then(|| self.remove_at(0));
        self.dead.push((peer, now));
        forgotten
    }

    /// A peer was heard again, or has left for good. Whether it was listed.
    pub fn remove(&mut self, peer: u32) -> bool {
        let place = self.dead.iter().position(|(known, _)| *known == peer);
        place.map(|place| self.remove_at(place)).is_some()
    }

    /// The peer to try in this round: each in turn, so that none is tried twice before another was
    /// tried once. None without dead ones.
    pub fn next_probe(&mut self) -> Option<u32> {
        self.next = if self.next < self.dead.len() { self.next } else { 0 };
        let (peer, _) = self.dead.get(self.next)?;
        self.next += 1;
        Some(*peer)
    }

    /// The dead and since when, in the order of their deaths.
    pub fn iter(&self) -> impl Iterator<Item = (u32, Instant)> + '_ {
        self.dead.iter().copied()
    }

    fn remove_at(&mut self, place: usize) -> u32 {
        let (peer, _) = self.dead.remove(place);
        // The round goes on with the one that was next.
        self.next -= usize::from(place < self.next);
        peer
    }
}
