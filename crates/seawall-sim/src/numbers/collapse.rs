//! M-A: a server that is slower the more it has to do, and clients that lose patience.

use seawall_core::backoff::{BackoffSettings, Jitter};

use super::build::{MS, SECOND, at, direct, exponential, following};
use super::case::{Case, Run, Runs};
use super::course::{Course, truth};
use super::judge::Rule;
use crate::dist::Distribution;
use crate::plan::{
    Abandoned, Caller, Cancel, Guard, Load, Network, Plan, Rate, Server, Service, Shape, Slowdown,
};
use crate::world::World;

pub(super) fn cases() -> Vec<Case> {
    let tables = widths().chain(published()).chain(bases()).chain([states()]);
    tables.chain(ramps()).chain(hysteresis()).chain(variants()).chain([climb()]).collect()
}

const SOURCE: &str = "Brooker, simple collapse model";

/// A load, by points of time and rate.
fn steps(points: &[(f64, f64)]) -> Rate {
    let points = points.iter().map(|(time, rate)| (at(*time), *rate)).collect();
    Rate { points, shape: Shape::Steps, scale: 1.0 }
}

/// Twice the base from 20 s on, so long.
fn spike(base: f64, width: f64) -> Rate {
    steps(&[(0.0, base), (20.0, 2.0 * base), (20.0 + width, base)])
}

/// The world of the model. What a variant changes, it changes in the caller and the server.
fn world(rate: Rate, horizon: u32, change: impl FnOnce(&mut Caller, &mut Server)) -> Plan {
    let mut plan = Plan::lasting(horizon * SECOND);
    plan.buckets = horizon;
    let mut server = Server::unlimited(Distribution::Constant(SECOND));
    server.slowdown = Slowdown::PerJob(10 * MS);
    let service = plan.service(Service::new("server", server));
    let mut caller = Caller {
        network: Network::symmetric(exponential(0.1)),
        attempts: 3,
        timeout: Some(3 * SECOND),
        ..direct(service)
    };
    change(&mut caller, &mut plan.services[0].server);
    let load = Load::new("clients", following(rate), caller);
    plan.loads.push(Load { first: Some(Distribution::Constant(10 * MS)), ..load });
    plan
}

fn plain(_: &mut Caller, _: &mut Server) {}

/// Waits of up to 20 s, then of up to 40 s.
fn backoff(caller: &mut Caller, _: &mut Server) {
    let (base, cap) = (20 * SECOND, 40 * SECOND);
    caller.wait = BackoffSettings::exponential(base, cap).jittered(Jitter::Full);
}

type Change = fn(&mut Caller, &mut Server);

fn course(plan: Plan, run: Run) -> Course {
    Course::of(&World::run(plan, run.seed))
}

/// Whether fewer than half of the calls of the last 15 s of 80 went well.
fn collapsed(course: &Course) -> f64 {
    truth(course.goodput(65, 80) < 0.5)
}

fn often() -> Runs {
    Runs { full: 200, quick: 24, share: 1.0 }
}

fn widths() -> impl Iterator<Item = Case> {
    let table = [(1, 0), (2, 0), (3, 1), (4, 47), (5, 138), (7, 200), (10, 200)];
    table.into_iter().map(|(width, seen)| {
        let model = move |run: Run| {
            vec![collapsed(&course(world(spike(40.0, f64::from(width)), 80, plain), run))]
        };
        Case::new("M-A", format!("plain, 40 → 80 for {width} s"), often(), model)
            .from(SOURCE)
            .claims("collapsed", &seen.to_string(), Rule::Count { seen, of: 200 })
    })
}

fn published() -> impl Iterator<Item = Case> {
    let table = [(2, 0), (3, 0), (4, 3), (5, 8), (7, 12), (10, 12)];
    table.into_iter().map(|(width, seen)| {
        let model = move |run: Run| {
            vec![collapsed(&course(world(spike(40.0, f64::from(width)), 80, plain), run))]
        };
        let few = Runs { full: 12, quick: 12, share: 1.0 };
        Case::new("M-A", format!("published program, {width} s"), few, model).from(SOURCE).claims(
            "collapsed",
            &seen.to_string(),
            Rule::Count { seen, of: 12 },
        )
    })
}

