//! Heavy calls, limits that change at run time, standing queues, and what is reported.

use super::*;
use crate::event::Discard;
use crate::shed::Class;
use proptest::prelude::*;
use std::string::ToString;

fn heavy(weight: u32) -> Need {
    Need { weight, useful_until: Instant::NEVER, class: Class::Normal, patience: Patience::Usual }
}

fn acquire(bulkhead: &mut Bulkhead, weight: u32, now: u64) -> Acquired {
    bulkhead.acquire_weighted(heavy(weight), at(now), &mut Discard).unwrap()
}

fn causes(events: &[BulkheadRejected]) -> Vec<RejectCause> {
    events.iter().map(|event| event.cause).collect()
}

#[test]
fn t102_a_heavy_head_keeps_its_claim_against_light_arrivals() {
    let (mut bulkhead, mut permits) = full(settings(4, 10));
    let (large, _) = queued(acquire(&mut bulkhead, 3, 0));
    let small = wait(&mut bulkhead, 2);
    for released in 1..=3 {
        bulkhead.release(permits.remove(0), millis(1), at(1));
        let (late, _) = queued(bulkhead.acquire(at(1), Instant::NEVER));
        bulkhead.leave(late, at(1));
        let expected = if released == 3 { Some(large) } else { None };
        assert_eq!(bulkhead.next_grant(at(1)), expected, "{released} free");
    }
    let held = claimed(bulkhead.claim(large, at(1)));
    assert_eq!((held.weight(), bulkhead.snapshot().in_use), (3, 4));
    bulkhead.release(held, millis(1), at(2));
    assert_eq!(grants(&mut bulkhead, at(2)), small);
}

#[test]
fn t102_more_than_there_is_is_an_error_at_once() {
    let mut bulkhead = Bulkhead::new(settings(4, 10));
    let mut events = Vec::new();
    let error = bulkhead.acquire_weighted(heavy(5), at(0), &mut events).unwrap_err();
    assert_eq!(error, TooHeavy { weight: 5, limit: 4 });
    assert_eq!(error.to_string(), "5 permits were asked for where 4 may be in use");
    assert_eq!(causes(&events), [RejectCause::TooHeavy]);
    let _all = permit(acquire(&mut bulkhead, 4, 0));
    assert_eq!((bulkhead.snapshot().too_heavy, bulkhead.snapshot().in_use), (1, 4));
}

#[test]
fn at_once_is_at_once_or_not_at_all() {
    let mut bulkhead = Bulkhead::new(settings(4, 10));
    assert_eq!(bulkhead.in_use(), 0);
    let first = bulkhead.acquire_at_once(3, at(0)).unwrap();
    assert_eq!((first.weight(), bulkhead.in_use()), (3, 3));
    assert!(bulkhead.acquire_at_once(2, at(0)).is_none(), "one is free");
    let none = bulkhead.acquire_at_once(0, at(0)).unwrap();
    assert_eq!((none.weight(), bulkhead.in_use()), (1, 4), "none counts as one");
    let (waiter, _) = queued(acquire(&mut bulkhead, 2, 0));
    bulkhead.release(none, millis(1), at(1));
    assert!(bulkhead.acquire_at_once(1, at(1)).is_none(), "it would overtake");
    bulkhead.leave(waiter, at(1));
    assert!(bulkhead.acquire_at_once(1, at(1)).is_some());
}

#[test]
fn t102_a_head_that_a_lowered_limit_makes_impossible_blocks_nobody() {
    let (mut bulkhead, mut permits) = full(settings(4, 10));
    let (large, _) = queued(acquire(&mut bulkhead, 4, 0));
    let small = wait(&mut bulkhead, 1);
    bulkhead.set_limit(2, at(0));
    permits.drain(..).for_each(|permit| bulkhead.release(permit, millis(1), at(1)));
    let mut events = Vec::new();
    assert_eq!(bulkhead.next_grant_reporting(at(1), &mut events), Some(small[0]));
    assert_eq!(
        (causes(&events), events[0].waiter),
        ([RejectCause::TooHeavy].to_vec(), Some(large))
    );
    assert!(matches!(bulkhead.claim(large, at(1)), Claimed::Gone));
}

