//! What is looked at in a run of a proof, and the runs themselves.

use seawall_core::time::Instant;

use super::{Compared, Contrast, SEED};
use crate::chance::Seed;
use crate::dist::seconds;
use crate::observe::{Condition, End, LoadRecord, Record, strips};
use crate::plan::Plan;
use crate::verdict::{Unit, number};
use crate::world::World;

/// A number of a run, if it has one.
type Measure = Box<dyn Fn(&Record) -> Option<f64>>;

/// A measure by name; what it says of a run, if anything.
pub(super) struct Look {
    name: String,
    unit: Unit,
    of: Measure,
}

/// Two worlds that are to be compared.
pub(super) struct Trial {
    pub(super) scene: String,
    pub(super) fix: String,
    pub(super) runs: u32,
    /// With the present values, and with the fix.
    pub(super) plans: [Plan; 2],
    pub(super) looks: Vec<Look>,
}

impl Trial {
    /// Runs both worlds under the same seeds.
    pub(super) fn run(self) -> Contrast {
        let [now, fixed] = self.plans.map(|plan| records(&plan, self.runs));
        let measures = self.looks.iter().map(|look| Compared {
            name: look.name.clone(),
            unit: look.unit,
            now: mean(&now, look),
            fixed: mean(&fixed, look),
        });
        let measures = measures.collect();
        Contrast { scene: self.scene, fix: self.fix, runs: self.runs, measures }
    }
}

pub(super) fn records(plan: &Plan, runs: u32) -> Vec<Record> {
    let seed = Seed::new(SEED);
    (0..runs).map(|run| World::run(plan.clone(), seed.of_run(run.into()))).collect()
}

/// The mean over the runs in which there is such a number.
fn mean(records: &[Record], look: &Look) -> Option<f64> {
    let values: Vec<f64> = records.iter().filter_map(|record| (look.of)(record)).collect();
    let count = u32::try_from(values.len()).ok().filter(|count| *count > 0)?;
    Some(values.iter().sum::<f64>() / f64::from(count))
}

fn sum(record: &Record, of: impl Fn(&LoadRecord) -> u64) -> u64 {
    record.loads.iter().map(of).sum()
}

fn part(part: f64, whole: f64) -> Option<f64> {
    (whole > 0.0).then(|| part / whole)
}

impl Look {
    pub(super) fn new(
        name: impl Into<String>,
        unit: Unit,
        of: impl Fn(&Record) -> Option<f64> + 'static,
    ) -> Self {
        Self { name: name.into(), unit, of: Box::new(of) }
    }

    /// The share of ended calls that ended badly.
    pub(super) fn failed() -> Self {
        Self::new("failed calls", Unit::Share, |record| {
            let (ended, good) = (sum(record, LoadRecord::ended), sum(record, LoadRecord::good));
            part(number(ended - good), number(ended))
        })
    }

    /// The share of calls that were refused.
    pub(super) fn refused() -> Self {
        Self::new("refused calls", Unit::Share, |record| {
            let refused = sum(record, |load| load.ends(End::Refused));
            part(number(refused), number(sum(record, LoadRecord::ended)))
        })
    }

    /// The share of a service's work that nobody waited for.
    pub(super) fn wasted(service: usize) -> Self {
        Self::new("wasted work", Unit::Share, move |record| {
            let service = record.services.get(service)?;
            part(service.wasted, service.wasted + service.wanted)
        })
    }

    /// Requests that arrive at a service for each call.
    pub(super) fn amplification(service: usize, name: &str) -> Self {
        Self::new(format!("requests at {name} for each call"), Unit::Number, move |record| {
            let arrived = number(record.services.get(service)?.arrived);
            part(arrived, number(sum(record, |load| load.started)))
        })
    }

    /// Work in progress, on the mean.
    pub(super) fn in_flight(service: usize) -> Self {
        Self::new("in flight", Unit::Number, move |record| {
            let seconds = record.end.since(Instant::EPOCH).as_secs_f64();
            part(record.services.get(service)?.occupancy, seconds)
        })
    }

