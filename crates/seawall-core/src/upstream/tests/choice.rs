//! Who is chosen: penalties, ejections, health, and what holds when nobody is left.

use super::world::{MS, SECOND, World, status};
use crate::balance::Algorithm;
use crate::breaker::Phase;
use crate::endpoint::EndpointId;
use crate::health::{Check, HealthSettings, HealthState};
use crate::outcome::{ConnectFailure, Observation};
use crate::outlier::Standing;
use crate::time::Duration;
use crate::upstream::{ChoiceReason, Probe, UpstreamSettings, WhenAllDown};

fn in_turn() -> UpstreamSettings {
    let mut settings = UpstreamSettings::default();
    settings.balance.algorithm = Algorithm::RoundRobin;
    settings
}

/// Active checks take these endpoints out.
fn fail_checks(world: &mut World, names: &[&str]) {
    for name in names {
        let id = world.named(name).id;
        world.upstream.health_checked(id, Check::Failed, world.now, &mut world.events);
        assert_eq!(world.named(name).health, HealthState::Unhealthy);
    }
}

#[test]
fn t137_t138_with_all_down_every_endpoint_is_tried_and_panic_is_told_once() {
    let mut world = World::new(in_turn(), &["a", "b"]);
    world.attempt(|_| 200);
    assert_eq!(world.panics(), (0, 0));
    fail_checks(&mut world, &["a", "b"]);
    assert!(!world.upstream.snapshot(world.now).usable);
    let mut met = [0; 2];
    for _ in 0..10 {
        let choice = world.choose(&[], Probe::Freely).expect("any will do");
        assert_eq!((choice.reason, choice.candidates), (ChoiceReason::Panic, 2));
        met[choice.endpoint.slot.index()] += 1;
        world.end(choice, status(200), MS);
        assert!(world.upstream.snapshot(world.now).panic);
    }
    assert_eq!(met, [5, 5]);
    assert_eq!(world.panics(), (1, 0));
    let id = world.named("b").id;
    for _ in 0..2 {
        world.upstream.health_checked(id, Check::Passed, world.now, &mut world.events);
    }
    assert_eq!(world.attempt(|_| 200), id);
    assert_eq!(world.panics(), (1, 1));
    assert!(!world.upstream.snapshot(world.now).panic);
}

#[test]
fn t138_with_all_down_calls_are_refused_where_the_route_says_so() {
    let settings = UpstreamSettings { when_all_down: WhenAllDown::Refuse, ..in_turn() };
    let mut world = World::new(settings, &["a", "b"]);
    fail_checks(&mut world, &["a"]);
    assert_eq!(world.attempt(|_| 200), world.named("b").id);
    fail_checks(&mut world, &["b"]);
    assert!(world.choose(&[], Probe::Freely).is_none());
    assert!(world.upstream.snapshot(world.now).panic);
    assert_eq!(world.panics(), (1, 0));
}

#[test]
fn panic_prefers_an_endpoint_that_the_call_has_not_tried() {
    let mut world = World::new(in_turn(), &["a", "b"]);
    fail_checks(&mut world, &["a", "b"]);
    let tried = [world.named("a").id.slot];
    for _ in 0..10 {
        let choice = world.choose(&tried, Probe::Freely).expect("any will do");
        assert_eq!(choice.endpoint, world.named("b").id);
        world.end(choice, status(200), MS);
    }
}

#[test]
fn with_all_good_ones_tried_the_least_recent_goes_again_and_that_is_no_panic() {
    let mut world = World::new(in_turn(), &["a", "b", "c"]);
    let slots = ["b", "c", "a"].map(|name| world.named(name).id.slot);
    let choice = world.choose(&slots, Probe::Never).expect("an endpoint");
    assert_eq!((choice.endpoint.slot, choice.reason), (slots[0], ChoiceReason::Balanced));
    world.end(choice, status(200), MS);
    assert_eq!(world.panics(), (0, 0));
}

