//! What a run comes to, in numbers that an operator asks for.
//!
//! Everything here is computed from a [`Record`] and the [`Plan`] that gave it; nothing is
//! measured. How the run got there over time is in `course`, and how it is shown is not here.

mod course;
mod fate;
mod hysteresis;
mod interval;
mod paired;
mod threshold;

#[cfg(test)]
mod sweep_tests;
#[cfg(test)]
mod tests;

use seawall_core::time::Duration;

use crate::observe::{Condition, End, Latency, LoadRecord, Record, time_in};
use crate::plan::Plan;

pub use course::{Course, Span, trouble};
pub use fate::Fate;
pub use hysteresis::{Hysteresis, Level, hysteresis};
pub use interval::{CONFIDENCE, Estimate, Proportion};
pub use paired::{Change, Fates, Paired, paired, written};
pub use threshold::{Quantity, Threshold, Turn, planned, threshold, thresholds};

/// The verdict on one run. Times are in seconds; calls count that began after the warm-up.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Verdict {
    /// Calls that began.
    pub calls: u64,
    /// The share of ended calls that ended well, substitutes included.
    pub success_rate: f64,
    /// The share of ended calls that ended with a substitute.
    pub substitute_rate: f64,
    /// The share of ended calls that were refused.
    pub refused_rate: f64,
    /// Calls that ended well, a second of the time after the warm-up.
    pub goodput: f64,
    /// The mean latency of calls that ended well, from their intended start.
    pub mean: f64,
    /// The quantiles of the same: 50 %, 90 %, 99 %, 99.9 %.
    pub quantiles: [f64; 4],
    /// Attempts that callers made for each call: their own retries.
    pub load_factor: f64,
    /// Requests that arrived at services for each call: everything that multiplies.
    pub amplification: f64,
    /// The share of the services' work that nobody waited for.
    pub wasted_work: f64,
    /// Jain's index over the success rates of the loads: 1 if all fare alike, 1/n if one alone
    /// fares well. Jain, Chiu and Hawe (1984).
    pub fairness: f64,
    /// How each load fared, in the order of the plan: what the index is made of.
    pub loads: Vec<LoadVerdict>,
    /// Executions of unsafe calls after their first.
    pub duplicates: u64,
    /// Seconds that gateways spent in panic: too few endpoints, and all tried. Instances and
    /// upstreams add up.
    pub panic: f64,
    /// How it went over time.
    pub course: Course,
    /// More was under way than may be: queues grow without bound.
    pub unstable: bool,
}

/// How one load fared.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LoadVerdict {
    /// Its name.
    pub name: String,
    /// Calls that began.
    pub calls: u64,
    /// The share of ended calls that ended well.
    pub success_rate: f64,
    /// Calls that ended well, a second.
    pub goodput: f64,
    /// 99 % of those took at most so long.
    pub p99: f64,
}

/// The shares of [`Verdict::quantiles`].
pub const QUANTILES: [f64; 4] = [0.5, 0.9, 0.99, 0.999];

/// A number of a verdict, by its name in scenario files.
#[derive(Clone, Copy, Debug)]
pub struct Measure {
    /// The name.
    pub name: &'static str,
    /// What kind of number it is.
    pub unit: Unit,
    of: fn(&Verdict) -> Option<f64>,
}

/// What kind of number a measure is: how it is written, and what it can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// 0 to 1, written as a percentage.
    Share,
    /// Seconds, written as a duration.
    Time,
    /// At least 0.
    Number,
    /// 0 for no and 1 for yes.
    Truth,
}

/// Which way operators would have a measure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    /// The more, the better.
    More,
    /// The less, the better.
    Less,
    /// Neither: it depends.
    None,
}

impl Measure {
    /// The number; none where it does not apply, such as the time to recover of what did not.
    #[must_use]
    pub fn of(&self, verdict: &Verdict) -> Option<f64> {
        (self.of)(verdict)
    }

    /// Which way operators would have it.
    #[must_use]
    pub fn wish(&self) -> Wish {
        match self.name {
            "success_rate" | "goodput" | "fairness" | "worst_second" | "end_success_rate" => {
                Wish::More
            }
            "substitute_rate" | "refused_rate" => Wish::None,
            _ => Wish::Less,
        }
    }

    /// The measure of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<&'static Self> {
        MEASURES.iter().find(|measure| measure.name == name)
    }
}

