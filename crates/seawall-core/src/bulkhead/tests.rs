//! The worked example, the edges of settings and queue, and the ground that the other tests share.

mod blocking;
mod priority;
mod property;
mod traps;
mod weights;

use super::*;
use crate::reason::Reason;
use crate::time::{Duration, Instant};
use std::vec::Vec;

/// Milliseconds after the epoch.
fn at(millis: u64) -> Instant {
    Instant::from_millis(millis)
}

fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn settings(permits: u32, queue: u32) -> BulkheadSettings {
    BulkheadSettings { permits, queue, max_wait: millis(1_000), order: QueueOrder::Fifo }
}

fn permit(acquired: Acquired) -> Permit {
    let Acquired::Permit(permit) = acquired else { panic!("{acquired:?} is no permit") };
    permit
}

fn queued(acquired: Acquired) -> (Waiter, Instant) {
    let Acquired::Queued { waiter, until } = acquired else { panic!("{acquired:?} is no place") };
    (waiter, until)
}

fn refused(acquired: Acquired) -> (Reason, Instant) {
    let Acquired::Refused { reason, retry_at } = acquired else {
        panic!("{acquired:?} is no refusal")
    };
    (reason, retry_at)
}

fn claimed(claimed: Claimed) -> Permit {
    let Claimed::Permit(permit) = claimed else { panic!("{claimed:?} is no permit") };
    permit
}

/// A compartment whose permits are all taken at the epoch, and those permits.
fn full(settings: BulkheadSettings) -> (Bulkhead, Vec<Permit>) {
    let mut bulkhead = Bulkhead::new(settings);
    let permits =
        (0..settings.permits).map(|_| permit(bulkhead.acquire(at(0), Instant::NEVER))).collect();
    (bulkhead, permits)
}

/// So many waiters without deadline, all at the epoch.
fn wait(bulkhead: &mut Bulkhead, waiters: u32) -> Vec<Waiter> {
    let mut one = || queued(bulkhead.acquire(at(0), Instant::NEVER)).0;
    (0..waiters).map(|_| one()).collect()
}

fn grants(bulkhead: &mut Bulkhead, now: Instant) -> Vec<Waiter> {
    core::iter::from_fn(|| bulkhead.next_grant(now)).collect()
}

/// Makes the smoothed service time exactly `service`, then takes the permit back.
fn teach(bulkhead: &mut Bulkhead, permits: &mut Vec<Permit>, service: Duration) {
    bulkhead.release(permits.pop().unwrap(), service, at(0));
    permits.push(permit(bulkhead.acquire(at(0), Instant::NEVER)));
}

#[test]
fn bh_2_an_arrival_that_would_wait_past_its_deadline_is_refused_at_once() {
    let (mut bulkhead, mut permits) = full(settings(10, 100));
    teach(&mut bulkhead, &mut permits, millis(50));
    wait(&mut bulkhead, 40);
    let (reason, retry_at) = refused(bulkhead.acquire(at(0), at(150)));
    assert_eq!((reason, retry_at), (Reason::QueueWait, at(205)), "41 · 50 ms / 10");
    refused(bulkhead.acquire(at(0), Instant::from_nanos(204_999_999)));
    let (_, until) = queued(bulkhead.acquire(at(0), at(205)));
    assert_eq!(until, at(205));
    assert_eq!(bulkhead.snapshot().rejected.queue_wait, 2);
}

#[test]
fn an_estimate_above_the_longest_wait_refuses_too() {
    let impatient = BulkheadSettings { max_wait: millis(100), ..settings(1, 10) };
    let (mut bulkhead, mut permits) = full(impatient);
    teach(&mut bulkhead, &mut permits, millis(40));
    wait(&mut bulkhead, 2);
    let (reason, retry_at) = refused(bulkhead.acquire(at(0), Instant::NEVER));
    assert_eq!((reason, retry_at), (Reason::QueueWait, at(120)));
}

#[test]
fn the_newest_of_a_lifo_queue_is_next_and_estimated_so() {
    let lifo = BulkheadSettings { order: QueueOrder::Lifo, ..settings(1, 10) };
    let (mut bulkhead, mut permits) = full(lifo);
    teach(&mut bulkhead, &mut permits, millis(600));
    let waiters = wait(&mut bulkhead, 3);
    bulkhead.release(permits.remove(0), millis(600), at(1));
    assert_eq!(grants(&mut bulkhead, at(1)), [waiters[2]]);
}

#[test]
fn an_unknown_service_time_refuses_nobody_by_estimate() {
    let (mut bulkhead, _permits) = full(settings(1, 50));
    assert_eq!(bulkhead.queued(), 0);
    wait(&mut bulkhead, 49);
    queued(bulkhead.acquire(at(0), at(1)));
    assert_eq!(bulkhead.queued(), 50);
    assert_eq!(bulkhead.snapshot().service_time, None);
}

