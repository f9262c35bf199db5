//! M1: a long run of successes must not outvote the window. Window of 100 calls, 50 %, at least
//! 100 calls; successes, then failures until the first rejection.

use super::guarded::{CANDIDATES, Candidate};
use super::{Care, Cell, Finding};
use crate::rivals::breaker::{HALF, Plan, WINDOW};
use crate::rivals::{LONG, name};

/// Successes before the failures begin.
const RUNS: [u32; 4] = [0, 100, 1_000, 100_000];

pub(super) fn find(_: Care) -> Vec<Finding> {
    RUNS.into_iter().map(after).collect()
}

fn after(successes: u32) -> Finding {
    let ideal = if successes == 0 { "at most 100: the minimum" } else { "50" };
    let row = format!("failures to open after {successes} successes");
    let cells = CANDIDATES.iter().map(|candidate| cell(candidate, successes)).collect();
    Finding { id: "M1", row, ideal, cells }
}

fn cell(candidate: &Candidate, successes: u32) -> Cell {
    match candidate.name {
        name::SEATBELT => return Cell::absent(candidate.name, "windows of time only"),
        name::FAILSAFE => return Cell::absent(candidate.name, "a rate decayed by time only"),
        _ => {}
    }
    let breaker = (candidate.make)(Plan { cool_down: LONG, probes: 1 });
    for _ in 0..successes {
        assert!(breaker.admits_success(), "{} rejects a healthy dependency", candidate.name);
    }
    let limit = 4 * (successes + WINDOW);
    let failures = breaker.failures_to_open(limit);
    let value = if failures == limit { format!("never in {limit}") } else { failures.to_string() };
    let ok = if successes == 0 { failures <= WINDOW } else { failures == HALF };
    Cell::new(candidate.name, value, ok)
}
