//! What an adaptive limit is at a moment: plain data.

use super::Cause;
use crate::Mode;
use crate::ratio::Ratio;
use crate::time::{Duration, Instant};

/// An adaptive limit at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LimitSnapshot {
    /// Whether it acts.
    pub mode: Mode,
    /// The limit.
    pub limit: u32,
    /// The same in millionths, with its fraction.
    pub millionths: u64,
    /// Why it is what it is.
    pub cause: Cause,
    /// When the limit last changed; absent before it first did.
    pub changed_at: Option<Instant>,
    /// The latency without load; absent before the first update, and for AIMD always.
    pub base: Option<Duration>,
    /// The latency of the last update.
    pub short: Option<Duration>,
    /// Whether the dependency is known to have all that it can work on
    /// ([`super::Algorithm::Knee`] only).
    pub congested: bool,
    /// The gradient of the last update.
    pub gradient: Option<Ratio>,
    /// Attempts refused so far; in shadow mode those that would have been.
    pub rejected: u64,
    /// Latencies taken so far.
    pub samples: u64,
    /// Drops so far.
    pub drops: u64,
}
