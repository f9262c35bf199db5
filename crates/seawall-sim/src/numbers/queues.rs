//! Single queues whose waits are known: Erlang, Pollaczek and Khinchine, and Little's law.

use std::sync::Arc;

use super::build::{SECOND, direct, exponential, poisson, queue, steady};
use super::case::{Case, Run, Runs};
use super::judge::Rule;
use super::stats::real;
use crate::dist::{Distribution, seconds};
use crate::observe::{Latency, Record};
use crate::plan::{Dependency, Holding, Load, Need, Plan, Server, Service};
use crate::verdict::share;
use crate::world::World;

pub(super) fn cases() -> Vec<Case> {
    let waiting = [e1()].into_iter().chain(e2()).chain(e3()).chain(e4());
    waiting.chain([e5()]).chain(e6()).chain([e14()]).collect()
}

/// Mean and the quantiles at these shares.
pub(super) fn quantiles(latency: &Latency, shares: &[f64]) -> Vec<f64> {
    let quantiles = shares.iter().map(|share| latency.quantile(*share));
    [latency.mean()].into_iter().chain(quantiles).collect()
}

fn e1() -> Case {
    let model = |run: Run| {
        let server = Server::new(1, exponential(1.0));
        let record = World::run(queue(4e6 * run.share, server, poisson(0.8)), run.seed);
        quantiles(&record.loads[0].latency, &[0.5, 0.9, 0.99, 0.999])
    };
    Case::new("E1", "M/M/1", Runs { full: 10, quick: 6, share: 0.04 }, model)
        .from("queueing theory")
        .claims_all(
            &[
                ("mean T", "5.000"),
                ("p50", "3.466"),
                ("p90", "11.51"),
                ("p99", "23.03"),
                ("p99.9", "34.54"),
            ],
            Rule::Within(0.01),
        )
}

/// Servers, load of each, and what Erlang C says of them.
const ERLANG_C: [(u32, f64, &str, &str); 7] = [
    (1, 0.8, "0.80000", "4.0000"),
    (2, 0.8, "0.71111", "1.7778"),
    (3, 0.75, "0.56776", "0.7570"),
    (4, 0.8, "0.59643", "0.7455"),
    (8, 0.9, "0.70153", "0.8769"),
    (10, 0.85, "0.52986", "0.3532"),
    (32, 0.9, "0.45820", "0.1432"),
];

fn e2() -> impl Iterator<Item = Case> {
    ERLANG_C.into_iter().map(|(workers, rho, waits, wait)| {
        let model = move |run: Run| {
            let server = Server::new(workers, exponential(1.0));
            let arrivals = poisson(rho * f64::from(workers));
            let horizon = 4e6 / (rho * f64::from(workers)) * run.share;
            let record = World::run(queue(horizon, server, arrivals), run.seed);
            let service = &record.services[0];
            vec![share(service.waited, service.begun), service.wait / real(service.begun)]
        };
        let name = format!("M/M/{workers} at {rho}");
        Case::new("E2", name, Runs { full: 10, quick: 6, share: 0.03 }, model)
            .from("Erlang C")
            .claims_all(&[("P(wait)", waits), ("Wq/S", wait)], Rule::Within(0.01))
    })
}

