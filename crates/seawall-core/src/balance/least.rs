//! Least request: the endpoint with the fewest attempts in flight for its weight.
//!
//! What is drawn before comparing is in `two`.

use core::cmp::Ordering;

use crate::endpoint::Slot;
use crate::rng::Rng;

/// `(active + 1) / weight`, compared without division.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pressure {
    pub(super) active: u32,
    /// Above zero.
    pub(super) weight: u64,
}

impl Pressure {
    /// That of an endpoint that takes no part.
    pub(super) const BEYOND: Self = Self { active: u32::MAX, weight: 1 };

    fn against(self, other: Self) -> u128 {
        (u128::from(self.active) + 1) * u128::from(other.weight)
    }
}

impl PartialEq for Pressure {
    fn eq(&self, other: &Self) -> bool {
        self.against(*other) == other.against(*self)
    }
}

impl PartialOrd for Pressure {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.against(*other).cmp(&other.against(*self)))
    }
}

/// The one under the least pressure of all, any of the equal ones with equal chance: the first of
/// them would take every attempt of an idle upstream.
pub(super) fn of_all(
    candidates: &[Slot],
    rng: &mut impl Rng,
    mut pressure: impl FnMut(Slot) -> Pressure,
) -> Option<Slot> {
    let mut best: Option<(Pressure, Slot)> = None;
    let mut equals = 0;
    for slot in candidates.iter().copied() {
        let mine = pressure(slot);
        let order = best.map_or(Some(Ordering::Less), |(least, _)| mine.partial_cmp(&least));
        equals = if order == Some(Ordering::Equal) { equals + 1 } else { equals };
        if order == Some(Ordering::Less) {
            equals = 1;
        }
        let takes = order == Some(Ordering::Less)
            || order == Some(Ordering::Equal) && rng.below(equals) == 0;
        if takes {
            best = Some((mine, slot));
        }
    }
    best.map(|(_, slot)| slot)
}