#[test]
fn t95_a_heavy_head_that_leaves_serves_those_behind_it() {
    let (mut bulkhead, mut permits) = full(settings(4, 10));
    let (large, _) = queued(acquire(&mut bulkhead, 4, 0));
    let small = wait(&mut bulkhead, 3);
    permits.drain(..2).for_each(|permit| bulkhead.release(permit, millis(1), at(1)));
    assert_eq!(bulkhead.next_grant(at(1)), None);
    bulkhead.leave(large, at(1));
    assert_eq!(grants(&mut bulkhead, at(1)), small[..2]);
}

#[test]
fn t95_a_granted_heavy_one_that_leaves_gives_all_of_it_back() {
    let (mut bulkhead, mut permits) = full(settings(3, 10));
    let (large, _) = queued(acquire(&mut bulkhead, 3, 0));
    let small = wait(&mut bulkhead, 3);
    permits.drain(..).for_each(|permit| bulkhead.release(permit, millis(1), at(1)));
    assert_eq!(grants(&mut bulkhead, at(1)), [large]);
    bulkhead.leave(large, at(1));
    assert_eq!(grants(&mut bulkhead, at(1)), small);
}

#[test]
fn the_estimate_counts_what_those_before_weigh() {
    let (mut bulkhead, mut permits) = full(settings(10, 100));
    teach(&mut bulkhead, &mut permits, millis(50));
    (0..4).for_each(|_| _ = queued(acquire(&mut bulkhead, 10, 0)));
    let need = |weight, until| Need {
        weight,
        useful_until: at(until),
        class: Class::Normal,
        patience: Patience::Usual,
    };
    let refusal = bulkhead.acquire_weighted(need(1, 204), at(0), &mut Discard).unwrap();
    assert_eq!(refused(refusal), (Reason::QueueWait, at(205)));
    queued(bulkhead.acquire_weighted(need(1, 205), at(0), &mut Discard).unwrap());
}

#[test]
fn a_weight_of_nothing_counts_as_one() {
    let mut bulkhead = Bulkhead::new(settings(1, 0));
    assert_eq!(permit(acquire(&mut bulkhead, 0, 0)).weight(), 1);
    assert!(!bulkhead.has_free_permit());
}

#[test]
fn t101_a_limit_set_at_run_time_drains_and_a_raised_one_serves() {
    let (mut bulkhead, mut permits) = full(settings(4, 10));
    let waiters = wait(&mut bulkhead, 4);
    bulkhead.set_limit(2, at(0));
    permits.drain(..2).for_each(|permit| bulkhead.release(permit, millis(1), at(1)));
    assert_eq!(grants(&mut bulkhead, at(1)), []);
    let snapshot = bulkhead.snapshot();
    assert_eq!((snapshot.permits, snapshot.limit, snapshot.in_use), (4, 2, 2));
    bulkhead.set_limit(3, at(1));
    assert_eq!(grants(&mut bulkhead, at(1)), waiters[..1]);
    bulkhead.set_limit(u32::MAX, at(1));
    assert_eq!(bulkhead.snapshot().limit, 4, "never beyond the permits");
    assert_eq!(grants(&mut bulkhead, at(1)), waiters[1..2]);
    bulkhead.set_limit(0, at(1));
    assert_eq!(bulkhead.snapshot().limit, 1, "never none");
}

#[test]
fn a_reload_keeps_the_limit_set_at_run_time() {
    let mut bulkhead = Bulkhead::new(settings(10, 0));
    bulkhead.set_limit(3, at(0));
    bulkhead.reconfigure(settings(2, 0));
    assert_eq!(bulkhead.snapshot().limit, 2);
    bulkhead.reconfigure(settings(10, 0));
    assert_eq!(bulkhead.snapshot().limit, 3);
}

