//! M2: a breaker whose cool-down has ended lets no more than the configured probes in, however
//! many calls arrive at once. Sixty-four threads at a barrier; every admitted call stays inside
//! until all have been decided.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::Duration;

use super::guarded::{CANDIDATES, Candidate, Guarded};
use super::{Care, Cell, Finding};
use crate::clock;
use crate::rivals::breaker::{Plan, WINDOW};
use crate::rivals::name;

const CALLERS: usize = 64;
const PLAN: Plan = Plan { cool_down: Duration::from_millis(1), probes: 3 };
/// seatbelt lets another probe in once a further break has passed, so its break must be longer
/// than a race on a busy machine.
const LONGER: Plan = Plan { cool_down: Duration::from_millis(40), probes: 1 };

pub(super) fn find(care: Care) -> Vec<Finding> {
    let races = care.pick(50, 1_000);
    let cells = CANDIDATES.iter().map(|candidate| cell(candidate, races)).collect();
    let row = "most concurrent half-open probes out of 64 racing callers".to_owned();
    vec![Finding { id: "M2", row, ideal: "the 3 configured (seatbelt: its 1)", cells }]
}

fn cell(candidate: &Candidate, races: usize) -> Cell {
    let plan = if candidate.name == name::SEATBELT { LONGER } else { PLAN };
    let allowed = usize::from(plan.probes);
    let one = |_| race((candidate.make)(plan).as_ref(), plan);
    let counts: Vec<usize> = (0..races).map(one).collect();
    let worst = counts.iter().copied().max().unwrap_or_default();
    let over = counts.iter().filter(|count| **count > allowed).count();
    let value = format!("{worst}, over {allowed} in {over} of {races} races");
    Cell::new(candidate.name, value, over == 0)
}

/// How many were inside at once.
fn race(breaker: &dyn Guarded, plan: Plan) -> usize {
    breaker.failures_to_open(4 * WINDOW);
    clock::pause(plan.cool_down + plan.cool_down / 2);
    let start = Barrier::new(CALLERS);
    let decided = Arc::new(Barrier::new(CALLERS));
    let inside = Arc::new(AtomicUsize::new(0));
    let caller = || {
        let (met, count) = (Arc::clone(&decided), Arc::clone(&inside));
        start.wait();
        let admitted = breaker.admits(Arc::new(move || {
            count.fetch_add(1, Ordering::Relaxed);
            met.wait();
            Ok(1)
        }));
        if !admitted {
            decided.wait();
        }
    };
    thread::scope(|scope| {
        for _ in 0..CALLERS {
            scope.spawn(caller);
        }
    });
    inside.load(Ordering::Relaxed)
}
