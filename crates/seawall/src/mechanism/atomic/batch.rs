//! What one step of a machine reports, kept under its lock until that is released.

use seawall_core::event::Sink;

/// The events of one step.
#[derive(Debug)]
pub(crate) struct Batch<E> {
    pub(crate) events: Vec<E>,
    /// The number of the first of them.
    pub(crate) first: u64,
    wanted: bool,
}

impl<E> Batch<E> {
    /// Keeps nothing unless somebody would read it.
    #[inline]
    pub(crate) const fn new(wanted: bool) -> Self {
        Self { events: Vec::new(), first: 0, wanted }
    }

    /// Gives the events the numbers that follow those that were `published`. Under the lock of the
    /// step, so that numbers follow each other as steps do.
    #[inline]
    pub(crate) const fn number(&mut self, published: &mut u64) {
        self.first = *published + 1;
        *published += self.events.len() as u64;
    }
}

impl<E> Sink<E> for Batch<E> {
    #[inline]
    fn emit(&mut self, event: E) {
        if self.wanted {
            self.events.push(event);
        }
    }
}
