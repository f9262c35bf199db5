//! Small worlds whose numbers are known, and worlds that must not go wrong.

mod changes;
mod outage;

use seawall_core::call::CallSettings;
use seawall_core::time::{Duration, Instant};

use super::World;
use crate::chance::Seed;
use crate::dist::Distribution;
use crate::observe::{End, Record};
use crate::plan::{
    Abandoned, Arrivals, Caller, Cancel, Dependency, Direction, Discipline, Disturbance, Ending,
    Fault, Gateway, Load, Need, Network, Pace, Plan, Protected, Rate, Replicas, RouteId, Server,
    Service, ServiceId, Slowdown, Spacing, Target, Victims, Weather,
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
    let protected = Protected::new("shop", service);
    let gateway = plan.gateway(Gateway::before(protected, CallSettings::default()));
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
    let second = Victims::Replicas(ServiceId(0), Replicas::One(1));
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
    let all = Victims::Replicas(ServiceId(0), Replicas::All);
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

fn at(secs: u32) -> Instant {
    Instant::EPOCH.after(secs * SECOND)
}

/// Calls at these seconds to a service of one replica.
fn replayed(secs: &[u32], server: Server, caller: impl FnOnce(ServiceId) -> Caller) -> Plan {
    let mut plan = Plan::lasting(100 * SECOND);
    plan.ending = Ending::Finish;
    let service = plan.service(Service::new("one", server));
    let times: Vec<_> = secs.iter().map(|secs| at(*secs)).collect();
    plan.loads.push(Load::new("all", Arrivals::Replay(times.into()), caller(service)));
    plan
}

fn direct(service: ServiceId) -> Caller {
    Caller::of(Target::Service(service))
}

fn befalls(from: u32, lasts: u32, fault: Fault) -> Disturbance {
    let all = Victims::Replicas(ServiceId(0), Replicas::All);
    Disturbance::new(at(from), all, fault).lasting(lasts * SECOND)
}

#[test]
fn a_replica_that_stood_still_has_all_its_work_before_it_still() {
    // Due in the middle of the standstill or after it, both need ten seconds of work.
    let server = Server::unlimited(Distribution::Constant(10 * SECOND));
    let mut plan = replayed(&[0, 8], server, direct);
    plan.disturbances.push(befalls(5, 10, Fault::Freeze));
    let record = World::run(plan, Seed::new(1));
    // The first: 5 + 5 after the thaw at 15. The second waits at the door from 8 to 15.
    assert!((record.loads[0].latency.quantile(1.0) - 20.0).abs() < 0.02);
    assert!((record.loads[0].latency.mean() - (20.0 + 17.0) / 2.0).abs() < 0.02);
}

#[test]
fn a_replica_that_stands_still_begins_nothing() {
    let server = Server {
        abandoned: Abandoned::Stops,
        ..Server::new(1, Distribution::Constant(10 * SECOND))
    };
    let caller = |service| Caller {
        timeout: Some(6 * SECOND),
        cancel: Cancel::OnTimeout,
        ..direct(service)
    };
    // The first is cancelled at 6, in the standstill; the second would begin then.
    let mut plan = replayed(&[0, 2], server, caller);
    plan.disturbances.push(befalls(5, 20, Fault::Freeze));
    let record = World::run(plan, Seed::new(1));
    assert_eq!((record.services[0].begun, record.loads[0].ends(End::TimedOut)), (1, 2));
}

#[test]
fn what_waits_at_the_door_of_a_frozen_replica_is_lost_when_it_crashes() {
    let server = Server::unlimited(Distribution::Constant(SECOND));
    let mut plan = replayed(&[6], server, direct);
    plan.disturbances.push(befalls(5, 20, Fault::Freeze));
    plan.disturbances.push(befalls(10, 5, Fault::Crash));
    let record = World::run(plan, Seed::new(1));
    assert_eq!(record.loads[0].ends(End::Lost), 1);
}

#[test]
fn cancelled_jobs_leave_their_places_in_the_queue() {
    let server = Server {
        abandoned: Abandoned::Stops,
        queue: Some(1),
        ..Server::new(1, Distribution::Constant(20 * SECOND))
    };
    let caller = |service| Caller {
        timeout: Some(5 * SECOND),
        cancel: Cancel::OnTimeout,
        ..direct(service)
    };
    // Cancelled at 5 (working), 6 and 12 (waiting): each leaves room for the next.
    let record = World::run(replayed(&[0, 1, 7, 8], server, caller), Seed::new(1));
    assert_eq!(record.services[0].refused, 0, "{:?}", record.loads[0].ends);
}

#[test]
fn a_fan_out_that_needs_nothing_or_too_much_is_decided_at_once() {
    for (fan_out, need, end) in
        [(0, Need::All, End::Good), (3, Need::First(0), End::Good), (3, Need::First(4), End::Error)]
    {
        let mut plan = replayed(&[1], Server::unlimited(Distribution::NONE), direct);
        let leaf = plan.service(Service::new("leaf", Server::new(1, Distribution::NONE)));
        plan.services[0].calls.push(Dependency { caller: direct(leaf), fan_out, need });
        let record = World::run(plan, Seed::new(1));
        assert_eq!(record.loads[0].ends(end), 1, "{fan_out} {need:?}");
    }
}

#[test]
fn sources_begin_when_they_are_told_and_keep_their_instances() {
    let mut plan = Plan::lasting(10 * SECOND);
    let server = Server::unlimited(Distribution::Constant(SECOND));
    let service = plan.service(Service::new("one", server));
    let caller = Caller { instances: 3, ..direct(service) };
    let even = Arrivals::Open { rate: Rate::constant(1.0), spacing: Spacing::Even };
    let load = Load::new("all", even, caller);
    let first = Some(Distribution::Constant(500 * MS));
    plan.loads.push(Load { sources: 3, first, ..load });
    plan.buckets = 10;
    let record = World::run(plan, Seed::new(1));
    assert_eq!(record.loads[0].timeline.iter().map(|b| b.started).collect::<Vec<_>>(), [3; 10]);
}

#[test]
fn whoever_waited_too_long_calls_once_more() {
    // Five come at once to a server that takes a second each: two wait more than 3.5 s, and come
    // again at 4 and 5; these wait two seconds and are content.
    let server = Server::new(1, Distribution::Constant(SECOND));
    let mut plan = replayed(&[0, 0, 0, 0, 0], server, direct);
    plan.loads[0].repeat_above = Some(3_500 * MS);
    let record = World::run(plan, Seed::new(1));
    assert_eq!((record.loads[0].started, record.loads[0].ended()), (7, 7));
}

#[test]
fn a_closed_load_begins_when_it_is_told() {
    let mut plan = Plan::lasting(10 * SECOND);
    let server = Server::unlimited(Distribution::NONE);
    let service = plan.service(Service::new("one", server));
    let pace = Pace::AfterEnd(Distribution::Constant(4 * SECOND));
    let load = Load::new("all", Arrivals::Closed { users: 2, pace }, direct(service));
    plan.loads.push(Load { first: Some(Distribution::Constant(SECOND)), ..load });
    plan.buckets = 10;
    let record = World::run(plan, Seed::new(1));
    let starts: Vec<_> = record.loads[0].timeline.iter().map(|b| b.started).collect();
    assert_eq!(starts, [0, 2, 0, 0, 0, 2, 0, 0, 0, 2]);
}

/// How long three jobs take that arrive together at a server with this slowdown.
fn three_at_once(workers: u32, slowdown: Slowdown) -> f64 {
    let server = Server { slowdown, ..Server::new(workers, Distribution::Constant(SECOND)) };
    let record = World::run(replayed(&[1, 1, 1], server, direct), Seed::new(1));
    record.loads[0].latency.mean() * 3.0
}

#[test]
fn crowds_slow_a_server_down_in_their_several_ways() {
    let is = |seconds: f64, expected: f64| assert!((seconds - expected).abs() < 1e-6, "{seconds}");
    is(three_at_once(3, Slowdown::None), 3.0);
    is(three_at_once(3, Slowdown::PerJob(SECOND)), 2.0 + 3.0 + 4.0);
    // The first waits for nobody; two wait behind it, then one: 1, 1 + 2, 3 + 1.
    is(three_at_once(1, Slowdown::PerWaiting(SECOND)), 1.0 + 3.0 + 4.0);
    is(three_at_once(3, Slowdown::Table([(1, 1.0), (3, 5.0)].into())), 1.0 + 3.0 + 5.0);
    is(three_at_once(3, Slowdown::Collections(2, SECOND)), 1.0 + 3.0 + 1.0);
}

#[test]
fn replicas_are_slow_together_in_bad_weather() {
    let mut plan = Plan::lasting(20_000 * SECOND);
    let server = Server::unlimited(Distribution::Constant(100 * MS));
    let spell = Distribution::Exponential(10 * SECOND);
    let weather = Some(Weather { good: spell.clone(), bad: spell, slower: 10.0 });
    let service = plan.service(Service { replicas: 2, weather, ..Service::new("two", server) });
    let front = Service::new("front", Server::unlimited(Distribution::NONE));
    let need = Need::First(1);
    let front = plan.service(front);
    plan.services[1].calls.push(Dependency { caller: direct(service), fan_out: 2, need });
    let spacing = Spacing::Even;
    let arrivals = Arrivals::Open { rate: Rate::constant(1.0), spacing };
    plan.loads.push(Load::new("all", arrivals, direct(front)));
    let record = World::run(plan, Seed::new(1));
    // Asking both helps nobody: half of the calls are slow, give or take four deviations.
    let slow = record.loads[0].latency.above(500 * MS);
    assert!((slow - 0.5).abs() < 0.07, "{slow}");
}

#[test]
fn a_queue_under_controlled_delay_stays_short_and_one_without_does_not() {
    let wait = |discipline| {
        let mut plan = Plan::lasting(60 * SECOND);
        let server = Server { discipline, ..Server::new(1, Distribution::Constant(10 * MS)) };
        let service = plan.service(Service::new("one", server));
        plan.loads.push(Load::new("all", open(110.0), direct(service)));
        let record = World::run(plan, Seed::new(1));
        (record.loads[0].latency.quantile(0.5), record.services[0].dropped)
    };
    let codel = Discipline::CoDel { target: 5 * MS, interval: 100 * MS };
    let ((short, dropped), (long, none)) = (wait(codel), wait(Discipline::Fifo));
    assert!(short < 0.3 && long > 1.0, "{short} {long}");
    assert!((300..1_000).contains(&dropped) && none == 0, "{dropped}");
}

#[test]
fn every_call_of_a_gateway_is_made_and_ends() {
    // All fail at once, so that each finds the place of the one before free again.
    let mut plan = guarded(20, 50.0);
    plan.ending = Ending::Finish;
    plan.services[0].errors = seawall_core::ratio::Ratio::ONE;
    plan.services[0].server.time = Distribution::NONE;
    plan.gateways[0].upstreams[0].settings.breaker.mode = seawall_core::Mode::Off;
    let record = World::run(plan, Seed::new(1));
    let (load, upstream) = (&record.loads[0], &record.upstreams[0][0]);
    assert_eq!((load.started, load.ended()), (upstream.firsts, upstream.firsts));
}
