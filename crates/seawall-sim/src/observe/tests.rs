//! What is counted bucket by bucket agrees with what is counted over all.

use seawall_core::call::Safety;
use seawall_core::time::{Duration, Instant};

use super::{CELLS, Record};
use crate::chance::Seed;
use crate::dist::Distribution;
use crate::plan::{
    Arrivals, Caller, Dependency, Disturbance, Ending, Fault, Load, Need, Plan, Rate, Replicas,
    Server, Service, ServiceId, Spacing, Starts, Target, Victims,
};
use crate::world::World;

const SECOND: Duration = Duration::from_secs(1);

/// Ten unsafe calls a second for ten seconds of a service that takes two seconds, by a caller who
/// waits for one and tries three times.
fn impatient() -> Plan {
    let mut plan = Plan::lasting(10 * SECOND);
    plan.ending = Ending::Finish;
    plan.buckets = 10;
    let server = Server::unlimited(Distribution::Constant(2 * SECOND));
    let service = plan.service(Service::new("slow", server));
    let mut caller = Caller::of(Target::Service(service));
    (caller.attempts, caller.timeout) = (3, Some(SECOND));
    let arrivals = Arrivals::Open { rate: Rate::constant(10.0), spacing: Spacing::Even };
    let load = Load { safety: Safety::Unsafe, ..Load::new("all", arrivals, caller) };
    plan.loads.push(load);
    plan
}

fn run(plan: Plan) -> Record {
    World::run(plan, Seed::new(1))
}

#[test]
fn buckets_add_up_to_the_totals() {
    let record = run(impatient());
    let service = &record.services[0];
    let arrived: u64 = service.timeline.iter().map(|piece| piece.arrived).sum();
    assert_eq!(arrived, service.arrived);
    assert_eq!(arrived, 3 * record.loads[0].started);
    let work: f64 = service.timeline.iter().map(|piece| piece.wanted + piece.wasted).sum();
    assert!((work - service.wanted - service.wasted).abs() < 1e-6);
    let cells = record.series.heat.iter();
    let ended: u64 =
        cells.map(|heat| (0..CELLS).map(|c| u64::from(heat.all(c))).sum::<u64>()).sum();
    assert_eq!(ended, record.loads[0].ended());
}

#[test]
fn executions_after_the_first_are_duplicates_if_the_call_is_unsafe() {
    let record = run(impatient());
    let calls = record.loads[0].started;
    assert!(calls >= 99);
    assert_eq!(record.duplicates, 2 * calls);
    let told: u64 = record.series.tallies.iter().map(|tally| tally.duplicates).sum();
    assert_eq!(told, record.duplicates);
    let mut safe = impatient();
    safe.loads[0].safety = Safety::Idempotent;
    assert_eq!(run(safe).duplicates, 0);
}

#[test]
fn what_a_service_asks_of_others_is_no_duplicate_and_no_attempt_of_the_load() {
    let mut plan = impatient();
    plan.loads[0].caller.timeout = None;
    let store = plan.service(Service::new("store", Server::unlimited(Distribution::NONE)));
    let caller = Caller::of(Target::Service(store));
    plan.services[0].calls = vec![Dependency { caller, fan_out: 3, need: Need::All }];
    let record = run(plan);
    assert_eq!(record.services[1].arrived, 3 * record.loads[0].started);
    assert_eq!(record.duplicates, 0);
    assert_eq!(record.loads[0].attempts, record.loads[0].started);
}

#[test]
fn disturbances_are_seen_when_they_happen_whatever_sets_them_off() {
    let mut plan = impatient();
    let at = |secs: u32| Instant::EPOCH.after(secs * SECOND);
    let victims = || Victims::Replicas(ServiceId(0), Replicas::All);
    let freeze = || Disturbance::new(at(1), victims(), Fault::Freeze).lasting(SECOND);
    let follows = |before| Disturbance { starts: Starts::After(before, 2 * SECOND), ..freeze() };
    let last = Disturbance { lasts: None, ..follows(1) };
    plan.disturbances = vec![freeze(), follows(0), last, follows(2)];
    let seen = run(plan).befallen;
    let seen: Vec<_> = seen.into_iter().map(|befallen| (befallen.from, befallen.to)).collect();
    let lasted = |from, to| (Some(at(from)), Some(at(to)));
    assert_eq!(seen, [lasted(1, 2), lasted(4, 5), (Some(at(7)), None), (None, None)]);
}
