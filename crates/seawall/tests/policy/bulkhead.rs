//! The bulkhead as callers meet it, and the wake-ups of those who wait.

use std::future::{pending, ready};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use seawall::{Error, Policy, Reason};
use tokio::time::advance;

use crate::world::{Wakes, assert_nothing_held, ms, now, permits, poll, poll_with, s};

fn policy(number: u32, queue: u32) -> Policy {
    Policy::builder().bulkhead(permits(number, queue)).build().unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_full_compartment_without_a_queue_refuses_at_once() {
    let policy = policy(1, 0);
    let mut holder = pin!(policy.call(|_| pending::<Result<(), String>>()));
    assert!(poll(holder.as_mut()).is_pending());
    let ended = policy.call(|_| ready(Ok::<_, String>(()))).await;
    assert!(matches!(ended, Err(Error::Rejected { reason: Reason::BulkheadFull, .. })));
}

#[tokio::test(start_paused = true)]
async fn a_waiter_gets_the_permit_that_comes_free() {
    let policy = policy(1, 4);
    let work = |_| async {
        tokio::time::sleep(ms(100)).await;
        Ok::<_, String>(now())
    };
    let began = now();
    let (a, b, c) = tokio::join!(policy.call(work), policy.call(work), policy.call(work));
    let ends = [a, b, c].map(|end| end.unwrap() - began);
    assert_eq!(ends, [ms(100), ms(200), ms(300)]);
    assert_nothing_held(&policy);
}

#[tokio::test(start_paused = true)]
async fn a_wait_for_a_permit_ends_in_time() {
    let policy = policy(1, 1);
    let mut holder = pin!(policy.call(|_| pending::<Result<(), String>>()));
    assert!(poll(holder.as_mut()).is_pending());
    let began = now();
    let ended = policy.call(|_| ready(Ok::<_, String>(()))).await;
    assert_eq!(ended.unwrap_err().reason(), Reason::QueueWait);
    assert_eq!(began.elapsed(), s(1));
}

#[tokio::test(start_paused = true)]
async fn t95_a_waiter_that_leaves_passes_its_wake_up_on() {
    let policy = policy(1, 2);
    let mut holder = Box::pin(policy.call(|_| pending::<Result<(), String>>()));
    let work = |_| ready(Ok::<_, String>(()));
    let (mut first, mut second) = (Box::pin(policy.call(work)), Box::pin(policy.call(work)));
    let (wakes_first, wakes_second) = (Wakes::new(), Wakes::new());
    assert!(poll(holder.as_mut()).is_pending());
    assert!(poll_with(first.as_mut(), &wakes_first).is_pending());
    assert!(poll_with(second.as_mut(), &wakes_second).is_pending());
    // The permit comes free and is the first one's, which is gone before it takes it.
    drop(holder);
    assert_eq!((wakes_first.count(), wakes_second.count()), (1, 0));
    drop(first);
    assert_eq!(wakes_second.count(), 1);
    assert_eq!(poll_with(second.as_mut(), &wakes_second), Poll::Ready(Ok(())));
    assert_nothing_held(&policy);
}

#[tokio::test(start_paused = true)]
async fn t97_as_many_wake_as_permits_come_free() {
    let policy = policy(1, 8);
    let mut holder = Box::pin(policy.call(|_| pending::<Result<(), String>>()));
    assert!(poll(holder.as_mut()).is_pending());
    let wakes: Vec<_> = (0..5).map(|_| Wakes::new()).collect();
    let mut waiting: Vec<_> =
        wakes.iter().map(|_| Box::pin(policy.call(|_| ready(Ok::<_, String>(()))))).collect();
    for (call, wakes) in waiting.iter_mut().zip(&wakes) {
        assert!(poll_with(call.as_mut(), wakes).is_pending());
    }
    policy.reconfigure(|policy| policy.bulkhead(permits(4, 8))).unwrap();
    let woken: Vec<_> = wakes.iter().map(|wakes| wakes.count()).collect();
    assert_eq!(woken, [1, 1, 1, 0, 0]);
    // Each that ends wakes the next.
    for (call, wakes) in waiting.iter_mut().zip(&wakes) {
        assert_eq!(poll_with(call.as_mut(), wakes), Poll::Ready(Ok(())));
    }
    drop(holder);
    assert_nothing_held(&policy);
}

#[tokio::test(start_paused = true)]
async fn the_latest_waker_is_the_one_that_is_woken() {
    let policy = policy(1, 1);
    let mut holder = Box::pin(policy.call(|_| pending::<Result<(), String>>()));
    assert!(poll(holder.as_mut()).is_pending());
    let mut waiting = pin!(policy.call(|_| ready(Ok::<_, String>(()))));
    let (earlier, later) = (Wakes::new(), Wakes::new());
    assert!(poll_with(waiting.as_mut(), &earlier).is_pending());
    assert!(poll_with(waiting.as_mut(), &later).is_pending());
    assert_eq!(Arc::strong_count(&earlier), 1, "an outlived waker is not kept");
    drop(holder);
    assert_eq!((earlier.count(), later.count()), (0, 1));
}

#[tokio::test(start_paused = true)]
async fn t98_who_arrives_later_does_not_get_in_before_a_waiter() {
    let policy = policy(1, 2);
    let mut holder = Box::pin(policy.call(|_| pending::<Result<(), String>>()));
    assert!(poll(holder.as_mut()).is_pending());
    let mut waiting = pin!(policy.call(|_| pending::<Result<(), String>>()));
    assert!(poll(waiting.as_mut()).is_pending());
    drop(holder);
    let mut later = pin!(policy.call(|_| ready(Ok::<_, String>(()))));
    assert!(poll(later.as_mut()).is_pending(), "the permit is already the waiter's");
    assert!(poll(waiting.as_mut()).is_pending());
    assert_eq!(policy.snapshot().bulkhead.in_use, 1);
}

#[tokio::test(start_paused = true)]
async fn t96_a_waiter_whose_time_has_passed_is_not_run() {
    let policy = policy(1, 2);
    let mut holder = Box::pin(policy.call(|_| pending::<Result<(), String>>()));
    assert!(poll(holder.as_mut()).is_pending());
    let ran = std::cell::Cell::new(false);
    let mut waiting = pin!(policy.call(|_| {
        ran.set(true);
        ready(Ok::<_, String>(()))
    }));
    assert!(poll(waiting.as_mut()).is_pending());
    advance(s(2)).await;
    drop(holder);
    let Poll::Ready(Err(error)) = poll(waiting.as_mut()) else { panic!("still waits") };
    assert_eq!((error.reason(), ran.get()), (Reason::QueueWait, false));
    assert_eq!(policy.snapshot().bulkhead.expired, 1);
    assert_nothing_held(&policy);
}
