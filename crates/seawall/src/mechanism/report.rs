//! Where changes of state leave a mechanism.
//!
//! What an event is, and who hears of it, is in `event.rs` of the crate.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use seawall_core::breaker::BreakerEvent;
use seawall_core::upstream::What;

use super::atomic::gate::Batch;
use crate::clock::Clock;
use crate::event::Listeners;
use crate::{Event, Events};

/// The name of a mechanism, its clock, and who listens to it.
#[derive(Debug)]
pub(super) struct Reports {
    pub(super) name: Option<Arc<str>>,
    pub(super) clock: Clock,
    listeners: Listeners,
    /// Whether there has ever been a listener: while there is none, nothing is written down.
    wanted: AtomicBool,
}

impl Reports {
    pub(super) fn new(name: Option<Arc<str>>, listeners: Listeners) -> Self {
        let wanted = AtomicBool::new(!listeners.events.is_empty());
        Self { name, clock: Clock::start(), listeners, wanted }
    }

    /// Whether anybody would read events.
    #[inline]
    pub(super) fn are_wanted(&self) -> bool {
        self.wanted.load(Ordering::Relaxed)
    }

    /// A reader of everything that happens from now on.
    pub(super) fn subscribe(&self) -> Events {
        let events = self.listeners.events.subscribe();
        self.wanted.store(true, Ordering::Relaxed);
        events
    }

    /// Tells everybody of what one step did. Never under a lock: a listener may call the mechanism.
    #[inline]
    pub(super) fn publish(&self, batch: Batch) {
        if !batch.events.is_empty() {
            self.publish_all(batch);
        }
    }

    #[cold]
    fn publish_all(&self, batch: Batch) {
        let at = self.clock.runtime_or_epoch(batch.at);
        for (sequence, event) in (batch.first..).zip(batch.events) {
            self.listeners.events.publish(&self.event(sequence, at, event));
        }
    }

    fn event(&self, sequence: u64, at: tokio::time::Instant, event: BreakerEvent) -> Event {
        let (policy, what) = (self.name.clone(), What::Breaker(event));
        Event { policy, sequence, at, endpoint: None, what }
    }
}
