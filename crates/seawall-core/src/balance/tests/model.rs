//! Every algorithm against a naive one: what is the same draw by draw is compared pick by pick.

use super::*;
use crate::balance::ramp;
use crate::hash::mix;
use std::collections::BTreeMap;

/// What the model knows: weights and attempts in flight, and the credit of smooth turns.
#[derive(Debug, Default)]
struct Model {
    weights: BTreeMap<u32, u32>,
    active: BTreeMap<u32, u32>,
    credit: BTreeMap<u32, i64>,
}

impl Model {
    fn pressure(&self, slot: Slot) -> f64 {
        let slot = u32::try_from(slot.index()).unwrap();
        let active = self.active.get(&slot).copied().unwrap_or_default();
        (f64::from(active) + 1.0) / f64::from(self.weights[&slot])
    }

    /// The picks that would be right.
    fn right(&mut self, algorithm: Algorithm, candidates: &[Slot], key: u64) -> Vec<Slot> {
        let index = |slot: &Slot| u32::try_from(slot.index()).unwrap();
        let heavy: Vec<_> =
            candidates.iter().copied().filter(|slot| self.weights[&index(slot)] > 0).collect();
        match algorithm {
            Algorithm::LeastRequest(Compare::All) => {
                let least = heavy.iter().map(|slot| self.pressure(*slot)).fold(f64::MAX, f64::min);
                heavy.into_iter().filter(|slot| self.pressure(*slot) <= least).collect()
            }
            Algorithm::PowerOfTwo | Algorithm::LeastRequest(_) if heavy.len() > 1 => {
                // Anybody but those dearer than all others.
                let most = |slot: &Slot| {
                    heavy.iter().all(|o| o == slot || self.pressure(*o) < self.pressure(*slot))
                };
                heavy.iter().copied().filter(|slot| !most(slot)).collect()
            }
            Algorithm::SmoothWeighted => {
                let mut sum = 0;
                for slot in &heavy {
                    let weight = i64::from(self.weights[&index(slot)]);
                    *self.credit.entry(index(slot)).or_default() += weight;
                    sum += weight;
                }
                let most = heavy.iter().map(|slot| self.credit[&index(slot)]).max();
                let first = heavy.into_iter().find(|slot| Some(self.credit[&index(slot)]) == most);
                first.iter().for_each(|slot| *self.credit.get_mut(&index(slot)).unwrap() -= sum);
                first.into_iter().collect()
            }
            Algorithm::Ring { points } => self.on_ring(points, &heavy, key).into_iter().collect(),
            Algorithm::Rendezvous => {
                let score = |slot: &Slot| {
                    // The upper half of the bits is enough to tell six endpoints apart.
                    let bits = u32::try_from(mix(key, name(*slot)) >> 32).unwrap();
                    let share = (f64::from(bits) + 0.5) / 4_294_967_296.0;
                    f64::from(self.weights[&index(slot)]) / -libm::log(share)
                };
                let best = heavy.into_iter().max_by(|a, b| score(a).total_cmp(&score(b)));
                best.into_iter().collect()
            }
            Algorithm::RoundRobin
            | Algorithm::Random
            | Algorithm::LeastRequest(_)
            | Algorithm::PowerOfTwo
            | Algorithm::PeakEwma
            | Algorithm::Maglev { .. } => heavy,
        }
    }

    /// The nearest point clockwise, by looking at all of them.
    fn on_ring(&self, points: u32, heavy: &[Slot], key: u64) -> Option<Slot> {
        let mut all = Vec::new();
        for slot in heavy {
            let weight = self.weights[&u32::try_from(slot.index()).unwrap()];
            for number in 0..u64::from(points * weight) {
                let point = mix(mix(name(*slot), number), 0x7269_6e67) >> 16;
                all.push((point.wrapping_sub(key >> 16) & 0xffff_ffff_ffff, *slot));
            }
        }
        all.into_iter().min_by_key(|(distance, _)| *distance).map(|(_, slot)| slot)
    }
}

#[derive(Clone, Debug)]
enum Op {
    Weigh(u32, u32),
    Start(u32),
    Finish(u32),
    Pick(u8, u64),
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        1 => (0_u32..6, 0_u32..4).prop_map(|(slot, weight)| Op::Weigh(slot, weight)),
        2 => (0_u32..6).prop_map(Op::Start),
        2 => (0_u32..6).prop_map(Op::Finish),
        4 => (any::<u8>(), any::<u64>()).prop_map(|(set, key)| Op::Pick(set, key)),
    ]
}

