//! The judge of targets: Seawall's figures at default settings beside what the project has set out
//! to reach. What has not been measured is neither met nor missed.
//!
//! Failures and effects are judged by the worst seed, times and factors by the median over seeds.
//! Here: which targets there are. How one is judged is in `judge.rs`.

mod judge;

use serde::Serialize;

use crate::measure::{Figures, Kind};

use super::results::Results;
use super::subject::Subject;
use judge::{Judge, Over};

/// A target beside what was measured.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Target {
    /// What it is about.
    pub subject: &'static str,
    /// The ids of the scenarios that it was measured in.
    pub scenarios: Vec<String>,
    /// What is measured.
    pub what: &'static str,
    /// What it should be.
    pub target: String,
    /// What it is.
    pub measured: String,
    /// Whether that is enough.
    pub met: Met,
}

/// Whether a target is met.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Met {
    /// It is.
    Yes,
    /// It is not.
    No,
    /// Nobody knows.
    NotMeasured,
}

const MILLI: f64 = 1e6;

/// All targets, in the order of [`Subject::ALL`], and at the end those of every scenario.
#[must_use]
pub fn targets(results: &Results) -> Vec<Target> {
    let mut all: Vec<Target> = Subject::ALL
        .into_iter()
        .flat_map(|subject| of_subject(&Judge::of(results, subject), subject))
        .collect();
    let every = Judge::every(results);
    all.push(every.at_most("POSTs executed twice", Over::Worst, 0.0, |run| {
        Some(crate::measure::number(run.extra.duplicates_committed))
    }));
    all.push(every.at_most("wrong answers given as right ones", Over::Worst, 0.0, |run| {
        Some(crate::measure::number(run.of_class(crate::measure::Class::Corrupt)))
    }));
    all.push(every.at_most("runs that end metastable or broken", Over::Worst, 0.0, |run| {
        Some(if run.recovery.residual.is_left() { 1.0 } else { 0.0 })
    }));
    all
}

fn of_subject(judge: &Judge<'_>, subject: Subject) -> Vec<Target> {
    match subject {
        Subject::ErrorsEverywhere => errors_everywhere(judge),
        Subject::AllDown => all_down(judge),
        Subject::Overload => overload(judge),
        Subject::Trigger => vec![residual(judge)],
        _ => {
            let p99_9 = if subject == Subject::Slow { 100.0 } else { 150.0 };
            let mut all = hidden(judge, p99_9);
            all.extend(posts(judge, subject));
            all
        }
    }
}

/// A fault that users who only read should not notice.
fn hidden(judge: &Judge<'_>, p99_9: f64) -> Vec<Target> {
    vec![
        judge.at_most("failed GETs", Over::Worst, 0.0, failed_gets),
        judge.time_at_most("p99.9 of GETs", p99_9 * MILLI, |run| {
            of_kind(run, Kind::Get)?.fault.p99_9.map(crate::measure::number)
        }),
        judge.at_most("amplification", Over::Median, 1.10, |run| run.extra.amplification),
    ]
}

/// What must not be sent twice.
fn posts(judge: &Judge<'_>, subject: Subject) -> Option<Target> {
    match subject {
        Subject::Crash | Subject::BlackHole | Subject::BlackHoleUnseen => {
            Some(judge.at_most("failed POSTs beyond the floor", Over::Worst, 1.0, |run| {
                let failed = of_kind(run, Kind::Post)?.errors;
                Some(crate::measure::number(failed.saturating_sub(run.floor.total())))
            }))
        }
        Subject::HalfErrors => {
            Some(judge.share_at_most("failed POSTs", Over::Worst, 0.01, |run| {
                let posts = of_kind(run, Kind::Post)?;
                Some(crate::measure::number(posts.errors) / crate::measure::number(posts.asked))
            }))
        }
        _ => None,
    }
}

fn errors_everywhere(judge: &Judge<'_>) -> Vec<Target> {
    vec![
        judge.share_at_most("failed GETs", Over::Worst, 0.003, |run| {
            let gets = of_kind(run, Kind::Get)?;
            Some(crate::measure::number(gets.errors) / crate::measure::number(gets.asked))
        }),
        judge.at_most("amplification", Over::Median, 1.20, |run| run.extra.amplification),
    ]
}

/// The outage lasts 3 s; the share is of what is asked in 20.
const WHOLE: f64 = 20.0;

fn all_down(judge: &Judge<'_>) -> Vec<Target> {
    vec![
        judge.share_at_most("failed of what 20 s bring", Over::Worst, 0.06, |run| {
            let felt = run.course.seconds.len();
            let before = run.course.fault;
            let seconds = crate::measure::number(felt as u64) - before;
            let asked = crate::measure::number(run.requests) / seconds * WHOLE;
            (asked > 0.0).then(|| crate::measure::number(run.errors) / asked)
        }),
        judge.time_at_most("full service after the first healthy answer", 300.0 * MILLI, |run| {
            run.recovery.full_service.map(crate::measure::number)
        }),
    ]
}

fn overload(judge: &Judge<'_>) -> Vec<Target> {
    vec![
        judge.share_at_least("goodput of capacity", 0.95, |run| {
            Some(run.goodput_fault? / run.capacity?)
        }),
        judge.at_most("lost of high priority", Over::Worst, 0.0, |run| {
            let high = high(run)?;
            Some(crate::measure::number(high.asked - high.ok))
        }),
        judge.at_most("p99 of high priority over its normal", Over::Median, 2.0, |run| {
            let high = high(run)?;
            let (fault, control) = (high.fault.p99?, high.control.p99?);
            (control > 0).then(|| crate::measure::number(fault) / crate::measure::number(control))
        }),
        judge.time_at_most("normal again after", 1000.0 * MILLI, |run| {
            run.recovery.from_removal.at_least()
        }),
        residual(judge),
    ]
}

fn residual(judge: &Judge<'_>) -> Target {
    judge.at_most("runs that do not come back", Over::Worst, 0.0, |run| {
        Some(if run.recovery.residual.is_left() { 1.0 } else { 0.0 })
    })
}

fn failed_gets(run: &Figures) -> Option<f64> {
    Some(crate::measure::number(of_kind(run, Kind::Get)?.errors))
}

fn of_kind(run: &Figures, kind: Kind) -> Option<&crate::measure::ByKind> {
    run.kinds.iter().find(|one| one.kind == kind)
}

fn high(run: &Figures) -> Option<&crate::measure::Rank> {
    run.ranks.iter().find(|rank| rank.priority == crate::stream::Priority::High)
}
