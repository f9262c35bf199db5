//! A load that rises and falls within one run, and what became of it each way: a system with two
//! states comes down by another path than it went up.

use seawall_core::time::{Instant, nanos};

use super::{number, planned};
use crate::observe::Record;
use crate::plan::Plan;

/// Levels that the range of loads is cut into.
const LEVELS: usize = 16;

/// Fewer different levels on one side than this are no ramp.
const LEAST: usize = 4;

/// The goodput at one level of load.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Level {
    /// Calls a second that began.
    pub offered: f64,
    /// Calls a second that ended well.
    pub goodput: f64,
}

/// The two ways of a run whose load rises and then falls.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Hysteresis {
    /// While the load rose, the lowest first.
    pub up: Vec<Level>,
    /// While it fell, the lowest first.
    pub down: Vec<Level>,
}

/// What began and ended well in one part of a level.
#[derive(Clone, Copy, Default)]
struct Sum {
    started: u64,
    good: u64,
    seconds: f64,
}

/// Reads a run; none where its load does not rise and fall by degrees.
#[must_use]
pub fn hysteresis(plan: &Plan, record: &Record) -> Option<Hysteresis> {
    let rates = rates(plan, record);
    let top = rates.iter().copied().fold(0.0, f64::max);
    let peak = rates.iter().position(|rate| *rate >= top)?;
    let mut sides = [[Sum::default(); LEVELS]; 2];
    for (index, rate) in rates.iter().enumerate() {
        let side = sides.get_mut(usize::from(index > peak));
        let level = side.and_then(|side| side.get_mut(level(*rate, top)?));
        if let Some(sum) = level {
            sum.add(record, index);
        }
    }
    let [up, down] = sides.map(|side| side.iter().filter_map(Sum::level).collect::<Vec<_>>());
    (up.len() >= LEAST && down.len() >= LEAST).then_some(Hysteresis { up, down })
}

/// The planned load in the middle of each bucket.
fn rates(plan: &Plan, record: &Record) -> Vec<f64> {
    let buckets = record.loads.iter().map(|load| load.timeline.len()).max().unwrap_or_default();
    let length = nanos(record.bucket);
    let middles = (0..buckets as u64).map(|index| index * length + length / 2);
    middles.map(|middle| planned(plan, Instant::from_nanos(middle))).collect()
}

/// The place of a rate among the levels; none where nothing can be told of it.
fn level(rate: f64, top: f64) -> Option<usize> {
    if top <= 0.0 {
        return None;
    }
    let bounds = (1..=LEVELS as u64).map(|step| top * number(step) / number(LEVELS as u64));
    bounds.enumerate().find(|(_, bound)| rate <= *bound).map(|(place, _)| place)
}

impl Sum {
    fn add(&mut self, record: &Record, index: usize) {
        for bucket in record.loads.iter().filter_map(|load| load.timeline.get(index)) {
            self.started += bucket.started;
            self.good += bucket.good;
        }
        self.seconds += record.bucket.as_secs_f64();
    }

    fn level(&self) -> Option<Level> {
        let rate = |count| number(count) / self.seconds;
        (self.seconds > 0.0)
            .then(|| Level { offered: rate(self.started), goodput: rate(self.good) })
    }
}
