//! Retries: which outcomes, how many, at whose cost.

use super::world::{
    COMPLETED, MS, REFUSED, SECOND, STALE, TIMED_OUT, World, get, hinted, lenient, narrow, plain,
    plan, post, status, verdict,
};
use crate::backoff::{BackoffSettings, FirstRetry};
use crate::balance::Algorithm;
use crate::call::{Action, CallSettings, Facts, Replay, Safety, Verdict};
use crate::health::Check;
use crate::outcome::{Connection, Demand, Observation, OptIns, RetryOn500, Sent};
use crate::ratio::Ratio;
use crate::reason::Reason;
use crate::rng::Rng;
use crate::time::Duration;
use crate::upstream::UpstreamSettings;

/// The share of calls that end well and the attempts for each, in thousandths.
fn drive(attempts: u32, failing: Ratio, calls: u64) -> (u64, u64) {
    let mut world = World::new(lenient(), 2);
    let settings = CallSettings { max_attempts: attempts, ..plain() };
    let (mut good, mut made) = (0, 0);
    for _ in 0..calls {
        let (mut call, mut plan) = world.attempt(settings, get());
        loop {
            made += 1;
            let code = if world.rng.draw().is_below(failing) { 503 } else { 200 };
            if call.head(&mut world, plan.number, status(code)) != Action::Wait {
                good += u64::from(code == 200);
                break;
            }
            plan = call.retried(&mut world);
        }
        let end = call.ended(&mut world, plan.number, COMPLETED);
        assert_eq!(verdict(&end), Verdict::Answered { attempt: plan.number });
    }
    (good * 1_000 / calls, made * 1_000 / calls)
}

#[test]
fn re_1_attempts_and_load_follow_the_arithmetic() {
    let half = Ratio::from_percent(50);
    for (attempts, success, load) in [(3, 875, 1_750), (4, 937, 1_875)] {
        let (good, made) = drive(attempts, half, 20_000);
        assert!(good.abs_diff(success) <= 10, "{attempts} attempts: {good} ‰ succeed");
        assert!(made.abs_diff(load) <= 25, "{attempts} attempts: {made} ‰ load");
    }
    assert_eq!(drive(4, Ratio::ONE, 100), (0, 4_000));
}

#[test]
fn re_3_a_post_that_timed_out_is_not_sent_again() {
    let mut world = World::new(lenient(), 2);
    let (mut call, first) = world.attempt(plain(), post());
    world.now = first.deadline;
    assert_eq!(call.timer(&mut world), Action::Abandon(1));
    let end = call.ended(&mut world, 1, TIMED_OUT);
    assert_eq!(verdict(&end), Verdict::Failed { why: Reason::AttemptTimeout });
    assert_eq!(call.denial(), Some(Reason::NotIdempotent));
}

#[test]
fn re_4_a_refused_post_goes_to_another_endpoint() {
    let mut world = World::new(lenient(), 2);
    let (mut call, first) = world.attempt(plain(), post());
    assert_eq!(call.ended(&mut world, 1, REFUSED), Action::Wait);
    let second = call.retried(&mut world);
    assert_ne!(second.endpoint, first.endpoint);
}

#[test]
fn re_5_a_keyed_post_is_sent_again() {
    let mut world = World::new(lenient(), 2);
    let keyed = Facts::of(Safety::Keyed);
    let (mut call, _) = world.attempt(plain(), keyed);
    assert_eq!(call.ended(&mut world, 1, TIMED_OUT), Action::Wait);
    assert_eq!(call.retried(&mut world).number, 2);
}

#[test]
fn t43_an_attempt_that_timed_out_is_retried_but_the_total_is_not() {
    let mut world = World::new(lenient(), 2);
    let settings = CallSettings { total: Some(SECOND * 4), max_attempts: 9, ..plain() };
    let (mut call, first) = world.attempt(settings, get());
    world.now = first.deadline;
    assert_eq!(call.timer(&mut world), Action::Abandon(1));
    assert_eq!(call.ended(&mut world, 1, TIMED_OUT), Action::Wait);
    let second = call.retried(&mut world);
    assert_eq!(second.deadline, call.started().after(SECOND * 4));
    world.now = second.deadline;
    assert_eq!(call.timer(&mut world), Action::Abandon(2));
    let end = call.ended(&mut world, 2, TIMED_OUT);
    assert_eq!(verdict(&end), Verdict::Failed { why: Reason::DeadlineExceeded });
}

