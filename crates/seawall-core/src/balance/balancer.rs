//! The balancer: the load of each endpoint, and the choice between them.

use alloc::vec::Vec;

use super::peak_ewma::{Cost, Estimate};
use super::turns::{Turn, Turns};
use super::{Algorithm, BalanceSettings, ramp};
use crate::endpoint::Slot;
use crate::ratio::Ratio;
use crate::rng::Rng;
use crate::time::{Duration, Instant};

/// A service's hint how long to stay away weighs no more than this, or one absurd header would
/// keep an endpoint idle for hours.
const PENALTY_MAX: Duration = Duration::from_secs(300);

/// With what weight an endpoint joins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Joins {
    /// By slow start.
    Cold,
    /// At full weight: the first endpoints of an upstream have nobody to be gentler than.
    Warm,
}

/// What an ended attempt says about the latency of its endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoadSample {
    /// It answered.
    Answered {
        /// To the head of the answer.
        latency: Duration,
    },
    /// It failed or asked to slow down: the larger of the two is recorded. Without a penalty the
    /// endpoint that fails fastest attracts all traffic.
    Penalty {
        /// To the failure.
        latency: Duration,
        /// The service's own hint, or the attempt timeout; 300 s at most are taken.
        penalty: Duration,
    },
    /// We stopped waiting; recorded only if it had already run longer than the estimate.
    GivenUp {
        /// Until then.
        elapsed: Duration,
    },
    /// Nothing.
    None,
}

/// The load of an endpoint as the balancer sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LoadSnapshot {
    /// Attempts in flight.
    pub active: u32,
    /// The latency estimate.
    pub latency: Duration,
    /// The weight in force; below 100 % during slow start.
    pub weight: Ratio,
}

#[derive(Clone, Copy, Debug)]
struct Load {
    estimate: Estimate,
    active: u32,
    /// When its slow start began, if it had one.
    ramp_from: Option<Instant>,
    turn: Turn,
}

/// Chooses endpoints by their load.
///
/// Peak EWMA in power-of-two-choices: two distinct candidates are drawn, the one of lower cost
/// takes the attempt, the first drawn on a tie (Mitzenmacher, 2001). The cost is
/// `e · (active + 1) / w` with the latency estimate `e` and the slow-start weight `w`. Round
/// robin honours the same weight as the share of turns taken.
///
/// Memory: one entry for each slot up to the highest inserted. A pick allocates nothing; it costs
/// two draws, plus a walk over the endpoints while any is in slow start or in round robin.
#[derive(Debug)]
pub struct Balancer {
    settings: BalanceSettings,
    loads: Vec<Option<Load>>,
    turns: Turns,
    /// When the latest slow start began: after it, no pick has to look for others.
    last_ramp: Option<Instant>,
}

impl Balancer {
    /// A balancer without endpoints. `rng` decides where round robin starts.
    #[must_use]
    pub fn new(settings: BalanceSettings, rng: &mut impl Rng) -> Self {
        let turns = Turns::new(rng.next_u64());
        Self { settings, loads: Vec::new(), turns, last_ramp: None }
    }

    /// Takes over new settings; loads and estimates stay.
    pub fn reconfigure(&mut self, settings: BalanceSettings) {
        self.settings = settings;
    }

    /// Adds an endpoint, or starts one anew that is already there.
    pub fn insert(&mut self, slot: Slot, now: Instant, joins: Joins) {
        if self.loads.len() <= slot.index() {
            self.loads.resize(slot.index() + 1, None);
        }
        let estimate = Estimate::assumed(self.settings.first_latency, now);
        let load = Load { estimate, active: 0, ramp_from: None, turn: Turn::default() };
        if let Some(place) = self.loads.get_mut(slot.index()) {
            *place = Some(load);
        }
        if joins == Joins::Cold {
            self.restart_slow(slot, now);
        }
    }

    /// Forgets an endpoint. Without effect if it is not there.
    pub fn remove(&mut self, slot: Slot) {
        if let Some(place) = self.loads.get_mut(slot.index()) {
            *place = None;
        }
    }

    /// Chooses one of `candidates`, which must be distinct; none only if there are none.
    pub fn pick(&mut self, candidates: &[Slot], now: Instant, rng: &mut impl Rng) -> Option<Slot> {
        match self.settings.algorithm {
            Algorithm::RoundRobin => self.pick_in_turn(candidates, now),
            Algorithm::PeakEwma => self.pick_of_two(candidates, now, rng),
        }
    }

    /// An attempt is in flight at an endpoint.
    pub fn started(&mut self, slot: Slot) {
        if let Some(load) = self.load_mut(slot) {
            load.active = load.active.saturating_add(1);
        }
    }