#[test]
fn whoever_has_no_time_to_wait_is_refused_unless_a_permit_is_free() {
    let (mut bulkhead, mut permits) = full(settings(1, 5));
    assert_eq!(refused(bulkhead.acquire(at(7), at(7))).0, Reason::QueueWait);
    assert_eq!(refused(bulkhead.acquire(at(7), at(3))).0, Reason::QueueWait);
    bulkhead.release(permits.remove(0), millis(7), at(7));
    let _permit = permit(bulkhead.acquire(at(7), at(3)));
}

#[test]
fn a_wait_ends_at_the_longest_wait_or_when_it_is_of_no_more_use() {
    let (mut bulkhead, _permits) = full(settings(1, 5));
    assert_eq!(queued(bulkhead.acquire(at(100), Instant::NEVER)).1, at(1_100));
    assert_eq!(queued(bulkhead.acquire(at(100), at(250))).1, at(250));
}

#[test]
fn a_full_compartment_without_a_queue_refuses_as_full() {
    let (mut bulkhead, mut permits) = full(settings(2, 0));
    let (reason, retry_at) = refused(bulkhead.acquire(at(0), Instant::NEVER));
    assert_eq!((reason, retry_at), (Reason::BulkheadFull, at(1_000)), "nothing better is known");
    teach(&mut bulkhead, &mut permits, millis(30));
    assert_eq!(refused(bulkhead.acquire(at(0), Instant::NEVER)).1, at(15));
    assert_eq!(bulkhead.snapshot().rejected, Rejections { full: 2, ..Default::default() });
    assert_eq!(bulkhead.snapshot().rejected.total(), 2);
}

#[test]
fn estimates_round_up() {
    let (mut bulkhead, mut permits) = full(settings(3, 1));
    teach(&mut bulkhead, &mut permits, millis(10));
    let third = Instant::from_nanos(3_333_334);
    let (_, retry_at) = refused(bulkhead.acquire(at(0), Instant::from_nanos(3_333_333)));
    assert_eq!(retry_at, third);
    assert_eq!(queued(bulkhead.acquire(at(0), third)).1, third);
}

#[test]
fn a_full_queue_refuses_as_such() {
    let (mut bulkhead, _permits) = full(settings(1, 2));
    wait(&mut bulkhead, 2);
    assert_eq!(refused(bulkhead.acquire(at(0), Instant::NEVER)).0, Reason::QueueFull);
    assert_eq!(bulkhead.snapshot().rejected, Rejections { queue_full: 1, ..Default::default() });
}

#[test]
fn the_dead_do_not_fill_the_queue() {
    let (mut bulkhead, _permits) = full(settings(1, 2));
    wait(&mut bulkhead, 2);
    let late = at(1_001);
    queued(bulkhead.acquire(late, Instant::NEVER));
    let snapshot = bulkhead.snapshot();
    assert_eq!((snapshot.queued, snapshot.expired), (1, 2));
}

#[test]
fn a_waiter_woken_too_early_keeps_its_place() {
    let (mut bulkhead, mut permits) = full(settings(1, 2));
    let waiters = wait(&mut bulkhead, 1);
    assert!(matches!(bulkhead.claim(waiters[0], at(5)), Claimed::StillWaiting));
    bulkhead.release(permits.remove(0), millis(6), at(6));
    assert_eq!(grants(&mut bulkhead, at(6)), waiters);
    let _permit = claimed(bulkhead.claim(waiters[0], at(6)));
}

#[test]
fn a_stale_waiter_is_recognised_though_its_slot_is_taken_again() {
    let (mut bulkhead, mut permits) = full(settings(1, 1));
    let stale = wait(&mut bulkhead, 1)[0];
    bulkhead.leave(stale, at(0));
    let current = wait(&mut bulkhead, 1)[0];
    assert!(matches!(bulkhead.claim(stale, at(1)), Claimed::Gone));
    bulkhead.leave(stale, at(1));
    bulkhead.release(permits.remove(0), millis(1), at(1));
    assert_eq!(grants(&mut bulkhead, at(1)), [current]);
    assert!(matches!(bulkhead.claim(stale, at(1)), Claimed::Gone));
    bulkhead.leave(stale, at(1));
    let _permit = claimed(bulkhead.claim(current, at(1)));
    assert!(matches!(bulkhead.claim(current, at(1)), Claimed::Gone), "claimed once");
}

#[test]
fn the_service_time_follows_an_eighth_of_each_change() {
    let mut bulkhead = Bulkhead::new(settings(1, 0));
    let mut serve = |held: u64| {
        let permit = permit(bulkhead.acquire(at(0), Instant::NEVER));
        bulkhead.release(permit, Duration::from_nanos(held), at(0));
        bulkhead.snapshot().service_time.unwrap().as_nanos()
    };
    assert_eq!(serve(800), 800);
    assert_eq!(serve(1_600), 900);
    assert_eq!(serve(900), 900);
    assert_eq!(serve(100), 800);
    (0..100).for_each(|_| _ = serve(8_000));
    assert_eq!(serve(8_000), 8_000, "what division cuts off is not lost");
    (0..200).for_each(|_| _ = serve(1));
    assert_eq!(serve(1), 1);
}

