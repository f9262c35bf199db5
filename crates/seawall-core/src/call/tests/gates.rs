//! What keeps a call out before anything is sent: rate, priority, throttle, adaptive limit.

use super::world::{
    COMPLETED, MS, SECOND, World, get, hinted, lenient, plain, plan, status, verdict,
};
use crate::Mode;
use crate::bulkhead::BulkheadSettings;
use crate::call::{Action, CallSettings, Facts, Until, Verdict};
use crate::concurrency::LimitSettings;
use crate::hedge::Load;
use crate::outcome::{ConnectFailure, Observation};
use crate::rate::{LimiterSettings, Quota, Rate};
use crate::reason::Reason;
use crate::shed::{Class, Priority, ShedSettings};
use crate::throttle::ThrottleSettings;
use crate::time::Duration;
use crate::upstream::{UpstreamSettings, What};

fn limited(burst: u32) -> UpstreamSettings {
    let quota = Quota { rate: Rate::per_second(10), burst };
    UpstreamSettings { rate: Some(LimiterSettings::of(quota)), ..lenient() }
}

fn of_class(class: Class) -> Facts {
    Facts { priority: Priority::new(class, 0), ..get() }
}

fn rejected(action: &Action) -> (Reason, Until) {
    let Verdict::Rejected { why, until } = verdict(action) else { panic!("{action:?}") };
    (why, until)
}

#[test]
fn the_rate_limit_stands_before_everything_and_outside_of_the_ladder() {
    let mut world = World::new(limited(2), 2);
    for _ in 0..2 {
        assert_eq!(world.one(200, Duration::ZERO), Verdict::Answered { attempt: 1 });
    }
    let (_, action) = world.start(CallSettings { rungs: 1, ..plain() }, get());
    let soon = Until::At(world.now.after(MS * 100));
    assert_eq!(rejected(&action), (Reason::RateLimited, soon));
    assert_eq!(world.snapshot().breaker.calls, 0, "nothing is held against the upstream");
    world.pass(MS * 100);
    assert_eq!(world.one(200, Duration::ZERO), Verdict::Answered { attempt: 1 });
}

#[test]
fn a_call_pays_the_rate_once_whatever_its_retries() {
    let mut world = World::new(limited(1), 3);
    let (mut call, _) = world.attempt(plain(), get());
    let _wait = call.head(&mut world, 1, status(503));
    let second = call.retried(&mut world);
    assert_eq!(call.head(&mut world, second.number, status(200)), Action::Deliver(2));
}

#[test]
fn t122_a_cost_above_the_burst_is_never_admitted() {
    let mut world = World::new(limited(5), 2);
    let (_, action) = world.start(plain(), Facts { cost: 6, ..get() });
    assert_eq!(rejected(&action), (Reason::CostExceedsLimit, Until::Never));
    let (_, action) = world.start(plain(), Facts { cost: 5, ..get() });
    assert!(matches!(action, Action::Attempt(_)));
}

#[test]
fn t102_a_call_heavier_than_the_bulkhead_is_refused_for_good() {
    let bulkhead = BulkheadSettings { permits: 3, queue: 4, ..BulkheadSettings::default() };
    let mut world = World::new(UpstreamSettings { bulkhead, ..lenient() }, 2);
    let (_, action) = world.start(plain(), Facts { weight: 4, ..get() });
    assert_eq!(rejected(&action), (Reason::CostExceedsLimit, Until::Never));
    let (mut call, _) = world.attempt(plain(), Facts { weight: 3, ..get() });
    assert_eq!(world.in_use(), 3);
    call.cancelled(&mut world);
    assert_eq!(world.in_use(), 0);
}

#[test]
fn t51_t131_a_throttled_attempt_is_our_own_doing() {
    let throttle = Some(ThrottleSettings::default());
    let mut world = World::new(UpstreamSettings { throttle, ..lenient() }, 2);
    let once = CallSettings { max_attempts: 1, ..plain() };
    let mut refused = 0;
    for _ in 0..200 {
        let (mut call, action) = world.start(once, of_class(Class::Low));
        if let Action::Attempt(_) = action {
            assert_eq!(call.head(&mut world, 1, hinted(429, SECOND)), Action::Deliver(1));
            let _end = call.ended(&mut world, 1, COMPLETED);
        } else {
            assert_eq!(rejected(&action), (Reason::Throttled, Until::Unknown));
            refused += 1;
        }
    }
    assert!((150..200).contains(&refused), "{refused} of 200: a tenth passes as probes");
    let seen = world.snapshot();
    let throttle = seen.gates.throttle.expect("it is on");
    assert_eq!(throttle.requests, 200, "refused ones count in the throttle alone");
    assert_eq!(seen.outcomes.total(), 200 - refused);
    assert_eq!(seen.budget.first, 200 - refused, "what was not sent deposits nothing");
}

#[test]
fn a_wish_that_found_no_permit_is_no_request_of_the_throttle() {
    let throttle = Some(ThrottleSettings::default());
    let bulkhead = BulkheadSettings { permits: 1, queue: 0, ..BulkheadSettings::default() };
    let mut world = World::new(UpstreamSettings { throttle, bulkhead, ..lenient() }, 2);
    let _held = world.attempt(plain(), get());
    let (_, action) = world.start(plain(), get());
    assert_eq!(rejected(&action).0, Reason::BulkheadFull);
    assert_eq!(world.snapshot().gates.throttle.expect("it is on").requests, 1);
}