#[test]
fn t44_t45_a_post_is_sent_again_only_if_it_was_provably_not_processed() {
    let lost = |sent| Observation::Lost { connection: Connection::Fresh, sent };
    for (seen, again) in [
        (REFUSED, true),
        (lost(Sent::No), true),
        (lost(Sent::Maybe), false),
        (lost(Sent::Yes), false),
        (Observation::TimedOut { sent: Sent::No }, true),
        (Observation::TimedOut { sent: Sent::Maybe }, false),
        (Observation::Malformed, false),
        (Observation::WriteStalled, false),
    ] {
        let mut world = World::new(lenient(), 2);
        let (mut call, _) = world.attempt(plain(), post());
        let action = call.ended(&mut world, 1, seen);
        assert_eq!(action == Action::Wait, again, "{seen:?}");
    }
    for (code, again) in [(421, true), (425, true), (502, false), (503, false), (429, false)] {
        let mut world = World::new(lenient(), 2);
        let (mut call, _) = world.attempt(plain(), post());
        assert_eq!(call.head(&mut world, 1, status(code)) == Action::Wait, again, "{code}");
    }
}

#[test]
fn t44_a_500_is_sent_again_only_where_the_route_says_so_and_the_call_is_safe() {
    for (on_500, facts, again) in [
        (RetryOn500::Never, get(), false),
        (RetryOn500::IfSafe, get(), true),
        (RetryOn500::IfSafe, post(), false),
    ] {
        let mut world = World::new(lenient(), 2);
        let (mut call, _) = world.attempt(
            CallSettings { opt_ins: OptIns { on_500, ..OptIns::default() }, ..plain() },
            facts,
        );
        assert_eq!(call.head(&mut world, 1, status(500)) == Action::Wait, again, "{on_500:?}");
    }
}

#[test]
fn t46_stale_connections_are_left_twice_for_free_and_then_charged() {
    let mut world = World::new(lenient(), 2);
    let (mut call, _) = world.attempt(plain(), post());
    for number in [1, 2] {
        assert_eq!(call.ended(&mut world, number, STALE), Action::Wait);
        assert_eq!(call.next_deadline(), Some(world.now), "a free resend does not wait");
        assert_eq!(call.retried(&mut world).number, number + 1);
        assert_eq!((call.attempts(), world.extra()), (1, 0));
    }
    assert_eq!(call.ended(&mut world, 3, STALE), Action::Wait);
    assert_eq!(world.extra(), 1, "the third is paid for");
    assert_eq!(call.retried(&mut world).number, 4);
    assert_eq!(call.attempts(), 2);
    assert_eq!(world.snapshot().budget.first, 1, "a call deposits once");
    let ids = world.ids.clone();
    assert!(ids.iter().all(|id| world.endpoint(*id).breaker.failures == 0));
}

#[test]
fn t47_a_request_whose_body_is_gone_is_not_sent_again() {
    let mut world = World::new(lenient(), 2);
    let (mut call, _) = world.attempt(plain(), get());
    let action = call.step(&mut world, |call, ctx| call.ended(1, REFUSED, Replay::Lost, ctx));
    assert_eq!(verdict(&action), Verdict::Failed { why: Reason::ConnectRefused });
    assert_eq!(call.denial(), Some(Reason::ReplayOverflow));

    let (mut call, _) = world.attempt(plain(), get());
    let action = call.call.ended(1, STALE, Replay::Lost, &mut world.ctx());
    assert_eq!(verdict(&action), Verdict::Failed { why: Reason::ConnectionLost });
}

#[test]
fn t51_an_own_refusal_is_final() {
    let mut world = World::new(narrow(1, 0), 2);
    let (_holder, _) = world.attempt(plain(), get());
    let (call, action) = world.start(plain(), get());
    assert!(matches!(verdict(&action), Verdict::Rejected { why: Reason::BulkheadFull, .. }));
    assert_eq!((call.attempts(), call.next_deadline(), world.extra()), (0, None, 0));
}

