//! Whom to wake once the lock is released.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::task::Waker;

/// Wakers of waiters that own a permit now. One step hardly ever frees more than one.
///
/// Dropping wakes them in the order in which they came, in a loop: a step may end thousands of
/// waits, and the stack of whoever made it may be small. Should one panic, the others are woken all
/// the same, and the first panic goes on afterwards.
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

    #[cold]
    fn wake_all(&mut self, first: Waker) {
        let mut panicked = None;
        for waker in std::iter::once(first).chain(std::mem::take(&mut self.more)) {
            match catch_unwind(AssertUnwindSafe(|| waker.wake())) {
                Err(payload) if panicked.is_none() => panicked = Some(payload),
                Err(payload) => contain(Some(payload)),
                Ok(()) => {}
            }
        }
        match panicked {
            // A second panic on the way out of a first would end the process.
            Some(payload) if !std::thread::panicking() => resume_unwind(payload),
            dropped => contain(dropped),
        }
    }
}

/// Dropping what was thrown may panic once more.
fn contain(payload: Option<Box<dyn Any + Send>>) {
    let _contained = catch_unwind(AssertUnwindSafe(|| drop(payload)));
}

impl Drop for Woken {
    #[inline]
    fn drop(&mut self) {
        if let Some(first) = self.first.take() {
            self.wake_all(first);
        }
    }
}
