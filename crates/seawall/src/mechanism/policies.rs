//! Policies with a single mechanism, and the checks of settings that policies have as well.

use std::time::Duration;

use crate::settings::{Plan, Total};
use crate::{BreakerSettings, BuildError, BulkheadSettings, Hedge, Policy, Retry};

/// Refuses breaker settings that cannot work.
pub(super) fn check_breaker(settings: BreakerSettings) -> Result<(), BuildError> {
    Plan { breaker: Some(settings), ..bare() }.validate()
}

/// Refuses bulkhead settings that cannot work.
pub(super) fn check_bulkhead(settings: BulkheadSettings) -> Result<(), BuildError> {
    Plan { bulkhead: Some(settings), ..bare() }.validate()
}

/// Nothing is asked for.
fn bare() -> Plan {
    Plan { total: Total::Off, ..Plan::default() }
}

impl Policy {
    /// Only a deadline: a call that takes longer is dropped.
    ///
    /// # Errors
    ///
    /// [`BuildError`] for a limit of zero.
    pub fn timeout(limit: Duration) -> Result<Self, BuildError> {
        Self::builder().total_timeout(limit).build()
    }

    /// Only retries, under the deadline that every policy has. They repeat what provably was not
    /// sent; to repeat all that failed, say [`idempotent`](crate::Call::idempotent) on the call.
    ///
    /// # Errors
    ///
    /// [`BuildError`] with every setting that cannot work.
    pub fn retry(retry: Retry) -> Result<Self, BuildError> {
        Self::builder().retry(retry).build()
    }

    /// Only hedges, under the deadline that every policy has. Only calls that are marked
    /// [`idempotent`](crate::Call::idempotent) are hedged.
    ///
    /// # Errors
    ///
    /// [`BuildError`] with every setting that cannot work.
    pub fn hedge(hedge: impl Into<Hedge>) -> Result<Self, BuildError> {
        Self::builder().hedge(hedge).build()
    }
}