#[test]
fn a_permit_given_back_unused_is_no_sample() {
    let (mut bulkhead, mut permits) = full(settings(1, 5));
    teach(&mut bulkhead, &mut permits, Duration::ZERO);
    assert_eq!(bulkhead.snapshot().service_time, None);
    teach(&mut bulkhead, &mut permits, millis(50));
    teach(&mut bulkhead, &mut permits, Duration::ZERO);
    assert_eq!(bulkhead.snapshot().service_time, Some(millis(50)));
}

#[test]
fn absurd_service_times_saturate() {
    let (mut bulkhead, mut permits) = full(settings(1, 5));
    teach(&mut bulkhead, &mut permits, Duration::MAX);
    teach(&mut bulkhead, &mut permits, Duration::MAX);
    assert_eq!(refused(bulkhead.acquire(at(0), Instant::NEVER)).0, Reason::QueueWait);
}

#[test]
fn no_permits_are_taken_as_one_and_the_default_bounds_nothing() {
    let (bulkhead, _permit) = full(settings(1, 0));
    assert_eq!(Bulkhead::new(settings(0, 0)).snapshot().permits, bulkhead.snapshot().permits);
    let unbounded = Bulkhead::new(BulkheadSettings::default()).snapshot();
    assert_eq!((unbounded.permits, unbounded.queue), (u32::MAX, 0));
    assert_eq!(Bulkhead::new(settings(1, u32::MAX)).snapshot().queue, QUEUE_MAX);
    let mut reloaded = Bulkhead::new(settings(2, 2));
    reloaded.reconfigure(settings(0, u32::MAX));
    let snapshot = reloaded.snapshot();
    assert_eq!((snapshot.permits, snapshot.queue), (1, QUEUE_MAX));
}

#[test]
fn the_longest_queue_is_permitted_and_one_more_is_not() {
    assert_eq!(settings(1, QUEUE_MAX).validate(), Ok(()));
    assert_eq!(settings(1, QUEUE_MAX + 1).validate().unwrap_err().field(), "queue");
}

#[cfg(debug_assertions)]
#[test]
#[should_panic(expected = "more in use than permits")]
fn a_permit_that_does_not_exist_is_noticed() {
    let (mut bulkhead, _permits) = full(settings(2, 0));
    bulkhead.in_use += 1;
    bulkhead.invariants();
}

#[test]
fn a_raised_limit_serves_those_who_wait() {
    let (mut bulkhead, _permits) = full(settings(1, 5));
    let waiters = wait(&mut bulkhead, 4);
    bulkhead.reconfigure(settings(4, 5));
    assert_eq!(grants(&mut bulkhead, at(0)), waiters[..3]);
}

#[test]
fn a_shortened_queue_sends_nobody_away() {
    let (mut bulkhead, mut permits) = full(settings(2, 5));
    let waiters = wait(&mut bulkhead, 4);
    bulkhead.reconfigure(settings(2, 1));
    assert_eq!(refused(bulkhead.acquire(at(0), Instant::NEVER)).0, Reason::QueueFull);
    permits.drain(..).for_each(|permit| bulkhead.release(permit, millis(1), at(1)));
    assert_eq!(grants(&mut bulkhead, at(1)), waiters[..2]);
    assert_eq!(bulkhead.snapshot().queued, 2);
}

#[test]
fn another_order_holds_for_those_who_wait_already() {
    let (mut bulkhead, mut permits) = full(settings(2, 5));
    let waiters = wait(&mut bulkhead, 3);
    bulkhead.release(permits.remove(0), millis(1), at(1));
    assert_eq!(grants(&mut bulkhead, at(1)), [waiters[0]]);
    bulkhead.reconfigure(BulkheadSettings { order: QueueOrder::Lifo, ..settings(2, 5) });
    bulkhead.release(permits.remove(0), millis(1), at(1));
    assert_eq!(grants(&mut bulkhead, at(1)), [waiters[2]]);
}

#[test]
fn a_clock_that_steps_back_expires_nobody_and_revives_nobody() {
    let (mut bulkhead, mut permits) = full(settings(1, 5));
    let (waiter, until) = queued(bulkhead.acquire(at(500), Instant::NEVER));
    assert_eq!(queued(bulkhead.acquire(at(100), Instant::NEVER)).1, until);
    bulkhead.release(permits.remove(0), millis(1), at(100));
    assert_eq!(bulkhead.next_grant(at(100)), Some(waiter));
}
