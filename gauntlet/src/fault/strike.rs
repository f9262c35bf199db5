//! What strikes whom from when to when: the faults of a scenario with the seed's choice of
//! targets, those that come and go taken apart into their single strikes.
//!
//! Pure. When what is done is in `plan.rs`, how it is done in the files of the means.

use std::time::Duration;

use seawall_core::rng::Rng as _;

use crate::scenario::{Disturbance, Fault, Phases, Scenario, Target};
use crate::stream::Seed;

/// One fault in force without a break, from the start of the load on.
#[derive(Clone, Debug, PartialEq)]
pub struct Strike {
    /// When it begins.
    pub from: Duration,
    /// When it ends.
    pub until: Duration,
    /// What happens. Never a fault that comes and goes.
    pub fault: Fault,
    /// The replicas that it strikes; empty where it strikes none.
    pub targets: Vec<u8>,
}

/// Repetitions of a fault that comes and goes: a mistake in a file must not fill the memory.
const REPEATS_MAX: usize = 10_000;

/// Time in which a replica that was restarted takes up its work before the next one goes.
const SETTLE: Duration = Duration::from_millis(500);

/// All replicas in the order in which this seed has faults strike them. Two faults of one scenario
/// that strike one replica strike the same.
#[must_use]
pub fn order(scenario: &Scenario, seed: Seed) -> Vec<u8> {
    let mut chance = seed.stream(&scenario.id, "targets");
    let mut order: Vec<u8> = (0..scenario.replicas.count).collect();
    for last in (1..order.len()).rev() {
        let bound = u64::try_from(last).unwrap_or(0) + 1;
        let other = usize::try_from(chance.below(bound)).unwrap_or(0);
        order.swap(last, other);
    }
    order
}

/// Every strike of a scenario, in the order of the file.
#[must_use]
pub fn strikes(scenario: &Scenario, phases: Phases, seed: Seed) -> Vec<Strike> {
    let order = order(scenario, seed);
    let begin = phases.warm_up + phases.control;
    let mut all = Vec::new();
    for disturbance in &scenario.faults {
        let from = begin + disturbance.at;
        let end = begin + phases.fault;
        let until = disturbance.lasts.map_or(end, |lasts| (from + lasts).min(end));
        let targets = targets(disturbance, &order);
        let whole = Strike { from, until, fault: disturbance.fault.clone(), targets };
        all.extend(taken_apart(whole));
    }
    all
}

/// Whom it strikes; nobody where it is load, product or names that it changes.
fn targets(disturbance: &Disturbance, order: &[u8]) -> Vec<u8> {
    match disturbance.fault {
        Fault::Overload { .. }
        | Fault::HotTenant { .. }
        | Fault::SlowClients { .. }
        | Fault::GatewayKilled
        | Fault::GatewayUpgraded
        | Fault::GatewayReloaded
        | Fault::Dns(_)
        | Fault::Registry(_) => return Vec::new(),
        _ => {}
    }
    let count = match disturbance.target {
        Target::All => order.len(),
        Target::Some(count) => usize::from(count).min(order.len()),
    };
    let mut targets = order.get(..count).unwrap_or_default().to_vec();
    targets.sort_unstable();
    targets
}

fn taken_apart(whole: Strike) -> Vec<Strike> {
    match whole.fault {
        Fault::Pauses { pause, every } => repeated(&whole, &Fault::Freeze, (pause, every)),
        // It begins unreachable, so that the shortest fault phase holds at least one outage.
        Fault::Flapping { up, down } => repeated(&whole, &Fault::BlackHole, (down, up + down)),
        Fault::RollingRestart { drain } => one_by_one(&whole, drain),
        _ => vec![whole],
    }
}

/// `fault` for `lasts` out of every `every`.
fn repeated(whole: &Strike, fault: &Fault, (lasts, every): (Duration, Duration)) -> Vec<Strike> {
    let mut all = Vec::new();
    let mut from = whole.from;
    while from < whole.until && all.len() < REPEATS_MAX && !every.is_zero() {
        let until = (from + lasts).min(whole.until);
        all.push(Strike { from, until, fault: fault.clone(), targets: whole.targets.clone() });
        from += every;
    }
    all
}

/// A strike for each target, the next one once the one before has settled.
fn one_by_one(whole: &Strike, drain: Duration) -> Vec<Strike> {
    let mut from = whole.from;
    let mut all = Vec::new();
    for target in &whole.targets {
        let until = from + drain + SETTLE;
        all.push(Strike { from, until, fault: whole.fault.clone(), targets: vec![*target] });
        from = until + SETTLE;
    }
    all
}
