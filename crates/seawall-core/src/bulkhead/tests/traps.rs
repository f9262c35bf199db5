//! Known bugs of others, each as a test.

use super::*;

#[test]
fn t91_the_last_permit_is_given_once() {
    let (mut bulkhead, mut permits) = full(settings(3, 2));
    let waiters = wait(&mut bulkhead, 2);
    bulkhead.release(permits.remove(0), millis(1), at(1));
    assert_eq!(grants(&mut bulkhead, at(1)), [waiters[0]]);
    assert_eq!(bulkhead.snapshot().in_use, 3, "granted and not yet claimed is in use");
    assert!(!bulkhead.has_free_permit());
    let _permit = claimed(bulkhead.claim(waiters[0], at(1)));
    assert_eq!(bulkhead.snapshot().in_use, 3, "claiming takes nothing more");
    assert_eq!(grants(&mut bulkhead, at(1)), []);
}

#[test]
fn t92_a_full_compartment_queues_for_as_long_as_the_deadline_allows() {
    let (mut bulkhead, mut permits) = full(settings(1, 1));
    let (waiter, until) = queued(bulkhead.acquire(at(0), at(40)));
    assert_eq!(until, at(40));
    bulkhead.release(permits.remove(0), millis(40), at(40));
    assert_eq!(bulkhead.next_grant(at(40)), Some(waiter), "the last instant still counts");
}

#[test]
fn t95_the_next_is_served_when_the_head_has_left() {
    let (mut bulkhead, mut permits) = full(settings(1, 3));
    let waiters = wait(&mut bulkhead, 3);
    bulkhead.leave(waiters[0], at(1));
    bulkhead.release(permits.remove(0), millis(2), at(2));
    assert_eq!(grants(&mut bulkhead, at(2)), [waiters[1]]);
    assert_eq!(bulkhead.snapshot().expired, 0, "leaving early is not expiring");
}

#[test]
fn t95_a_waiter_that_leaves_after_its_wake_up_passes_the_permit_on() {
    let (mut bulkhead, mut permits) = full(settings(1, 3));
    let waiters = wait(&mut bulkhead, 3);
    bulkhead.release(permits.remove(0), millis(2), at(2));
    assert_eq!(grants(&mut bulkhead, at(2)), [waiters[0]]);
    bulkhead.leave(waiters[0], at(2));
    assert_eq!(grants(&mut bulkhead, at(2)), [waiters[1]]);
    bulkhead.leave(waiters[1], at(2));
    bulkhead.leave(waiters[2], at(2));
    assert_eq!(bulkhead.snapshot().in_use, 0, "nobody is left to pass it on to");
    let _permit = permit(bulkhead.acquire(at(2), Instant::NEVER));
}

#[test]
fn t95_a_waiter_that_leaves_from_the_middle_breaks_no_link() {
    for gone in 0..3 {
        let (mut bulkhead, mut permits) = full(settings(3, 3));
        let mut waiters = wait(&mut bulkhead, 3);
        bulkhead.leave(waiters.remove(gone), at(1));
        permits.drain(..).for_each(|permit| bulkhead.release(permit, millis(1), at(1)));
        assert_eq!(grants(&mut bulkhead, at(1)), waiters);
    }
}

#[test]
fn t96_a_waiter_whose_time_has_passed_is_dropped_and_counted() {
    let (mut bulkhead, mut permits) = full(settings(1, 3));
    let (dead, _) = queued(bulkhead.acquire(at(0), at(10)));
    let (alive, _) = queued(bulkhead.acquire(at(0), at(11)));
    bulkhead.release(permits.remove(0), millis(11), at(11));
    assert_eq!(grants(&mut bulkhead, at(11)), [alive]);
    assert_eq!(bulkhead.snapshot().expired, 1);
    assert!(matches!(bulkhead.claim(dead, at(11)), Claimed::Gone));
    bulkhead.leave(dead, at(11));
    assert_eq!(bulkhead.snapshot().expired, 1, "it expired once");
}

#[test]
fn t96_a_waiter_that_leaves_when_its_time_is_over_counts_as_expired() {
    let (mut bulkhead, _permits) = full(settings(1, 3));
    let (waiter, until) = queued(bulkhead.acquire(at(0), at(10)));
    bulkhead.leave(waiter, until);
    assert_eq!(bulkhead.snapshot().expired, 1);
}

#[test]
fn t97_as_many_waiters_wake_as_permits_come_free() {
    let (mut bulkhead, mut permits) = full(settings(4, 8));
    let waiters = wait(&mut bulkhead, 6);
    permits.drain(..3).for_each(|permit| bulkhead.release(permit, millis(1), at(1)));
    assert_eq!(grants(&mut bulkhead, at(1)), waiters[..3]);
    bulkhead.release(permits.remove(0), millis(1), at(1));
    assert_eq!(grants(&mut bulkhead, at(1)), [waiters[3]]);
    assert_eq!(bulkhead.snapshot().queued, 2);
}

