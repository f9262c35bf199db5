//! What brownout is at a moment: plain data.

use super::{Cause, Level, SIGNALS};
use crate::Mode;
use crate::ratio::Ratio;
use crate::time::Instant;

/// Brownout at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BrownoutSnapshot {
    /// Whether it acts.
    pub mode: Mode,
    /// The level, also in shadow mode.
    pub level: Level,
    /// Whether it is pinned by hand.
    pub is_pinned: bool,
    /// Why the level last changed; absent before it first did.
    pub cause: Option<Cause>,
    /// When it last changed.
    pub since: Option<Instant>,
    /// The signals as last noted, in the order of [`super::Signal::ALL`].
    pub signals: [Option<Ratio>; SIGNALS],
    /// Ticks in a row with enough pressure to rise.
    pub pressed: u32,
    /// Ticks in a row with little enough to fall.
    pub relieved: u32,
}
