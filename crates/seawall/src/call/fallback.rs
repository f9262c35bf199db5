//! What stands in for a call that did not succeed, and how its caller is told.
//!
//! How single rungs are joined to a ladder is in `ladder.rs`.

use std::time::Duration;

use seawall_core::reason::Reason;

/// A value, and where it came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Answer<T> {
    /// The value.
    pub value: T,
    /// Where it came from.
    pub provenance: Provenance,
}

impl<T> Answer<T> {
    /// Whether a fallback stands in for the real answer.
    #[must_use]
    pub const fn is_substitute(&self) -> bool {
        matches!(self.provenance, Provenance::Fallback { .. })
    }
}

/// Where a value came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Provenance {
    /// From the operation.
    Attempt {
        /// Which attempt, counted from 1.
        number: u32,
    },
    /// From the fallback.
    Fallback {
        /// Which rung of the ladder, in the order of the fallbacks of the call, counted from 0.
        rung: u8,
        /// Why the call did not succeed.
        why: Reason,
    },
}

/// Why a fallback is asked.
#[derive(Debug)]
pub struct Why<'a, E> {
    reason: Reason,
    error: Option<&'a E>,
    attempts: u32,
    remaining: Option<Duration>,
}

impl<E> Clone for Why<'_, E> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<E> Copy for Why<'_, E> {}

impl<'a, E> Why<'a, E> {
    pub(super) const fn new(
        reason: Reason,
        error: Option<&'a E>,
        attempts: u32,
        remaining: Option<Duration>,
    ) -> Self {
        Self { reason, error, attempts, remaining }
    }

    /// The stable code of why the call did not succeed.
    #[must_use]
    pub const fn reason(&self) -> Reason {
        self.reason
    }

    /// The latest error of the operation, if an attempt brought one.
    #[must_use]
    pub const fn error(&self) -> Option<&'a E> {
        self.error
    }

    /// Attempts that were started.
    #[must_use]
    pub const fn attempts(&self) -> u32 {
        self.attempts
    }

    /// The time until the deadline of the call, at which a fallback is dropped; `None` without a
    /// limit. A fallback that is a call itself should be given it: `.within(…)`.
    #[must_use]
    pub const fn remaining(&self) -> Option<Duration> {
        self.remaining
    }
}
