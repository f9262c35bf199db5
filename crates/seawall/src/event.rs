//! Events: where changes of state leave a policy, and who hears of them.
//!
//! This is the one place. A step of a machine puts what it reports into the [`Outbox`] under the
//! lock; [`Listeners::publish`] hands it on after release. Exporters attach here.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, OnceLock};

use tokio::sync::broadcast;

use seawall_core::call::Step;
use seawall_core::event::Sink;
use seawall_core::upstream::{self, Scope, What};

use crate::attempt::Endpoint;
use crate::observe::CallListener;

/// Events that a slow reader of [`Events`] may lag behind before it loses the oldest. A change of
/// state is rare; 256 outlast the storm in which every endpoint of a large policy changes twice.
const LAG_MAX: usize = 256;

/// A change of state of a policy.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Event {
    /// The name of the policy, if it has one.
    pub policy: Option<Arc<str>>,
    /// Counts the events of the policy from 1. Two threads may report in the other order than
    /// things happened; this tells.
    pub sequence: u64,
    /// When, on the clock of the runtime.
    pub at: tokio::time::Instant,
    /// The endpoint that it is about; `None` for the policy as a whole.
    pub endpoint: Option<Endpoint>,
    /// What happened.
    pub what: What,
}

/// What a listener is.
pub(crate) type Listener = Box<dyn Fn(&Event) + Send + Sync>;

/// What steps of the machines have reported, under the lock, until it is released.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    events: Vec<upstream::Event>,
    wanted: bool,
}

impl Outbox {
    /// Keeps events from now on.
    pub(crate) fn open(&mut self) {
        self.wanted = true;
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.events.is_empty()
    }

    /// Takes what is there; allocates only where something is.
    pub(crate) fn drain(&mut self) -> Vec<upstream::Event> {
        std::mem::take(&mut self.events)
    }
}

impl Sink<upstream::Event> for Outbox {
    fn emit(&mut self, event: upstream::Event) {
        if self.wanted {
            self.events.push(event);
        }
    }
}

/// Nobody reads the steps of single calls, so they cost nothing.
impl Sink<Step> for Outbox {
    fn emit(&mut self, _: Step) {}
}

/// Who hears of events.
#[derive(Default)]
pub(crate) struct Listeners {
    callbacks: Vec<Listener>,
    pub(crate) calls: Vec<CallListener>,
    channel: OnceLock<broadcast::Sender<Event>>,
}

impl Listeners {
    pub(crate) fn new(callbacks: Vec<Listener>, calls: Vec<CallListener>) -> Self {
        Self { callbacks, calls, channel: OnceLock::new() }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.callbacks.is_empty()
    }

    /// A reader of everything that happens from now on.
    pub(crate) fn subscribe(&self) -> Events {
        let channel = self.channel.get_or_init(|| broadcast::Sender::new(LAG_MAX));
        Events { receiver: channel.subscribe() }
    }

    /// Tells everybody. Never called under the lock: a listener may call the policy.
    pub(crate) fn publish(&self, event: &Event) {
        for callback in &self.callbacks {
            // A listener that panics has lost its event, and nothing else.
            let _contained = catch_unwind(AssertUnwindSafe(|| callback(event)));
        }
        if let Some(channel) = self.channel.get() {
            // Without a reader there is nobody to miss it.
            let _readers = channel.send(event.clone());
        }
    }
}

impl fmt::Debug for Listeners {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Listeners").field("callbacks", &self.callbacks.len()).finish()
    }
}

/// Which endpoint an event is about.
pub(crate) fn endpoint_of(scope: Scope) -> Option<seawall_core::endpoint::EndpointId> {
    match scope {
        Scope::Upstream => None,
        Scope::Endpoint(id) => Some(id),
    }
}

/// The events of a policy, as they come. From [`Policy::events`](crate::Policy::events).
///
/// Bounded: a reader that falls more than 256 events behind loses the oldest and is told how many.
#[derive(Debug)]
pub struct Events {
    receiver: broadcast::Receiver<Event>,
}

/// What [`Events::next`] brings.
#[derive(Clone, Debug, PartialEq)]
pub enum Heard {
    /// An event.
    Event(Event),
    /// So many events were lost, because the reader was too slow.
    Missed(u64),
}

impl Events {
    /// Waits for the next event; `None` once the policy and all its clones are gone. Dropping the
    /// returned future loses nothing.
    pub async fn next(&mut self) -> Option<Heard> {
        match self.receiver.recv().await {
            Ok(event) => Some(Heard::Event(event)),
            Err(broadcast::error::RecvError::Lagged(missed)) => Some(Heard::Missed(missed)),
            Err(broadcast::error::RecvError::Closed) => None,
        }
    }
}
