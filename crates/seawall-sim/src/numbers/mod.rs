//! The published numbers that this simulator reproduces: results of queueing theory, and
//! experiments of others.
//!
//! Each family of numbers has a file with its models. A model is built from the same parts as any
//! scenario, as its publication describes it; nothing in it is fitted to the number. When a number
//! counts as reproduced is said in `judge`, how many runs it takes in `case`.

mod backoffs;
mod breakers;
mod build;
mod capacity;
mod case;
mod choices;
mod closed;
mod collapse;
mod course;
mod judge;
mod queues;
mod retries;
mod stats;
mod strategies;
mod tails;

#[cfg(test)]
mod shapes;
#[cfg(test)]
mod tests;

pub use judge::{Finding, Rule, Stated, Strictness};

use case::Case;

/// The master seed of all runs. Any other would do as well.
pub const MASTER: u64 = 1;

/// How much work is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scale {
    /// As much as the stated precision takes: minutes.
    Full,
    /// Few and short runs, judged by what they can tell: seconds.
    Quick,
}

/// A published number and ours.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Its name: family, model, quantity.
    pub id: String,
    /// The family alone: `E1`, `M-A`.
    pub family: &'static str,
    /// As published.
    pub expected: Stated,
    /// How it is judged.
    pub rule: Rule,
    /// Ours: a mean, a median or a count over the runs.
    pub ours: f64,
    /// Half of the 99 % interval around it.
    pub error: f64,
    /// How far off it may be, as the rule has it.
    pub tolerance: f64,
    /// Whether nothing speaks against it: it is reproduced, or not judged ([`Rule::Shown`]).
    pub ok: bool,
    /// Runs behind it.
    pub runs: usize,
    /// 2 if the first sample missed and a fresh one decided. Of numbers that are right, one in a
    /// hundred misses a 99 % interval; it does not do so twice.
    pub looks: u32,
    /// Where it was published.
    pub source: &'static str,
}

/// Reproduces the numbers of the wanted families, all of them if none is named. `jobs` runs go on
/// at a time; `tell` hears of each model when it is done.
pub fn table(
    scale: Scale,
    wanted: &[String],
    jobs: usize,
    tell: &mut dyn FnMut(&str, &[Row]),
) -> Vec<Row> {
    let mut rows = Vec::new();
    for case in cases() {
        let named = |name: &String| case.family().eq_ignore_ascii_case(name);
        if wanted.is_empty() || wanted.iter().any(named) {
            let found = case.rows(scale, jobs);
            tell(&case.title(), &found);
            rows.extend(found);
        }
    }
    rows
}

/// The names of all families, in the order of the table.
#[must_use]
pub fn families() -> Vec<&'static str> {
    let mut names: Vec<_> = cases().iter().map(Case::family).collect();
    names.dedup();
    names
}

fn cases() -> Vec<Case> {
    let exact = [
        queues::cases(),
        retries::cases(),
        tails::cases(),
        closed::cases(),
        choices::cases(),
        breakers::cases(),
    ];
    let experiments =
        [backoffs::cases(), strategies::cases(), collapse::cases(), capacity::cases()];
    exact.into_iter().chain(experiments).flatten().collect()
}
