//! Ring, Maglev, rendezvous, bounded loads and subsets: golden tables, evenness and churn.

use super::*;
use crate::balance::maglev::{Walker, fill};
use crate::hash::{hash, mix};
use std::collections::BTreeMap;
use std::format;

const KEYS: u64 = 1_000_000;

pub(super) fn members(count: u64) -> Vec<Member> {
    (0..count)
        .map(|n| Member { id: hash(0, format!("endpoint-{n}").as_bytes()), weight: 1 })
        .collect()
}

fn key(n: u64) -> u64 {
    mix(n, SEED)
}

fn peak(count: usize, lookup: impl Fn(u64) -> Option<usize>) -> f64 {
    let mut hits = std::vec![0_u32; count];
    for n in 0..KEYS {
        hits[lookup(key(n)).unwrap()] += 1;
    }
    let most = hits.into_iter().max().unwrap();
    f64::from(most) * f64::from(u32::try_from(count).unwrap()) / 1e6
}

/// The share of keys that moved, and of those that moved though their endpoint stayed.
fn moved(
    before: impl Fn(u64) -> Option<usize>,
    after: impl Fn(u64) -> Option<usize>,
    gone: usize,
) -> (f64, f64) {
    let (mut all, mut needless) = (0_u32, 0_u32);
    for n in 0..100_000 {
        let (was, is) = (before(key(n)), after(key(n)));
        all += u32::from(was != is);
        needless += u32::from(was != is && was != Some(gone));
    }
    (f64::from(all) / 1e5, f64::from(needless) / 1e5)
}

fn without(members: &[Member], gone: usize) -> Vec<Member> {
    let mut rest = members.to_vec();
    rest[gone].weight = 0;
    rest
}

#[test]
fn lb_2_maglev_fills_the_table_of_the_paper() {
    let walker = |owner, next, skip| Walker { owner, next, skip, weight: 1, turns: 0 };
    let (a, b, c) = (walker(0, 3, 4), walker(1, 0, 2), walker(2, 3, 1));
    assert_eq!(fill(7, std::vec![a, b, c]), [1, 0, 1, 0, 2, 2, 0]);
    assert_eq!(fill(7, std::vec![a, c]), [0, 0, 0, 0, 2, 2, 2]);
}

#[test]
fn the_entries_of_a_table_are_what_its_keys_find() {
    let table = Maglev::new(&members(3), 307).unwrap();
    let entries = table.entries();
    assert_eq!(entries.len(), 307);
    for (place, owner) in entries.iter().enumerate() {
        let middle = u64::MAX / 614 * (2 * place as u64 + 1);
        assert_eq!(table.lookup(middle), Some(usize::from(*owner)));
    }
}

#[test]
fn maglev_is_even_within_a_tenth() {
    let members = members(100);
    let table = Maglev::new(&members, MAGLEV_SIZE).unwrap();
    let peak = peak(100, |key| table.lookup(key));
    assert!(peak <= 1.10, "{peak}");
}

#[test]
fn a_ring_of_160_points_is_even_within_a_quarter() {
    let members = members(100);
    let ring = Ring::new(&members, 160).unwrap();
    assert_eq!(ring.points(), 16_000);
    let peak = peak(100, |key| ring.lookup(key));
    assert!(peak <= 1.25, "{peak}");
}

#[test]
fn a_removal_moves_only_the_keys_of_the_removed_on_ring_and_rendezvous() {
    let members = members(100);
    let ring = Ring::new(&members, 160).unwrap();
    let scores = Rendezvous::new(&members);
    for gone in [0, 42, 99] {
        let rest = without(&members, gone);
        let after = Ring::new(&rest, 160).unwrap();
        let (share, needless) = moved(|key| ring.lookup(key), |key| after.lookup(key), gone);
        assert!(share <= 0.013, "{share}");
        assert_near(needless, 0.0, 0.0);
        let after = Rendezvous::new(&rest);
        let (share, needless) = moved(|key| scores.lookup(key), |key| after.lookup(key), gone);
        assert!(share <= 0.013, "{share}");
        assert_near(needless, 0.0, 0.0);
    }
}

#[test]
fn a_removal_moves_few_other_keys_in_a_maglev_table() {
    let members = members(100);
    let table = Maglev::new(&members, MAGLEV_SIZE).unwrap();
    let after = Maglev::new(&without(&members, 42), MAGLEV_SIZE).unwrap();
    let (share, _) = moved(|key| table.lookup(key), |key| after.lookup(key), 42);
    assert!(share <= 0.03, "{share}");
}

