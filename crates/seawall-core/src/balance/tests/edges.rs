//! Edges: no weight, nobody, one and two, keys whose endpoint is out, settings that cannot work.

use super::*;
use crate::hash::mix;

pub(super) const ALL: [Algorithm; 11] = [
    Algorithm::RoundRobin,
    Algorithm::SmoothWeighted,
    Algorithm::Random,
    Algorithm::LeastRequest(Compare::All),
    Algorithm::LeastRequest(Compare::Drawn(2)),
    Algorithm::LeastRequest(Compare::Drawn(5)),
    Algorithm::PowerOfTwo,
    Algorithm::PeakEwma,
    Algorithm::Ring { points: 32 },
    Algorithm::Maglev { size: 10_007 },
    Algorithm::Rendezvous,
];

fn keyed() -> impl Iterator<Item = Algorithm> {
    ALL.into_iter().filter(|algorithm| algorithm.is_keyed())
}

fn with(algorithm: Algorithm) -> BalanceSettings {
    BalanceSettings { algorithm, ..BalanceSettings::default() }
}

#[test]
fn t153_an_endpoint_without_weight_is_never_picked() {
    for algorithm in ALL {
        let (mut balancer, slots) = described(with(algorithm), &[1, 0, 2]);
        let shares = shares(&mut balancer, &slots, at(0), 2_000);
        assert_near(shares[1], 0.0, 0.0);
        assert_eq!(balancer.pick(&slots[1..2], Some(1), at(0), &mut stream()), None);
        balancer.invariants();
    }
}

#[test]
fn t153_nobody_one_and_two_are_defined_for_every_algorithm() {
    for algorithm in ALL {
        let (mut nobody, _) = described(with(algorithm), &[]);
        assert_eq!(nobody.pick(&[], Some(1), at(0), &mut stream()), None);
        let (mut balancer, slots) = described(with(algorithm), &[1, 1]);
        assert_eq!(balancer.pick(&[], None, at(0), &mut stream()), None);
        assert_eq!(balancer.pick(&slots[1..], Some(3), at(0), &mut stream()), Some(slots[1]));
        let shares = shares(&mut balancer, &slots, at(0), 2_000);
        assert!(shares.iter().all(|share| *share > 0.3), "{algorithm:?} herds: {shares:?}");
    }
}

#[test]
fn a_key_stays_at_its_endpoint_while_that_may_be_chosen() {
    for algorithm in keyed() {
        let (mut balancer, slots) = described(with(algorithm), &[1; 8]);
        let mut rng = stream();
        for n in 0..500 {
            let key = Some(mix(n, 5));
            let home = balancer.pick(&slots, key, at(0), &mut rng).unwrap();
            assert_eq!(balancer.pick(&slots, key, at(0), &mut rng), Some(home));
            let rest: Vec<_> = slots.iter().copied().filter(|slot| *slot != home).collect();
            let next = balancer.pick(&rest, key, at(0), &mut rng).unwrap();
            assert_ne!(next, home);
            let others: Vec<_> = slots.iter().copied().filter(|slot| *slot != next).collect();
            assert_eq!(balancer.pick(&others, key, at(0), &mut rng), Some(home));
        }
    }
}

#[test]
fn keys_of_a_lost_endpoint_spread_over_the_rest() {
    for algorithm in keyed() {
        let (mut balancer, slots) = described(with(algorithm), &[1; 8]);
        let mut hits = [0_u32; 8];
        for n in 0..20_000 {
            let key = Some(mix(n, 5));
            if balancer.pick(&slots, key, at(0), &mut stream()) == Some(slots[0]) {
                let next = balancer.pick(&slots[1..], key, at(0), &mut stream()).unwrap();
                hits[next.index()] += 1;
            }
        }
        let sum: u32 = hits.iter().sum();
        let spread = hits[1..].iter().all(|hits| *hits > 0 && *hits < sum / 2);
        assert!(spread && hits[0] == 0, "{algorithm:?}: {hits:?}");
    }
}

#[test]
fn t152_slots_do_not_decide_where_a_key_goes() {
    for algorithm in keyed() {
        let (mut forward, slots) = described(with(algorithm), &[1; 8]);
        let mut backward = Balancer::new(with(algorithm), &mut stream());
        for slot in slots.iter().rev() {
            backward.insert(
                Slot::new(7 - u32::try_from(slot.index()).unwrap()),
                at(0),
                Joins::Warm,
            );
        }
        for slot in &slots {
            let other = Slot::new(7 - u32::try_from(slot.index()).unwrap());
            backward.describe(other, name(*slot), EndpointInfo::default());
        }
        backward.rebuild();
        for n in 0..500 {
            let key = Some(mix(n, 9));
            let here = forward.pick(&slots, key, at(0), &mut stream()).unwrap();
            let there = backward.pick(&slots, key, at(0), &mut stream()).unwrap();
            assert_eq!(here.index(), 7 - there.index());
        }
    }
}

