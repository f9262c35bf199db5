//! Upstreams as the workers share them: one machine behind a lock, the addresses of its
//! endpoints, and counters.
//!
//! A worker takes the lock for one step of the machine, never across an await; what the step
//! asks for (waking waiters, publishing events) happens after release.

use std::collections::HashMap;
use std::future::pending;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::ArcSwap;
use tokio::sync::Notify;

use seawall_core::bulkhead::Waiter;
use seawall_core::call::{Action, Context, Step, Trail};
use seawall_core::endpoint::EndpointId;
use seawall_core::event::Sink;
use seawall_core::histogram::RotatingHistogram;
use seawall_core::rng::Stream;
use seawall_core::time::{Duration, Instant};
use seawall_core::upstream::{Event, Upstream};

use crate::meters::UpstreamMeters;

/// An upstream that all workers use.
#[derive(Debug)]
pub(crate) struct SharedUpstream {
    name: Arc<str>,
    locked: Mutex<Locked>,
    directory: ArcSwap<Directory>,
    /// Its counters.
    pub(crate) meters: UpstreamMeters,
}

/// What the lock protects.
#[derive(Debug)]
pub(crate) struct Locked {
    /// The machine.
    pub(crate) machine: Upstream,
    /// Latency of whole calls, from start to head.
    pub(crate) latency: RotatingHistogram,
    events: Vec<Event>,
    /// Calls in the queue of the bulkhead or held through an outage, which bound them.
    waiting: HashMap<Waiter, Arc<Notify>>,
}

/// Where endpoints are.
#[derive(Debug, Default)]
pub(crate) struct Directory {
    by_slot: Vec<Option<(EndpointId, Arc<EndpointInfo>)>>,
}

/// What the driver knows of an endpoint.
#[derive(Debug)]
pub(crate) struct EndpointInfo {
    /// As it stands in the config.
    pub(crate) name: Arc<str>,
    /// Where it is.
    pub(crate) address: SocketAddr,
    /// Endpoints that tend to fail together.
    pub(crate) zone: Option<String>,
}

impl Directory {
    /// A directory of these endpoints.
    pub(crate) fn new(entries: Vec<(EndpointId, Arc<EndpointInfo>)>) -> Self {
        let mut by_slot = Vec::new();
        for (id, info) in entries {
            let index = id.slot.index();
            if by_slot.len() <= index {
                by_slot.resize_with(index + 1, || None);
            }
            if let Some(place) = by_slot.get_mut(index) {
                *place = Some((id, info));
            }
        }
        Self { by_slot }
    }

    /// The endpoint, if it is still registered.
    pub(crate) fn find(&self, id: EndpointId) -> Option<&Arc<EndpointInfo>> {
        let (found, info) = self.by_slot.get(id.slot.index())?.as_ref()?;
        (*found == id).then_some(info)
    }

    /// All endpoints, by slot.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (EndpointId, &Arc<EndpointInfo>)> {
        self.by_slot.iter().flatten().map(|(id, info)| (*id, info))
    }
}

/// What a step leaves to do once the lock is released.
#[derive(Debug)]
#[must_use]
pub(crate) struct After {
    /// Changes of state.
    pub(crate) events: Vec<Event>,
    woken: Vec<Arc<Notify>>,
}

impl After {
    /// Wakes the waiters that own a permit now.
    pub(crate) fn wake(&self) {
        for waiter in &self.woken {
            waiter.notify_one();
        }
    }
}

impl SharedUpstream {
    /// An upstream around a machine.
    pub(crate) fn new(name: Arc<str>, machine: Upstream, now: Instant) -> Self {
        let minute = Duration::from_secs(60);
        let latency = RotatingHistogram::new(minute, now);
        let (events, waiting) = (Vec::new(), HashMap::new());
        Self {
            name,
            locked: Mutex::new(Locked { machine, latency, events, waiting }),
            directory: ArcSwap::default(),
            meters: UpstreamMeters::default(),
        }
    }

    /// Its name.
    pub(crate) fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// Where its endpoints are.
    pub(crate) fn directory(&self) -> arc_swap::Guard<Arc<Directory>> {
        self.directory.load()
    }

    /// Takes over new places of endpoints.
    pub(crate) fn set_directory(&self, directory: Directory) {
        self.directory.store(Arc::new(directory));
    }

