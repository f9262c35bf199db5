//! What a run comes to, in numbers that an operator asks for.
//!
//! Everything here is computed from a [`Record`] and the [`Plan`] that gave it; nothing is
//! measured. How it is shown is not here.

use crate::observe::Record;
use crate::plan::Plan;

/// The verdict on one run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Verdict {
    /// Calls that began after the warm-up.
    pub calls: u64,
    /// The share of ended calls that ended well.
    pub success_rate: f64,
    /// Attempts that reached a service for each call.
    pub amplification: f64,
}

impl Verdict {
    /// Judges a run.
    #[must_use]
    pub fn of(_plan: &Plan, record: &Record) -> Self {
        let calls: u64 = record.loads.iter().map(|load| load.started).sum();
        let ended: u64 = record.loads.iter().map(crate::observe::LoadRecord::ended).sum();
        let good: u64 = record.loads.iter().map(crate::observe::LoadRecord::good).sum();
        let arrived: u64 = record.services.iter().map(|service| service.arrived).sum();
        Self { calls, success_rate: share(good, ended), amplification: share(arrived, calls) }
    }

    /// A number of the verdict by its name in scenario files; none of that name otherwise.
    #[must_use]
    pub fn measure(&self, name: &str) -> Option<f64> {
        match name {
            "success_rate" => Some(self.success_rate),
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
