//! What brownout reports.

use super::{Level, Signal};
use crate::Mode;
use crate::ratio::Ratio;

/// Why a level changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Cause {
    /// Too much pressure for too long, most of it from this signal.
    Pressure(Signal),
    /// Little pressure for long enough; most of what there is comes from this signal.
    Relief(Signal),
    /// A person or program pinned it.
    Pinned,
    /// The settings changed, and the level is no longer used.
    Reconfigured,
}

/// The level changed, emitted after it has. In [`Mode::Shadow`] nothing is switched off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BrownoutEvent {
    /// The level before.
    pub from: Level,
    /// The level now.
    pub to: Level,
    /// Why.
    pub cause: Cause,
    /// The pressure at that moment.
    pub pressure: Ratio,
    /// Whether it is acted upon.
    pub mode: Mode,
}
