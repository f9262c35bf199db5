//! What retries, budgets, throttles and shedding do to load and success when calls fail anyway.

use seawall_core::Mode;
use seawall_core::rate::{Algorithm, LimiterSettings, WindowLimit};
use seawall_core::ratio::Ratio;
use seawall_core::throttle::ThrottleSettings;
use seawall_core::time::{Duration, Instant};
use seawall_core::upstream::UpstreamSettings;

use super::build::{SECOND, at, budget, direct, following, guard, idle, patient, poisson, steady};
use super::case::{Case, Run, Runs};
use super::judge::Rule;
use super::stats::real;
use crate::dist::Distribution;
use crate::observe::Record;
use crate::plan::{
    Arrivals, Caller, Dependency, Ending, Load, Need, Network, Plan, Rate, Server, Service, Shape,
};
use crate::verdict::share;
use crate::world::World;

pub(super) fn cases() -> Vec<Case> {
    e7().chain(e8()).chain(e11()).chain(e12()).chain(e13()).collect()
}

/// A service that answers at once, by error with this probability.
fn failing(name: &str, errors: Ratio) -> Service {
    let server = Server::unlimited(Distribution::NONE);
    Service { errors, ..Service::new(name, server) }
}

/// Success and load of calls, each with attempts enough.
fn success_and_load(record: &Record) -> Vec<f64> {
    let load = &record.loads[0];
    vec![share(load.good(), load.started), real(load.attempts) / real(load.started)]
}

fn e7() -> impl Iterator<Item = Case> {
    let table = [(50, "0.9375", "1.875"), (75, "0.68359", "2.73438"), (100, "0", "4")];
    table.into_iter().map(|(percent, success, load)| {
        let model = move |run: Run| {
            let mut plan = steady(200.0 * run.share);
            let service = plan.service(failing("bad", Ratio::from_percent(percent)));
            let caller = Caller { attempts: 4, ..direct(service) };
            plan.loads.push(Load::new("all", poisson(1_000.0), caller));
            success_and_load(&World::run(plan, run.seed))
        };
        let rule = if percent == 100 { Rule::Always } else { Rule::Within(0.003) };
        let name = format!("3 retries, p {percent} %");
        Case::new("E7", name, Runs { full: 10, quick: 5, share: 0.05 }, model)
            .from("arithmetic")
            .claims_all(&[("success", success), ("load", load)], rule)
    })
}

/// Services in a row, each of which calls the next so often; the last one always fails.
fn stack(layers: usize, attempts: u32) -> Plan {
    let mut plan = Plan::lasting(SECOND);
    plan.ending = Ending::Finish;
    let mut callee = plan.service(failing("bottom", Ratio::ONE));
    for layer in 1..layers {
        let caller = Caller { attempts, ..direct(callee) };
        let calls = vec![Dependency { caller, fan_out: 1, need: Need::All }];
        let name = format!("layer {layer}");
        callee = plan.service(Service { calls, ..failing(&name, Ratio::ZERO) });
    }
    let once = Arrivals::Replay([Instant::EPOCH].into());
    plan.loads.push(Load::new("all", once, Caller { attempts, ..direct(callee) }));
    plan
}

fn e8() -> impl Iterator<Item = Case> {
    let table = [(5, 3, "243", "AWS Builders' Library"), (3, 4, "64", "SRE book ch. 22")];
    table.into_iter().map(|(layers, attempts, calls, source)| {
        let model = move |run: Run| {
            let record = World::run(stack(layers, attempts), run.seed);
            vec![real(record.services[0].arrived)]
        };
        let name = format!("{layers} layers of {attempts} attempts");
        Case::new("E8", name, Runs { full: 10, quick: 2, share: 1.0 }, model).from(source).claims(
            "calls",
            calls,
            Rule::Always,
        )
    })
}

/// At most so many in each window, from the beginning of the world on.
fn limit(limit: u32, window: Duration) -> LimiterSettings {
    let algorithm = Algorithm::FixedWindow(WindowLimit { limit, window });
    LimiterSettings { algorithm, adaptive: None, mode: Mode::Enforce }
}

fn throttle(percent: u32) -> ThrottleSettings {
    let k = Ratio::from_percent(percent);
    ThrottleSettings {
        critical: k,
        high: k,
        normal: k,
        low: k,
        // The book knows no cap; the machine never refuses all.
        cap: Ratio::from_ppm(999_999),
        window: 120 * SECOND,
        ..ThrottleSettings::default()
    }
}

