//! Attempts beside slow ones: who wins, what a hedge may take, and what it must not.

use super::world::{
    COMPLETED, Client, MS, REFUSED, SECOND, TIMED_OUT, World, get, lenient, plain, plan, post,
    status, verdict,
};
use crate::Mode;
use crate::breaker::Phase;
use crate::bulkhead::BulkheadSettings;
use crate::call::{
    Action, AttemptPlan, CallSettings, Effect, Facts, Replay, Role, StepKind, Verdict,
};
use crate::hedge::{HedgeDelay, HedgeSettings, Suppressed};
use crate::idempotency::Ending;
use crate::ratio::Ratio;
use crate::reason::Reason;
use crate::time::Duration;
use crate::timeout::OperationClass;
use crate::upstream::UpstreamSettings;

const DELAY: Duration = Duration::from_millis(100);

/// A hedge after 100 ms, as often as anything asks for one.
fn hedged() -> UpstreamSettings {
    let hedge = HedgeSettings {
        mode: Mode::Enforce,
        delay: HedgeDelay::Fixed(DELAY),
        share: Ratio::ONE,
        ..HedgeSettings::default()
    };
    UpstreamSettings { hedge, ..lenient() }
}

/// A call whose first attempt is slow, and what came of it when its delay had passed.
fn slow(world: &mut World, settings: CallSettings, facts: Facts) -> (Client, AttemptPlan, Action) {
    let (mut call, first) = world.attempt(settings, facts);
    world.pass(DELAY);
    let action = call.timer(world);
    (call, first, action)
}

fn suppressed(call: &Client) -> Option<Suppressed> {
    call.trail.steps().find_map(|step| {
        let StepKind::HedgeSuppressed(why) = step.kind else { return None };
        Some(why)
    })
}

#[test]
fn t90_a_slow_attempt_is_hedged_at_another_endpoint() {
    let mut world = World::new(hedged(), 3);
    let (call, first, action) = slow(&mut world, plain(), get());
    let hedge = plan(&action);
    assert_eq!((first.role, hedge.role), (Role::First, Role::Hedge));
    assert_ne!(first.endpoint, hedge.endpoint);
    assert_eq!(hedge.deadline, world.now.after(plain().attempt));
    assert_eq!(call.next_deadline(), Some(first.deadline), "one hedge is the most by default");
}

#[test]
fn calls_of_a_class_that_is_never_hedged_are_not_whatever_the_upstream_does() {
    for (class, hedges) in [(OperationClass::Standard, 1), (OperationClass::Batch, 0)] {
        let mut world = World::new(hedged(), 2);
        let settings = CallSettings { hedges: class.limits().hedges, ..plain() };
        let (call, _, action) = slow(&mut world, settings, get());
        assert_eq!(call.hedges, hedges, "{class:?}: {action:?}");
    }
}

#[test]
fn t84_the_first_answer_wins_and_the_loser_is_over_before_it_is_handed_on() {
    for winner in [1, 2] {
        let mut world = World::new(hedged(), 2);
        let (mut call, _, action) = slow(&mut world, plain(), get());
        assert_eq!(plan(&action).number, 2);
        assert_eq!(world.in_use(), 2);
        assert_eq!(call.head(&mut world, winner, status(200)), Action::Deliver(winner));
        assert_eq!(world.in_use(), 1, "the loser has given its permit back");
        let outcomes = world.snapshot().outcomes;
        assert_eq!((outcomes.abandoned, outcomes.failure), (1, 0));
        let end = call.ended(&mut world, winner, COMPLETED);
        assert_eq!(verdict(&end), Verdict::Answered { attempt: winner });
        assert_eq!(world.in_use(), 0);
        let late = call.ended(&mut world, 3 - winner, REFUSED);
        assert_eq!(late, Action::Wait, "the loser has nothing more to say");
    }
}

#[test]
fn t88_what_could_be_retried_waits_for_the_other_attempt() {
    for (fails, answers) in [(1, 2), (2, 1)] {
        let mut world = World::new(hedged(), 2);
        let (mut call, _, _) = slow(&mut world, plain(), get());
        assert_eq!(call.head(&mut world, fails, status(503)), Action::Wait);
        assert_eq!(world.in_use(), 1);
        assert_eq!(call.head(&mut world, answers, status(200)), Action::Deliver(answers));
        let end = call.ended(&mut world, answers, COMPLETED);
        assert_eq!(verdict(&end), Verdict::Answered { attempt: answers });
    }
}

