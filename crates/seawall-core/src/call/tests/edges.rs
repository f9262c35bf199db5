//! Bounds and questions of the call machine: how many attempts, how long a hint, when nothing is
//! due yet, what the breaker is told, and what the call says of itself.

use super::world::{
    COMPLETED, Client, MS, REFUSED, SECOND, TIMED_OUT, World, get, lenient, plain, plan, post,
    status, verdict, within,
};
use crate::Mode;
use crate::backoff::{BackoffSettings, HINT_MAX};
use crate::breaker::BreakerSettings;
use crate::call::{
    ATTEMPTS_MAX, Action, CallSettings, Facts, Layer, Replay, StepKind, TRAIL_MAX, Trail, Verdict,
};
use crate::event::Sink;
use crate::hedge::{HedgeDelay, HedgeSettings};
use crate::outcome::{CallerFault, Class, GrpcCode, Observation, Pushback};
use crate::ratio::Ratio;
use crate::reason::Reason;
use crate::time::{Duration, Instant};
use crate::upstream::UpstreamSettings;
use std::collections::BTreeSet;
use std::string::ToString;
use std::vec::Vec;

/// An upstream with a breaker and nothing else that refuses.
fn watched() -> UpstreamSettings {
    UpstreamSettings { breaker: BreakerSettings::for_upstream(), ..lenient() }
}

/// A hedge after 100 ms, at most one for each call.
fn hedged() -> UpstreamSettings {
    let hedge = HedgeSettings {
        mode: Mode::Enforce,
        delay: HedgeDelay::Fixed(MS * 100),
        share: Ratio::ONE,
        max_extra: 1,
        ..HedgeSettings::default()
    };
    UpstreamSettings { hedge, ..watched() }
}

fn saw(call: &Client) -> Vec<Class> {
    let seen = call.trail.steps().filter_map(|step| {
        let StepKind::Saw { class, .. } = step.kind else { return None };
        Some(class)
    });
    seen.collect()
}

/// What the breaker of the upstream holds: calls, and failures among them.
fn counted(world: &World) -> (u64, u64) {
    let breaker = world.snapshot().breaker;
    (breaker.calls, breaker.failures)
}

#[test]
fn attempts_end_at_the_bound_whatever_the_settings_say() {
    let mut world = World::new(lenient(), 2);
    let backoff = BackoffSettings::none();
    let settings =
        CallSettings { max_attempts: u32::MAX, backoff, throttled_backoff: backoff, ..plain() };
    let (mut call, mut plan) = world.attempt(settings, get());
    while call.ended(&mut world, plan.number, REFUSED) == Action::Wait {
        assert!(!plan.last);
        plan = call.retried(&mut world);
    }
    assert_eq!((plan.number, plan.last), (ATTEMPTS_MAX, true));
    assert_eq!(call.denied(), Some(Reason::AttemptsExhausted));
}

#[test]
fn an_attempt_is_the_last_only_when_neither_retry_nor_hedge_can_follow() {
    let once = CallSettings { max_attempts: 1, ..plain() };
    let mut world = World::new(hedged(), 3);
    let (mut call, first) = world.attempt(once, get());
    assert!(!first.last, "a hedge may follow");
    world.pass(MS * 100);
    let hedge = plan(&call.timer(&mut world));
    assert!(hedge.last, "neither");
    assert_eq!(call.next_deadline(), Some(first.deadline), "no second hedge is planned");
    let (_, first) = world.attempt(plain(), get());
    assert!(!first.last, "both may follow");
    let mut world = World::new(lenient(), 3);
    assert!(world.attempt(once, get()).1.last);
    assert!(!world.attempt(plain(), get()).1.last, "a retry may follow");
}

#[test]
fn a_hedge_that_answers_first_has_won_and_one_that_does_not_has_lost() {
    for (winner, expected) in [(2, (1, 0)), (1, (0, 1))] {
        let mut world = World::new(hedged(), 2);
        let (mut call, _) = world.attempt(plain(), get());
        world.pass(MS * 100);
        assert_eq!(plan(&call.timer(&mut world)).number, 2);
        assert_eq!(call.head(&mut world, winner, status(200)), Action::Deliver(winner));
        let _end = call.ended(&mut world, winner, COMPLETED);
        let hedge = world.snapshot().hedge;
        assert_eq!((hedge.won, hedge.lost), expected, "attempt {winner} answers first");
    }
}