#[test]
fn a_ramping_endpoint_is_no_reason_to_panic() {
    for when_all_down in [WhenAllDown::TryAll, WhenAllDown::Refuse] {
        let mut settings = UpstreamSettings { when_all_down, ..in_turn() };
        settings.endpoint_breaker.consecutive = Some(1);
        settings.endpoint_breaker.ramp = Some(SECOND * 60);
        settings.outlier.consecutive = None;
        let mut world = World::new(settings, &["a"]);
        world.attempt(|_| 503);
        world.pass(SECOND * 6);
        world.attempt(|_| 200);
        world.events.clear();
        let mut refused = 0;
        for _ in 0..50 {
            let Some(choice) = world.choose(&[], Probe::Freely) else {
                refused += 1;
                continue;
            };
            assert_eq!(choice.reason, ChoiceReason::Balanced);
            world.end(choice, status(200), MS);
        }
        assert_eq!(world.panics(), (0, 0));
        assert_eq!(refused > 30, when_all_down == WhenAllDown::Refuse, "{refused} refused");
    }
}

#[test]
fn a_ramping_endpoint_takes_its_share_and_no_more() {
    let mut settings =
        UpstreamSettings { when_all_down: WhenAllDown::Refuse, ..UpstreamSettings::default() };
    settings.endpoint_breaker.consecutive = Some(1);
    settings.endpoint_breaker.ramp = Some(SECOND * 60);
    settings.outlier.consecutive = None;
    for (names, others) in [(&["a"][..], 0), (&["a", "b"], 1)] {
        settings.balance.algorithm = Algorithm::Random;
        let mut world = World::new(settings, names);
        while world.attempt(|name| if name == "a" { 503 } else { 200 }) != world.named("a").id {}
        world.pass(SECOND * 6);
        while world.named("a").breaker.phase != Phase::Closed {
            world.attempt(|_| 200);
        }
        world.pass(SECOND * 30);
        let a = world.named("a").id;
        let mut met = 0_u32;
        for _ in 0..4_000 {
            let Some(choice) = world.choose(&[], Probe::Freely) else { continue };
            met += u32::from(choice.endpoint == a);
            world.end(choice, status(200), MS);
        }
        // Half of what the balancer would give it: all, or every second call.
        let share = 2_000 / (others + 1);
        assert!((share - 150..share + 150).contains(&met), "{met} of 4000, not {share}");
    }
}

#[test]
fn t143_the_endpoint_that_fails_fastest_does_not_win() {
    let mut settings = UpstreamSettings::default();
    settings.endpoint_breaker.mode = crate::Mode::Off;
    settings.outlier.mode = crate::Mode::Off;
    let mut world = World::new(settings, &["bad", "good", "fair"]);
    let bad = world.named("bad").id;
    let mut met = 0;
    for _ in 0..1_000 {
        let choice = world.choose(&[], Probe::Freely).expect("an endpoint");
        let failing = choice.endpoint == bad;
        met += u32::from(failing);
        let (code, latency) = if failing { (503, MS / 10) } else { (200, MS * 50) };
        world.end(choice, status(code), latency);
        world.pass(MS);
    }
    assert!(met <= 20, "{met} of 1000 went to it");
}

#[test]
fn t143_a_hint_to_stay_away_is_a_penalty_within_bounds() {
    for (hint, expected) in [(SECOND * 20, SECOND * 20), (SECOND * 9_000, SECOND * 300)] {
        let mut world = World::new(in_turn(), &["a"]);
        let choice = world.choose(&[], Probe::Freely).expect("the endpoint");
        let retry_after = Some(hint);
        let seen = Observation::Status { code: 429, retry_after, exhausted: false };
        world.end(choice, seen, MS);
        let latency = world.named("a").load.latency;
        assert!(latency.abs_diff(expected) < MS, "{latency:?}");
    }
}

#[test]
fn t144_the_last_endpoint_is_never_ejected() {
    for names in [&["a"][..], &["a", "b"], &["a", "b", "c"]] {
        let mut world = World::new(in_turn(), names);
        for round in 0..500 {
            // One after the other, so that no suppression hides what the cap does.
            let bad = names[(round / 100).min(names.len() - 1)];
            world.attempt(|name| if name == bad || round >= 300 { 503 } else { 200 });
            let standing = |name: &&str| world.named(name).outlier.standing;
            assert!(names.iter().any(|name| standing(name) == Standing::In), "{names:?}");
        }
    }
}

