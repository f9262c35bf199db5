//! The phases of a run on its clock, and when the fault began and ended.
//!
//! Both come from the deeds of the runner. A phase that no deed marks is placed where the scenario
//! has it; a fault that no deed marks (the generator's own) fills its phase.

use std::time::Duration;

use crate::record::{Phase, What};
use crate::run::Run;
use crate::scenario::{Phases, Scenario};
use crate::stamp::Stamp;

/// A stretch of time, its end not included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) from: Stamp,
    pub(crate) to: Stamp,
}

impl Span {
    pub(crate) const fn has(&self, at: Stamp) -> bool {
        self.from.0 <= at.0 && at.0 < self.to.0
    }

    pub(crate) const fn nanos(&self) -> u64 {
        self.to.since(self.from)
    }

    /// Its pieces of a length, the last one only if it is whole.
    pub(crate) fn pieces(self, length: u64) -> impl Iterator<Item = Self> {
        let count = self.nanos() / length.max(1);
        (0..count).map(move |index| {
            let from = self.from.after(index * length);
            Self { from, to: from.after(length) }
        })
    }
}

/// When what was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Spans {
    pub(crate) control: Span,
    pub(crate) fault: Span,
    pub(crate) observation: Span,
    /// The first injection.
    pub(crate) struck: Stamp,
    /// The last removal.
    pub(crate) removed: Stamp,
    /// All injections.
    pub(crate) strikes: Vec<Stamp>,
    /// All removals.
    pub(crate) lifts: Vec<Stamp>,
}

impl Spans {
    pub(crate) fn of(run: &Run, scenario: &Scenario) -> Self {
        let phases = lengths(run, scenario);
        let [warm_up, control, fault, observation] =
            [phases.warm_up, phases.control, phases.fault, phases.observation]
                .map(|length| u64::try_from(length.as_nanos()).unwrap_or(u64::MAX));
        let control_at = began(run, Phase::Control).unwrap_or_else(|| run.start.after(warm_up));
        let fault_at = began(run, Phase::Fault).unwrap_or_else(|| control_at.after(control));
        let calm_at = began(run, Phase::Observation).unwrap_or_else(|| fault_at.after(fault));
        let strikes: Vec<Stamp> = deeds(run, What::Set).collect();
        let lifts: Vec<Stamp> = deeds(run, What::Lifted).collect();
        Self {
            control: Span { from: control_at, to: fault_at },
            fault: Span { from: fault_at, to: calm_at },
            observation: Span { from: calm_at, to: calm_at.after(observation) },
            struck: strikes.iter().min().copied().unwrap_or(fault_at),
            removed: lifts.iter().max().copied().unwrap_or(calm_at),
            strikes,
            lifts,
        }
    }

    /// Fault and observation: what users' errors are counted in.
    pub(crate) const fn felt(&self) -> Span {
        Span { from: self.fault.from, to: self.observation.to }
    }

    /// While a fault held.
    pub(crate) const fn harm(&self) -> Span {
        Span { from: self.struck, to: self.removed }
    }
}

/// The phases that the run had: those of the scenario, full or quick, whose control and fault last
/// as long as the runner's did; of two alike the one whose end the stream is nearer to. Where
/// neither fits, the observation ends with the stream.
fn lengths(run: &Run, scenario: &Scenario) -> Phases {
    let last = run.answered.iter().map(|one| one.intended.since(run.start)).max();
    let end = Duration::from_nanos(last.unwrap_or_default());
    let gap = |phases: &Phases| (start_of_observation(phases) + phases.observation).abs_diff(end);
    let all = [scenario.phases, scenario.quick];
    let fitting = all.into_iter().filter(|phases| fits(run, phases));
    fitting.min_by_key(gap).unwrap_or_else(|| {
        let begun = began(run, Phase::Observation).unwrap_or(run.start);
        let observation = end.saturating_sub(Duration::from_nanos(begun.since(run.start)));
        Phases { observation, ..scenario.quick }
    })
}

fn start_of_observation(phases: &Phases) -> Duration {
    phases.warm_up + phases.control + phases.fault
}

/// How far a phase may be from its plan on a busy host.
const OFF: Duration = Duration::from_millis(500);

/// Whether the runner began its phases when these say. Where it wrote down none, all fit.
fn fits(run: &Run, phases: &Phases) -> bool {
    let planned = [
        (Phase::Control, phases.warm_up),
        (Phase::Fault, phases.warm_up + phases.control),
        (Phase::Observation, start_of_observation(phases)),
    ];
    planned.into_iter().all(|(phase, at)| {
        let begun = began(run, phase).map(|begun| Duration::from_nanos(begun.since(run.start)));
        begun.is_none_or(|begun| begun.abs_diff(at) <= OFF)
    })
}

fn began(run: &Run, phase: Phase) -> Option<Stamp> {
    deeds(run, What::Phase(phase)).min()
}

fn deeds(run: &Run, what: What) -> impl Iterator<Item = Stamp> {
    run.deeds.iter().filter(move |deed| deed.what == what).map(|deed| deed.at)
}
