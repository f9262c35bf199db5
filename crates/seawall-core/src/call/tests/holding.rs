//! Calls through an outage: who is held, what it costs them, and what is left of it afterwards.

use super::world::{
    COMPLETED, Client, MS, REFUSED, SECOND, TIMED_OUT, World, get, lenient, plain, plan, post,
    status, verdict, within,
};
use crate::Mode;
use crate::breaker::{Manual, Phase};
use crate::call::{Action, CallSettings, CallState, Facts, Replay, StepKind, Verdict};
use crate::hold::{HoldSettings, HoldState};
use crate::outcome::{Connection, Observation, Sent};
use crate::outlier::Standing;
use crate::reason::Reason;
use crate::upstream::{ChoiceReason, UpstreamSettings};

fn holding(settings: UpstreamSettings) -> UpstreamSettings {
    let hold = HoldSettings { mode: Mode::Enforce, ..HoldSettings::default() };
    UpstreamSettings { hold, ..settings }
}

/// One attempt each, which retries would not help.
fn once() -> CallSettings {
    CallSettings { max_attempts: 1, ..plain() }
}

/// A call that has found every endpoint of the upstream gone, and is held.
fn held(world: &mut World, settings: CallSettings, facts: Facts) -> Client {
    let (mut call, mut action) = world.start(settings, facts);
    while call.state() != CallState::Holding {
        match action {
            Action::Attempt(plan) => action = call.ended(world, plan.number, REFUSED),
            Action::Wait => action = Action::Attempt(call.retried(world)),
            Action::Enqueue(_)
            | Action::Abandon(_)
            | Action::Deliver(_)
            | Action::FallBack { .. }
            | Action::Finish(_) => panic!("not held, but {action:?}"),
        }
    }
    assert!(matches!(action, Action::Enqueue(_)), "{action:?}");
    call
}

fn is_out(world: &World) -> bool {
    matches!(world.snapshot().hold.state, HoldState::Outage { .. })
}

/// The held call makes the probe that is due next.
fn probe(call: &mut Client, world: &mut World) -> u32 {
    world.now = call.next_deadline().expect("it looks again");
    let plan = plan(&call.timer(world));
    assert_eq!(plan.reason, ChoiceReason::Probe);
    plan.number
}

fn answer(call: &mut Client, world: &mut World, number: u32) {
    world.pass(MS * 20);
    assert_eq!(call.head(world, number, status(200)), Action::Deliver(number));
    let end = call.ended(world, number, COMPLETED);
    assert_eq!(verdict(&end), Verdict::Answered { attempt: number });
}

#[test]
fn who_finds_everybody_gone_is_held_and_answered_by_the_first_who_is_back() {
    let mut world = World::new(holding(lenient()), 2);
    let mut call = held(&mut world, plain(), get());
    assert!(is_out(&world));
    for _ in 0..10 {
        let number = probe(&mut call, &mut world);
        let action = call.ended(&mut world, number, REFUSED);
        assert!(matches!(action, Action::Enqueue(_)), "{action:?}");
    }
    let number = probe(&mut call, &mut world);
    answer(&mut call, &mut world, number);
    assert_eq!((call.attempts(), number), (1, 14), "all but one met nobody");
    assert_eq!(world.snapshot().hold.state, HoldState::Reachable);
    assert_eq!((world.extra(), world.snapshot().hold.held), (1, 0), "the retry before the outage");
    let held = |step: &&crate::call::Step| matches!(step.kind, StepKind::Held { .. });
    assert!(call.trail.steps().any(|step| held(&step)));
}

#[test]
fn the_outage_ends_with_the_head_and_not_with_the_last_byte() {
    let mut world = World::new(holding(lenient()), 1);
    let mut call = held(&mut world, plain(), get());
    let number = probe(&mut call, &mut world);
    let _deliver = call.head(&mut world, number, status(200));
    assert!(!is_out(&world), "its body may take long");
    let mut gone = held(&mut world, once(), get());
    let _end = call.ended(&mut world, number, COMPLETED);
    assert!(is_out(&world), "the end of an old answer says nothing");
    gone.cancelled(&mut world);
}

#[test]
fn what_met_nobody_counts_against_no_limit() {
    let mut world = World::new(holding(lenient()), 1);
    let mut call = held(&mut world, once(), get());
    for _ in 0..20 {
        let number = probe(&mut call, &mut world);
        let _held = call.ended(&mut world, number, REFUSED);
    }
    let number = probe(&mut call, &mut world);
    answer(&mut call, &mut world, number);
    assert_eq!(world.extra(), 0);
}

#[test]
fn an_unsafe_call_is_held_while_it_was_provably_not_sent_and_is_sent_once() {
    let mut world = World::new(holding(lenient()), 2);
    let mut call = held(&mut world, plain(), post());
    let number = probe(&mut call, &mut world);
    let lost = Observation::Lost { connection: Connection::Fresh, sent: Sent::Yes };
    let end = call.ended(&mut world, number, lost);
    assert_eq!(verdict(&end), Verdict::Failed { why: Reason::ConnectionLost });
    assert_eq!(call.denial(), Some(Reason::NotIdempotent));
}

