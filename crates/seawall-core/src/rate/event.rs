//! What limiters report.
//!
//! Events say what happened; which limit it was and where is added by whoever owns it.

use super::Refused;
use crate::Mode;
use crate::ratio::Ratio;
use crate::time::{Duration, Instant};

/// Something that happened at a limiter, emitted after its state has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RateEvent {
    /// A call was refused, or in shadow mode would have been.
    Limited {
        /// Whether it was.
        mode: Mode,
        /// Calls of cost 1 that would have passed.
        remaining: u64,
        /// When the call would pass.
        retry_at: Instant,
    },
    /// A call cost more than the limit ever admits: a mistake in the settings.
    Impossible {
        /// Whether it was refused.
        mode: Mode,
        /// What it cost.
        cost: u32,
        /// The most that a call may cost.
        capacity: u64,
    },
    /// A call waits for its instant.
    Queued {
        /// How long.
        wait: Duration,
    },
    /// An adaptive limit has changed.
    Adapted {
        /// What share of the configured rate is in force, or in shadow mode would be.
        share: Ratio,
        /// Whether calls feel it.
        mode: Mode,
    },
    /// Keys that owe something had no room in the table and share the overflow. At most once a
    /// second.
    OverflowKeys {
        /// How many since the last such event.
        keys: u64,
    },
}

impl RateEvent {
    /// What a refusal of a call of this cost reports: for drivers of [`super::Pace`], which is one
    /// word and reports nothing by itself.
    #[must_use]
    pub const fn of_refusal(refused: Refused, mode: Mode, cost: u32) -> Self {
        match refused {
            Refused::Limited { retry_at, remaining } => Self::Limited { mode, remaining, retry_at },
            Refused::Impossible { capacity } => Self::Impossible { mode, cost, capacity },
        }
    }
}
