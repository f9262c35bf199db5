//! What shedding reports.

use super::{Class, Cursor};
use crate::Mode;
use crate::time::Duration;

/// Something that happened, emitted after the state has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ShedEvent {
    /// A call was shed; in [`Mode::Shadow`] it was let pass.
    Shed {
        /// Its class.
        class: Class,
        /// Its sub-level.
        sub: u8,
        /// Up to where calls are admitted.
        cursor: Cursor,
        /// Whether it was acted upon.
        mode: Mode,
    },
    /// A window was overloaded, and the one before was not.
    OverloadEntered {
        /// How long calls waited in it on average.
        wait: Duration,
    },
    /// A window was not overloaded, and the one before was.
    OverloadLeft {
        /// How long it was overloaded.
        after: Duration,
    },
}
