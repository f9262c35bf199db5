//! What an operation is told of the attempt that it is to make.

use std::sync::Arc;
use std::time::Duration;

use seawall_core::time::Instant;

use crate::clock::Clock;

/// One attempt of a call, as the operation sees it.
#[derive(Clone, Debug)]
pub struct Attempt {
    pub(crate) number: u32,
    pub(crate) deadline: Instant,
    pub(crate) last: bool,
    pub(crate) clock: Clock,
    pub(crate) endpoint: Option<Endpoint>,
    pub(crate) idempotency_key: Option<Arc<str>>,
}

impl Attempt {
    /// Counts the attempts of the call; the first is 1.
    #[must_use]
    pub const fn number(&self) -> u32 {
        self.number
    }

    /// Whether the limits of the policy leave no attempt after this one or beside it. What another
    /// attempt would need, say a copy of the request, need not be kept then.
    #[must_use]
    pub const fn is_last(&self) -> bool {
        self.last
    }

    /// The endpoint to use; `None` for a policy without endpoints.
    #[must_use]
    pub const fn endpoint(&self) -> Option<&Endpoint> {
        self.endpoint.as_ref()
    }

    /// The time that is left until this attempt is given up, never longer than what the whole call
    /// has left; `None` without a limit. Reads the clock.
    ///
    /// Tell the dependency, less a margin for the way back, so that it stops working on what
    /// nobody waits for any more.
    #[must_use]
    pub fn remaining(&self) -> Option<Duration> {
        (!self.deadline.is_never()).then(|| self.deadline.since(self.clock.now()))
    }

    /// When this attempt is given up, on the clock of the runtime; `None` without a limit.
    #[must_use]
    pub fn deadline(&self) -> Option<tokio::time::Instant> {
        self.clock.runtime(self.deadline)
    }

    /// The key that makes all attempts of the call one request in the eyes of the dependency, if
    /// the call has one. The same for each attempt; send it along.
    #[must_use]
    pub fn idempotency_key(&self) -> Option<&str> {
        self.idempotency_key.as_deref()
    }
}

/// One of the endpoints of a policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    pub(crate) name: Arc<str>,
    pub(crate) index: usize,
}

impl Endpoint {
    /// Its name, as the policy was given it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its place in the list that the policy was given, counted from 0: the index of, say, a
    /// client in a list of your own.
    #[must_use]
    pub const fn index(&self) -> usize {
        self.index
    }
}
