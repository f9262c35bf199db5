//! Settings of an attempt budget, and the whole numbers that follow from them.
//!
//! The rule that uses them is in `machine.rs`.

use crate::ratio::Ratio;
use crate::time::{Duration, nanos};
use crate::window::BUCKETS;

/// Nanoseconds of a second.
const SECOND: u128 = 1_000_000_000;

/// Settings of an attempt budget.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BudgetSettings {
    /// Extra attempts allowed for each first attempt of the window. Default 20 %, as in the
    /// Gateway API's retry constraint.
    pub ratio: Ratio,
    /// Extra attempts a second that are allowed however few calls there are. Default 10.
    ///
    /// Less than one a window grants nothing.
    pub floor_per_second: u32,
    /// The window. Default 10 s.
    pub window: Duration,
}

impl Default for BudgetSettings {
    fn default() -> Self {
        Self {
            ratio: Ratio::from_percent(20),
            floor_per_second: 10,
            window: Duration::from_secs(10),
        }
    }
}

impl BudgetSettings {
    /// What the floor allows in a whole window, rounded down.
    pub(super) fn floor_of_window(&self) -> u64 {
        let allowed = self.floor_in(nanos(self.window)) / SECOND;
        u64::try_from(allowed).unwrap_or(u64::MAX)
    }

    /// What the floor allows in one bucket, rounded up.
    pub(super) fn floor_of_bucket(&self) -> u64 {
        let allowed = self.floor_in(self.bucket_width()).div_ceil(SECOND);
        u64::try_from(allowed).unwrap_or(u64::MAX)
    }

    /// Nanoseconds of a bucket: those of the ring.
    pub(super) fn bucket_width(&self) -> u64 {
        (nanos(self.window) / BUCKETS as u64).max(1)
    }

    /// The floor over `time` nanoseconds, in attempts times [`SECOND`].
    fn floor_in(&self, time: u64) -> u128 {
        u128::from(self.floor_per_second) * u128::from(time)
    }
}
