//! The order of the layers as it runs, beside the order as it is printed.

use super::world::{
    MS, REFUSED, SECOND, World, get, lenient, narrow, plain, status, verdict, within,
};
use crate::breaker::Manual;
use crate::call::{Action, CallSettings, Layer, StepKind, Verdict};
use crate::event::Discard;
use crate::rate::{LimiterSettings, Quota, Rate};
use crate::reason::Reason;
use crate::time::{Duration, Instant};
use crate::upstream::{ChoiceReason, UpstreamSettings, WhenAllDown};

/// Why a call ends that every layer from this one inwards would stop, and whether on a rung.
fn stopped_by(layer: Layer) -> (Reason, bool) {
    let mut settings = narrow(1, 0);
    settings.breaker = UpstreamSettings::default().breaker;
    settings.when_all_down = WhenAllDown::Refuse;
    if layer <= Layer::RateLimit {
        let quota = Quota { rate: Rate::ZERO, burst: 1 };
        settings.rate = Some(LimiterSettings::of(quota));
    }
    let mut world = World::new(settings, 0);
    if layer <= Layer::RateLimit {
        // The burst of one is spent, and a rate of zero brings nothing back.
        let _spent = world.start(plain(), get());
    }
    if layer <= Layer::Breaker {
        world.upstream.force_breaker(Manual::ForcedOpen, world.now, &mut Discard);
    }
    let held = (layer <= Layer::Bulkhead).then(|| {
        world.upstream.acquire(
            (1, crate::shed::Class::Normal, crate::bulkhead::Patience::Usual),
            Instant::NEVER,
            world.now,
            &mut Discard,
        )
    });
    let facts = if layer == Layer::Guards { within(Duration::ZERO) } else { get() };
    let rungs = u8::from(layer <= Layer::Ladder);
    let (_, action) = world.start(CallSettings { rungs, ..plain() }, facts);
    assert_eq!(world.in_use(), u32::from(held.is_some()));
    if let Action::FallBack { why, .. } = action {
        return (why, true);
    }
    let Verdict::Rejected { why, .. } = verdict(&action) else { panic!("no refusal: {action:?}") };
    (why, false)
}

#[test]
fn t171_t56_the_printed_layers_stop_calls_in_their_printed_order() {
    for (layer, reason, laddered) in [
        (Layer::Guards, Reason::DeadlineExpired, false),
        (Layer::RateLimit, Reason::RateLimited, false),
        (Layer::Ladder, Reason::BreakerOpen, true),
        (Layer::Breaker, Reason::BreakerOpen, false),
        (Layer::Bulkhead, Reason::BulkheadFull, false),
        (Layer::Choice, Reason::NoHealthyEndpoint, false),
    ] {
        assert_eq!(stopped_by(layer), (reason, laddered), "{layer}");
    }
}

#[test]
fn the_layers_are_listed_in_their_order() {
    assert!(Layer::ALL.is_sorted());
}

#[test]
fn t171_the_retry_loop_stands_between_the_breaker_and_the_bulkhead() {
    let mut settings = narrow(1, 4);
    settings.breaker = UpstreamSettings::default().breaker;
    let mut world = World::new(settings, 1);
    let (mut call, _) = world.attempt(plain(), get());
    assert_eq!(call.ended(&mut world, 1, REFUSED), Action::Wait);
    world.upstream.force_breaker(Manual::ForcedOpen, world.now, &mut Discard);
    let (_, first) = world.start(plain(), get());
    assert!(matches!(verdict(&first), Verdict::Rejected { why: Reason::BreakerOpen, .. }));
    world.now = call.next_deadline().expect("a wait");
    assert_eq!(verdict(&call.timer(&mut world)), Verdict::Failed { why: Reason::BreakerOpen });
    assert_eq!((world.in_use(), world.extra()), (0, 0));
}

#[test]
fn t171_a_retry_that_queued_for_its_permit_asks_the_breaker_again() {
    let mut settings = narrow(1, 4);
    settings.breaker = UpstreamSettings::default().breaker;
    let mut world = World::new(settings, 1);
    let (mut call, _) = world.attempt(plain(), get());
    assert_eq!(call.ended(&mut world, 1, REFUSED), Action::Wait);
    let (mut holder, _) = world.attempt(plain(), get());
    world.now = call.next_deadline().expect("a wait");
    assert!(matches!(call.timer(&mut world), Action::Enqueue(_)));
    world.upstream.force_breaker(Manual::ForcedOpen, world.now, &mut Discard);
    holder.cancelled(&mut world);
    assert!(world.upstream.next_grant(world.now, &mut world.journal).is_some());
    assert_eq!(verdict(&call.granted(&mut world)), Verdict::Failed { why: Reason::BreakerOpen });
    assert_eq!((world.in_use(), world.extra()), (0, 0));
}

#[test]
fn t171_the_endpoint_is_chosen_after_the_permit_and_asked_before_the_clock_starts() {
    let mut world = World::new(narrow(1, 4), 1);
    let (mut holder, _) = world.attempt(plain(), get());
    let (mut call, _) = world.start(plain(), get());
    // While it waits, the only endpoint is replaced: a choice made before would be stale.
    world.pass(MS * 50);
    let old = world.ids[0];
    let fresh = ["other".into()];
    let placed = world.upstream.set_endpoints(&fresh, world.now, &mut world.rng);
    holder.cancelled(&mut world);
    assert!(world.upstream.next_grant(world.now, &mut world.journal).is_some());
    let plan = super::world::plan(&call.granted(&mut world));
    assert_eq!(plan.endpoint, placed[0].1);
    assert_ne!(plan.endpoint, old);
    assert_eq!(plan.deadline, world.now.after(SECOND * 3), "the wait costs the attempt nothing");
}

#[test]
fn the_trail_tells_a_call_in_the_order_of_its_layers() {
    let mut world = World::new(lenient(), 2);
    let (mut call, _) = world.attempt(plain(), get());
    let _wait = call.head(&mut world, 1, status(503));
    let second = call.retried(&mut world);
    let _deliver = call.head(&mut world, second.number, status(200));
    let kinds: std::vec::Vec<_> = call.trail.steps().map(|step| step.kind).collect();
    let [deadline, first, saw, retry, again, saw_2, delivered] = kinds[..] else {
        panic!("{kinds:?}")
    };
    assert_eq!(deadline, StepKind::Deadline(Some(SECOND * 10)));
    assert!(matches!(first, StepKind::Attempt { number: 1, reason: ChoiceReason::Balanced, .. }));
    assert!(matches!(saw, StepKind::Saw { number: 1, .. }));
    assert_eq!(retry, StepKind::Retry { after: MS * 50 });
    assert!(matches!(again, StepKind::Attempt { number: 2, .. }));
    assert!(matches!(saw_2, StepKind::Saw { number: 2, .. }));
    assert_eq!(delivered, StepKind::Delivered { number: 2 });
    assert_eq!(call.trail.dropped(), 0);
}
