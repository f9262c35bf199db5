//! Levels, zones and the redundancy margin: worked examples, and that shares lose nothing.

use super::*;

const FACTOR: Ratio = OVERPROVISIONING;

fn counts(levels: &[(u32, u32)]) -> LevelCounts {
    let mut counts = LevelCounts::default();
    for (count, (healthy, total)) in counts.iter_mut().zip(levels) {
        *count = LevelCount { healthy: *healthy, total: *total };
    }
    counts
}

fn loads(levels: &[(u32, u32)]) -> Vec<u8> {
    let loads = Loads::of(&counts(levels), LevelMode::ActivePassive, FACTOR);
    loads.shares()[..levels.len()].to_vec()
}

#[test]
fn lb_7_levels_spill_over_by_health() {
    assert_eq!(loads(&[(5, 10), (10, 10)]), [70, 30]);
    assert_eq!(loads(&[(2, 10), (3, 10)]), [40, 60]);
    assert_eq!(loads(&[(3, 10), (3, 10), (1, 10)]), [44, 42, 14]);
    assert_eq!(loads(&[(72, 100), (100, 100)]), [100, 0]);
    assert_eq!(loads(&[(71, 100), (100, 100)]), [99, 1]);
}

#[test]
fn a_level_without_a_healthy_endpoint_gets_nothing_not_even_what_rounding_left() {
    assert_eq!(loads(&[(0, 10), (3, 10), (3, 10), (1, 10)]), [0, 44, 42, 14]);
    assert_eq!(loads(&[(0, 0), (1, 1)]), [0, 100]);
    assert_eq!(loads(&[(0, 3), (0, 3)]), [0, 0]);
    assert_eq!(loads(&[(1, 200), (0, 9)]), [100, 0], "the only one there is");
    let none = Loads::of(&counts(&[(0, 3)]), LevelMode::ActivePassive, FACTOR);
    assert_eq!(none.pick(Draw::ZERO), None);
}

#[test]
fn active_levels_share_by_the_number_of_endpoints() {
    let loads = Loads::of(&counts(&[(6, 10), (3, 3)]), LevelMode::ActiveActive, FACTOR);
    assert_eq!(loads.shares()[..2], [67, 33]);
}

#[test]
fn spilling_is_past_the_first_level_that_has_endpoints() {
    let spills = |levels| {
        let counts = counts(levels);
        Loads::of(&counts, LevelMode::ActivePassive, FACTOR).spills(&counts)
    };
    assert!(!spills(&[(10, 10), (10, 10)]) && spills(&[(5, 10), (10, 10)]));
    assert!(!spills(&[(0, 0), (10, 10)]), "an empty level is none");
}

proptest! {
    #[test]
    fn t154_loads_sum_to_a_hundred_and_every_draw_has_a_level(
        levels in prop::collection::vec((0_u32..200, 0_u32..200), 0..8),
        active: bool,
        draw: u64,
    ) {
        let levels: Vec<_> = levels.into_iter().map(|(a, b)| (a.min(b), b)).collect();
        let counts = counts(&levels);
        let mode = if active { LevelMode::ActiveActive } else { LevelMode::ActivePassive };
        let loads = Loads::of(&counts, mode, FACTOR);
        let sum: u32 = loads.shares().iter().map(|share| u32::from(*share)).sum();
        let any = levels.iter().any(|(healthy, _)| *healthy > 0);
        prop_assert_eq!(sum, if any { 100 } else { 0 });
        let level = loads.pick(Draw::from_bits(draw));
        prop_assert_eq!(level.is_some(), sum == 100);
        if let Some(level) = level {
            prop_assert!(counts[usize::from(level)].healthy > 0);
        }
    }

    #[test]
    fn zone_shares_sum_to_one_and_name_zones_with_endpoints(
        healthy in prop::collection::vec(0_u32..50, 8),
        own in 0_u8..8,
        draw: u64,
    ) {
        let healthy: [u32; 8] = healthy.try_into().unwrap();
        let settings = ZoneSettings::new(Zone::new(own).unwrap());
        if let Some(shares) = settings.route(&healthy) {
            let sum: u32 = zones().map(|zone| shares.of(zone).ppm()).sum();
            prop_assert_eq!(sum, 1_000_000);
            let zone = shares.pick(Draw::from_bits(draw)).unwrap();
            prop_assert!(healthy[zone.index()] > 0);
        }
    }

    #[test]
    fn the_margin_is_what_a_count_by_removal_says(
        parts in prop::collection::vec((0_u64..20, prop::option::of(0_u8..3)), 0..8),
        load in 0_u64..60,
    ) {
        let capacity = |(capacity, zone): &(u64, Option<u8>)| {
            Capacity { capacity: *capacity, zone: zone.and_then(Zone::new) }
        };
        let endpoints: Vec<_> = parts.iter().map(capacity).collect();
        let found = margin(&endpoints, load);
        let sum: u64 = parts.iter().map(|part| part.0).sum();
        // Every choice of endpoints that may fail, by brute force: the margin holds for each.
        let survives = |gone: u32| {
            let left = parts.iter().enumerate().filter(|(at, _)| gone >> at & 1 == 0);
            let left: u64 = left.map(|(_, part)| part.0).sum();
            left >= load && left > 0
        };
        let all = 0..1_u32 << parts.len();
        let lost = all.filter(|gone| !survives(*gone)).map(u32::count_ones).min();
        let expected = match lost {
            Some(0) => Redundancy::Overloaded,
            Some(lost) => Redundancy::Spare(lost - 1),
            None => Redundancy::Spare(u32::try_from(parts.len()).unwrap()),
        };
        prop_assert_eq!(found.endpoints, expected);
        prop_assert_eq!(found.capacity, sum);
    }
}

