//! The behaviour table: how each crate fares where such crates are known to go wrong. One file
//! for each group of measurements; `guarded` makes all breakers callable alike. The speed table
//! is in `crate::speed`.

mod budget;
mod bulkhead;
mod drops;
mod growth;
mod guarded;
mod hashing;
mod hedge;
mod hints;
mod jitter;
mod keys;
mod probes;
mod rate;
mod readiness;
mod reload;
mod stale;
mod virtual_time;
mod window;

use std::future::Future;

/// What one crate came to.
#[derive(Clone, Debug)]
pub(crate) struct Cell {
    pub(crate) name: &'static str,
    pub(crate) value: String,
    /// Whether that is right; nothing where the crate has no such feature.
    pub(crate) ok: Option<bool>,
}

impl Cell {
    pub(crate) fn new(name: &'static str, value: impl Into<String>, ok: bool) -> Self {
        Self { name, value: value.into(), ok: Some(ok) }
    }

    /// The crate has no such feature, which is no failure. `why` says what it has instead.
    pub(crate) fn absent(name: &'static str, why: &str) -> Self {
        let value = if why.is_empty() { "n/a".to_owned() } else { format!("n/a: {why}") };
        Self { name, value, ok: None }
    }
}

/// One row.
#[derive(Clone, Debug)]
pub(crate) struct Finding {
    pub(crate) id: &'static str,
    pub(crate) row: String,
    /// What would be right.
    pub(crate) ideal: &'static str,
    pub(crate) cells: Vec<Cell>,
}

/// How thoroughly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Care {
    /// Enough to see the defects.
    Quick,
    /// As the published table.
    Full,
}

impl Care {
    fn pick<T>(self, quick: T, full: T) -> T {
        if self == Self::Quick { quick } else { full }
    }
}

/// Rows that are found together.
pub(crate) struct Measurement {
    pub(crate) id: &'static str,
    pub(crate) about: &'static str,
    pub(crate) find: fn(Care) -> Vec<Finding>,
}

const fn measurement(
    id: &'static str,
    about: &'static str,
    find: fn(Care) -> Vec<Finding>,
) -> Measurement {
    Measurement { id, about, find }
}

/// All of them.
pub(crate) const MEASUREMENTS: [Measurement; 19] = [
    measurement("M1", "failures that open a breaker after a run of successes", window::find),
    measurement("M2", "most half-open probes at once out of 64 racing calls", probes::find),
    measurement("M3", "outcomes of an earlier state of the breaker", stale::find),
    measurement("M4", "places lost to futures dropped at any poll", drops::find),
    measurement("M5", "cost of an outcome as the time window fills", growth::find),
    measurement("M6", "over-admission of limiters in 2 s with 4 threads", rate::find),
    measurement("M7", "over-admission of bulkheads under 64 threads", bulkhead::find),
    measurement("M8", "longest wait as a multiple of its cap", jitter::above_cap),
    measurement("M9", "retry sequences with identical jitter", jitter::identical),
    measurement("M10", "waits cut to whole seconds", jitter::resolution),
    measurement("M11", "budget granted for each configured ratio", budget::exactness),
    measurement("M12", "budget overspent by 64 threads", budget::overspend),
    measurement("M13", "hedges when every answer is slow", hedge::find),
    measurement("M14", "memory under unique keys, and an early key's debt", keys::find),
    measurement("M15", "longest sleep for a hint of a day", hints::find),
    measurement("M16", "calls to a service that is not ready", readiness::find),
    measurement("M17", "virtual time drives every wait", virtual_time::find),
    measurement("M18", "what was learned, after a change of settings", reload::find),
    measurement("H1", "evenness and movement of consistent hashing", hashing::find),
];

/// Runs a future on this thread, with timers.
fn block_on<T>(future: impl Future<Output = T>) -> T {
    runtime(false).block_on(future)
}

/// The same in virtual time: it jumps to the next timer when nothing else is left to do.
fn block_on_paused<T>(future: impl Future<Output = T>) -> T {
    runtime(true).block_on(future)
}

fn runtime(paused: bool) -> tokio::runtime::Runtime {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder.enable_time().start_paused(paused);
    builder.build().expect("timers need no system resource")
}