#[test]
fn t132_t134_waiting_in_the_queue_sheds_the_least_important() {
    let bulkhead =
        BulkheadSettings { permits: 1, queue: 8, max_wait: SECOND, ..BulkheadSettings::default() };
    let shed = Some(ShedSettings::default());
    let mut world = World::new(UpstreamSettings { shed, bulkhead, ..lenient() }, 2);
    let mut shed = [0_u32; 2];
    for _ in 0..200 {
        let (mut holder, action) = world.start(plain(), of_class(Class::High));
        let holds = matches!(action, Action::Attempt(_));
        shed[0] += u32::from(!holds);
        let (mut waiter, action) = world.start(plain(), of_class(Class::Low));
        let waits = matches!(action, Action::Enqueue(_));
        shed[1] += u32::from(matches!(action, Action::Finish(_)));
        world.pass(MS * 100);
        if holds {
            let _deliver = holder.head(&mut world, 1, status(200));
            let _end = holder.ended(&mut world, 1, COMPLETED);
        }
        while world.upstream.next_grant(world.now, &mut world.journal).is_some() {}
        if waits {
            let plan = plan(&waiter.granted(&mut world));
            let _deliver = waiter.head(&mut world, plan.number, status(200));
            let _end = waiter.ended(&mut world, plan.number, COMPLETED);
        }
    }
    assert_eq!(shed[0], 0, "the important are let in");
    assert!(shed[1] > 0, "the wait was 50 ms on average");
    let told = |what: &What| matches!(what, What::Shed(_));
    assert!(world.journal.events.iter().any(|event| told(&event.what)));
}

#[test]
fn t107_an_adaptive_limit_bounds_what_is_in_flight_and_says_so() {
    let concurrency = Some(LimitSettings { initial: 4, min: 4, ..LimitSettings::default() });
    let bulkhead = BulkheadSettings { queue: 0, ..BulkheadSettings::default() };
    let mut world = World::new(UpstreamSettings { concurrency, bulkhead, ..lenient() }, 2);
    let mut running = std::vec::Vec::new();
    let refused = loop {
        let (call, action) = world.start(plain(), get());
        if !matches!(action, Action::Attempt(_)) {
            break action;
        }
        running.push(call);
    };
    assert_eq!(running.len(), 4);
    assert_eq!(rejected(&refused).0, Reason::ConcurrencyLimit);
}

#[test]
fn t111_all_routes_of_an_upstream_share_one_adaptive_limit() {
    let concurrency = Some(LimitSettings { initial: 4, min: 4, ..LimitSettings::default() });
    let bulkhead = BulkheadSettings { queue: 0, ..BulkheadSettings::default() };
    let mut world = World::new(UpstreamSettings { concurrency, bulkhead, ..lenient() }, 2);
    let quick = CallSettings { attempt: MS * 10, ..plain() };
    let routes = [plain(), quick, plain(), quick];
    let _running: std::vec::Vec<_> =
        routes.iter().map(|route| world.attempt(*route, get())).collect();
    for route in routes {
        let (_, action) = world.start(route, get());
        assert_eq!(rejected(&action).0, Reason::ConcurrencyLimit);
    }
}

#[test]
fn t131_what_never_reached_the_service_says_nothing_of_what_it_accepts() {
    let throttle = Some(ThrottleSettings::default());
    let mut world = World::new(UpstreamSettings { throttle, ..lenient() }, 2);
    let once = CallSettings { max_attempts: 1, ..plain() };
    let (mut call, _) = world.attempt(once, get());
    let exhausted = Observation::ConnectFailed(ConnectFailure::Exhausted);
    let _end = call.ended(&mut world, 1, exhausted);
    let seen = world.snapshot().gates.throttle.expect("it is on");
    assert_eq!((seen.requests, seen.accepts), (0, 0));
}

#[test]
fn t183_shedding_in_shadow_mode_suppresses_no_hedge() {
    let shed = Some(ShedSettings { mode: Mode::Shadow, ..ShedSettings::default() });
    let mut world = World::new(UpstreamSettings { shed, ..lenient() }, 2);
    for _ in 0..3 {
        world.upstream.note_wait(MS * 50, world.now, &mut world.journal);
        world.pass(SECOND * 2);
    }
    let seen = world.snapshot().gates.shed.expect("it is there");
    assert!(seen.overloaded_since.is_some());
    assert_eq!(world.upstream.load(world.now), Load::Normal);
}

#[test]
fn t96_a_waiter_that_lost_its_place_is_woken_and_told_of() {
    let bulkhead = BulkheadSettings { permits: 1, queue: 4, ..BulkheadSettings::default() };
    let mut world = World::new(UpstreamSettings { bulkhead, ..lenient() }, 2);
    let (mut one, _) = world.attempt(plain(), get());
    let (_two, queued) = world.start(plain(), get());
    assert!(matches!(queued, Action::Enqueue(_)));
    world.pass(SECOND);
    let _deliver = one.head(&mut world, 1, status(200));
    let _end = one.ended(&mut world, 1, COMPLETED);
    let World { upstream, journal, now, .. } = &mut world;
    assert!(upstream.next_grant(*now, journal).is_some());
    let told = |what: &What| matches!(what, What::Bulkhead(_));
    assert_eq!(journal.events.iter().filter(|event| told(&event.what)).count(), 1);
}