#[test]
fn a_hedge_left_alone_that_answers_whole_has_won() {
    let mut world = World::new(hedged(), 2);
    let (mut call, _) = world.attempt(plain(), get());
    world.pass(MS * 100);
    assert_eq!(plan(&call.timer(&mut world)).number, 2);
    assert_eq!(call.ended(&mut world, 1, REFUSED), Action::Wait);
    let end =
        call.step(&mut world, |call, ctx| call.answered(2, status(200), Replay::Possible, ctx));
    assert_eq!(verdict(&end), Verdict::Answered { attempt: 2 });
    let hedge = world.snapshot().hedge;
    assert_eq!((hedge.won, hedge.lost), (1, 0));
}

#[test]
fn an_answer_that_is_handed_on_already_does_not_arrive_again() {
    let mut world = World::new(lenient(), 2);
    let (mut call, _) = world.attempt(plain(), get());
    assert_eq!(call.head(&mut world, 1, status(200)), Action::Deliver(1));
    let again =
        call.step(&mut world, |call, ctx| call.answered(1, status(200), Replay::Possible, ctx));
    assert_eq!((again, world.in_use()), (Action::Wait, 1));
}

#[test]
fn the_wait_of_a_retry_does_not_grow_with_hedges() {
    let mut world = World::new(hedged(), 3);
    let (mut call, _) = world.attempt(plain(), get());
    world.pass(MS * 100);
    assert_eq!(plan(&call.timer(&mut world)).number, 2);
    assert_eq!(call.ended(&mut world, 1, REFUSED), Action::Wait);
    assert_eq!(call.ended(&mut world, 2, REFUSED), Action::Wait);
    assert_eq!(call.next_deadline(), Some(world.now.after(MS * 50)), "the first wait");
}

#[test]
fn bo_4_the_longest_pushback_is_obeyed_and_a_longer_one_ends_the_call() {
    let patient = CallSettings { total: None, ..plain() };
    for (over, waits) in [(Duration::ZERO, true), (Duration::from_nanos(1), false)] {
        let mut world = World::new(lenient(), 2);
        let (mut call, _) = world.attempt(patient, get());
        let code = GrpcCode::from_number(14);
        let pushback = Some(Pushback::After(HINT_MAX + over));
        let seen = Observation::Grpc { code, pushback, exhausted: false };
        let action = call.head(&mut world, 1, seen);
        let beyond = Some(Reason::RetryAfterBeyondDeadline);
        assert_eq!((action == Action::Wait, call.denied() == beyond), (waits, !waits));
    }
}

#[test]
fn a_timer_that_comes_early_starts_nothing() {
    let mut world = World::new(lenient(), 2);
    let (mut call, _) = world.attempt(plain(), get());
    assert_eq!(call.ended(&mut world, 1, REFUSED), Action::Wait);
    world.pass(MS * 49);
    assert_eq!(call.timer(&mut world), Action::Wait);
    world.pass(MS);
    assert_eq!(plan(&call.timer(&mut world)).number, 2);
}

#[test]
fn a_call_knows_its_deadline_once_it_has_begun() {
    let mut world = World::new(lenient(), 2);
    let end = world.now.after(SECOND * 10);
    let (call, _) = world.attempt(plain(), get());
    assert_eq!((call.deadline(), call.denied()), (end, None));
    let (call, _) = world.attempt(plain(), within(SECOND));
    assert_eq!(call.deadline(), world.now.after(SECOND));
    let (call, _) = world.attempt(CallSettings { total: None, ..plain() }, get());
    assert_eq!(call.deadline(), Instant::NEVER);
}

#[test]
fn rungs_set_before_the_end_stand_below_the_call() {
    let mut world = World::new(lenient(), 2);
    let (mut call, _) = world.attempt(CallSettings { max_attempts: 1, ..plain() }, get());
    call.set_rungs(1);
    let asked = call.ended(&mut world, 1, REFUSED);
    assert!(matches!(asked, Action::FallBack { rung: 0, .. }), "{asked:?}");
}