fn bases() -> impl Iterator<Item = Case> {
    let table: [(&str, Change, [u32; 6]); 2] =
        [("plain", plain, [0, 0, 0, 2, 138, 200]), ("backoff", backoff, [0, 0, 0, 0, 0, 200])];
    table.into_iter().flat_map(|(name, change, counts)| {
        let bases = [20, 25, 30, 35, 40, 50];
        bases.into_iter().zip(counts).map(move |(base, seen)| {
            let model = move |run: Run| {
                vec![collapsed(&course(world(spike(f64::from(base), 5.0), 80, change), run))]
            };
            Case::new("M-A", format!("{name}, base {base}, 5 s"), often(), model)
                .from(SOURCE)
                .claims("collapsed", &seen.to_string(), Rule::Count { seen, of: 200 })
        })
    })
}

/// From second to second, then starts, successes, retries, timeouts and work in progress of runs
/// that recovered and of those that collapsed.
const STATES: [(usize, usize, [&str; 5], [&str; 5]); 4] = [
    (10, 20, ["40", "40", "0", "0", "66"], ["40", "40", "0", "0", "67"]),
    (20, 25, ["76", "51", "0.2", "0.2", "146"], ["82", "52", "0.4", "0.4", "163"]),
    (25, 30, ["39", "49", "13", "13", "153"], ["40", "25", "46", "46", "246"]),
    (65, 80, ["40", "40", "0", "0", "67"], ["40", "0", "81", "121", "1.7e3"]),
];

fn states() -> Case {
    let model = |run: Run| {
        let course = Course::watched(world(spike(40.0, 5.0), 80, plain), run);
        let is_down = collapsed(&course) > 0.5;
        let mut values = Vec::new();
        for (from, to, ..) in STATES {
            let seen = course.rates(from, to);
            let none = [f64::NAN; 5];
            values.extend(if is_down { none } else { seen });
            values.extend(if is_down { seen } else { none });
        }
        values
    };
    let mut case = Case::new("M-A", "state", often(), model).from(SOURCE);
    for (from, to, up, down) in STATES {
        for (kind, stated, seeds) in [("recovered", up, 62), ("collapsed", down, 138)] {
            let names = ["starts", "good", "retries", "timeouts", "L"];
            for (name, stated) in names.into_iter().zip(stated) {
                let name = format!("{from}–{to} s, {kind}: {name}");
                case = case.claims(&name, stated, Rule::Sampled { sigma: None, seeds });
            }
        }
    }
    case
}

fn ramps() -> impl Iterator<Item = Case> {
    let table: [(&str, Change, [&str; 4]); 2] = [
        ("plain", plain, ["57", "0.3", "0", "151"]),
        ("backoff", backoff, ["57", "1.8", "0", "98"]),
    ];
    table.into_iter().map(|(name, change, stated)| {
        let model = move |run: Run| {
            let points = [(0.0, 40.0), (25.0, 80.0), (75.0, 0.0)];
            let rate = Rate { shape: Shape::Line, ..steps(&points) };
            let course = course(world(rate, 80, change), run);
            let good = |from, to| course.rates(from, to)[1];
            let (early, late) = (good(15, 20), good(25, 30));
            vec![early, late, good(30, 80), course.rates(30, 35)[2], collapsed(&course)]
        };
        let sampled = Rule::Sampled { sigma: None, seeds: 0 };
        let names = ["good 15–20 s", "good 25–30 s", "good 30–80 s", "retries 30–35 s"];
        let claims: Vec<_> = names.into_iter().zip(stated).collect();
        Case::new("M-A", format!("ramp, {name}"), Runs { full: 60, quick: 8, share: 1.0 }, model)
            .from(SOURCE)
            .claims_all(&claims, sampled)
            .claims("collapsed", "1", Rule::Always)
    })
}

/// Goodput comes back when 95 % of the calls of five seconds go well.
fn recovery(course: &Course, from: usize) -> f64 {
    let back = (from..course.seconds() - 5).find(|start| course.goodput(*start, start + 5) >= 0.95);
    back.map_or(f64::INFINITY, |start| f64::from(u32::try_from(start - from).unwrap_or(u32::MAX)))
}