fn e11() -> impl Iterator<Item = Case> {
    [(200, "200.0"), (150, "150.0"), (110, "108.8")].into_iter().map(|(percent, load)| {
        let model = move |run: Run| {
            let mut plan = steady(5_000.0 * run.share);
            let lasted = plan.horizon.saturating_sub(plan.warmup).as_secs_f64();
            let mut server = Server::unlimited(Distribution::NONE);
            server.limit = Some(limit(100, SECOND));
            let backend = Service { refusal_status: 429, ..Service::new("backend", server) };
            let backend = plan.service(backend);
            let settings = UpstreamSettings { throttle: Some(throttle(percent)), ..idle() };
            let caller = guard(&mut plan, backend, settings, patient(1));
            plan.loads.push(Load::new("all", poisson(300.0), caller));
            let record = World::run(plan, run.seed);
            vec![real(record.services[0].arrived) / lasted]
        };
        let name = format!("throttle, K {percent} %");
        Case::new("E11", name, Runs { full: 10, quick: 5, share: 0.3 }, model)
            .from("SRE book ch. 21; fixed point")
            .claims("backend load", load, Rule::Within(0.01))
    })
}

fn e12() -> impl Iterator<Item = Case> {
    [("no budget", None, "3.000"), ("budget 10 %", Some(10), "1.100")].into_iter().map(
        |(name, percent, load)| {
            let model = move |run: Run| {
                let mut plan = steady(500.0 * run.share);
                let service = plan.service(failing("bad", Ratio::ONE));
                let mut settings = idle();
                if let Some(percent) = percent {
                    settings.budget = budget(percent);
                }
                let caller = guard(&mut plan, service, settings, patient(3));
                plan.loads.push(Load::new("all", poisson(200.0), caller));
                let record = World::run(plan, run.seed);
                vec![real(record.services[0].arrived) / real(record.loads[0].started)]
            };
            Case::new("E12", name, Runs { full: 10, quick: 4, share: 0.3 }, model)
                .from("SRE book ch. 21")
                .claims("load", load, Rule::Within(0.01))
        },
    )
}

/// How the calls of a task come to the service that has too much to do.
#[derive(Clone, Copy, Debug)]
enum Shed {
    /// Each by itself, some time within a window of the limit: any of them is refused.
    Random,
    /// Together: all of them are refused, or none.
    Task,
}

/// Tasks of several calls to a backend that accepts half of all calls. Only those that begin
/// before the last seconds count: while the last calls of a world come in, the load falls.
fn tasks(calls: u32, shed: Shed, horizon: f64) -> Plan {
    const CAPACITY: u32 = 2_000;
    let mut plan = steady(horizon);
    plan.ending = Ending::Finish;
    let mut server = Server::unlimited(Distribution::NONE);
    server.limit = Some(limit(CAPACITY, SECOND));
    let backend = plan.service(Service::new("backend", server));
    let spread = match shed {
        Shed::Random => Distribution::Uniform(Duration::ZERO, SECOND),
        Shed::Task => Distribution::NONE,
    };
    let network = Network { there: spread, back: Distribution::NONE };
    let caller = Caller { network, ..direct(backend) };
    let mut front = Service::new("tasks", Server::unlimited(Distribution::NONE));
    front.calls.push(Dependency { caller, fan_out: calls, need: Need::All });
    let front = plan.service(front);
    let rate = 2.0 * f64::from(CAPACITY) / f64::from(calls);
    let (begin, last) = (Instant::EPOCH, at(horizon - 3.0));
    let early = following(stepped(&[(begin, rate), (last, 0.0)]));
    let late = following(stepped(&[(begin, 0.0), (last, rate)]));
    plan.loads.push(Load::new("tasks", early, direct(front)));
    plan.loads.push(Load::new("last", late, direct(front)));
    plan
}

fn stepped(points: &[(Instant, f64)]) -> Rate {
    Rate { points: points.to_vec(), shape: Shape::Steps, scale: 1.0 }
}

fn e13() -> impl Iterator<Item = Case> {
    let table = [
        (2, Shed::Random, "0.250"),
        (2, Shed::Task, "0.500"),
        (4, Shed::Random, "0.0625"),
        (4, Shed::Task, "0.500"),
    ];
    table.into_iter().map(|(calls, shed, done)| {
        let model = move |run: Run| {
            let record = World::run(tasks(calls, shed, 400.0 * run.share), run.seed);
            vec![share(record.loads[0].good(), record.loads[0].ended())]
        };
        let name = format!("{calls} calls a task, shed by {shed:?}").to_lowercase();
        Case::new("E13", name, Runs { full: 10, quick: 5, share: 0.25 }, model)
            .from("DAGOR (SoCC'18), argument")
            .claims("done", done, Rule::Within(0.02))
    })
}
