//! Runs a scenario: every point under every seed, on several threads.
//!
//! Run i of a point has the seed `Seed::of_run(i)` of the master seed, whatever the number of
//! threads and the order in which they finish, and results go to the place of their run. So the
//! outcome is the same, byte for byte, for any number of threads.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use seawall_core::time::{Duration, Instant};

use crate::chance::Seed;
use crate::observe::{LoadRecord, Record};
use crate::outcome::{Expectation, Outcome, Point, Run};
use crate::plan::Plan;
use crate::scenario::{Expect, GOODPUT, Scenario, Setup};
use crate::verdict::{Unit, Verdict, share};
use crate::world::World;

/// Points of which records are kept: each takes about a megabyte, and no plot shows more.
const POINTS_KEPT: usize = 100;

/// How a scenario is run.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The master seed.
    pub seed: u64,
    /// Runs of each point; those of the scenario without.
    pub seeds: Option<u32>,
    /// Threads; the number of runs bounds it, and it is at least 1.
    pub jobs: usize,
    /// The command that repeats it, for the report.
    pub command: String,
}

/// One run with what expectations need of it.
#[derive(Debug)]
struct Ran {
    run: Run,
    /// The value of each expectation, in their order; none where it is not meant for the point.
    seen: Vec<Option<f64>>,
}

/// Runs everything. Of the first hundred points two records each are kept, those of the first run
/// that went well and of the first that did not. `progress` is told how many of how many runs are
/// over, from any thread.
#[must_use]
pub fn run(
    scenario: &Scenario,
    settings: &Settings,
    progress: &(dyn Fn(usize, usize) + Sync),
) -> Outcome {
    let seeds = settings.seeds.unwrap_or(scenario.seeds).max(1) as usize;
    let total = scenario.points.len() * seeds;
    let (next, over) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let places: Vec<Mutex<Option<Ran>>> = (0..total).map(|_| Mutex::new(None)).collect();
    let firsts: Vec<Firsts> = scenario.points.iter().map(|_| Firsts::default()).collect();
    let work = || {
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let (Some(place), Some(setup)) =
                (places.get(index), scenario.points.get(index / seeds))
            else {
                return;
            };
            let (record, mut ran) = one(scenario, setup, (settings.seed, index % seeds));
            let firsts = firsts.get(index / seeds).filter(|_| index / seeds < POINTS_KEPT);
            if firsts.is_some_and(|firsts| firsts.is_first(index % seeds, &ran.run.verdict)) {
                ran.run.record = Some(record);
            }
            if let Ok(mut place) = place.lock() {
                *place = Some(ran);
            }
            progress(over.fetch_add(1, Ordering::Relaxed) + 1, total);
        }
    };
    std::thread::scope(|scope| {
        for _ in 1..settings.jobs.clamp(1, total.max(1)) {
            scope.spawn(work);
        }
        work();
    });
    let runs = places.into_iter().filter_map(|place| place.into_inner().ok().flatten());
    gather(scenario, settings, (runs.collect(), seeds))
}

/// The first runs of a point so far that somebody may want to look at: the first that went well
/// and the first that did not.
#[derive(Debug)]
struct Firsts {
    well: AtomicUsize,
    badly: AtomicUsize,
}

impl Default for Firsts {
    fn default() -> Self {
        let none = || AtomicUsize::new(usize::MAX);
        Self { well: none(), badly: none() }
    }
}

impl Firsts {
    /// Whether no earlier run of its kind is over yet. A later one may have been taken for the
    /// first; it is told apart when the results are put together.
    fn is_first(&self, index: usize, verdict: &Verdict) -> bool {
        let kind = if is_bad(verdict) { &self.badly } else { &self.well };
        kind.fetch_min(index, Ordering::Relaxed) > index
    }
}

/// One run.
fn one(scenario: &Scenario, setup: &Setup, (master, index): (u64, usize)) -> (Record, Ran) {
    let number = u64::try_from(index).unwrap_or(u64::MAX);
    let seed = Seed::new(master).of_run(number);
    let record = World::run(setup.plan.clone(), seed);
    let verdict = Verdict::of(&setup.plan, &record);
    let see = |expect: &Expect| {
        let meant = expect.only.iter().all(|(axis, value)| setup.values.get(*axis) == Some(value));
        meant.then(|| value_of(expect, &setup.plan, (&record, &verdict)))
    };
    let seen = scenario.expectations.iter().map(see).collect();
    (record, Ran { run: Run { seed: seed.number(), verdict, record: None }, seen })
}

/// Whether a run did not come back from what befell it.
fn is_bad(verdict: &Verdict) -> bool {
    verdict.unstable || verdict.measure("metastable").is_some_and(|metastable| metastable > 0.0)
}

