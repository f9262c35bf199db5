//! What is said of a single call.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use seawall_core::call::{Effect, Facts, Safety};
use seawall_core::deadline;
use seawall_core::endpoint::EndpointId;
use seawall_core::shed::Priority;
use seawall_core::time::Instant;

use super::{Call, Handle};
use crate::clock::Clock;
use crate::settings::Plan;

/// What was said of a call; what was not is the policy's.
#[derive(Debug)]
pub(crate) struct Options {
    safety: Option<Safety>,
    pub(crate) key: Option<Arc<str>>,
    affinity: Option<u64>,
    priority: Option<Priority>,
    cost: u32,
    weight: u32,
    only: Option<EndpointId>,
    deadline: Option<tokio::time::Instant>,
    limit: Option<Duration>,
}

impl Options {
    /// Nothing was said.
    #[inline]
    pub(crate) const fn unsaid() -> Self {
        let (safety, key, affinity, priority, only) = (None, None, None, None, None);
        let (deadline, limit) = (None, None);
        Self { safety, key, affinity, priority, cost: 1, weight: 1, only, deadline, limit }
    }

    /// The same in the words of the machine; what was not said is the policy's, or usual.
    pub(crate) fn facts(&self, plan: &Plan, now: Instant, clock: &Clock) -> Facts {
        Facts {
            safety: self.safety.unwrap_or(plan.safety),
            // Who switches hedges on for an operation says that it may run twice at once.
            effect: Effect::Harmless,
            remaining: self.remaining(now, clock),
            affinity: self.affinity,
            priority: self.priority.unwrap_or(plan.priority),
            cost: self.cost,
            weight: self.weight,
            // What an operation keeps in memory is its own.
            body: 0,
            only: self.only,
        }
    }

    /// The time that the caller leaves the call.
    fn remaining(&self, now: Instant, clock: &Clock) -> Option<Duration> {
        let Some(deadline) = self.deadline else { return self.limit };
        deadline::shortest(Some(clock.of(deadline).since(now)), self.limit)
    }
}

impl<P: Handle, Op, Fut: Future, L> Call<P, Op, Fut, L> {
    /// Promises that running the operation more than once does no harm, so that this call may be
    /// retried after any failure that may have reached the dependency.
    pub fn idempotent(mut self) -> Self {
        self.options.safety = Some(Safety::Idempotent);
        self
    }

    /// Takes the policy's promise back for this call: only what provably never reached the
    /// dependency is repeated.
    pub fn not_idempotent(mut self) -> Self {
        self.options.safety = Some(Safety::Unsafe);
        self
    }

    /// Gives the call a key by which the dependency knows its attempts as one request; each attempt
    /// finds it at [`Attempt::idempotency_key`](crate::Attempt::idempotency_key) and must send it.
    /// The call may then be retried like an idempotent one.
    pub fn idempotency_key(mut self, key: impl Into<Arc<str>>) -> Self {
        self.options.safety = Some(Safety::Keyed);
        self.options.key = Some(key.into());
        self
    }

    /// The hash of what keyed balancing goes by: calls with the same one go to the same endpoint,
    /// where the policy has endpoints and its algorithm knows keys. A hash that is the same in
    /// every process keeps them together across a fleet.
    pub fn affinity(mut self, hash: u64) -> Self {
        self.options.affinity = Some(hash);
        self
    }

    /// How important the call is, where the policy sheds or throttles: an
    /// [`Importance`](crate::Importance), or a [`Priority`] with a sub-level that tells callers of
    /// the same importance apart. Default: what the policy says.
    pub fn priority(mut self, priority: impl Into<Priority>) -> Self {
        self.options.priority = Some(priority.into());
        self
    }

    /// What the call counts against the rate limit of the policy. Default 1. More than its burst
    /// can never pass.
    pub fn cost(mut self, cost: u32) -> Self {
        self.options.cost = cost;
        self
    }

    /// How many permits of the bulkhead each attempt takes, at least 1. Default 1. More than there
    /// are can never pass.
    pub fn weight(mut self, permits: u32) -> Self {
        self.options.weight = permits;
        self
    }

    /// The one endpoint that it may go to.
    pub(crate) fn only(mut self, endpoint: EndpointId) -> Self {
        self.options.only = Some(endpoint);
        self
    }

    /// The instant by which the caller must have its answer. Only ever shortens the policy's total.
    /// One that has passed refuses the call.
    pub fn deadline(mut self, at: tokio::time::Instant) -> Self {
        self.options.deadline = Some(at);
        self
    }

    /// The time that the caller gives the call, from its start. Only ever shortens the policy's
    /// total. Zero refuses the call.
    pub fn within(mut self, limit: Duration) -> Self {
        self.options.limit = Some(limit);
        self
    }
}
