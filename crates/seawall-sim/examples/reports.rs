//! Runs four small worlds and writes their reports into a folder: a drop of capacity that some
//! runs do not survive, a sweep of it over load and width, an outage behind a gateway with three
//! tiers, and a load that rises and falls. `cargo run --release --example reports -- FOLDER`.

use std::io;
use std::path::Path;

use seawall_core::call::{CallSettings, Safety};
use seawall_core::ratio::Ratio;
use seawall_core::time::{Duration, Instant};
use seawall_sim::chance::Seed;
use seawall_sim::dist::Distribution;
use seawall_sim::observe::Record;
use seawall_sim::outcome::{Axis, Expectation, Outcome, Point, Run};
use seawall_sim::plan::{
    Arrivals, Caller, Dependency, Disturbance, Fault, Gateway, Load, Need, Plan, Protected, Rate,
    Replicas, RouteId, Server, Service, ServiceId, Shape, Slowdown, Spacing, Target, Victims,
};
use seawall_sim::report;
use seawall_sim::verdict::Verdict;
use seawall_sim::world::World;

const SECOND: Duration = Duration::from_secs(1);

/// The master seed of all of them.
const SEED: u64 = 42;

fn main() -> io::Result<()> {
    let folder = std::env::args().nth(1).unwrap_or_else(|| ".".to_owned());
    let folder = Path::new(&folder);
    let drop = outcome("a drop of capacity at 96/s", Vec::new(), vec![point(drop(96.0, 7), 30)]);
    write(folder, "drop", &drop)?;
    let calm = outcome("no drop", Vec::new(), vec![point(undisturbed(drop_plan(96.0)), 30)]);
    std::fs::write(folder.join("control.html"), report::html_against(&drop, &calm))?;
    write(folder, "line", &line())?;
    write(folder, "sweep", &sweep())?;
    let title = "a database slows down behind a gateway";
    let point_of_outage = point(outage(3), 5);
    let expected = expectations(&point_of_outage);
    let outage =
        Outcome { expectations: expected, ..outcome(title, Vec::new(), vec![point_of_outage]) };
    write(folder, "outage", &outage)?;
    let title = "a load that rises and falls";
    write(folder, "ramp", &outcome(title, Vec::new(), vec![point(ramp(), 1)]))?;
    let compared = report::compare(&drop, &calm);
    std::fs::write(folder.join("compare.html"), compared.html())?;
    std::fs::write(folder.join("compare.txt"), compared.text())?;
    std::fs::write(folder.join("compare.json"), compared.json())
}

fn write(folder: &Path, name: &str, outcome: &Outcome) -> io::Result<()> {
    std::fs::write(folder.join(format!("{name}.html")), report::html(outcome))?;
    std::fs::write(folder.join(format!("{name}.json")), report::json(outcome))?;
    std::fs::write(folder.join(format!("{name}.txt")), report::text(outcome))
}

fn outcome(title: &str, axes: Vec<Axis>, points: Vec<Point>) -> Outcome {
    Outcome {
        title: title.to_owned(),
        command: "cargo run --release --example reports".to_owned(),
        seed: SEED,
        config: None,
        axes,
        points,
        expectations: Vec::new(),
    }
}

/// What is expected of every run, with the worst that was seen.
fn expectations(point: &Point) -> Vec<Expectation> {
    let all = |name: &str| -> Vec<f64> {
        point.runs.iter().filter_map(|run| run.verdict.measure(name)).collect()
    };
    let success = all("success_rate").into_iter().fold(1.0, f64::min);
    let recovery = all("time_to_recover").into_iter().fold(0.0, f64::max);
    vec![
        Expectation {
            text: "success_rate >= 80%".into(),
            seen: format!("{:.1} %", success * 100.0),
            held: success >= 0.8,
        },
        Expectation {
            text: "time_to_recover <= 1s".into(),
            seen: format!("{recovery:.1} s"),
            held: recovery <= 1.0,
        },
    ]
}

/// A point under so many seeds; the records of the first ten are kept.
fn point(plan: Plan, seeds: u64) -> Point {
    let runs = (0..seeds).map(|index| {
        let seed = Seed::new(SEED).of_run(index);
        let record: Record = World::run(plan.clone(), seed);
        let verdict = Verdict::of(&plan, &record);
        Run { seed: seed.number(), verdict, record: (index < 10).then_some(record) }
    });
    let runs = runs.collect();
    Point { values: Vec::new(), plan, runs }
}

fn line() -> Outcome {
    let loads = [72.0, 78.0, 84.0, 90.0, 96.0, 102.0, 108.0, 114.0, 120.0];
    let axis = |load: &f64| load.to_string();
    let axis = Axis { name: "load.all.rate".into(), values: loads.iter().map(axis).collect() };
    let points = loads.iter().enumerate().map(|(place, load)| {
        let point = point(drop(*load, 7), 20);
        Point { values: vec![place], ..point }
    });
    outcome("a drop of capacity over load", vec![axis], points.collect())
}

