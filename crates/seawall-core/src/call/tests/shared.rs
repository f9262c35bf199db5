//! What calls do to the upstream they share: probes, healing, scopes.

use super::world::{
    COMPLETED, MS, REFUSED, SECOND, World, get, lenient, plain, post, status, verdict,
};
use crate::Mode;
use crate::balance::Algorithm;
use crate::breaker::Phase;
use crate::call::{Action, CallSettings, Facts, Rung, Verdict};
use crate::endpoint::EndpointId;
use crate::reason::Reason;
use crate::upstream::{ChoiceReason, UpstreamSettings};

/// Endpoint breakers that open at the second failure in a row, and nothing else. In turn, since
/// by latency nobody would go to an endpoint that has failed once.
fn fragile() -> UpstreamSettings {
    let mut settings = lenient();
    settings.balance.algorithm = Algorithm::RoundRobin;
    settings.endpoint_breaker = UpstreamSettings::default().endpoint_breaker;
    settings.endpoint_breaker.consecutive = Some(2);
    settings
}

fn once() -> CallSettings {
    CallSettings { max_attempts: 1, ..plain() }
}

/// Opens the breaker of one endpoint by calls that only it refuses.
fn open_one(world: &mut World) -> EndpointId {
    let bad = world.ids[0];
    for _ in 0..100 {
        let (mut call, plan) = world.attempt(once(), get());
        let code = if plan.endpoint == bad { 503 } else { 200 };
        let _deliver = call.head(world, plan.number, status(code));
        let _end = call.ended(world, plan.number, COMPLETED);
        world.pass(MS * 20);
        if world.endpoint(bad).breaker.phase != Phase::Closed {
            return bad;
        }
    }
    panic!("its breaker never opened");
}

/// Where a call of this kind goes, and why; it is answered well.
fn where_to(world: &mut World, facts: Facts) -> (EndpointId, ChoiceReason) {
    let (mut call, plan) = world.attempt(once(), facts);
    let _deliver = call.head(world, plan.number, status(200));
    let _end = call.ended(world, plan.number, COMPLETED);
    (plan.endpoint, plan.reason)
}

#[test]
fn t26_an_open_endpoint_is_offered_a_probe_on_purpose() {
    let mut world = World::new(fragile(), 3);
    let bad = open_one(&mut world);
    for _ in 0..100 {
        let (chosen, reason) = where_to(&mut world, get());
        assert!(chosen != bad && reason == ChoiceReason::Balanced);
    }
    world.pass(SECOND * 5);
    assert_eq!(world.endpoint(bad).breaker.phase, Phase::ProbeDue);
    assert_eq!(where_to(&mut world, get()), (bad, ChoiceReason::Probe));
    assert_eq!(world.endpoint(bad).breaker.phase, Phase::Closed);
}

#[test]
fn t26_unsafe_traffic_alone_heals_an_endpoint_after_five_seconds() {
    let mut world = World::new(fragile(), 2);
    let bad = open_one(&mut world);
    world.pass(SECOND * 5);
    for _ in 0..5 {
        assert_ne!(where_to(&mut world, post()).0, bad, "it waits for a safe call first");
        world.pass(SECOND);
    }
    assert_eq!(where_to(&mut world, post()), (bad, ChoiceReason::Probe));
    assert_eq!(world.endpoint(bad).breaker.phase, Phase::Closed);
}

#[test]
fn t8_the_retries_of_one_call_take_one_probe_place() {
    let mut settings = fragile();
    settings.endpoint_breaker.max_probes = 3;
    settings.endpoint_breaker.success_threshold = 3;
    let mut world = World::new(settings, 2);
    let bad = open_one(&mut world);
    world.pass(SECOND * 5);
    let retrying = CallSettings { max_attempts: 4, ..plain() };
    let (mut call, first) = world.attempt(retrying, get());
    assert_eq!((first.endpoint, first.reason), (bad, ChoiceReason::Probe));
    // Its outcome says nothing, so the endpoint still waits for probes.
    assert_eq!(call.head(&mut world, 1, status(408)), Action::Wait);
    assert_eq!(world.endpoint(bad).breaker.phase, Phase::HalfOpen { free_places: 3 });
    for number in 2..=4 {
        let again = call.retried(&mut world);
        assert_eq!((again.number, again.reason), (number, ChoiceReason::Balanced));
        let _wait = call.head(&mut world, number, status(408));
    }
}

