//! Limits at endpoints: who is passed over, and what all of them together allow.

use std::vec::Vec;

use super::world::{MS, SECOND, World, status};
use crate::Mode;
use crate::bulkhead::{Acquired, BulkheadSettings, Patience};
use crate::concurrency::{Evidence, Finished, LimitSettings};
use crate::endpoint::EndpointId;
use crate::event::Discard;
use crate::health::{Check, HealthSettings};
use crate::shed::Class;
use crate::time::{Duration, Instant};
use crate::upstream::{Choice, Draining, Probe, Scene, UpstreamSettings, Wish};

/// Two at once at each.
fn two_each() -> UpstreamSettings {
    let limit = LimitSettings { initial: 2, min: 2, max: 2, ..LimitSettings::knee() };
    let health = Some(HealthSettings::default());
    UpstreamSettings { endpoint_limit: Some(limit), health, ..UpstreamSettings::default() }
}

fn places(world: &World) -> u32 {
    world.upstream.snapshot(world.now).bulkhead.limit
}

fn count(choices: &[Choice], id: EndpointId) -> usize {
    choices.iter().filter(|choice| choice.endpoint == id).count()
}

fn take(world: &mut World, times: usize) -> Vec<Choice> {
    (0..times).map(|_| world.choose(&[], Probe::Freely).expect("an endpoint")).collect()
}

#[test]
fn every_endpoint_is_filled_to_its_limit_and_none_beyond() {
    let mut world = World::new(two_each(), &["a", "b", "c"]);
    let ids = world.set(&["a", "b", "c"]);
    assert_eq!(places(&world), 6);
    let choices = take(&mut world, 6);
    assert!(ids.iter().all(|id| count(&choices, *id) == 2), "{choices:?}");
    let beside: Vec<u32> = choices.iter().map(|choice| choice.beside).collect();
    assert_eq!(beside.iter().sum::<u32>(), 9, "first and second at each: {beside:?}");
}

#[test]
fn a_retry_goes_beyond_a_limit_rather_than_where_it_failed() {
    let mut world = World::new(two_each(), &["a", "b"]);
    let ids = world.set(&["a", "b"]);
    let choices = take(&mut world, 4);
    assert_eq!(choices.len(), 4);
    let again = world.choose(&[ids[0].slot], Probe::Freely).expect("an endpoint");
    assert_eq!(again.endpoint, ids[1]);
    assert_eq!(places(&world), 5, "what is beyond a limit has yet to drain");
}

/// Where a hedge of a call goes that has tried `tried`.
fn hedge(world: &mut World, tried: EndpointId) -> Option<EndpointId> {
    let World { upstream, rng, events, now } = world;
    let wish = Wish { tried: &[tried.slot], probe: Probe::Never, key: None };
    let choice = upstream.choose_other(wish, &mut Scene { now: *now, rng, sink: events });
    choice.map(|choice| choice.endpoint)
}

#[test]
fn a_hedge_goes_beyond_a_limit_that_was_never_needed_higher() {
    let mut world = World::new(two_each(), &["a", "b"]);
    let ids = world.set(&["a", "b"]);
    let _held = take(&mut world, 4);
    assert_eq!(hedge(&mut world, ids[0]), Some(ids[1]));
}

#[test]
fn a_hedge_goes_nowhere_that_is_overloaded() {
    let limit = LimitSettings::knee();
    let settings = UpstreamSettings { endpoint_limit: Some(limit), ..UpstreamSettings::default() };
    let mut world = World::new(settings, &["a", "b"]);
    let ids = world.set(&["a", "b"]);
    overload(&mut world, ids[1]);
    while !world.upstream.is_full(ids[1].slot) {
        let _held = take(&mut world, 1);
    }
    assert_eq!(hedge(&mut world, ids[0]), None);
}

/// It works on four at once in 20 ms each; first so many are there, then forty, as far as it is
/// let.
fn overload(world: &mut World, id: EndpointId) {
    for there in [4; 600].into_iter().chain([40; 600]) {
        world.pass(MS);
        let endpoint = world.upstream.endpoint_mut(id).expect("it is present");
        let limit = endpoint.limit.as_mut().expect("it has a limit");
        let in_flight = limit.limit().min(there);
        let latency = Duration::from_millis(5 * u64::from(in_flight.max(4)));
        let finished = Finished { latency, in_flight, evidence: Evidence::Sample };
        limit.on_finished(finished, world.now, &mut Discard);
        if there > 4 && endpoint.is_congested() {
            return;
        }
    }
    panic!("the limit never held");
}

fn check(world: &mut World, id: EndpointId, check: Check) {
    for _ in 0..10 {
        world.pass(SECOND);
        world.upstream.health_checked(id, check, world.now, &mut world.events);
    }
}

#[test]
fn one_that_is_out_adds_what_it_holds_and_no_more() {
    let mut world = World::new(two_each(), &["a", "b", "c"]);
    let ids = world.set(&["a", "b", "c"]);
    let _held = take(&mut world, 3);
    check(&mut world, ids[0], Check::Failed);
    assert_eq!(places(&world), 5);
    check(&mut world, ids[0], Check::Passed);
    assert_eq!(places(&world), 6);
}

