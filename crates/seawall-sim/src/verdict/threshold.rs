//! Where a sweep turns: up to which value runs come back, and from which on they stay down. The
//! distance between the working load and that value is the hidden capacity of a system.
//!
//! A load that rises and falls within one run is looked at in `hysteresis`.

use seawall_core::time::Instant;

use super::{Proportion, trouble};
use crate::outcome::{Outcome, Point};
use crate::plan::{Arrivals, Plan};

/// What a sweep found along one axis, the others standing still.
#[derive(Clone, Debug, PartialEq)]
pub struct Threshold {
    /// The axis.
    pub axis: usize,
    /// Where the other axes stand: each with the place of its value.
    pub others: Vec<(usize, usize)>,
    /// What the numbers of the steps are.
    pub quantity: Quantity,
    /// From the value under which fewest runs stay down to the other end of the axis.
    pub steps: Vec<Turn>,
    /// The last step up to which all runs come back.
    pub holds: Option<usize>,
    /// The first in which some do not.
    pub fails: Option<usize>,
}

/// What changes along an axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quantity {
    /// The planned load in calls a second, at the beginning.
    Load,
    /// The same, at the end.
    EndLoad,
    /// The value as it is written.
    Value,
}

/// One step along an axis.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Turn {
    /// The place of its value on the axis.
    pub value: usize,
    /// The place of its point in the outcome.
    pub point: usize,
    /// The number that stands for it: calls a second, or what the value begins with.
    pub number: f64,
    /// The share of runs that stay down.
    pub down: Proportion,
}

/// The thresholds of a sweep along the axis that is a load, else along the first whose values are
/// numbers: one for each combination of the others. None without such an axis.
#[must_use]
pub fn thresholds(outcome: &Outcome) -> Vec<Threshold> {
    let Some((axis, quantity)) = main_axis(outcome) else { return Vec::new() };
    let mut all: Vec<Threshold> = Vec::new();
    for (place, point) in outcome.points.iter().enumerate() {
        let others: Vec<(usize, usize)> =
            point.values.iter().copied().enumerate().filter(|(other, _)| *other != axis).collect();
        let Some(number) = quantity_of(outcome, point, (axis, quantity)) else { continue };
        let Some(value) = point.values.get(axis).copied() else { continue };
        let turn = Turn { value, point: place, number, down: point.down() };
        match all.iter_mut().find(|threshold| threshold.others == others) {
            Some(threshold) => threshold.steps.push(turn),
            None => all.push(Threshold {
                axis,
                others,
                quantity,
                steps: vec![turn],
                holds: None,
                fails: None,
            }),
        }
    }
    all.iter_mut().for_each(Threshold::settle);
    all
}

/// The one threshold of a sweep over one axis.
#[must_use]
pub fn threshold(outcome: &Outcome) -> Option<Threshold> {
    thresholds(outcome).into_iter().next().filter(|threshold| threshold.others.is_empty())
}

impl Threshold {
    /// Brings the steps in order and finds where they turn.
    fn settle(&mut self) {
        self.steps.sort_by(|a, b| a.number.total_cmp(&b.number));
        let ends = self.steps.first().zip(self.steps.last());
        if ends.is_some_and(|(first, last)| first.down.share() > last.down.share()) {
            self.steps.reverse();
        }
        self.fails = self.steps.iter().position(|step| step.down.hits > 0);
        self.holds = match self.fails {
            Some(fails) => fails.checked_sub(1),
            None => self.steps.len().checked_sub(1),
        };
    }

    /// Whether more of the quantity helps: the steps go down.
    #[must_use]
    pub fn falls(&self) -> bool {
        let ends = self.steps.first().zip(self.steps.last());
        ends.is_some_and(|(first, last)| first.number > last.number)
    }
}

fn main_axis(outcome: &Outcome) -> Option<(usize, Quantity)> {
    let axes = 0..outcome.axes.len();
    let load = axes.clone().find_map(|axis| {
        let of = |quantity| varies(outcome, axis, quantity).then_some((axis, quantity));
        of(Quantity::Load).or_else(|| of(Quantity::EndLoad))
    });
    load.or_else(|| {
        let numeric = |axis: &usize| {
            let values = outcome.axes.get(*axis).map(|axis| axis.values.as_slice());
            values.is_some_and(|all| all.len() > 1 && all.iter().all(|v| leading(v).is_some()))
        };
        axes.clone().find(numeric).map(|axis| (axis, Quantity::Value))
    })
}

/// Whether every value of an axis brings another load while the other axes stand still.
fn varies(outcome: &Outcome, axis: usize, quantity: Quantity) -> bool {
    let Some(first) = outcome.points.first() else { return false };
    let same = |point: &&Point| {
        let pairs = point.values.iter().zip(&first.values).enumerate();
        pairs.into_iter().all(|(other, (a, b))| other == axis || a == b)
    };
    let line = outcome.points.iter().filter(same);
    let mut loads: Vec<f64> =
        line.filter_map(|point| quantity_of(outcome, point, (axis, quantity))).collect();
    loads.sort_by(f64::total_cmp);
    loads.len() > 1 && loads.windows(2).all(|pair| matches!(pair, [a, b] if b > a))
}

fn quantity_of(
    outcome: &Outcome,
    point: &Point,
    (axis, quantity): (usize, Quantity),
) -> Option<f64> {
    match quantity {
        Quantity::Load => Some(planned(&point.plan, before(&point.plan))),
        Quantity::EndLoad => {
            let end = Instant::EPOCH.after(point.plan.horizon).as_nanos().saturating_sub(1);
            Some(planned(&point.plan, Instant::from_nanos(end)))
        }
        Quantity::Value => leading(outcome.axes.get(axis)?.values.get(*point.values.get(axis)?)?),
    }
}

/// The last instant before anything is wrong.
fn before(plan: &Plan) -> Instant {
    let from = trouble(plan).map_or(Instant::EPOCH, |span| span.from);
    Instant::from_nanos(from.as_nanos().saturating_sub(1))
}

/// The calls a second that are planned for a time, over all open loads.
#[must_use]
pub fn planned(plan: &Plan, at: Instant) -> f64 {
    let rates = plan.loads.iter().map(|load| match &load.arrivals {
        Arrivals::Open { rate, .. } | Arrivals::Hybrid { rate, .. } => rate.at(at),
        Arrivals::Closed { .. } | Arrivals::Replay(_) => 0.0,
    });
    rates.sum()
}

/// The number that a value begins with, its unit brought to seconds where it is a duration.
fn leading(value: &str) -> Option<f64> {
    let value = value.trim().trim_matches('"');
    let end = value.find(|c: char| !(c.is_ascii_digit() || matches!(c, '.' | '-' | '+')));
    let (digits, unit) = value.split_at(end.unwrap_or(value.len()));
    let factor = match unit.trim() {
        "ns" => 1e-9,
        "us" | "µs" => 1e-6,
        "ms" => 1e-3,
        "m" | "min" => 60.0,
        "h" => 3600.0,
        _ => 1.0,
    };
    digits.parse::<f64>().ok().filter(|number| number.is_finite()).map(|number| number * factor)
}
