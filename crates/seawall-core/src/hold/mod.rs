//! Holding: calls wait through a short outage, within bounds, instead of failing at once.
//!
//! An upstream is in an *outage* when the latest attempt at every endpoint that may serve met
//! nobody: refused, no way, no connection in time, or cut before a byte of the request had left.
//! Nothing was sent, so any call may wait and be sent later, also one that must not be repeated.
//! While the outage lasts
//!
//! - calls that arrive, and calls whose attempts met nobody, wait in a line, bounded in number, in
//!   the memory of their bodies and in time; whoever finds it full is refused at once;
//! - probes find out when it is over: real attempts of held or arriving calls, one at a time at
//!   each endpoint, every 50 ms at first and every 250 ms after five seconds;
//! - whatever meets nobody counts neither for breakers nor for ejection, nor against the limits of
//!   the call: it says nothing that is not known already, and must not keep the service locked out
//!   once it is back.
//!
//! The first endpoint that answers ends the outage. The line is then released by degrees, those
//! first whose callers are likely to be there still: few at first, one more for each that is
//! answered quickly, so that the number doubles with every round while the service keeps up, and
//! stands still when it does not. A call whose caller stated a deadline is awaited until then, any
//! other for two seconds ([`PATIENCE`]). Of those that are still awaited when an answer can be
//! there, the one with the least time goes next; when there are none, the one that came last. In
//! the order of arrival the service would work for those who have left, while those who are there
//! leave in turn.
//!
//! Who arrives meanwhile passes: the rate of arrivals must be carried in any case, and it is the
//! line that could flatten a cold service.
//!
//! An upstream that answers with errors, or slowly, is never in an outage. Its trouble may be too
//! much work, and a crowd that is held for it comes back as a herd.
//!
//! Here is who waits, and for how long. How a call waits is in `call/holding.rs`, what counts as
//! meeting nobody in `outcome.rs`.

mod event;
mod line;
mod machine;
mod probing;
mod releasing;
mod settings;
mod snapshot;

#[cfg(test)]
mod tests;

pub use event::HoldEvent;
pub use machine::Hold;
pub use settings::{CALLS_MAX, HoldSettings, PATIENCE, PROBE_GAP, PROBE_MAX, PROBE_MIN};
pub use snapshot::{HoldSnapshot, HoldState};

pub use line::Place;
pub use probing::Door;
pub use releasing::{Away, Back};

use crate::time::Instant;

/// What a call that would be held brings along.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wish {
    /// When waiting is of no more use to it.
    pub until: Instant,
    /// Since when it has been held, if it was before.
    pub since: Option<Instant>,
    /// The most of its body that is kept meanwhile, in bytes.
    pub body: u64,
    /// What is known of how long its caller waits.
    pub patience: Patience,
}

/// How long a caller waits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Patience {
    /// As long as it has told.
    Told,
    /// Nobody knows: the deadline of the call is a limit of our own. The default.
    #[default]
    Unknown,
}

/// Why a call is not held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotHeld {
    /// As many calls, or as much of their bodies, are held as may be.
    Full,
    /// There is no time in which waiting could be of use: the call's is too short, or the outage
    /// has lasted too long.
    NoTime,
}

/// What a held call learns when it looks.
#[derive(Debug, PartialEq, Eq)]
pub enum Look {
    /// It waits on, and looks again then at the latest.
    Held {
        /// Then.
        look_at: Instant,
    },
    /// It may make an attempt: it was released, or a probe is due.
    Go(Away),
    /// Its time is over.
    Over,
}

/// Whether an attempt that met nobody tells anything new.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counts {
    /// It counts for breakers, ejection and balancing.
    Yes,
    /// The outage was known already.
    No,
}
