//! How a call holds its policy.

use crate::Policy;
use crate::shared::Shared;

/// A policy as a call holds it: borrowed by [`Policy::call`], owned by [`Policy::into_call`].
/// Implemented for these two and nothing else.
pub trait Handle: sealed::Sealed {
    /// What judges results.
    type Classifier;

    /// The policy.
    fn policy(&self) -> &Policy<Self::Classifier>;
}

impl<C> Handle for &Policy<C> {
    type Classifier = C;

    fn policy(&self) -> &Policy<C> {
        self
    }
}

impl<C> Handle for Policy<C> {
    type Classifier = C;

    fn policy(&self) -> &Self {
        self
    }
}

pub(super) fn shared<P: Handle>(handle: &P) -> &Shared {
    &handle.policy().shared
}

mod sealed {
    use crate::Policy;

    #[expect(unnameable_types, reason = "what cannot be named cannot be implemented elsewhere")]
    pub trait Sealed {}
    impl<C> Sealed for &Policy<C> {}
    impl<C> Sealed for Policy<C> {}
}
