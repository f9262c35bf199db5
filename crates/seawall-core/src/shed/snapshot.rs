//! What shedding is at a moment: plain data.

use super::Cursor;
use crate::Mode;
use crate::time::{Duration, Instant};

/// Shedding at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShedSnapshot {
    /// Whether it acts.
    pub mode: Mode,
    /// Up to where calls are admitted.
    pub cursor: Cursor,
    /// Since when it is overloaded, if it is.
    pub overloaded_since: Option<Instant>,
    /// How long calls waited on average in the last window that any waited in.
    pub wait: Option<Duration>,
    /// The arrivals of the present window.
    pub arrivals: u64,
    /// Those of them that were admitted.
    pub admitted: u64,
    /// Calls shed so far, by class from critical to low; in shadow mode those that would have
    /// been.
    pub shed: [u64; 4],
}
