//! A limit with its fraction, as an integer: permits in millionths.
//!
//! Fractions let a limit creep by less than one permit an update without floats, so that equal
//! inputs give equal limits on every platform. What is done with it is in the algorithms.

use crate::number::small;
use crate::ratio::Ratio;
use crate::time::{Duration, nanos};

const WHOLE: u64 = 1_000_000;

/// Permits in millionths. Sums saturate: no limit comes near.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Millionths(u64);

impl Millionths {
    pub(super) const fn whole(permits: u32) -> Self {
        Self(permits as u64 * WHOLE)
    }

    pub(super) const fn raw(self) -> u64 {
        self.0
    }

    /// The permits that may be given: rounded down.
    pub(super) fn permits(self) -> u32 {
        small(self.0 / WHOLE)
    }

    /// Rounded down to whole permits.
    pub(super) fn floor(self) -> Self {
        Self(self.0 - self.0 % WHOLE)
    }

    /// Rounded up to whole permits.
    pub(super) fn ceil(self) -> Self {
        Self(self.0.div_ceil(WHOLE).saturating_mul(WHOLE))
    }

    /// `time` times this over `other`, rounded down: how long all take where `other` take `time`.
    pub(super) fn of(self, time: Duration, other: Self) -> Duration {
        let product = u128::from(self.0) * u128::from(nanos(time));
        let share = product / u128::from(other.0.max(1));
        Duration::from_nanos(u64::try_from(share).unwrap_or(u64::MAX))
    }

    pub(super) fn share(self, share: Ratio) -> Self {
        Self(share.of(self.0))
    }

    pub(super) fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    pub(super) fn minus(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }

    /// What each of `count` has of `sum` permits together, rounded down; all of it where there is
    /// but one or none.
    pub(super) fn mean(sum: u64, count: u32) -> Self {
        Self(sum.saturating_mul(WHOLE) / u64::from(count.max(1)))
    }

    /// As many as it, times `part / whole`, rounded down.
    pub(super) fn times(self, part: Duration, whole: Duration) -> Self {
        let product = u128::from(self.0) * u128::from(nanos(part));
        let share = product / u128::from(nanos(whole).max(1));
        Self(u64::try_from(share).unwrap_or(u64::MAX))
    }

    /// The square root, in millionths as well.
    pub(super) fn root(self) -> Self {
        let root = (u128::from(self.0) * u128::from(WHOLE)).isqrt();
        Self(u64::try_from(root).unwrap_or(u64::MAX))
    }

    /// The square root, rounded up to whole permits.
    pub(super) fn root_up(self) -> Self {
        let root = self.root();
        let exact = u128::from(root.0) * u128::from(root.0) == u128::from(self.0) * 1_000_000;
        let up = if exact { root.0 } else { root.0.saturating_add(1) };
        Self(up).ceil()
    }

    /// A fifth of the way to `target`: one odd update moves the limit by little, and 15 in a row
    /// go 96 % of the way. The smoothing of Gradient2.
    pub(super) fn towards(self, target: Self) -> Self {
        let fifth = Ratio::from_percent(20);
        if target >= self {
            self.plus(target.minus(self).share(fifth))
        } else {
            self.minus(self.minus(target).share(fifth))
        }
    }

    /// Whether at least half of the whole permits are in use.
    pub(super) fn is_half_used(self, in_flight: u32) -> bool {
        u64::from(in_flight) * 2 >= u64::from(self.permits())
    }
}
