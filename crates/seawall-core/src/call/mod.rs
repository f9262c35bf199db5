//! The call machine: one logical call, from admission to its single verdict.
//!
//! The interplay of deadline, breaker, bulkhead, endpoint choice, retries, budget and fallback is
//! decided here and nowhere else. Inputs and the current time go in, [`Action`]s come out; the
//! machine never waits, locks, reads a clock or draws a number by itself. A driver starts a call,
//! does what the action says, reports back, and repeats until [`Action::Finish`].
//!
//! The order of the layers, outer to inner, is that of [`Layer`]. The transitions are declared in
//! `table.rs`, and every move is checked against that table.
//!
//! Two things differ from what one might expect. The breaker of the upstream judges calls, not
//! attempts: while retries get calls through, one bad replica must not close the door on the
//! good ones (each attempt counts for its endpoint's breaker instead). And the endpoint is chosen
//! after the permit has been granted, not before: a choice made before a wait is stale.

mod attempt;
mod endings;
mod flight;
mod hedging;
mod holding;
mod layer;
mod machine;
mod moves;
mod retry;
mod settings;
mod table;
mod trail;
mod whole;

#[cfg(test)]
mod tests;

pub use attempt::Role;
pub use layer::Layer;
pub use machine::{Call, Context, Journal};
pub use retry::Denied;
pub use settings::{
    ATTEMPTS_MAX, CallSettings, Effect, Facts, KEPT_BYTES_MAX, KEPT_PATIENCE, Safety,
};
pub use table::{Event as CallEvent, State as CallState, TABLE, render as render_table};
pub use trail::{Step, StepKind, TRAIL_MAX, Trail};

use crate::bulkhead::Waiter;
use crate::endpoint::EndpointId;
use crate::outcome::Demand;
use crate::reason::Reason;
use crate::time::Instant;
use crate::upstream::ChoiceReason;

/// What the driver is to do next.
#[derive(Debug, PartialEq, Eq)]
#[must_use = "an action that is not carried out stalls the call"]
pub enum Action {
    /// Send the request and report the head of the answer or the end of the attempt. Attempts that
    /// already run go on beside it.
    Attempt(AttemptPlan),
    /// Wait until [`crate::upstream::Upstream::next_grant`] names this waiter, or until
    /// [`Call::next_deadline`]; then report [`Call::granted`] or [`Call::timer`]. The call waits
    /// for a permit, or is held through an outage.
    Enqueue(Waiter),
    /// Go on with what runs, and wait for [`Call::next_deadline`].
    Wait,
    /// Give the attempt up and report its end as timed out.
    Abandon(u32),
    /// Hand the answer of this attempt to the caller and report the end of its body. All others
    /// are over: drop what is left of them first, so that no loser outlives the winner.
    Deliver(u32),
    /// Answer with this rung of the route's ladder, counted from 0, and report the result.
    FallBack {
        /// The rung.
        rung: u8,
        /// Why the call did not succeed.
        why: Reason,
    },
    /// The call is over.
    Finish(Verdict),
}

/// One attempt to make.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AttemptPlan {
    /// Counts the attempts of the call, the first is 1.
    pub number: u32,
    /// Why it is made.
    pub role: Role,
    /// Where.
    pub endpoint: EndpointId,
    /// Why there.
    pub reason: ChoiceReason,
    /// By when a head must have arrived.
    pub deadline: Instant,
    /// Nothing follows, and nothing starts beside it: what another attempt would need, such as a
    /// copy of the request, may be given up. Resends over a fresh connection, which only a driver
    /// that pools connections brings about, are not foreseen here.
    pub last: bool,
    /// What the service asked of this attempt when it would not have an earlier one.
    pub demand: Demand,
}

/// What a call came to. Every call ends in exactly one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The answer of an attempt was handed on, whatever its status.
    Answered {
        /// Which attempt's.
        attempt: u32,
    },
    /// The answer of an attempt broke off after part of it had been handed on.
    Truncated {
        /// Which attempt's.
        attempt: u32,
        /// Why.
        why: Reason,
    },
    /// A rung of the ladder answered.
    FellBack {
        /// Which, counted from 0.
        rung: u8,
        /// Why the call did not succeed.
        why: Reason,
    },
    /// Refused before anything was sent.
    Rejected {
        /// Why.
        why: Reason,
        /// When it may succeed.
        until: Until,
    },
    /// Attempts were made and none brought an answer to hand on.
    Failed {
        /// Why the last one failed.
        why: Reason,
    },
    /// The caller left.
    Cancelled,
}

/// When a refused call may succeed. Never simply missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until {
    /// From this instant on.
    At(Instant),
    /// Not as it stands.
    Never,
    /// Nobody knows.
    Unknown,
}

/// Whether the request could be sent again from the start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Replay {
    /// It has no body, or all of it that has been read is kept.
    Possible,
    /// Part of its body is gone.
    Lost,
}

/// How a rung of the ladder fared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rung {
    /// It answered.
    Served,
    /// It could not.
    Failed,
}