/// All measures, in the order of reports.
pub const MEASURES: [Measure; 22] = [
    Measure::new("success_rate", Unit::Share, |v| Some(v.success_rate)),
    Measure::new("substitute_rate", Unit::Share, |v| Some(v.substitute_rate)),
    Measure::new("refused_rate", Unit::Share, |v| Some(v.refused_rate)),
    Measure::new("goodput", Unit::Number, |v| Some(v.goodput)),
    Measure::new("mean", Unit::Time, |v| Some(v.mean)),
    Measure::new("p50", Unit::Time, |v| Some(v.quantiles[0])),
    Measure::new("p90", Unit::Time, |v| Some(v.quantiles[1])),
    Measure::new("p99", Unit::Time, |v| Some(v.quantiles[2])),
    Measure::new("p99_9", Unit::Time, |v| Some(v.quantiles[3])),
    Measure::new("load_factor", Unit::Number, |v| Some(v.load_factor)),
    Measure::new("amplification", Unit::Number, |v| Some(v.amplification)),
    Measure::new("wasted_work", Unit::Share, |v| Some(v.wasted_work)),
    Measure::new("fairness", Unit::Share, |v| Some(v.fairness)),
    Measure::new("duplicates", Unit::Number, |v| Some(number(v.duplicates))),
    Measure::new("time_in_panic", Unit::Time, |v| Some(v.panic)),
    Measure::new("time_to_detect", Unit::Time, |v| v.course.detected),
    Measure::new("time_to_eject", Unit::Time, |v| v.course.ejected),
    Measure::new("time_to_recover", Unit::Time, |v| v.course.recovered),
    Measure::new("worst_second", Unit::Share, |v| Some(v.course.worst)),
    Measure::new("end_success_rate", Unit::Share, |v| Some(v.course.end)),
    Measure::new("metastable", Unit::Truth, |v| Some(f64::from(u8::from(v.course.metastable)))),
    Measure::new("unstable", Unit::Truth, |v| Some(f64::from(u8::from(v.unstable)))),
];

impl Measure {
    const fn new(name: &'static str, unit: Unit, of: fn(&Verdict) -> Option<f64>) -> Self {
        Self { name, unit, of }
    }
}

impl Verdict {
    /// Judges a run.
    #[must_use]
    pub fn of(plan: &Plan, record: &Record) -> Self {
        let sum = |of: fn(&LoadRecord) -> u64| record.loads.iter().map(of).sum::<u64>();
        let (calls, ended, good) =
            (sum(|load| load.started), sum(LoadRecord::ended), sum(LoadRecord::good));
        let arrived: u64 = record.services.iter().map(|service| service.arrived).sum();
        let (latency, counted) = (good_latency(record), counted(plan, record).as_secs_f64());
        Self {
            calls,
            success_rate: share(good, ended),
            substitute_rate: share(sum(|load| load.ends(End::Substitute)), ended.max(1)),
            refused_rate: share(sum(|load| load.ends(End::Refused)), ended.max(1)),
            goodput: if counted > 0.0 { number(good) / counted } else { 0.0 },
            mean: latency.mean(),
            quantiles: QUANTILES.map(|share| latency.quantile(share)),
            load_factor: share(sum(|load| load.attempts), calls),
            amplification: share(arrived, calls),
            wasted_work: wasted(record),
            fairness: fairness(record),
            loads: loads(plan, record, counted),
            duplicates: record.duplicates,
            panic: time_in(record, Condition::Panic),
            course: Course::of(plan, record),
            unstable: record.unstable.is_some(),
        }
    }

    /// A number of the verdict by its name; none of that name, or where it does not apply.
    #[must_use]
    pub fn measure(&self, name: &str) -> Option<f64> {
        Measure::named(name)?.of(self)
    }
}

fn good_latency(record: &Record) -> Latency {
    let mut all = Latency::default();
    for load in &record.loads {
        all.merge(&load.latency);
    }
    all
}

/// How long calls counted.
fn counted(plan: &Plan, record: &Record) -> Duration {
    let until = record.end.as_nanos().min(seawall_core::time::nanos(plan.horizon));
    Duration::from_nanos(until).saturating_sub(plan.warmup)
}

fn loads(plan: &Plan, record: &Record, seconds: f64) -> Vec<LoadVerdict> {
    let all = plan.loads.iter().zip(&record.loads);
    all.map(|(load, record)| LoadVerdict {
        name: load.name.clone(),
        calls: record.started,
        success_rate: share(record.good(), record.ended()),
        goodput: if seconds > 0.0 { number(record.good()) / seconds } else { 0.0 },
        p99: record.latency.quantile(0.99),
    })
    .collect()
}

fn wasted(record: &Record) -> f64 {
    let wasted: f64 = record.services.iter().map(|service| service.wasted).sum();
    let wanted: f64 = record.services.iter().map(|service| service.wanted).sum();
    if wasted > 0.0 { wasted / (wasted + wanted) } else { 0.0 }
}

fn fairness(record: &Record) -> f64 {
    let rates = record.loads.iter().filter(|load| load.ended() > 0);
    let rates: Vec<f64> = rates.map(|load| share(load.good(), load.ended())).collect();
    let sum: f64 = rates.iter().sum();
    let squares: f64 = rates.iter().map(|rate| rate * rate).sum();
    let count = rates.iter().map(|_| 1.0).sum::<f64>();
    if squares > 0.0 { sum * sum / (count * squares) } else { 1.0 }
}

/// A part of a whole; 1 of nothing.
#[must_use]
pub fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 { 1.0 } else { number(part) / number(whole) }
}

#[expect(clippy::cast_precision_loss, reason = "sixteen digits of a count are enough")]
pub(crate) const fn number(count: u64) -> f64 {
    count as f64
}
