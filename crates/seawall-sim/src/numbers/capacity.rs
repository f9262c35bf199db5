//! M-B: a server with a queue loses most of its workers for a while.

use seawall_core::backoff::{BackoffSettings, Jitter};
use seawall_core::ratio::Ratio;
use seawall_core::time::Duration;

use super::build::{SECOND, at, direct, exponential, poisson};
use super::case::{Case, Run, Runs};
use super::course::{Course, truth};
use super::judge::Rule;
use crate::dist::seconds;
use crate::plan::{
    Caller, Discipline, Disturbance, Expired, Fault, Guard, Load, Plan, Replicas, Server, Service,
    Victims,
};
use crate::verdict::share;
use crate::world::World;

pub(super) fn cases() -> Vec<Case> {
    let tables = widths().chain(shares()).chain(loads());
    tables.chain(variants()).collect()
}

const SOURCE: &str = "after lexiangh/Metastability (OSDI'22)";

/// The trigger: so many seconds with this share of the workers, under this load.
#[derive(Clone, Copy, Debug)]
struct Drop {
    width: f64,
    percent: u32,
    load: f64,
}

const USUAL: Drop = Drop { width: 7.0, percent: 20, load: 120.0 };

fn world(drop: Drop, change: impl FnOnce(&mut Caller, &mut Server)) -> Plan {
    let mut plan = Plan::lasting(150 * SECOND);
    plan.buckets = 150;
    let server = Server::new(20, exponential(0.1));
    let service = plan.service(Service::new("primary", server));
    let mut caller = Caller { attempts: 5, timeout: Some(3 * SECOND), ..direct(service) };
    change(&mut caller, &mut plan.services[0].server);
    plan.loads.push(Load::new("clients", poisson(drop.load), caller));
    let all = Victims::Replicas(service, Replicas::All);
    let fault = Fault::Capacity(Ratio::from_percent(drop.percent));
    let disturbance = Disturbance::new(at(20.0), all, fault);
    plan.disturbances.push(disturbance.lasting(seconds(drop.width)));
    plan
}

/// Whether it stays down, attempts for each call, and the percentage of jobs done for nobody.
/// Jobs are counted: those that are just in time are short, so their share of the work is less.
fn seen(plan: Plan, run: Run) -> Vec<f64> {
    let record = World::run(plan, run.seed);
    let course = Course::of(&record);
    let service = &record.services[0];
    let wasted = 1.0 - share(record.loads[0].good(), service.stay.count());
    vec![truth(course.goodput(120, 150) < 0.5), course.load(), 100.0 * wasted]
}

fn often() -> Runs {
    Runs { full: 60, quick: 6, share: 1.0 }
}

fn case(name: String, drop: Drop, count: u32) -> Case {
    let model = move |run: Run| seen(world(drop, |_, _| {}), run);
    Case::new("M-B", name, often(), model).from(SOURCE).claims(
        "collapsed",
        &count.to_string(),
        Rule::Count { seen: count, of: 60 },
    )
}

fn widths() -> impl Iterator<Item = Case> {
    let table = [(4.0, 0), (5.0, 5), (6.0, 56), (7.0, 60), (8.0, 60), (10.0, 60)];
    table.into_iter().map(|(width, count)| {
        case(format!("20 % for {width} s, load 120"), Drop { width, ..USUAL }, count)
    })
}

fn shares() -> impl Iterator<Item = Case> {
    [(30, 24), (35, 1), (40, 0)].into_iter().map(|(percent, count)| {
        case(format!("{percent} % for 7 s, load 120"), Drop { percent, ..USUAL }, count)
    })
}

fn loads() -> impl Iterator<Item = Case> {
    [(72.0, 0), (84.0, 0), (96.0, 21), (108.0, 59)].into_iter().map(|(load, count)| {
        case(format!("20 % for 7 s, load {load}"), Drop { load, ..USUAL }, count)
    })
}

type Change = fn(&mut Caller, &mut Server);

/// A variant: what it changes, how many of 60 collapse, its load, and the percentage wasted.
type Variant = (&'static str, Change, u32, &'static str, &'static str);

const VARIANTS: [Variant; 11] = [
    ("plain", |_, _| {}, 60, "4.23", "90"),
    ("2 attempts", |caller, _| caller.attempts = 2, 60, "1.84", "90"),
    ("jitter .1 to 10 s", |caller, _| caller.wait = jitter(100, 10), 60, "4.2", "90"),
    ("jitter 1 to 60 s", |caller, _| caller.wait = jitter(1_000, 60), 60, "4.1", "90"),
    ("expired dropped", |_, server| server.expired = Expired::Dropped, 60, "4.16", "88"),
    ("LIFO", |_, server| server.discipline = Discipline::Lifo, 0, "1.19", "17"),
    ("queue 300", |_, server| server.queue = Some(300), 0, "1.26", "3"),
    ("queue 500", |_, server| server.queue = Some(500), 0, "1.26", "4"),
    ("queue 700", |_, server| server.queue = Some(700), 51, "3.85", "77"),
    ("budget 10 %", |caller, _| caller.guard = bucket(), 0, "1.01", "13"),
    ("1 attempt", |caller, _| caller.attempts = 1, 0, "1.00", "10"),
];

fn bucket() -> Guard {
    Guard::Bucket { full: 10_000, gain: 100, above: 999 }
}

fn jitter(base: u64, cap: u64) -> BackoffSettings {
    let (base, cap) = (Duration::from_millis(base), Duration::from_secs(cap));
    BackoffSettings::exponential(base, cap).jittered(Jitter::Full)
}

fn variants() -> impl Iterator<Item = Case> {
    VARIANTS.into_iter().map(|(name, change, count, load, wasted)| {
        let drop = Drop { width: 12.0, ..USUAL };
        let model = move |run: Run| seen(world(drop, change), run);
        let sampled = Rule::Sampled { sigma: None, seeds: 60 };
        Case::new("M-B", format!("{name}, 12 s"), often(), model)
            .from(SOURCE)
            .claims("collapsed", &count.to_string(), Rule::Count { seen: count, of: 60 })
            .claims("load", load, sampled)
            .claims("% wasted", wasted, sampled)
    })
}
