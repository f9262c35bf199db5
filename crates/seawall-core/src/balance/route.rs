//! Narrowing: from the endpoints that may be chosen to those of one level and zone.
//!
//! Levels and zones are computed in `levels` and `zones`; who may be chosen is the upstream's to
//! say, and the last step is the algorithm's (`balancer`).

use alloc::vec::Vec;

use super::balancer::Balancer;
use super::levels::{LevelCounts, Loads};
use super::member::ZONES_MAX;
use crate::endpoint::Slot;
use crate::hash::mix;
use crate::rng::{Draw, Rng};

/// Keep the draws that a key makes apart.
const LEVEL_SALT: u64 = 0x6c65_7665;
const ZONE_SALT: u64 = 0x7a6f_6e65;

impl Balancer {
    /// Whether nothing narrows the candidates: one level, no zones, no subset.
    #[must_use]
    pub fn is_flat(&self) -> bool {
        self.traits.one_level && self.settings.zone.is_none()
    }

    /// The shares of the levels with these counts.
    #[must_use]
    pub fn loads(&self, counts: &LevelCounts) -> Loads {
        Loads::of(counts, self.settings.levels, self.settings.overprovisioning)
    }

    /// Narrows `candidates` to the subset of this instance, as long as it has any of them.
    pub fn keep_subset(&self, candidates: &mut Vec<Slot>) {
        let used = |slot: &Slot| self.known(*slot).is_none_or(|load| load.in_subset);
        if !self.traits.one_level && candidates.iter().any(used) {
            candidates.retain(used);
        }
    }

    /// Narrows `candidates` to one level, drawn by `loads`, and there to one zone. Never to
    /// nothing: where the draw has no candidate, the first level or any zone that has serves.
    /// Returns the level; a call with a key draws alike every time, if the algorithm asks for keys.
    pub fn narrow(
        &self,
        candidates: &mut Vec<Slot>,
        loads: &Loads,
        key: Option<u64>,
        rng: &mut impl Rng,
    ) -> u8 {
        let key = key.filter(|_| self.settings.algorithm.is_keyed());
        let mut draw = |salt| match key {
            Some(key) => Draw::from_bits(mix(key, salt)),
            None => rng.draw(),
        };
        let level_of = |slot: &Slot| self.info(*slot).level;
        let drawn = loads.pick(draw(LEVEL_SALT));
        let drawn = drawn.filter(|level| candidates.iter().any(|slot| level_of(slot) == *level));
        let level = drawn.or_else(|| candidates.iter().map(level_of).min()).unwrap_or_default();
        candidates.retain(|slot| level_of(slot) == level);
        if level == 0 && self.settings.zone.is_some() {
            self.keep_zone(candidates, draw(ZONE_SALT));
        }
        level
    }

    fn keep_zone(&self, candidates: &mut Vec<Slot>, draw: Draw) {
        let Some(settings) = self.settings.zone else { return };
        let mut healthy = [0_u32; ZONES_MAX];
        for slot in &*candidates {
            // One endpoint that stands nobody knows where makes all shares guesses.
            let Some(zone) = self.info(*slot).zone else { return };
            if let Some(count) = healthy.get_mut(zone.index()) {
                *count += 1;
            }
        }
        let Some(zone) = settings.route(&healthy).and_then(|shares| shares.pick(draw)) else {
            return;
        };
        let here = |slot: &Slot| self.info(*slot).zone == Some(zone);
        if candidates.iter().any(here) {
            candidates.retain(here);
        }
    }
}
