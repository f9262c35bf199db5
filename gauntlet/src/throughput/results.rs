//! What was measured: plain numbers, and their medians.

use serde::Serialize;

use super::host::Host;
use super::row::{Row, Who};

/// One measurement. Integers throughout; what a row does not ask for is 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Sample {
    /// Requests a second, counted at the backend.
    pub rate: u64,
    /// Nanoseconds of the product's processor time in user space for each request.
    pub user: u64,
    /// The same in the kernel.
    pub kernel: u64,
    /// Nanoseconds.
    pub p50: u64,
    /// Nanoseconds.
    pub p99: u64,
    /// Resident bytes of the product; in the idle row those for each connection.
    pub resident: u64,
    /// Requests, or connections, that failed.
    pub failed: u64,
}

impl Sample {
    /// Nanoseconds of processor time for each request.
    #[must_use]
    pub const fn cpu(&self) -> u64 {
        self.user + self.kernel
    }
}

/// What came of one column in one row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Figures.
    Measured {
        /// Each measurement, in the order of the rounds.
        samples: Vec<Sample>,
        /// The median of each figure by itself.
        median: Sample,
    },
    /// None, and why.
    NotRun(String),
}

/// One column in one row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Cell {
    /// Whose.
    pub who: Who,
    /// What came of it.
    pub outcome: Outcome,
}

impl Cell {
    /// Its median, if it was measured.
    #[must_use]
    pub const fn median(&self) -> Option<&Sample> {
        match &self.outcome {
            Outcome::Measured { median, .. } => Some(median),
            Outcome::NotRun(_) => None,
        }
    }
}

/// One row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RowResults {
    /// Which.
    pub row: Row,
    /// What it asks.
    pub about: &'static str,
    /// The rate or the number of connections, where the row has one.
    pub size: Option<u32>,
    /// Columns; without a product first.
    pub cells: Vec<Cell>,
}

impl RowResults {
    /// The median of a column, if it was measured.
    #[must_use]
    pub fn median(&self, who: Who) -> Option<&Sample> {
        self.cells.iter().find(|cell| cell.who == who)?.median()
    }
}

/// All of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Results {
    /// Where and when.
    pub host: Host,
    /// Which configs.
    pub settings: crate::peer::Settings,
    /// How often each column was measured.
    pub rounds: u32,
    /// For how long each time.
    pub seconds: u32,
    /// The rows, in their order.
    pub rows: Vec<RowResults>,
}

impl Results {
    /// A row, if it was asked for.
    #[must_use]
    pub fn row(&self, row: Row) -> Option<&RowResults> {
        self.rows.iter().find(|results| results.row == row)
    }
}

/// Samples, or the last reason why there are none.
pub(super) fn outcome(samples: Vec<Sample>, why: Option<String>) -> Outcome {
    match (samples.is_empty(), why) {
        (true, why) => Outcome::NotRun(why.unwrap_or_else(|| "no measurement".to_owned())),
        (false, _) => Outcome::Measured { median: median(&samples), samples },
    }
}

/// Each figure by itself; of an even number of samples the lower one in the middle. What failed is
/// added up: a failure in one round is one.
fn median(samples: &[Sample]) -> Sample {
    let of = |figure: fn(&Sample) -> u64| middle(samples.iter().map(figure).collect());
    Sample {
        rate: of(|sample| sample.rate),
        user: of(|sample| sample.user),
        kernel: of(|sample| sample.kernel),
        p50: of(|sample| sample.p50),
        p99: of(|sample| sample.p99),
        resident: of(|sample| sample.resident),
        failed: samples.iter().map(|sample| sample.failed).sum(),
    }
}

fn middle(mut numbers: Vec<u64>) -> u64 {
    numbers.sort_unstable();
    let index = numbers.len().saturating_sub(1) / 2;
    numbers.get(index).copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_are_taken_of_each_figure_and_failures_add_up() {
        let sample = |rate, user, failed| Sample { rate, user, failed, ..Sample::default() };
        let found = outcome(vec![sample(1, 30, 2), sample(9, 10, 0), sample(5, 20, 1)], None);
        let Outcome::Measured { median, .. } = found else { panic!("{found:?}") };
        assert_eq!(median, sample(5, 20, 3));
        assert_eq!(middle(vec![4, 1]), 1);
        let none = outcome(Vec::new(), Some("gone".to_owned()));
        assert_eq!(none, Outcome::NotRun("gone".to_owned()));
    }
}