#[test]
fn every_rejection_is_reported_with_its_cause() {
    let mut events = Vec::new();
    let mut bulkhead = Bulkhead::new(settings(1, 0));
    let _held = permit(bulkhead.acquire(at(0), Instant::NEVER));
    refused(bulkhead.acquire_weighted(heavy(1), at(0), &mut events).unwrap());
    let (mut bulkhead, _permits) = full(settings(1, 1));
    let soon =
        Need { weight: 1, useful_until: at(0), class: Class::Normal, patience: Patience::Usual };
    refused(bulkhead.acquire_weighted(soon, at(0), &mut events).unwrap());
    let (waiter, until) = queued(acquire(&mut bulkhead, 1, 0));
    refused(bulkhead.acquire_weighted(heavy(1), at(0), &mut events).unwrap());
    bulkhead.leave_reporting(waiter, until, &mut events);
    let expected =
        [RejectCause::Full, RejectCause::WaitTooLong, RejectCause::QueueFull, RejectCause::Expired];
    assert_eq!(causes(&events), expected);
    let expired = events.last().unwrap();
    assert_eq!((expired.waiter, expired.waited), (Some(waiter), millis(1_000)));
    assert_eq!((expired.in_use, expired.limit, expired.queued), (1, 1, 0));
}

#[test]
fn t96_an_arrival_reports_the_dead_that_it_finds() {
    let (mut bulkhead, _permits) = full(settings(1, 2));
    let dead = wait(&mut bulkhead, 2);
    let mut events = Vec::new();
    queued(bulkhead.acquire_weighted(heavy(1), at(1_001), &mut events).unwrap());
    let waiters: Vec<_> = events.iter().map(|event| event.waiter).collect();
    assert_eq!(waiters, [Some(dead[0]), Some(dead[1])]);
}

/// One permit, and at each time a waiter that came so many milliseconds before it.
fn codel() -> (Bulkhead, Vec<Permit>) {
    full(BulkheadSettings { order: QueueOrder::CoDel, ..settings(1, 100) })
}

#[test]
fn bh_3_a_standing_queue_sheds_who_waited_too_long() {
    let (mut bulkhead, mut permits) = codel();
    let mut turn = |waits: &[u64], now: u64, events: &mut Vec<BulkheadRejected>| {
        let waiters: Vec<_> = waits
            .iter()
            .map(|wait| queued(bulkhead.acquire(at(now - wait), Instant::NEVER)).0)
            .collect();
        bulkhead.release(permits.pop().unwrap(), Duration::ZERO, at(now));
        let served = bulkhead.next_grant_reporting(at(now), events).unwrap();
        permits.push(claimed(bulkhead.claim(served, at(now))));
        waiters.iter().position(|waiter| *waiter == served).unwrap()
    };
    let mut events = Vec::new();
    // The permit at the epoch waited for nothing; the interval of 7 ms begins at 100.
    turn(&[7], 100, &mut events);
    turn(&[9], 200, &mut events);
    assert_eq!(turn(&[9], 220, &mut events), 0);
    assert_eq!(turn(&[12, 4], 240, &mut events), 1);
    assert_eq!(causes(&events), [RejectCause::CoDel]);
    assert_eq!(events[0].waited, millis(12));
    turn(&[12], 300, &mut events);
    assert_eq!(turn(&[12], 320, &mut events), 0, "a least wait of 4 ms has ended it");
    assert_eq!(bulkhead.snapshot().shed, 1);
}

#[test]
fn settings_that_cannot_work_are_named() {
    let field = |settings: BulkheadSettings| settings.validate().unwrap_err().field();
    assert!(BulkheadSettings::default().validate().is_ok());
    assert_eq!(field(settings(0, 0)), "permits");
    assert_eq!(field(settings(1, QUEUE_MAX + 1)), "queue");
    let hasty = BulkheadSettings { max_wait: Duration::ZERO, ..settings(1, 1) };
    assert_eq!(field(hasty), "max_wait");
    assert!(BulkheadSettings { queue: 0, ..hasty }.validate().is_ok());
}

#[derive(Clone, Copy, Debug)]
enum Operation {
    Wait(u64),
    Acquire(u32),
    Drain,
    Leave(usize),
    Release(usize),
    Limit(u32),
}

