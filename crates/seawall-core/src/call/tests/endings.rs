//! Endings: the right verdict, and what the breakers learn from it.

use super::world::{
    COMPLETED, Client, MS, REFUSED, SECOND, TIMED_OUT, World, get, lenient, narrow, plain, status,
    verdict, within,
};
use crate::breaker::AbandonedPolicy;
use crate::call::{Action, CallSettings, Replay, Rung, Verdict};
use crate::event::Discard;
use crate::idempotency::Ending;
use crate::outcome::{CallerFault, Observation};
use crate::reason::Reason;
use crate::time::{Duration, Instant};
use crate::upstream::UpstreamSettings;

/// An upstream whose breaker takes every abandoned call for a failure.
fn strict() -> UpstreamSettings {
    let mut settings = UpstreamSettings::default();
    settings.breaker.abandoned = AbandonedPolicy::Failure;
    settings.endpoint_breaker.abandoned = AbandonedPolicy::Failure;
    settings
}

fn laddered() -> CallSettings {
    CallSettings { rungs: 2, max_attempts: 1, ..plain() }
}

#[test]
fn a_body_that_breaks_off_is_a_failure_whatever_its_head_said() {
    for seen in [Observation::CutShort, Observation::ReadStalled] {
        let mut world = World::new(UpstreamSettings::default(), 1);
        let (mut call, first) = world.attempt(plain(), get());
        assert_eq!(call.head(&mut world, 1, status(200)), Action::Deliver(1));
        let end = verdict(&call.ended(&mut world, 1, seen));
        assert!(matches!(end, Verdict::Truncated { attempt: 1, .. }), "{end:?}");
        assert_eq!(world.endpoint(first.endpoint).breaker.failures, 1);
        assert_eq!(world.snapshot().breaker.failures, 1);
    }
}

#[test]
fn a_caller_that_leaves_during_a_good_answer_is_no_failure() {
    let mut world = World::new(UpstreamSettings::default(), 1);
    let (mut call, _) = world.attempt(plain(), get());
    assert_eq!(call.head(&mut world, 1, status(200)), Action::Deliver(1));
    world.pass(SECOND * 60);
    let end = call.ended(&mut world, 1, Observation::CallerGone);
    assert_eq!(verdict(&end), Verdict::Cancelled);
    let id = world.ids[0];
    assert_eq!(world.endpoint(id).breaker.failures, 0);
    assert_eq!(world.snapshot().breaker.failures, 0);
}

#[test]
fn a_caller_that_leaves_during_a_bad_answer_hides_no_failure() {
    for by_report in [false, true] {
        let mut world = World::new(UpstreamSettings::default(), 1);
        let settings = CallSettings { max_attempts: 1, ..plain() };
        let (mut call, first) = world.attempt(settings, get());
        assert_eq!(call.head(&mut world, 1, status(503)), Action::Deliver(1));
        if by_report {
            let end = call.ended(&mut world, 1, Observation::CallerGone);
            assert_eq!(verdict(&end), Verdict::Cancelled);
        } else {
            call.cancelled(&mut world);
        }
        assert_eq!(world.endpoint(first.endpoint).breaker.failures, 1);
        assert_eq!(world.snapshot().breaker.failures, 1);
    }
}

#[test]
fn a_caller_that_leaves_before_the_head_ends_the_call_as_cancelled() {
    for rungs in [0, 2] {
        let mut world = World::new(lenient(), 1);
        let (mut call, _) = world.attempt(CallSettings { rungs, ..plain() }, get());
        let end = call.ended(&mut world, 1, Observation::CallerGone);
        assert_eq!(verdict(&end), Verdict::Cancelled, "no rung is asked for nobody");
    }
}

#[test]
fn a_caller_that_leaves_does_not_get_the_kept_answer() {
    let mut world = World::new(lenient(), 2);
    let (mut call, _) = world.attempt(plain(), get());
    assert_eq!(call.head(&mut world, 1, status(503)), Action::Wait);
    let second = call.retried(&mut world);
    let end = call.ended(&mut world, second.number, Observation::CallerGone);
    assert_eq!(verdict(&end), Verdict::Cancelled);
}