#[test]
fn t88_when_both_fail_the_last_error_counts_and_the_trail_keeps_both() {
    let mut world = World::new(hedged(), 2);
    let settings = CallSettings { max_attempts: 1, ..plain() };
    let (mut call, _, _) = slow(&mut world, settings, get());
    assert_eq!(call.ended(&mut world, 2, REFUSED), Action::Wait);
    let end = call.ended(&mut world, 1, TIMED_OUT);
    assert_eq!(verdict(&end), Verdict::Failed { why: Reason::AttemptTimeout });
    let saw = |step: &&crate::call::Step| matches!(step.kind, StepKind::Saw { .. });
    assert_eq!(call.trail.steps().filter(saw).count(), 2);
    assert_eq!(call.denial(), Some(Reason::AttemptsExhausted));
}

#[test]
fn hedges_use_up_no_retry() {
    let mut world = World::new(hedged(), 4);
    let (mut call, _, _) = slow(&mut world, plain(), get());
    assert_eq!(call.ended(&mut world, 1, REFUSED), Action::Wait);
    assert_eq!(call.ended(&mut world, 2, REFUSED), Action::Wait, "it backs off");
    let third = call.retried(&mut world);
    assert_eq!((third.number, third.role), (3, Role::Retry));
    assert_eq!(call.ended(&mut world, 3, REFUSED), Action::Wait);
    assert_eq!(call.retried(&mut world).number, 4);
    let end = call.ended(&mut world, 4, REFUSED);
    assert_eq!(verdict(&end), Verdict::Failed { why: Reason::ConnectRefused });
}

#[test]
fn a_final_answer_wins_even_if_it_is_bad() {
    let mut world = World::new(hedged(), 2);
    let (mut call, _, _) = slow(&mut world, plain(), get());
    assert_eq!(call.head(&mut world, 2, status(500)), Action::Deliver(2));
    assert_eq!(world.in_use(), 1);
}

#[test]
fn he_4_t85_an_unsafe_call_is_never_hedged() {
    let mut world = World::new(hedged(), 2);
    let (call, first, action) = slow(&mut world, plain(), post());
    assert_eq!(action, Action::Wait);
    assert_eq!(call.next_deadline(), Some(first.deadline));
    assert_eq!(world.in_use(), 1);
}

#[test]
fn what_changes_something_is_retried_and_never_sent_twice_side_by_side() {
    let mut world = World::new(hedged(), 2);
    let facts = Facts { effect: Effect::Changes, ..get() };
    let (mut call, _, action) = slow(&mut world, plain(), facts);
    assert_eq!((action, call.hedges), (Action::Wait, 0));
    assert_eq!(suppressed(&call), None, "none was ever planned");
    assert_eq!(call.ended(&mut world, 1, REFUSED), Action::Wait, "it backs off");
    world.pass(SECOND);
    assert_eq!(plan(&call.timer(&mut world)).role, Role::Retry);
}

#[test]
fn he_3_a_single_endpoint_is_not_hedged() {
    let mut world = World::new(hedged(), 1);
    let (call, _, action) = slow(&mut world, plain(), get());
    assert_eq!(action, Action::Wait);
    assert_eq!(suppressed(&call), Some(Suppressed::NoUntriedEndpoint));
    assert_eq!((world.in_use(), world.extra()), (1, 0), "permit and token went back");
}

#[test]
fn t70_t81_an_empty_budget_stops_new_hedges_and_nothing_else() {
    let mut settings = hedged();
    settings.budget.ratio = Ratio::ZERO;
    settings.budget.floor_per_second = 0;
    let mut world = World::new(settings, 2);
    let (mut call, _, action) = slow(&mut world, plain(), get());
    assert_eq!(action, Action::Wait);
    assert_eq!(suppressed(&call), Some(Suppressed::BudgetEmpty));
    assert_eq!(world.in_use(), 1);
    assert_eq!(call.head(&mut world, 1, status(200)), Action::Deliver(1));
}

#[test]
fn t86_a_hedge_needs_a_permit_of_its_own_and_never_queues() {
    let bulkhead = BulkheadSettings { permits: 1, queue: 4, ..BulkheadSettings::default() };
    let mut world = World::new(UpstreamSettings { bulkhead, ..hedged() }, 2);
    let (call, _, action) = slow(&mut world, plain(), get());
    assert_eq!(action, Action::Wait);
    assert_eq!(suppressed(&call), Some(Suppressed::NoPermit));
    assert_eq!(world.snapshot().bulkhead.queued, 0);
}

#[test]
fn a_hedge_that_could_not_end_in_time_is_not_started() {
    let mut world = World::new(hedged(), 2);
    let settings = CallSettings { total: Some(DELAY), ..plain() };
    let (mut call, first) = world.attempt(settings, get());
    world.now = first.deadline;
    assert_eq!(call.timer(&mut world), Action::Abandon(1), "the deadline comes first");
    assert_eq!(call.timer(&mut world), Action::Wait);
    assert_eq!(suppressed(&call), Some(Suppressed::DeadlineCannotFit));
}

