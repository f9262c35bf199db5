//! The balancer: the load of each endpoint, and the choice between them.
//!
//! Each algorithm is in its own file; levels, zones and subsets narrow the candidates in `route`.

use alloc::vec::Vec;

use super::keyed::Keyed;
use super::least::Pressure;
use super::load::{Joins, Load, LoadSample, LoadSnapshot, Ramp, Start};
use super::member::{EndpointInfo, Member};
use super::peak_ewma::{Cost, Decay, Estimate};
use super::settings::{Algorithm, BalanceSettings, Compare};
use super::subset::subset;
use super::turns::Turns;
use super::{bounded, least, ramp, random, smooth, two};
use crate::endpoint::Slot;
use crate::rng::Rng;
use crate::time::{Duration, Instant};

/// A service's hint how long to stay away weighs no more than this, or one absurd header would
/// keep an endpoint idle for hours.
const PENALTY_MAX: Duration = Duration::from_secs(300);

/// What all endpoints have in common, so that a pick need not look at each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Traits {
    /// Some weigh nothing.
    pub(super) zeros: bool,
    /// All weights are 1.
    pub(super) even: bool,
    /// All are of the first level and used by this instance.
    pub(super) one_level: bool,
}

/// What holds for any endpoints.
const UNKNOWN: Traits = Traits { zeros: true, even: false, one_level: false };

/// Chooses endpoints by the algorithm of its settings.
///
/// Memory: one entry for each slot up to the highest inserted, and the table of a keyed algorithm
/// (`Ring`, `Maglev`). A pick allocates nothing. Peak EWMA and the other choices of two cost two
/// draws, plus a walk over the endpoints while any is in slow start; the rest walk the candidates,
/// except keyed ones, which read their table.
#[derive(Debug)]
pub struct Balancer {
    pub(super) settings: BalanceSettings,
    /// That of the settings.
    decay: Decay,
    pub(super) loads: Vec<Option<Load>>,
    /// Attempts in flight at all endpoints.
    active: u64,
    turns: Turns,
    keyed: Keyed,
    pub(super) traits: Traits,
    /// Whether endpoints or weights changed since the tables were built.
    stale: bool,
    /// Room for the candidates that weigh something.
    weighted: Vec<Slot>,
    /// When the latest slow start began: after it, no pick has to look for others.
    last_ramp: Option<Instant>,
}

/// Refusals do not keep calls away for longer than this many failures do: 2.4 s by default.
const REFUSED_MAX: u32 = 2;

impl Balancer {
    /// A balancer without endpoints. `rng` decides where round robin starts.
    #[must_use]
    pub fn new(settings: BalanceSettings, rng: &mut impl Rng) -> Self {
        Self {
            settings,
            decay: Decay::over(settings.decay),
            loads: Vec::new(),
            active: 0,
            turns: Turns::new(rng.next_u64()),
            keyed: Keyed::default(),
            traits: UNKNOWN,
            stale: true,
            weighted: Vec::new(),
            last_ramp: None,
        }
    }

    /// Takes over new settings; loads and estimates stay. Builds a new table if the algorithm or
    /// the subset changed.
    pub fn reconfigure(&mut self, settings: BalanceSettings) {
        let old = core::mem::replace(&mut self.settings, settings);
        self.decay = Decay::over(settings.decay);
        if (old.algorithm, old.subset) != (settings.algorithm, settings.subset) {
            self.stale = true;
            self.rebuild();
        }
    }

    /// Adds an endpoint, or starts one anew that is already there. [`Balancer::rebuild`] makes it
    /// part of the tables.
    pub fn insert(&mut self, slot: Slot, now: Instant, joins: Joins) {
        self.remove(slot);
        if self.loads.len() <= slot.index() {
            self.loads.resize(slot.index() + 1, None);
            self.weighted.reserve(self.loads.len());
        }
        let estimate = Estimate::assumed(self.settings.first_latency, now);
        if let Some(place) = self.loads.get_mut(slot.index()) {
            *place = Some(Load::new(slot, estimate));
        }
        self.become_stale();
        if joins == Joins::Cold {
            self.restart_slow(slot, now);
        }
    }

    /// Says what is configured for an endpoint and the hash of its name, by which keys find it.
    /// [`Balancer::rebuild`] makes it part of the tables.
    pub fn describe(&mut self, slot: Slot, id: u64, info: EndpointInfo) {
        let Some(load) = self.load_mut(slot) else { return };
        let info = info.bounded();
        if (load.id, load.info) != (id, info) {
            (load.id, load.info) = (id, info);
            self.become_stale();
        }
    }

