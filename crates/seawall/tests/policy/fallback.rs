//! What stands in, when, and how the caller is told.

use std::cell::Cell;
use std::future::{pending, ready};

use seawall::{Policy, Provenance, Reason};

use crate::world::{assert_nothing_held, ms, now, permits, s, steady, touchy};

#[tokio::test(start_paused = true)]
async fn a_good_answer_is_told_from_a_substitute() {
    let policy = Policy::builder().build().unwrap();
    let answer = policy.call(|_| ready(Ok::<_, String>(1))).fallback(|_| Some(2)).await.unwrap();
    assert_eq!((answer.value, answer.provenance), (1, Provenance::Attempt { number: 1 }));
    let call = policy.call(|_| ready(Err::<u32, _>("down")));
    let answer = call
        .fallback(|why| {
            assert_eq!((why.error(), why.attempts()), (Some(&"down"), 1));
            Some(2)
        })
        .await
        .unwrap();
    assert!(answer.is_substitute());
    assert_eq!(answer.value, 2);
    assert_eq!(answer.provenance, Provenance::Fallback { why: Reason::NotIdempotent });
}

#[tokio::test(start_paused = true)]
async fn a_rejected_call_falls_back_too() {
    let policy = Policy::builder().breaker(touchy()).build().unwrap();
    for _ in 0..2 {
        let _failed = policy.call(|_| ready(Err::<u32, _>("down"))).await;
    }
    let call = policy.call(|_| ready(Ok::<_, String>(1)));
    let answer = call.fallback(|why| (why.attempts() == 0).then_some(2)).await.unwrap();
    assert_eq!(answer.provenance, Provenance::Fallback { why: Reason::BreakerOpen });
}

#[tokio::test(start_paused = true)]
async fn a_fallback_that_declines_leaves_the_error_as_it_was() {
    let policy = Policy::builder().build().unwrap();
    let call = policy.call(|_| ready(Err::<u32, _>("down")));
    assert_eq!(call.fallback(|_| None).await.unwrap_err().error(), Some(&"down"));
}

#[tokio::test(start_paused = true)]
async fn t164_time_is_kept_for_the_fallback() {
    let policy = Policy::builder().total_timeout(s(1)).build().unwrap();
    let began = now();
    let call = policy.call(|_| pending::<Result<u32, String>>());
    assert!(call.fallback(|_| Some(2)).await.unwrap().is_substitute());
    assert_eq!(began.elapsed(), ms(950));
}

#[tokio::test(start_paused = true)]
async fn retries_come_before_the_fallback_and_hold_nothing_during_it() {
    let policy =
        Policy::builder().retry(steady(2)).idempotent().bulkhead(permits(1, 0)).build().unwrap();
    let attempts = Cell::new(0);
    let call = policy.call(|attempt| {
        attempts.set(attempt.number());
        ready(Err::<u32, _>("down"))
    });
    let answer = call.fallback(|_| {
        assert_nothing_held(&policy);
        Some(2)
    });
    assert!(answer.await.unwrap().is_substitute());
    assert_eq!(attempts.get(), 2);
}
