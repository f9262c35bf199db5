//! Settings of hedging, as a policy is given them. What is done with them is the core's business.

use std::time::Duration;

use seawall_core::Mode;
use seawall_core::hedge::{HedgeDelay, HedgeSettings};
use seawall_core::ratio::Ratio;

/// When an extra attempt starts beside a slow one. The first good result wins; the others are
/// dropped before it is handed on.
///
/// It cuts the slowest answers of a dependency that is slow now and then, and adds load for it: at
/// most [`share`](Self::share) of the calls, within the same budget as retries. Only calls that may
/// be repeated are hedged. A dependency that is slow because it is overloaded gets slower by it;
/// while the breaker is not closed there are no hedges.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hedge(pub(crate) HedgeSettings);

impl Hedge {
    /// When the running attempt has taken longer than 95 % of the answers of the last minute, but
    /// no earlier than 1 ms and no later than half the attempt timeout. Nothing happens before
    /// there are 100 answers to learn from.
    #[must_use]
    pub fn adaptive() -> Self {
        Self(HedgeSettings { mode: Mode::Enforce, ..HedgeSettings::default() })
    }

    /// When the running attempt has taken so long: above zero, below the attempt timeout.
    #[must_use]
    pub fn after(delay: Duration) -> Self {
        let Self(settings) = Self::adaptive();
        Self(HedgeSettings { delay: HedgeDelay::Fixed(delay), ..settings })
    }

    /// Hedges for each hundred calls of the last 10 s; above 0 %, at most 100 %. Default 5 %.
    #[must_use]
    pub const fn share(self, share: Ratio) -> Self {
        Self(HedgeSettings { share, ..self.0 })
    }

    /// Extra attempts of one call, 1 to 3. Default 1.
    #[must_use]
    pub const fn max_extra(self, max_extra: u32) -> Self {
        Self(HedgeSettings { max_extra, ..self.0 })
    }
}

impl From<HedgeSettings> for Hedge {
    /// All settings by name. [`Mode::Off`] is refused where a policy is asked for hedges.
    fn from(settings: HedgeSettings) -> Self {
        Self(settings)
    }
}