/// Distributions of mean 1: it does not matter which.
fn of_mean_one() -> [(&'static str, Distribution); 3] {
    let sigma: f64 = 1.0;
    let median = seconds(libm::exp(-sigma * sigma / 2.0));
    [
        ("exponential", exponential(1.0)),
        ("constant", Distribution::Constant(SECOND)),
        ("log-normal", Distribution::LogNormal { median, sigma }),
    ]
}

/// Servers, offered load, and the share that Erlang B says is lost.
const ERLANG_B: [(u32, f64, &str); 4] =
    [(4, 3.2, "0.22814"), (16, 12.8, "0.08065"), (20, 20.0, "0.15889"), (30, 20.0, "0.00846")];

fn e3() -> impl Iterator<Item = Case> {
    ERLANG_B.into_iter().flat_map(|(workers, offered, lost)| {
        of_mean_one().into_iter().map(move |(kind, time)| {
            let model = move |run: Run| {
                let server = Server { queue: Some(0), ..Server::new(workers, time.clone()) };
                let horizon = 1e6 / offered * run.share;
                let record = World::run(queue(horizon, server, poisson(offered)), run.seed);
                vec![refused(&record)]
            };
            let name = format!("c {workers}, a {offered}, {kind}");
            Case::new("E3", name, Runs { full: 10, quick: 5, share: 0.05 }, model)
                .from("Erlang B")
                .claims("blocked", lost, Rule::Within(0.01))
        })
    })
}

fn refused(record: &Record) -> f64 {
    share(record.services[0].refused, record.services[0].arrived)
}

fn e4() -> impl Iterator<Item = Case> {
    let rooms = [(0.8, 10, "0.023493"), (1.2, 50, "0.166682")];
    rooms.into_iter().map(|(rho, room, lost)| {
        let model = move |run: Run| {
            let server = Server { crowd: Some(room), ..Server::new(1, exponential(1.0)) };
            let record = World::run(queue(1e6 * run.share, server, poisson(rho)), run.seed);
            vec![refused(&record)]
        };
        let name = format!("M/M/1/{room} at {rho}");
        Case::new("E4", name, Runs { full: 10, quick: 5, share: 0.1 }, model)
            .from("queueing theory")
            .claims("lost", lost, Rule::Within(0.02))
    })
}

/// Mostly a tenth of a second, once in a thousand times ten seconds.
pub(super) fn bimodal() -> Distribution {
    Distribution::Mixture(Arc::from([(0.999, exponential(0.1)), (0.001, exponential(10.0))]))
}

/// Such that a server of bimodal times is busy four fifths of the time.
pub(super) const BIMODAL_RATE: f64 = 0.8 / 0.1099;

fn e5() -> Case {
    let model = |run: Run| {
        let server = Server::new(1, bimodal());
        let plan = queue(5e5 * run.share, server, poisson(BIMODAL_RATE));
        let record = World::run(plan, run.seed);
        let (load, service) = (&record.loads[0], &record.services[0]);
        let mut values = vec![service.wait / real(service.begun)];
        values.extend(quantiles(&load.latency, &[0.5, 0.9, 0.99, 0.999]));
        let waits = share(service.waited, service.begun);
        let above = |time: u32| waits * service.waits.above(time * SECOND);
        values.extend([waits, above(1), above(10), above(40)]);
        values
    };
    let case = Case::new("E5", "M/G/1", Runs { full: 20, quick: 6, share: 0.05 }, model);
    case.from("Pollaczek–Khinchine; transform inversion").claims_all(
        &[
            ("Wq", "4.00328"),
            ("mean T", "4.11318"),
            ("p50", "0.418"),
            ("p90", "14.16"),
            ("p99", "45.80"),
            ("p99.9", "77.43"),
            // The values of the published formula at these times.
            ("P(W > 0)", "0.8000"),
            ("P(W > 1)", "0.2915"),
            ("P(W > 10)", "0.1340"),
            ("P(W > 40)", "0.01510"),
        ],
        Rule::Within(0.03),
    )
}

fn e6() -> impl Iterator<Item = Case> {
    [(0.8, "3.000"), (0.9, "5.500")].into_iter().map(|(rho, stay)| {
        let model = move |run: Run| {
            let server = Server::new(1, Distribution::Constant(SECOND));
            let record = World::run(queue(3e6 * run.share, server, poisson(rho)), run.seed);
            vec![record.loads[0].latency.mean()]
        };
        Case::new("E6", format!("M/D/1 at {rho}"), Runs { full: 10, quick: 6, share: 0.05 }, model)
            .from("Pollaczek–Khinchine")
            .claims("T/S", stay, Rule::Within(0.01))
    })
}

/// A front with threads that calls a back, over a network.
fn chain(horizon: f64) -> Plan {
    let mut plan = steady(horizon);
    let front = Server { holding: Holding::Worker, ..Server::new(20, exponential(0.1)) };
    let front = plan.service(Service::new("front", front));
    let back = Server::new(2, exponential(0.15));
    let back = plan.service(Service { replicas: 2, ..Service::new("back", back) });
    let leg = crate::plan::Network::symmetric(exponential(0.02));
    let caller = crate::plan::Caller { network: leg, ..direct(back) };
    plan.services[0].calls.push(Dependency { caller, fan_out: 1, need: Need::All });
    plan.loads.push(Load::new("all", poisson(20.0), direct(front)));
    plan
}

fn e14() -> Case {
    let model = |run: Run| {
        let plan = chain(2e4 * run.share);
        let lasted = plan.horizon.saturating_sub(plan.warmup).as_secs_f64();
        let record = World::run(plan, run.seed);
        let of = |place: usize| {
            let service = &record.services[place];
            service.occupancy / lasted / (real(service.arrived) / lasted * service.stay.mean())
        };
        let load = &record.loads[0];
        let all = real(load.ended()) / lasted * load.latency.mean();
        vec![of(0), of(1), record.services[0].occupancy / lasted / all]
    };
    Case::new("E14", "L = λT", Runs { full: 10, quick: 5, share: 0.2 }, model)
        .from("Little's law")
        .claims_all(
            &[("front", "1.0000"), ("back", "1.0000"), ("overall", "1.0000")],
            Rule::Within(0.005),
        )
}
