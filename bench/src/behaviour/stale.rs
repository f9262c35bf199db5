//! M3: the outcome of a call that was admitted in an earlier state says nothing about the present
//! one. Calls are parked on threads of their own. Each procedure runs twice, the second time with
//! the old call ending last of all: what differs is what the old outcome did.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread::{Scope, ScopedJoinHandle, scope};
use std::time::Duration;

use super::guarded::{CANDIDATES, Candidate, Guarded};
use super::{Care, Cell, Finding};
use crate::clock;
use crate::rivals::breaker::{Plan, WINDOW};
use crate::rivals::{Answer, Fault, name};

/// Long beside what a busy machine makes of the few steps that must fit inside of it.
const COOL_DOWN: Duration = Duration::from_millis(150);

/// Runs on a fresh breaker; nothing when it never let the calls in that the procedure needs.
type Procedure = fn(&dyn Guarded, u16, Old) -> Option<Face>;

pub(super) fn find(_: Care) -> Vec<Finding> {
    vec![
        finding("stale success from before the trip", 1, stale_success),
        finding("stale failure from before the trip", 1, stale_failure),
        finding("stale probe of the previous half-open", 2, stale_probe),
    ]
}

fn finding(row: &str, probes: u16, procedure: Procedure) -> Finding {
    let cells = CANDIDATES.iter().map(|candidate| cell(candidate, probes, procedure)).collect();
    Finding { id: "M3", row: row.to_owned(), ideal: "ignored", cells }
}

fn cell(candidate: &Candidate, probes: u16, procedure: Procedure) -> Cell {
    // seatbelt lets one probe in at a time; failsafe closes at its first success.
    let one = [name::SEATBELT, name::FAILSAFE].contains(&candidate.name);
    let probes = if one { 1 } else { probes };
    let run = |when| {
        let breaker = (candidate.make)(Plan { cool_down: COOL_DOWN, probes });
        procedure(breaker.as_ref(), probes, when)
    };
    match (run(Old::EndsFirst), run(Old::EndsLast)) {
        (Some(face), Some(control)) if face == control => {
            Cell::new(candidate.name, "ignored", true)
        }
        (Some(_), Some(_)) => Cell::new(candidate.name, "counted", false),
        _ => Cell::new(candidate.name, "stuck: no probe was admitted", false),
    }
}

/// When the old call ends.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Old {
    /// Before the breaker is looked at.
    EndsFirst,
    /// After that: the control, in which it can have had no part.
    EndsLast,
}

/// What a breaker does after a procedure: whether it admits a success, and how many failures it
/// then takes.
#[derive(PartialEq, Eq)]
struct Face(bool, u32);

impl Face {
    fn of(breaker: &dyn Guarded) -> Self {
        Self(breaker.admits_success(), breaker.failures_to_open(4 * WINDOW))
    }
}

fn stale_success(breaker: &dyn Guarded, _: u16, when: Old) -> Option<Face> {
    before_the_trip(breaker, when, Ok(1), Err(Fault))
}

fn stale_failure(breaker: &dyn Guarded, _: u16, when: Old) -> Option<Face> {
    before_the_trip(breaker, when, Err(Fault), Ok(1))
}

/// The one probe ends otherwise than the old call, so that what the breaker does next tells which
/// of the two it believed.
fn before_the_trip(breaker: &dyn Guarded, when: Old, old: Answer, probe: Answer) -> Option<Face> {
    scope(|scope| {
        let parked = Parked::enter(scope, breaker)?;
        open(breaker);
        let probing = Parked::enter(scope, breaker)?;
        let late = parked.finish_now_or_later(when, &old);
        probing.finish(probe);
        let face = Face::of(breaker);
        late.into_iter().for_each(|parked| parked.finish(old.clone()));
        Some(face)
    })
}

/// One probe of the first half-open stays out while another fails and opens it again; its late
/// success must not stand in for one of the successes that the second half-open needs.
fn stale_probe(breaker: &dyn Guarded, probes: u16, when: Old) -> Option<Face> {
    scope(|scope| {
        open(breaker);
        let parked = Parked::enter(scope, breaker)?;
        if !breaker.admits_failure() {
            clock::pause(2 * COOL_DOWN);
            breaker.admits_failure();
        }
        open(breaker);
        let probing = Parked::enter(scope, breaker)?;
        let late = parked.finish_now_or_later(when, &Ok(1));
        if probes > 1 {
            breaker.admits_success();
        }
        probing.finish(Err(Fault));
        let face = Face::of(breaker);
        late.into_iter().for_each(|parked| parked.finish(Ok(1)));
        Some(face)
    })
}

/// Fails it until it rejects, and waits until its cool-down has ended.
fn open(breaker: &dyn Guarded) {
    breaker.failures_to_open(10 * WINDOW);
    clock::pause(2 * COOL_DOWN);
}

/// An admitted call that waits for its outcome.
struct Parked<'scope> {
    outcome: SyncSender<Answer>,
    thread: ScopedJoinHandle<'scope, ()>,
}

impl<'scope> Parked<'scope> {
    /// Nothing when the call is rejected.
    fn enter<'env>(scope: &'scope Scope<'scope, 'env>, breaker: &'env dyn Guarded) -> Option<Self> {
        let (outcome, awaited) = sync_channel::<Answer>(1);
        let (decided, decision) = sync_channel::<bool>(2);
        let thread = scope.spawn(move || {
            let admitted = breaker.admits(parked_operation(awaited, decided.clone()));
            // The receiver has gone when the call had been admitted.
            decided.send(admitted).ok();
        });
        let entered = decision.recv().expect("the thread decides before it ends");
        entered.then_some(Self { outcome, thread })
    }

    /// Keeps it when it is to end later.
    fn finish_now_or_later(self, when: Old, answer: &Answer) -> Option<Self> {
        if when == Old::EndsLast {
            return Some(self);
        }
        self.finish(answer.clone());
        None
    }

    fn finish(self, answer: Answer) {
        self.outcome.send(answer).expect("the call waits for it");
        self.thread.join().expect("no call panics");
    }
}

fn parked_operation(
    outcome: Receiver<Answer>,
    decided: SyncSender<bool>,
) -> super::guarded::Operation {
    let outcome = Mutex::new(outcome);
    Arc::new(move || {
        decided.send(true).expect("the scope waits for the decision");
        outcome.lock().expect("called once").recv().unwrap_or(Err(Fault))
    })
}