    /// Forgets an endpoint. Without effect if it is not there.
    pub fn remove(&mut self, slot: Slot) {
        let gone = self.loads.get_mut(slot.index()).and_then(Option::take);
        self.active = self.active.saturating_sub(gone.map_or(0, |load| load.active.into()));
        if gone.is_some_and(|load| load.info.weight > 0) {
            self.become_stale();
        } else if gone.is_some() && !self.stale {
            // The tables never held it, but it may have been the only one unlike the others.
            self.traits = self.survey();
        }
    }

    /// Builds what follows from the endpoints and their weights: tables and subset. Call it once
    /// after any number of changes; until then picks are right, but slower. Without a change it
    /// does nothing.
    pub fn rebuild(&mut self) {
        if !core::mem::take(&mut self.stale) {
            return;
        }
        let members: Vec<_> = self.members().collect();
        let used = self.settings.subset.map(|settings| subset(&members, settings));
        for (place, load) in self.loads.iter_mut().enumerate() {
            let Some(load) = load else { continue };
            load.in_subset = used.as_ref().is_none_or(|used| used.binary_search(&place).is_ok());
        }
        self.traits = self.survey();
        self.keyed.build(self.settings.algorithm, members);
    }

    fn survey(&self) -> Traits {
        let all = || self.loads.iter().flatten();
        Traits {
            zeros: all().any(|load| load.info.weight == 0),
            even: all().all(|load| load.info.weight == 1),
            one_level: all().all(|load| load.info.level == 0 && load.in_subset),
        }
    }

    /// Chooses one of `candidates`, which must be distinct; none only if none of them has weight.
    /// `key` is the hash of what keeps a caller at its endpoint, for algorithms that ask for it.
    pub fn pick(
        &mut self,
        candidates: &[Slot],
        key: Option<u64>,
        now: Instant,
        rng: &mut impl Rng,
    ) -> Option<Slot> {
        if !self.traits.zeros {
            return self.pick_weighted(candidates, key, now, rng);
        }
        let mut weighted = core::mem::take(&mut self.weighted);
        weighted.clear();
        weighted.extend(candidates.iter().copied().filter(|slot| self.takes(*slot)));
        let picked = self.pick_weighted(&weighted, key, now, rng);
        self.weighted = weighted;
        picked
    }

    /// Whether an endpoint has weight.
    #[must_use]
    pub fn takes(&self, slot: Slot) -> bool {
        !self.traits.zeros || self.known(slot).is_none_or(|load| load.info.weight > 0)
    }

    /// What is configured for an endpoint; the defaults if it is not there.
    #[must_use]
    pub fn info(&self, slot: Slot) -> EndpointInfo {
        self.known(slot).map_or_else(EndpointInfo::default, |load| load.info)
    }

    /// An attempt is in flight at an endpoint.
    pub fn started(&mut self, slot: Slot) {
        let Some(load) = self.load_mut(slot) else { return };
        load.active = load.active.saturating_add(1);
        self.active = self.active.saturating_add(1);
    }

    /// An attempt at an endpoint has ended.
    pub fn finished(&mut self, slot: Slot, sample: LoadSample, now: Instant) {
        let tau = self.decay;
        let Some(load) = self.load_mut(slot) else { return };
        let was = u64::from(load.active > 0);
        load.active = load.active.saturating_sub(1);
        load.prove(&sample);
        let latency = match sample {
            LoadSample::Answered { latency } => {
                load.estimate.answered(latency, now, tau);
                None
            }
            LoadSample::Failed { latency, penalty } => {
                let charge = latency.max(penalty.min(PENALTY_MAX));
                load.estimate.failed(charge, u32::MAX, now);
                None
            }
            LoadSample::Refused { penalty } => {
                load.estimate.failed(penalty.min(PENALTY_MAX), REFUSED_MAX, now);
                None
            }
            LoadSample::Penalty { latency, penalty } => Some(latency.max(penalty.min(PENALTY_MAX))),
            LoadSample::GivenUp { elapsed } => {
                load.estimate.is_exceeded_by(elapsed, now, tau).then_some(elapsed)
            }
            LoadSample::None => None,
        };
        if let Some(latency) = latency {
            load.estimate.record(latency, now, tau);
        }
        self.active = self.active.saturating_sub(was);
    }

    /// An endpoint is new: it starts slowly.
    pub fn restart_slow(&mut self, slot: Slot, now: Instant) {
        self.start_ramp(slot, (now, None));
    }