#[test]
fn t52_a_retry_goes_elsewhere_and_each_outcome_to_its_own_endpoint() {
    for seed in 0..50 {
        let mut world = World::seeded(UpstreamSettings::default(), 2, seed);
        let (mut call, first) = world.attempt(plain(), get());
        assert_eq!(call.head(&mut world, 1, status(503)), Action::Wait);
        let second = call.retried(&mut world);
        assert_ne!(second.endpoint, first.endpoint);
        assert_eq!(call.head(&mut world, 2, status(200)), Action::Deliver(2));
        let _end = call.ended(&mut world, 2, COMPLETED);
        let tally = |id| {
            let breaker = world.endpoint(id).breaker;
            (breaker.calls, breaker.failures)
        };
        assert_eq!((tally(first.endpoint), tally(second.endpoint)), ((1, 1), (1, 0)));
    }
}

#[test]
fn t57_the_limit_of_attempts_counts_the_first() {
    for limit in 1..=3 {
        let mut world = World::new(lenient(), 2);
        let settings = CallSettings { max_attempts: limit, ..plain() };
        let (mut call, _) = world.attempt(settings, get());
        for number in 1..limit {
            assert_eq!(call.ended(&mut world, number, REFUSED), Action::Wait);
            assert_eq!(call.retried(&mut world).number, number + 1);
        }
        let end = call.ended(&mut world, limit, REFUSED);
        assert_eq!(verdict(&end), Verdict::Failed { why: Reason::ConnectRefused });
        assert_eq!(call.denial(), Some(Reason::AttemptsExhausted));
    }
}

#[test]
fn t65_t67_the_budget_stops_retries_and_says_so() {
    let mut settings = lenient();
    settings.budget.floor_per_second = 0;
    let mut world = World::new(settings, 2);
    let mut extra = 0;
    for _ in 0..100 {
        let twice = CallSettings { max_attempts: 2, ..plain() };
        let (mut call, _) = world.attempt(twice, get());
        if call.head(&mut world, 1, status(503)) == Action::Wait {
            extra += 1;
            let second = call.retried(&mut world);
            let _delivering = call.head(&mut world, second.number, status(503));
        } else {
            assert_eq!(call.denial(), Some(Reason::BudgetEmpty));
        }
    }
    assert_eq!(extra, 20, "a fifth of a hundred first attempts");
}

#[test]
fn retries_that_help_are_bounded_by_the_ceiling_alone() {
    let mut settings = lenient();
    settings.budget.floor_per_second = 0;
    let mut world = World::new(settings, 2);
    for _ in 0..100 {
        let (mut call, _) = world.attempt(plain(), get());
        let _delivering = call.head(&mut world, 1, status(200));
        call.cancelled(&mut world);
    }
    for _ in 0..100 {
        let (mut call, _) = world.attempt(plain(), get());
        assert_eq!(call.head(&mut world, 1, status(503)), Action::Wait);
        let second = call.retried(&mut world);
        let _delivering = call.head(&mut world, second.number, status(200));
        call.cancelled(&mut world);
    }
    let budget = world.snapshot().budget;
    assert_eq!((budget.extra, budget.vain), (100, 0), "half of two hundred, and none in vain");
    let (mut call, _) = world.attempt(plain(), get());
    assert_ne!(call.head(&mut world, 1, status(503)), Action::Wait);
    assert_eq!(call.denial(), Some(Reason::BudgetEmpty));
}

/// Ten calls whose second attempt comes to `code`.
fn retry_ten(world: &mut World, code: u16) {
    for _ in 0..10 {
        let twice = CallSettings { max_attempts: 2, ..plain() };
        let (mut call, _) = world.attempt(twice, get());
        assert_eq!(call.head(world, 1, status(503)), Action::Wait);
        let second = call.retried(world);
        let _delivering = call.head(world, second.number, status(code));
        call.cancelled(world);
    }
}

