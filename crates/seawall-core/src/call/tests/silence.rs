//! Endpoints that owe answers: when they are passed over, when they are tried again, and what does
//! not count against them.

use super::world::{
    COMPLETED, Client, MS, REFUSED, SECOND, TIMED_OUT, World, get, lenient, plain, plan, post,
    status,
};
use crate::Mode;
use crate::balance::Algorithm;
use crate::call::{Action, AttemptPlan, Facts};
use crate::endpoint::EndpointId;
use crate::hedge::{HedgeDelay, HedgeSettings};
use crate::outlier::{Finding, OutlierSettings, Standing};
use crate::ratio::Ratio;
use crate::time::Duration;
use crate::upstream::UpstreamSettings;

/// Answers usually take so long: silence is much longer than usual from 70 ms on, or a
/// little later, since a median is known to 5 %.
const USUAL: Duration = Duration::from_millis(20);

/// Endpoints in turn, watched by a detector that ejects nobody.
fn watched() -> UpstreamSettings {
    let outlier = OutlierSettings {
        consecutive: None,
        failure_share: None,
        deviation: None,
        ..OutlierSettings::default()
    };
    let mut settings = UpstreamSettings { outlier, ..lenient() };
    settings.balance.algorithm = Algorithm::RoundRobin;
    settings.balance.slow_start = None;
    settings
}

/// A world that knows what is usual.
fn world(settings: UpstreamSettings, endpoints: u32) -> World {
    let mut world = World::new(settings, endpoints);
    for _ in 0..60 {
        world.one(200, USUAL);
    }
    // Asked for by the first who needs it, and at most a second old.
    world.upstream.min_useful(world.now);
    world
}

/// A call that begins now and answers after the usual time. Says where it went.
fn served(world: &mut World, facts: Facts) -> EndpointId {
    let (mut call, plan) = world.attempt(plain(), facts);
    world.pass(USUAL);
    let _next = call.head(world, plan.number, status(200));
    let _next = call.ended(world, plan.number, COMPLETED);
    plan.endpoint
}

/// A call whose attempt waits.
fn stuck(world: &mut World) -> (Client, AttemptPlan) {
    world.attempt(plain(), get())
}

fn is_silent(world: &World, id: EndpointId) -> bool {
    world.endpoint(id).silent_since.is_some()
}

#[test]
fn an_endpoint_that_answers_nothing_is_passed_over_before_any_attempt_runs_out_of_time() {
    let mut world = world(watched(), 3);
    let (_call, frozen) = stuck(&mut world);
    world.pass(USUAL);
    assert!(!is_silent(&world, frozen.endpoint), "it may yet answer");
    world.pass(MS * 55);
    assert!(is_silent(&world, frozen.endpoint));
    // It would be its turn twice.
    for _ in 0..2 {
        let (mut call, plan) = world.attempt(plain(), get());
        assert_ne!(plan.endpoint, frozen.endpoint);
        let _next = call.head(&mut world, plan.number, status(200));
        let _next = call.ended(&mut world, plan.number, COMPLETED);
    }
}

#[test]
fn a_silent_endpoint_is_tried_at_growing_distances_of_a_second_at_most() {
    let mut world = world(watched(), 3);
    let (_call, frozen) = stuck(&mut world);
    let began = world.now;
    let mut trials = std::vec::Vec::new();
    let mut calls = std::vec::Vec::new();
    while world.now.since(began) < SECOND * 5 {
        world.pass(MS * 10);
        let (mut call, plan) = world.attempt(plain(), get());
        if plan.endpoint == frozen.endpoint {
            trials.push(world.now.since(began));
            calls.push(call);
        } else {
            let _next = call.head(&mut world, plan.number, status(200));
            let _next = call.ended(&mut world, plan.number, COMPLETED);
        }
    }
    // Until it is noticed it takes its turns: one in three of 7.
    let late: std::vec::Vec<_> = trials.into_iter().filter(|at| *at >= MS * 70).collect();
    assert!((6..=9).contains(&late.len()), "{late:?}");
    for pair in late.windows(2) {
        let apart = pair[1] - pair[0];
        assert!(apart >= pair[0].min(SECOND) && apart <= SECOND + MS * 40, "{late:?}");
    }
}

#[test]
fn the_first_answer_ends_the_silence() {
    let mut world = world(watched(), 3);
    let (mut call, frozen) = stuck(&mut world);
    world.pass(MS * 500);
    assert!(is_silent(&world, frozen.endpoint));
    let _next = call.head(&mut world, frozen.number, status(200));
    assert!(!is_silent(&world, frozen.endpoint), "its body may take any time");
    world.pass(SECOND);
    assert!(!is_silent(&world, frozen.endpoint), "a long answer is not silence");
    let met: std::vec::Vec<_> = (0..3).map(|_| served(&mut world, get())).collect();
    assert!(met.contains(&frozen.endpoint), "{met:?}");
}

