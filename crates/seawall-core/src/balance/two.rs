//! Power of two choices (Mitzenmacher, 2001), and of any few: draw distinct candidates, take the
//! cheapest.
//!
//! Of n candidates the one of rank r is taken with 2(n − r)/(n(n − 1)): the best often, the worst
//! never, and nobody herds on the single best. What a candidate costs is said by the caller.

use crate::endpoint::Slot;
use crate::rng::Rng;

/// The cheaper of two distinct candidates, the first drawn on a tie.
pub(super) fn of_two<C: PartialOrd>(
    candidates: &[Slot],
    rng: &mut impl Rng,
    mut cost: impl FnMut(Slot) -> C,
) -> Option<Slot> {
    let count = candidates.len() as u64;
    let first = rng.below(count);
    let offset = rng.below(count.saturating_sub(1));
    let second = if offset >= first { offset + 1 } else { offset };
    let first = at(candidates, first)?;
    let Some(second) = at(candidates, second) else { return Some(first) };
    Some(if cost(second) >= cost(first) { first } else { second })
}

/// Candidates that are drawn at most; beyond it one should look at all.
pub const DRAWN_MAX: u8 = 16;

/// The same, for counting.
const FEW_MAX: usize = DRAWN_MAX as usize;

/// The cheapest of `few` distinct candidates, all of them if they are no more, at most
/// [`DRAWN_MAX`]. On a tie the first drawn, which is any with equal chance.
pub(super) fn of_few<C: PartialOrd>(
    candidates: &[Slot],
    few: usize,
    rng: &mut impl Rng,
    mut cost: impl FnMut(Slot) -> C,
) -> Option<Slot> {
    let few = few.clamp(1, FEW_MAX).min(candidates.len());
    // The places drawn so far, ascending: a draw among the rest skips over each of them.
    let mut drawn = [u64::MAX; FEW_MAX];
    let mut best: Option<(C, Slot)> = None;
    for count in 0..few {
        let mut place = rng.below((candidates.len() - count) as u64);
        for taken in drawn.iter().take(count) {
            place += u64::from(*taken <= place);
        }
        let before = drawn.iter().take_while(|taken| **taken < place).count();
        let tail = drawn.get_mut(before..=count)?;
        tail.rotate_right(1);
        *tail.first_mut()? = place;
        let slot = at(candidates, place)?;
        let cost = cost(slot);
        if best.as_ref().is_none_or(|(least, _)| cost < *least) {
            best = Some((cost, slot));
        }
    }
    best.map(|(_, slot)| slot)
}

fn at(candidates: &[Slot], place: u64) -> Option<Slot> {
    usize::try_from(place).ok().and_then(|place| candidates.get(place).copied())
}
