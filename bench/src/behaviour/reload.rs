//! M18: a change of settings while it runs keeps what was learned. A breaker that has seen
//! failures, and a limiter whose burst is used up, get other settings; then each is asked again.

use super::guarded::CANDIDATES;
use super::{Care, Cell, Finding};
use crate::measure::OURS;
use crate::ours;
use crate::rivals::breaker::{Blocking, HALF, Plan, WINDOW};
use crate::rivals::rate::{self, Plan as Rate};
use crate::rivals::{Fault, LONG, name};

const FIXED: &str = "settings stay as they were built";
/// Failures short of the threshold, in a full window.
const SHORT: u32 = 10;

pub(super) fn find(_: Care) -> Vec<Finding> {
    let row = format!("failures to open, {} of {WINDOW} failed before a change", HALF - SHORT);
    vec![
        Finding { id: "M18", row, ideal: "10", cells: breakers() },
        Finding {
            id: "M18",
            row: "calls admitted after the burst was used up and the rate was halved".to_owned(),
            ideal: "0",
            cells: limiters(),
        },
    ]
}

fn breakers() -> Vec<Cell> {
    let others = CANDIDATES.iter().filter(|candidate| candidate.name != OURS);
    let mut cells = vec![our_breaker()];
    cells.extend(others.map(|candidate| Cell::absent(candidate.name, FIXED)));
    cells
}

fn our_breaker() -> Cell {
    let plan = Plan { cool_down: LONG, probes: 1 };
    let breaker = ours::breaker::new(plan);
    for call in 0..WINDOW {
        let failed = call >= WINDOW - (HALF - SHORT);
        let _answer = Blocking::call(&breaker, || if failed { Err(Fault) } else { Ok(1) });
    }
    let other = ours::breaker::settings(Plan { cool_down: LONG / 2, probes: 2 });
    breaker.reconfigure(other).expect("the settings can work");
    let refused = |_: &u32| Blocking::call(&breaker, || Err(Fault)).is_none();
    let failures = (0..WINDOW).find(refused).unwrap_or(WINDOW);
    Cell::new(OURS, failures.to_string(), failures == SHORT)
}

/// Slow enough that nothing comes back while it is asked.
const BEFORE: Rate = Rate { rate: 2, burst: 100 };
const AFTER: Rate = Rate { rate: 1, ..BEFORE };

fn limiters() -> Vec<Cell> {
    let ours = ours::rate::direct(BEFORE);
    let ratelimit = rate::ratelimit(BEFORE);
    let mut cells = vec![
        limiter(
            OURS,
            || ours.try_acquire().is_ok(),
            || {
                ours.reconfigure(ours::rate::quota(AFTER)).expect("plans hold no 0");
            },
        ),
        limiter(
            name::RATELIMIT,
            || ratelimit.try_wait().is_ok(),
            || {
                ratelimit.set_rate(AFTER.rate.into());
            },
        ),
    ];
    let others = [name::GOVERNOR, name::RATE_NET, name::BETTER_BUCKET, name::LEAKY_BUCKET];
    cells.extend(others.map(|other| Cell::absent(other, FIXED)));
    cells.push(Cell::absent(name::THROTTLE_NET, FIXED));
    cells.push(Cell::absent(name::TOWER_RESILIENCE, FIXED));
    cells
}

fn limiter(name: &'static str, admits: impl Fn() -> bool, change: impl Fn()) -> Cell {
    let burst = || (0..2 * BEFORE.burst).filter(|_| admits()).count();
    let before = burst();
    assert!(before >= BEFORE.burst as usize, "{name} had no burst to use up");
    change();
    let after = burst();
    Cell::new(name, after.to_string(), after == 0)
}
