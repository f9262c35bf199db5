//! Which fault comes in which minute: drawn from the seed in rounds that hold every fault once, so
//! that each third of half an hour sees all of them. Pure.

use std::time::Duration;

use seawall_core::rng::{Rng as _, Stream};

use crate::fault::{Host, Strike, strikes, unmet};
use crate::peer::Product;
use crate::scenario::{Disturbance, Fault, Phases, Scenario, Target};
use crate::stream::Seed;

/// Load before the first minute: connections are made and memory is touched for the first time.
pub(super) const WARM_UP: Duration = Duration::from_secs(30);

/// From one fault to the next.
pub(super) const MINUTE: Duration = Duration::from_secs(60);

/// A minute begins so long without a fault.
const CALM: Duration = Duration::from_secs(10);

/// How long a fault holds where it does not say so itself. The rest of its minute is for coming
/// back: longer than an endpoint that was ejected once stays out.
const HOLDS: Duration = Duration::from_secs(18);

/// A fault and its minute.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Slot {
    pub(super) name: &'static str,
    pub(super) strikes: Vec<Strike>,
}

impl Slot {
    /// Whom it strikes, each once.
    pub(super) fn targets(&self) -> Vec<u8> {
        let mut all: Vec<u8> = self.strikes.iter().flat_map(|one| one.targets.clone()).collect();
        all.sort_unstable();
        all.dedup();
        all
    }
}

/// All lengths of a soak of so many minutes.
pub(super) const fn phases(minutes: u32) -> Phases {
    Phases {
        warm_up: WARM_UP,
        control: Duration::ZERO,
        fault: MINUTE.saturating_mul(minutes),
        observation: Duration::ZERO,
    }
}

/// The faults, with whom they strike and for how long.
fn faults() -> [(&'static str, Disturbance); 10] {
    let one = |fault| Disturbance { at: CALM, lasts: Some(HOLDS), target: Target::Some(1), fault };
    let all = |lasts, fault| Disturbance { at: CALM, lasts, target: Target::All, fault };
    let (second, part) = (Duration::from_secs(1), Duration::from_millis(200));
    [
        ("crash and restart", one(Fault::Crash)),
        ("frozen", one(Fault::Freeze)),
        ("short pauses", one(Fault::Pauses { pause: part + part / 2, every: second * 2 })),
        ("black hole", one(Fault::BlackHole)),
        ("reset", one(Fault::Refused)),
        ("half 503", one(Fault::Status { share: 0.5, code: 503 })),
        ("slow by 200 ms", one(Fault::Slow { by: part })),
        ("all down for 3 s", all(Some(second * 3), Fault::Crash)),
        ("config reloaded", all(Some(second), Fault::GatewayReloaded)),
        ("rolling restart", all(Some(HOLDS), Fault::RollingRestart { drain: second })),
    ]
}

/// The fault of each minute. What this host cannot do is left out.
pub(super) fn slots(scenario: &Scenario, minutes: u32, master: u64, host: &Host) -> Vec<Slot> {
    let alone = |one: &Disturbance| Scenario { faults: vec![one.clone()], ..scenario.clone() };
    let possible = |one: &Disturbance| unmet(&alone(one), Product::Seawall, host).is_none();
    let all: Vec<_> = faults().into_iter().filter(|(_, one)| possible(one)).collect();
    let mut chance = Seed { master, number: 0 }.stream(&scenario.id, "faults");
    let mut round = Vec::new();
    let mut slots = Vec::new();
    for minute in 0..minutes {
        if round.is_empty() {
            round = shuffled(&all, &mut chance);
        }
        let Some((name, fault)) = round.pop() else { break };
        // A seed of its own, so that the same fault strikes another replica in its next round.
        let seed = Seed { master, number: u64::from(minute) };
        let begins = Phases { warm_up: WARM_UP + MINUTE * minute, fault: MINUTE, ..phases(0) };
        slots.push(Slot { name, strikes: strikes(&alone(&fault), begins, seed) });
    }
    slots
}

fn shuffled<T: Clone>(all: &[T], chance: &mut Stream) -> Vec<T> {
    let mut round = all.to_vec();
    for last in (1..round.len()).rev() {
        let bound = u64::try_from(last).unwrap_or(0) + 1;
        round.swap(last, usize::try_from(chance.below(bound)).unwrap_or(0));
    }
    round
}
