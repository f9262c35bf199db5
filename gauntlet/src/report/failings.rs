//! What makes a gauntlet fail as a whole, and with which exit status.

use crate::measure::{Class, Figures, Metric, Outcome, compare, noise};
use crate::peer::Product;

use super::results::{Measured, Results};

/// How a gauntlet ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Nothing to complain of.
    Good,
    /// Seawall did what it must never do.
    Failed,
    /// Runs remain that do not count.
    Incomplete,
}

impl Ending {
    /// The exit status of the program.
    #[must_use]
    pub const fn status(self) -> u8 {
        match self {
            Self::Good => 0,
            Self::Failed => 1,
            Self::Incomplete => 2,
        }
    }
}

/// How it ended.
#[must_use]
pub fn ending(results: &Results) -> Ending {
    if !failings(results).is_empty() {
        Ending::Failed
    } else if results.invalid().next().is_some() {
        Ending::Incomplete
    } else {
        Ending::Good
    }
}

/// What Seawall must never do and did, run by run. Runs that do not count are judged as well where
/// nothing that made them so could excuse it: duplicates and wrong answers.
#[must_use]
pub fn failings(results: &Results) -> Vec<String> {
    let ours = results.runs.iter().filter(|run| run.key.product == Product::Seawall);
    let mut all: Vec<String> = ours.flat_map(of_run).collect();
    all.extend(beside_nothing(results));
    all
}

fn of_run(run: &Measured) -> Vec<String> {
    let figures = &run.figures;
    let mut all = Vec::new();
    let mut say = |what: String| {
        all.push(format!("{} seed {}: {what}", run.key.scenario, run.key.seed));
    };
    if figures.extra.duplicates_committed > 0 {
        say(format!("{} POSTs executed twice", figures.extra.duplicates_committed));
    }
    if figures.of_class(Class::Corrupt) > 0 {
        say(format!("{} wrong answers given as right ones", figures.of_class(Class::Corrupt)));
    }
    if figures.is_valid() && figures.recovery.residual.is_left() {
        say(figures.recovery.residual.words().to_owned());
    }
    if let Some(leak) = figures.costs.leak().filter(|_| figures.is_valid()) {
        say(format!("leak: {leak}"));
    }
    all
}

/// Without any fault a gateway must not make errors that no gateway would.
fn beside_nothing(results: &Results) -> Option<String> {
    let (ours, metric) = (results.ours()?, Metric::named("errors")?);
    let direct = results.entrants.iter().find(|one| one.product == Product::Direct)?;
    let (ours, direct) = (results.figures(ours, "G0"), results.figures(direct, "G0"));
    let errors = |run: &&Figures| (metric.of)(run);
    let pairs = ours.iter().filter_map(errors).zip(direct.iter().filter_map(errors));
    let noise = noise(metric, std::slice::from_ref(&direct));
    let told = compare(metric, &pairs.collect::<Vec<_>>(), noise)?;
    (told.outcome == Outcome::Worse)
        .then(|| format!("G0: {} more errors than without a gateway", told.difference))
}
