//! Rounds: in each, every entry of the row runs once for a short time, in an order drawn anew.
//! So drift of the machine (frequency, neighbours) meets all entries alike.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::Duration;

use super::{Answers, Batch, Callers, Entry, Measured, Object, Row, Sharing, Spread, Timing};
use crate::clock;

/// How long the whole takes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Effort {
    pub(crate) rounds: usize,
    /// How long one entry runs in one round.
    pub(crate) turn: Duration,
}

impl Effort {
    /// A middle that moves by about one percent from run to run on a quiet machine.
    pub(crate) const FULL: Self = Self { rounds: 41, turn: Duration::from_millis(6) };
    /// Good enough to see a factor; 31 is the least odd number that fair rules allow.
    pub(crate) const QUICK: Self = Self { rounds: 31, turn: Duration::from_millis(1) };
}

/// Calls between two looks at the stop flag take about this long.
const CHUNK: Duration = Duration::from_micros(100);
/// Calls before anything is timed or counted: fills windows, grows maps, trains predictors.
const WARM_UP: u64 = 20_000;
/// Calls over which allocations are counted.
const COUNTED: u64 = 2_000;

/// An entry that is ready to run.
struct Runner<'a> {
    entry: &'a Entry,
    objects: Vec<Object>,
    chunk: u64,
    allocations: f64,
    bytes: f64,
    rounds: Vec<f64>,
}

/// Measures the row with the given callers; entries that cannot be shared so are left out.
pub(crate) fn measure(row: &Row, callers: Callers, effort: Effort) -> Measured {
    let can = |entry: &&Entry| callers == Callers::One || entry.sharing == Sharing::Threads;
    let mut runners: Vec<Runner<'_>> =
        row.entries.iter().filter(can).map(|entry| prepare(row, entry, callers)).collect();
    let mut order: Vec<usize> = (0..runners.len()).collect();
    for _ in 0..effort.rounds {
        fastrand::shuffle(&mut order);
        for &index in &order {
            let runner = &mut runners[index];
            let ns = turn(runner, row, callers, effort.turn);
            runner.rounds.push(ns);
        }
    }
    let target = match callers {
        Callers::One => row.targets.0,
        Callers::TwoShared => row.targets.1,
        Callers::TwoApart => None,
    };
    Measured {
        row: row.name,
        about: row.about,
        callers,
        our_clock_reads: row.our_clock_reads,
        target,
        bare: row.bare,
        loss: row.loss,
        floor: row.floor,
        timings: runners.into_iter().map(timing).collect(),
    }
}

fn prepare<'a>(row: &Row, entry: &'a Entry, callers: Callers) -> Runner<'a> {
    let first = (entry.build)();
    let objects = match callers {
        Callers::One => vec![first],
        Callers::TwoShared => vec![Arc::clone(&first), first],
        Callers::TwoApart => vec![first, (entry.build)()],
    };
    let mut chunk = 1;
    let (mut allocations, mut bytes) = (0.0, 0.0);
    for object in &objects {
        let mut batch = object();
        expect_only(row.answers, entry.name, batch(WARM_UP), WARM_UP);
        let counted = allocation_counter::measure(|| {
            batch(COUNTED);
        });
        allocations = counted.count_total as f64 / COUNTED as f64;
        bytes = counted.bytes_total as f64 / COUNTED as f64;
        chunk = calibrated(&mut batch);
    }
    Runner { entry, objects, chunk, allocations, bytes, rounds: Vec::new() }
}

/// How many calls fill a chunk.
fn calibrated(batch: &mut Batch) -> u64 {
    let mut calls = 64;
    loop {
        let start = clock::now();
        batch(calls);
        let took = clock::since(start);
        if took >= CHUNK || calls >= 1 << 16 {
            return calls;
        }
        calls *= 2;
    }
}

/// The wrong kind of answer would compare rejections with admissions.
fn expect_only(answers: Answers, name: &str, refused: u64, calls: u64) {
    let fits = match answers {
        Answers::Admitted => refused == 0,
        Answers::Refused => refused == calls,
    };
    assert!(fits, "{name} refused {refused} of {calls} calls in a row of {answers:?}");
}

/// One turn of one entry: nanoseconds that one call takes its thread, the mean over its threads.
/// All threads run until the last has been told to stop, so that none runs alone in between.
fn turn(runner: &Runner<'_>, row: &Row, callers: Callers, length: Duration) -> f64 {
    let stop = AtomicBool::new(false);
    let start = Barrier::new(runner.objects.len() + 1);
    let runs: Vec<Chunks> = thread::scope(|scope| {
        let run = |object: &Object| {
            let (object, stop, start) = (Arc::clone(object), &stop, &start);
            let chunk = runner.chunk;
            scope.spawn(move || one_thread(&object, chunk, start, stop))
        };
        let threads: Vec<_> = runner.objects.iter().map(run).collect();
        start.wait();
        clock::pause(length);
        stop.store(true, Ordering::Relaxed);
        let join = |thread: thread::ScopedJoinHandle<'_, _>| thread.join().expect("no call panics");
        threads.into_iter().map(join).collect()
    });
    let mut sum = 0.0;
    for run in &runs {
        let calls = runner.chunk * run.took.len() as u64;
        expect_only(row.answers, runner.entry.name, run.refused, calls);
        sum += run.typical(callers).as_nanos() as f64 / runner.chunk as f64;
    }
    sum / runs.len() as f64
}

/// What one thread did in one turn.
struct Chunks {
    took: Vec<Duration>,
    refused: u64,
}

impl Chunks {
    /// The median chunk where threads do not meet: a chunk in which the machine ran something else
    /// says nothing about the call. The mean where they do, since waiting for each other is the
    /// cost and may come in lumps.
    fn typical(&self, callers: Callers) -> Duration {
        if callers == Callers::TwoShared {
            let count = u32::try_from(self.took.len()).unwrap_or(u32::MAX);
            return self.took.iter().sum::<Duration>() / count;
        }
        let mut sorted = self.took.clone();
        sorted.sort_unstable();
        sorted[sorted.len() / 2]
    }
}

fn one_thread(object: &Object, chunk: u64, start: &Barrier, stop: &AtomicBool) -> Chunks {
    let mut batch = object();
    let mut run = Chunks { took: Vec::with_capacity(1_024), refused: 0 };
    // Caches of this core first.
    batch(chunk.min(256));
    start.wait();
    let mut began = clock::now();
    while run.took.is_empty() || !stop.load(Ordering::Relaxed) {
        run.refused += batch(chunk);
        let ended = clock::now();
        run.took.push(ended.duration_since(began));
        began = ended;
    }
    run
}

fn timing(runner: Runner<'_>) -> Timing {
    Timing {
        name: runner.entry.name,
        note: runner.entry.note,
        reference: runner.entry.reference,
        ns: Spread::of(runner.rounds),
        allocations: runner.allocations,
        bytes: runner.bytes,
    }
}