    /// An endpoint was re-admitted: it starts slowly again, and the faster the more good answers
    /// it gives. What it was charged before its return no longer speaks against it.
    pub fn welcome_back(&mut self, slot: Slot, now: Instant) {
        self.start_ramp(slot, (now, Some(0)));
        let usual = self.settings.first_latency;
        if let Some(load) = self.load_mut(slot) {
            load.estimate.assume(usual, now);
        }
    }

    fn start_ramp(&mut self, slot: Slot, (now, proofs): (Instant, Option<u32>)) {
        let Some(load) = self.load_mut(slot) else { return };
        (load.ramp_from, load.proofs) = (Some(now), proofs);
        self.last_ramp = self.last_ramp.max(Some(now));
    }

    /// The load of an endpoint; that of a new one if it is not there.
    #[must_use]
    pub fn snapshot(&self, slot: Slot, now: Instant) -> LoadSnapshot {
        let load = self.load(slot, now);
        LoadSnapshot {
            active: load.active,
            latency: load.estimate.latency(now, self.decay),
            weight: load.share(self.ramp(now), now),
            info: load.info,
            in_subset: load.in_subset,
        }
    }

    /// Asserts what must hold between any two steps.
    pub fn invariants(&self) {
        let mut active = 0_u64;
        for load in self.loads.iter().flatten() {
            active += u64::from(load.active);
            debug_assert!(load.estimate.is_sound(), "an estimate is no number");
            debug_assert!(load.ramp_from <= self.last_ramp, "a slow start is overlooked");
        }
        debug_assert_eq!(active, self.active, "attempts in flight do not add up");
        debug_assert!(self.weighted.capacity() >= self.loads.len(), "no room for a choice");
        debug_assert!(self.stale || self.keyed.is_of(self.members()), "a table of other endpoints");
    }

    fn pick_weighted(
        &mut self,
        candidates: &[Slot],
        key: Option<u64>,
        now: Instant,
        rng: &mut impl Rng,
    ) -> Option<Slot> {
        match self.settings.algorithm {
            Algorithm::PeakEwma => {
                let start = self.start(now, rng);
                two::of_two(candidates, rng, |slot| self.cost(slot, start, now))
            }
            Algorithm::PowerOfTwo => {
                let start = self.start(now, rng);
                two::of_two(candidates, rng, |slot| self.pressure(slot, start, now))
            }
            Algorithm::LeastRequest(Compare::Drawn(few)) => {
                let start = self.start(now, rng);
                let pressure = |slot| self.pressure(slot, start, now);
                two::of_few(candidates, usize::from(few), rng, pressure)
            }
            Algorithm::LeastRequest(Compare::All) => {
                let start = self.start(now, rng);
                least::of_all(candidates, rng, |slot| self.pressure(slot, start, now))
            }
            Algorithm::Random => self.pick_at_random(candidates, now, rng),
            Algorithm::RoundRobin => self.pick_in_turn(candidates, now),
            Algorithm::SmoothWeighted => self.pick_smoothly(candidates, now),
            Algorithm::Ring { .. } | Algorithm::Maglev { .. } | Algorithm::Rendezvous => {
                let key = key.unwrap_or_else(|| rng.next_u64());
                self.pick_by_key(candidates, key, now)
            }
        }
    }

    fn pick_at_random(
        &self,
        candidates: &[Slot],
        now: Instant,
        rng: &mut impl Rng,
    ) -> Option<Slot> {
        let over = self.ramp(now);
        if self.traits.even && over.is_none() {
            return random::evenly(candidates, rng);
        }
        random::by_weight(candidates, rng, |slot| self.load(slot, now).weight(over, now))
    }

    fn pick_in_turn(&mut self, candidates: &[Slot], now: Instant) -> Option<Slot> {
        let slots = self.loads.len();
        let rank = |slot: &Slot| {
            let turn = self.known(*slot).map(|load| load.turn).unwrap_or_default();
            self.turns.rank(turn, *slot, slots)
        };
        let slot = candidates.iter().copied().min_by_key(rank)?;
        let over = self.ramp(now);
        if let Some(load) = self.loads.get_mut(slot.index()).and_then(Option::as_mut) {
            load.turn = self.turns.take(load.turn, load.weight(over, now));
        }
        Some(slot)
    }

    fn pick_smoothly(&mut self, candidates: &[Slot], now: Instant) -> Option<Slot> {
        let over = self.ramp(now);
        let (slot, pays) = smooth::turn(candidates, |slot| {
            let Some(load) = self.load_mut(slot) else { return (0, 0) };
            let weight = i64::try_from(load.weight(over, now)).unwrap_or(i64::MAX);
            load.credit = load.credit.saturating_add(weight);
            (load.credit, weight)
        })?;
        if let Some(load) = self.load_mut(slot) {
            load.credit = load.credit.saturating_sub(pays);
        }
        Some(slot)
    }