fn zones() -> impl Iterator<Item = Zone> {
    (0..8).filter_map(Zone::new)
}

fn zone_settings(own: u8) -> ZoneSettings {
    let mut shares = [Ratio::ZERO; ZONES_MAX];
    for (share, percent) in shares.iter_mut().zip([50, 30, 20]) {
        *share = Ratio::from_percent(percent);
    }
    let own = Zone::new(own).unwrap();
    ZoneSettings { callers: Callers::Shares(shares), ..ZoneSettings::new(own) }
}

#[test]
fn lb_6_a_zone_with_too_few_endpoints_sends_the_rest_where_there_are_some_to_spare() {
    let healthy = [3, 4, 3, 0, 0, 0, 0, 0];
    let share = |own, zone| {
        let shares = zone_settings(own).route(&healthy).unwrap();
        shares.of(Zone::new(zone).unwrap()).ppm()
    };
    assert_eq!([share(0, 0), share(0, 1), share(0, 2)], [600_000, 200_000, 200_000]);
    assert_eq!([share(1, 0), share(1, 1), share(1, 2)], [0, 1_000_000, 0]);
}

#[test]
fn lb_6_zones_matter_only_with_two_of_them_and_six_endpoints() {
    assert_eq!(zone_settings(0).route(&[9, 0, 0, 0, 0, 0, 0, 0]), None);
    assert_eq!(zone_settings(0).route(&[2, 3, 0, 0, 0, 0, 0, 0]), None);
    assert!(zone_settings(0).route(&[3, 3, 0, 0, 0, 0, 0, 0]).is_some());
}

#[test]
fn a_margin_names_what_may_fail() {
    let endpoint = |capacity, zone| Capacity { capacity, zone: Zone::new(zone) };
    let endpoints = [endpoint(100, 0), endpoint(100, 0), endpoint(100, 1), endpoint(100, 1)];
    let found = margin(&endpoints, 200);
    assert_eq!((found.endpoints, found.zones), (Redundancy::Spare(2), Redundancy::Spare(1)));
    assert_eq!(found.utilisation, Ratio::from_percent(50));
    assert_eq!(found.without_zone, Ratio::ONE);
    assert_eq!(found.without_endpoint.ppm(), 666_666);
    let found = margin(&endpoints, 201);
    assert_eq!((found.endpoints, found.zones), (Redundancy::Spare(1), Redundancy::Spare(0)));
    assert_eq!(margin(&endpoints, 401).endpoints, Redundancy::Overloaded);
    assert_eq!(margin(&[], 0).endpoints, Redundancy::Overloaded, "nobody carries nothing");
    assert_eq!(margin(&endpoints[..2], 1).zones, Redundancy::Spare(0), "the only zone");
}

#[test]
fn callers_that_are_spread_evenly_keep_in_their_zone_what_it_can_serve() {
    let shares = |own, healthy| {
        let shares = ZoneSettings::new(Zone::new(own).unwrap()).route(&healthy).unwrap();
        zones().take(3).map(|zone| shares.of(zone).ppm()).collect::<Vec<_>>()
    };
    assert_eq!(shares(0, [3, 3, 0, 0, 0, 0, 0, 0]), [1_000_000, 0, 0]);
    assert_eq!(shares(0, [2, 6, 0, 0, 0, 0, 0, 0]), [500_000, 500_000, 0], "a quarter for a half");
    assert_eq!(shares(1, [2, 6, 0, 0, 0, 0, 0, 0]), [0, 1_000_000, 0]);
    assert_eq!(shares(0, [0, 3, 3, 0, 0, 0, 0, 0]), [0, 500_000, 500_000], "none of its own");
}

#[test]
fn no_draw_falls_on_a_zone_without_a_share() {
    let shares = ZoneSettings::new(Zone::new(1).unwrap()).route(&[3, 6, 0, 0, 0, 0, 0, 0]).unwrap();
    for draw in [Draw::ZERO, Draw::HALF, Draw::ALMOST_ONE] {
        assert_eq!(shares.pick(draw), Zone::new(1));
    }
}

#[test]
fn a_zone_without_capacity_is_none_to_spare() {
    let endpoint = |capacity, zone| Capacity { capacity, zone: Zone::new(zone) };
    // Zone 8 does not exist: an endpoint that stands nobody knows where.
    let found = margin(&[endpoint(5, 0), endpoint(10, 8)], 5);
    assert_eq!((found.zones, found.endpoints), (Redundancy::Spare(1), Redundancy::Spare(1)));
}

#[test]
fn each_level_is_asked_for_its_own_share() {
    let found = Loads::of(&counts(&[(5, 10), (10, 10)]), LevelMode::ActivePassive, FACTOR);
    assert_eq!([0, 1, 2].map(|level| found.of_level(level)), [70, 30, 0]);
}