/// The attempts of a call that may have five while retries help, each of which comes to `seen`.
fn attempts_of(world: &mut World, seen: Observation) -> u32 {
    let settings = CallSettings { max_attempts: 3, max_while_helping: 5, ..plain() };
    let (mut call, _) = world.attempt(settings, get());
    let mut number = 1;
    let answered = matches!(seen, Observation::Status { .. });
    loop {
        let action = match answered {
            true => call.head(world, number, seen),
            false => call.ended(world, number, seen),
        };
        if action != Action::Wait {
            call.cancelled(world);
            return number;
        }
        number = call.retried(world).number;
    }
}

#[test]
fn a_call_goes_on_beyond_its_limit_only_while_retries_help() {
    let mut world = World::new(generous(), 3);
    assert_eq!(attempts_of(&mut world, status(503)), 3, "nothing is known");
    retry_ten(&mut world, 503);
    assert_eq!(attempts_of(&mut world, status(503)), 3, "they do not");
    let mut world = World::new(generous(), 3);
    retry_ten(&mut world, 200);
    assert_eq!(attempts_of(&mut world, status(503)), 5, "they do");
}

#[test]
fn a_call_whose_attempts_are_not_answered_does_not_go_on() {
    let mut world = World::new(generous(), 3);
    retry_ten(&mut world, 200);
    assert_eq!(attempts_of(&mut world, TIMED_OUT), 3);
    assert_eq!(attempts_of(&mut world, REFUSED), 3);
}

/// A budget that is never the reason.
fn generous() -> UpstreamSettings {
    let mut settings = lenient();
    settings.budget.floor_per_second = 1_000;
    settings
}

#[test]
fn t69_a_call_that_is_cancelled_during_backoff_gives_its_reservation_back() {
    let mut world = World::new(UpstreamSettings::default(), 2);
    let (mut call, _) = world.attempt(plain(), get());
    assert_eq!(call.ended(&mut world, 1, REFUSED), Action::Wait);
    assert_eq!(world.extra(), 1);
    call.cancelled(&mut world);
    assert_eq!(world.extra(), 0);
}

#[test]
fn a_retry_that_finds_no_permit_gives_its_reservation_back() {
    let mut world = World::new(narrow(1, 0), 2);
    let (mut call, _) = world.attempt(plain(), get());
    assert_eq!(call.ended(&mut world, 1, REFUSED), Action::Wait);
    let (_holder, _) = world.attempt(plain(), get());
    world.now = call.next_deadline().expect("a wait");
    assert_eq!(verdict(&call.timer(&mut world)), Verdict::Failed { why: Reason::BulkheadFull });
    assert_eq!(world.extra(), 0);
}

#[test]
fn t99_t100_a_permit_is_held_by_attempts_and_never_during_backoff() {
    let mut world = World::new(lenient(), 2);
    let (mut call, _) = world.attempt(plain(), get());
    assert_eq!(world.in_use(), 1);
    assert_eq!(call.head(&mut world, 1, status(503)), Action::Wait);
    assert_eq!(world.in_use(), 0, "none while it waits");
    let second = call.retried(&mut world);
    assert_eq!(world.in_use(), 1);
    assert_eq!(call.head(&mut world, second.number, status(200)), Action::Deliver(2));
    assert_eq!(world.in_use(), 1, "until the last byte");
    let _end = call.ended(&mut world, 2, COMPLETED);
    assert_eq!(world.in_use(), 0, "though the call is still at hand");
}

#[test]
fn bo_4_a_hint_beyond_the_deadline_stops_the_call_and_says_so() {
    for code in [503, 429] {
        let mut world = World::new(lenient(), 2);
        let settings = CallSettings { total: Some(MS * 1_800), ..plain() };
        let (mut call, _) = world.attempt(settings, get());
        let action = call.head(&mut world, 1, hinted(code, SECOND * 2));
        assert_eq!(action, Action::Deliver(1), "the hint reaches the caller");
        assert_eq!(call.denial(), Some(Reason::RetryAfterBeyondDeadline), "{code}");
    }
}

