//! Weight, key, level, zone and panic threshold of an upstream, and the short cut around them.

use std::vec::Vec;

use super::world::{MS, SECOND, World, names, status};
use crate::balance::{Algorithm, BalanceSettings, EndpointInfo, Zone, ZoneSettings};
use crate::endpoint::EndpointId;
use crate::health::Check;
use crate::ratio::Ratio;
use crate::upstream::{ChoiceReason, EndpointName, Probe, UpstreamSettings, What, Wish};

fn upstream(balance: BalanceSettings) -> UpstreamSettings {
    UpstreamSettings { balance, ..UpstreamSettings::default() }
}

/// A world whose endpoints are described by their number.
fn world(balance: BalanceSettings, infos: &[EndpointInfo]) -> (World, Vec<EndpointId>) {
    let mut world = World::new(upstream(balance), &[]);
    let described: Vec<_> = names(0..infos.len()).into_iter().zip(infos.iter().copied()).collect();
    let placed = world.upstream.set_described(&described, world.now, &mut world.rng);
    world.upstream.invariants();
    (world, placed.into_iter().map(|(_, id)| id).collect())
}

fn fail(world: &mut World, ids: &[EndpointId]) {
    for id in ids {
        world.upstream.health_checked(*id, Check::Failed, world.now, &mut world.events);
    }
}

fn hits(world: &mut World, ids: &[EndpointId], calls: u32) -> Vec<u32> {
    let mut hits = std::vec![0; ids.len()];
    for _ in 0..calls {
        let choice = world.choose(&[], Probe::Freely).expect("an endpoint");
        hits[ids.iter().position(|id| *id == choice.endpoint).expect("a known endpoint")] += 1;
        world.end(choice, status(200), MS);
    }
    hits
}

fn in_turn() -> BalanceSettings {
    BalanceSettings { algorithm: Algorithm::RoundRobin, ..BalanceSettings::default() }
}

fn at_level(level: u8) -> EndpointInfo {
    EndpointInfo { level, ..EndpointInfo::default() }
}

fn weighing(weight: u32) -> EndpointInfo {
    EndpointInfo { weight, ..EndpointInfo::default() }
}

#[test]
fn t153_an_endpoint_without_weight_is_not_chosen_even_in_panic() {
    let (mut world, ids) = world(BalanceSettings::default(), &[weighing(0), weighing(1)]);
    assert_eq!(hits(&mut world, &ids, 100), [0, 100]);
    fail(&mut world, &ids);
    let choice = world.choose(&[], Probe::Freely).expect("any will do");
    assert_eq!(
        (choice.endpoint, choice.reason, choice.candidates),
        (ids[1], ChoiceReason::Panic, 1)
    );
    world.end(choice, status(200), MS);
    world.upstream.describe_endpoint(ids[1], weighing(0));
    assert!(world.choose(&[], Probe::Freely).is_none());
    assert!(!world.upstream.snapshot(world.now).usable);
}

#[test]
fn a_weight_can_be_changed_while_calls_run() {
    let balance =
        BalanceSettings { algorithm: Algorithm::SmoothWeighted, ..BalanceSettings::default() };
    let (mut world, ids) = world(balance, &[weighing(1), weighing(1)]);
    let running = world.choose(&[], Probe::Freely).expect("an endpoint");
    world.upstream.describe_endpoint(ids[0], weighing(3));
    assert_eq!(world.upstream.info(ids[0]), Some(weighing(3)));
    assert_eq!(world.named("e0").load.info, weighing(3));
    world.end(running, status(200), MS);
    assert_eq!(hits(&mut world, &ids, 400), [300, 100]);
}

#[test]
fn calls_spill_over_to_the_next_level_and_back_and_it_is_told() {
    let infos: Vec<_> = (0..20).map(|n| at_level(u8::from(n >= 10))).collect();
    let (mut world, ids) = world(BalanceSettings::default(), &infos);
    let spilled = |hits: &[u32]| hits[10..].iter().sum::<u32>();
    assert_eq!(spilled(&hits(&mut world, &ids, 200)), 0);
    fail(&mut world, &ids[..5]);
    let share = spilled(&hits(&mut world, &ids, 10_000));
    assert!((2_800..=3_200).contains(&share), "{share} of 10 000, not 30 %");
    fail(&mut world, &ids[..10]);
    let choice = world.choose(&[], Probe::Freely).expect("an endpoint");
    assert_eq!(choice.reason, ChoiceReason::Spilled);
    world.end(choice, status(200), MS);
    for id in &ids[..10] {
        for _ in 0..2 {
            world.upstream.health_checked(*id, Check::Passed, world.now, &mut world.events);
        }
    }
    assert_eq!(spilled(&hits(&mut world, &ids, 200)), 0);
    let told = world.events.iter().filter_map(|event| {
        let What::Spillover(loads) = event.what else { return None };
        Some((loads.of_level(0), loads.of_level(1)))
    });
    assert_eq!(told.collect::<Vec<_>>(), [(70, 30), (0, 100), (100, 0)]);
}