#[test]
fn t98_a_releaser_that_comes_back_at_once_queues_behind_those_who_wait() {
    let (mut bulkhead, mut permits) = full(settings(1, 2));
    let first = wait(&mut bulkhead, 1)[0];
    bulkhead.release(permits.remove(0), millis(1), at(1));
    let (releaser, _) = queued(bulkhead.acquire(at(1), Instant::NEVER));
    assert_eq!(grants(&mut bulkhead, at(1)), [first]);
    let held = claimed(bulkhead.claim(first, at(1)));
    bulkhead.release(held, millis(1), at(2));
    assert_eq!(grants(&mut bulkhead, at(2)), [releaser]);
}

#[test]
fn t98_not_even_the_last_place_of_the_queue_is_bought_with_a_free_permit() {
    let (mut bulkhead, mut permits) = full(settings(1, 1));
    let first = wait(&mut bulkhead, 1)[0];
    bulkhead.release(permits.remove(0), millis(1), at(1));
    assert_eq!(refused(bulkhead.acquire(at(1), Instant::NEVER)).0, Reason::QueueFull);
    assert_eq!(grants(&mut bulkhead, at(1)), [first]);
}

#[test]
fn t99_a_released_permit_is_free_in_the_same_step() {
    let (mut bulkhead, mut permits) = full(settings(2, 0));
    bulkhead.release(permits.remove(0), millis(1), at(1));
    assert_eq!(bulkhead.snapshot().in_use, 1);
    assert!(bulkhead.has_free_permit());
    let _permit = permit(bulkhead.acquire(at(1), Instant::NEVER));
}

#[test]
fn t101_a_limit_below_what_is_in_use_drains_and_cancels_nobody() {
    let (mut bulkhead, mut permits) = full(settings(5, 2));
    let waiters = wait(&mut bulkhead, 2);
    bulkhead.reconfigure(settings(2, 2));
    for in_use in [4, 3, 2] {
        bulkhead.release(permits.remove(0), millis(1), at(1));
        assert_eq!(grants(&mut bulkhead, at(1)), []);
        assert_eq!(bulkhead.snapshot().in_use, in_use);
    }
    bulkhead.release(permits.remove(0), millis(1), at(1));
    assert_eq!(grants(&mut bulkhead, at(1)), [waiters[0]]);
    assert_eq!(bulkhead.snapshot().in_use, 2);
}

#[test]
fn t101_a_granted_permit_survives_a_lowered_limit() {
    let (mut bulkhead, mut permits) = full(settings(2, 2));
    let waiters = wait(&mut bulkhead, 2);
    permits.drain(..).for_each(|permit| bulkhead.release(permit, millis(1), at(1)));
    assert_eq!(grants(&mut bulkhead, at(1)), waiters);
    bulkhead.reconfigure(settings(1, 2));
    let held: Vec<_> =
        waiters.iter().map(|waiter| claimed(bulkhead.claim(*waiter, at(2)))).collect();
    assert_eq!(bulkhead.snapshot().in_use, 2);
    held.into_iter().for_each(|permit| bulkhead.release(permit, millis(1), at(3)));
    assert_eq!(bulkhead.snapshot().in_use, 0);
}

/// A place in the queue is free for the next as soon as its waiter was granted: being slow to
/// claim must not look like a full queue.
#[test]
fn t104_waiters_on_their_way_to_claim_fill_no_queue() {
    let (mut bulkhead, mut permits) = full(settings(3, 1));
    let mut woken = Vec::new();
    for permit in permits.drain(..) {
        let waiter = wait(&mut bulkhead, 1)[0];
        bulkhead.release(permit, millis(1), at(0));
        woken.extend(grants(&mut bulkhead, at(0)));
        assert_eq!(woken.last(), Some(&waiter));
    }
    wait(&mut bulkhead, 1);
    let snapshot = bulkhead.snapshot();
    assert_eq!((snapshot.unclaimed, snapshot.queued, snapshot.in_use), (3, 1, 3));
}

/// Found by random operations: three unclaimed grants from a larger limit left no slot for the
/// second place of the queue.
#[test]
fn t104_grants_of_a_larger_limit_take_no_place_of_a_queue_set_later() {
    let (mut bulkhead, mut permits) = full(settings(2, 2));
    let waiters = wait(&mut bulkhead, 2);
    bulkhead.release(permits.remove(0), millis(0), at(0));
    assert_eq!(grants(&mut bulkhead, at(0)), waiters[..1]);
    wait(&mut bulkhead, 1);
    bulkhead.reconfigure(settings(4, 0));
    assert_eq!(grants(&mut bulkhead, at(0)).len(), 2);
    bulkhead.reconfigure(settings(1, 2));
    wait(&mut bulkhead, 2);
    let snapshot = bulkhead.snapshot();
    assert_eq!((snapshot.unclaimed, snapshot.queued, snapshot.in_use), (3, 2, 4));
}
