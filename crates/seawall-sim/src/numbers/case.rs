//! A model with what is claimed of it, and the runs that decide.
//!
//! Runs of a model are independent and share nothing, so they may go on side by side; which of
//! them there are depends on their number alone, and never on who is done first.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;

use super::judge::{Finding, Rule, Stated, Strictness};
use super::{MASTER, Row, Scale};
use crate::chance::Seed;

/// One run of a model.
#[derive(Clone, Copy, Debug)]
pub(super) struct Run {
    /// Its chance.
    pub(super) seed: Seed,
    /// The part of its full length that it has.
    pub(super) share: f64,
}

type Model = Box<dyn Fn(Run) -> Vec<f64> + Send + Sync>;

/// A model, and what is claimed of it.
pub(super) struct Case {
    family: &'static str,
    name: String,
    source: &'static str,
    model: Model,
    claims: Vec<Claim>,
    runs: Runs,
}

/// How many runs, and how long.
#[derive(Clone, Copy, Debug)]
pub(super) struct Runs {
    /// Of full length, at least.
    pub(super) full: u32,
    /// In the ordinary tests.
    pub(super) quick: u32,
    /// Their length there, as a share of the full one.
    pub(super) share: f64,
}

/// A published number of a model: which of its values, and by which rule.
struct Claim {
    name: String,
    stated: Stated,
    rule: Rule,
}

/// However imprecise a row is, no more than so many times the runs that were asked for.
const PATIENCE: u32 = 12;

/// Runs of the second look have numbers from here on.
const AFRESH: u64 = 1 << 32;

impl Case {
    /// A model without claims. It gives one value for each claim, in their order.
    pub(super) fn new(
        family: &'static str,
        name: impl Into<String>,
        runs: Runs,
        model: impl Fn(Run) -> Vec<f64> + Send + Sync + 'static,
    ) -> Self {
        let (model, claims) = (Box::new(model), Vec::new());
        Self { family, name: name.into(), source: "", model, claims, runs }
    }

    /// Where its numbers come from.
    pub(super) fn from(self, source: &'static str) -> Self {
        Self { source, ..self }
    }

    /// Adds a claim.
    pub(super) fn claims(mut self, name: &str, stated: &str, rule: Rule) -> Self {
        self.claims.push(Claim { name: name.to_owned(), stated: Stated::new(stated), rule });
        self
    }

    /// Adds several claims under one rule.
    pub(super) fn claims_all(self, all: &[(&str, &str)], rule: Rule) -> Self {
        all.iter().fold(self, |case, (name, stated)| case.claims(name, stated, rule))
    }

    pub(super) fn family(&self) -> &'static str {
        self.family
    }

    /// What it is called in reports of progress.
    pub(super) fn title(&self) -> String {
        format!("{} {}", self.family, self.name).trim_end().to_owned()
    }

    /// Runs it until its numbers are precise enough, and judges them.
    pub(super) fn rows(&self, scale: Scale, jobs: usize) -> Vec<Row> {
        let (least, share, strictness) = match scale {
            Scale::Full => (self.runs.full, 1.0, Strictness::Full),
            Scale::Quick => (self.runs.quick, self.runs.share, Strictness::Widened),
        };
        let first = self.sample((least, 0), (share, jobs), strictness);
        let mut rows = self.judged(&first, strictness);
        let missed = rows.iter().any(|row| !row.ok);
        if missed && strictness == Strictness::Full {
            let again = self.sample((least, AFRESH), (share, jobs), strictness);
            for (row, second) in rows.iter_mut().zip(self.judged(&again, strictness)) {
                if !row.ok {
                    *row = Row { looks: 2, ..second };
                }
            }
        }
        rows
    }

    /// A sample from this number of run on, as large as the wanted precision takes.
    fn sample(
        &self,
        (least, from): (u32, u64),
        (share, jobs): (f64, usize),
        strictness: Strictness,
    ) -> Vec<Vec<f64>> {
        let mut sample = Vec::new();
        let mut wanted = least;
        loop {
            let have = u32::try_from(sample.len()).unwrap_or(u32::MAX);
            sample.extend(self.runs_of((from, have..wanted), (share, jobs)));
            let more = self.wanted(&sample, strictness);
            let next = times(wanted, (more * 1.1).min(4.0)).min(least.saturating_mul(PATIENCE));
            if more <= 1.0 || next <= wanted || strictness == Strictness::Widened {
                return sample;
            }
            wanted = next;
        }
    }

    /// How many times as many runs the least precise number takes.
    fn wanted(&self, sample: &[Vec<f64>], strictness: Strictness) -> f64 {
        let of = |finding: Finding| finding.wanted;
        self.findings(sample, strictness).into_iter().map(of).fold(1.0, f64::max)
    }

    fn findings(&self, sample: &[Vec<f64>], strictness: Strictness) -> Vec<Finding> {
        let of = |(place, claim): (usize, &Claim)| {
            let value = |run: &Vec<f64>| run.get(place).copied().unwrap_or(f64::NAN);
            let values: Vec<f64> = sample.iter().map(value).collect();
            claim.rule.judge(&claim.stated, &values, strictness)
        };
        self.claims.iter().enumerate().map(of).collect()
    }

    fn judged(&self, sample: &[Vec<f64>], strictness: Strictness) -> Vec<Row> {
        let findings = self.findings(sample, strictness);
        let row = |(claim, finding): (&Claim, Finding)| Row {
            id: format!("{} {}", self.title(), claim.name).trim_end().to_owned(),
            family: self.family,
            expected: claim.stated.clone(),
            rule: claim.rule,
            ours: finding.ours,
            error: finding.error,
            tolerance: finding.tolerance,
            ok: finding.ok,
            runs: sample.len(),
            looks: 1,
            source: self.source,
        };
        self.claims.iter().zip(findings).map(row).collect()
    }

    /// These runs, `jobs` at a time.
    fn runs_of(
        &self,
        (from, numbers): (u64, std::ops::Range<u32>),
        (share, jobs): (f64, usize),
    ) -> Vec<Vec<f64>> {
        let master = Seed::new(MASTER);
        let next = AtomicU32::new(numbers.start);
        let done = Mutex::new(vec![Vec::new(); numbers.len()]);
        let work = || {
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= numbers.end {
                    return;
                }
                let seed = master.of_run(from + u64::from(number));
                let values = (self.model)(Run { seed, share });
                let place = (number - numbers.start) as usize;
                if let Ok(mut done) = done.lock()
                    && let Some(entry) = done.get_mut(place)
                {
                    *entry = values;
                }
            }
        };
        thread::scope(|scope| {
            for _ in 0..jobs.max(1) {
                scope.spawn(work);
            }
        });
        done.into_inner().unwrap_or_default()
    }
}

/// A number of runs so many times as large, rounded up.
fn times(runs: u32, factor: f64) -> u32 {
    let wanted = (f64::from(runs) * factor).ceil();
    (runs..).step_by(1).find(|count| f64::from(*count) >= wanted).unwrap_or(runs)
}
