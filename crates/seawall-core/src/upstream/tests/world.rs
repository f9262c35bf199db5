//! A small world for tests of the upstream: its endpoints, a clock and a stream of chance.
//!
//! What is asserted in it is in the files beside this one.

use std::format;
use std::vec::Vec;

use crate::endpoint::{EndpointId, Slot};
use crate::outcome::{Observation, RetryOn500, classify};
use crate::rng::Stream;
use crate::time::{Duration, Instant};
use crate::timeout::Sample;
use crate::upstream::{
    AttemptEnd, Choice, EndpointName, EndpointSnapshot, Event, Probe, Scene, Upstream,
    UpstreamSettings, What, Wish,
};

pub(super) const MS: Duration = Duration::from_millis(1);
pub(super) const SECOND: Duration = Duration::from_secs(1);

pub(super) struct World {
    pub(super) upstream: Upstream,
    pub(super) rng: Stream,
    pub(super) events: Vec<Event>,
    pub(super) now: Instant,
}

impl World {
    pub(super) fn new(settings: UpstreamSettings, names: &[&str]) -> Self {
        let mut rng = Stream::new(1, "upstream");
        let now = Instant::from_millis(1_000);
        let upstream = Upstream::new(settings, now, &mut rng);
        let mut world = Self { upstream, rng, events: Vec::new(), now };
        world.set(names);
        world
    }

    pub(super) fn pass(&mut self, time: Duration) {
        self.now = self.now.after(time);
    }

    pub(super) fn set(&mut self, names: &[&str]) -> Vec<EndpointId> {
        let names: Vec<_> = names.iter().map(|name| EndpointName::from(*name)).collect();
        self.place(&names)
    }

    pub(super) fn place(&mut self, names: &[EndpointName]) -> Vec<EndpointId> {
        let placed = self.upstream.set_endpoints(names, self.now, &mut self.rng);
        self.upstream.invariants();
        placed.into_iter().map(|(_, id)| id).collect()
    }

    pub(super) fn choose(&mut self, tried: &[Slot], probe: Probe) -> Option<Choice> {
        self.wish(Wish { tried, probe, key: None })
    }

    pub(super) fn wish(&mut self, wish: Wish<'_>) -> Option<Choice> {
        let Self { upstream, rng, events, now } = self;
        let mut scene = Scene { now: *now, rng, sink: events };
        let choice = upstream.choose(wish, &mut scene);
        self.upstream.invariants();
        choice
    }

    pub(super) fn end(&mut self, choice: Choice, seen: Observation, elapsed: Duration) {
        let outcome = classify(seen, RetryOn500::Never);
        let answered = matches!(seen, Observation::Status { .. });
        let sample = answered.then_some(Sample::Answered(elapsed));
        let end = AttemptEnd { outcome: &outcome, elapsed, answered, timeout: SECOND * 3, sample };
        let Self { upstream, rng, events, now } = self;
        let mut scene = Scene { now: *now, rng, sink: events };
        upstream.attempt_ended(choice, &end, &mut scene);
        self.upstream.invariants();
    }

    /// A whole attempt at an endpoint of the balancer's choice; `code` says how each answers.
    pub(super) fn attempt(&mut self, code: impl Fn(&str) -> u16) -> EndpointId {
        let choice = self.choose(&[], Probe::Freely).expect("an endpoint");
        let id = choice.endpoint;
        let code = code(self.upstream.name(id).expect("a chosen endpoint is known").as_str());
        self.end(choice, status(code), MS);
        id
    }

    /// Attempts until `name` is ejected; all others answer well.
    pub(super) fn eject(&mut self, name: &str) -> EndpointId {
        for _ in 0..1_000 {
            let id = self.attempt(|chosen| if chosen == name { 503 } else { 200 });
            if self.find(id).is_some_and(|known| known.outlier.last.is_some()) {
                return id;
            }
        }
        panic!("{name} was never ejected");
    }

    pub(super) fn find(&self, id: EndpointId) -> Option<EndpointSnapshot> {
        let known = self.upstream.snapshot(self.now).endpoints;
        known.into_iter().find(|endpoint| endpoint.id == id)
    }

    pub(super) fn named(&self, name: &str) -> EndpointSnapshot {
        let known = self.upstream.snapshot(self.now).endpoints;
        let found = known.into_iter().find(|endpoint| {
            self.upstream.name(endpoint.id).is_some_and(|known| known.as_str() == name)
        });
        found.expect("the endpoint is registered")
    }

    pub(super) fn count(&self) -> usize {
        self.upstream.snapshot(self.now).endpoints.len()
    }

    /// How often panic was entered and left.
    pub(super) fn panics(&self) -> (usize, usize) {
        let count = |what| self.events.iter().filter(|event| event.what == what).count();
        (count(What::PanicEntered), count(What::PanicLeft))
    }
}

pub(super) const fn status(code: u16) -> Observation {
    Observation::Status { code, retry_after: None, exhausted: false }
}

pub(super) fn names(range: core::ops::Range<usize>) -> Vec<EndpointName> {
    range.map(|n| EndpointName::from(&*format!("e{n}"))).collect()
}
