//! Round robin by virtual time: start-time fair queueing (Goyal, Vin and Cheng, 1996).
//!
//! A counter modulo the number of candidates skips endpoints and serves others twice whenever the
//! candidates change between picks, as they do with every ejection and retry. Here each endpoint
//! holds when its next turn is due; with equal weights and constant candidates that is the exact
//! rotation, with a weight below one its turns lie further apart, and an endpoint that was no
//! candidate for a while has one turn due, not all it missed.

use crate::endpoint::Slot;

/// Virtual time between two turns at a weight of one millionth; a weight of 1 has its turns 10⁹
/// steps apart and the largest 15 258, which resolves any weight to 0.01 %. In 128 bits it never
/// ends.
const STRIDE: u128 = 1_000_000_000_000_000;

/// When the next turn of an endpoint is due, and when it had its last.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Turn {
    due: u128,
    last: u64,
}

/// The virtual clock that all endpoints share.
#[derive(Debug)]
pub(super) struct Turns {
    now: u128,
    picks: u64,
    start: u64,
}

/// The order of endpoints at a pick; the least goes next.
pub(super) type Rank = (u128, u64, u64);

impl Turns {
    /// Turns that begin at a place given by `start`, which should be random: instances that start
    /// together must not send their first attempts to one endpoint.
    pub(super) const fn new(start: u64) -> Self {
        Self { now: 0, picks: 0, start }
    }

    /// Where `turn` stands: by when it is due, then by the longest wait, then by place.
    pub(super) fn rank(&self, turn: Turn, slot: Slot, slots: usize) -> Rank {
        let place = (slot.index() as u64).wrapping_add(self.start) % (slots as u64).max(1);
        (turn.due, turn.last, place)
    }

    /// Takes a turn at `weight` (in millionths, above zero) and returns when the next one is due.
    pub(super) fn take(&mut self, turn: Turn, weight: u64) -> Turn {
        self.now = self.now.max(turn.due);
        self.picks = self.picks.saturating_add(1);
        let wait = STRIDE / u128::from(weight.max(1));
        Turn { due: self.now.saturating_add(wait), last: self.picks }
    }
}
