//! Policies of a single mechanism, without the time limits that a policy has otherwise.
//!
//! They are for stacks that keep an order of their own: each makes a
//! [`Policy::layer`](crate::Policy::layer) or guards calls by itself.
//!
//! ```
//! use std::time::Duration;
//! use seawall::{BulkheadSettings, only};
//!
//! # fn main() -> Result<(), seawall::BuildError> {
//! let bulkhead = only::bulkhead(BulkheadSettings::default()).build()?;
//! let timeout = only::timeout(Duration::from_secs(1)).build()?;
//! # let _ = (bulkhead, timeout);
//! # Ok(())
//! # }
//! ```
//!
//! They are ordinary policies, so that semantics are the same alone and together: a mechanism that
//! is absent takes no lock of its own and counts nothing. What a stack of them costs is two short
//! locks for each policy instead of two in all, and what it loses is what the mechanisms of one
//! policy know of each other: a retry layer cannot see that the breaker inside it is open, hence
//! retries into it; permits of a bulkhead outside a retry are held through its waits. Their errors
//! nest: `Error<Error<E>>`. Prefer one policy.

use std::time::Duration;

use crate::{BreakerSettings, BulkheadSettings, Hedge, Policy, PolicyBuilder, Retry};

/// No mechanism at all: for a fallback alone, or to add others.
pub fn nothing() -> PolicyBuilder {
    Policy::builder().no_total_timeout().no_attempt_timeout()
}

/// Bounds the time of the whole operation, waiting for a service to be ready included.
pub fn timeout(limit: Duration) -> PolicyBuilder {
    Policy::builder().total_timeout(limit)
}

/// Tries again, within a budget for all calls. As everywhere, only what provably never reached the
/// dependency is repeated until [`idempotent`](PolicyBuilder::idempotent) is said. An attempt that
/// hangs is never given up: put a [`timeout`] inside.
pub fn retry(settings: Retry) -> PolicyBuilder {
    nothing().retry(settings)
}

/// Starts an extra attempt beside a slow one, of calls that are
/// [`idempotent`](PolicyBuilder::idempotent).
pub fn hedge(settings: impl Into<Hedge>) -> PolicyBuilder {
    nothing().hedge(settings)
}

/// Stops calls while most of them fail.
pub fn breaker(settings: BreakerSettings) -> PolicyBuilder {
    nothing().breaker(settings)
}

/// Bounds the calls at once, and queues or refuses the rest.
pub fn bulkhead(settings: BulkheadSettings) -> PolicyBuilder {
    nothing().bulkhead(settings)
}