#[test]
fn a_pick_before_the_tables_are_built_is_still_by_key() {
    for algorithm in keyed() {
        let (mut balancer, slots) = described(with(algorithm), &[1; 4]);
        balancer.remove(slots[3]);
        balancer.invariants();
        let home = balancer.pick(&slots[..3], Some(77), at(0), &mut stream());
        assert!(home.is_some());
        assert_eq!(balancer.pick(&slots[..3], Some(77), at(0), &mut stream()), home);
    }
}

#[test]
fn settings_that_cannot_work_are_named() {
    let field = |settings: BalanceSettings| settings.validate().unwrap_err().field();
    let default = BalanceSettings::default();
    assert_eq!(default.validate(), Ok(()));
    for algorithm in ALL {
        assert_eq!(with(algorithm).validate(), Ok(()));
    }
    let zero = Duration::ZERO;
    assert_eq!(field(BalanceSettings { decay: zero, ..default }), "decay");
    assert_eq!(field(BalanceSettings { first_latency: zero, ..default }), "first_latency");
    assert_eq!(field(BalanceSettings { slow_start: Some(zero), ..default }), "slow_start");
    assert_eq!(
        field(BalanceSettings { slow_start_bend: Ratio::ZERO, ..default }),
        "slow_start_bend"
    );
    assert_eq!(field(BalanceSettings { bounded_loads: Some(BOUND), ..default }), "bounded_loads");
    let low = Some(Ratio::from_ppm(999_999));
    let ring = with(Algorithm::RING);
    assert_eq!(field(BalanceSettings { bounded_loads: low, ..ring }), "bounded_loads");
    assert_eq!(
        field(BalanceSettings { overprovisioning: Ratio::ZERO, ..default }),
        "overprovisioning"
    );
    let above = Ratio::from_ppm(1_000_001);
    assert_eq!(field(BalanceSettings { panic_threshold: above, ..default }), "panic_threshold");
    let subset = Some(SubsetSettings { size: 19, instance: 1 });
    assert_eq!(field(BalanceSettings { subset, ..default }), "subset.size");
    let zone = Some(ZoneSettings {
        callers: Callers::Shares([Ratio::ZERO; ZONES_MAX]),
        ..ZoneSettings::new(Zone::new(0).unwrap())
    });
    assert_eq!(field(BalanceSettings { zone, ..default }), "zone.callers");
    assert_eq!(field(with(Algorithm::Ring { points: 0 })), "points");
    assert_eq!(field(with(Algorithm::Maglev { size: 65_536 })), "size");
    for few in [0, 1, 17] {
        assert_eq!(field(with(Algorithm::LeastRequest(Compare::Drawn(few)))), "least_request");
    }
    let info = EndpointInfo { weight: 65_536, ..EndpointInfo::default() };
    assert_eq!(info.validate().unwrap_err().field(), "weight");
    let info = EndpointInfo { level: 8, ..EndpointInfo::default() };
    assert_eq!(info.validate().unwrap_err().field(), "level");
}

#[test]
fn the_bounds_themselves_are_permitted() {
    let own = Zone::new(7).unwrap();
    let mut shares = [Ratio::ZERO; ZONES_MAX];
    (shares[7], shares[0]) = (Ratio::from_percent(50), Ratio::from_percent(50));
    let zone = |shares| ZoneSettings { callers: Callers::Shares(shares), ..ZoneSettings::new(own) };
    for (settings, field) in [
        (with(Algorithm::LeastRequest(Compare::Drawn(16))), None),
        (BalanceSettings { bounded_loads: Some(BOUND), ..with(Algorithm::RING) }, None),
        (BalanceSettings { panic_threshold: Ratio::ONE, ..BalanceSettings::default() }, None),
        (zoned(zone(shares)), None),
        (zoned(zone(with_share(shares, 0, 500_008))), None),
        (zoned(zone(with_share(shares, 0, 499_992))), None),
        (zoned(zone(with_share(shares, 0, 500_009))), Some("zone.callers")),
        (zoned(zone(with_share(shares, 0, 499_991))), Some("zone.callers")),
        (zoned(zone(with_share([Ratio::ZERO; ZONES_MAX], 0, 1_000_000))), Some("zone.callers")),
        (subset_of(SUBSET_MIN), None),
    ] {
        let found = settings.validate().err().map(|invalid| invalid.field());
        assert_eq!(found, field, "{settings:?}");
    }
    let info = EndpointInfo { weight: WEIGHT_MAX, zone: Some(own), level: 7 };
    assert_eq!(info.validate(), Ok(()));
}