#[test]
fn t20_a_caller_that_leaves_is_no_failure_of_the_upstream() {
    let mut world = World::new(UpstreamSettings::default(), 1);
    for _ in 0..100 {
        let (mut call, _) = world.attempt(plain(), get());
        world.pass(MS * 20);
        call.cancelled(&mut world);
    }
    let (id, upstream) = (world.ids[0], world.snapshot().breaker);
    assert_eq!((upstream.failures, world.endpoint(id).breaker.failures), (0, 0));
}

#[test]
fn t20_a_callers_own_short_deadline_is_no_failure_of_the_upstream() {
    let mut world = World::new(UpstreamSettings::default(), 1);
    for _ in 0..100 {
        let (mut call, first) = world.attempt(plain(), within(MS * 20));
        world.now = first.deadline;
        assert_eq!(call.timer(&mut world), Action::Abandon(1));
        let end = call.ended(&mut world, 1, TIMED_OUT);
        assert_eq!(verdict(&end), Verdict::Failed { why: Reason::DeadlineExceeded });
    }
    let (id, upstream) = (world.ids[0], world.snapshot().breaker);
    assert_eq!((upstream.failures, world.endpoint(id).breaker.failures), (0, 0));
    assert_eq!(world.endpoint(id).outlier.consecutive, 0);
}

#[test]
fn t139_our_own_limits_are_failures_of_the_upstream() {
    for (total, remaining) in [(SECOND * 2, None), (SECOND * 10, Some(SECOND * 3))] {
        let mut world = World::new(UpstreamSettings::default(), 1);
        let settings = CallSettings { total: Some(total), ..plain() };
        let facts = remaining.map_or(get(), within);
        let (mut call, first) = world.attempt(settings, facts);
        world.now = first.deadline;
        let end = call.ended(&mut world, 1, TIMED_OUT);
        assert_eq!(verdict(&end), Verdict::Failed { why: Reason::DeadlineExceeded });
        assert_eq!(world.endpoint(first.endpoint).breaker.failures, 1, "{total:?}");
        assert_eq!(world.snapshot().breaker.failures, 1);
    }
}

#[test]
fn a_short_last_attempt_does_not_hide_the_failures_before_it() {
    let mut world = World::new(UpstreamSettings::default(), 2);
    let (mut call, first) = world.attempt(plain(), within(MS * 3_200));
    world.now = first.deadline;
    assert_eq!(call.ended(&mut world, 1, TIMED_OUT), Action::Wait);
    let second = call.retried(&mut world);
    world.now = second.deadline;
    let _end = verdict(&call.ended(&mut world, 2, TIMED_OUT));
    assert_eq!(world.snapshot().breaker.failures, 1);
}

#[test]
fn cl_2_t34_own_refusals_move_no_counter() {
    let mut settings = strict();
    settings.bulkhead.permits = 1;
    settings.bulkhead.queue = 1;
    settings.bulkhead.max_wait = SECOND * 5;
    let mut world = World::new(settings, 2);
    let _held = world.upstream.acquire(
        (1, crate::shed::Class::Normal, crate::bulkhead::Patience::Usual),
        Instant::NEVER,
        world.now,
        &mut Discard,
    );
    for _ in 0..50 {
        let (mut waiting, _) = world.start(laddered(), get());
        let (mut refused, action) = world.start(laddered(), get());
        assert!(matches!(action, Action::FallBack { rung: 0, why: Reason::QueueFull }));
        world.pass(SECOND * 5);
        waiting.cancelled(&mut world);
        refused.cancelled(&mut world);
    }
    let seen = world.snapshot();
    assert_eq!((seen.breaker.calls, seen.breaker.failures, seen.breaker.slow), (0, 0, 0));
    for endpoint in seen.endpoints {
        assert_eq!((endpoint.breaker.calls, endpoint.outlier.requests), (0, 0));
    }
    assert_eq!(seen.bulkhead.service_time, None);
}

