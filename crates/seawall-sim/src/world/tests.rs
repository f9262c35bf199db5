//! Small worlds whose numbers are known, and worlds that must not go wrong.

mod changes;

use seawall_core::call::CallSettings;
use seawall_core::shed::Class;
use seawall_core::time::{Duration, Instant};
use seawall_core::upstream::UpstreamSettings;

use super::World;
use crate::chance::Seed;
use crate::dist::Distribution;
use crate::observe::{End, Record};
use crate::plan::{
    Arrivals, Caller, Cancel, Direction, Disturbance, Ending, Fault, Gateway, Load, Network, Plan,
    Protected, Rate, Replicas, Route, RouteId, Server, Service, Slowdown, Spacing, Target, Victims,
};
use crate::verdict::share;

const SECOND: Duration = Duration::from_secs(1);
const MS: Duration = Duration::from_millis(1);

fn open(rate: f64) -> Arrivals {
    Arrivals::Open { rate: Rate::constant(rate), spacing: Spacing::Poisson }
}

/// One queue at 80 % load, unit service time.
fn single_queue(horizon: u32) -> Plan {
    let mut plan = Plan::lasting(horizon * SECOND);
    let server = Server::new(1, Distribution::Exponential(SECOND));
    let service = plan.service(Service::new("queue", server));
    plan.loads.push(Load::new("all", open(0.8), Caller::of(Target::Service(service))));
    plan
}

/// Three replicas behind a gateway with default policies.
fn guarded(horizon: u32, rate: f64) -> Plan {
    let mut plan = Plan::lasting(horizon * SECOND);
    let server = Server::new(20, Distribution::Exponential(20 * MS));
    let service = plan.service(Service { replicas: 3, ..Service::new("shop", server) });
    let protected = Protected {
        name: "shop".into(),
        settings: UpstreamSettings::default(),
        overrides: seawall_core::outcome::Overrides::default(),
        service,
        endpoints: Vec::new(),
        network: Network::NONE,
        cancel: Cancel::OnTimeout,
        checks: None,
    };
    let settings = CallSettings::default();
    let route = Route { name: "/".into(), upstream: 0, settings, priority: Class::Normal };
    let gateway = plan.gateway(Gateway {
        name: "edge".into(),
        instances: 1,
        upstreams: vec![protected],
        routes: vec![route],
    });
    let target = Target::Route(gateway, RouteId(0));
    plan.loads.push(Load::new("all", open(rate), Caller::of(target)));
    plan
}

fn within(record: &Record, least: f64) -> bool {
    let load = &record.loads[0];
    share(load.good(), load.started) >= least
}

#[test]
fn a_single_queue_waits_as_theory_says() {
    let mut plan = single_queue(500_000);
    plan.warmup = 1_000 * SECOND;
    let record = World::run(plan, Seed::new(1));
    let mean = record.loads[0].latency.mean();
    // One run over 4·10⁵ requests: about 1.3 % deviation, four of them.
    assert!((mean / 5.0 - 1.0).abs() < 0.05, "{mean}");
    let waited = share(record.services[0].waited, record.services[0].begun);
    assert!((waited / 0.8 - 1.0).abs() < 0.02, "{waited}");
}

#[test]
fn a_gateway_hides_one_replica_that_crashes() {
    let mut plan = guarded(60, 300.0);
    let second = Victims::Replicas(crate::plan::ServiceId(0), Replicas::One(1));
    let crash = Disturbance::new(Instant::EPOCH.after(20 * SECOND), second, Fault::Crash);
    plan.disturbances.push(crash.lasting(20 * SECOND));
    let record = World::run(plan, Seed::new(2));
    assert!(within(&record, 0.999), "{:?}", record.loads[0].ends);
    let (upstream, service) = (&record.upstreams[0][0], &record.services[0]);
    assert!((1..100).contains(&upstream.retries), "{upstream:?}");
    assert_eq!(service.arrived, upstream.firsts + upstream.retries);
}

#[test]
fn equal_seeds_give_equal_worlds_and_others_differ() {
    let print = |seed| format!("{:?}", World::run(guarded(5, 200.0), Seed::new(seed)));
    assert_eq!(print(3), print(3));
    assert_ne!(print(3), print(4));
}

#[test]
fn a_world_that_grows_without_bound_ends_as_unstable() {
    let mut plan = single_queue(1_000_000);
    plan.loads[0].arrivals = open(2.0);
    plan.crowd_max = 1_000;
    let record = World::run(plan, Seed::new(5));
    let at = record.unstable.expect("it overflows").as_nanos() / 1_000_000_000;
    assert!((250..4_000).contains(&at), "{at}");
}

/// Delays that grow with the number of jobs; impatient clients that try three times.
fn collapsing(spike: u32) -> Plan {
    let mut plan = Plan::lasting(80 * SECOND);
    let mut server = Server::unlimited(Distribution::Constant(SECOND));
    server.slowdown = Slowdown::PerJob(10 * MS);
    let service = plan.service(Service::new("db", server));
    let at = |secs: u32| Instant::EPOCH.after(secs * SECOND);
    let rate = Rate {
        points: vec![(at(0), 40.0), (at(20), 80.0), (at(20 + spike), 40.0)],
        shape: crate::plan::Shape::Steps,
        scale: 1.0,
    };
    let caller = Caller {
        network: Network::symmetric(Distribution::Exponential(100 * MS)),
        attempts: 3,
        timeout: Some(3 * SECOND),
        ..Caller::of(Target::Service(service))
    };
    let arrivals = Arrivals::Open { rate, spacing: Spacing::Poisson };
    plan.loads.push(Load::new("all", arrivals, caller));
    plan.buckets = 80;
    plan
}

fn goodput_at_the_end(record: &Record) -> f64 {
    let tail = &record.loads[0].timeline[65..];
    let sum = |of: fn(&crate::observe::Bucket) -> u64| tail.iter().map(of).sum();
    share(sum(|bucket| bucket.good), sum(|bucket| bucket.started))
}

#[test]
fn a_long_spike_leaves_impatient_clients_in_a_bad_state_and_a_short_one_does_not() {
    for seed in 0..10 {
        let short = World::run(collapsing(1), Seed::new(seed));
        assert!(goodput_at_the_end(&short) > 0.8, "{seed}");
        let long = World::run(collapsing(10), Seed::new(seed));
        assert!(goodput_at_the_end(&long) < 0.2, "{seed}");
    }
}

#[test]
fn what_never_ends_is_not_waited_for_without_end() {
    let mut plan = guarded(2, 50.0);
    plan.ending = Ending::Finish;
    plan.gateways[0].upstreams[0].checks = Some((SECOND, SECOND));
    plan.gateways[0].routes[0].settings.total = None;
    plan.gateways[0].routes[0].settings.attempt = Duration::MAX;
    let all = Victims::Replicas(crate::plan::ServiceId(0), Replicas::All);
    let fault = Fault::BlackHole(Direction::Both);
    plan.disturbances.push(Disturbance::new(Instant::EPOCH.after(SECOND), all, fault));
    let record = World::run(plan, Seed::new(7));
    assert!(record.loads[0].ended() < record.loads[0].started);
    assert!(record.end <= Instant::EPOCH.after(20 * SECOND));
}

#[test]
fn what_is_under_way_can_be_waited_for() {
    let mut plan = guarded(2, 500.0);
    plan.ending = Ending::Finish;
    let record = World::run(plan, Seed::new(6));
    let load = &record.loads[0];
    assert_eq!(load.ended(), load.started);
    assert_eq!(load.ends(End::Good), load.started);
}
