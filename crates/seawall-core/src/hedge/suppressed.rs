//! Why no hedge is sent, and the facts that this follows from.
//!
//! The questions are asked in the order of the reasons; the share of hedges, which only the
//! machine knows, is asked in `machine.rs`.

use crate::call::Safety;
use crate::reason::Reason;
use crate::time::Duration;

/// How far the answer to a call is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Response {
    /// Nothing was handed on, and the request can be sent again from its start.
    None,
    /// Part of an answer was handed on, or part of the request is gone.
    Committed,
}

/// Whether anything says that there is too much work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Load {
    /// The breaker is closed and nothing is shed.
    Normal,
    /// Otherwise.
    Overloaded,
}

/// What the caller knows at the moment when the delay has passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conditions {
    /// Whether the request may be executed twice.
    pub safety: Safety,
    /// How far the answer is.
    pub response: Response,
    /// Hedges that the call has fired already.
    pub fired: u32,
    /// The time to the deadline of the call, `None` without one.
    pub left: Option<Duration>,
    /// The time that an attempt needs to be of use.
    pub useful: Duration,
    /// Endpoints that could take the attempt and that the call has not tried.
    pub untried: usize,
    /// Whether there is too much work.
    pub load: Load,
}

/// Why no hedge is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Suppressed {
    /// Hedging is off.
    Off,
    /// The request may be executed only once.
    NotIdempotent,
    /// Part of an answer was handed on, or part of the request is gone.
    Committed,
    /// The call has fired all the hedges that it may.
    ExtraExhausted,
    /// The deadline is too near.
    DeadlineCannotFit,
    /// Every endpoint was tried, or none can take it. A second attempt at the same endpoint would
    /// meet the same queue.
    NoUntriedEndpoint,
    /// Something signals overload.
    Overloaded,
    /// Hedges have reached their share of first attempts.
    ShareReached,
    /// It would have been sent, but hedging is in shadow mode.
    Shadow,
    /// The bulkhead has no free permit. A hedge never queues: by the time that it got its turn
    /// the attempt beside it would be over. Reported by the caller.
    NoPermit,
    /// The attempt budget denied it; reported by the caller.
    BudgetEmpty,
}

impl Suppressed {
    /// Every reason, in the order in which they are asked.
    pub const ALL: [Self; 11] = [
        Self::Off,
        Self::NotIdempotent,
        Self::Committed,
        Self::ExtraExhausted,
        Self::DeadlineCannotFit,
        Self::NoUntriedEndpoint,
        Self::Overloaded,
        Self::ShareReached,
        Self::Shadow,
        Self::NoPermit,
        Self::BudgetEmpty,
    ];

    /// The stable code: lower case, words joined by underscores. The same as that of a
    /// [`Reason`] where one means the same.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::NotIdempotent => Reason::NotIdempotent.code(),
            Self::Committed => Reason::Committed.code(),
            Self::ExtraExhausted => "extra_exhausted",
            Self::DeadlineCannotFit => Reason::DeadlineCannotFit.code(),
            Self::NoUntriedEndpoint => "no_untried_endpoint",
            Self::Overloaded => Reason::Overloaded.code(),
            Self::ShareReached => "share_reached",
            Self::Shadow => "shadow",
            Self::BudgetEmpty => Reason::BudgetEmpty.code(),
            Self::NoPermit => "no_permit",
        }
    }

    /// Its place in [`Suppressed::ALL`].
    #[must_use]
    pub const fn index(self) -> usize {
        self as usize
    }
}

impl Conditions {
    /// The first of them that forbids a hedge, when each call may have `max_extra`.
    pub(super) fn check(&self, max_extra: u32) -> Result<(), Suppressed> {
        if !self.safety.is_repeatable() {
            return Err(Suppressed::NotIdempotent);
        }
        if self.response == Response::Committed {
            return Err(Suppressed::Committed);
        }
        if self.fired >= max_extra {
            return Err(Suppressed::ExtraExhausted);
        }
        if self.left.is_some_and(|left| left < self.useful || left.is_zero()) {
            return Err(Suppressed::DeadlineCannotFit);
        }
        if self.untried == 0 {
            return Err(Suppressed::NoUntriedEndpoint);
        }
        if self.load == Load::Overloaded {
            return Err(Suppressed::Overloaded);
        }
        Ok(())
    }
}