#[test]
fn bo_4_a_hint_that_fits_is_waited_for() {
    let mut world = World::new(lenient(), 2);
    let (mut call, _) = world.attempt(plain(), get());
    let asked = world.now;
    assert_eq!(call.head(&mut world, 1, hinted(429, SECOND * 2)), Action::Wait);
    let wait = call.next_deadline().expect("a wait").since(asked);
    assert!((SECOND * 2..SECOND * 3).contains(&wait), "{wait:?}");
}

#[test]
fn the_last_answer_is_handed_on_when_a_retry_brings_none() {
    let mut world = World::new(lenient(), 2);
    let settings = CallSettings { max_attempts: 2, ..plain() };
    let (mut call, _) = world.attempt(settings, get());
    assert_eq!(call.head(&mut world, 1, status(503)), Action::Wait);
    let second = call.retried(&mut world);
    assert_eq!(call.ended(&mut world, second.number, REFUSED), Action::Deliver(1));
    assert_eq!(world.in_use(), 0);
    let end = call.ended(&mut world, 1, COMPLETED);
    assert_eq!(verdict(&end), Verdict::Answered { attempt: 1 });
}

#[test]
fn a_late_report_on_an_earlier_attempt_changes_nothing() {
    let mut world = World::new(lenient(), 2);
    let (mut call, _) = world.attempt(plain(), get());
    assert_eq!(call.head(&mut world, 1, status(503)), Action::Wait);
    let second = call.retried(&mut world);
    assert_eq!(call.ended(&mut world, 1, COMPLETED), Action::Wait);
    assert_eq!(call.head(&mut world, 1, status(200)), Action::Wait);
    assert_eq!(call.head(&mut world, second.number, status(200)), Action::Deliver(2));
}

#[test]
fn a_retry_that_waited_for_its_permit_is_still_paid_for() {
    let mut world = World::new(narrow(1, 4), 2);
    let (mut call, _) = world.attempt(plain(), get());
    assert_eq!(call.ended(&mut world, 1, REFUSED), Action::Wait);
    let (mut holder, _) = world.attempt(plain(), get());
    world.now = call.next_deadline().expect("a wait");
    let Action::Enqueue(waiter) = call.timer(&mut world) else { panic!("it queues") };
    assert_eq!(holder.ended(&mut world, 1, REFUSED), Action::Wait);
    holder.cancelled(&mut world);
    assert_eq!(world.upstream.next_grant(world.now, &mut world.journal), Some(waiter));
    assert_eq!(plan(&call.granted(&mut world)).number, 2);
    assert_eq!(world.extra(), 1);
}

#[test]
fn t52_a_retry_goes_elsewhere_even_where_the_balancer_sees_no_reason_to() {
    for seed in 0..50 {
        let mut world = World::seeded(lenient(), 2, seed);
        let (mut call, first) = world.attempt(plain(), get());
        assert_eq!(call.head(&mut world, 1, status(421)), Action::Wait);
        assert_ne!(call.retried(&mut world).endpoint, first.endpoint);
    }
}

#[test]
fn t52_a_retry_goes_elsewhere_also_where_checks_of_all_time_out() {
    for seed in 0..20 {
        let mut settings = lenient();
        settings.balance.algorithm = Algorithm::Random;
        let mut world = World::seeded(settings, 2, seed);
        for id in world.ids.clone() {
            let World { upstream, journal, now, .. } = &mut world;
            upstream.health_checked(id, Check::TimedOut, *now, journal);
        }
        let (mut call, first) = world.attempt(plain(), get());
        let _wait = call.ended(&mut world, 1, REFUSED);
        assert_ne!(call.retried(&mut world).endpoint, first.endpoint, "seed {seed}");
    }
}

#[test]
fn a_demand_that_was_met_is_not_met_again() {
    let mut world = World::new(lenient(), 3);
    let (mut call, first) = world.attempt(plain(), get());
    assert_eq!(first.demand, Demand::Nothing);
    assert_eq!(call.head(&mut world, 1, status(425)), Action::Wait);
    let second = call.retried(&mut world);
    assert_eq!(second.demand, Demand::NoEarlyData);
    assert_eq!(call.head(&mut world, 2, status(425)), Action::Deliver(2));
    assert_eq!(call.denial(), Some(Reason::NotRetryable));
}