#[test]
fn the_breaker_is_told_what_came_of_the_call_and_not_of_its_first_attempt() {
    let mut world = World::new(watched(), 2);
    let (mut call, _) = world.attempt(plain(), get());
    assert_eq!(call.head(&mut world, 1, status(503)), Action::Wait);
    let retry = call.retried(&mut world).number;
    assert_eq!(call.head(&mut world, retry, status(200)), Action::Deliver(retry));
    let _end = call.ended(&mut world, retry, COMPLETED);
    assert_eq!(counted(&world), (1, 0));
}

#[test]
fn what_the_caller_did_wrong_on_a_retry_is_held_against_nobody() {
    let mut world = World::new(watched(), 2);
    let (mut call, _) = world.attempt(plain(), get());
    assert_eq!(call.head(&mut world, 1, status(503)), Action::Wait);
    let retry = call.retried(&mut world).number;
    let seen = Observation::CallerFault(CallerFault::Stalled);
    assert!(matches!(verdict(&call.ended(&mut world, retry, seen)), Verdict::Failed { .. }));
    assert_eq!(counted(&world), (0, 0));
}

#[test]
fn no_hedge_is_planned_for_a_call_that_may_have_none() {
    let mut world = World::new(hedged(), 3);
    let only = Some(world.ids[0]);
    for facts in [post(), Facts { only, ..get() }] {
        let (call, first) = world.attempt(plain(), facts);
        assert_eq!(call.next_deadline(), Some(first.deadline), "{facts:?}");
    }
}

#[test]
fn a_caller_that_leaves_before_the_retry_leaves_the_call_undecided() {
    let mut world = World::new(watched(), 2);
    let (mut call, _) = world.attempt(plain(), get());
    assert_eq!(call.head(&mut world, 1, status(503)), Action::Wait);
    call.cancelled(&mut world);
    assert_eq!(counted(&world), (0, 0), "the retry might have been answered");
}

#[test]
fn a_caller_with_as_much_time_as_the_route_has_cut_nothing_short() {
    let total = Some(SECOND);
    for (remaining, class) in [(MS * 999, Class::Abandoned), (SECOND, Class::Failure)] {
        let mut world = World::new(lenient(), 2);
        let settings = CallSettings { total, max_attempts: 1, ..plain() };
        let (mut call, first) = world.attempt(settings, within(remaining));
        world.now = first.deadline;
        assert_eq!(call.timer(&mut world), Action::Abandon(1));
        let _end = call.ended(&mut world, 1, TIMED_OUT);
        assert_eq!(saw(&call), [class], "{remaining:?} of {SECOND:?}");
    }
}

#[test]
fn the_trail_says_what_was_wrong_with_a_body_and_nothing_of_a_whole_one() {
    let mut world = World::new(lenient(), 2);
    for (seen, classes) in [
        (COMPLETED, [Class::Success].as_slice()),
        (Observation::CallerGone, &[Class::Success, Class::Abandoned]),
    ] {
        let (mut call, _) = world.attempt(plain(), get());
        assert_eq!(call.head(&mut world, 1, status(200)), Action::Deliver(1));
        let end = verdict(&call.ended(&mut world, 1, seen));
        assert_eq!(end == Verdict::Cancelled, seen == Observation::CallerGone);
        assert_eq!(saw(&call), classes);
    }
}

#[test]
fn a_full_trail_counts_what_it_drops() {
    let mut trail = Trail::default();
    let step = crate::call::Step { at: Instant::EPOCH, kind: StepKind::Cancelled };
    (0..TRAIL_MAX + 3).for_each(|_| trail.emit(step));
    assert_eq!((trail.steps().count(), trail.dropped()), (TRAIL_MAX, 3));
}

#[test]
fn each_layer_is_told_in_words_of_its_own() {
    let told: BTreeSet<_> = Layer::ALL.iter().map(ToString::to_string).collect();
    assert_eq!(told.len(), Layer::ALL.len());
    assert!(told.iter().all(|line| line.len() > 10), "{told:?}");
    assert_eq!(Layer::TotalDeadline.to_string(), "total deadline");
}

#[cfg(debug_assertions)]
#[test]
#[should_panic(expected = "does not lead from")]
fn a_move_that_no_table_lists_is_noticed() {
    use crate::call::machine::Doing;
    use crate::call::table::{Event, State};
    let mut world = World::new(lenient(), 1);
    let (mut call, _) = world.attempt(plain(), get());
    call.enter(Event::Granted, State::New, Doing::Nothing);
}
