//! Tests of the breaker: the bench that the files in `tests/` share.
//!
//! `examples.rs` holds the worked examples, `traps.rs` known bugs of others, `control.rs` modes,
//! manual control, ramp and reload, `table.rs` every state under every event, and `property.rs` the
//! comparison with the naive breaker of `model.rs`. `keyed.rs` is about sets of breakers,
//! `validate.rs` about settings, and `invariants.rs` about noticing a state that cannot be.

mod collect;
mod control;
mod examples;
mod invariants;
mod keyed;
mod model;
mod property;
mod table;
mod traps;
mod validate;

use super::*;
use crate::outcome::Class;
use crate::ratio::Ratio;
use crate::rng::Draw;
use crate::time::{Duration, Instant};
use std::vec::Vec;

const SECOND: Duration = Duration::from_secs(1);

/// A breaker, its clock, and what it reported. Draws are the largest, so that cool-downs have
/// their full length, unless a test says otherwise.
struct Bench {
    breaker: Breaker,
    now: Instant,
    draw: Draw,
    events: Vec<BreakerEvent>,
}

impl Bench {
    fn new(settings: BreakerSettings) -> Self {
        let breaker = Breaker::new(settings, Instant::EPOCH);
        Self { breaker, now: Instant::EPOCH, draw: Draw::ALMOST_ONE, events: Vec::new() }
    }

    /// A breaker that has just opened for the first time.
    fn opened(settings: BreakerSettings) -> Self {
        let mut bench = Self::new(settings);
        while bench.phase() == Phase::Closed {
            bench.run(Class::Failure, 1);
        }
        bench
    }

    /// A breaker whose first cool-down is over.
    fn due(settings: BreakerSettings) -> Self {
        let mut bench = Self::opened(settings);
        bench.cool();
        bench
    }

    fn wait(&mut self, wait: Duration) {
        self.now = self.now.after(wait);
    }

    fn cool(&mut self) {
        let until = self.snapshot().until.expect("not closed");
        self.now = self.now.max(until);
    }

    fn admit(&mut self, probing: Probing) -> Result<Ticket, Refused> {
        self.breaker.admit(self.now, probing, self.draw, &mut self.events)
    }

    fn pass(&mut self) -> Ticket {
        self.admit(Probing::Allowed).expect("admitted")
    }

    fn refused_until(&mut self) -> Instant {
        self.admit(Probing::Allowed).expect_err("refused").until
    }

    fn end(&mut self, ticket: Ticket, class: Class) {
        self.end_after(ticket, class, Duration::ZERO);
    }

    fn end_after(&mut self, ticket: Ticket, class: Class, elapsed: Duration) {
        let ended = Ended { class, elapsed };
        self.breaker.settle(ticket, ended, (self.now, self.draw), &mut self.events);
    }

    /// Whole calls, one after the other.
    fn run(&mut self, class: Class, count: u32) {
        self.run_for(class, Duration::ZERO, count);
    }

    fn run_for(&mut self, class: Class, elapsed: Duration, count: u32) {
        for _ in 0..count {
            let ticket = self.pass();
            self.end_after(ticket, class, elapsed);
        }
    }

    /// Calls of one class until it is no longer closed: how many that took, at most `max`.
    fn run_until_open(&mut self, class: Class, max: u32) -> Option<u32> {
        (1..=max).find(|_| {
            self.run(class, 1);
            self.phase() != Phase::Closed
        })
    }

    fn force(&mut self, manual: Manual) {
        self.breaker.force(manual, self.now, &mut self.events);
    }

    fn phase(&self) -> Phase {
        self.breaker.phase(self.now)
    }

    fn snapshot(&self) -> BreakerSnapshot {
        self.breaker.snapshot(self.now)
    }

    fn take_events(&mut self) -> Vec<BreakerEvent> {
        core::mem::take(&mut self.events)
    }
}

/// Failure rate over the last `size` calls, nothing else.
fn by_count(size: u32) -> BreakerSettings {
    BreakerSettings { window: WindowKind::Calls(size), ..BreakerSettings::for_upstream() }
}

/// Trips on the first failure, closes on the first good probe.
fn touchy() -> BreakerSettings {
    BreakerSettings { consecutive: Some(1), ..BreakerSettings::for_endpoint() }
}