/// The value that an expectation looks at.
fn value_of(expect: &Expect, plan: &Plan, (record, verdict): (&Record, &Verdict)) -> f64 {
    if let Some(load) = expect.load {
        let alone = record.of_load(load);
        let verdict = Verdict::of(plan, &alone);
        let expect = Expect { load: None, ..expect.clone() };
        return value_of(&expect, plan, (&alone, &verdict));
    }
    match (expect.within, plan.quiet()) {
        (Some(within), Some(quiet)) => later(expect.measure, quiet.after(within), record),
        _ if expect.measure == GOODPUT && expect.unit == Unit::Share => {
            let good = record.loads.iter().map(LoadRecord::good).sum();
            share(good, verdict.calls)
        }
        _ => verdict.measure(expect.measure).unwrap_or(f64::NAN),
    }
}

/// A share from this time on, from whole pieces of the timelines.
fn later(measure: &str, from: Instant, record: &Record) -> f64 {
    let piece = record.bucket.max(Duration::from_nanos(1));
    let since = from.since(Instant::EPOCH);
    let first = since.as_nanos().div_ceil(piece.as_nanos());
    let first = usize::try_from(first).unwrap_or(usize::MAX);
    let (mut good, mut ended, mut started) = (0, 0, 0);
    for load in &record.loads {
        for bucket in load.timeline.iter().skip(first) {
            good += bucket.good;
            ended += bucket.good + bucket.bad;
            started += bucket.started;
        }
    }
    share(good.min(started), if measure == GOODPUT { started } else { ended })
}

fn gather(scenario: &Scenario, settings: &Settings, (runs, seeds): (Vec<Ran>, usize)) -> Outcome {
    let expectations = expectations(scenario, &runs);
    let mut runs = runs.into_iter();
    let mut points = Vec::with_capacity(scenario.points.len());
    for setup in &scenario.points {
        let mut own: Vec<Run> = runs.by_ref().take(seeds).map(|ran| ran.run).collect();
        keep_few(&mut own);
        let (values, plan) = (setup.values.clone(), setup.plan.clone());
        points.push(Point { values, plan, runs: own });
    }
    Outcome {
        title: scenario.title.clone(),
        command: settings.command.clone(),
        seed: settings.seed,
        config: scenario.config,
        axes: scenario.axes.clone(),
        points,
        expectations,
    }
}

/// Records are large: those of the first run that went well and of the first that did not stay.
fn keep_few(runs: &mut [Run]) {
    let (mut well, mut badly) = (false, false);
    for run in runs {
        let found = if is_bad(&run.verdict) { &mut badly } else { &mut well };
        if std::mem::replace(found, true) {
            run.record = None;
        }
    }
}

/// The worst value of each expectation, and whether it holds. A run that ended as unstable is
/// something that nobody expects, unless they say so.
fn expectations(scenario: &Scenario, runs: &[Ran]) -> Vec<Expectation> {
    let each = scenario.expectations.iter().enumerate().map(|(index, expect)| {
        let values = runs.iter().filter_map(|ran| ran.seen.get(index).copied().flatten());
        let worst = values.reduce(|worst, value| {
            let replaces = value.is_nan() || expect.test.is_worse(value, worst, expect.bound);
            if replaces { value } else { worst }
        });
        let worst = worst.unwrap_or(f64::NAN);
        let held = expect.test.passes(worst, expect.bound);
        Expectation { text: text_of(scenario, expect), seen: shown(worst, expect.unit), held }
    });
    let mut all: Vec<Expectation> = each.collect();
    let unstable = runs.iter().filter(|ran| ran.run.verdict.unstable).count();
    let expected = scenario.expectations.iter().any(|expect| expect.measure == "unstable");
    if unstable > 0 && !expected {
        let seen = format!("{unstable} of {} runs are unstable", runs.len());
        all.push(Expectation { text: "unstable = false".to_owned(), seen, held: false });
    }
    all
}

/// An expectation with the points that it is meant for.
fn text_of(scenario: &Scenario, expect: &Expect) -> String {
    let named = expect.only.iter().filter_map(|(axis, value)| {
        let axis = scenario.axes.get(*axis)?;
        Some(format!("{} = {}", axis.name, axis.values.get(*value)?))
    });
    let named: Vec<String> = named.collect();
    if named.is_empty() {
        return expect.text.clone();
    }
    format!("{} where {}", expect.text, named.join(", "))
}

/// A value as it is shown.
fn shown(value: f64, unit: Unit) -> String {
    if value.is_nan() {
        return "nothing to look at".to_owned();
    }
    match unit {
        Unit::Share => format!("{:.3}%", value * 100.0),
        Unit::Number => format!("{value:.3}"),
        Unit::Time => format!("{:.1}ms", value * 1000.0),
        Unit::Truth => (if value > 0.0 { "true" } else { "false" }).to_owned(),
    }
}

impl Outcome {
    /// Whether everything that was expected held.
    #[must_use]
    pub fn held(&self) -> bool {
        self.expectations.iter().all(|expectation| expectation.held)
    }
}
