//! Random choice in proportion to weights: the baseline, and what keyed algorithms do for a call
//! without a key would come to.

use crate::endpoint::Slot;
use crate::rng::Rng;

/// One of `candidates` with the chance that its weight says. Walks them twice.
pub(super) fn by_weight(
    candidates: &[Slot],
    rng: &mut impl Rng,
    weight: impl Fn(Slot) -> u64,
) -> Option<Slot> {
    let sum: u64 = candidates.iter().map(|slot| weight(*slot)).sum();
    let mut left = rng.below(sum);
    candidates.iter().copied().find(|slot| {
        let weight = weight(*slot);
        let hit = left < weight;
        left = left.saturating_sub(weight);
        hit
    })
}

/// One of `candidates` with equal chance.
pub(super) fn evenly(candidates: &[Slot], rng: &mut impl Rng) -> Option<Slot> {
    let place = rng.below(candidates.len() as u64);
    candidates.get(usize::try_from(place).ok()?).copied()
}