/// The request was on its way when its connection was reset.
const RESET: Observation = Observation::Lost { connection: Connection::Reused, sent: Sent::Yes };

fn elsewhere() -> CallSettings {
    let backoff = BackoffSettings { first: FirstRetry::AtOnceElsewhere, ..plain().backoff };
    CallSettings { backoff, ..plain() }
}

#[test]
fn what_was_cut_off_goes_to_another_endpoint_at_once_and_waits_from_then_on() {
    for seen in [REFUSED, RESET] {
        let mut world = World::new(lenient(), 3);
        let (mut call, first) = world.attempt(elsewhere(), get());
        assert_eq!(call.ended(&mut world, 1, seen), Action::Wait);
        assert_eq!(call.next_deadline(), Some(world.now), "{seen:?}");
        let second = call.retried(&mut world);
        assert_ne!(second.endpoint, first.endpoint);
        assert_eq!(call.ended(&mut world, 2, seen), Action::Wait);
        assert_eq!(call.next_deadline(), Some(world.now.after(MS * 50)), "{seen:?}");
    }
}

#[test]
fn a_first_retry_waits_where_nobody_else_is_left_or_the_service_itself_has_failed() {
    let wait = |endpoints, seen| {
        let mut world = World::new(lenient(), endpoints);
        let (mut call, _) = world.attempt(elsewhere(), get());
        let is_head = matches!(seen, Observation::Status { .. });
        let _next = match is_head {
            true => call.head(&mut world, 1, seen),
            false => call.ended(&mut world, 1, seen),
        };
        call.next_deadline().map(|at| at.since(world.now))
    };
    assert_eq!(wait(1, RESET), Some(MS * 50), "the same endpoint again");
    assert_eq!(wait(3, status(503)), Some(MS * 50), "it may be overloaded, and so may the others");
    assert_eq!(wait(3, TIMED_OUT), Some(MS * 50), "all may be slow");
    assert_eq!(wait(3, RESET), Some(Duration::ZERO));
}

/// Loses connections at three endpoints, with an answer of the first to another call meanwhile if
/// `alive`. What follows?
fn lost_three_times(world: &mut World, alive: bool) -> (super::world::Client, Action) {
    let (mut call, first) = world.attempt(plain(), get());
    let (mut others, asked) = served_beside(world, first.endpoint);
    let mut plan = first;
    loop {
        world.pass(MS);
        let action = call.ended(world, plan.number, RESET);
        if alive && plan.number == 1 {
            world.pass(MS);
            let _next = others.head(world, asked, status(200));
        }
        if action != Action::Wait || plan.number == 3 {
            return (call, action);
        }
        plan = call.retried(world);
    }
}

/// A call under way at that endpoint.
fn served_beside(
    world: &mut World,
    at: crate::endpoint::EndpointId,
) -> (super::world::Client, u32) {
    loop {
        let (call, plan) = world.attempt(plain(), get());
        if plan.endpoint == at {
            return (call, plan.number);
        }
    }
}

#[test]
fn connections_lost_at_endpoints_that_serve_others_leave_one_attempt_more() {
    let mut world = World::new(lenient(), 3);
    let (mut call, action) = lost_three_times(&mut world, true);
    assert_eq!(action, Action::Wait, "it was the way that broke");
    let fourth = call.retried(&mut world);
    assert_eq!(fourth.number, 4);
    let end = call.ended(&mut world, 4, RESET);
    assert_eq!(verdict(&end), Verdict::Failed { why: Reason::ConnectionLost });
    assert_eq!(call.denial(), Some(Reason::AttemptsExhausted), "one, and no more");
}

#[test]
fn a_request_that_kills_whoever_serves_it_stops_at_its_limit() {
    let mut world = World::new(lenient(), 3);
    let (call, action) = lost_three_times(&mut world, false);
    assert_eq!(verdict(&action), Verdict::Failed { why: Reason::ConnectionLost });
    assert_eq!(call.denial(), Some(Reason::AttemptsExhausted));
}