#[test]
fn a_safe_call_that_was_sent_pays_for_what_it_sends_after_the_hold() {
    let mut settings = holding(lenient());
    settings.budget.floor_per_second = 1;
    let mut world = World::new(settings, 1);
    let (mut sent, first) = world.attempt(plain(), get());
    world.pass(MS);
    let mut gone = held(&mut world, once(), get());
    let lost = Observation::Lost { connection: Connection::Fresh, sent: Sent::Yes };
    assert_eq!(sent.ended(&mut world, first.number, lost), Action::Wait);
    let probed = probe(&mut gone, &mut world);
    world.now = world.now.max(sent.next_deadline().expect("it waits before a retry"));
    let action = sent.timer(&mut world);
    assert!(matches!(action, Action::Enqueue(_)), "{action:?}");
    assert_eq!(world.extra(), 1, "reserved");
    let _held = gone.ended(&mut world, probed, REFUSED);
    gone.cancelled(&mut world);
    sent.cancelled(&mut world);
    assert_eq!(world.extra(), 0, "and given back");
}

#[test]
fn who_arrives_in_an_outage_is_held_without_an_attempt_and_the_rest_is_refused() {
    let mut settings = holding(lenient());
    (settings.hold.calls, settings.hold.bytes) = (2, 100);
    let mut world = World::new(settings, 1);
    let mut first = held(&mut world, plain(), get());
    let large = Facts { body: 101, ..get() };
    let full = Verdict::Rejected { why: Reason::HoldFull, until: crate::call::Until::Unknown };
    assert_eq!(verdict(&world.start(plain(), large).1), full, "too much memory");
    let (mut second, action) = world.start(plain(), get());
    assert!(matches!(action, Action::Enqueue(_)));
    assert_eq!(second.attempts(), 0);
    assert_eq!(verdict(&world.start(plain(), get()).1), full);
    let seen = world.snapshot();
    assert_eq!((seen.hold.held, seen.hold.full_total, seen.bulkhead.in_use), (2, 2, 0));
    first.cancelled(&mut world);
    second.cancelled(&mut world);
    assert_eq!(world.snapshot().hold.held, 0);
}

#[test]
fn a_held_call_ends_in_time_and_says_why() {
    let mut world = World::new(holding(lenient()), 1);
    let mut scout = held(&mut world, plain(), get());
    let (mut call, action) = world.start(plain(), within(MS * 300));
    assert!(matches!(action, Action::Enqueue(_)));
    assert_eq!(call.next_deadline(), Some(world.now.after(MS * 299)), "what an attempt needs");
    world.now = call.next_deadline().expect("its time");
    let end = verdict(&call.timer(&mut world));
    let until = crate::call::Until::Unknown;
    assert_eq!(end, Verdict::Rejected { why: Reason::UpstreamUnreachable, until });
    assert_eq!(call.started().after(MS * 299), world.now);
    scout.cancelled(&mut world);
}

#[test]
fn who_has_a_ladder_is_served_from_it_at_once() {
    let mut world = World::new(holding(lenient()), 1);
    let _scout = held(&mut world, plain(), get());
    let laddered = CallSettings { rungs: 1, ..plain() };
    let (_, action) = world.start(laddered, get());
    assert_eq!(action, Action::FallBack { rung: 0, why: Reason::UpstreamUnreachable });
}

#[test]
fn a_request_that_is_no_longer_whole_is_not_held() {
    let mut world = World::new(holding(lenient()), 1);
    let (mut call, first) = world.attempt(plain(), get());
    let end =
        call.step(&mut world, |call, ctx| call.ended(first.number, REFUSED, Replay::Lost, ctx));
    assert_eq!(verdict(&end), Verdict::Failed { why: Reason::ConnectRefused });
    assert_eq!(call.denial(), Some(Reason::ReplayOverflow));
}

#[test]
fn a_driver_keeps_the_request_for_as_long_as_it_may_be_held() {
    let mut world = World::new(holding(lenient()), 1);
    assert!(!world.attempt(once(), get()).1.last);
    let mut world = World::new(lenient(), 1);
    assert!(world.attempt(once(), get()).1.last);
}

#[test]
fn errors_and_timeouts_are_never_held_for() {
    for seen in [TIMED_OUT, Observation::Malformed] {
        let mut world = World::new(holding(lenient()), 1);
        for _ in 0..50 {
            let (mut call, first) = world.attempt(once(), get());
            let end = call.ended(&mut world, first.number, seen);
            assert!(matches!(verdict(&end), Verdict::Failed { .. }));
        }
        assert_eq!(world.snapshot().hold.outages_total, 0);
    }
}