/// One endpoint, behind a breaker of the upstream that waits for probes.
fn recovering() -> World {
    let mut settings = lenient();
    settings.breaker = UpstreamSettings::default().breaker;
    settings.breaker.min_calls = 2;
    let mut world = World::new(settings, 1);
    while world.snapshot().breaker.phase == Phase::Closed {
        let _answered = world.one(503, MS);
    }
    world.pass(SECOND * 5);
    world
}

#[test]
fn t8_a_call_is_one_probe_of_the_upstreams_breaker_however_often_it_tries() {
    let mut world = recovering();
    let (mut call, _) = world.attempt(plain(), get());
    assert_eq!(world.snapshot().breaker.phase, Phase::HalfOpen { free_places: 2 });
    assert_eq!(call.ended(&mut world, 1, REFUSED), Action::Wait);
    let second = call.retried(&mut world);
    assert_eq!(world.snapshot().breaker.phase, Phase::HalfOpen { free_places: 2 });
    let _deliver = call.head(&mut world, second.number, status(200));
    let _end = call.ended(&mut world, second.number, COMPLETED);
    assert_eq!(world.snapshot().breaker.phase, Phase::HalfOpen { free_places: 3 });
    assert_eq!(world.snapshot().breaker.probe_successes, 1);
}

#[test]
fn a_failed_probe_of_the_upstream_is_judged_before_a_rung_is_asked() {
    let mut world = recovering();
    let laddered = CallSettings { rungs: 1, ..once() };
    let (mut call, probe) = world.attempt(laddered, get());
    let action = call.ended(&mut world, probe.number, REFUSED);
    assert!(matches!(action, Action::FallBack { rung: 0, .. }));
    let seen = world.snapshot().breaker;
    assert!(matches!(seen.phase, Phase::Open { .. }), "not kept for a slow rung: {seen:?}");
    world.pass(SECOND * 60);
    let end = call.call.rung_done(Rung::Served, &mut world.ctx());
    assert!(matches!(verdict(&end), Verdict::FellBack { rung: 0, .. }));
    assert_eq!(world.snapshot().breaker.openings, seen.openings, "it votes once");
}

#[test]
fn t35_one_bad_endpoint_closes_no_door_but_its_own() {
    let mut settings = fragile();
    settings.breaker = UpstreamSettings::default().breaker;
    let mut world = World::new(settings, 4);
    let bad = world.ids[0];
    for _ in 0..200 {
        let (mut call, plan) = world.attempt(plain(), get());
        let mut action = match plan.endpoint == bad {
            true => call.ended(&mut world, plan.number, REFUSED),
            false => call.head(&mut world, plan.number, status(200)),
        };
        if action == Action::Wait {
            let again = call.retried(&mut world);
            assert_ne!(again.endpoint, bad);
            action = call.head(&mut world, again.number, status(200));
        }
        let Action::Deliver(number) = action else { panic!("{action:?}") };
        let end = call.ended(&mut world, number, COMPLETED);
        assert_eq!(verdict(&end), Verdict::Answered { attempt: number });
    }
    assert_eq!(world.snapshot().breaker.phase, Phase::Closed);
    assert_eq!(world.snapshot().breaker.failures, 0, "it judges calls");
    assert!(matches!(world.endpoint(bad).breaker.phase, Phase::Open { .. }));
}

#[test]
fn an_endpoint_that_recovers_starts_slowly() {
    let mut world = World::new(fragile(), 3);
    let bad = open_one(&mut world);
    world.pass(SECOND * 60);
    assert_eq!(where_to(&mut world, get()), (bad, ChoiceReason::Probe));
    let weight = world.endpoint(bad).load.weight;
    assert_eq!(weight.ppm(), 100_000, "a tenth at first");
}

