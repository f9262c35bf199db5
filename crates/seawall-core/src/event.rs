//! Where machines put what they have to report.
//!
//! A machine emits plain structs into a [`Sink`] after its state has changed; it never calls a
//! logger, a metric or a callback. What becomes of an event is the driver's business.

use alloc::vec::Vec;

/// Receives the events of one kind of machine.
pub trait Sink<E> {
    /// Takes one event. Must not block: the caller may hold a lock.
    fn emit(&mut self, event: E);
}

impl<E> Sink<E> for Vec<E> {
    fn emit(&mut self, event: E) {
        self.push(event);
    }
}

impl<E, S: Sink<E> + ?Sized> Sink<E> for &mut S {
    fn emit(&mut self, event: E) {
        (**self).emit(event);
    }
}

/// A sink that drops everything.
#[derive(Clone, Copy, Debug, Default)]
pub struct Discard;

impl<E> Sink<E> for Discard {
    fn emit(&mut self, _: E) {}
}