#[test]
fn an_outage_leaves_no_breaker_open_and_nobody_ejected() {
    let mut world = World::new(holding(UpstreamSettings::default()), 3);
    let mut calls: std::vec::Vec<Client> = std::vec::Vec::new();
    // Before anybody knows, one endpoint fails often enough to be taken out.
    let first = world.ids[0];
    while world.endpoint(first).breaker.phase == Phase::Closed {
        let (mut call, plan) = world.attempt(once(), get());
        match plan.endpoint == first {
            true => {
                let _end = call.ended(&mut world, plan.number, REFUSED);
            }
            false => answer(&mut call, &mut world, plan.number),
        }
    }
    for _ in 0..100 {
        calls.push(held(&mut world, plain(), get()));
        world.pass(MS * 10);
    }
    for _ in 0..30 {
        let scout = calls.iter_mut().min_by_key(|call| call.next_deadline()).expect("held");
        world.now = scout.next_deadline().expect("it looks again");
        if let Action::Attempt(plan) = scout.timer(&mut world) {
            let _held = scout.ended(&mut world, plan.number, REFUSED);
        }
        for call in &mut calls {
            let _looks = call.granted(&mut world);
        }
    }
    assert!(is_out(&world));
    assert_eq!(world.snapshot().breaker.phase, Phase::Closed);
    assert!(matches!(world.endpoint(first).breaker.phase, Phase::Open { .. } | Phase::ProbeDue));
    let scout = calls.iter_mut().min_by_key(|call| call.next_deadline()).expect("held");
    let number = probe(scout, &mut world);
    answer(scout, &mut world, number);
    let seen = world.snapshot();
    assert!(!is_out(&world) && seen.usable);
    assert_eq!(seen.breaker.phase, Phase::Closed);
    for endpoint in seen.endpoints {
        assert_eq!(endpoint.breaker.phase, Phase::Closed);
        assert_eq!(endpoint.outlier.standing, Standing::In);
        assert_eq!(endpoint.load.weight.ppm(), 1_000_000, "none is colder than the others");
    }
    calls.iter_mut().for_each(|call| call.cancelled(&mut world));
}

#[test]
fn a_breaker_that_opened_meanwhile_refuses_who_was_held() {
    let mut settings = holding(lenient());
    settings.breaker = UpstreamSettings::default().breaker;
    let mut world = World::new(settings, 1);
    let mut call = held(&mut world, plain(), get());
    world.upstream.force_breaker(Manual::ForcedOpen, world.now, &mut world.journal);
    world.now = call.next_deadline().expect("it looks again");
    let end = verdict(&call.timer(&mut world));
    assert!(matches!(end, Verdict::Rejected { why: Reason::BreakerOpen, .. }), "{end:?}");
}

#[test]
fn who_waits_for_a_permit_when_the_outage_begins_is_held_and_takes_none() {
    let mut settings = holding(super::world::narrow(1, 2));
    settings.bulkhead.max_wait = SECOND;
    let mut world = World::new(settings, 1);
    let (mut first, plan) = world.attempt(once(), get());
    let (mut queued, action) = world.start(once(), get());
    assert!(matches!(action, Action::Enqueue(_)));
    let _held = first.ended(&mut world, plan.number, REFUSED);
    let granted = world.upstream.next_grant(world.now, &mut world.journal);
    assert!(granted.is_some());
    let _held = queued.granted(&mut world);
    assert_eq!((first.state(), queued.state()), (CallState::Holding, CallState::Holding));
    assert_eq!(world.in_use(), 0);
    first.cancelled(&mut world);
    queued.cancelled(&mut world);
}

#[test]
fn an_endpoint_that_joins_is_tried_by_the_line() {
    let mut world = World::new(holding(lenient()), 1);
    let mut call = held(&mut world, plain(), get());
    world.set_endpoints(2);
    let woken = world.upstream.next_grant(world.now, &mut world.journal);
    assert!(woken.is_some());
    let plan = plan(&call.granted(&mut world));
    answer(&mut call, &mut world, plan.number);
}

#[test]
fn an_operation_without_endpoints_is_held_for_as_well() {
    let mut world = World::new(holding(lenient()), 1);
    world.upstream = crate::upstream::Upstream::solo(holding(lenient()), world.now, &mut world.rng);
    let mut call = held(&mut world, plain(), post());
    world.now = call.next_deadline().expect("it looks again");
    let plan = plan(&call.timer(&mut world));
    answer(&mut call, &mut world, plan.number);
}

#[test]
fn nobody_is_held_in_shadow_or_off() {
    for mode in [Mode::Shadow, Mode::Off] {
        let mut settings = holding(lenient());
        settings.hold.mode = mode;
        let mut world = World::new(settings, 1);
        for _ in 0..20 {
            let (mut call, first) = world.attempt(once(), get());
            let end = call.ended(&mut world, first.number, REFUSED);
            assert_eq!(verdict(&end), Verdict::Failed { why: Reason::ConnectRefused });
        }
        assert_eq!(is_out(&world), mode == Mode::Shadow);
        assert_eq!(world.snapshot().hold.held_total, 0);
    }
}
