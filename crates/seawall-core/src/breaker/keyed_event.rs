//! What a set of breakers reports, without the keys.
//!
//! The set is in `keyed.rs`.

use super::BreakerEvent;
use crate::event::Sink;

/// Which breaker a call met. Events and metrics carry this and never the key: labels that clients
/// can invent have no bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum KeyClass {
    /// One of its own key.
    Own,
    /// The one that all keys beyond the bound share.
    Overflow,
}

/// Something that happened to one of the breakers, or to the set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyedEvent {
    /// To a breaker.
    Breaker {
        /// Which kind of one.
        class: KeyClass,
        /// What.
        event: BreakerEvent,
    },
    /// All places are taken and none can be had: new keys share a breaker from now on. At most once
    /// for each sweep.
    Full {
        /// How many keys have their own.
        keys: u32,
    },
}

/// Adds the class of a key to the events of its breaker.
pub(super) struct Classed<'a, S> {
    pub(super) class: KeyClass,
    pub(super) sink: &'a mut S,
}

impl<S: Sink<KeyedEvent>> Sink<BreakerEvent> for Classed<'_, S> {
    fn emit(&mut self, event: BreakerEvent) {
        self.sink.emit(KeyedEvent::Breaker { class: self.class, event });
    }
}
