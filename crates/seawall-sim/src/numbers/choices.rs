//! The shorter of two random queues.

use seawall_core::balance::{Algorithm, BalanceSettings};
use seawall_core::upstream::UpstreamSettings;

use super::build::{direct, exponential, guard, idle, patient, poisson, steady};
use super::case::{Case, Run, Runs};
use super::judge::Rule;
use crate::plan::{Caller, Load, Pick, Plan, Server, Service};
use crate::world::World;

pub(super) fn cases() -> Vec<Case> {
    two().chain([ten()]).chain(any()).collect()
}

/// So many servers behind one gateway, each busy this share of the time, if all did alike.
fn servers(count: u32, busy: f64, algorithm: Algorithm, horizon: f64) -> Plan {
    let mut plan = steady(horizon);
    let server = Server::new(1, exponential(1.0));
    let service = plan.service(Service { replicas: count, ..Service::new("all", server) });
    let idle = idle();
    let balance = BalanceSettings { algorithm, ..idle.balance };
    let settings = UpstreamSettings { balance, ..idle };
    let caller = guard(&mut plan, service, settings, patient(1));
    plan.loads.push(Load::new("all", poisson(busy * f64::from(count)), caller));
    plan
}

fn two() -> impl Iterator<Item = Case> {
    let table = [
        (1_000, 0.7, 100.0, "1.614", "in the limit"),
        (1_000, 0.9, 300.0, "2.614", "in the limit"),
        (1_000, 0.95, 800.0, "3.383", "in the limit"),
        (1_000, 0.99, 3_000.0, "5.432", "in the limit"),
        (500, 0.9, 1_000.0, "2.64", "of 500"),
    ];
    table.into_iter().map(|(count, busy, horizon, stay, of)| {
        let model = move |run: Run| {
            let plan = servers(count, busy, Algorithm::PowerOfTwo, horizon * run.share);
            vec![World::run(plan, run.seed).loads[0].latency.mean()]
        };
        let name = format!("two of {count} at {busy}");
        Case::new("E16", name, Runs { full: 10, quick: 3, share: 0.2 }, model)
            .from("Mitzenmacher 2001")
            .claims(&format!("T {of}"), stay, Rule::Within(0.03))
    })
}

/// Shown beside what was published: the tolerance of this family begins at 500 queues.
///
/// Among so few it matters that the two draws may be of the same queue, which those of the core
/// never are; here callers choose by themselves.
fn ten() -> Case {
    let model = |run: Run| {
        let mut plan = steady(50_000.0 * run.share);
        let server = Server::new(1, exponential(1.0));
        let service = plan.service(Service { replicas: 10, ..Service::new("all", server) });
        let caller = Caller { pick: Pick::ShorterOfTwo, ..direct(service) };
        plan.loads.push(Load::new("all", poisson(9.0), caller));
        vec![World::run(plan, run.seed).loads[0].latency.mean()]
    };
    Case::new("E16", "two of 10 at 0.9", Runs { full: 10, quick: 4, share: 0.1 }, model)
        .from("Mitzenmacher 2001")
        .claims("T of 10", "3.26", Rule::Shown)
}

fn any() -> impl Iterator<Item = Case> {
    let table = [(0.7, 1e4, "3.33"), (0.9, 1e5, "10.0"), (0.95, 3e5, "20.0"), (0.99, 3e6, "100.0")];
    table.into_iter().map(|(busy, horizon, stay)| {
        let model = move |run: Run| {
            let mut plan = steady(horizon * run.share);
            let server = Server::new(1, exponential(1.0));
            let service = plan.service(Service { replicas: 10, ..Service::new("all", server) });
            plan.loads.push(Load::new("all", poisson(10.0 * busy), direct(service)));
            vec![World::run(plan, run.seed).loads[0].latency.mean()]
        };
        let name = format!("any of 10 at {busy}");
        Case::new("E16", name, Runs { full: 10, quick: 6, share: 0.03 }, model)
            .from("Mitzenmacher 2001")
            .claims("T", stay, Rule::Within(0.03))
    })
}
