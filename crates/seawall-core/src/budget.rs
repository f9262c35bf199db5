//! Attempt budget: the bound on extra attempts as a share of recent calls.

use crate::ratio::Ratio;
use crate::time::Duration;

/// Settings of an attempt budget.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BudgetSettings {
    /// Extra attempts allowed for each first attempt of the window. Default 20 %, as in the
    /// Gateway API's retry constraint.
    pub ratio: Ratio,
    /// Extra attempts a second that are allowed however few calls there are. Default 10.
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
