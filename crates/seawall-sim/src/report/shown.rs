//! Which runs a report draws: one that works and one that stays down, where there are both.

use crate::observe::Record;
use crate::outcome::{Outcome, Point, Run};
use crate::verdict::{Fate, thresholds, written};

/// A run that is drawn.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shown<'a> {
    pub(super) point: &'a Point,
    pub(super) run: &'a Run,
    pub(super) record: &'a Record,
    pub(super) fate: Fate,
}

/// The typical run of each kind. Of a sweep: of the last point that holds and the first that does
/// not; where no record of those was kept, of the first point that has one.
pub(super) fn shown(outcome: &Outcome) -> Vec<Shown<'_>> {
    let all = thresholds(outcome);
    // A threshold that has both sides shows both kinds under nearly the same conditions.
    let both = all.iter().find(|found| found.holds.is_some() && found.fails.is_some());
    let turns = both.or_else(|| all.first()).map(|found| {
        let point = |step: usize| outcome.points.get(found.steps.get(step)?.point);
        [found.holds.and_then(point), found.fails.and_then(point)]
    });
    let [holds, fails] = turns.unwrap_or_default();
    let of = |fate, first: Option<&'_ Point>| {
        let first = first.and_then(|point| typical(outcome, point, fate));
        first.or_else(|| outcome.points.iter().find_map(|point| typical(outcome, point, fate)))
    };
    [of(Fate::Back, holds), of(Fate::Down, fails)].into_iter().flatten().collect()
}

/// Lends a point the lifetime of its outcome.
fn typical<'a>(outcome: &'a Outcome, point: &Point, fate: Fate) -> Option<Shown<'a>> {
    let point = outcome.points.iter().find(|other| other.values == point.values)?;
    let run = point.typical(fate)?;
    Some(Shown { point, run, record: run.record.as_ref()?, fate })
}

impl Shown<'_> {
    /// What the run is, in words: its kind, where it stands in a sweep, and its seed.
    pub(super) fn name(&self, outcome: &Outcome) -> String {
        let kind = match self.fate {
            Fate::Back => "A run that works at its end",
            Fate::Down => "A run that stays down",
        };
        let seed = self.run.seed;
        match place(outcome, self.point) {
            place if place.is_empty() => format!("{kind} (seed {seed})"),
            place => format!("{kind} ({place}, seed {seed})"),
        }
    }
}

/// Where a point stands in a sweep: `axis = value, axis = value`.
pub(super) fn place(outcome: &Outcome, point: &Point) -> String {
    let pairs = outcome.axes.iter().zip(written(outcome, point));
    pairs.map(|(axis, value)| format!("{} = {value}", axis.name)).collect::<Vec<_>>().join(", ")
}
