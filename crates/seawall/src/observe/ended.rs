//! The end of a call, as observers are told of it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use seawall_core::call::Verdict;
use seawall_core::reason::Reason;

/// A call has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Ended {
    /// The name of the policy, if it has one.
    pub policy: Option<Arc<str>>,
    /// How it ended.
    pub ending: Ending,
    /// Why there was no better ending. An answer has a reason where a retry was wanted and denied.
    pub reason: Option<Reason>,
    /// Attempts that were started.
    pub attempts: u32,
    /// From the start of the call to its end.
    pub elapsed: Duration,
}

/// How a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Ending {
    /// With the result of an attempt, be it a value or an error.
    Answered,
    /// With a substitute.
    FellBack,
    /// Refused before anything was tried.
    Rejected,
    /// Without a result.
    Failed,
    /// Its caller left.
    Cancelled,
}

impl Ending {
    /// Its name in logs and metrics.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::FellBack => "fell_back",
            Self::Rejected => "rejected",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// The ending that a verdict is, with its reason.
    pub(crate) const fn of(verdict: &Verdict, denied: Option<Reason>) -> (Self, Option<Reason>) {
        match verdict {
            Verdict::Answered { .. } => (Self::Answered, denied),
            Verdict::Truncated { why, .. } => (Self::Failed, Some(*why)),
            Verdict::FellBack { why, .. } => (Self::FellBack, Some(*why)),
            Verdict::Rejected { why, .. } => (Self::Rejected, Some(*why)),
            Verdict::Failed { why } => (Self::Failed, Some(*why)),
            Verdict::Cancelled => (Self::Cancelled, None),
        }
    }
}

/// What a listener is.
pub(crate) type CallListener = Box<dyn Fn(&Ended) + Send + Sync>;

/// Tells everybody, outside the lock. A listener that panics has lost this call, and nothing else.
pub(crate) fn tell(listeners: &[CallListener], ended: &Ended) {
    for listener in listeners {
        let _contained = catch_unwind(AssertUnwindSafe(|| listener(ended)));
    }
}
