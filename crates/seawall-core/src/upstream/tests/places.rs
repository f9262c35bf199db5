//! Limits at endpoints: who is passed over, and what all of them together allow.

use std::vec::Vec;

use super::world::{MS, SECOND, World, status};
use crate::Mode;
use crate::balance::EndpointInfo;
use crate::bulkhead::{Acquired, BulkheadSettings, Claimed, Patience};
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
    world.upstream.set_draining(ids[0], Draining::Yes, world.now);
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

/// A limit that is learnt; 100 permits, and as many places to wait.
fn learning() -> UpstreamSettings {
    UpstreamSettings { endpoint_limit: Some(LimitSettings::knee()), ..queueing(100) }
}

/// It has answered in 20 ms, four at once, for a while.
fn learn(world: &mut World, id: EndpointId) {
    for _ in 0..128 {
        world.pass(MS * 10);
        let endpoint = world.upstream.endpoint_mut(id).expect("it is present");
        let finished = Finished { latency: MS * 20, in_flight: 4, evidence: Evidence::Sample };
        let limit = endpoint.limit.as_mut().expect("it has a limit");
        limit.on_finished(finished, world.now, &mut Discard);
    }
    world.upstream.count_places(world.now);
}

/// All eight places are taken by what takes long, and somebody waits: how many times it looks until
/// it gets one, and how long that is.
fn looks_behind_long_ones(heard: bool) -> (u32, Duration) {
    let mut world = World::new(learning(), &["a"]);
    let ids = world.set(&["a"]);
    learn(&mut world, ids[0]);
    assert_eq!(places(&world), 8);
    let _permits: Vec<_> = (0..8).map(|_| enter(&mut world)).collect();
    let mut held = take(&mut world, 8);
    if heard {
        world.pass(MS * 20);
        held.iter_mut().for_each(|choice| world.upstream.heard(choice, world.now));
        // The bodies go on.
        world.pass(SECOND * 5);
    }
    let Acquired::Queued { waiter, until } = enter(&mut world) else { panic!("a place to wait") };
    let (begun, mut looks) = (world.now, 0);
    while world.upstream.next_grant(world.now, &mut world.events).is_none() {
        world.now = world.upstream.next_look(until, world.now);
        assert!(world.upstream.look_up(waiter, world.now).is_some());
        looks += 1;
    }
    (looks, world.now.since(begun))
}

#[test]
fn who_waits_behind_long_answers_gets_a_place_though_nobody_comes_and_nothing_ends() {
    let (looks, waited) = looks_behind_long_ones(true);
    assert!(waited <= MS * 60, "{waited:?}, three base latencies at most, after {looks} looks");
}

#[test]
fn who_waits_behind_long_polls_gets_a_place_within_moments() {
    let (looks, waited) = looks_behind_long_ones(false);
    assert!(waited <= MS * 60, "{waited:?} after {looks} looks");
}

#[test]
fn what_drains_takes_its_places_with_it_at_once_and_brings_them_back() {
    let mut world = World::new(two_each(), &["a", "b"]);
    let ids = world.set(&["a", "b"]);
    world.upstream.set_draining(ids[0], Draining::Yes, world.now);
    assert_eq!(places(&world), 2);
    world.upstream.set_draining(ids[0], Draining::No, world.now);
    assert_eq!(places(&world), 4);
}

#[test]
fn a_level_that_takes_no_calls_adds_no_places() {
    let mut world = World::new(two_each(), &["a", "b"]);
    let spare = EndpointInfo { level: 1, ..EndpointInfo::default() };
    let described = [("a".into(), EndpointInfo::default()), ("b".into(), spare)];
    world.upstream.set_described(&described, world.now, &mut world.rng);
    assert_eq!(places(&world), 2);
    let ids = world.set(&["a", "b"]);
    check(&mut world, ids[0], Check::Failed);
    assert_eq!(places(&world), 2, "those of the other, once it takes them");
}

#[test]
fn an_attempt_takes_as_many_places_as_it_weighs() {
    let mut world = World::new(two_each(), &["a", "b"]);
    let ids = world.set(&["a", "b"]);
    let mut heavy = take(&mut world, 1).remove(0);
    world.upstream.weigh(&mut heavy, 2, world.now);
    let other = ids.iter().find(|id| **id != heavy.endpoint).expect("two of them");
    let light = take(&mut world, 2);
    assert_eq!(count(&light, *other), 2, "the first is full");
    world.end(heavy, status(200), MS);
    assert_eq!(take(&mut world, 2).iter().filter(|c| c.endpoint != *other).count(), 2);
}

#[test]
fn a_newcomer_takes_no_more_than_those_who_are_known() {
    let mut world = World::new(learning(), &["a", "b"]);
    let ids = world.set(&["a", "b"]);
    assert_eq!(places(&world), 100, "nothing is known of either");
    learn(&mut world, ids[0]);
    assert_eq!(places(&world), 16);
}

/// What an arrival gets at last where three come for each that is done, for a second.
fn in_a_flood(settings: UpstreamSettings) -> Option<Duration> {
    let mut world = World::new(settings, &["a"]);
    let Acquired::Permit(mut permit) = enter(&mut world) else { panic!("one is free") };
    let mut last = None;
    for _ in 0..1_000 {
        world.pass(MS);
        for _ in 0..3 {
            last = match enter(&mut world) {
                Acquired::Queued { until, .. } => Some(until.since(world.now)),
                Acquired::Refused { .. } => None,
                Acquired::Permit(_) => panic!("there are no more places"),
            };
        }
        world.upstream.release(permit, MS, world.now);
        let waiter = world.upstream.next_grant(world.now, &mut world.events).expect("one waits");
        let Claimed::Permit(next) = world.upstream.claim(waiter, world.now) else {
            panic!("it was granted")
        };
        permit = next;
    }
    last
}

fn one_at_once(limit: LimitSettings) -> UpstreamSettings {
    let limit = LimitSettings { initial: 1, min: 1, max: 1, ..limit };
    let bulkhead = BulkheadSettings { permits: 9_000, queue: 9_000, ..BulkheadSettings::default() };
    UpstreamSettings { endpoint_limit: Some(limit), bulkhead, ..UpstreamSettings::default() }
}

#[test]
fn a_limit_that_gives_way_to_nobody_refuses_in_a_flood() {
    let waits = in_a_flood(one_at_once(LimitSettings::aimd()));
    assert!(waits.is_none_or(|longest| longest <= SECOND / 10), "{waits:?}");
}

#[test]
fn a_limit_of_which_nobody_knows_whether_it_must_be_refuses_nobody() {
    let waits = in_a_flood(one_at_once(LimitSettings::knee()));
    assert!(waits.is_some_and(|longest| longest > SECOND), "{waits:?}");
}
