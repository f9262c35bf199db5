//! What stands in for a call that did not succeed, and how its caller is told.

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
}

impl<'a, E> Why<'a, E> {
    pub(super) const fn new(reason: Reason, error: Option<&'a E>, attempts: u32) -> Self {
        Self { reason, error, attempts }
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
}

/// What stands below the dependency. Implemented for [`NoFallback`] and [`Fallback`] only.
pub trait Ladder<T, E>: sealed::Sealed {
    /// What the caller gets.
    type Answer;

    /// How many rungs there are.
    const RUNGS: u8;

    /// Asks the rung.
    fn ask(&mut self, why: Why<'_, E>) -> Option<T>;

    /// A value as the caller gets it.
    fn answer(value: T, provenance: Provenance) -> Self::Answer;
}

/// Nothing stands in.
#[derive(Clone, Copy, Debug)]
pub struct NoFallback(pub(super) ());

impl NoFallback {
    pub(crate) const fn new() -> Self {
        Self(())
    }
}

impl<T, E> Ladder<T, E> for NoFallback {
    type Answer = T;

    const RUNGS: u8 = 0;

    fn ask(&mut self, _: Why<'_, E>) -> Option<T> {
        None
    }

    fn answer(value: T, _: Provenance) -> T {
        value
    }
}

/// A closure stands in.
#[derive(Clone, Copy, Debug)]
pub struct Fallback<F> {
    substitute: Option<F>,
}

impl<F> Fallback<F> {
    pub(crate) const fn new(substitute: F) -> Self {
        Self { substitute: Some(substitute) }
    }
}

impl<T, E, F: FnOnce(Why<'_, E>) -> Option<T>> Ladder<T, E> for Fallback<F> {
    type Answer = Answer<T>;

    const RUNGS: u8 = 1;

    fn ask(&mut self, why: Why<'_, E>) -> Option<T> {
        self.substitute.take().and_then(|substitute| substitute(why))
    }

    fn answer(value: T, provenance: Provenance) -> Answer<T> {
        Answer { value, provenance }
    }
}

mod sealed {
    #[expect(unnameable_types, reason = "what cannot be named cannot be implemented elsewhere")]
    pub trait Sealed {}
    impl Sealed for super::NoFallback {}
    impl<F> Sealed for super::Fallback<F> {}
}
