//! The metrics that are compared between products, as one list: their names, units and which way
//! is better. Reports and comparisons go through it, so that none is forgotten.

use super::{Class, Figures, number};

/// A metric of a run.
#[derive(Clone, Copy, Debug)]
pub struct Metric {
    /// Its key in JSON.
    pub key: &'static str,
    /// Its name for people.
    pub name: &'static str,
    /// What it is counted in.
    pub unit: Unit,
    /// Which way is better.
    pub better: Better,
    /// The value that nothing is better than; none where more is always better. Less than one
    /// attempt for each request, say, is requests failed and not attempts saved.
    pub ideal: Option<f64>,
    /// Its value in a run; none where it has none.
    pub of: fn(&Figures) -> Option<f64>,
}

/// What a metric is counted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Things.
    Count,
    /// Nanoseconds.
    Time,
    /// Between 0 and 1.
    Share,
    /// How many times.
    Factor,
    /// Bytes.
    Bytes,
}

/// Which way is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Better {
    /// Less.
    Lower,
    /// More.
    Higher,
}

const fn lower(
    key: &'static str,
    name: &'static str,
    unit: Unit,
    of: fn(&Figures) -> Option<f64>,
) -> Metric {
    let ideal = if matches!(unit, Unit::Factor) { 1.0 } else { 0.0 };
    Metric { key, name, unit, better: Better::Lower, ideal: Some(ideal), of }
}

const fn higher(
    key: &'static str,
    name: &'static str,
    unit: Unit,
    of: fn(&Figures) -> Option<f64>,
) -> Metric {
    Metric { key, name, unit, better: Better::Higher, ideal: None, of }
}

fn whole(value: Option<u64>) -> Option<f64> {
    value.map(number)
}

/// All metrics, in the order of reports.
pub const METRICS: [Metric; 20] = [
    lower("regret", "regret per 100 000", Unit::Count, |f| f.regret.value()),
    lower("errors", "user errors", Unit::Count, |f| Some(number(f.errors))),
    lower("corrupt", "corrupt", Unit::Count, |f| Some(number(f.of_class(Class::Corrupt)))),
    lower("duplicates_committed", "executed twice", Unit::Count, |f| {
        Some(number(f.extra.duplicates_committed))
    }),
    lower("duplicates_begun", "begun twice", Unit::Count, |f| {
        Some(number(f.extra.duplicates_begun))
    }),
    lower("p50", "p50 in the fault", Unit::Time, |f| whole(f.fault.p50)),
    lower("p99", "p99 in the fault", Unit::Time, |f| whole(f.fault.p99)),
    lower("p99_9", "p99.9 in the fault", Unit::Time, |f| whole(f.fault.p99_9)),
    lower("ok_p99", "p99 of ok in the fault", Unit::Time, |f| whole(f.fault.ok_p99)),
    lower("inflation", "p99 ÷ control", Unit::Factor, |f| f.inflation_fault),
    lower("amplification", "amplification", Unit::Factor, |f| f.extra.amplification),
    lower("amplification_peak", "its peak second", Unit::Factor, |f| f.extra.amplification_peak),
    lower("wasted", "wasted work", Unit::Share, |f| f.extra.wasted),
    lower("detect", "time to detect", Unit::Time, |f| f.shares.detect.at_least()),
    lower("eject", "time to eject", Unit::Time, |f| f.shares.eject.at_least()),
    lower("recover", "time to recover", Unit::Time, |f| f.recovery.from_removal.at_least()),
    lower("comeback", "time to return", Unit::Time, |f| f.shares.comeback.at_least()),
    lower("false_ejection", "false ejection", Unit::Share, |f| f.shares.false_ejection),
    lower("collateral", "collateral", Unit::Share, |f| f.collateral),
    higher("goodput", "goodput in the fault", Unit::Count, |f| f.goodput_fault),
];

impl Metric {
    /// Its value in a run as it is compared: never better than the ideal.
    #[must_use]
    pub fn compared(&self, figures: &Figures) -> Option<f64> {
        let value = (self.of)(figures)?;
        Some(self.ideal.map_or(value, |ideal| value.max(ideal)))
    }

    /// The metric of a key.
    #[must_use]
    pub fn named(key: &str) -> Option<&'static Self> {
        METRICS.iter().find(|metric| metric.key == key)
    }
}