    fn pick_by_key(&mut self, candidates: &[Slot], key: u64, now: Instant) -> Option<Slot> {
        let mut keyed = core::mem::take(&mut self.keyed);
        let member = |slot| self.load(slot, now).member();
        let picked = match self.settings.bounded_loads {
            None => keyed.pick(candidates, key, |_| true, member),
            Some(bound) => {
                let known = || candidates.iter().map(|slot| self.load(*slot, now));
                let active = known().map(|load| u64::from(load.active)).sum();
                let weights = known().map(|load| u64::from(load.info.weight)).sum();
                let has_room = |slot| {
                    let load = self.load(slot, now);
                    let cap = bounded::cap(bound, active, (load.info.weight, weights));
                    u64::from(load.active) < cap
                };
                keyed.pick(candidates, key, has_room, member)
            }
        };
        self.keyed = keyed;
        picked
    }

    fn cost(&self, slot: Slot, start: Start, now: Instant) -> Cost {
        match self.known(slot) {
            Some(load) => self.cost_of(load, start, now),
            None => self.cost_of_unknown(slot, start, now),
        }
    }

    #[inline]
    fn cost_of(&self, load: &Load, start: Start, now: Instant) -> Cost {
        match load.competing(start, now) {
            Some(weight) => load.estimate.cost(now, self.decay, (load.active, weight)),
            None => Cost::BEYOND,
        }
    }

    #[cold]
    fn cost_of_unknown(&self, slot: Slot, start: Start, now: Instant) -> Cost {
        self.cost_of(&self.load(slot, now), start, now)
    }

    fn pressure(&self, slot: Slot, start: Start, now: Instant) -> Pressure {
        let of = |load: &Load| match load.competing(start, now) {
            Some(weight) => Pressure { active: load.active, weight },
            None => Pressure::BEYOND,
        };
        self.known(slot).map_or_else(|| of(&self.load(slot, now)), of)
    }

    /// Slow start, and the draw by which those who have come back take part in this choice. Nothing
    /// is drawn while nobody starts slowly.
    #[inline]
    fn start(&self, now: Instant, rng: &mut impl Rng) -> Start {
        self.ramp(now).map(|ramp| (ramp, rng.draw()))
    }

    /// Slow start, if any endpoint has to be spared by it now: none when over half of the
    /// endpoints are new, since the few old ones would take what all should share.
    fn ramp(&self, now: Instant) -> Option<Ramp> {
        let over = self.settings.slow_start?;
        if !ramp::is_under_way(self.last_ramp, now, over) {
            return None;
        }
        let (mut all, mut new) = (0_usize, 0_usize);
        for load in self.loads.iter().flatten() {
            all += 1;
            new += usize::from(ramp::is_under_way(load.ramp_from, now, over));
        }
        (new * 2 <= all).then_some((over, self.settings.slow_start_bend))
    }

    fn become_stale(&mut self) {
        self.stale = true;
        self.traits = UNKNOWN;
        self.keyed.forget();
    }

    /// One for each slot; those without an endpoint weigh nothing.
    fn members(&self) -> impl Iterator<Item = Member> + '_ {
        let nobody = Member { id: 0, weight: 0 };
        let member = |load: &Load| Some(load.member()).filter(|member| member.weight > 0);
        self.loads.iter().map(move |load| load.as_ref().and_then(member).unwrap_or(nobody))
    }

    pub(super) fn known(&self, slot: Slot) -> Option<&Load> {
        self.loads.get(slot.index())?.as_ref()
    }

    fn load(&self, slot: Slot, now: Instant) -> Load {
        let known = self.known(slot).copied();
        known
            .unwrap_or_else(|| Load::new(slot, Estimate::assumed(self.settings.first_latency, now)))
    }

    fn load_mut(&mut self, slot: Slot) -> Option<&mut Load> {
        self.loads.get_mut(slot.index())?.as_mut()
    }
}

#[cfg(all(test, debug_assertions))]
mod tests {
    use super::*;
    use crate::rng::Stream;

    #[test]
    #[should_panic(expected = "a table of other endpoints")]
    fn a_table_of_other_endpoints_is_noticed() {
        let mut balancer = Balancer::new(BalanceSettings::default(), &mut Stream::new(1, "table"));
        balancer.insert(Slot::new(0), Instant::EPOCH, Joins::Warm);
        balancer.rebuild();
        balancer.keyed = Keyed::default();
        balancer.invariants();
    }
}