#[test]
fn an_open_breaker_suppresses_hedges() {
    let mut settings = hedged();
    settings.breaker = crate::breaker::BreakerSettings::for_upstream();
    let mut world = World::new(settings, 2);
    let (mut call, _) = world.attempt(plain(), get());
    let World { upstream, journal, now, .. } = &mut world;
    upstream.force_breaker(crate::breaker::Manual::ForcedOpen, *now, journal);
    world.pass(DELAY);
    assert_eq!(call.timer(&mut world), Action::Wait);
    assert_eq!(suppressed(&call), Some(Suppressed::Overloaded));
}

#[test]
fn t84_a_caller_that_leaves_ends_every_attempt() {
    let mut world = World::new(hedged(), 2);
    let (mut call, _, action) = slow(&mut world, plain(), get());
    assert!(matches!(action, Action::Attempt(_)));
    call.cancelled(&mut world);
    assert_eq!(world.in_use(), 0);
    assert_eq!(world.snapshot().outcomes.abandoned, 2);
}

#[test]
fn each_attempt_in_flight_meets_its_own_deadline() {
    let mut world = World::new(hedged(), 2);
    let (mut call, first, action) = slow(&mut world, plain(), get());
    let second = plan(&action);
    world.now = first.deadline;
    assert_eq!(call.timer(&mut world), Action::Abandon(1));
    assert_eq!(call.ended(&mut world, 1, TIMED_OUT), Action::Wait);
    assert_eq!(call.next_deadline(), Some(second.deadline));
    world.now = second.deadline;
    assert_eq!(call.timer(&mut world), Action::Abandon(2));
    assert_eq!(call.ended(&mut world, 2, TIMED_OUT), Action::Wait, "it backs off and tries again");
    assert_eq!(call.retried(&mut world).role, Role::Retry);
}

#[test]
fn t8_a_hedge_is_never_a_probe() {
    let mut settings = hedged();
    settings.endpoint_breaker = crate::breaker::BreakerSettings::for_endpoint();
    settings.endpoint_breaker.consecutive = Some(1);
    let mut world = World::new(settings, 3);
    let (mut bad, plan_1) = world.attempt(CallSettings { max_attempts: 1, ..plain() }, get());
    let tripped = plan_1.endpoint;
    let _failed = bad.ended(&mut world, 1, REFUSED);
    assert!(matches!(world.endpoint(tripped).breaker.phase, Phase::Open { .. }));
    let patient = CallSettings { total: None, attempt: SECOND * 600, ..plain() };
    let (mut call, first) = world.attempt(patient, get());
    world.pass(SECOND * 6);
    assert_eq!(world.endpoint(tripped).breaker.phase, Phase::ProbeDue);
    let hedge = plan(&call.timer(&mut world));
    assert!(![tripped, first.endpoint].contains(&hedge.endpoint), "the third is left");
}

#[test]
fn a_caller_that_uploads_slowly_is_not_hedged_for_it() {
    let mut world = World::new(hedged(), 2);
    let (mut call, _) = world.attempt(plain(), get());
    world.pass(MS * 90);
    call.uploading(world.now, Replay::Possible);
    world.pass(MS * 10);
    assert_eq!(call.timer(&mut world), Action::Wait);
    world.pass(MS * 90);
    assert_eq!(plan(&call.timer(&mut world)).role, Role::Hedge, "the service had its 100 ms");
}

#[test]
fn a_hedge_that_loses_at_once_teaches_no_latency() {
    let mut world = World::new(hedged(), 2);
    let (mut call, _, action) = slow(&mut world, plain(), get());
    assert_eq!(plan(&action).number, 2);
    world.pass(MS);
    assert_eq!(call.head(&mut world, 1, status(200)), Action::Deliver(1));
    let _end = call.ended(&mut world, 1, COMPLETED);
    let least = world.upstream.latency_quantile(Ratio::ZERO, world.now).expect("one answer");
    assert!(least >= DELAY, "{least:?}");
}

#[test]
fn nobody_knows_of_the_work_of_a_loser_beside_an_answer_that_is_none() {
    for (code, expected) in [(200, Ending::Keep), (501, Ending::Unknown)] {
        let mut world = World::new(hedged(), 2);
        let (mut call, _, action) = slow(&mut world, plain(), get());
        let hedge = plan(&action);
        let action = call.head(&mut world, hedge.number, status(code));
        assert_eq!(action, Action::Deliver(hedge.number));
        let _end = call.ended(&mut world, hedge.number, COMPLETED);
        assert_eq!(call.ending(), expected, "{code}");
    }
}