    /// The machine. A panic of another holder does not stop traffic: its steps are atomic.
    pub(crate) fn lock(&self) -> MutexGuard<'_, Locked> {
        self.locked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One step of the machine on behalf of nobody in particular.
    pub(crate) fn step<T>(
        &self,
        now: Instant,
        rng: &mut Stream,
        act: impl FnOnce(&mut Context<'_, Stream, Vec<Event>>) -> T,
    ) -> (T, After) {
        let mut locked = self.lock();
        let Locked { machine, events, .. } = &mut *locked;
        let result = act(&mut Context { now, upstream: machine, rng, sink: events });
        (result, locked.after(now))
    }

    /// One step of a call. A call that is told to wait for a permit is registered under the
    /// same lock, so that no grant can slip by; `side` keeps its registration and its trail.
    pub(crate) fn step_call(
        &self,
        now: Instant,
        rng: &mut Stream,
        side: &mut CallSide,
        act: impl FnOnce(&mut Context<'_, Stream, Ledger<'_>>) -> Action,
    ) -> (Action, After) {
        let mut locked = self.lock();
        let Locked { machine, events, latency: latencies, .. } = &mut *locked;
        let trail = side.trail.get_or_insert_default();
        let mut ledger = Ledger { events, trail };
        let action = act(&mut Context { now, upstream: machine, rng, sink: &mut ledger });
        if let Action::Deliver(_) = action {
            // The step brought the head; the body may take as long as it likes.
            latencies.record(now, now.since(side.started));
        }
        locked.register(&mut side.place, &action);
        (action, locked.after(now))
    }
}

/// What a call keeps beside its machine.
#[derive(Debug)]
pub(crate) struct CallSide {
    /// When it began.
    started: Instant,
    /// Its registration in the queue.
    pub(crate) place: QueuePlace,
    /// What was decided for it, until it is over. Boxed: it is most of what is known of a call,
    /// which passes through many hands.
    pub(crate) trail: Option<Box<Trail>>,
}

impl CallSide {
    /// That of a call which begins now.
    pub(crate) fn new(started: Instant) -> Self {
        Self { started, place: QueuePlace::default(), trail: None }
    }
}

/// Where a step of a call reports: changes of state to the upstream, decisions to its trail.
#[derive(Debug)]
pub(crate) struct Ledger<'a> {
    events: &'a mut Vec<Event>,
    trail: &'a mut Trail,
}

impl Sink<Event> for Ledger<'_> {
    fn emit(&mut self, event: Event) {
        self.events.push(event);
    }
}

impl Sink<Step> for Ledger<'_> {
    fn emit(&mut self, step: Step) {
        self.trail.emit(step);
    }
}

/// A call's registration in the queue of its upstream.
#[derive(Debug, Default)]
pub(crate) struct QueuePlace {
    waiter: Option<Waiter>,
    /// Made when it first waits, which few calls do.
    granted: Option<Arc<Notify>>,
}

impl QueuePlace {
    /// Completes when the waiter may own a permit.
    pub(crate) async fn granted(&self) {
        match &self.granted {
            Some(granted) => granted.notified().await,
            None => pending().await,
        }
    }
}

impl Locked {
    fn register(&mut self, place: &mut QueuePlace, action: &Action) {
        let wanted = match action {
            Action::Enqueue(waiter) => Some(*waiter),
            _ => None,
        };
        if place.waiter != wanted
            && let Some(waiter) = place.waiter.take()
        {
            self.waiting.remove(&waiter);
        }
        if let Some(waiter) = wanted {
            place.waiter = Some(waiter);
            // A held call is woken to look, and may have to wait on under the same name.
            self.waiting
                .entry(waiter)
                .or_insert_with(|| Arc::clone(place.granted.get_or_insert_default()));
        }
    }

    fn after(&mut self, now: Instant) -> After {
        let mut woken = Vec::new();
        while let Some(waiter) = self.machine.next_grant(now, &mut self.events) {
            woken.extend(self.waiting.remove(&waiter));
        }
        if cfg!(debug_assertions) {
            self.machine.invariants();
        }
        After { events: std::mem::take(&mut self.events), woken }
    }
}

#[cfg(test)]
mod tests {
    use seawall_core::call::Verdict;
    use seawall_core::ratio::Ratio;
    use seawall_core::upstream::UpstreamSettings;

    use super::*;

    #[test]
    fn a_head_is_noted_when_it_comes_however_long_its_body_takes() {
        let (start, mut rng) = (Instant::from_millis(1_000), Stream::new(1, "test"));
        let machine = Upstream::new(UpstreamSettings::default(), start, &mut rng);
        let upstream = SharedUpstream::new(Arc::from("u"), machine, start);
        let mut side = CallSide::new(start);
        let mut step = |after: u64, action: Action| {
            let now = start.after(Duration::from_millis(after));
            let _told = upstream.step_call(now, &mut rng, &mut side, |_| action);
            upstream.lock().latency.count(now)
        };
        assert_eq!(step(0, Action::Wait), 0);
        assert_eq!(step(30, Action::Deliver(1)), 1);
        assert_eq!(step(9_000, Action::Finish(Verdict::Cancelled)), 1);
        let now = start.after(Duration::from_secs(9));
        let median = upstream.lock().latency.quantile(now, Ratio::from_percent(50)).unwrap();
        assert!(median < Duration::from_millis(40), "{median:?}");
    }
}