#[test]
fn t147_a_check_that_passes_brings_no_ejected_endpoint_back() {
    let mut world = World::new(in_turn(), &["a", "b", "c"]);
    let ejected = world.eject("b");
    for _ in 0..10 {
        world.upstream.health_checked(ejected, Check::Passed, world.now, &mut world.events);
        assert_ne!(world.named("b").outlier.standing, Standing::In);
    }
    // It only brings the probe forward; real traffic decides, here against it.
    assert_eq!(world.named("b").outlier.standing, Standing::ProbeDue);
    let probe = world.choose(&[], Probe::Freely).expect("an endpoint");
    assert_eq!((probe.endpoint, probe.reason), (ejected, ChoiceReason::Probe));
    world.end(probe, status(503), MS);
    assert!(matches!(world.named("b").outlier.standing, Standing::Ejected { .. }));
}

#[test]
fn an_endpoint_whose_checks_fail_is_not_probed_by_callers() {
    let mut world = World::new(in_turn(), &["a", "b", "c"]);
    let ejected = world.eject("b");
    fail_checks(&mut world, &["b"]);
    world.pass(Duration::from_secs(600));
    assert_eq!(world.named("b").outlier.standing, Standing::ProbeDue);
    for _ in 0..20 {
        assert_ne!(world.attempt(|_| 200), ejected);
    }
    for _ in 0..2 {
        world.upstream.health_checked(ejected, Check::Passed, world.now, &mut world.events);
    }
    assert_eq!(world.attempt(|_| 200), ejected, "now it is worth a try");
}

#[test]
fn a_probe_goes_to_one_call_at_a_time() {
    let mut settings = in_turn();
    settings.outlier.base = SECOND;
    let mut world = World::new(settings, &["a", "b", "c"]);
    let ejected = world.eject("b");
    world.pass(SECOND * 10);
    let probe = world.choose(&[], Probe::Freely).expect("an endpoint");
    assert_eq!((probe.endpoint, probe.reason), (ejected, ChoiceReason::Probe));
    for _ in 0..10 {
        assert_ne!(world.attempt(|_| 200), ejected);
    }
    world.end(probe, Observation::CallerGone, MS);
    let again = world.choose(&[], Probe::Never).expect("an endpoint");
    assert_ne!(again.endpoint, ejected, "a call that has probed does not");
    world.end(again, status(200), MS);
    assert_eq!(world.attempt(|_| 200), ejected, "the place came back");
    assert_eq!(world.named("b").outlier.standing, Standing::In);
}

/// An ejected endpoint whose probe is due, beside two good ones.
fn due() -> (World, EndpointId) {
    let mut settings = in_turn();
    settings.outlier.base = SECOND;
    let mut world = World::new(settings, &["a", "b", "c"]);
    let ejected = world.eject("b");
    world.pass(SECOND * 10);
    (world, ejected)
}

/// Whether an attempt of a call that must not be repeated goes there.
fn goes_reluctantly(world: &mut World, id: EndpointId) -> bool {
    let choice = world.choose(&[], Probe::Reluctantly).expect("an endpoint");
    let there = choice.endpoint == id;
    world.end(choice, Observation::CallerGone, MS);
    there
}

#[test]
fn after_a_probe_the_wait_for_a_safe_call_begins_anew() {
    let (mut world, ejected) = due();
    assert!(!goes_reluctantly(&mut world, ejected));
    world.pass(SECOND * 25);
    let probe = world.choose(&[], Probe::Freely).expect("an endpoint");
    assert_eq!(probe.endpoint, ejected);
    world.end(probe, Observation::CallerGone, MS);
    assert!(!goes_reluctantly(&mut world, ejected), "a safe call has just come by");
    world.pass(SECOND * 25);
    assert!(goes_reluctantly(&mut world, ejected));
}

