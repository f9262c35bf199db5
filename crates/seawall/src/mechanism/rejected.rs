//! What a single mechanism refuses with. What a whole policy does is in `error.rs`.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use seawall_core::reason::Reason;
use seawall_core::time::Instant;

use crate::{Error, Until};

/// Refused by a mechanism, before anything was done.
///
/// Says nothing about the dependency. Do not count it as a failure anywhere, and do not come back
/// before [`Rejected::until`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Rejected {
    /// The name of the mechanism, if it has one.
    pub name: Option<Arc<str>>,
    /// Why: `breaker_open`, `bulkhead_full`, `queue_full`, `queue_wait` …
    pub reason: Reason,
    /// When another call may be let through.
    pub until: Until,
}

impl Rejected {
    #[cold]
    pub(crate) fn new(name: Option<&Arc<str>>, reason: Reason, until: Until) -> Self {
        Self { name: name.cloned(), reason, until }
    }

    /// The wait after which another call may be let through, if that is known.
    #[must_use]
    pub const fn retry_after(&self) -> Option<Duration> {
        match self.until {
            Until::In(wait) => Some(wait),
            Until::Never | Until::Unknown => None,
        }
    }
}

/// An instant of a machine, as seen from `now`.
pub(super) fn relative(until: Instant, now: Instant) -> Until {
    if until.is_never() { Until::Never } else { Until::In(until.since(now)) }
}

impl fmt::Display for Rejected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, reason, until } = self;
        if let Some(name) = name {
            write!(f, "{name}: ")?;
        }
        write!(f, "rejected, {reason}; {until}")
    }
}

impl std::error::Error for Rejected {}

impl<E> From<Rejected> for Error<E> {
    fn from(Rejected { name, reason, until }: Rejected) -> Self {
        Self::Rejected { policy: name, reason, until }
    }
}
