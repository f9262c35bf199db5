//! What holding is at an instant.

use crate::Mode;
use crate::time::Instant;

/// Where an upstream is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HoldState {
    /// At least one endpoint may be reached.
    Reachable,
    /// None can be reached.
    Outage {
        /// Since when.
        since: Instant,
    },
    /// An outage has ended, and its line is released by degrees.
    Releasing {
        /// Since when.
        since: Instant,
        /// How many released calls may be under way at once.
        window: u32,
    },
}

/// Holding at an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HoldSnapshot {
    /// Whether it acts.
    pub mode: Mode,
    /// Where the upstream is.
    pub state: HoldState,
    /// Calls that are held, those under way to a probe or just released included.
    pub held: u32,
    /// What their bodies may take, in bytes.
    pub bytes: u64,
    /// Calls that may be held at once.
    pub calls: u32,
    /// Calls that have been held, each counted once. Only ever grows, as do those that follow.
    pub held_total: u64,
    /// Calls that were refused because as many were held as may be.
    pub full_total: u64,
    /// Probes made.
    pub probes_total: u64,
    /// Outages that began.
    pub outages_total: u64,
}
