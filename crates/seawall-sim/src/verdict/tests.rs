//! Verdicts on records made by hand, and on worlds whose fate is known.

use seawall_core::time::{Duration, Instant};

use super::{MEASURES, Measure, Span, Verdict, trouble};
use crate::dist::Distribution;
use crate::observe::{Bucket, Record};
use crate::plan::{
    Arrivals, Caller, Disturbance, Fault, Load, Plan, Rate, Replicas, Server, Service, Shape,
    Spacing, Target, Victims,
};
use crate::{chance::Seed, world::World};

const SECOND: Duration = Duration::from_secs(1);

fn at(secs: u32) -> Instant {
    Instant::EPOCH.after(secs * SECOND)
}

/// Sixty seconds at ten calls a second of one service, which may be spiked.
fn plan(points: Vec<(Instant, f64)>) -> Plan {
    let mut plan = Plan::lasting(60 * SECOND);
    plan.buckets = 60;
    let service = plan.service(Service::new("a", Server::new(1, Distribution::NONE)));
    let rate = Rate { points, shape: Shape::Steps, scale: 1.0 };
    let arrivals = Arrivals::Open { rate, spacing: Spacing::Even };
    plan.loads.push(Load::new("all", arrivals, Caller::of(Target::Service(service))));
    plan
}

/// What a run would have left behind in which so many of ten calls each second ended well.
fn record(plan: &Plan, good: impl Fn(u32) -> u64) -> Record {
    let mut record = World::run(Plan { loads: Vec::new(), ..plan.clone() }, Seed::new(0));
    let bucket = |second| {
        let good = good(second);
        Bucket { started: 10, attempts: 10, good, bad: 10 - good, ..Bucket::default() }
    };
    let timeline = (0..60).map(bucket).collect();
    record.loads.push(crate::observe::LoadRecord { timeline, ..Default::default() });
    record
}

fn spiked() -> Plan {
    plan(vec![(at(0), 10.0), (at(20), 30.0), (at(25), 10.0)])
}

#[test]
fn trouble_lasts_from_the_first_disturbance_to_the_last() {
    let mut plan = spiked();
    assert_eq!(trouble(&plan), Some(Span { from: at(20), to: at(25) }));
    let all = Victims::Replicas(crate::plan::ServiceId(0), Replicas::All);
    plan.disturbances.push(Disturbance::new(at(22), all, Fault::Freeze).lasting(10 * SECOND));
    assert_eq!(trouble(&plan), Some(Span { from: at(20), to: at(32) }));
    assert_eq!(trouble(&self::plan(vec![(at(0), 10.0)])), None);
}

#[test]
fn a_run_that_never_comes_back_is_metastable_and_one_that_does_is_not() {
    let plan = spiked();
    let lost = Verdict::of(&plan, &record(&plan, |second| if second < 21 { 10 } else { 1 }));
    assert!(lost.course.metastable, "{lost:?}");
    assert_eq!(lost.course.recovered, None);
    let back = |second| if (21..40).contains(&second) { 1 } else { 10 };
    let back = Verdict::of(&plan, &record(&plan, back));
    assert!(!back.course.metastable);
    assert_eq!(back.course.recovered, Some(15.0));
    assert_eq!(back.measure("time_to_recover"), Some(15.0));
    assert_eq!(back.measure("worst_second"), Some(0.1));
}

#[test]
fn a_run_that_never_worked_is_not_metastable() {
    let plan = spiked();
    let verdict = Verdict::of(&plan, &record(&plan, |_| 2));
    assert!(!verdict.course.metastable);
    assert_eq!(verdict.measure("end_success_rate"), Some(0.2));
}

#[test]
fn a_run_under_more_load_at_its_end_is_overloaded_and_not_metastable() {
    let plan = plan(vec![(at(0), 10.0), (at(20), 30.0)]);
    let verdict = Verdict::of(&plan, &record(&plan, |second| if second < 21 { 10 } else { 1 }));
    assert!(!verdict.course.metastable);
}

#[test]
fn measures_have_names_of_their_own_and_are_found_by_them() {
    for measure in &MEASURES {
        let found = Measure::named(measure.name).map(|found| found.unit);
        assert_eq!(found, Some(measure.unit), "{}", measure.name);
        assert_eq!(MEASURES.iter().filter(|other| other.name == measure.name).count(), 1);
    }
    assert!(Measure::named("succes_rate").is_none());
}

#[test]
fn shares_and_rates_are_those_of_the_world() {
    let mut plan = plan(vec![(at(0), 10.0)]);
    plan.warmup = 10 * SECOND;
    let verdict = Verdict::of(&plan, &World::run(plan.clone(), Seed::new(1)));
    assert!((500..=501).contains(&verdict.calls), "{verdict:?}");
    let printed =
        [verdict.success_rate, verdict.amplification, verdict.fairness].map(|x| x.to_string());
    assert_eq!(printed, ["1", "1", "1"]);
    assert!((verdict.goodput - 10.0).abs() < 0.1, "{verdict:?}");
}