#[test]
fn cl_2_a_call_that_finds_no_endpoint_teaches_the_queue_nothing() {
    let mut world = World::new(lenient(), 1);
    let _answered = world.one(200, MS * 80);
    assert_eq!(world.snapshot().bulkhead.service_time, Some(MS * 80));
    world.set_endpoints(0);
    for _ in 0..20 {
        let (_, action) = world.start(plain(), get());
        let end = verdict(&action);
        assert!(matches!(end, Verdict::Rejected { why: Reason::NoHealthyEndpoint, .. }));
    }
    assert_eq!(world.snapshot().bulkhead.service_time, Some(MS * 80));
    assert_eq!(world.in_use(), 0);
}

#[test]
fn rungs_are_asked_in_order_and_the_last_answer_comes_after_them() {
    let mut world = World::new(lenient(), 1);
    let (mut call, _) = world.attempt(laddered(), get());
    let asked = call.head(&mut world, 1, status(503));
    assert!(matches!(asked, Action::FallBack { rung: 0, .. }), "{asked:?}");
    assert_eq!(world.in_use(), 0);
    let next = call.call.rung_done(Rung::Failed, &mut world.ctx());
    assert!(matches!(next, Action::FallBack { rung: 1, .. }), "{next:?}");
    let last = call.call.rung_done(Rung::Failed, &mut world.ctx());
    assert_eq!(last, Action::Deliver(1));
}

#[test]
fn a_rung_that_serves_ends_the_call_and_the_upstream_still_failed() {
    for leaves in [false, true] {
        let mut world = World::new(UpstreamSettings::default(), 1);
        let (mut call, _) = world.attempt(laddered(), get());
        let why = Reason::ConnectRefused;
        let asked = call.ended(&mut world, 1, REFUSED);
        assert_eq!(asked, Action::FallBack { rung: 0, why });
        if leaves {
            call.cancelled(&mut world);
        } else {
            let end = call.call.rung_done(Rung::Served, &mut world.ctx());
            assert_eq!(verdict(&end), Verdict::FellBack { rung: 0, why });
        }
        assert_eq!(world.snapshot().breaker.failures, 1);
    }
}

#[test]
fn a_callers_mistake_is_answered_and_asks_no_rung() {
    let mut world = World::new(lenient(), 1);
    for code in [400, 404, 409, 422, 429, 501] {
        let (mut call, _) = world.attempt(laddered(), get());
        assert_eq!(call.head(&mut world, 1, status(code)), Action::Deliver(1), "{code}");
        let end = call.ended(&mut world, 1, COMPLETED);
        assert_eq!(verdict(&end), Verdict::Answered { attempt: 1 });
    }
}

#[test]
fn a_cancelled_waiter_gives_its_grant_back() {
    let mut world = World::new(narrow(1, 4), 1);
    let (mut holder, _) = world.attempt(plain(), get());
    let (mut first, _) = world.start(plain(), get());
    let (_second, queued) = world.start(plain(), get());
    holder.cancelled(&mut world);
    assert!(world.upstream.next_grant(world.now, &mut world.journal).is_some());
    first.cancelled(&mut world);
    let Action::Enqueue(waiter) = queued else { panic!("it queues") };
    assert_eq!(world.upstream.next_grant(world.now, &mut world.journal), Some(waiter));
    assert_eq!(world.in_use(), 1);
}

#[test]
fn a_finished_call_takes_no_further_input() {
    let mut world = World::new(lenient(), 1);
    let (mut call, _) = world.attempt(plain(), get());
    assert_eq!(call.head(&mut world, 1, status(200)), Action::Deliver(1));
    let _end = verdict(&call.ended(&mut world, 1, COMPLETED));
    world.pass(Duration::from_secs(100));
    for _ in 0..2 {
        assert_eq!(call.ended(&mut world, 1, COMPLETED), Action::Wait);
        assert_eq!(call.timer(&mut world), Action::Wait);
        assert_eq!(call.granted(&mut world), Action::Wait);
        call.cancelled(&mut world);
    }
    assert_eq!(world.in_use(), 0);
}

#[test]
fn no_rung_stands_in_for_what_the_caller_did_wrong() {
    let mut world = World::new(lenient(), 1);
    let (mut call, _) = world.attempt(laddered(), get());
    let action = call.ended(&mut world, 1, Observation::CallerFault(CallerFault::Stalled));
    assert_eq!(verdict(&action), Verdict::Failed { why: Reason::BodyTimeout });
    assert_eq!(world.snapshot().breaker.failures, 0);
}