    /// An attempt at an endpoint has ended.
    pub fn finished(&mut self, slot: Slot, sample: LoadSample, now: Instant) {
        let tau = self.settings.decay;
        let Some(load) = self.load_mut(slot) else { return };
        load.active = load.active.saturating_sub(1);
        let latency = match sample {
            LoadSample::Answered { latency } => latency,
            LoadSample::Penalty { latency, penalty } => latency.max(penalty.min(PENALTY_MAX)),
            LoadSample::GivenUp { elapsed } if load.estimate.is_exceeded_by(elapsed, now, tau) => {
                elapsed
            }
            LoadSample::GivenUp { .. } | LoadSample::None => return,
        };
        load.estimate.record(latency, now, tau);
    }

    /// An endpoint was re-admitted: it starts slowly again.
    pub fn restart_slow(&mut self, slot: Slot, now: Instant) {
        let Some(load) = self.load_mut(slot) else { return };
        load.ramp_from = Some(now);
        self.last_ramp = self.last_ramp.max(Some(now));
    }

    /// The load of an endpoint; that of a new one if it is not there.
    #[must_use]
    pub fn snapshot(&self, slot: Slot, now: Instant) -> LoadSnapshot {
        let load = self.load(slot, now);
        LoadSnapshot {
            active: load.active,
            latency: load.estimate.latency(now, self.settings.decay),
            weight: weight(&load, self.ramp(now), now),
        }
    }

    /// Asserts what must hold between any two steps.
    pub fn invariants(&self) {
        for load in self.loads.iter().flatten() {
            debug_assert!(load.estimate.is_sound(), "an estimate is no number");
            debug_assert!(load.ramp_from <= self.last_ramp, "a slow start is overlooked");
        }
    }

    fn pick_of_two(&self, candidates: &[Slot], now: Instant, rng: &mut impl Rng) -> Option<Slot> {
        let count = candidates.len() as u64;
        let first = rng.below(count);
        let offset = rng.below(count.saturating_sub(1));
        let second = if offset >= first { offset + 1 } else { offset };
        let first = candidates.get(usize::try_from(first).ok()?).copied()?;
        let Some(second) = usize::try_from(second).ok().and_then(|i| candidates.get(i).copied())
        else {
            return Some(first);
        };
        let over = self.ramp(now);
        let dearer = self.cost(second, over, now) >= self.cost(first, over, now);
        Some(if dearer { first } else { second })
    }

    fn pick_in_turn(&mut self, candidates: &[Slot], now: Instant) -> Option<Slot> {
        let slots = self.loads.len();
        let rank = |slot: &Slot| {
            let load = self.loads.get(slot.index()).and_then(Option::as_ref);
            self.turns.rank(load.map(|load| load.turn).unwrap_or_default(), *slot, slots)
        };
        let slot = candidates.iter().copied().min_by_key(rank)?;
        let over = self.ramp(now);
        if let Some(load) = self.loads.get_mut(slot.index()).and_then(Option::as_mut) {
            load.turn = self.turns.take(load.turn, weight(load, over, now));
        }
        Some(slot)
    }

    fn cost(&self, slot: Slot, over: Option<Duration>, now: Instant) -> Cost {
        let load = self.load(slot, now);
        load.estimate.cost(now, self.settings.decay, (load.active, weight(&load, over, now)))
    }

    /// The length of slow start, if any endpoint has to be spared by it now: none when over half
    /// of the endpoints are new, since the few old ones would take what all should share.
    fn ramp(&self, now: Instant) -> Option<Duration> {
        let over = self.settings.slow_start?;
        if !ramp::is_under_way(self.last_ramp, now, over) {
            return None;
        }
        let (mut all, mut new) = (0_usize, 0_usize);
        for load in self.loads.iter().flatten() {
            all += 1;
            new += usize::from(ramp::is_under_way(load.ramp_from, now, over));
        }
        (new * 2 <= all).then_some(over)
    }

    fn load(&self, slot: Slot, now: Instant) -> Load {
        let known = self.loads.get(slot.index()).copied().flatten();
        known.unwrap_or_else(|| Load {
            estimate: Estimate::assumed(self.settings.first_latency, now),
            active: 0,
            ramp_from: None,
            turn: Turn::default(),
        })
    }

    fn load_mut(&mut self, slot: Slot) -> Option<&mut Load> {
        self.loads.get_mut(slot.index())?.as_mut()
    }
}

/// The weight of an endpoint where slow start takes `over`, or nothing is spared.
fn weight(load: &Load, over: Option<Duration>, now: Instant) -> Ratio {
    match (over, load.ramp_from) {
        (Some(over), Some(from)) => ramp::weight(now.since(from), over),
        (None, _) | (_, None) => Ratio::ONE,
    }
}
