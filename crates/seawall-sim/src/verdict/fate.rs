//! The two kinds of runs: those that end in a good state and those that stay down. Means over
//! both would describe a run that never happened, so that everything over seeds starts here.

use super::{Estimate, Measure, Proportion, Verdict, course::COLLAPSED};
use crate::outcome::{Point, Run};

/// How a run ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fate {
    /// It works, or works again.
    Back,
    /// It does not: most calls fail to its end, or its queues grow without bound.
    Down,
}

impl Fate {
    /// Both, in the order of reports.
    pub const ALL: [Self; 2] = [Self::Back, Self::Down];

    /// Its name in reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Back => "works",
            Self::Down => "down",
        }
    }
}

impl Verdict {
    /// How the run ends.
    #[must_use]
    pub fn fate(&self) -> Fate {
        let down = self.unstable || self.course.metastable || self.course.end < COLLAPSED;
        if down { Fate::Down } else { Fate::Back }
    }
}

impl Point {
    /// The runs of one kind.
    pub fn of(&self, fate: Fate) -> impl Iterator<Item = &Run> {
        self.runs.iter().filter(move |run| run.verdict.fate() == fate)
    }

    /// The share of runs that stay down.
    #[must_use]
    pub fn down(&self) -> Proportion {
        Proportion::of(self.of(Fate::Down).count(), self.runs.len())
    }

    /// The mean of a measure over the runs of one kind to which it applies.
    #[must_use]
    pub fn estimate(&self, fate: Fate, measure: &Measure) -> Option<Estimate> {
        let values: Vec<f64> = self.of(fate).filter_map(|run| measure.of(&run.verdict)).collect();
        Estimate::of(&values)
    }

    /// The run that stands for its kind: of those with a record the one whose goodput is nearest
    /// to the median of the kind; the first of equals.
    #[must_use]
    pub fn typical(&self, fate: Fate) -> Option<&Run> {
        let mut goodputs: Vec<f64> = self.of(fate).map(|run| run.verdict.goodput).collect();
        goodputs.sort_by(f64::total_cmp);
        let median = *goodputs.get(goodputs.len() / 2)?;
        let seen = self.of(fate).filter(|run| run.record.is_some());
        let away = |run: &Run| (run.verdict.goodput - median).abs();
        seen.min_by(|a, b| away(a).total_cmp(&away(b)))
    }
}
