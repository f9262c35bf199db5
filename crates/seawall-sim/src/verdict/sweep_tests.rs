//! Thresholds, hysteresis and pairs, on outcomes made by hand.

use seawall_core::time::{Duration, Instant};

use super::{
    Course, Estimate, Fate, Measure, Quantity, Verdict, hysteresis, paired, threshold, thresholds,
};
use crate::chance::Seed;
use crate::dist::Distribution;
use crate::observe::{Bucket, LoadRecord, Record};
use crate::outcome::{Axis, Outcome, Point, Run};
use crate::plan::{Arrivals, Caller, Load, Plan, Rate, Server, Service, Shape, Spacing, Target};
use crate::world::World;

const SECOND: Duration = Duration::from_secs(1);

fn at(secs: u32) -> Instant {
    Instant::EPOCH.after(secs * SECOND)
}

fn plan(points: Vec<(Instant, f64)>, shape: Shape) -> Plan {
    let mut plan = Plan::lasting(100 * SECOND);
    plan.buckets = 100;
    let service = plan.service(Service::new("a", Server::new(1, Distribution::NONE)));
    let rate = Rate { points, shape, scale: 1.0 };
    let arrivals = Arrivals::Open { rate, spacing: Spacing::Even };
    plan.loads.push(Load::new("all", arrivals, Caller::of(Target::Service(service))));
    plan
}

fn steady(load: f64) -> Plan {
    plan(vec![(at(0), load), (at(20), 2.0 * load), (at(25), load)], Shape::Steps)
}

fn run(seed: u64, fate: Fate, goodput: f64) -> Run {
    let end = if fate == Fate::Back { 1.0 } else { 0.0 };
    let course = Course { end, ..Course::default() };
    Run { seed, verdict: Verdict { course, goodput, ..Verdict::default() }, record: None }
}

/// A point with so many of four runs down.
fn point(values: Vec<usize>, plan: Plan, down: u64) -> Point {
    let fate = |seed| if seed < down { Fate::Down } else { Fate::Back };
    Point { values, plan, runs: (0..4).map(|seed| run(seed, fate(seed), 10.0)).collect() }
}

fn outcome(axes: &[(&str, &[&str])], points: Vec<Point>) -> Outcome {
    let axis = |(name, values): &(&str, &[&str])| Axis {
        name: (*name).to_owned(),
        values: values.iter().map(|value| (*value).to_owned()).collect(),
    };
    Outcome {
        title: String::new(),
        command: String::new(),
        seed: 0,
        config: None,
        axes: axes.iter().map(axis).collect(),
        points,
        expectations: Vec::new(),
    }
}

#[test]
fn the_threshold_lies_between_the_last_load_that_holds_and_the_first_that_does_not() {
    // Out of order in the file, and named so that only the plans tell that it is a load.
    let points = [(30.0, 0), (40.0, 3), (20.0, 0), (50.0, 4)];
    let points = points.iter().enumerate();
    let points = points.map(|(place, (load, down))| point(vec![place], steady(*load), *down));
    let outcome = outcome(&[("x", &["c", "d", "b", "e"])], points.collect());
    let found = threshold(&outcome).expect("the load changes");
    assert_eq!(found.quantity, Quantity::Load);
    let numbers: Vec<_> = found.steps.iter().map(|step| step.number.to_string()).collect();
    assert_eq!(numbers, ["20", "30", "40", "50"]);
    assert_eq!((found.holds, found.fails), (Some(1), Some(2)));
    assert_eq!(found.steps[2].down.share().to_string(), "0.75");
}

#[test]
fn more_of_what_protects_is_read_downward() {
    let down = [4, 2, 0];
    let points = down.iter().enumerate().map(|(v, down)| point(vec![v], steady(10.0), *down));
    let outcome = outcome(&[("budget", &["0%", "10%", "20%"])], points.collect());
    let found = threshold(&outcome).expect("its values are numbers");
    assert!(found.falls() && found.quantity == Quantity::Value);
    assert_eq!((found.holds, found.fails), (Some(0), Some(1)));
    assert_eq!(found.steps[0].value, 2);
}

#[test]
fn durations_are_numbers_whatever_their_unit() {
    let points = (0..3).map(|value| point(vec![value], steady(10.0), 0));
    let outcome = outcome(&[("width", &["500ms", "2s", "1m"])], points.collect());
    let found = threshold(&outcome).expect("its values are numbers");
    let numbers: Vec<_> = found.steps.iter().map(|step| step.number.to_string()).collect();
    assert_eq!(numbers, ["0.5", "2", "60"]);
    assert_eq!((found.holds, found.fails), (Some(2), None));
}

