//! What holding reports.

use crate::Mode;
use crate::time::Duration;

/// A change of state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HoldEvent {
    /// No endpoint can be reached.
    OutageBegan {
        /// How many endpoints there are.
        endpoints: u32,
        /// In shadow, nobody is held.
        mode: Mode,
    },
    /// An endpoint was reached, or one that may serve has joined.
    OutageEnded {
        /// How long it lasted.
        after: Duration,
        /// Calls that are held and will be released.
        held: u32,
        /// In shadow, nobody was held.
        mode: Mode,
    },
    /// As many calls, or as much of their bodies, are held as may be: others are refused. Told
    /// once in an outage.
    Full {
        /// Calls that are held.
        held: u32,
        /// What their bodies may take.
        bytes: u64,
    },
    /// The last of the line has been released.
    Released {
        /// How long after the end of the outage.
        after: Duration,
    },
}
