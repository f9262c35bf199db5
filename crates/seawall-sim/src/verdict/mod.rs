//! What a run comes to, in numbers that an operator asks for.
//!
//! Everything here is computed from a [`Record`] and the [`Plan`] that gave it; nothing is
//! measured. How it is shown is not here.

use crate::observe::Record;
use crate::plan::Plan;

/// What a measure counts in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// A share, 0 to 1.
    Share,
    /// A plain number, 0 or more.
    Factor,
    /// Seconds, 0 or more.
    Seconds,
    /// A whole number.
    Count,
    /// 1 for true, 0 for false.
    Truth,
}

/// A number of the verdict by its name in scenario files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Measure {
    /// Its name.
    pub name: &'static str,
    /// What it counts in.
    pub unit: Unit,
}

const fn measure(name: &'static str, unit: Unit) -> Measure {
    Measure { name, unit }
}

/// The verdict on one run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Verdict {
    /// Calls that began after the warm-up.
    pub calls: u64,
    /// The share of ended calls that ended well.
    pub success_rate: f64,
    /// The share of begun calls that ended well.
    pub goodput: f64,
    /// Attempts that reached a service for each call.
    pub amplification: f64,
    /// Whether more was under way than may be, so that the run ended early.
    pub unstable: bool,
}

impl Verdict {
    /// All that [`Verdict::measure`] knows.
    pub const MEASURES: &[Measure] = &[
        measure("success_rate", Unit::Share),
        measure("goodput", Unit::Share),
        measure("amplification", Unit::Factor),
        measure("unstable", Unit::Truth),
    ];

    /// Judges a run.
    #[must_use]
    pub fn of(_plan: &Plan, record: &Record) -> Self {
        let calls: u64 = record.loads.iter().map(|load| load.started).sum();
        let ended: u64 = record.loads.iter().map(crate::observe::LoadRecord::ended).sum();
        let good: u64 = record.loads.iter().map(crate::observe::LoadRecord::good).sum();
        let arrived: u64 = record.services.iter().map(|service| service.arrived).sum();
        Self {
            calls,
            success_rate: share(good, ended),
            goodput: share(good, calls),
            amplification: share(arrived, calls),
            unstable: record.unstable.is_some(),
        }
    }

    /// A number of the verdict by its name in scenario files; none of that name otherwise.
    #[must_use]
    pub fn measure(&self, name: &str) -> Option<f64> {
        match name {
            "success_rate" => Some(self.success_rate),
            "goodput" => Some(self.goodput),
            "unstable" => Some(f64::from(u8::from(self.unstable))),
            "amplification" => Some(self.amplification),
            _ => None,
        }
    }
}

/// A part of a whole; 1 of nothing.
#[must_use]
pub fn share(part: u64, whole: u64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "sixteen digits of a share are enough")]
    let (part, count) = (part as f64, whole as f64);
    if whole == 0 { 1.0 } else { part / count }
}
