//! The figures of a run: pure functions from what was written down. Nothing here measures anything
//! itself, reads a clock or knows a product.
//!
//! [`figures`] judges one run, [`over_seeds`] several of one cell, [`compare`] two products over
//! the same seeds. How figures are shown is in `report`.

mod class;
mod cost;
mod course;
mod extra;
mod floor;
mod latency;
mod ledger;
mod metric;
mod number;
mod others;
mod pools;
mod recovery;
mod seeds;
mod share;
mod span;
mod traffic;
mod when;

#[cfg(test)]
pub(crate) mod made;
#[cfg(test)]
mod tests;

pub use class::{CLASSES, Class};
pub use cost::{Costs, Held};
pub use course::{Course, Second, cell_start};
pub use extra::Extra;
pub use floor::{Floor, Regret};
pub use latency::{Curve, Latency};
pub use metric::{Better, METRICS, Metric, Unit};
pub(crate) use number::{median, number, quantile, seconds};
pub use others::{ByKind, Kind, Rank};
pub use recovery::{Recovery, Residual};
pub use seeds::{Comparison, Outcome, Spread, compare, noise, over_seeds};
pub use share::Shares;
pub use when::When;

use serde::{Deserialize, Serialize};

use crate::record::What;
use crate::run::Run;
use crate::scenario::Scenario;
use ledger::Ledger;
use number::{count, ratio};
use traffic::Traffic;

/// All figures of a run. Times are nanoseconds; what was not to be had is none, never zero.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Figures {
    /// Requests whose intended start lies in fault or observation.
    pub requests: u64,
    /// Those of them that did not end well.
    pub errors: u64,
    /// All of them by class, in the order of [`CLASSES`].
    pub classes: [u64; CLASSES.len()],
    /// The share of requests that failed in control; none without control.
    pub control_error_rate: Option<f64>,
    /// Errors beyond those that control's rate makes likely; less than zero where there were fewer.
    pub excess_errors: f64,
    /// What even an oracle would have failed.
    pub floor: Floor,
    /// Errors beyond the floor.
    pub regret: Regret,
    /// Latency of control.
    pub control: Latency,
    /// Latency of the fault phase.
    pub fault: Latency,
    /// Latency of the observation.
    pub observation: Latency,
    /// p99 of the fault phase over that of control.
    pub inflation_fault: Option<f64>,
    /// p99 of the observation over that of control.
    pub inflation_observation: Option<f64>,
    /// Well ended requests a second in control.
    pub goodput_control: Option<f64>,
    /// Well ended requests a second in the fault phase.
    pub goodput_fault: Option<f64>,
    /// Requests a second that all replicas together can serve.
    pub capacity: Option<f64>,
    /// Attempts beyond requests, duplicates, wasted work.
    pub extra: Extra,
    /// Detection, ejection, comeback, false ejection.
    pub shares: Shares,
    /// Whether attempts at a target could not be counted, as it wrote nothing and no packets were
    /// counted: detection and ejection are then unknown, and amplification misses those.
    pub blind: bool,
    /// When service was whole again.
    pub recovery: Recovery,
    /// Error rate of those whom the fault did not concern, beyond that of control.
    pub collateral: Option<f64>,
    /// Jain's index over the tenants beside a hot one.
    pub fairness: Option<f64>,
    /// Each priority in the fault phase.
    pub ranks: Vec<Rank>,
    /// Each kind of request.
    pub kinds: Vec<ByKind>,
    /// What the product cost.
    pub costs: Costs,
    /// Why this run does not count, in words; empty where it does.
    pub flaws: Vec<String>,
    /// The replicas that faults struck, from 0.
    pub targets: Vec<u8>,
    /// The run second by second.
    pub course: Course,
    /// The distribution of control.
    pub control_curve: Curve,
    /// The distribution of the fault phase.
    pub fault_curve: Curve,
}

impl Figures {
    /// How many requests came to a class in fault and observation.
    #[must_use]
    pub fn of_class(&self, class: Class) -> u64 {
        self.classes.get(class.place()).copied().unwrap_or_default()
    }

    /// The share of requests of fault and observation that failed.
    #[must_use]
    pub fn error_rate(&self) -> Option<f64> {
        ratio(self.errors, self.requests)
    }

    /// Whether the run counts.
    #[must_use]
    pub fn is_valid(&self) -> bool {
        self.flaws.is_empty()
    }
}

/// Judges a run.
#[must_use]
pub fn figures(run: &Run, scenario: &Scenario) -> Figures {
    let ledger = Ledger::of(run, scenario);
    let (spans, traffic) = (&ledger.spans, Traffic::of(&ledger));
    let (errors, requests) = floor::errors(&ledger);
    let control_error_rate = control_rate(&ledger);
    let [control, fault, observation] = [spans.control, spans.fault, spans.observation]
        .map(|span| Latency::of(ledger.within(span)));
    let floor = Floor::of(&ledger);
    let blind = traffic::is_blind(&ledger);
    Figures {
        requests,
        errors,
        classes: course::classes(ledger.within(spans.felt())),
        control_error_rate,
        excess_errors: number(errors) - control_error_rate.unwrap_or_default() * number(requests),
        floor,
        regret: Regret::of(errors, &floor, requests),
        inflation_fault: fault.inflation(&control),
        inflation_observation: observation.inflation(&control),
        control,
        fault,
        observation,
        goodput_control: others::goodput_of(&ledger, spans.control),
        goodput_fault: others::goodput_of(&ledger, spans.fault),
        capacity: floor::nominal(&ledger),
        extra: Extra::of(&ledger, &traffic),
        shares: Shares::of(&ledger, &traffic, blind),
        blind,
        recovery: Recovery::of(&ledger),
        collateral: others::collateral(&ledger),
        fairness: others::fairness(&ledger),
        ranks: others::ranks(&ledger),
        kinds: others::kinds(&ledger),
        costs: Costs::of(&ledger),
        flaws: flaws(&ledger),
        targets: run.targets.clone(),
        course: Course::of(&ledger, &traffic),
        control_curve: Curve::of(&ledger, spans.control),
        fault_curve: Curve::of(&ledger, spans.fault),
    }
}

fn control_rate(ledger: &Ledger<'_>) -> Option<f64> {
    let control = ledger.within(ledger.spans.control);
    let errors = control.iter().filter(|request| request.is_error()).count();
    ratio(errors as u64, count(control))
}

/// The generator's own lag that makes a run worthless: at 2 ms it is felt in the p99 of answers
/// that take 20.
const LAG: u64 = 2_000_000;

fn flaws(ledger: &Ledger<'_>) -> Vec<String> {
    let mut flaws = Vec::new();
    if let Some(lag) = ledger.lag().filter(|lag| *lag > LAG) {
        let told = seconds(lag) * 1e3;
        flaws
            .push(format!("the generator was late itself: p99 of its lag {told:.1} ms, over 2 ms"));
    }
    let unproven = ledger.run.deeds.iter().filter(|deed| deed.what == What::Unproven);
    flaws.extend(unproven.map(|deed| format!("not shown to hold or to be gone: {}", deed.note)));
    if ledger.unknown > 0 {
        flaws.push(format!("{} answers to requests that nobody asked", ledger.unknown));
    }
    if ledger.missing > 0 {
        flaws.push(format!("{} requests of the stream were never written down", ledger.missing));
    }
    if ledger.within(ledger.spans.control).is_empty() {
        flaws.push("no request in control, so that there is nothing to compare with".to_owned());
    }
    flaws
}
