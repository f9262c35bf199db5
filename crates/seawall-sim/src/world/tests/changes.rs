//! What befalls worlds, what services remember and what connections bound, against known numbers.

use seawall_core::fault::{Direction, Fault, Shape as Course};
use seawall_core::ratio::Ratio;
use seawall_core::time::{Duration, Instant};

use super::{MS, SECOND, guarded, open};
use crate::chance::Seed;
use crate::dist::Distribution;
use crate::observe::{Bucket, End, Record};
use crate::plan::{
    Arrivals, Cache, Caller, Disturbance, Eviction, Load, Plan, Pool, Rate, Replicas, Server,
    Service, ServiceId, Shape, Side, Spacing, Starts, Target, Trigger, Victims, Watched,
};
use crate::verdict::share;
use crate::world::World;

fn at(secs: u32) -> Instant {
    Instant::EPOCH.after(secs * SECOND)
}

fn even(rate: f64) -> Arrivals {
    Arrivals::Open { rate: Rate::constant(rate), spacing: Spacing::Even }
}

/// One service called directly.
fn world(horizon: u32, server: Server, arrivals: Arrivals) -> Plan {
    let mut plan = Plan::lasting(horizon * SECOND);
    let service = plan.service(Service::new("db", server));
    plan.loads.push(Load::new("all", arrivals, Caller::of(Target::Service(service))));
    plan
}

fn instant(time: Duration) -> Server {
    Server::unlimited(Distribution::Constant(time))
}

fn all() -> Victims {
    Victims::Replicas(ServiceId(0), Replicas::All)
}

fn run(plan: Plan) -> Record {
    World::run(plan, Seed::new(11))
}

/// The mean latency of calls that ended within a second.
fn latency(record: &Record, second: usize) -> f64 {
    let buckets = &record.loads[0].timeline[second * 10..second * 10 + 10];
    let ended: u64 = buckets.iter().map(|bucket| bucket.good + bucket.bad).sum();
    let sum: f64 = buckets.iter().map(|bucket| bucket.latency).sum();
    sum / f64::from(u32::try_from(ended).unwrap().max(1))
}

fn cached(cache: Cache, keys: (u32, f64), (rate, time): (f64, Duration)) -> Plan {
    let mut plan = world(1_000, instant(time), open(rate));
    plan.loads[0].keys = Some(keys);
    plan.services[0].cache = Some(cache);
    plan
}

const EVERYTHING: Cache = Cache {
    capacity: 1_000,
    eviction: Eviction::Never,
    hit: Distribution::NONE,
    single_flight: false,
    shared: true,
    warm: false,
};

fn hit_rate(record: &Record) -> f64 {
    let service = &record.services[0];
    share(service.hits, service.hits + service.misses)
}

#[test]
fn a_cache_of_half_the_keys_answers_half_of_what_is_evenly_asked() {
    let half = Cache { capacity: 50, ..EVERYTHING };
    let rate = hit_rate(&run(cached(half, (100, 0.0), (50.0, Duration::ZERO))));
    // 50 000 requests: the deviation of a share of one half is 0.22 points; four of them.
    assert!((rate - 0.5).abs() < 0.009, "{rate}");
}

#[test]
fn a_key_that_lives_for_a_time_is_hit_as_renewal_theory_says() {
    let eviction = Eviction::After(SECOND, Ratio::ZERO);
    let short = Cache { eviction, ..EVERYTHING };
    let rate = hit_rate(&run(cached(short, (1, 0.0), (9.0, Duration::ZERO))));
    // λT / (1 + λT) with λ = 9 and T = 1; the deviation over a thousand cycles is 0.1 points.
    assert!((rate - 0.9).abs() < 0.005, "{rate}");
}

#[test]
fn one_fetches_for_all_who_ask_at_once() {
    let plan = |single_flight| {
        let cache = Cache { single_flight, ..EVERYTHING };
        let mut plan = cached(cache, (1, 0.0), (100.0, SECOND));
        plan.horizon = 5 * SECOND;
        plan
    };
    let (one, each) = (run(plan(true)), run(plan(false)));
    assert_eq!(one.services[0].begun, 1);
    assert_eq!(one.loads[0].good(), one.loads[0].ended());
    // Everybody who asked within the first second: about a hundred.
    assert!((60..140).contains(&each.services[0].begun), "{}", each.services[0].begun);
}

#[test]
fn warm_keys_that_expire_in_step_are_all_missed_at_once_and_jitter_spreads_them() {
    let misses = |jitter, seconds: u32| {
        let eviction = Eviction::After(10 * SECOND, Ratio::from_percent(jitter));
        let cache = Cache { eviction, warm: true, ..EVERYTHING };
        let mut plan = cached(cache, (100, 0.0), (1_000.0, Duration::ZERO));
        plan.horizon = seconds * SECOND;
        run(plan).services[0].misses
    };
    assert_eq!(misses(0, 9), 0);
    assert_eq!(misses(0, 12), 100);
    // Evenly spread over 5 to 15 s: 40 % of them within nine seconds.
    assert!((20..60).contains(&misses(50, 9)), "{}", misses(50, 9));
}

