//! What a scenario comes to: all its runs, their verdicts, and what was expected of them.
//!
//! Scenarios are read and run elsewhere, and reports are made from this.

use crate::observe::Record;
use crate::plan::Plan;
use crate::verdict::Verdict;

/// A scenario that was run.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// What the scenario is called.
    pub title: String,
    /// The command that repeats it.
    pub command: String,
    /// The master seed.
    pub seed: u64,
    /// The fingerprint of the config, if the scenario names one.
    pub config: Option<u64>,
    /// The axes of the sweep, each with its values in their order. Empty without a sweep.
    pub axes: Vec<Axis>,
    /// The points of the sweep, in the order of the axes, the last one fastest. One without.
    pub points: Vec<Point>,
    /// What was expected, and what came of it.
    pub expectations: Vec<Expectation>,
}

/// A quantity that is varied.
#[derive(Clone, Debug, PartialEq)]
pub struct Axis {
    /// Its name in the file.
    pub name: String,
    /// Its values as they are written.
    pub values: Vec<String>,
}

/// One combination of values, run under every seed.
#[derive(Clone, Debug)]
pub struct Point {
    /// The place of its value on each axis.
    pub values: Vec<usize>,
    /// The world of it.
    pub plan: Plan,
    /// One for each seed, in their order.
    pub runs: Vec<Run>,
}

/// A run.
#[derive(Clone, Debug)]
pub struct Run {
    /// Its own seed.
    pub seed: u64,
    /// What it came to.
    pub verdict: Verdict,
    /// What was seen of it; kept of few runs, since it is large.
    pub record: Option<Record>,
}

/// Something that was expected of every run.
#[derive(Clone, Debug, PartialEq)]
pub struct Expectation {
    /// As written: `success_rate >= 99.9%`.
    pub text: String,
    /// The worst value of all runs, as it is to be shown.
    pub seen: String,
    /// Whether it held in all runs.
    pub held: bool,
}
