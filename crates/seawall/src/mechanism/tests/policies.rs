//! Tests of the policies with one mechanism.

use std::future::{pending, ready};
use std::sync::atomic::{AtomicU32, Ordering};

use seawall_core::reason::Reason;

use super::ms;
use crate::{Hedge, Policy, Retry};

#[tokio::test(start_paused = true)]
async fn a_timeout_alone_ends_a_call() {
    let policy = Policy::timeout(ms(50)).unwrap();
    let error = policy.call(|_| pending::<Result<(), ()>>()).await.unwrap_err();
    assert_eq!((error.reason(), error.attempts()), (Reason::DeadlineExceeded, 1));
    assert!(Policy::timeout(ms(0)).is_err());
}

#[tokio::test(start_paused = true)]
async fn retries_alone_repeat_what_may_be_repeated() {
    let policy = Policy::retry(Retry::attempts(3)).unwrap();
    let failing = |_| ready(Err::<(), _>("down"));
    assert_eq!(policy.call(failing).idempotent().await.unwrap_err().attempts(), 3);
    assert_eq!(policy.call(failing).await.unwrap_err().attempts(), 1);
}

#[tokio::test(start_paused = true)]
async fn hedges_alone_answer_for_a_slow_attempt() {
    let policy = Policy::hedge(Hedge::after(ms(20))).unwrap();
    // The share of hedges is of calls that have been.
    for _ in 0..100 {
        policy.call(|_| ready(Ok::<_, ()>(()))).await.unwrap();
    }
    let attempts = AtomicU32::new(0);
    let answer = policy.call(|_| {
        let first = attempts.fetch_add(1, Ordering::Relaxed) == 0;
        async move { if first { pending().await } else { Ok::<_, ()>(7) } }
    });
    assert_eq!(answer.idempotent().await, Ok(7));
}
