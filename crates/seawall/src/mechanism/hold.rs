//! How a guard holds the mechanism that it gives back to.

use std::ops::Deref;
use std::sync::Arc;

/// Borrowed where the mechanism outlives the guard, which costs nothing; shared where it may not:
/// counting owners up and down costs more than an admission.
#[derive(Debug)]
pub(super) enum Hold<'a, T> {
    Borrowed(&'a T),
    Shared(Arc<T>),
}

impl<T> Deref for Hold<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        match self {
            Self::Borrowed(held) => held,
            Self::Shared(held) => held,
        }
    }
}
