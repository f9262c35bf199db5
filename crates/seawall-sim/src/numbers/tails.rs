//! Tails: fan-out makes them everybody's, hedging cuts them.

use seawall_core::Mode;
use seawall_core::hedge::{HedgeDelay, HedgeSettings};
use seawall_core::ratio::Ratio;
use seawall_core::upstream::UpstreamSettings;

use super::build::{MS, SECOND, direct, exponential, guard, idle, patient, poisson, steady};
use super::case::{Case, Run, Runs};
use super::judge::Rule;
use super::queues::quantiles;
use super::stats::real;
use crate::dist::{Distribution, seconds};
use crate::plan::{Dependency, Load, Need, Plan, Server, Service};
use crate::world::World;

pub(super) fn cases() -> Vec<Case> {
    e9().chain(e10()).collect()
}

/// Calls to a front that asks so many leaves, of which a share is slow.
fn fan_out(leaves: u32, slow: f64, horizon: f64) -> Plan {
    let mut plan = steady(horizon);
    let parts = [(1.0 - slow, Distribution::Constant(MS)), (slow, Distribution::Constant(SECOND))];
    let leaf = Server::unlimited(Distribution::Mixture(parts.into()));
    let leaf = plan.service(Service::new("leaf", leaf));
    let mut front = Service::new("front", Server::unlimited(Distribution::NONE));
    let dependency = Dependency { caller: direct(leaf), fan_out: leaves, need: Need::All };
    front.calls.push(dependency);
    let front = plan.service(front);
    plan.loads.push(Load::new("all", poisson(20.0), direct(front)));
    plan
}

fn e9() -> impl Iterator<Item = Case> {
    let table = [(100, 0.01, 1_000.0, "0.634"), (2_000, 1e-4, 250.0, "0.181")];
    table.into_iter().map(|(leaves, slow, horizon, share)| {
        let model = move |run: Run| {
            let record = World::run(fan_out(leaves, slow, horizon * run.share), run.seed);
            vec![record.loads[0].latency.above(500 * MS)]
        };
        let name = format!("fan-out to {leaves}, each slow with {slow}");
        Case::new("E9", name, Runs { full: 10, quick: 4, share: 0.1 }, model)
            .from("The Tail at Scale")
            .claims("slow", share, Rule::Points(0.005))
    })
}

/// Hedging after this time, as often as it takes.
fn hedged(delay: f64) -> UpstreamSettings {
    let hedge = HedgeSettings {
        mode: Mode::Enforce,
        delay: HedgeDelay::Fixed(seconds(delay)),
        share: Ratio::ONE,
        ..HedgeSettings::default()
    };
    UpstreamSettings { hedge, ..idle() }
}

fn e10() -> impl Iterator<Item = Case> {
    let table = [
        ("ln 4", libm::log(4.0), ["0.875", "2.996", "4.147", "0.2500"]),
        ("ln 10", libm::log(10.0), ["0.950", "3.454", "4.605", "0.1000"]),
    ];
    table.into_iter().map(|(name, delay, [mean, p99, p999, extra])| {
        let model = move |run: Run| {
            let mut plan = steady(2_000.0 * run.share);
            let server = Server::unlimited(exponential(1.0));
            let service = plan.service(Service { replicas: 3, ..Service::new("all", server) });
            let caller = guard(&mut plan, service, hedged(delay), patient(1));
            plan.loads.push(Load::new("all", poisson(500.0), caller));
            let record = World::run(plan, run.seed);
            let mut values = quantiles(&record.loads[0].latency, &[0.99, 0.999]);
            let upstream = &record.upstreams[0][0];
            values.push(real(upstream.hedges) / real(upstream.firsts));
            values
        };
        Case::new(
            "E10",
            format!("hedge after {name}"),
            Runs { full: 10, quick: 5, share: 0.1 },
            model,
        )
        .from("arithmetic")
        .claims_all(
            &[("mean", mean), ("p99", p99), ("p99.9", p999), ("extra load", extra)],
            Rule::Within(0.01),
        )
    })
}