fn operation() -> impl Strategy<Value = Operation> {
    prop_oneof![
        2 => (0_u64..300).prop_map(Operation::Wait),
        8 => (0_u32..6).prop_map(Operation::Acquire),
        4 => Just(Operation::Drain),
        3 => any::<usize>().prop_map(Operation::Leave),
        5 => any::<usize>().prop_map(Operation::Release),
        2 => (0_u32..8).prop_map(Operation::Limit),
    ]
}

/// Who waits, in order: the waiter, its weight, and when it gives up.
type Line = Vec<(Waiter, u32, Instant)>;

/// Whom a naive line would serve now, and whom it would drop on the way.
fn serve(line: &mut Line, mut free: u32, (limit, now): (u32, Instant)) -> (Vec<Waiter>, u32) {
    let (mut served, mut dropped) = (Vec::new(), 0);
    while free > 0 && !line.is_empty() {
        let (waiter, weight, until) = line[0];
        if until < now || weight > limit {
            dropped += 1;
        } else if weight <= free {
            free -= weight;
            served.push(waiter);
        } else {
            break;
        }
        line.remove(0);
    }
    (served, dropped)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn heavy_calls_agree_with_a_naive_line(
        operations in prop::collection::vec(operation(), 1..120),
    ) {
        let mut bulkhead = Bulkhead::new(settings(6, 8));
        let (mut now, mut limit) = (at(0), 6);
        let (mut line, mut held): (Line, Vec<Permit>) = (Vec::new(), Vec::new());
        for operation in operations {
            let in_use = held.iter().map(Permit::weight).sum::<u32>();
            match operation {
                Operation::Wait(time) => now = now.after(millis(time)),
                Operation::Acquire(weight) => {
                    let acquired = bulkhead.acquire_weighted(heavy(weight), now, &mut Discard);
                    let weight = weight.max(1);
                    let Ok(acquired) = acquired else {
                        prop_assert!(weight > limit);
                        continue;
                    };
                    while line.first().is_some_and(|(_, _, until)| *until < now) {
                        line.remove(0);
                    }
                    match acquired {
                        Acquired::Permit(permit) => {
                            prop_assert!(line.is_empty() && in_use + weight <= limit);
                            held.push(permit);
                        }
                        Acquired::Queued { waiter, until } => {
                            prop_assert!(!line.is_empty() || in_use + weight > limit);
                            line.push((waiter, weight, until));
                        }
                        Acquired::Refused { .. } => prop_assert_eq!(line.len(), 8),
                    }
                }
                Operation::Drain => {
                    let free = limit.saturating_sub(in_use);
                    let (served, dropped) = serve(&mut line, free, (limit, now));
                    let mut events = Vec::new();
                    let granted: Vec<_> = core::iter::from_fn(|| {
                        bulkhead.next_grant_reporting(now, &mut events)
                    }).collect();
                    prop_assert_eq!(&granted, &served);
                    prop_assert_eq!(events.len(), usize::try_from(dropped).unwrap());
                    held.extend(granted.into_iter().map(|one| claimed(bulkhead.claim(one, now))));
                }
                Operation::Leave(index) if !line.is_empty() => {
                    let (waiter, ..) = line.remove(index % line.len());
                    bulkhead.leave(waiter, now);
                }
                Operation::Release(index) if !held.is_empty() => {
                    let permit = held.swap_remove(index % held.len());
                    bulkhead.release(permit, Duration::ZERO, now);
                }
                Operation::Limit(to) => {
                    limit = to.clamp(1, 6);
                    bulkhead.set_limit(to, now);
                }
                Operation::Leave(_) | Operation::Release(_) => {}
            }
            let in_use = held.iter().map(Permit::weight).sum::<u32>();
            let snapshot = bulkhead.snapshot();
            prop_assert_eq!((snapshot.in_use, snapshot.limit), (in_use, limit));
            prop_assert_eq!(snapshot.queued as usize, line.len());
        }
    }
}