const REFUSED: Observation = Observation::ConnectFailed(ConnectFailure::Refused);

#[test]
fn who_refuses_connections_is_probed_by_unsafe_calls_too() {
    let (mut world, ejected) = due();
    let probe = world.choose(&[], Probe::Freely).expect("an endpoint");
    assert_eq!(probe.endpoint, ejected);
    world.end(probe, REFUSED, MS);
    assert!(!goes_reluctantly(&mut world, ejected), "ejected again");
    world.pass(SECOND);
    assert!(goes_reluctantly(&mut world, ejected), "a refusal comes before anything is sent");
}

#[test]
fn a_probe_that_succeeds_closes_the_breaker_too() {
    let mut world = World::new(in_turn(), &["a", "b", "c"]);
    let ejected = world.eject("b");
    world.pass(SECOND);
    let phase = |world: &World| world.find(ejected).expect("it is there").breaker.phase;
    assert!(matches!(phase(&world), Phase::Open { .. }), "its cool-down is longer");
    let probe = world.choose(&[], Probe::Freely).expect("an endpoint");
    assert_eq!(probe.endpoint, ejected);
    world.end(probe, status(200), MS);
    assert_eq!(phase(&world), Phase::Closed);
    assert_eq!(world.named("b").outlier.standing, Standing::In);
}

#[test]
fn the_wait_for_a_safe_call_counts_only_while_a_probe_is_due() {
    let (mut world, ejected) = due();
    assert!(!goes_reluctantly(&mut world, ejected));
    fail_checks(&mut world, &["b"]);
    world.pass(SECOND * 24);
    assert!(!goes_reluctantly(&mut world, ejected));
    for _ in 0..2 {
        world.upstream.health_checked(ejected, Check::Passed, world.now, &mut world.events);
    }
    world.pass(SECOND);
    assert!(!goes_reluctantly(&mut world, ejected));
    world.pass(SECOND * 25);
    assert!(goes_reluctantly(&mut world, ejected));
}

#[test]
fn t148_checks_that_merely_time_out_do_not_take_the_last_endpoints_away() {
    let settings = UpstreamSettings {
        health: Some(HealthSettings::default()),
        when_all_down: WhenAllDown::Refuse,
        ..in_turn()
    };
    for (check, chosen) in [(Check::TimedOut, true), (Check::Failed, false)] {
        let mut world = World::new(settings, &[]);
        for id in world.set(&["a", "b"]) {
            for _ in 0..HealthSettings::default().fall {
                world.upstream.health_checked(id, check, world.now, &mut world.events);
            }
        }
        assert_eq!(world.choose(&[], Probe::Freely).is_some(), chosen, "{check:?}");
    }
}

#[test]
fn t150_an_endpoint_comes_back_by_checks_and_by_traffic_alike() {
    let health = Some(HealthSettings::default());
    let mut world = World::new(UpstreamSettings { health, ..in_turn() }, &[]);
    let id = world.set(&["a", "b"])[0];
    for (check, times, good) in [(Check::Failed, 3, 1), (Check::Passed, 2, 2)] {
        for _ in 0..times {
            world.upstream.health_checked(id, check, world.now, &mut world.events);
        }
        assert_eq!(world.upstream.untried(&[], world.now), good, "{check:?}");
    }
    for _ in 0..5 {
        let choice = world.choose(&[], Probe::Freely).expect("both are there");
        let seen = status(if choice.endpoint == id { 500 } else { 200 });
        world.end(choice, seen, MS);
        let other = world.choose(&[], Probe::Freely).expect("both are there");
        let seen = status(if other.endpoint == id { 500 } else { 200 });
        world.end(other, seen, MS);
    }
    assert_eq!(world.upstream.untried(&[], world.now), 1, "traffic has found it out");
    world.pass(SECOND * 60);
    let probe = world.choose(&[], Probe::Freely).expect("it is probed");
    assert_eq!(probe.endpoint, id);
    world.end(probe, status(200), MS);
    assert_eq!(world.upstream.untried(&[], world.now), 2, "and has let it back");
}