#[test]
fn a_call_that_must_not_be_repeated_tries_a_silent_endpoint_only_where_nobody_else_has() {
    let mut world = world(watched(), 3);
    let (_call, frozen) = stuck(&mut world);
    let began = world.now;
    world.pass(MS * 75);
    while world.now.since(began) < SECOND * 4 {
        assert_ne!(served(&mut world, post()), frozen.endpoint);
    }
    world.pass(SECOND * 3);
    let met: std::vec::Vec<_> = (0..3).map(|_| served(&mut world, post())).collect();
    assert!(met.contains(&frozen.endpoint), "it would never come back: {met:?}");
}

#[test]
fn however_many_are_silent_who_is_heard_of_gets_the_calls() {
    let mut world = world(watched(), 3);
    let _calls = [(); 2].map(|()| stuck(&mut world));
    world.pass(MS * 75);
    let silent = world.ids.iter().filter(|id| is_silent(&world, **id)).count();
    assert_eq!(silent, 2);
    let heard = world.ids.iter().copied().find(|id| !is_silent(&world, *id));
    for _ in 0..3 {
        assert_eq!(Some(served(&mut world, get())), heard, "the others answer nobody");
    }
}

#[test]
fn where_all_are_silent_none_is_passed_over() {
    let mut world = world(watched(), 3);
    let calls = [(); 3].map(|()| stuck(&mut world));
    world.pass(MS * 500);
    assert!(calls.iter().all(|(_, plan)| is_silent(&world, plan.endpoint)));
    let mut met: std::vec::Vec<_> = (0..3).map(|_| stuck(&mut world).1.endpoint.slot).collect();
    met.sort();
    met.dedup();
    assert_eq!(met.len(), 3, "all go on taking their turns");
}

#[test]
fn the_only_endpoint_is_never_passed_over() {
    let mut world = world(watched(), 1);
    let (_call, frozen) = stuck(&mut world);
    world.pass(SECOND);
    assert!(is_silent(&world, frozen.endpoint));
    assert_eq!(stuck(&mut world).1.endpoint, frozen.endpoint);
}

#[test]
fn callers_that_leave_early_say_nothing_of_an_endpoint() {
    let mut world = world(watched(), 3);
    let (mut call, left) = stuck(&mut world);
    world.pass(MS * 10);
    call.cancelled(&mut world);
    world.pass(SECOND);
    assert!(!is_silent(&world, left.endpoint), "nobody waits there");
    let (mut call, waited) = stuck(&mut world);
    world.pass(MS * 100);
    call.cancelled(&mut world);
    world.pass(MS * 10);
    assert!(is_silent(&world, waited.endpoint), "this one waited for long");
}

#[test]
fn an_endpoint_that_refuses_or_fails_is_not_silent_and_one_that_times_out_is() {
    for (seen, silent) in [(REFUSED, false), (TIMED_OUT, true)] {
        let mut world = world(watched(), 2);
        let (mut call, plan) = stuck(&mut world);
        world.pass(SECOND * 3);
        let _next = call.ended(&mut world, plan.number, seen);
        assert_eq!(is_silent(&world, plan.endpoint), silent, "{seen:?}");
    }
}

#[test]
fn nobody_is_silent_where_nothing_is_usual_or_the_detector_is_off() {
    let mut new = World::new(watched(), 3);
    let (_call, waits) = stuck(&mut new);
    new.pass(SECOND);
    assert!(!is_silent(&new, waits.endpoint), "answers may take as long here");
    for off in [
        OutlierSettings { mode: Mode::Shadow, ..watched().outlier },
        OutlierSettings { latency: None, ..watched().outlier },
    ] {
        let mut world = world(UpstreamSettings { outlier: off, ..watched() }, 3);
        let (_call, waits) = stuck(&mut world);
        world.pass(SECOND);
        assert!(!is_silent(&world, waits.endpoint));
        let met: std::vec::Vec<_> = (0..3).map(|_| stuck(&mut world).1.endpoint).collect();
        assert!(met.contains(&waits.endpoint), "{met:?}");
    }
}

/// A call that must not be repeated goes to `first` if that is where its turn is.
fn posted(world: &mut World) -> EndpointId {
    world.attempt(plain(), post()).1.endpoint
}

#[test]
fn what_cannot_be_repeated_goes_elsewhere_as_soon_as_an_answer_is_due() {
    let mut world = world(watched(), 3);
    let (mut waits, frozen) = stuck(&mut world);
    let (mut early, _) = stuck(&mut world);
    let (mut other, _) = stuck(&mut world);
    world.pass(MS * 15);
    assert_eq!(posted(&mut world), frozen.endpoint, "its turn, and nothing is due");
    world.pass(MS * 10);
    let _next = early.head(&mut world, 1, status(200));
    let _next = other.head(&mut world, 1, status(200));
    for _ in 0..3 {
        assert_ne!(posted(&mut world), frozen.endpoint, "a quiet one may be gone");
        let (mut call, plan) = stuck(&mut world);
        let _next = call.head(&mut world, plan.number, status(200));
    }
    let _next = waits.head(&mut world, 1, status(200));
    let met: std::vec::Vec<_> = (0..3).map(|_| posted(&mut world)).collect();
    assert!(met.contains(&frozen.endpoint), "it has answered: {met:?}");
}

