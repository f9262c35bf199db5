//! What a breaker reports.
//!
//! Events say what changed; where and when is added by whoever owns the breaker. A refusal is no
//! event: it is the answer to the caller, who knows which call it was.

use super::Manual;
use crate::ratio::Ratio;
use crate::time::{Duration, Instant};

/// Why a breaker is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// Too many failures in a row.
    Consecutive,
    /// The share of failures in the window reached its limit.
    FailureRate,
    /// The share of slow calls in the window reached its limit.
    SlowRate,
    /// A probe failed.
    ProbeFailed,
    /// Half-open ended without enough probes to decide.
    ProbesUndecided,
}

/// Something that happened to a breaker, emitted after its state has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BreakerEvent {
    /// Traffic is rejected from now on.
    Opened {
        /// Why.
        cause: Cause,
        /// The share that decided: of slow calls for [`Cause::SlowRate`], else of failures; among
        /// the probes where those decided, else in the window.
        rate: Ratio,
        /// The calls that the share is of.
        calls: u64,
        /// Openings in a row, this one included; at least 1.
        openings: u32,
        /// The end of the cool-down.
        until: Instant,
    },
    /// Probes pass from now on. The first of them is the call that caused this event.
    HalfOpened,
    /// The probes succeeded; traffic flows again.
    Closed {
        /// The time since the breaker was last closed.
        after: Duration,
    },
    /// An attempt ended that a former state had admitted. It changed nothing.
    StaleOutcome {
        /// The generation that admitted it.
        ticket: u64,
        /// The generation now.
        current: u64,
    },
    /// A person or program took control, or gave it back.
    Forced {
        /// The control now in force.
        mode: Manual,
    },
    /// A probe was given up; its place is free again.
    ProbeAbandoned,
    /// A breaker in shadow mode let a call pass that it would have refused.
    WouldReject {
        /// What [`super::Refused::until`] would have said.
        until: Instant,
    },
}
