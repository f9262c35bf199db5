//! Two outcomes of the same seeds side by side. The same chance befell both, so that the
//! difference of each pair tells more than the difference of the means.

use super::{Estimate, Fate, MEASURES, Measure};
use crate::outcome::{Outcome, Point, Run};

/// Two points of two outcomes.
#[derive(Clone, Debug)]
pub struct Paired {
    /// The values of the point on the axes, as written.
    pub values: Vec<String>,
    /// How both runs of each pair ended.
    pub fates: Fates,
    /// Each measure over the pairs that work under both, or over all if none works under both.
    pub changes: Vec<Change>,
    /// Whether runs that stayed down were left out of the changes.
    pub leaves_out: bool,
}

/// How many pairs of runs ended how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fates {
    /// Both work.
    pub both_back: usize,
    /// The first works, the second stays down.
    pub lost: usize,
    /// The first stays down, the second works.
    pub won: usize,
    /// Both stay down.
    pub both_down: usize,
}

/// What became of a measure.
#[derive(Clone, Copy, Debug)]
pub struct Change {
    /// Which.
    pub measure: &'static Measure,
    /// Its mean in the first outcome.
    pub old: Estimate,
    /// In the second.
    pub new: Estimate,
    /// The mean of the differences, second less first.
    pub difference: Estimate,
}

/// Pairs the points of two outcomes that have the same values on all axes, and their runs by seed.
#[must_use]
pub fn paired(old: &Outcome, new: &Outcome) -> Vec<Paired> {
    let pairs = old.points.iter().filter_map(|point| {
        let values = written(old, point);
        let other = new.points.iter().find(|other| written(new, other) == values)?;
        Some(pair(values, point, other))
    });
    pairs.collect()
}

/// The values of a point on its axes.
#[must_use]
pub fn written(outcome: &Outcome, point: &Point) -> Vec<String> {
    let values = outcome.axes.iter().zip(&point.values);
    values.filter_map(|(axis, value)| axis.values.get(*value).cloned()).collect()
}

fn pair(values: Vec<String>, old: &Point, new: &Point) -> Paired {
    let of = |run| new.runs.iter().find(|other: &&Run| other.seed == seed(run));
    let runs: Vec<(&Run, &Run)> = old.runs.iter().filter_map(|run| Some((run, of(run)?))).collect();
    let mut fates = Fates::default();
    for (a, b) in &runs {
        fates.count(a.verdict.fate(), b.verdict.fate());
    }
    let works =
        |(a, b): &(&Run, &Run)| a.verdict.fate() == Fate::Back && b.verdict.fate() == Fate::Back;
    let leaves_out = fates.both_back > 0 && fates.both_back < runs.len();
    let taken: Vec<_> = runs.into_iter().filter(|pair| !leaves_out || works(pair)).collect();
    let changes = MEASURES.iter().filter_map(|measure| change(measure, &taken)).collect();
    Paired { values, fates, changes, leaves_out }
}

const fn seed(run: &Run) -> u64 {
    run.seed
}

fn change(measure: &'static Measure, runs: &[(&Run, &Run)]) -> Option<Change> {
    let values: Vec<(f64, f64)> = runs
        .iter()
        .filter_map(|(a, b)| Some((measure.of(&a.verdict)?, measure.of(&b.verdict)?)))
        .collect();
    let of =
        |value: fn(&(f64, f64)) -> f64| Estimate::of(&values.iter().map(value).collect::<Vec<_>>());
    Some(Change {
        measure,
        old: of(|(a, _)| *a)?,
        new: of(|(_, b)| *b)?,
        difference: of(|(a, b)| b - a)?,
    })
}

impl Fates {
    fn count(&mut self, old: Fate, new: Fate) {
        let count = match (old, new) {
            (Fate::Back, Fate::Back) => &mut self.both_back,
            (Fate::Back, Fate::Down) => &mut self.lost,
            (Fate::Down, Fate::Back) => &mut self.won,
            (Fate::Down, Fate::Down) => &mut self.both_down,
        };
        *count += 1;
    }

    /// All pairs.
    #[must_use]
    pub const fn pairs(&self) -> usize {
        self.both_back + self.lost + self.won + self.both_down
    }
}