fn sweep() -> Outcome {
    let (loads, widths) = ([72.0, 84.0, 96.0, 108.0, 120.0], [4, 5, 6, 7, 9]);
    let load = Axis {
        name: "load.all.rate".into(),
        values: loads.iter().map(|load: &f64| load.to_string()).collect(),
    };
    let width = Axis {
        name: "events.drop.for".into(),
        values: widths.iter().map(|width: &u32| format!("{width}s")).collect(),
    };
    let mut points = Vec::new();
    for (x, load) in loads.iter().enumerate() {
        for (y, width) in widths.iter().enumerate() {
            points.push(Point { values: vec![x, y], ..point(drop(*load, *width), 10) });
        }
    }
    outcome("a drop of capacity over load and width", vec![load, width], points)
}

fn drop_plan(rate: f64) -> Plan {
    let mut plan = Plan::lasting(150 * SECOND);
    let server = Server::new(20, Distribution::Exponential(Duration::from_millis(100)));
    let service = plan.service(Service::new("store", server));
    let mut caller = Caller::of(Target::Service(service));
    (caller.attempts, caller.timeout) = (5, Some(3 * SECOND));
    let arrivals = Arrivals::Open { rate: Rate::constant(rate), spacing: Spacing::Poisson };
    let mut load = Load::new("all", arrivals, caller);
    load.safety = Safety::Unsafe;
    plan.loads.push(load);
    plan
}

/// Twenty workers of whom four are left for so many seconds; clients that try five times.
fn drop(rate: f64, width: u32) -> Plan {
    let mut plan = drop_plan(rate);
    plan.disturbances.push(befall(
        ServiceId(0),
        20,
        width,
        (Replicas::All, Fault::Capacity(Ratio::from_percent(20))),
    ));
    plan
}

fn undisturbed(plan: Plan) -> Plan {
    Plan { disturbances: Vec::new(), ..plan }
}

fn befall(service: ServiceId, at: u32, lasts: u32, what: (Replicas, Fault)) -> Disturbance {
    let (replicas, fault) = what;
    let at = Instant::EPOCH.after(at * SECOND);
    Disturbance::new(at, Victims::Replicas(service, replicas), fault).lasting(lasts * SECOND)
}

/// A gateway before a shop of three replicas, which asks a database that slows down and a cache.
fn outage(instances: u32) -> Plan {
    let mut plan = Plan::lasting(120 * SECOND);
    plan.warmup = 10 * SECOND;
    let exponential = |millis| Distribution::Exponential(Duration::from_millis(millis));
    let database = plan.service(Service {
        errors: Ratio::from_percent(1),
        ..Service::new("database", Server::new(40, exponential(10)))
    });
    let cache = plan.service(Service::new("cache", Server::new(8, exponential(1))));
    let ask = |service, attempts| {
        let mut caller = Caller::of(Target::Service(service));
        (caller.attempts, caller.timeout) = (attempts, Some(Duration::from_millis(300)));
        Dependency { caller, fan_out: 1, need: Need::All }
    };
    let mut shop = Service::new("shop", Server::new(50, exponential(5)));
    shop.replicas = 3;
    shop.calls = vec![ask(cache, 1), ask(database, 2)];
    let shop = plan.service(shop);
    let gateway = guard(&mut plan, shop, instances);
    for (name, rate) in [("browse", 150.0), ("pay", 50.0)] {
        let arrivals = Arrivals::Open { rate: Rate::constant(rate), spacing: Spacing::Poisson };
        plan.loads.push(Load::new(name, arrivals, Caller::of(Target::Route(gateway, RouteId(0)))));
    }
    plan.disturbances = vec![
        befall(shop, 20, 15, (Replicas::One(1), Fault::Crash)),
        befall(database, 50, 20, (Replicas::All, Fault::Slower(Ratio::from_percent(4_000)))),
    ];
    plan
}

fn guard(plan: &mut Plan, service: ServiceId, instances: u32) -> seawall_sim::plan::GatewayId {
    let checks = Some((5 * SECOND, SECOND));
    let protected = Protected { checks, ..Protected::new("shop", service) };
    plan.gateway(Gateway { instances, ..Gateway::before(protected, CallSettings::default()) })
}

/// A service that every job slows down, under a load that rises to 80/s and falls to nothing.
fn ramp() -> Plan {
    let mut plan = Plan::lasting(400 * SECOND);
    plan.buckets = 200;
    let mut server = Server::unlimited(Distribution::Constant(SECOND));
    server.slowdown = Slowdown::PerJob(Duration::from_millis(10));
    let service = plan.service(Service::new("slow", server));
    let mut caller = Caller::of(Target::Service(service));
    (caller.attempts, caller.timeout) = (3, Some(3 * SECOND));
    let at = |secs| Instant::EPOCH.after(secs * SECOND);
    let points = vec![(at(0), 4.0), (at(150), 70.0), (at(300), 4.0), (at(400), 4.0)];
    let rate = Rate { points, shape: Shape::Line, scale: 1.0 };
    plan.loads.push(Load::new("all", Arrivals::Open { rate, spacing: Spacing::Poisson }, caller));
    plan
}