#[test]
fn the_more_answers_an_endpoint_owes_the_sooner_one_of_them_was_due() {
    let mut world = world(watched(), 2);
    let owed: std::vec::Vec<_> = (0..16).map(|_| stuck(&mut world)).collect();
    let (one, other) = (owed[0].1.endpoint, owed[1].1.endpoint);
    world.pass(MS * 4);
    for (mut call, plan) in owed {
        if plan.endpoint == other {
            let _next = call.head(&mut world, plan.number, status(200));
        }
    }
    world.pass(MS * 2);
    let met: std::vec::Vec<_> = (0..4).map(|_| posted(&mut world)).collect();
    assert!(!met.contains(&one), "eight answers of 20 ms each, and none in 6: {met:?}");
}

#[test]
fn where_all_are_quiet_each_takes_its_turn() {
    let mut world = world(watched(), 3);
    let _calls = [(); 3].map(|()| stuck(&mut world));
    world.pass(MS * 30);
    let mut met: std::vec::Vec<_> = (0..3).map(|_| posted(&mut world).slot).collect();
    met.sort();
    met.dedup();
    assert_eq!(met.len(), 3, "none is worse than the others");
}

#[test]
fn a_hedge_goes_to_who_answers_and_not_to_who_has_stopped_as_well() {
    let mut world = world(hedged(), 3);
    let (mut call, first) = stuck(&mut world);
    let (_other, also) = stuck(&mut world);
    let (mut well, heard) = stuck(&mut world);
    world.pass(MS * 40);
    let _next = well.head(&mut world, heard.number, status(200));
    let hedge = plan(&call.timer(&mut world));
    assert_ne!(hedge.endpoint, first.endpoint);
    assert_ne!(hedge.endpoint, also.endpoint, "nothing has been heard of it for as long");
}

fn hedged() -> UpstreamSettings {
    let delay = HedgeDelay::Fixed(MS * 40);
    let hedge =
        HedgeSettings { mode: Mode::Enforce, delay, share: Ratio::ONE, ..HedgeSettings::default() };
    UpstreamSettings { hedge, ..watched() }
}

/// A call whose first attempt waits, and whose hedge answers after the usual time.
fn outrun(world: &mut World) -> (EndpointId, EndpointId) {
    let (mut call, first) = stuck(world);
    world.pass(MS * 40);
    let hedge = plan(&call.timer(world));
    world.pass(USUAL);
    assert_eq!(call.head(world, hedge.number, status(200)), Action::Deliver(hedge.number));
    let _next = call.ended(world, hedge.number, COMPLETED);
    (first.endpoint, hedge.endpoint)
}

#[test]
fn losing_to_hedges_does_not_hide_silence() {
    let mut world = world(hedged(), 3);
    let (call, frozen) = stuck(&mut world);
    world.pass(MS * 20);
    // It is the turn of the others, and then its own.
    let others = [served(&mut world, get()), served(&mut world, get())];
    assert!(!others.contains(&frozen.endpoint));
    drop(call);
    let (first, _) = outrun(&mut world);
    assert_eq!(first, frozen.endpoint);
    assert!(is_silent(&world, frozen.endpoint), "none of its attempts was ever judged");
    assert_eq!(world.endpoint(frozen.endpoint).outcomes.failure, 0);
}

#[test]
fn no_hedge_goes_to_a_silent_endpoint() {
    let mut world = world(hedged(), 2);
    let (_call, frozen) = stuck(&mut world);
    world.pass(MS * 100);
    let (mut call, first) = stuck(&mut world);
    assert_ne!(first.endpoint, frozen.endpoint);
    world.pass(MS * 40);
    assert_eq!(call.timer(&mut world), Action::Wait, "it would meet the same silence");
}

#[test]
fn a_probe_that_loses_to_a_hedge_has_found_the_endpoint_as_bad_as_it_was() {
    let outlier = OutlierSettings { consecutive: Some(3), ..watched().outlier };
    let mut world = world(UpstreamSettings { outlier, ..hedged() }, 3);
    let ill = world.ids[0];
    while world.endpoint(ill).outlier.standing == Standing::In {
        let (mut call, plan) = stuck(&mut world);
        let code = if plan.endpoint == ill { 503 } else { 200 };
        let _next = call.head(&mut world, plan.number, status(code));
        call.cancelled(&mut world);
    }
    let Standing::Ejected { until } = world.endpoint(ill).outlier.standing else {
        panic!("it is out");
    };
    world.pass(until.since(world.now));
    let (first, _) = outrun(&mut world);
    assert_eq!(first, ill, "the probe");
    let outlier = world.endpoint(ill).outlier;
    assert!(matches!(outlier.standing, Standing::Ejected { .. }), "{outlier:?}");
    let last = outlier.last.expect("a finding").finding;
    assert!(matches!(last, Finding::FailedProbe), "{last:?}");
}
