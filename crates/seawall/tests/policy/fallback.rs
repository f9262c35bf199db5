//! What stands in, when, and how the caller is told.

use std::cell::Cell;
use std::future::{pending, ready};
use std::rc::Rc;

use seawall::{Policy, Provenance, Reason};

use tokio::time::sleep;

use crate::world::{assert_nothing_held, ms, now, permits, poll, s, steady, touchy};

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
    assert_eq!(answer.provenance, Provenance::Fallback { rung: 0, why: Reason::NotIdempotent });
}

#[tokio::test(start_paused = true)]
async fn a_rejected_call_falls_back_too() {
    let policy = Policy::builder().breaker(touchy()).build().unwrap();
    for _ in 0..2 {
        let _failed = policy.call(|_| ready(Err::<u32, _>("down"))).await;
    }
    let call = policy.call(|_| ready(Ok::<_, String>(1)));
    let answer = call.fallback(|why| (why.attempts() == 0).then_some(2)).await.unwrap();
    assert_eq!(answer.provenance, Provenance::Fallback { rung: 0, why: Reason::BreakerOpen });
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

#[tokio::test(start_paused = true)]
async fn a_fallback_may_take_time_and_be_a_call_of_another_policy() {
    let near = Policy::builder().total_timeout(s(1)).build().unwrap();
    let far = Policy::builder().build().unwrap();
    let began = now();
    let call = near.call(|_| ready(Err::<u32, _>("down")));
    let answer = call
        .fallback_with(|why| {
            assert_eq!((why.error(), why.remaining()), (Some(&"down"), Some(s(1))));
            let left = why.remaining().unwrap();
            let far = &far;
            async move {
                let call = far.call(|_| async {
                    sleep(ms(300)).await;
                    Ok::<_, String>(2)
                });
                call.within(left).await.ok()
            }
        })
        .await
        .unwrap();
    let provenance = Provenance::Fallback { rung: 0, why: Reason::NotIdempotent };
    assert_eq!((answer.value, answer.provenance), (2, provenance));
    assert_eq!(began.elapsed(), ms(300));
}

#[tokio::test(start_paused = true)]
async fn rungs_are_asked_in_order_until_one_has_an_answer() {
    let policy = Policy::builder().build().unwrap();
    for served in 0..3 {
        let asked = Cell::new(0);
        let has = |rung: u8| {
            assert_eq!(asked.replace(rung + 1), rung);
            (rung == served).then_some(u32::from(rung))
        };
        let call = policy.call(|_| ready(Err::<u32, _>("down")));
        let answer = call
            .fallback(|_| has(0))
            .fallback_with(|_| async {
                sleep(ms(10)).await;
                has(1)
            })
            .fallback(|_| has(2));
        let answer = answer.await.unwrap();
        assert_eq!((answer.value, asked.get()), (u32::from(served), served + 1));
        let provenance = Provenance::Fallback { rung: served, why: Reason::NotIdempotent };
        assert_eq!(answer.provenance, provenance);
    }
}

#[tokio::test(start_paused = true)]
async fn t164_a_fallback_that_hangs_is_dropped_at_the_deadline() {
    let policy = Policy::builder().total_timeout(s(1)).build().unwrap();
    let (began, alive) = (now(), Rc::new(()));
    let held = Rc::clone(&alive);
    let call = policy.call(|_| ready(Err::<u32, _>("down")));
    let hangs = call.fallback_with(|_| async move {
        let _held = held;
        pending().await
    });
    let answer = hangs.fallback(|why| {
        assert_eq!(why.remaining(), Some(ms(0)));
        assert_eq!(Rc::strong_count(&alive), 1, "the rung before is gone");
        Some(3)
    });
    assert_eq!(answer.await.unwrap().value, 3);
    assert_eq!(began.elapsed(), s(1));
    let call = policy.call(|_| ready(Err::<u32, _>("down")));
    let ended = call.fallback_with(|_| pending()).await;
    assert_eq!(ended.unwrap_err().error(), Some(&"down"), "the error stays what it was");
}

#[tokio::test(start_paused = true)]
async fn t84_a_call_that_is_dropped_while_it_falls_back_takes_the_fallback_with_it() {
    let policy = Policy::builder().breaker(touchy()).build().unwrap();
    let alive = Rc::new(());
    for _ in 0..2 {
        let held = Rc::clone(&alive);
        let call = policy.call(|_| ready(Err::<u32, _>("down")));
        let mut call = Box::pin(call.fallback_with(|_| async move {
            let _held = held;
            pending().await
        }));
        assert!(poll(call.as_mut()).is_pending());
        assert_eq!(Rc::strong_count(&alive), 2);
        drop(call);
        assert_eq!(Rc::strong_count(&alive), 1);
    }
    assert_nothing_held(&policy);
    let refused = policy.call(|_| ready(Ok::<_, String>(1))).await.unwrap_err();
    assert_eq!(refused.reason(), Reason::BreakerOpen, "the failures counted");
}
