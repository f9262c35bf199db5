//! Outcomes made by hand, small enough to be read.

use seawall_core::breaker::{BreakerEvent, Cause};
use seawall_core::ratio::Ratio;
use seawall_core::time::{Duration, Instant};
use seawall_core::upstream::{Event, Scope, What};

use crate::chance::Seed;
use crate::dist::Distribution;
use crate::observe::{Bucket, End, Mark, Record, ServiceBucket, Tally};
use crate::outcome::{Axis, Expectation, Outcome, Point, Run};
use crate::plan::{
    Arrivals, Caller, Cancel, Gateway, Load, Plan, Protected, Rate, RouteId, Server, Service,
    Shape, Spacing, Target,
};
use crate::verdict::{Course, LoadVerdict, Verdict};
use crate::world::World;

const SECOND: Duration = Duration::from_secs(1);

pub(super) fn at(secs: u32) -> Instant {
    Instant::EPOCH.after(secs * SECOND)
}

/// Four seconds of a load through a gateway; in the second of them it is three times as much.
pub(super) fn plan(base: f64) -> Plan {
    let mut plan = Plan::lasting(4 * SECOND);
    plan.buckets = 4;
    let service = plan.service(Service::new("shop", Server::new(1, Distribution::NONE)));
    let protected = Protected { cancel: Cancel::Never, ..Protected::new("shop", service) };
    let calls = seawall_core::call::CallSettings::default();
    let gateway = plan.gateway(Gateway::before(protected, calls));
    let points = vec![(at(0), base), (at(1), 3.0 * base), (at(2), base)];
    let rate = Rate { points, shape: Shape::Steps, scale: 1.0 };
    let arrivals = Arrivals::Open { rate, spacing: Spacing::Even };
    plan.loads.push(Load::new("all", arrivals, Caller::of(Target::Route(gateway, RouteId(0)))));
    plan
}

/// Ten calls in each second of which so many end well; a breaker opens and closes.
pub(super) fn record(good: [u64; 4]) -> Record {
    let plan = plan(10.0);
    let mut record = World::run(Plan { loads: Vec::new(), ..plan }, Seed::new(0));
    let bucket = |good| Bucket {
        started: 10,
        attempts: 12,
        good,
        bad: 10 - good,
        timed_out: 0,
        latency: 0.5,
    };
    let timeline = good.map(bucket).into();
    let load = crate::observe::LoadRecord { timeline, ..Default::default() };
    record.loads.push(load);
    if let [load] = record.loads.as_mut_slice() {
        for (count, end) in [(good.iter().sum(), End::Good), (3, End::Refused)] {
            for number in 0..count {
                load.count(end, Duration::from_millis(50 + number));
            }
        }
        load.started = 40;
        load.attempts = 48;
    }
    for (index, heat) in record.series.heat.iter_mut().enumerate() {
        heat.good[40 + index] = 9;
        heat.bad[60] = 1;
    }
    record.series.tallies = vec![Tally { firsts: 10, retries: 2, ..Tally::default() }; 4];
    let piece = ServiceBucket { arrived: 12, refused: 1, wanted: 0.25, wasted: 0.75 };
    record.services[0].timeline = vec![piece; 4];
    (record.services[0].arrived, record.services[0].refused) = (48, 4);
    (record.services[0].wanted, record.services[0].wasted) = (1.0, 3.0);
    for (secs, what) in [(1, opened()), (3, BreakerEvent::Closed { after: 2 * SECOND })] {
        let event = Event { at: at(secs), scope: Scope::Upstream, what: What::Breaker(what) };
        record.marks.push(Mark { gateway: 0, upstream: 0, instance: 0, event });
    }
    record
}

fn opened() -> BreakerEvent {
    let (rate, until) = (Ratio::from_percent(50), at(2));
    BreakerEvent::Opened { cause: Cause::FailureRate, rate, calls: 20, openings: 1, until }
}

/// A run that works.
pub(super) fn back(latency: f64) -> Verdict {
    Verdict {
        calls: 40,
        success_rate: 0.925,
        goodput: 10.0,
        mean: latency,
        quantiles: [latency, 2.0 * latency, 4.0 * latency, 5.0 * latency],
        load_factor: 1.2,
        amplification: 1.2,
        wasted_work: 0.75,
        fairness: 1.0,
        loads: vec![LoadVerdict {
            name: "all".into(),
            calls: 40,
            success_rate: 0.925,
            goodput: 10.0,
            p99: 4.0 * latency,
        }],
        course: Course {
            recovered: Some(1.5),
            worst: 0.2,
            end: 1.0,
            before: Some(1.0),
            ..Course::default()
        },
        ..Verdict::default()
    }
}

/// A run that stays down.
pub(super) fn down() -> Verdict {
    let course = Course { recovered: None, end: 0.1, metastable: true, ..back(0.1).course };
    Verdict { success_rate: 0.3, goodput: 1.0, course, ..back(0.1) }
}

pub(super) fn run(seed: u64, verdict: Verdict, record: Option<Record>) -> Run {
    Run { seed, verdict, record }
}

pub(super) fn outcome(axes: Vec<Axis>, points: Vec<Point>) -> Outcome {
    Outcome {
        title: "a small shop".into(),
        command: "seawall sim shop.toml --seed 18446744073709551615".into(),
        seed: u64::MAX,
        config: Some(0xabc),
        axes,
        points,
        expectations: Vec::new(),
    }
}

/// Two runs that work and one that stays down.
pub(super) fn mixed() -> Outcome {
    let runs = vec![
        run(1, back(0.1), Some(record([10, 10, 2, 10]))),
        run(2, back(0.3), None),
        run(3, down(), Some(record([10, 2, 0, 1]))),
    ];
    let point = Point { values: Vec::new(), plan: plan(10.0), runs };
    let held = Expectation { text: "success_rate >= 20%".into(), seen: "30 %".into(), held: true };
    let failed =
        Expectation { text: "metastable = false".into(), seen: "true".into(), held: false };
    Outcome { expectations: vec![held, failed], ..outcome(Vec::new(), vec![point]) }
}

/// One run that works.
pub(super) fn single() -> Outcome {
    let runs = vec![run(1, back(0.08), Some(record([10, 10, 10, 10])))];
    outcome(Vec::new(), vec![Point { values: Vec::new(), plan: plan(10.0), runs }])
}

/// Loads of 10, 20 and 30 calls a second, of which the last two do not always come back.
pub(super) fn sweep() -> Outcome {
    let loads = [10.0, 20.0, 30.0];
    let axis = Axis { name: "load".into(), values: loads.map(|load| load.to_string()).into() };
    let points = loads.into_iter().enumerate().map(|(place, load)| {
        let verdict = |seed| if seed < 2 * place { down() } else { back(0.1) };
        let runs = (0..4).map(|seed| {
            let good = if seed < 2 * place { [10, 2, 0, 1] } else { [10, 10, 2, 10] };
            run(seed as u64, verdict(seed), (seed % 2 == 0).then(|| record(good)))
        });
        Point { values: vec![place], plan: plan(load), runs: runs.collect() }
    });
    outcome(vec![axis], points.collect())
}