fn run(algorithm: Algorithm, seed: u64, ops: &[Op]) -> Result<(), TestCaseError> {
    let settings = BalanceSettings { algorithm, ..BalanceSettings::default() };
    let (mut balancer, slots) = described(settings, &[1; 6]);
    let mut model = Model { weights: (0..6).map(|slot| (slot, 1)).collect(), ..Model::default() };
    let mut rng = Stream::new(seed, "model");
    for op in ops {
        match *op {
            Op::Weigh(slot, weight) => {
                let info = EndpointInfo { weight, ..EndpointInfo::default() };
                balancer.describe(Slot::new(slot), name(Slot::new(slot)), info);
                balancer.rebuild();
                model.weights.insert(slot, weight);
            }
            Op::Start(slot) => {
                balancer.started(Slot::new(slot));
                *model.active.entry(slot).or_default() += 1;
            }
            Op::Finish(slot) => {
                balancer.finished(Slot::new(slot), LoadSample::None, at(0));
                let active = model.active.entry(slot).or_default();
                *active = active.saturating_sub(1);
            }
            Op::Pick(set, key) => {
                let candidates: Vec<_> =
                    slots.iter().copied().filter(|slot| set >> slot.index() & 1 == 1).collect();
                let right = model.right(algorithm, &candidates, key);
                match balancer.pick(&candidates, Some(key), at(0), &mut rng) {
                    Some(slot) => prop_assert!(right.contains(&slot), "{slot:?} of {right:?}"),
                    None => prop_assert!(right.is_empty(), "none of {right:?}"),
                }
            }
        }
        balancer.invariants();
    }
    Ok(())
}

proptest! {
    #[test]
    fn every_algorithm_picks_what_its_model_allows(
        seed: u64,
        which in 0..edges::ALL.len(),
        ops in prop::collection::vec(op(), 1..60),
    ) {
        run(edges::ALL[which], seed, &ops)?;
    }

    #[test]
    fn a_ring_of_any_members_is_what_a_search_of_all_points_finds(
        weights in prop::collection::vec(0_u32..5, 0..20),
        points in 1_u32..40,
        keys in prop::collection::vec(any::<u64>(), 1..50),
    ) {
        let named = |(slot, weight): (u32, &u32)| {
            Member { id: name(Slot::new(slot)), weight: *weight }
        };
        let members: Vec<_> = (0..).zip(&weights).map(named).collect();
        let ring = Ring::new(&members, points).unwrap();
        let model = Model { weights: (0..).zip(weights).collect(), ..Model::default() };
        let heavy = model.weights.iter().filter(|(_, weight)| **weight > 0);
        let heavy: Vec<_> = heavy.map(|(slot, _)| Slot::new(*slot)).collect();
        for key in keys.into_iter().chain([0, u64::MAX]) {
            let expected = model.on_ring(points, &heavy, key).map(Slot::index);
            prop_assert_eq!(ring.lookup(key), expected);
        }
    }

    #[test]
    fn maglev_tables_are_full_and_fair(
        count in 1_u64..60,
        size in prop::sample::select(std::vec![6_007_u32, 7_919, 10_007]),
    ) {
        let members = tables::members(count);
        let table = Maglev::new(&members, size).unwrap();
        let mut entries = std::vec![0_u32; members.len()];
        for owner in table.entries() {
            entries[usize::from(*owner)] += 1;
        }
        let (least, most) = (entries.iter().min().unwrap(), entries.iter().max().unwrap());
        prop_assert!(most - least <= 1);
    }

    #[test]
    fn slow_start_never_falls_and_stays_within_its_bounds(
        bend in 100_000_u32..10_000_000,
        steps in prop::collection::vec(0_u64..5_000, 1..30),
    ) {
        let (mut t, mut last) = (0, Ratio::ZERO);
        for step in steps {
            t += step;
            let weight = ramp::weight(ms(t), Duration::from_secs(30), Ratio::from_ppm(bend));
            prop_assert!(weight >= last && weight >= Ratio::from_percent(10));
            prop_assert!(weight <= Ratio::ONE);
            last = weight;
        }
    }
}