fn zoned(zone: ZoneSettings) -> BalanceSettings {
    BalanceSettings { zone: Some(zone), ..BalanceSettings::default() }
}

fn with_share(mut shares: [Ratio; ZONES_MAX], zone: usize, ppm: u32) -> [Ratio; ZONES_MAX] {
    shares[zone] = Ratio::from_ppm(ppm);
    shares
}

fn subset_of(size: u32) -> BalanceSettings {
    let subset = Some(SubsetSettings { size, instance: 1 });
    BalanceSettings { subset, ..BalanceSettings::default() }
}

#[test]
fn what_an_endpoint_claims_is_cut_to_its_bounds() {
    let (mut balancer, slots) = balancer(Algorithm::Random, 1, Joins::Warm);
    assert_eq!(balancer.info(slots[0]), EndpointInfo::default());
    let zone = Zone::new(3);
    balancer.describe(slots[0], 1, EndpointInfo { weight: u32::MAX, zone, level: 200 });
    let cut = EndpointInfo { weight: WEIGHT_MAX, zone, level: 7 };
    assert_eq!(balancer.info(slots[0]), cut);
}

#[test]
fn candidates_are_narrowed_to_the_subset_as_long_as_it_has_any() {
    let (balancer, slots) = described(subset_of(SUBSET_MIN), &[1; 40]);
    let used = |slot: &Slot| balancer.snapshot(*slot, at(0)).in_subset;
    let (inside, outside): (Vec<_>, Vec<_>) = slots.iter().copied().partition(used);
    assert_eq!(inside.len(), 20);
    let mut candidates = slots;
    balancer.keep_subset(&mut candidates);
    assert_eq!(candidates, inside);
    let mut candidates = outside.clone();
    balancer.keep_subset(&mut candidates);
    assert_eq!(candidates, outside, "all of the subset are out");
}

#[test]
fn a_level_that_is_drawn_without_a_candidate_gives_way_and_zones_hold_in_the_first_only() {
    let zone = ZoneSettings::new(Zone::new(0).unwrap());
    let (mut balancer, slots) = described(zoned(zone), &[1; 8]);
    for slot in &slots {
        let zone = Zone::new(u8::try_from(slot.index() % 2).unwrap());
        let info = EndpointInfo { zone, level: 1, ..EndpointInfo::default() };
        balancer.describe(*slot, name(*slot), info);
    }
    balancer.rebuild();
    let mut counts = LevelCounts::default();
    counts[0] = LevelCount { healthy: 1, total: 1 };
    let loads = balancer.loads(&counts);
    let mut candidates = slots.clone();
    assert_eq!(balancer.narrow(&mut candidates, &loads, None, &mut stream()), 1);
    assert_eq!(candidates, slots);
}

/// Where five hundred keys go.
fn homes(balancer: &mut Balancer, candidates: &[Slot]) -> Vec<Option<Slot>> {
    let mut home = |n| balancer.pick(candidates, Some(mix(n, 5)), at(0), &mut stream());
    (0..500).map(&mut home).collect()
}

#[test]
fn another_algorithm_takes_over_with_a_table_of_its_own() {
    for algorithm in keyed() {
        let (mut expected, slots) = described(with(algorithm), &[1; 8]);
        let (mut changed, _) = described(with(Algorithm::Random), &[1; 8]);
        changed.reconfigure(with(algorithm));
        changed.invariants();
        assert_eq!(homes(&mut changed, &slots), homes(&mut expected, &slots), "{algorithm:?}");
    }
}

#[test]
fn until_the_tables_are_built_keys_go_by_score() {
    let changed = |algorithm| {
        let (mut balancer, slots) = described(with(algorithm), &[1; 8]);
        balancer.describe(slots[3], 77, EndpointInfo::default());
        homes(&mut balancer, &slots)
    };
    let scored = changed(Algorithm::Rendezvous);
    for algorithm in keyed() {
        assert_eq!(changed(algorithm), scored, "{algorithm:?}");
    }
}

#[test]
fn removing_the_only_endpoint_without_weight_leaves_nothing_to_look_for() {
    let (mut balancer, slots) = described(with(Algorithm::Random), &[1, 1, 0]);
    balancer.describe(slots[2], 3, EndpointInfo { weight: 0, level: 1, ..EndpointInfo::default() });
    balancer.rebuild();
    assert!(balancer.traits.zeros && !balancer.traits.one_level);
    balancer.remove(slots[2]);
    let left = balancer.traits;
    assert!(!left.zeros && left.even && left.one_level, "{left:?}");
    balancer.remove(slots[2]);
    assert_eq!(balancer.traits, left);
}
