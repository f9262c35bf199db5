//! What a call that brought no value ends with. What a policy that cannot work is answered with
//! is in `build_error.rs`.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use seawall_core::idempotency::Ending;
use seawall_core::reason::Reason;

use crate::Outcome;

/// Why a call brought no value.
///
/// `E` is the error of the operation, kept as it is. Every variant says why ([`Error::reason`])
/// and, as far as anybody knows, when another call may do better ([`Error::retry_after`]).
///
/// Do not wrap a policy's calls in another retry loop: what this says no to has been weighed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error<E> {
    /// Refused by the policy; the operation was not started. Says nothing about the dependency's
    /// answer: there was none. Degrade, or come back when `until` says.
    #[non_exhaustive]
    Rejected {
        /// The name of the policy, if it has one.
        policy: Option<Arc<str>>,
        /// Which mechanism refused: `rate_limited`, `cost_exceeds_limit`, `shed`, `throttled`,
        /// `breaker_open`, `bulkhead_full`, `concurrency_limited`, `queue_full`, `queue_wait`,
        /// `deadline_expired`, `no_healthy_endpoint` …
        reason: Reason,
        /// When another call may be let through.
        until: Until,
    },
    /// Attempts were started, and none brought a result in its time. The dependency may have acted
    /// all the same.
    #[non_exhaustive]
    TimedOut {
        /// The name of the policy, if it has one.
        policy: Option<Arc<str>>,
        /// What ended the call: `attempt_timeout`, `deadline_exceeded`, or what refused another
        /// attempt after the last one had timed out.
        reason: Reason,
        /// Why no other attempt followed.
        denied: Option<Reason>,
        /// Attempts that were started.
        attempts: u32,
        /// From the start of the call to its end.
        elapsed: Duration,
        /// The numbers of the attempt budget, where that was the reason.
        budget: Option<Spent>,
        /// What it means for the work of an idempotency key.
        ending: Ending,
    },
    /// The operation failed, and no further attempt was made.
    #[non_exhaustive]
    Failed {
        /// The name of the policy, if it has one.
        policy: Option<Arc<str>>,
        /// What the latest attempt that brought a result returned.
        error: E,
        /// Why no other attempt followed: `not_retryable`, `not_idempotent`,
        /// `attempts_exhausted`, `budget_empty`, `deadline_cannot_fit` …
        reason: Reason,
        /// Attempts that were started.
        attempts: u32,
        /// From the start of the call to its end.
        elapsed: Duration,
        /// When the dependency asked to come back.
        retry_after: Option<Duration>,
        /// The numbers of the attempt budget, where that was the reason.
        budget: Option<Spent>,
        /// What it means for the work of an idempotency key.
        ending: Ending,
    },
}

/// When a rejected call may succeed. Never simply missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until {
    /// After this time, counted from the rejection.
    In(Duration),
    /// Not as it stands.
    Never,
    /// Nobody knows.
    Unknown,
}

/// An attempt budget that had nothing left: attempts in its window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Spent {
    /// First attempts of calls.
    pub first: u64,
    /// Extra attempts: retries and hedges.
    pub extra: u64,
}

impl<E> Error<E> {
    /// One attempt by a mechanism that never tries again.
    pub(crate) fn of_single(
        policy: Option<Arc<str>>,
        error: E,
        elapsed: Duration,
        outcome: &Outcome,
    ) -> Self {
        Self::Failed {
            policy,
            error,
            reason: Reason::AttemptsExhausted,
            attempts: 1,
            elapsed,
            retry_after: outcome.hint(),
            budget: None,
            ending: Ending::of(outcome.observation()),
        }
    }

    /// The stable code of why: for logs, metrics and tests.
    #[must_use]
    pub const fn reason(&self) -> Reason {
        match self {
            Self::Rejected { reason, .. }
            | Self::TimedOut { reason, .. }
            | Self::Failed { reason, .. } => *reason,
        }
    }