#[test]
fn a_cache_that_is_flushed_is_as_cold_as_at_the_beginning() {
    let mut plan = cached(EVERYTHING, (100, 0.0), (200.0, Duration::ZERO));
    plan.horizon = 20 * SECOND;
    assert_eq!(run(plan.clone()).services[0].misses, 100);
    plan.disturbances.push(Disturbance::new(at(10), all(), Fault::Flush));
    assert_eq!(run(plan).services[0].misses, 200);
}

#[test]
fn connections_without_a_queue_block_as_erlang_b_says() {
    let time = Distribution::Exponential(SECOND);
    let mut plan = world(20_000, Server::unlimited(time), open(3.2));
    plan.loads[0].caller.pool = Some(Pool { connections: 4, queue: 0 });
    let record = run(plan);
    let blocked = share(record.loads[0].ends(End::Refused), record.loads[0].ended());
    // Four lines and 3.2 Erlang: 22.81 %. 64 000 calls, correlated: about 0.3 points.
    assert!((blocked - 0.228_14).abs() < 0.012, "{blocked}");
}

#[test]
fn connections_with_a_queue_wait_as_erlang_c_says() {
    let time = Distribution::Exponential(SECOND);
    let mut plan = world(20_000, Server::unlimited(time), open(3.2));
    plan.loads[0].caller.pool = Some(Pool { connections: 4, queue: 1_000_000 });
    let record = run(plan);
    // Four lines at 80 %: a mean wait of 0.7455 s before a second of work.
    let mean = record.loads[0].latency.mean();
    assert!((mean / 1.7455 - 1.0).abs() < 0.05, "{mean}");
}

#[test]
fn a_replica_that_restarts_is_gone_and_then_warms_up_evenly() {
    let mut plan = world(30, instant(100 * MS), even(10.0));
    plan.buckets = 300;
    let cold = Ratio::from_percent(300);
    let restart = Fault::Restart { down: SECOND, warm_up: 10 * SECOND, cold };
    plan.disturbances.push(Disturbance::new(at(10), all(), restart));
    let record = run(plan);
    let lost = record.loads[0].ends(End::Unreachable) + record.loads[0].ends(End::Lost);
    assert!((10..=12).contains(&lost), "{lost}");
    // Halfway through, work takes twice as long; at the end as long as ever.
    let [half, end] = [15, 23].map(|second| latency(&record, second));
    assert!((half / 0.2 - 1.0).abs() < 0.1, "{half}");
    assert!((end / 0.1 - 1.0).abs() < 0.01, "{end}");
}

#[test]
fn a_drained_replica_may_crash_and_nobody_notices() {
    let mut plan = guarded(20, 100.0);
    plan.gateways[0].routes[0].settings.max_attempts = 1;
    let first = || Victims::Replicas(ServiceId(0), Replicas::One(0));
    plan.disturbances.push(Disturbance::new(at(6), first(), Fault::Crash).lasting(4 * SECOND));
    assert!(run(plan.clone()).loads[0].ends(End::Error) > 0);
    plan.disturbances.push(Disturbance::new(at(5), first(), Fault::Drain).lasting(6 * SECOND));
    let record = run(plan);
    assert_eq!(record.loads[0].good(), record.loads[0].ended());
}

#[test]
fn a_zone_that_is_lost_takes_its_share_of_calls() {
    let mut plan = world(100, instant(Duration::ZERO), open(100.0));
    plan.services[0].replicas = 3;
    plan.services[0].zones = vec!["a".into(), "b".into(), "a".into()];
    plan.disturbances.push(Disturbance::new(at(0), Victims::Zone("a".into()), Fault::Refuse));
    let record = run(plan);
    let lost = share(record.loads[0].ends(End::Unreachable), record.loads[0].ended());
    // Two of three, within four deviations of 10 000 draws.
    assert!((lost - 2.0 / 3.0).abs() < 0.019, "{lost}");
}

#[test]
fn a_surge_multiplies_calls_for_as_long_as_it_lasts() {
    let mut plan = world(30, instant(Duration::ZERO), even(10.0));
    let surge = Fault::Surge(Ratio::from_percent(300));
    let surge = Disturbance::new(at(10), Victims::Load(0), surge);
    plan.disturbances.push(surge.clone().lasting(10 * SECOND));
    let started = run(plan.clone()).loads[0].started;
    assert!((498..=502).contains(&started), "{started}");
    // A ramp up to it gives half as many more.
    let ramp = Disturbance { shape: Course::Ramp(10 * SECOND), ..surge };
    plan.disturbances = vec![ramp.lasting(10 * SECOND)];
    let started = run(plan).loads[0].started;
    assert!((392..=408).contains(&started), "{started}");
}

