//! Whom to wake once the lock is released.

use std::task::Waker;

/// Wakers of waiters that own a permit now. One step hardly ever frees more than one.
///
/// Dropping wakes them: should one panic, the others are woken all the same.
#[derive(Debug, Default)]
pub(crate) struct Woken {
    first: Option<Waker>,
    more: Vec<Waker>,
}

impl Woken {
    pub(crate) fn push(&mut self, waker: Waker) {
        match &self.first {
            None => self.first = Some(waker),
            Some(_) => self.more.push(waker),
        }
    }
}

impl Drop for Woken {
    fn drop(&mut self) {
        while let Some(waker) = self.first.take().or_else(|| self.more.pop()) {
            // Holds the others while this one is woken.
            let _rest = Self { first: None, more: std::mem::take(&mut self.more) };
            waker.wake();
        }
    }
}