    /// The wait after which another call may succeed, as far as the policy or the dependency said.
    #[must_use]
    pub const fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Rejected { until: Until::In(wait), .. } => Some(*wait),
            Self::Failed { retry_after, .. } => *retry_after,
            Self::Rejected { .. } | Self::TimedOut { .. } => None,
        }
    }

    /// Attempts that were started; 0 means that the dependency has seen nothing of the call.
    #[must_use]
    pub const fn attempts(&self) -> u32 {
        match self {
            Self::Rejected { .. } => 0,
            Self::TimedOut { attempts, .. } | Self::Failed { attempts, .. } => *attempts,
        }
    }

    /// What it means for the work of an idempotency key, over all attempts of the call: it is free
    /// only if none of them can have done the work, as a call that was refused before any. For
    /// [`IdempotencyKeys::run_judged`](crate::IdempotencyKeys::run_judged).
    #[must_use]
    pub const fn ending(&self) -> Ending {
        match self {
            Self::Rejected { .. } => Ending::Free,
            Self::TimedOut { ending, .. } | Self::Failed { ending, .. } => *ending,
        }
    }

    /// The name of the policy.
    #[must_use]
    pub fn policy(&self) -> Option<&str> {
        match self {
            Self::Rejected { policy, .. }
            | Self::TimedOut { policy, .. }
            | Self::Failed { policy, .. } => policy.as_deref(),
        }
    }

    /// The error of the operation, if it was the operation that failed.
    #[must_use]
    pub const fn error(&self) -> Option<&E> {
        match self {
            Self::Failed { error, .. } => Some(error),
            Self::Rejected { .. } | Self::TimedOut { .. } => None,
        }
    }

    /// The error of the operation, if it was the operation that failed.
    #[must_use]
    pub fn into_error(self) -> Option<E> {
        match self {
            Self::Failed { error, .. } => Some(error),
            Self::Rejected { .. } | Self::TimedOut { .. } => None,
        }
    }
}

impl<E: fmt::Display> fmt::Display for Error<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(policy) = self.policy() {
            write!(f, "{policy}: ")?;
        }
        match self {
            Self::Rejected { reason, until, .. } => {
                write!(f, "rejected before any attempt, {reason}; {until}")?;
            }
            Self::TimedOut { reason, attempts, elapsed, .. } => {
                write!(f, "no result after {}, {elapsed:.1?}: {reason}", Attempts(*attempts))?;
            }
            Self::Failed { error, reason, attempts, .. } => {
                write!(f, "failed after {}, {reason}: {error}", Attempts(*attempts))?;
            }
        }
        if let Self::TimedOut { budget: Some(spent), .. }
        | Self::Failed { budget: Some(spent), .. } = self
        {
            write!(f, " ({spent})")?;
        }
        match self.advice() {
            Some(advice) => write!(f, "; {advice}"),
            None => Ok(()),
        }
    }
}

impl<E> Error<E> {
    /// How to mend it, where that is in the hands of whoever reads the message.
    const fn advice(&self) -> Option<&'static str> {
        let why = match self {
            Self::TimedOut { denied: Some(denied), .. } => *denied,
            Self::Rejected { reason, .. }
            | Self::TimedOut { reason, .. }
            | Self::Failed { reason, .. } => *reason,
        };
        match why {
            Reason::NotIdempotent => {
                Some("if repeating it does no harm, mark the call `.idempotent()`")
            }
            Reason::BulkheadFull | Reason::QueueFull | Reason::QueueWait => {
                Some("all permits are taken: the dependency is slow, or there are too few")
            }
            Reason::DeadlineExpired => Some("it was started without time left"),
            Reason::NoHealthyEndpoint => Some("every endpoint is ejected or removed"),
            Reason::UpstreamUnreachable => {
                Some("no endpoint could be reached for as long as it waited")
            }
            Reason::HoldFull => Some("no endpoint can be reached, and too many calls wait already"),
            Reason::RateLimited => Some("calls come faster than the rate limit of this policy"),
            Reason::CostExceedsLimit => {
                Some("lower its cost or weight, or raise the burst or the permits")
            }
            Reason::Shed => {
                Some("more important calls take what there is; `.priority` tells which")
            }
            Reason::Throttled => Some("the dependency has refused many of late: send it less"),
            Reason::ConcurrencyLimit => {
                Some("the dependency slows down with more attempts at once than run now")
            }
            Reason::BreakerOpen => Some("most calls of late have failed: do without for a while"),
            Reason::BudgetEmpty => Some("too many calls need another attempt: mend what fails"),
            Reason::DeadlineCannotFit => {
                Some("for more attempts, shorten the attempt timeout or give the call more time")
            }
            _ => None,
        }
    }
}

impl<E: std::error::Error + 'static> std::error::Error for Error<E> {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.error().map(|error| error as _)
    }
}

impl fmt::Display for Until {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::In(wait) => write!(f, "may succeed in {wait:.1?}"),
            Self::Never => f.write_str("will not succeed as it stands"),
            Self::Unknown => f.write_str("unknown until when"),
        }
    }
}

impl fmt::Display for Spent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { first, extra } = self;
        write!(f, "the budget has seen {extra} extra attempts beside {first} first ones")
    }
}

/// "1 attempt", "2 attempts".
struct Attempts(u32);

impl fmt::Display for Attempts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            1 => f.write_str("1 attempt"),
            number => write!(f, "{number} attempts"),
        }
    }
}
