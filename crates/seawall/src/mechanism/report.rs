//! Where changes of state leave a mechanism, and what every mechanism may be given.
//!
//! What an event is, and who hears of it, is in `event.rs` of the crate.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use seawall_core::rng::Stream;
use seawall_core::time::Instant;
use seawall_core::upstream::What;

use super::atomic::batch::Batch;
use crate::clock::Clock;
use crate::event::{Callbacks, Listener, Listeners};
use crate::{Event, Events, seed};

/// What every mechanism may be given beside its settings: a name, listeners, a seed.
///
/// ```
/// use seawall::BulkheadSettings;
/// use seawall::mechanism::{Bulkhead, Setup};
///
/// # fn main() -> Result<(), seawall::BuildError> {
/// let setup = Setup::named("orders").on_event(|event| println!("{event:?}"));
/// let orders = Bulkhead::with(BulkheadSettings::default(), setup)?;
/// assert_eq!(orders.name(), Some("orders"));
/// # Ok(())
/// # }
/// ```
#[derive(Default)]
#[must_use = "a setup does nothing until a mechanism is built with it"]
pub struct Setup {
    name: Option<Arc<str>>,
    seed: Option<u64>,
    listeners: Vec<Listener>,
}

impl Setup {
    /// No name, no listeners, and a new seed.
    pub fn new() -> Self {
        Self::default()
    }

    /// The name that rejections and events carry.
    pub fn named(name: impl Into<Arc<str>>) -> Self {
        Self::new().name(name)
    }

    /// The name that rejections and events carry. Default: none.
    pub fn name(self, name: impl Into<Arc<str>>) -> Self {
        Self { name: Some(name.into()), ..self }
    }

    /// Fixes every draw. For tests. Default: a new seed for each mechanism, so that the instances
    /// of a fleet do not act in step.
    pub fn seed(self, seed: u64) -> Self {
        Self { seed: Some(seed), ..self }
    }

    /// Calls `listener` with every change of state and every refusal, outside any lock, on the
    /// thread whose call caused it: it should be quick. One that panics has lost that event, and
    /// nothing else.
    pub fn on_event(mut self, listener: impl Fn(&Event) + Send + Sync + 'static) -> Self {
        self.listeners.push(Box::new(listener));
        self
    }

    /// Chance for a mechanism of this kind.
    pub(super) fn chance(&self, kind: &str) -> Stream {
        Stream::new(self.seed.unwrap_or_else(seed::fresh), kind)
    }

    pub(super) fn reports(self) -> Reports {
        let callbacks = Callbacks { events: self.listeners, ..Callbacks::default() };
        Reports::new(self.name, Listeners::new(callbacks))
    }
}

impl fmt::Debug for Setup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Setup")
            .field("name", &self.name)
            .field("seed", &self.seed)
            .field("listeners", &self.listeners.len())
            .finish()
    }
}

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
    fn new(name: Option<Arc<str>>, listeners: Listeners) -> Self {
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
    pub(super) fn publish<E>(&self, batch: Batch<E>, now: Instant, what: fn(E) -> What) {
        if !batch.events.is_empty() {
            self.publish_all(batch, now, what);
        }
    }

    #[cold]
    fn publish_all<E>(&self, batch: Batch<E>, now: Instant, what: fn(E) -> What) {
        let at = self.clock.runtime_or_epoch(now);
        for (sequence, event) in (batch.first..).zip(batch.events) {
            let (policy, what) = (self.name.clone(), what(event));
            let event = Event { policy, sequence, at, endpoint: None, what };
            self.listeners.events.publish(&event);
        }
    }
}