#[test]
fn a_changed_weight_moves_its_own_share_of_keys_and_no_other() {
    let mut members = members(20);
    members.iter_mut().for_each(|member| member.weight = 10);
    let before = Ring::new(&members, 16).unwrap();
    members[7].weight = 5;
    let after = Ring::new(&members, 16).unwrap();
    let (share, needless) = moved(|key| before.lookup(key), |key| after.lookup(key), 7);
    assert_near(share, 0.025, 0.008);
    assert_near(needless, 0.0, 0.0);
}

#[test]
fn weights_are_shares_of_keys() {
    let mut members = members(4);
    members[0].weight = 3;
    let share = |lookup: &dyn Fn(u64) -> Option<usize>| {
        let hits = (0..100_000).filter(|n| lookup(key(*n)) == Some(0)).count();
        f64::from(u32::try_from(hits).unwrap()) / 1e5
    };
    let maglev = Maglev::new(&members, MAGLEV_SIZE).unwrap();
    assert_near(share(&|key| maglev.lookup(key)), 0.5, 0.01);
    let scores = Rendezvous::new(&members);
    assert_near(share(&|key| scores.lookup(key)), 0.5, 0.01);
    let ring = Ring::new(&members, 1_000).unwrap();
    assert_near(share(&|key| ring.lookup(key)), 0.5, 0.04);
}

#[test]
fn t152_order_and_repetition_never_matter() {
    let forward = members(50);
    let mut mixed: Vec<_> = forward.iter().rev().copied().collect();
    mixed.rotate_left(17);
    mixed.push(forward[3]);
    mixed.push(Member { id: 1, weight: 0 });
    let name = |list: &[Member], place: Option<usize>| list[place.unwrap()].id;
    let rings = (Ring::new(&forward, 40).unwrap(), Ring::new(&mixed, 40).unwrap());
    let tables = (Maglev::new(&forward, 5_501).unwrap(), Maglev::new(&mixed, 5_501).unwrap());
    let scores = (Rendezvous::new(&forward), Rendezvous::new(&mixed));
    for n in 0..10_000 {
        let key = key(n);
        let (a, b) = (rings.0.lookup(key), rings.1.lookup(key));
        assert_eq!(name(&forward, a), name(&mixed, b));
        assert_eq!(name(&forward, tables.0.lookup(key)), name(&mixed, tables.1.lookup(key)));
        assert_eq!(name(&forward, scores.0.lookup(key)), name(&mixed, scores.1.lookup(key)));
    }
}

/// One number for where ten thousand keys go: any change of a table changes it.
fn print(lookup: impl Fn(u64) -> Option<usize>) -> u64 {
    (0..10_000).fold(0, |print, n| mix(print, lookup(key(n)).unwrap() as u64))
}

#[test]
fn t152_tables_never_change_between_versions() {
    let mut members = members(10);
    members[4].weight = 3;
    let ring = Ring::new(&members, RING_POINTS).unwrap();
    let table = Maglev::new(&members, MAGLEV_SIZE).unwrap();
    let scores = Rendezvous::new(&members);
    assert_eq!(scores.order(1), [7, 6, 1, 5, 4, 0, 2, 9, 8, 3]);
    let prints = [
        print(|key| ring.lookup(key)),
        print(|key| table.lookup(key)),
        print(|key| scores.lookup(key)),
    ];
    assert_eq!(
        prints,
        [10_056_321_972_328_956_280, 7_275_486_293_162_566_633, 8_407_505_539_281_835_002,]
    );
}

#[test]
fn rendezvous_orders_replicas_and_the_order_survives_a_removal() {
    let members = members(10);
    let scores = Rendezvous::new(&members);
    for n in 0..100 {
        let order = scores.order(key(n));
        assert_eq!(order.first().copied(), scores.lookup(key(n)));
        let rest = Rendezvous::new(&without(&members, order[1])).order(key(n));
        let expected: Vec<_> = order.iter().copied().filter(|place| *place != order[1]).collect();
        assert_eq!(rest, expected);
    }
}

#[test]
fn a_walk_starts_at_the_owner_and_meets_everybody() {
    let ring = Ring::new(&members(12), 8).unwrap();
    for n in 0..1_000 {
        let walk: Vec<_> = ring.walk(key(n)).collect();
        assert_eq!(walk.first().copied(), ring.lookup(key(n)));
        assert_eq!(walk.len(), ring.points());
        assert!((0..12).all(|place| walk.contains(&place)));
    }
}