    /// The latency that 99 % of the good calls keep to.
    pub(super) fn p99() -> Self {
        Self::new("p99 of good calls", Unit::Time, |record| {
            let mut all = crate::observe::Latency::default();
            record.loads.iter().for_each(|load| all.merge(&load.latency));
            (all.count() > 0).then(|| all.quantile(0.99))
        })
    }

    /// How long a failing call takes until it fails.
    pub(super) fn until_failed() -> Self {
        Self::new("time until a call fails", Unit::Time, |record| {
            let mut all = crate::observe::Latency::default();
            record.loads.iter().for_each(|load| all.merge(&load.bad));
            (all.count() > 0).then(|| all.mean())
        })
    }

    /// From a time on until something of an upstream gets into one of these conditions; `None` in
    /// runs where it does not.
    pub(super) fn reached(name: &str, seen: Seen, from: f64) -> Self {
        Self::new(name, Unit::Time, move |record| Some(seen.first(record, from)? - from))
    }

    /// The share of runs in which that happens in time.
    pub(super) fn reaches(name: &str, seen: Seen, (from, until): (f64, f64)) -> Self {
        Self::new(name, Unit::Share, move |record| {
            Some(f64::from(u8::from(seen.first(record, from).is_some_and(|at| at <= until))))
        })
    }

    /// How often that happens.
    pub(super) fn times(name: &str, seen: Seen) -> Self {
        Self::new(name, Unit::Number, move |record| {
            Some(seen.all(record).map(|_| 1.0).sum::<f64>())
        })
    }

    /// The same, so many times as much.
    pub(super) fn scaled(self, factor: f64) -> Self {
        let Self { name, unit, of } = self;
        Self::new(name, unit, move |record| Some(of(record)? * factor))
    }

    /// Calls that end well in the last part of the run, of those that begin in it.
    pub(super) fn in_the_end(after: f64) -> Self {
        let name = "calls that fail in the end";
        Self::new(name, Unit::Share, move |record| Some(1.0 - good_after(record, after)))
    }
}

/// The share of calls that end well from a time on, of those that begin; at most all.
pub(super) fn good_after(record: &Record, after: f64) -> f64 {
    let bucket = record.bucket.as_secs_f64().max(1e-9);
    let (mut good, mut started, mut at) = (0, 0, 0.0);
    for place in 0.. {
        let mut buckets = record.loads.iter().filter_map(|load| load.timeline.get(place));
        let Some(first) = buckets.next() else { break };
        if at >= after {
            good += first.good + buckets.clone().map(|bucket| bucket.good).sum::<u64>();
            started += first.started + buckets.map(|bucket| bucket.started).sum::<u64>();
        }
        at += bucket;
    }
    crate::verdict::share(good.min(started), started)
}

/// Conditions of an upstream as a whole, or of its first endpoint.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seen {
    upstream: usize,
    endpoint: Option<usize>,
    conditions: &'static [Condition],
}

impl Seen {
    /// The breaker of the whole upstream opens.
    pub(super) const fn opened(upstream: usize) -> Self {
        Self { upstream, endpoint: None, conditions: &[Condition::Open] }
    }

    /// The first endpoint is taken out of choice.
    pub(super) const fn taken_out(upstream: usize) -> Self {
        let conditions = &[Condition::Open, Condition::Ejected, Condition::Unhealthy];
        Self { upstream, endpoint: Some(0), conditions }
    }

    /// The same for a breaker of its own.
    pub(super) const fn endpoint_opened(upstream: usize) -> Self {
        Self { upstream, endpoint: Some(0), conditions: &[Condition::Open] }
    }

    fn all(self, record: &Record) -> impl Iterator<Item = f64> {
        let strips = strips(record).into_iter();
        let own =
            strips.filter(move |s| s.upstream == self.upstream && s.endpoint == self.endpoint);
        let all = own.flat_map(|strip| strip.stretches);
        let meant = all.filter(move |stretch| self.conditions.contains(&stretch.condition));
        meant.map(|stretch| stretch.from.since(Instant::EPOCH).as_secs_f64())
    }

    fn first(self, record: &Record, from: f64) -> Option<f64> {
        let from = seconds(from).as_secs_f64();
        self.all(record).filter(|at| *at >= from).min_by(f64::total_cmp)
    }
}