/// An attempt at `id`, where others are full before all are.
fn hold_one_at(world: &mut World, id: EndpointId) -> Choice {
    let mut choices = Vec::new();
    while choices.iter().all(|choice: &Choice| choice.endpoint != id) {
        assert!(choices.len() < 6, "others are full");
        choices.extend(take(world, 1));
    }
    let at = choices.iter().position(|choice| choice.endpoint == id).expect("others are full");
    let held = choices.swap_remove(at);
    choices.into_iter().for_each(|choice| world.end(choice, status(200), MS));
    held
}

#[test]
fn what_is_free_at_a_silent_endpoint_is_not_spent_on_others() {
    let mut world = World::new(two_each(), &["a", "b", "c"]);
    let ids = world.set(&["a", "b", "c"]);
    for _ in 0..100 {
        world.attempt(|_| 200);
        world.pass(SECOND / 10);
    }
    let silent = hold_one_at(&mut world, ids[0]);
    assert_eq!(places(&world), 6);
    for _ in 0..10 {
        world.pass(MS * 20);
        world.attempt(|_| 200);
    }
    assert_eq!(places(&world), 5, "two at each of the others, and the one that it holds");
    world.end(silent, status(200), MS * 200);
    assert_eq!(places(&world), 6, "it has been heard of");
}

#[test]
fn where_all_are_silent_their_places_count() {
    let mut world = World::new(two_each(), &["a", "b"]);
    let ids = world.set(&["a", "b"]);
    for _ in 0..100 {
        world.attempt(|_| 200);
        world.pass(SECOND / 10);
    }
    let _held = [ids[0], ids[1]].map(|id| hold_one_at(&mut world, id));
    world.pass(SECOND);
    let _beside = take(&mut world, 1);
    assert_eq!(places(&world), 4);
}

#[test]
fn where_none_is_good_limits_say_nothing() {
    let mut world = World::new(two_each(), &["a", "b"]);
    let ids = world.set(&["a", "b"]);
    ids.iter().for_each(|id| check(&mut world, *id, Check::Failed));
    assert_eq!(places(&world), u32::MAX);
    let choices = take(&mut world, 9);
    assert_eq!(choices.len(), 9, "all are tried all the same");
}

#[test]
fn without_limits_nothing_is_bounded() {
    let mut world = World::new(UpstreamSettings::default(), &["a"]);
    let _held = take(&mut world, 50);
    assert_eq!(places(&world), u32::MAX);
}

#[test]
fn a_reload_brings_limits_and_takes_them_away() {
    let mut world = World::new(UpstreamSettings::default(), &["a", "b"]);
    world.pass(MS);
    let World { upstream, events, now, .. } = &mut world;
    upstream.reconfigure(two_each(), *now, events);
    assert_eq!(places(&world), 4);
    let ids = world.set(&["a", "b"]);
    world.upstream.set_draining(ids[0], Draining::Yes);
    let _held = take(&mut world, 1);
    assert_eq!(places(&world), 2);
    let World { upstream, events, now, .. } = &mut world;
    upstream.reconfigure(UpstreamSettings::default(), *now, events);
    assert_eq!(places(&world), u32::MAX);
}

/// Until when a call waits that finds all places taken and has ten seconds.
fn waits(settings: UpstreamSettings, taken: usize) -> Instant {
    let mut world = World::new(settings, &["a"]);
    // As a driver does: a permit, and then a place.
    let permits: Vec<_> = (0..taken).map(|_| enter(&mut world)).collect();
    assert!(permits.iter().all(|acquired| matches!(acquired, Acquired::Permit(_))));
    let _held = take(&mut world, taken);
    let Acquired::Queued { waiter, until } = enter(&mut world) else { panic!("a place to wait") };
    assert_eq!(world.upstream.waits_until(waiter), Some(until));
    until
}

fn enter(world: &mut World) -> Acquired {
    let end = world.now.after(SECOND * 10);
    let wanted = (1, Class::Normal, Patience::Usual);
    world.upstream.acquire(wanted, end, world.now, &mut world.events)
}

fn queueing(permits: u32) -> UpstreamSettings {
    let bulkhead = BulkheadSettings { permits, queue: 100, ..BulkheadSettings::default() };
    UpstreamSettings { bulkhead, ..two_each() }
}

#[test]
fn who_finds_no_place_waits_as_long_as_it_is_of_use_while_no_overload_is_known() {
    assert!(waits(queueing(100), 2) > Instant::from_millis(10_000));
}

#[test]
fn where_the_permits_bound_all_is_as_without_limits() {
    assert_eq!(waits(queueing(2), 2), Instant::from_millis(1_100), "a hundred milliseconds");
}

#[test]
fn a_limit_in_shadow_makes_nobody_wait() {
    let shadow = |limit| LimitSettings { mode: Mode::Shadow, ..limit };
    let settings = queueing(3);
    let settings =
        UpstreamSettings { endpoint_limit: settings.endpoint_limit.map(shadow), ..settings };
    assert_eq!(waits(settings, 3), Instant::from_millis(1_100));
}
