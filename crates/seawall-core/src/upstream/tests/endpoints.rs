//! Who belongs to an upstream: joining, leaving, coming back.

use std::vec::Vec;

use super::world::{MS, SECOND, World, names, status};
use crate::balance::Algorithm;
use crate::endpoint::EndpointId;
use crate::outlier::Standing;
use crate::time::Duration;
use crate::upstream::{Draining, ENDPOINTS_MAX, EndpointName, Probe, Upstream, UpstreamSettings};

const MINUTE: Duration = Duration::from_secs(60);

/// In turn, so that every endpoint is met.
fn in_turn() -> UpstreamSettings {
    let mut settings = UpstreamSettings::default();
    settings.balance.algorithm = Algorithm::RoundRobin;
    settings.outlier.base = SECOND * 300;
    settings
}

fn is_full_weight(world: &World, name: &str) -> bool {
    world.named(name).load.weight.ppm() == 1_000_000
}

#[test]
fn known_endpoints_keep_their_identity_and_what_was_learned() {
    let mut world = World::new(in_turn(), &["a", "b"]);
    for _ in 0..10 {
        world.attempt(|_| 200);
    }
    let before = (world.named("a"), world.named("b"));
    assert!(before.0.breaker.calls == 5 && before.0.outlier.requests == 5);
    // Order and repetition mean nothing.
    let ids = world.set(&["b", "a", "b"]);
    assert_eq!(ids, [before.1.id, before.0.id]);
    let after = world.named("a");
    assert_eq!(after.breaker.calls, before.0.breaker.calls);
    assert_eq!(after.outlier, before.0.outlier);
    assert_eq!(after.load, before.0.load);
}

#[test]
fn the_first_endpoints_join_warm_and_later_ones_cold() {
    let mut world = World::new(in_turn(), &["a", "b", "c"]);
    assert!(is_full_weight(&world, "a"));
    world.set(&["a", "b", "c", "d"]);
    assert!(is_full_weight(&world, "a") && !is_full_weight(&world, "d"));
    world.pass(SECOND * 30);
    assert!(is_full_weight(&world, "d"));
}

#[test]
fn a_removed_endpoint_goes_with_its_last_attempt() {
    let mut world = World::new(in_turn(), &["a", "b"]);
    let first = world.choose(&[], Probe::Never).expect("an endpoint");
    let gone = first.endpoint;
    let other = if world.named("a").id == gone { "b" } else { "a" };
    let second = world.choose(&[world.named(other).id.slot], Probe::Never).expect("the same");
    assert_eq!(second.endpoint, gone);
    world.set(&[other]);
    assert!(world.find(gone).is_some_and(|known| known.draining));
    for _ in 0..20 {
        assert_ne!(world.attempt(|_| 200), gone, "it takes no new attempts");
    }
    world.end(first, status(200), MS);
    assert!(world.find(gone).is_some_and(|known| known.load.active == 1));
    world.end(second, status(200), MS);
    assert!(world.find(gone).is_none());
    assert!(world.upstream.name(gone).is_none());
}

#[test]
fn an_idle_endpoint_is_forgotten_at_once_and_its_place_reused_under_another_identity() {
    let mut world = World::new(in_turn(), &["a"]);
    let old = world.named("a").id;
    world.set(&[]);
    assert_eq!(world.count(), 0);
    let [new] = world.set(&["b"])[..] else { panic!("one name, one identity") };
    assert_eq!(new.slot, old.slot);
    assert_ne!(new, old);
    world.upstream.set_draining(old, Draining::Yes, world.now);
    assert!(!world.named("b").draining, "what meant the old one does not meet the new");
}

#[test]
fn an_endpoint_that_comes_back_while_it_drains_stays_who_it_was() {
    let mut world = World::new(in_turn(), &["a"]);
    let choice = world.choose(&[], Probe::Never).expect("the endpoint");
    let id = choice.endpoint;
    world.set(&[]);
    assert_eq!(world.set(&["a"]), [id]);
    assert!(!world.named("a").draining);
    world.end(choice, status(200), MS);
    assert_eq!((world.count(), world.named("a").load.active), (1, 0));
}

#[test]
fn an_operators_drain_survives_a_reload_and_ends_by_word() {
    let mut world = World::new(in_turn(), &["a", "b"]);
    let id = world.named("a").id;
    world.upstream.set_draining(id, Draining::Yes, world.now);
    world.set(&["a", "b"]);
    assert!(world.named("a").draining, "it stays registered");
    for _ in 0..10 {
        assert_ne!(world.attempt(|_| 200), id);
    }
    world.upstream.set_draining(id, Draining::No, world.now);
    assert!((0..10).any(|_| world.attempt(|_| 200) == id));
}

#[test]
fn with_every_endpoint_drained_none_is_chosen() {
    let mut world = World::new(in_turn(), &["a", "b"]);
    for name in ["a", "b"] {
        world.upstream.set_draining(world.named(name).id, Draining::Yes, world.now);
    }
    assert!(world.choose(&[], Probe::Freely).is_none());
    assert!(!world.upstream.snapshot(world.now).usable);
}