#[test]
fn the_ends_of_the_circle_belong_to_its_first_point() {
    for count in [1, 2, 3] {
        let ring = Ring::new(&members(count), 3).unwrap();
        assert_eq!(ring.lookup(u64::MAX), ring.walk(0).next());
        assert_eq!(ring.lookup(0), ring.walk(0).next());
    }
}

#[test]
fn a_ring_too_dense_halves_the_points_of_all() {
    let mut heavy = members(100);
    heavy.iter_mut().for_each(|member| member.weight = WEIGHT_MAX);
    let ring = Ring::new(&heavy[..20], RING_POINTS).unwrap();
    assert!(ring.points() as u64 <= RING_POINTS_MAX && ring.points() as u64 > RING_POINTS_MAX / 2);
}

#[test]
fn sizes_that_cannot_work_are_refused() {
    let members = members(10);
    assert!(Ring::new(&members, 0).is_err() && Ring::new(&members, 65_537).is_err());
    assert!(Maglev::new(&members, 65_536).is_err(), "not a prime");
    assert!(Maglev::new(&members, 997).is_err(), "fewer than 100 entries each");
    assert!(Maglev::new(&members, 1_009).is_ok());
    assert!(Maglev::new(&members, 0).is_err() && Maglev::new(&members, u32::MAX).is_err());
}

#[test]
fn t153_tables_of_nobody_and_of_one() {
    for nobody in [Vec::new(), without(&members(1), 0)] {
        assert_eq!(Ring::new(&nobody, 9).unwrap().lookup(7), None);
        assert_eq!(Ring::new(&nobody, 9).unwrap().walk(7).next(), None);
        assert_eq!(Maglev::new(&nobody, 101).unwrap().lookup(7), None);
        assert_eq!(Rendezvous::new(&nobody).lookup(7), None);
    }
    let one = members(1);
    for n in 0..100 {
        assert_eq!(Ring::new(&one, 1).unwrap().lookup(key(n)), Some(0));
        assert_eq!(Maglev::new(&one, 101).unwrap().lookup(key(n)), Some(0));
        assert_eq!(Rendezvous::new(&one).lookup(key(n)), Some(0));
    }
}

#[test]
fn lb_5_bounded_loads_round_the_cap_up() {
    assert_eq!(cap(BOUND, 10, (1, 4)), 4);
    assert_eq!(cap(BOUND, 99, (1, 10)), 13);
    assert_eq!(cap(Ratio::ZERO, 9, (1, 10)), 1, "less than a share could leave no place");
    assert_eq!(cap(BOUND, u64::MAX, (1, 1)), u64::MAX);
    assert_eq!(cap(BOUND, 99, (3, 10)), 38);
}

#[test]
fn bounded_loads_hold_every_endpoint_below_its_cap() {
    for algorithm in [Algorithm::RING, Algorithm::MAGLEV, Algorithm::Rendezvous] {
        let settings =
            BalanceSettings { algorithm, bounded_loads: Some(BOUND), ..BalanceSettings::default() };
        let (mut balancer, slots) = described(settings, &[1; 10]);
        let mut active = BTreeMap::new();
        for n in 0..1_000 {
            // Few keys, so that without a bound a few endpoints would take all.
            let slot = balancer.pick(&slots, Some(key(n % 3)), at(0), &mut stream()).unwrap();
            balancer.started(slot);
            *active.entry(slot).or_insert(0_u64) += 1;
            assert!(active[&slot] <= cap(BOUND, n, (1, 10)), "{algorithm:?}");
        }
        balancer.invariants();
    }
}

#[test]
fn a_subset_is_stable_distinct_and_spread_over_the_fleet() {
    let members = members(100);
    let mut uses = std::vec![0_u32; 100];
    for instance in 0..1_000 {
        let settings = SubsetSettings::new(mix(instance, 1));
        let part = subset(&members, settings);
        assert_eq!(part.len(), 20);
        assert!(part.windows(2).all(|pair| pair[0] < pair[1]));
        let rest = subset(&without(&members, part[0]), settings);
        assert_eq!(rest.iter().filter(|place| !part.contains(place)).count(), 1);
        part.into_iter().for_each(|place| uses[place] += 1);
    }
    // 200 each on average; five standard deviations of a draw of 20 in 100.
    assert!(uses.iter().all(|uses| (137..=263).contains(uses)), "{uses:?}");
    assert_eq!(subset(&members[..7], SubsetSettings::new(3)), [0, 1, 2, 3, 4, 5, 6]);
}