#[test]
fn t145_an_upstream_that_was_all_down_heals_by_itself() {
    let mut settings = UpstreamSettings::default();
    settings.bulkhead.permits = 1_000;
    let mut world = World::new(settings, 2);
    for _ in 0..100 {
        let (mut call, action) = world.start(plain(), get());
        if let Action::Attempt(plan) = action {
            let _over = call.ended(&mut world, plan.number, REFUSED);
            call.cancelled(&mut world);
        }
        world.pass(MS * 200);
    }
    let mut answered = 0;
    for _ in 0..200 {
        let (mut call, action) = world.start(plain(), get());
        if let Action::Attempt(plan) = action {
            let _deliver = call.head(&mut world, plan.number, status(200));
            let _end = call.ended(&mut world, plan.number, COMPLETED);
            answered += 1;
        }
        world.pass(MS * 500);
    }
    assert!(answered > 100, "{answered} of 200");
    assert_eq!(where_to(&mut world, get()).1, ChoiceReason::Balanced);
    assert_eq!(world.snapshot().breaker.phase, Phase::Closed);
    assert!(world.snapshot().usable);
}

#[test]
fn a_shadowed_breaker_refuses_nothing() {
    let mut settings = fragile();
    settings.breaker = UpstreamSettings::default().breaker;
    settings.breaker.mode = Mode::Shadow;
    settings.endpoint_breaker.mode = Mode::Shadow;
    let mut world = World::new(settings, 1);
    for _ in 0..100 {
        let (mut call, plan) = world.attempt(plain(), get());
        assert_eq!(plan.reason, ChoiceReason::Balanced);
        assert_eq!(call.ended(&mut world, plan.number, REFUSED), Action::Wait);
        let again = call.retried(&mut world);
        let third = call.ended(&mut world, again.number, REFUSED);
        assert_ne!(third, Action::Finish(Verdict::Failed { why: Reason::BreakerOpen }));
        call.cancelled(&mut world);
    }
}

#[test]
fn t8_a_call_probes_one_endpoint_and_no_other() {
    let mut world = World::new(fragile(), 3);
    let bad = [world.ids[0], world.ids[1]];
    for _ in 0..20 {
        let (mut call, plan) = world.attempt(once(), get());
        let code = if bad.contains(&plan.endpoint) { 503 } else { 200 };
        let _deliver = call.head(&mut world, plan.number, status(code));
        let _end = call.ended(&mut world, plan.number, COMPLETED);
    }
    world.pass(SECOND * 60);
    assert!(bad.iter().all(|id| world.endpoint(*id).breaker.phase == Phase::ProbeDue));
    let (mut call, first) = world.attempt(plain(), get());
    assert_eq!(first.reason, ChoiceReason::Probe);
    assert_eq!(call.ended(&mut world, 1, REFUSED), Action::Wait);
    let second = call.retried(&mut world);
    assert_eq!((second.endpoint, second.reason), (world.ids[2], ChoiceReason::Balanced));
}

#[test]
fn a_call_from_before_the_trip_does_not_retry_into_the_probes() {
    let mut settings = lenient();
    settings.breaker = UpstreamSettings::default().breaker;
    settings.breaker.min_calls = 2;
    let mut world = World::new(settings, 1);
    let (mut early, _) = world.attempt(CallSettings { total: None, ..plain() }, get());
    while world.snapshot().breaker.phase == Phase::Closed {
        let _answered = world.one(503, MS);
    }
    world.pass(SECOND * 5);
    let (_probe, _) = world.attempt(plain(), get());
    assert_eq!(world.snapshot().breaker.phase, Phase::HalfOpen { free_places: 2 });
    let end = early.ended(&mut world, 1, REFUSED);
    assert_eq!(verdict(&end), Verdict::Failed { why: Reason::ConnectRefused });
    assert_eq!(early.denial(), Some(Reason::BreakerOpen));
}