fn hysteresis() -> impl Iterator<Item = Case> {
    let table = [
        (14, 0, "37"),
        (16, 0, "44"),
        (18, 0, "54"),
        (20, 0, "67"),
        (21, 0, "70"),
        (22, 0, "90"),
        (23, 0, "136"),
        (24, 7, ""),
        (25, 12, ""),
        (30, 12, ""),
    ];
    table.into_iter().map(|(load, seen, median)| {
        let model = move |run: Run| {
            let points = [(0.0, 40.0), (20.0, 80.0), (30.0, 40.0), (60.0, f64::from(load))];
            let course = course(world(steps(&points), 460, plain), run);
            vec![truth(course.goodput(400, 460) < 0.5), recovery(&course, 60)]
        };
        let name = format!("hysteresis, back to {load}");
        let case = Case::new("M-A", name, Runs { full: 12, quick: 6, share: 1.0 }, model);
        let case = case.from(SOURCE);
        let case = case.claims("collapsed", &seen.to_string(), Rule::Count { seen, of: 12 });
        if median.is_empty() {
            return case;
        }
        case.claims("median recovery", median, Rule::Median { seeds: 12 })
    })
}

/// A shared bucket: each call puts this many thousandths in, a retry takes a whole.
fn shared_bucket(gain: u32) -> Guard {
    Guard::Bucket { full: 10_000, gain, above: 999 }
}

/// What it is called, what it changes, how many of 60 collapse at 5, 10 and 20 s, and the load.
type Variant = (&'static str, Change, [u32; 3], &'static str);

const VARIANTS: [Variant; 10] = [
    ("plain", plain, [39, 60, 60], "2.28"),
    ("2 attempts", |caller, _| caller.attempts = 2, [36, 60, 60], "1.66"),
    ("1 attempt", |caller, _| caller.attempts = 1, [0, 0, 0], "1.00"),
    ("budget 10 %", |caller, _| caller.guard = shared_bucket(100), [0, 0, 0], "1.02"),
    ("budget 20 %", |caller, _| caller.guard = shared_bucket(200), [0, 0, 0], "1.04"),
    ("cancel", cancelling, [42, 60, 60], "2.29"),
    ("refuse at 150", |_, server| server.crowd = Some(150), [0, 0, 0], "1.18"),
    ("refuse at 100", |_, server| server.crowd = Some(100), [0, 0, 0], "1.26"),
    ("refuse at 180", |_, server| server.crowd = Some(180), [0, 0, 0], "1.22"),
    ("refuse at 150, budget 10 %", refusing_with_budget, [0, 0, 0], "1.02"),
];

fn cancelling(caller: &mut Caller, server: &mut Server) {
    caller.cancel = Cancel::OnTimeout;
    server.abandoned = Abandoned::Stops;
}

fn refusing_with_budget(caller: &mut Caller, server: &mut Server) {
    caller.guard = shared_bucket(100);
    server.crowd = Some(150);
}

fn variants() -> impl Iterator<Item = Case> {
    VARIANTS.into_iter().flat_map(|(name, change, counts, load)| {
        [5, 10, 20].into_iter().zip(counts).map(move |(width, seen)| {
            let model = move |run: Run| {
                let plan = world(spike(40.0, f64::from(width)), 80, change);
                let course = course(plan, run);
                let good = 100.0 * course.goodput(20, 40);
                vec![collapsed(&course), course.load(), good]
            };
            let runs = Runs { full: 60, quick: 8, share: 1.0 };
            let case = Case::new("M-A", format!("{name}, {width} s"), runs, model).from(SOURCE);
            let count = Rule::Count { seen, of: 60 };
            let case = case.claims("collapsed", &seen.to_string(), count);
            let sampled = Rule::Sampled { sigma: None, seeds: 60 };
            match (name, width) {
                ("plain", 10) => case.claims("load", load, sampled).claims("% good", "32", sampled),
                ("refuse at 150, budget 10 %", 10) => {
                    case.claims("load", load, sampled).claims("% good", "86", sampled)
                }
                (_, 10) => case.claims("load", load, sampled),
                _ => case,
            }
        })
    })
}

/// The load at which a slow climb ends, without any trigger.
fn climb() -> Case {
    let model = |run: Run| {
        let points = [(0.0, 10.0), (900.0, 70.0)];
        let rate = Rate { shape: Shape::Line, ..steps(&points) };
        let course = course(world(rate.clone(), 900, plain), run);
        let down = (5..course.seconds()).find(|end| course.goodput(end - 5, *end) < 0.5);
        let when = down.map_or(f64::NAN, |end| f64::from(u32::try_from(end).unwrap_or_default()));
        vec![rate.at(at(when))]
    };
    let runs = Runs { full: 12, quick: 4, share: 1.0 };
    // Printed as 57 to 62.
    let case = Case::new("M-A", "10 → 70 in 900 s", runs, model).from(SOURCE);
    case.claims("collapse at", "59.5", Rule::Near(0.042))
}