#[test]
fn each_value_of_a_second_axis_has_its_own_threshold() {
    let loads = [10.0, 20.0];
    let points = (0..2).flat_map(|x| (0..2).map(move |y| (x, y)));
    let points = points.map(|(x, y)| point(vec![x, y], steady(loads[x]), (x * y) as u64));
    let axes: [(&str, &[&str]); 2] = [("load", &["10", "20"]), ("policy", &["a", "b"])];
    let outcome = outcome(&axes, points.collect());
    let found = thresholds(&outcome);
    let told: Vec<_> = found.iter().map(|f| (f.others.clone(), f.holds, f.fails)).collect();
    assert_eq!(told, [(vec![(1, 0)], Some(1), None), (vec![(1, 1)], Some(0), Some(1))]);
    assert!(threshold(&outcome).is_none());
}

#[test]
fn words_have_no_threshold() {
    let points = (0..2).map(|value| point(vec![value], steady(10.0), 0)).collect();
    assert!(thresholds(&outcome(&[("queue", &["fifo", "lifo"])], points)).is_empty());
}

/// A record in which so many of the planned calls of each second ended well.
fn record(plan: &Plan, good: impl Fn(u32, u64) -> u64) -> Record {
    let mut record = World::run(Plan { loads: Vec::new(), ..plan.clone() }, Seed::new(0));
    let bucket = |second: u32| {
        let started = if second < 50 { u64::from(second) } else { 100 - u64::from(second) };
        Bucket { started, good: good(second, started), ..Bucket::default() }
    };
    let timeline = (0..100).map(bucket).collect();
    record.loads.push(LoadRecord { timeline, ..LoadRecord::default() });
    record
}

#[test]
fn a_load_that_rises_and_falls_is_read_both_ways() {
    let points = vec![(at(0), 0.0), (at(50), 50.0), (at(100), 0.0)];
    let plan = plan(points, Shape::Line);
    let lost = record(&plan, |second, started| if second < 45 { started } else { 0 });
    let found = hysteresis(&plan, &lost).expect("it rises and falls");
    let low = |level: &&super::Level| (5.0..40.0).contains(&level.offered);
    assert!(found.up.iter().filter(low).all(|level| level.goodput >= level.offered));
    assert!(found.down.iter().filter(low).all(|level| level.goodput <= 0.0));
    assert!(found.up.iter().filter(low).count() > 5 && found.down.iter().filter(low).count() > 5);
}

#[test]
fn a_load_that_jumps_is_no_ramp() {
    let plan = steady(10.0);
    assert_eq!(hysteresis(&plan, &record(&plan, |_, started| started)), None);
}

#[test]
fn pairs_are_those_of_the_same_seed_and_only_working_ones_are_measured() {
    let runs = |of: [(u64, Fate, f64); 4]| {
        let runs = of.map(|(seed, fate, goodput)| run(seed, fate, goodput)).into();
        let point = Point { values: Vec::new(), plan: steady(10.0), runs };
        outcome(&[], vec![point])
    };
    let (back, down) = (Fate::Back, Fate::Down);
    let old = runs([(1, back, 10.0), (2, back, 20.0), (3, down, 0.0), (4, back, 1.0)]);
    let new = runs([(2, back, 22.0), (1, back, 12.0), (3, back, 30.0), (9, back, 1.0)]);
    let pairs = paired(&old, &new);
    let [pair] = pairs.as_slice() else { panic!("one point each: {pairs:?}") };
    assert_eq!((pair.fates.both_back, pair.fates.won, pair.fates.pairs()), (2, 1, 3));
    assert!(pair.leaves_out);
    let change = pair.changes.iter().find(|change| change.measure.name == "goodput");
    let difference = change.expect("it is measured").difference;
    // Both differences are 2: the pairs agree although the runs do not.
    assert_eq!(difference, Estimate { mean: 2.0, half: Some(0.0), count: 2 });
}

#[test]
fn a_kind_stands_for_itself_and_its_typical_run_is_near_its_median() {
    let mut point = point(Vec::new(), steady(10.0), 2);
    let record = record(&point.plan, |_, started| started);
    for (run, goodput) in point.runs.iter_mut().zip([1.0, 3.0, 10.0, 14.0]) {
        (run.verdict.goodput, run.record) = (goodput, Some(record.clone()));
    }
    let goodput = Measure::named("goodput").expect("there is one");
    let mean = |fate| point.estimate(fate, goodput).map(|of| of.mean.to_string());
    assert_eq!([Fate::Back, Fate::Down].map(mean), [Some("12".into()), Some("2".into())]);
    assert_eq!(point.typical(Fate::Down).map(|run| run.seed), Some(1));
    assert_eq!(point.typical(Fate::Back).map(|run| run.seed), Some(3));
}