#[test]
fn a_service_is_judged_from_the_callers_last_byte() {
    let mut world = World::new(lenient(), 1);
    let (mut call, _) = world.attempt(plain(), get());
    world.pass(SECOND * 2);
    call.uploading(world.now, Replay::Possible);
    world.pass(MS * 20);
    let _deliver = call.head(&mut world, 1, status(200));
    let _end = verdict(&call.ended(&mut world, 1, Observation::Completed));
    assert_eq!(world.snapshot().endpoints[0].load.latency, MS * 20);
}

#[test]
fn a_callers_own_fault_is_not_answered_with_an_older_answer() {
    let mut world = World::new(lenient(), 2);
    let (mut call, _) = world.attempt(plain(), get());
    let _wait = call.head(&mut world, 1, status(503));
    let second = call.retried(&mut world);
    let fault = Observation::CallerFault(CallerFault::Stalled);
    let end = call.ended(&mut world, second.number, fault);
    assert_eq!(verdict(&end), Verdict::Failed { why: Reason::BodyTimeout });
}

/// What a call says of its idempotency key when the first attempt comes to `first`, and the next,
/// if there is one, to `next`.
fn ending(first: Observation, next: Option<Observation>) -> Ending {
    let mut world = World::new(lenient(), 2);
    let (mut call, _) = world.attempt(plain(), get());
    let report = |call: &mut Client, world: &mut World, number, seen| {
        if !matches!(seen, Observation::Status { .. }) {
            return call.ended(world, number, seen);
        }
        let action = call.head(world, number, seen);
        if action == Action::Deliver(number) {
            call.ended(world, number, COMPLETED)
        } else {
            action
        }
    };
    let mut action = report(&mut call, &mut world, 1, first);
    if let Some(next) = next {
        assert_eq!(action, Action::Wait);
        let second = call.retried(&mut world);
        action = report(&mut call, &mut world, second.number, next);
    }
    if action == Action::Wait {
        call.cancelled(&mut world);
    }
    call.ending()
}

#[test]
fn the_key_of_a_call_is_free_only_if_no_attempt_can_have_done_the_work() {
    for (first, next, expected) in [
        (status(200), None, Ending::Keep),
        (status(404), None, Ending::Keep),
        (status(500), None, Ending::Unknown),
        (REFUSED, Some(REFUSED), Ending::Free),
        (REFUSED, Some(status(201)), Ending::Keep),
        (TIMED_OUT, Some(REFUSED), Ending::Unknown),
        (status(503), Some(TIMED_OUT), Ending::Unknown),
        (TIMED_OUT, Some(status(200)), Ending::Keep),
        (status(503), Some(status(503)), Ending::Free),
        (TIMED_OUT, None, Ending::Unknown),
    ] {
        assert_eq!(ending(first, next), expected, "{first:?}, {next:?}");
    }
}

#[test]
fn a_call_that_was_refused_or_left_before_any_attempt_leaves_its_key_free() {
    let mut world = World::new(narrow(1, 1), 1);
    let (_holder, _) = world.attempt(plain(), get());
    let (mut waiting, action) = world.start(plain(), get());
    assert!(matches!(action, Action::Enqueue(_)));
    let (refused, action) = world.start(plain(), get());
    assert!(matches!(verdict(&action), Verdict::Rejected { .. }));
    waiting.cancelled(&mut world);
    assert_eq!((waiting.ending(), refused.ending()), (Ending::Free, Ending::Free));
}

#[test]
fn nobody_knows_of_work_whose_attempt_or_answer_was_cut_off() {
    let mut world = World::new(lenient(), 1);
    let (mut running, _) = world.attempt(plain(), get());
    running.cancelled(&mut world);
    assert_eq!(running.ending(), Ending::Unknown);
    let (mut truncated, _) = world.attempt(plain(), get());
    assert_eq!(truncated.head(&mut world, 1, status(200)), Action::Deliver(1));
    assert_eq!(truncated.ending(), Ending::Keep);
    let _end = truncated.ended(&mut world, 1, Observation::CutShort);
    assert_eq!(truncated.ending(), Ending::Unknown);
}
