//! Settings of an attempt budget, and the whole numbers that follow from them.
//!
//! The rule that uses them is in `machine.rs`.

use crate::invalid::Invalid;
use crate::ratio::Ratio;
use crate::time::{Duration, nanos};
use crate::window::BUCKETS;

/// A shorter window has buckets of less than a millisecond, in which hardly any call falls.
const WINDOW_MIN: Duration = Duration::from_millis(10);

/// Nanoseconds of a second.
const SECOND: u128 = 1_000_000_000;

/// Settings of an attempt budget.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BudgetSettings {
    /// Extra attempts that did not help, or have not yet, allowed for each first attempt of the
    /// window. Default 20 %, as in the Gateway API's retry constraint.
    pub ratio: Ratio,
    /// Extra attempts in all, those that helped included, for each first attempt of the window.
    /// Default 50 %: enough to answer all but one in a hundred calls while every endpoint refuses
    /// 30 % of the attempts (43 %), and at 60 % load not enough to fill the service up. As much as
    /// `ratio` or less: nothing is gained by helping.
    pub ceiling: Ratio,
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
            ceiling: Ratio::from_percent(50),
            floor_per_second: 10,
            window: Duration::from_secs(10),
        }
    }
}

impl BudgetSettings {
    /// # Errors
    ///
    /// [`Invalid`] for the first setting that cannot work: a ratio or a ceiling of more than one
    /// extra attempt for each call, which bounds nothing, or a window without room for its ten
    /// buckets. A ratio of zero leaves the floor alone, and a floor of zero the ratio; both at once
    /// mean no extra attempts.
    pub fn validate(&self) -> Result<(), Invalid> {
        for (field, share) in [("ratio", self.ratio), ("ceiling", self.ceiling)] {
            if share > Ratio::ONE {
                return Err(Invalid::new(field, share, "at most 100%"));
            }
        }
        if self.window < WINDOW_MIN {
            let window = alloc::format!("{} ns", self.window.as_nanos());
            return Err(Invalid::new("window", window, "at least 10 ms"));
        }
        Ok(())
    }

    /// The most extra attempts for each first one, floor aside, whatever they bring: the larger of
    /// ratio and ceiling.
    #[must_use]
    pub fn most(&self) -> Ratio {
        self.ratio.max(self.ceiling)
    }

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
