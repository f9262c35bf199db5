//! How long a breaker stays open.
//!
//! When it opens is decided in `judge.rs`.

use super::CoolDown;
use crate::ratio::Ratio;
use crate::rng::Draw;
use crate::time::{Duration, nanos};

/// Growth stops after so many openings in a row, so that the loop is bounded. Even a growth of
/// 101 % has reached 26 000 times the base by then.
const GROWTH_STEPS_MAX: u32 = 1_024;

/// A cool-down is shortened by up to a fifth of its length.
const SPREAD: u64 = 5;

impl CoolDown {
    /// The cool-down of the `openings`-th opening in a row:
    /// `min(max, base · growth^(openings − 1)) · (0.8 + 0.2 · draw)`.
    ///
    /// Shortened, never lengthened, by chance: instances of a fleet that opened together do not
    /// probe together, and `max` stays the maximum. Saturation is right for what grows for ever.
    pub(super) fn of(&self, openings: u32, draw: Draw) -> Duration {
        let longest = self.grown(openings);
        let spread = longest / SPREAD;
        // One more than the spread, because a draw stays below its bound: both ends are reached.
        Duration::from_nanos(longest - spread + draw.of(spread.saturating_add(1)))
    }

    fn grown(&self, openings: u32) -> u64 {
        let (max, growth) = (nanos(self.max), self.growth.max(Ratio::ONE));
        let mut wait = nanos(self.base).min(max);
        for _ in 1..openings.min(GROWTH_STEPS_MAX) {
            if wait == max || growth == Ratio::ONE {
                break;
            }
            wait = growth.of(wait).min(max);
        }
        wait
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::vec::Vec;

    const SECOND: Duration = Duration::from_secs(1);

    fn usual() -> CoolDown {
        CoolDown { base: SECOND * 5, growth: Ratio::from_percent(200), max: SECOND * 60 }
    }

    fn seconds(cool_down: CoolDown, draw: Draw) -> Vec<u64> {
        (1..=6).map(|openings| cool_down.of(openings, draw).as_secs()).collect()
    }

    #[test]
    fn br_6_cool_downs_double_up_to_their_maximum() {
        assert_eq!(seconds(usual(), Draw::ALMOST_ONE), [5, 10, 20, 40, 60, 60]);
        assert_eq!(seconds(usual(), Draw::ZERO), [4, 8, 16, 32, 48, 48]);
        assert_eq!(usual().of(1, Draw::HALF), Duration::from_millis(4_500));
    }

    #[test]
    fn t32_growth_saturates_and_chance_never_exceeds_the_maximum() {
        let huge =
            CoolDown { base: Duration::MAX, growth: Ratio::from_ppm(u32::MAX), max: Duration::MAX };
        assert_eq!(huge.of(u32::MAX, Draw::ALMOST_ONE), Duration::from_nanos(u64::MAX));
        for openings in [6, 64, 1_024, u32::MAX] {
            assert_eq!(usual().of(openings, Draw::ALMOST_ONE), SECOND * 60);
        }
    }

    #[test]
    fn a_growth_below_one_counts_as_one() {
        let shrinking = CoolDown { growth: Ratio::from_percent(50), ..usual() };
        assert_eq!(seconds(shrinking, Draw::ALMOST_ONE), [5; 6]);
    }

    #[test]
    fn a_base_above_the_maximum_is_cut_to_it() {
        let cut = CoolDown { max: SECOND * 2, ..usual() };
        assert_eq!(seconds(cut, Draw::ALMOST_ONE), [2; 6]);
    }

    #[test]
    fn no_cool_down_is_no_wait() {
        let none = CoolDown { base: Duration::ZERO, ..usual() };
        assert_eq!(none.of(9, Draw::ALMOST_ONE), Duration::ZERO);
    }

    proptest! {
        #[test]
        fn never_shrinks_with_openings_and_stays_within_its_fifth(
            base in 0_u64..100_000, max in 0_u64..1_000_000, growth in 0_u32..5_000_000,
            openings in 1_u32..200, bits: u64,
        ) {
            let (base, max) = (Duration::from_nanos(base), Duration::from_nanos(max));
            let cool_down = CoolDown { base, growth: Ratio::from_ppm(growth), max };
            let wait = |openings, draw| cool_down.of(openings, draw);
            let longest = wait(openings, Draw::ALMOST_ONE);
            let drawn = wait(openings, Draw::from_bits(bits));
            prop_assert!(longest <= max && drawn <= longest);
            prop_assert!(drawn * 5 >= longest * 4);
            prop_assert!(longest <= wait(openings + 1, Draw::ALMOST_ONE));
        }
    }
}
