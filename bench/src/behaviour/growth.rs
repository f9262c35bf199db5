//! M5: what one outcome costs when the window of time holds many. Thirty seconds, filled with
//! successes as fast as they come.

use std::time::Duration;

use seawall::mechanism::Breaker;
use tower::{Layer as _, Service as _, ServiceExt as _, service_fn};
use tower_resilience_circuitbreaker::{CircuitBreakerLayer, SlidingWindowType};

use super::guarded::CANDIDATES;
use super::{Care, Cell, Finding, block_on};
use crate::clock;
use crate::measure::OURS;
use crate::ours;
use crate::rivals::breaker::{PERIOD, Plan};
use crate::rivals::{LONG, answer, name};

/// Calls in the window when the cost is taken.
const FILLS: [u32; 3] = [1_000, 10_000, 40_000];
/// Calls over which it is taken.
const TIMED: u32 = 500;
const PLAN: Plan = Plan { cool_down: LONG, probes: 1 };

pub(super) fn find(care: Care) -> Vec<Finding> {
    let fills = care.pick(&FILLS[..2], &FILLS[..]);
    let ours = ours::breaker::new_in_time(PLAN, PERIOD);
    let cells = vec![
        cell(OURS, costs(fills, |calls| repeat(calls, || ours_call(&ours)))),
        cell(name::TOWER_RESILIENCE, tower_resilience(fills)),
        cell(name::SEATBELT, by_candidate(name::SEATBELT, fills)),
        Cell::absent(name::THROTTLE_NET, "counts only failures in a window of time"),
        Cell::absent(name::RECLOSER, ""),
        cell(name::FAILSAFE, failsafe(fills)),
        Cell::absent(name::BREAKER_RS, ""),
        Cell::absent(name::RELIAKIT, ""),
    ];
    let row = format!("ns for each outcome with {fills:?} calls in a window of 30 s");
    vec![Finding { id: "M5", row, ideal: "flat", cells }]
}

fn ours_call(breaker: &Breaker) {
    let _answer = crate::rivals::breaker::Blocking::call(breaker, || Ok(1));
}

fn cell(name: &'static str, costs: Vec<f64>) -> Cell {
    let first = costs.first().copied().unwrap_or_default();
    let last = costs.last().copied().unwrap_or_default();
    let shown: Vec<String> = costs.iter().map(|cost| format!("{cost:.0}")).collect();
    // A machine shared with others may well double a single reading.
    Cell::new(name, shown.join(", "), last < 3.0 * first)
}

/// Fills the window step by step; `run` makes that many calls.
fn costs(fills: &[u32], mut run: impl FnMut(u32)) -> Vec<f64> {
    let mut done = 0;
    let mut cost = |fill: u32| {
        run(fill - done);
        let start = clock::now();
        run(TIMED);
        done = fill + TIMED;
        clock::since(start).as_nanos() as f64 / f64::from(TIMED)
    };
    fills.iter().map(|fill| cost(*fill)).collect()
}

fn repeat(calls: u32, mut call: impl FnMut()) {
    (0..calls).for_each(|_| call());
}

fn tower_resilience(fills: &[u32]) -> Vec<f64> {
    let layer = CircuitBreakerLayer::builder()
        .sliding_window_type(SlidingWindowType::TimeBased)
        .sliding_window_duration(PERIOD)
        .minimum_number_of_calls(100)
        .wait_duration_in_open(Duration::from_secs(60))
        .build()
        .expect("the settings are those of its documentation");
    let mut service = layer.layer(service_fn(answer));
    costs(fills, |calls| {
        block_on(async {
            for _ in 0..calls {
                let ready = service.ready().await.expect("closed");
                let _answer = ready.call(1).await;
            }
        });
    })
}

fn by_candidate(name: &str, fills: &[u32]) -> Vec<f64> {
    let candidate = CANDIDATES.iter().find(|one| one.name == name).expect("it is in the list");
    let breaker = (candidate.make)(PLAN);
    costs(fills, |calls| repeat(calls, || assert!(breaker.admits_success())))
}

fn failsafe(fills: &[u32]) -> Vec<f64> {
    use crate::rivals::breaker::{self, Blocking as _};
    let breaker = breaker::failsafe(PLAN);
    costs(fills, |calls| repeat(calls, || assert!(breaker.call(|| Ok(1)).is_some())))
}
