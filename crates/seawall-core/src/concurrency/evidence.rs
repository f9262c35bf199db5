//! What a finished attempt tells a limit.
//!
//! What becomes of it is decided by the algorithms; what counts as a failure elsewhere is in
//! `outcome.rs`.

use crate::outcome::{Class, Origin, Outcome};
use crate::reason::Reason;
use crate::time::Duration;

/// What the end of an attempt says about the load of the dependency.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Evidence {
    /// The dependency did its work: the latency counts.
    Sample,
    /// It timed out or refused because of overload.
    Drop,
    /// Nothing: cancelled, failed at once, or never sent. Too short a latency would be taken for
    /// room that is not there.
    None,
}

impl Evidence {
    /// What `outcome` says: a success is a sample; a timeout or an answer that asks for less is a
    /// drop; what was refused here, cancelled, or failed in another way says nothing.
    #[must_use]
    pub fn of(outcome: &Outcome) -> Self {
        if outcome.origin == Origin::Own {
            return Self::None;
        }
        match outcome.class {
            Class::Success => Self::Sample,
            Class::Abandoned => Self::None,
            Class::Failure | Class::Ignored if outcome.throttled => Self::Drop,
            Class::Failure if outcome.reason.is_some_and(is_timeout) => Self::Drop,
            Class::Failure | Class::Ignored => Self::None,
        }
    }
}

fn is_timeout(reason: Reason) -> bool {
    let timeouts =
        [Reason::AttemptTimeout, Reason::ConnectTimeout, Reason::WriteTimeout, Reason::ReadTimeout];
    timeouts.contains(&reason)
}

/// An attempt that ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Finished {
    /// From its start to its end.
    pub latency: Duration,
    /// Attempts in flight when it started, itself included.
    pub in_flight: u32,
    /// What its end says.
    pub evidence: Evidence,
}
