//! T177: the happy path allocates nothing, counted by a global allocator (this file has a process
//! of its own for that).

#![expect(clippy::unwrap_used, reason = "what tests share fails like a test")]

use std::cell::Cell;
use std::future::{Future, poll_fn, ready};
use std::hint::black_box;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use seawall::{BreakerSettings, BulkheadSettings, Policy, Retry};

fn full() -> Policy {
    Policy::builder()
        .name("full")
        .attempt_timeout(Duration::from_secs(1))
        .retry(Retry::default())
        .idempotent()
        .breaker(BreakerSettings::for_upstream())
        .bulkhead(BulkheadSettings { permits: 64, queue: 64, ..BulkheadSettings::default() })
        .build()
        .unwrap()
}

#[test]
fn the_counter_counts() {
    let counted = allocation_counter::measure(|| drop(black_box(Box::new(1_u64))));
    assert_eq!(counted.count_total, 1);
}

/// Polls until it is over. A runtime of Tokio has to be there, for its timers.
fn drive<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return output;
        }
    }
}

/// Allocations of a thousand calls after a hundred.
fn allocations(call: impl Fn()) -> u64 {
    (0..100).for_each(|_| call());
    allocation_counter::measure(|| (0..1_000).for_each(|_| call())).count_total
}

#[tokio::test]
async fn t177_a_call_that_succeeds_at_once_allocates_nothing() {
    let policy = full();
    let counted = allocations(|| {
        let ended = drive(policy.call(|_| ready(Ok::<_, String>(black_box(7)))));
        assert_eq!(ended, Ok(7));
    });
    assert_eq!(counted, 0);
}

#[tokio::test]
async fn t177_a_call_that_has_to_be_waited_for_allocates_nothing() {
    let policy = full();
    let counted = allocations(|| {
        let polled = Cell::new(false);
        let ended = drive(policy.call(|_| {
            poll_fn(|_| match polled.replace(true) {
                true => Poll::Ready(Ok::<_, String>(7)),
                false => Poll::Pending,
            })
        }));
        assert_eq!(ended, Ok(7));
    });
    assert_eq!(counted, 0);
}

#[tokio::test]
async fn t177_a_call_with_a_fallback_that_is_not_needed_allocates_nothing() {
    let policy = full();
    let counted = allocations(|| {
        let ended = drive(policy.call(|_| ready(Ok::<_, String>(7))).fallback(|_| None));
        assert_eq!(ended.map(|answer| answer.value), Ok(7));
    });
    assert_eq!(counted, 0);
}

#[tokio::test]
async fn t177_calls_allocate_nothing_again_once_the_reader_of_decisions_has_gone() {
    let policy = full();
    let decisions = policy.decisions();
    let succeed = || assert_eq!(drive(policy.call(|_| ready(Ok::<_, String>(7)))), Ok(7));
    assert!(allocations(succeed) > 0, "somebody listens");
    drop(decisions);
    assert_eq!(allocations(succeed), 0);
}
