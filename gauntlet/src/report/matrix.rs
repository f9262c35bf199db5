//! The matrix of scenarios and products: the regret of each cell with what marks it.

use crate::measure::{Class, Figures, Metric, Regret, Spread};

use super::names;
use super::results::{Entrant, Results, Told};

/// A cell of the matrix.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Cell {
    pub(super) state: State,
    pub(super) marks: Vec<Mark>,
    /// Valid runs behind it.
    pub(super) seeds: usize,
}

/// What a cell holds.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum State {
    /// The regret over its seeds.
    Regret(Spread),
    /// Fewer errors than the floor: our own mistake.
    AccountingError,
    /// No run of it counts, and why.
    Invalid(String),
    /// It was not run, and why.
    NotRun(String),
}

/// What a number alone would hide.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Mark {
    /// An answer was not what was asked for, and nothing told the user.
    Corrupt,
    /// An effect was carried out twice.
    Duplicate,
    /// Something of the fault was left at the end.
    Residual,
    /// Processor, memory or descriptors were not given back.
    Leak,
    /// Attempts could not all be counted.
    Blind,
    /// Some runs of the cell did not count.
    SomeInvalid,
}

impl Mark {
    pub(super) const ALL: [Self; 6] = [
        Self::Corrupt,
        Self::Duplicate,
        Self::Residual,
        Self::Leak,
        Self::Blind,
        Self::SomeInvalid,
    ];

    pub(super) const fn letter(self) -> char {
        match self {
            Self::Corrupt => 'C',
            Self::Duplicate => 'D',
            Self::Residual => 'R',
            Self::Leak => 'L',
            Self::Blind => 'b',
            Self::SomeInvalid => 'i',
        }
    }

    pub(super) const fn meaning(self) -> &'static str {
        match self {
            Self::Corrupt => "a user was given a wrong answer as a right one",
            Self::Duplicate => "a POST without a key was executed twice",
            Self::Residual => "not recovered by the end",
            Self::Leak => "memory, threads or descriptors not given back",
            Self::Blind => "attempts at a silent replica could not be counted",
            Self::SomeInvalid => "some runs did not count and are left out",
        }
    }
}

pub(super) fn cell(results: &Results, entrant: &Entrant, scenario: &Told) -> Cell {
    let runs = results.figures(entrant, &scenario.id);
    let mut marks = marks(&runs);
    if !runs.is_empty() && results.made(entrant, &scenario.id).count() > runs.len() {
        marks.push(Mark::SomeInvalid);
    }
    Cell { state: state(results, (entrant, scenario), &runs), marks, seeds: runs.len() }
}

fn state(results: &Results, (entrant, told): (&Entrant, &Told), runs: &[&Figures]) -> State {
    let wrong = runs.iter().any(|run| matches!(run.regret, Regret::AccountingError(_)));
    if wrong {
        return State::AccountingError;
    }
    let values: Vec<f64> = runs.iter().filter_map(|run| run.regret.value()).collect();
    if let Some(spread) = Spread::of(&values) {
        return State::Regret(spread);
    }
    let flaws = results.made(entrant, &told.id).flat_map(|run| &run.figures.flaws);
    if let Some(flaw) = flaws.into_iter().next() {
        return State::Invalid(flaw.clone());
    }
    let why = results.why_not(entrant, &told.id).unwrap_or("not asked for");
    State::NotRun(why.to_owned())
}

/// One run is enough for a mark.
fn marks(runs: &[&Figures]) -> Vec<Mark> {
    let any = |is: fn(&Figures) -> bool| runs.iter().any(|run| is(run));
    let all = Mark::ALL.into_iter().filter(|mark| match mark {
        Mark::Corrupt => any(|run| run.of_class(Class::Corrupt) > 0),
        Mark::Duplicate => any(|run| run.extra.duplicates_committed > 0),
        Mark::Residual => any(|run| run.recovery.residual.is_left()),
        Mark::Leak => any(|run| run.costs.leak().is_some()),
        Mark::Blind => any(|run| run.blind),
        Mark::SomeInvalid => false,
    });
    all.collect()
}

impl Cell {
    /// The number, or what stands in its place.
    pub(super) fn number(&self) -> String {
        match &self.state {
            State::Regret(spread) => names::spread(spread, seawall_plot::words::number),
            State::AccountingError => "accounting error".to_owned(),
            State::Invalid(_) => "invalid".to_owned(),
            State::NotRun(_) => "not run".to_owned(),
        }
    }

    /// The letters of its marks.
    pub(super) fn letters(&self) -> String {
        self.marks.iter().map(|mark| mark.letter()).collect()
    }

    pub(super) fn text(&self) -> String {
        let (number, letters) = (self.number(), self.letters());
        if letters.is_empty() { number } else { format!("{number} {letters}") }
    }
}

/// The median of a metric in a cell, written with its unit.
pub(super) fn told(results: &Results, entrant: &Entrant, scenario: &Told, key: &str) -> String {
    let Some(metric) = Metric::named(key) else { return String::new() };
    let runs = results.figures(entrant, &scenario.id);
    let values: Vec<f64> = runs.iter().filter_map(|run| (metric.of)(run)).collect();
    Spread::of(&values).map_or_else(|| "–".to_owned(), |all| names::value(metric, all.median))
}

/// Marks that occur anywhere, for the legend.
pub(super) fn used_marks(results: &Results) -> Vec<Mark> {
    let cells = results.scenarios.iter().flat_map(|scenario| {
        results.entrants.iter().map(move |entrant| cell(results, entrant, scenario))
    });
    let used: Vec<Mark> = cells.flat_map(|cell| cell.marks).collect();
    Mark::ALL.into_iter().filter(|mark| used.contains(mark)).collect()
}