#[test]
fn an_event_may_follow_another_or_what_became_of_it() {
    let plan = |starts| {
        let mut plan = world(40, instant(Duration::ZERO), even(10.0));
        plan.disturbances.push(Disturbance::new(at(10), all(), Fault::Refuse).lasting(5 * SECOND));
        let second = Disturbance::new(at(0), all(), Fault::Errors(Ratio::ONE));
        plan.disturbances.push(Disturbance { starts, ..second.lasting(4 * SECOND) });
        run(plan).loads[0].clone()
    };
    let after = plan(Starts::After(0, 5 * SECOND));
    assert_eq!((after.ends(End::Unreachable), after.ends(End::Error)), (50, 40));
    assert_eq!(after.timeline[60..72].iter().map(|b: &Bucket| b.bad).sum::<u64>(), 40);
    // Set off within a second of the trouble, and hidden by it.
    let (measure, side, window) = (Watched::Goodput, Side::Below, SECOND);
    let when = plan(Starts::When(Trigger { measure, side, bound: 0.5, window }));
    assert_eq!((when.ends(End::Unreachable), when.ends(End::Error)), (50, 0));
}

#[test]
fn answers_that_come_later_keep_no_worker() {
    let mut plan = world(20, Server::new(1, Distribution::Constant(10 * MS)), even(50.0));
    let slow = Fault::Latency { added: 200 * MS, jitter: Duration::ZERO };
    plan.disturbances.push(Disturbance::new(at(0), all(), slow));
    let mean = run(plan).loads[0].latency.mean();
    assert!((mean - 0.21).abs() < 1e-6, "{mean}");
}

#[test]
fn what_answers_vanish_is_done_all_the_same() {
    let plan = |direction| {
        let mut plan = world(10, instant(10 * MS), even(10.0));
        plan.loads[0].caller.timeout = Some(100 * MS);
        let hole = Fault::BlackHole(direction);
        plan.disturbances.push(Disturbance::new(at(0), all(), hole));
        let record = run(plan);
        assert_eq!(record.loads[0].good(), 0);
        record.services[0].begun
    };
    assert_eq!(plan(Direction::There), 0);
    assert!(plan(Direction::Back) >= 99);
}

#[test]
fn cut_connections_are_a_share_of_the_answers() {
    let mut plan = world(100, instant(Duration::ZERO), open(100.0));
    let cut = Fault::Reset(Ratio::from_percent(20));
    plan.disturbances.push(Disturbance::new(at(0), all(), cut));
    let record = run(plan);
    let lost = share(record.loads[0].ends(End::Lost), record.loads[0].ended());
    assert!((lost - 0.2).abs() < 0.016, "{lost}");
}

#[test]
fn faults_that_overlap_add_up_and_end_one_by_one() {
    let mut plan = world(30, instant(100 * MS), even(10.0));
    plan.buckets = 300;
    let slower = |from, to: u32, factor| {
        let fault = Fault::Slower(Ratio::from_percent(factor));
        Disturbance::new(at(from), all(), fault).lasting((to - from) * SECOND)
    };
    plan.disturbances = vec![slower(5, 20, 200), slower(10, 15, 300)];
    let record = run(plan);
    let seen = [3, 8, 13, 18, 25].map(|second| (latency(&record, second) * 10.0).round());
    assert_eq!(seen.map(|tenths| tenths.to_string()), ["1", "2", "6", "2", "1"]);
}

/// A gap of many seconds that is drawn at a low rate must not outlast it.
#[test]
fn a_rate_that_steps_up_is_noticed_at_once() {
    let points = vec![(at(0), 0.001), (at(10), 100.0)];
    let rate = Rate { points, shape: Shape::Steps, scale: 1.0 };
    let arrivals = Arrivals::Open { rate, spacing: Spacing::Poisson };
    let started = run(world(20, instant(Duration::ZERO), arrivals)).loads[0].started;
    // A thousand, within four deviations.
    assert!((874..=1126).contains(&started), "{started}");
}

/// Without it the world would stand still at its first instant.
#[test]
fn users_who_take_no_time_call_no_more_than_once_a_millisecond() {
    let pace = crate::plan::Pace::AfterEnd(Distribution::NONE);
    let plan = world(2, instant(Duration::ZERO), Arrivals::Closed { users: 3, pace });
    let started = run(plan).loads[0].started;
    assert!((5_990..=6_010).contains(&started), "{started}");
}

/// A connection that were lost with each timeout would be missing in the second half.
#[test]
fn an_attempt_that_times_out_gives_its_connection_back() {
    let arrived = |seconds| {
        let pace = crate::plan::Pace::AfterEnd(Distribution::NONE);
        let mut plan = world(seconds, instant(SECOND), Arrivals::Closed { users: 10, pace });
        plan.loads[0].caller.pool = Some(Pool { connections: 4, queue: 10 });
        plan.loads[0].caller.timeout = Some(500 * MS);
        let record = run(plan);
        assert_eq!(record.loads[0].ends(End::TimedOut), record.loads[0].ended());
        record.services[0].arrived
    };
    let (half, whole) = (arrived(10), arrived(20));
    assert!(half >= 80, "{half}");
    assert!(whole.abs_diff(2 * half) <= 12, "{half} {whole}");
}
