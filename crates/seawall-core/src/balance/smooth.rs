//! Smooth weighted round robin (nginx, 2012): turns in proportion to weights, spread as far apart
//! as they can be.
//!
//! Each candidate gains its weight, the richest takes the turn and pays what all gained. Only
//! candidates gain, so one that was out for a while has no backlog.

use crate::endpoint::Slot;

/// What an endpoint has saved up, in weights. Zero for a new one.
pub(super) type Credit = i64;

/// The candidate whose turn it is, the first on a tie, and what it has to pay. `gain` gives a
/// candidate its weight and returns what it has then, and the weight.
pub(super) fn turn(
    candidates: &[Slot],
    mut gain: impl FnMut(Slot) -> (Credit, i64),
) -> Option<(Slot, Credit)> {
    let mut sum = 0_i64;
    let mut best: Option<(Credit, Slot)> = None;
    for slot in candidates.iter().copied() {
        let (credit, weight) = gain(slot);
        sum = sum.saturating_add(weight);
        if best.is_none_or(|(most, _)| credit > most) {
            best = Some((credit, slot));
        }
    }
    best.map(|(_, slot)| (slot, sum))
}
