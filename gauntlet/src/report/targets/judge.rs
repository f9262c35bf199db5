//! How one target is judged: by the worst seed or by the median over seeds of every scenario that
//! is about it, the worst scenario deciding.

use seawall_plot::words;

use super::{Met, Target};
use crate::measure::{Figures, Spread};
use crate::report::results::{Results, Told};
use crate::report::subject::Subject;

/// What stands for several seeds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Over {
    /// The one that is furthest from the target.
    Worst,
    /// The one in the middle.
    Median,
}

/// Judges the targets of one subject.
#[derive(Debug)]
pub(super) struct Judge<'a> {
    results: &'a Results,
    subject: &'static str,
    scenarios: Vec<&'a Told>,
}

/// Which side of a bound is the right one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    AtMost,
    AtLeast,
}

/// A bound, and how numbers are written beside it.
#[derive(Clone, Copy, Debug)]
struct Bound {
    side: Side,
    value: f64,
    told: fn(f64) -> String,
    over: Over,
}

type Of = fn(&Figures) -> Option<f64>;

impl<'a> Judge<'a> {
    pub(super) fn of(results: &'a Results, subject: Subject) -> Self {
        let about = results.scenarios.iter().filter(|told| told.subject == Some(subject));
        Self { results, subject: subject.name(), scenarios: about.collect() }
    }

    pub(super) fn every(results: &'a Results) -> Self {
        let scenarios = results.scenarios.iter().collect();
        Self { results, subject: "every scenario", scenarios }
    }

    pub(super) fn at_most(&self, what: &'static str, over: Over, value: f64, of: Of) -> Target {
        let bound = Bound { side: Side::AtMost, value, told: words::number, over };
        self.target(what, bound, of)
    }

    pub(super) fn share_at_most(
        &self,
        what: &'static str,
        over: Over,
        value: f64,
        of: Of,
    ) -> Target {
        let bound = Bound { side: Side::AtMost, value, told: words::share, over };
        self.target(what, bound, of)
    }

    pub(super) fn share_at_least(&self, what: &'static str, value: f64, of: Of) -> Target {
        let (side, over) = (Side::AtLeast, Over::Median);
        self.target(what, Bound { side, value, told: words::share, over }, of)
    }

    /// In nanoseconds.
    pub(super) fn time_at_most(&self, what: &'static str, value: f64, of: Of) -> Target {
        let told = |nanos| words::time(nanos / 1e9);
        let bound = Bound { side: Side::AtMost, value, told, over: Over::Median };
        self.target(what, bound, of)
    }

    fn target(&self, what: &'static str, bound: Bound, of: Of) -> Target {
        let mut measured_in = Vec::new();
        let mut worst: Option<f64> = None;
        for told in &self.scenarios {
            let Some(value) = self.measured(told, bound, of) else { continue };
            measured_in.push(told.id.clone());
            worst = Some(worst.map_or(value, |worst| bound.worse(worst, value)));
        }
        Target {
            subject: self.subject,
            scenarios: measured_in,
            what,
            target: bound.text(),
            measured: worst.map_or_else(|| "not measured".to_owned(), bound.told),
            met: match worst {
                None => Met::NotMeasured,
                Some(value) if bound.holds(value) => Met::Yes,
                Some(_) => Met::No,
            },
        }
    }

    /// Over the seeds of one scenario, at default settings.
    fn measured(&self, told: &Told, bound: Bound, of: Of) -> Option<f64> {
        let ours = self.results.ours()?;
        if ours.settings != crate::peer::Settings::Default {
            return None;
        }
        let runs = self.results.figures(ours, &told.id);
        let values: Vec<f64> = runs.iter().filter_map(|run| of(run)).collect();
        match bound.over {
            Over::Median => Spread::of(&values).map(|all| all.median),
            Over::Worst => values.into_iter().reduce(|a, b| bound.worse(a, b)),
        }
    }
}

impl Bound {
    fn holds(&self, value: f64) -> bool {
        match self.side {
            Side::AtMost => value <= self.value,
            Side::AtLeast => value >= self.value,
        }
    }

    fn worse(&self, a: f64, b: f64) -> f64 {
        match self.side {
            Side::AtMost => a.max(b),
            Side::AtLeast => a.min(b),
        }
    }

    fn text(&self) -> String {
        let told = (self.told)(self.value);
        match self.side {
            Side::AtMost if self.value <= 0.0 => told,
            Side::AtMost => format!("≤ {told}"),
            Side::AtLeast => format!("≥ {told}"),
        }
    }
}