#[test]
fn calls_stay_in_their_zone_while_it_has_its_share() {
    let info = |n: u8| EndpointInfo { zone: Zone::new(n / 3), ..EndpointInfo::default() };
    let own = ZoneSettings::new(Zone::new(0).expect("a zone"));
    let balance = BalanceSettings { zone: Some(own), ..BalanceSettings::default() };
    let (mut world, ids) = world(balance, &(0..9).map(info).collect::<Vec<_>>());
    assert_eq!(hits(&mut world, &ids, 300)[3..], [0; 6]);
    fail(&mut world, &ids[..2]);
    // One of seven endpoints for a third of the callers: 3/7 of the calls stay.
    let local = hits(&mut world, &ids, 7_000)[2];
    assert!((2_850..=3_150).contains(&local), "{local} of 7 000");
    fail(&mut world, &ids[5..7]);
    let hits = hits(&mut world, &ids, 600);
    assert!(hits[3] > 100 && hits[7] > 100, "below six endpoints all zones serve: {hits:?}");
}

#[test]
fn t137_below_the_panic_threshold_all_are_tried_and_it_is_told() {
    let panic_threshold = Ratio::from_percent(50);
    let balance = BalanceSettings { panic_threshold, ..in_turn() };
    let (mut world, ids) = world(balance, &[EndpointInfo::default(); 4]);
    fail(&mut world, &ids[..2]);
    assert_eq!(hits(&mut world, &ids, 100)[..2], [0, 0]);
    assert_eq!(world.panics(), (0, 0));
    fail(&mut world, &ids[..3]);
    let tried = hits(&mut world, &ids, 100);
    assert!(tried.iter().all(|hits| *hits > 0), "{tried:?}");
    assert_eq!(world.panics(), (1, 0));
}

#[test]
fn a_key_keeps_its_endpoint_and_comes_back_after_an_outage() {
    let balance = BalanceSettings { algorithm: Algorithm::MAGLEV, ..BalanceSettings::default() };
    let (mut world, ids) = world(balance, &[EndpointInfo::default(); 5]);
    let go = |world: &mut World| {
        let wish = Wish { tried: &[], probe: Probe::Never, key: Some(0xfeed_5eed << 20) };
        let choice = world.wish(wish).expect("an endpoint");
        let (id, reason) = (choice.endpoint, choice.reason);
        world.end(choice, status(200), MS);
        assert_eq!(reason, ChoiceReason::Keyed);
        id
    };
    let home = go(&mut world);
    assert!((0..50).all(|_| go(&mut world) == home));
    fail(&mut world, &[home]);
    let refuge = go(&mut world);
    assert!(refuge != home && ids.contains(&refuge) && go(&mut world) == refuge);
    for _ in 0..2 {
        world.upstream.health_checked(home, Check::Passed, world.now, &mut world.events);
    }
    assert_eq!(go(&mut world), home);
}

#[test]
fn t152_a_key_goes_to_the_same_name_whatever_the_order_of_names() {
    let balance = BalanceSettings { algorithm: Algorithm::RING, ..BalanceSettings::default() };
    let list = names(0..8);
    let back: Vec<EndpointName> = list.iter().rev().cloned().collect();
    let mut homes = [list, back].map(|list| {
        let mut world = World::new(upstream(balance), &[]);
        world.place(&list);
        (0..100_u64).map(move |n| {
            let key = Some(crate::hash::mix(n, 3));
            let choice = world.wish(Wish { tried: &[], probe: Probe::Freely, key });
            let choice = choice.expect("an endpoint");
            let name = world.upstream.name(choice.endpoint).expect("a name").clone();
            world.end(choice, status(200), MS);
            name
        })
    });
    let [forward, backward] = &mut homes;
    assert!(forward.eq(backward));
}

#[test]
fn the_short_cut_ends_with_a_drain_an_ejection_and_a_removal() {
    let (mut world, ids) = world(in_turn(), &[EndpointInfo::default(); 4]);
    hits(&mut world, &ids, 10);
    world.upstream.set_draining(ids[0], crate::upstream::Draining::Yes, world.now);
    assert_eq!(hits(&mut world, &ids, 200)[0], 0);
    let ejected = world.eject("e1");
    let after = hits(&mut world, &ids, 200);
    assert_eq!((ejected, after[1]), (ids[1], 0));
    world.place(&names(3..4));
    assert_eq!(hits(&mut world, &ids, 20), [0, 0, 0, 20]);
}

#[test]
fn slow_start_is_told_of_those_who_join_later() {
    let mut world = World::new(upstream(BalanceSettings::default()), &["a"]);
    world.attempt(|_| 200);
    world.pass(SECOND);
    world.set(&["a", "b"]);
    world.attempt(|_| 200);
    world.attempt(|_| 200);
    let told = world.events.iter().filter(|event| event.what == What::SlowStart).count();
    assert_eq!(told, 1);
}
