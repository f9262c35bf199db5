//! What a whole matrix comes to: the exit status and its reasons.

use super::carry::{Ended, Fate};
use super::progress::name;
use crate::measure::{Class, Figures};
use crate::peer::Product;

/// The judgement of a matrix.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// What Seawall must never do, and did.
    pub faults: Vec<String>,
    /// Runs that do not count, also after their repetitions.
    pub invalid: Vec<String>,
}

impl Verdict {
    /// Judges the runs of a matrix.
    #[must_use]
    pub fn of(ended: &[Ended]) -> Self {
        let mut verdict = Self::default();
        for one in ended {
            let Fate::Measured(figures) = &one.fate else {
                // Tried and failed is not the same as left out for a reason known before.
                if let (Fate::NotRun(why), 1..) = (&one.fate, one.tries) {
                    verdict.invalid.push(format!("{}: {why}", name(&one.key)));
                }
                continue;
            };
            if !figures.is_valid() {
                verdict.invalid.push(format!("{}: {}", name(&one.key), figures.flaws.join("; ")));
            }
            if one.key.product == Product::Seawall {
                let faults = faults(figures).into_iter();
                verdict.faults.extend(faults.map(|what| format!("{}: {what}", name(&one.key))));
            }
        }
        verdict
    }

    /// Its reasons, a line each.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let faults = self.faults.iter().map(|what| format!("seawall fails, {what}"));
        let invalid = self.invalid.iter().map(|what| format!("does not count, {what}"));
        faults.chain(invalid).collect()
    }

    /// The status to exit with.
    #[must_use]
    pub const fn status(&self) -> u8 {
        match (self.faults.is_empty(), self.invalid.is_empty()) {
            (false, _) => 1,
            (true, false) => 2,
            (true, true) => 0,
        }
    }
}

/// What must not be in the figures of Seawall.
fn faults(figures: &Figures) -> Vec<String> {
    let twice = figures.extra.duplicates_committed;
    let corrupt = figures.of_class(Class::Corrupt);
    let mut found = Vec::new();
    if twice > 0 {
        found.push(format!("{twice} effects were committed twice"));
    }
    if corrupt > 0 {
        found.push(format!("{corrupt} answers were corrupt"));
    }
    // What is left of a fault, or kept of memory, cannot be told from a run that does not count.
    if figures.is_valid() {
        if figures.recovery.residual.is_left() {
            found.push("service has not come back".to_owned());
        }
        if let Some(leak) = figures.costs.leak() {
            found.push(format!("it leaks: {leak}"));
        }
    }
    found
}
