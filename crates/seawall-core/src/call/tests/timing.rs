//! What a call learns about latency and does with it, and the waits that services ask for.

use super::world::{
    COMPLETED, MS, REFUSED, SECOND, TIMED_OUT, World, get, lenient, plain, status, verdict, within,
};
use crate::Mode;
use crate::backoff::{BackoffSettings, FirstRetry};
use crate::call::{Action, CallSettings, Verdict};
use crate::hedge::{HedgeDelay, HedgeSettings};
use crate::outcome::{Class, RetryRule};
use crate::outcome::{GrpcCode, Observation, Override, Overrides, Pushback, Row};
use crate::ratio::Ratio;
use crate::reason::Reason;
use crate::time::Duration;
use crate::timeout::AdaptiveSettings;
use crate::upstream::UpstreamSettings;

fn adaptive(mode: Mode) -> UpstreamSettings {
    let timeout = AdaptiveSettings { mode, ..AdaptiveSettings::default() };
    UpstreamSettings { timeout, ..lenient() }
}

fn pushed_back(pushback: Pushback) -> Observation {
    let code = GrpcCode::from_number(14);
    Observation::Grpc { code, pushback: Some(pushback), exhausted: false }
}

fn once() -> CallSettings {
    CallSettings { max_attempts: 1, ..plain() }
}

/// The time that an attempt gets which begins now.
fn given(world: &mut World) -> Duration {
    let (mut call, plan) = world.attempt(plain(), get());
    let given = plan.deadline.since(world.now);
    call.cancelled(world);
    given
}

#[test]
fn an_adaptive_timeout_follows_the_answers() {
    for (mode, adapts) in [(Mode::Enforce, true), (Mode::Shadow, false), (Mode::Off, false)] {
        let mut world = World::new(adaptive(mode), 2);
        for _ in 0..400 {
            let _answered = world.one(200, MS * 100);
        }
        let timeout = given(&mut world);
        assert_eq!(timeout < SECOND * 2, adapts, "{mode:?}: {timeout:?}");
        assert_eq!(timeout == plain().attempt, !adapts, "{mode:?}: {timeout:?}");
    }
}

#[test]
fn t72_attempts_that_timed_out_open_the_timeout_again() {
    let mut world = World::new(adaptive(Mode::Enforce), 2);
    for _ in 0..1_000 {
        let _answered = world.one(200, MS * 100);
    }
    let tight = given(&mut world);
    for _ in 0..30 {
        let (mut call, plan) = world.attempt(once(), get());
        world.now = plan.deadline;
        assert_eq!(call.timer(&mut world), Action::Abandon(1));
        let _failed = call.ended(&mut world, 1, TIMED_OUT);
    }
    world.pass(SECOND * 5);
    assert!(given(&mut world) > tight, "{tight:?} stays");
}

#[test]
fn an_attempt_cut_by_a_hurried_caller_teaches_nothing() {
    let mut world = World::new(lenient(), 2);
    for _ in 0..200 {
        let _answered = world.one(200, MS * 100);
    }
    world.pass(SECOND);
    let typical = world.upstream.min_useful(world.now);
    for _ in 0..600 {
        let (mut call, plan) = world.attempt(once(), within(MS * 101));
        world.now = plan.deadline;
        let _late = call.timer(&mut world);
        let _failed = call.ended(&mut world, 1, TIMED_OUT);
        world.now = plan.deadline;
    }
    let soon = world.upstream.min_useful(world.now);
    assert!(soon <= typical || soon.is_zero() || soon == MS, "{soon:?} from {typical:?}");
}

#[test]
fn a_loser_counts_for_as_long_as_it_ran() {
    let hedge = HedgeSettings {
        mode: Mode::Enforce,
        delay: HedgeDelay::Fixed(MS * 50),
        share: Ratio::ONE,
        ..HedgeSettings::default()
    };
    let mut world = World::new(UpstreamSettings { hedge, ..lenient() }, 2);
    for _ in 0..50 {
        let (mut call, _) = world.attempt(once(), get());
        world.pass(MS * 50);
        let Action::Attempt(plan) = call.timer(&mut world) else { continue };
        world.pass(MS);
        assert_eq!(call.head(&mut world, plan.number, status(200)), Action::Deliver(plan.number));
        let _end = call.ended(&mut world, plan.number, COMPLETED);
    }
    world.pass(SECOND);
    let median = world.upstream.latency_quantile(Ratio::from_percent(90), world.now);
    assert!(median.is_some_and(|median| median >= MS * 50), "{median:?}: losers are missing");
}

#[test]
fn a_pushback_is_waited_for_exactly_and_a_stop_is_obeyed() {
    let mut world = World::new(lenient(), 2);
    let (mut call, _) = world.attempt(plain(), get());
    let wait = MS * 777;
    assert_eq!(call.head(&mut world, 1, pushed_back(Pushback::After(wait))), Action::Wait);
    assert_eq!(call.next_deadline(), Some(world.now.after(wait)));

    let (mut call, _) = world.attempt(plain(), get());
    assert_eq!(call.head(&mut world, 1, pushed_back(Pushback::Stop)), Action::Deliver(1));
    assert_eq!(call.denial(), Some(Reason::NotRetryable));
}

#[test]
fn an_unsent_attempt_is_retried_at_once_where_that_is_set() {
    for (first, wait) in
        [(FirstRetry::AtOnceIfUnsent, Duration::ZERO), (FirstRetry::Waits, MS * 50)]
    {
        let mut world = World::new(lenient(), 2);
        let backoff = BackoffSettings { first, ..plain().backoff };
        let (mut call, _) = world.attempt(CallSettings { backoff, ..plain() }, get());
        assert_eq!(call.ended(&mut world, 1, REFUSED), Action::Wait);
        assert_eq!(call.next_deadline(), Some(world.now.after(wait)), "{first:?}");
    }
}

#[test]
fn an_override_moves_what_a_status_means() {
    let mut world = World::new(lenient(), 2);
    let moved = Override { row: Row::Status(404), class: Class::Failure, retry: RetryRule::IfSafe };
    world.upstream.set_overrides(Overrides::new(&[moved]).unwrap());
    let (mut call, _) = world.attempt(plain(), get());
    assert_eq!(call.head(&mut world, 1, status(404)), Action::Wait, "it is retried");
    let second = call.retried(&mut world);
    assert_eq!(call.head(&mut world, second.number, status(200)), Action::Deliver(2));
    let end = call.ended(&mut world, 2, COMPLETED);
    assert_eq!(verdict(&end), Verdict::Answered { attempt: 2 });
}
