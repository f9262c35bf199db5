//! Events: where changes of state and the decisions for single calls leave a policy, and who hears
//! of them.
//!
//! This is the one place. A step of a machine puts what it reports into the [`Outbox`] under the
//! lock; [`Listeners`] hand it on after release. Exporters attach here. Decisions are made for
//! every call, so they are kept only while somebody listens.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, OnceLock};

use tokio::sync::broadcast;

use seawall_core::call::{Step, StepKind};
use seawall_core::event::Sink;
use seawall_core::upstream::{self, Scope, What};

use crate::attempt::Endpoint;
use crate::observe::CallListener;

/// Events that a slow reader of [`Events`] may lag behind before it loses the oldest. A change of
/// state is rare; 256 outlast the storm in which every endpoint of a large policy changes twice.
const LAG_MAX: usize = 256;

/// Decisions that a slow reader may lag behind: a call makes some ten, and calls come in crowds.
const DECISIONS_LAG_MAX: usize = 4_096;

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

/// A decision for one call: its deadline, an attempt and where it went, what came of it, a retry or
/// why there was none, a hedge, a fallback, a refusal.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Decision {
    /// The name of the policy, if it has one.
    pub policy: Option<Arc<str>>,
    /// Counts the calls of the policy from 1.
    pub call: u64,
    /// When, on the clock of the runtime.
    pub at: tokio::time::Instant,
    /// The endpoint of an attempt that begins; `None` otherwise, and without endpoints.
    pub endpoint: Option<Endpoint>,
    /// What was decided. Attempts are known by their number.
    pub what: StepKind,
}

/// What a listener is.
pub(crate) type Listener<E = Event> = Box<dyn Fn(&E) + Send + Sync>;

/// What steps of the machines have reported, under the lock, until it is released.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    events: Vec<upstream::Event>,
    wanted: bool,
    decisions: Vec<(u64, Step)>,
    decisions_wanted: bool,
    /// The call that takes a step.
    pub(crate) call: u64,
}

impl Outbox {
    /// Keeps events from now on.
    pub(crate) fn open(&mut self) {
        self.wanted = true;
    }

    /// Keeps decisions, or no longer does.
    pub(crate) fn want_decisions(&mut self, wanted: bool) {
        self.decisions_wanted = wanted;
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.events.is_empty() && self.decisions.is_empty()
    }

    /// Takes what is there; allocates only where something is.
    pub(crate) fn drain(&mut self) -> Vec<upstream::Event> {
        std::mem::take(&mut self.events)
    }

    /// Takes the decisions that are there, each with the number of its call.
    pub(crate) fn drain_decisions(&mut self) -> Vec<(u64, Step)> {
        std::mem::take(&mut self.decisions)
    }
}

impl Sink<upstream::Event> for Outbox {
    fn emit(&mut self, event: upstream::Event) {
        if self.wanted {
            self.events.push(event);
        }
    }
}

impl Sink<Step> for Outbox {
    #[inline]
    fn emit(&mut self, step: Step) {
        if self.decisions_wanted {
            self.decisions.push((self.call, step));
        }
    }
}

/// Functions that are to be called.
#[derive(Default)]
pub(crate) struct Callbacks {
    pub(crate) events: Vec<Listener>,
    pub(crate) decisions: Vec<Listener<Decision>>,
    pub(crate) calls: Vec<CallListener>,
}

impl fmt::Debug for Callbacks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { events, decisions, calls } = self;
        f.debug_tuple("Callbacks").field(&(events.len() + decisions.len() + calls.len())).finish()
    }
}

/// Who hears of events, who of decisions, and who of the ends of calls.
pub(crate) struct Listeners {
    pub(crate) calls: Vec<CallListener>,
    pub(crate) events: Audience<Event>,
    pub(crate) decisions: Audience<Decision>,
}

impl Listeners {
    pub(crate) fn new(callbacks: Callbacks) -> Self {
        Self {
            calls: callbacks.calls,
            events: Audience::new(callbacks.events, LAG_MAX),
            decisions: Audience::new(callbacks.decisions, DECISIONS_LAG_MAX),
        }
    }
}

/// Functions that are called, and readers of their own pace.
pub(crate) struct Audience<E> {
    callbacks: Vec<Listener<E>>,
    channel: OnceLock<broadcast::Sender<E>>,
    lag_max: usize,
}

impl<E: Clone> Audience<E> {
    fn new(callbacks: Vec<Listener<E>>, lag_max: usize) -> Self {
        Self { callbacks, channel: OnceLock::new(), lag_max }
    }

    /// Whether anybody is there.
    pub(crate) fn is_empty(&self) -> bool {
        let readers = self.channel.get().map_or(0, broadcast::Sender::receiver_count);
        self.callbacks.is_empty() && readers == 0
    }

    /// A reader of everything that happens from now on.
    pub(crate) fn subscribe(&self) -> Events<E> {
        let channel = self.channel.get_or_init(|| broadcast::Sender::new(self.lag_max));
        Events { receiver: channel.subscribe() }
    }

    /// Tells everybody. Never called under the lock: a listener may call the policy.
    pub(crate) fn publish(&self, event: &E) {
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
        let (events, decisions) = (&self.events.callbacks, &self.decisions.callbacks);
        let callbacks = events.len() + decisions.len() + self.calls.len();
        f.debug_struct("Listeners").field("callbacks", &callbacks).finish()
    }
}

/// Which endpoint an event is about.
pub(crate) fn endpoint_of(scope: Scope) -> Option<seawall_core::endpoint::EndpointId> {
    match scope {
        Scope::Upstream => None,
        Scope::Endpoint(id) => Some(id),
    }
}

/// The events of a policy, as they come, from [`Policy::events`](crate::Policy::events); or the
/// decisions for its calls, from [`Policy::decisions`](crate::Policy::decisions).
///
/// Bounded: a reader that falls more than 256 events, or 4,096 decisions, behind loses the oldest
/// and is told how many.
#[derive(Debug)]
pub struct Events<E = Event> {
    receiver: broadcast::Receiver<E>,
}

/// What [`Events::next`] brings.
#[derive(Clone, Debug, PartialEq)]
pub enum Heard<E = Event> {
    /// An event.
    Event(E),
    /// So many events were lost, because the reader was too slow.
    Missed(u64),
}

impl<E: Clone> Events<E> {
    /// Waits for the next event; `None` once the policy and all its clones are gone. Dropping the
    /// returned future loses nothing.
    pub async fn next(&mut self) -> Option<Heard<E>> {
        match self.receiver.recv().await {
            Ok(event) => Some(Heard::Event(event)),
            Err(broadcast::error::RecvError::Lagged(missed)) => Some(Heard::Missed(missed)),
            Err(broadcast::error::RecvError::Closed) => None,
        }
    }
}
