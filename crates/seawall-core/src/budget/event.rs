//! What a budget reports.
//!
//! Where and when is added by whoever owns the budget.

use crate::ratio::Ratio;

/// What an extra attempt is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Purpose {
    /// A new attempt after an earlier one ended.
    Retry,
    /// An attempt beside a running one.
    Hedge,
    /// A rung of a fallback ladder that calls this upstream: charged here, where its load falls.
    Fallback,
}

impl Purpose {
    /// Its word in logs and metrics.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Retry => "retry",
            Self::Hedge => "hedge",
            Self::Fallback => "fallback",
        }
    }
}

/// Something that happened to a budget, emitted after it was counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BudgetEvent {
    /// An extra attempt was granted.
    Spent {
        /// What for.
        purpose: Purpose,
        /// First attempts in the window.
        first: u64,
        /// Extra attempts in the window, this one included.
        extra: u64,
    },
    /// An extra attempt was denied.
    Denied {
        /// What for.
        purpose: Purpose,
        /// First attempts in the window.
        first: u64,
        /// Extra attempts in the window.
        extra: u64,
        /// Those among them that have not helped.
        vain: u64,
        /// The share of first attempts that those may be.
        ratio: Ratio,
    },
}