#[test]
fn t146_an_ejected_endpoint_that_is_registered_again_gets_no_amnesty() {
    for (away, stays) in [(SECOND, true), (MINUTE * 10 - MS, true), (MINUTE * 10, false)] {
        let mut settings = in_turn();
        settings.outlier.base = MINUTE * 60;
        settings.outlier.max = MINUTE * 60;
        let mut world = World::new(settings, &["a", "b", "c"]);
        let ejected = world.eject("b");
        let before = world.find(ejected).expect("it is registered").outlier;
        world.set(&["a", "c"]);
        assert!(world.find(ejected).is_none());
        world.pass(away);
        world.set(&["a", "b", "c"]);
        let after = world.named("b").outlier;
        assert_eq!(after.standing == before.standing, stays, "after {away:?}");
        assert_eq!((after.streak, after.last == before.last), (u32::from(stays), stays));
    }
}

#[test]
fn t146_an_endpoint_removed_while_its_probe_runs_is_still_ejected() {
    let mut settings = in_turn();
    settings.outlier.base = SECOND;
    let mut world = World::new(settings, &["a", "b", "c"]);
    world.eject("b");
    world.pass(SECOND * 60);
    let probe = world.choose(&[], Probe::Freely).expect("an endpoint");
    assert_eq!(world.named("b").outlier.standing, Standing::Probing);
    world.set(&["a", "c"]);
    world.set(&["a", "b", "c"]);
    assert_eq!(world.named("b").outlier.standing, Standing::Probing, "its attempt still runs");
    world.end(probe, status(503), MS);
    assert!(matches!(world.named("b").outlier.standing, Standing::Ejected { .. }));
}

#[test]
fn t146_a_crowd_of_leavers_does_not_push_out_the_latest() {
    let mut settings = in_turn();
    settings.outlier.base = MINUTE * 60;
    settings.outlier.max = MINUTE * 60;
    let mut world = World::new(settings, &["a", "b", "c"]);
    // More leave than are remembered, all longer ago than the one that matters.
    for round in 0..2 {
        let crowd = names(round * 1_000..(round + 1) * 1_000);
        let mut with: Vec<EndpointName> = ["a", "b", "c"].map(EndpointName::from).into();
        with.extend(crowd);
        world.place(&with);
        world.set(&["a", "b", "c"]);
        world.pass(SECOND);
    }
    world.eject("b");
    world.set(&["a", "c"]);
    world.set(&["a", "b", "c"]);
    assert!(matches!(world.named("b").outlier.standing, Standing::Ejected { .. }));
}

#[test]
fn no_more_endpoints_are_kept_than_the_bound() {
    let mut world = World::new(UpstreamSettings::default(), &[]);
    assert_eq!(world.place(&names(0..ENDPOINTS_MAX + 10)).len(), ENDPOINTS_MAX);
    assert_eq!(world.count(), ENDPOINTS_MAX);
    // Repeated names take no place from others.
    let mut twice = names(0..10);
    twice.extend(names(0..ENDPOINTS_MAX));
    assert_eq!(distinct(world.place(&twice)), ENDPOINTS_MAX);
    assert_eq!(world.count(), ENDPOINTS_MAX);
    // Those that are named beyond the bound leave, known or not.
    assert_eq!(world.place(&names(500..ENDPOINTS_MAX + 500)).len(), ENDPOINTS_MAX);
    let mut turned = names(2_000..2_000 + ENDPOINTS_MAX);
    turned.extend(names(500..ENDPOINTS_MAX + 500));
    let placed = world.place(&turned);
    assert_eq!(placed.len(), ENDPOINTS_MAX);
    assert!(placed.iter().all(|id| id.slot.index() < ENDPOINTS_MAX), "idle places are reused");
    assert_eq!(world.count(), ENDPOINTS_MAX);
}

fn distinct(mut ids: Vec<EndpointId>) -> usize {
    let all = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), all, "an identity for each name, once");
    all
}

#[test]
fn a_reload_keeps_what_was_learned() {
    let mut world = World::new(in_turn(), &["a", "b", "c"]);
    let ejected = world.eject("b");
    world.upstream.deposit(world.now);
    let before = world.upstream.snapshot(world.now);
    let mut settings = in_turn();
    settings.bulkhead.permits = 5;
    settings.budget.floor_per_second = 3;
    world.upstream.reconfigure(settings, world.now, &mut world.events);
    world.upstream.invariants();
    let after = world.upstream.snapshot(world.now);
    assert_eq!(after.budget.first, before.budget.first);
    assert_eq!(after.bulkhead.permits, 5);
    for (old, new) in before.endpoints.iter().zip(&after.endpoints) {
        assert_eq!((old.breaker, old.outlier, old.load), (new.breaker, new.outlier, new.load));
    }
    assert!(matches!(
        world.find(ejected).expect("it is registered").outlier.standing,
        Standing::Ejected { .. }
    ));
}

#[test]
fn the_typical_latency_is_at_least_a_millisecond_and_at_most_a_second_old() {
    let mut world = World::new(in_turn(), &["a"]);
    let min_useful = |world: &mut World| Upstream::min_useful(&mut world.upstream, world.now);
    assert_eq!(min_useful(&mut world), MS);
    for _ in 0..100 {
        let choice = world.choose(&[], Probe::Never).expect("the endpoint");
        world.end(choice, status(200), MS * 80);
    }
    world.pass(SECOND);
    let seen = min_useful(&mut world);
    assert!((MS * 80..=MS * 84).contains(&seen), "{seen:?}");
}
