//! Retries: who may, when, and what stops them.

use std::cell::Cell;
use std::future::{Ready, ready};
use std::pin::pin;
use std::task::Poll;

use seawall::{
    Attempt, BackoffSettings, BudgetSettings, Error, Outcome, Policy, Ratio, Reason, Retry,
};

use crate::world::{assert_nothing_held, ms, now, permits, poll, s, steady, touchy};

/// Neither `Clone` nor `'static`, and no `Error`: any type will do.
#[derive(Debug, PartialEq)]
struct Broken<'a>(&'a str);

/// Fails so often, then succeeds with the number of the attempt.
fn failing(times: u32) -> impl Fn(Attempt) -> Ready<Result<u32, Broken<'static>>> {
    move |attempt| {
        ready(if attempt.number() <= times { Err(Broken("down")) } else { Ok(attempt.number()) })
    }
}

#[tokio::test(start_paused = true)]
async fn t44_nothing_is_repeated_without_the_promise_that_it_may_be() {
    let policy = Policy::builder().retry(steady(3)).build().unwrap();
    let ended = policy.call(failing(1)).await;
    let Err(Error::Failed { error, reason, attempts, .. }) = ended else { panic!("{ended:?}") };
    assert_eq!((error, reason, attempts), (Broken("down"), Reason::NotIdempotent, 1));
    assert_eq!(policy.call(failing(1)).idempotent().await, Ok(2));
}

#[tokio::test(start_paused = true)]
async fn re_4_what_provably_never_left_is_repeated_for_every_call() {
    let policy = Policy::builder()
        .retry(steady(3))
        .classify(|result: Result<&u32, &Broken<'static>>| match result {
            Ok(_) => Outcome::success(),
            Err(_) => Outcome::failure().unsent(),
        })
        .build()
        .unwrap();
    assert_eq!(policy.call(failing(1)).await, Ok(2));
}

#[tokio::test(start_paused = true)]
async fn re_5_a_key_makes_a_call_repeatable_and_every_attempt_is_told_it() {
    let policy = Policy::builder().retry(steady(3)).build().unwrap();
    let keys = Cell::new(Vec::new());
    let ended = policy.call(|attempt| {
        let mut list = keys.take();
        list.push(attempt.idempotency_key().unwrap().to_owned());
        keys.set(list);
        failing(1)(attempt)
    });
    assert_eq!(ended.idempotency_key("order-7").await, Ok(2));
    assert_eq!(keys.take(), ["order-7", "order-7"]);
}

#[tokio::test(start_paused = true)]
async fn a_call_may_take_the_policys_promise_back() {
    let policy = Policy::builder().retry(steady(3)).idempotent().build().unwrap();
    let ended = policy.call(failing(1)).not_idempotent().await;
    assert_eq!(ended.unwrap_err().reason(), Reason::NotIdempotent);
}

#[tokio::test(start_paused = true)]
async fn t57_attempts_count_the_first() {
    let policy = Policy::builder().retry(steady(3)).idempotent().build().unwrap();
    let began = now();
    let ended = policy.call(failing(99)).await;
    let Err(Error::Failed { reason, attempts, elapsed, .. }) = ended else { panic!("{ended:?}") };
    assert_eq!((reason, attempts, elapsed), (Reason::AttemptsExhausted, 3, ms(300)));
    assert_eq!(began.elapsed(), ms(300), "waits of 100 and 200 ms");
}

#[tokio::test(start_paused = true)]
async fn t51_an_own_rejection_is_never_retried() {
    let policy = Policy::builder().retry(steady(3)).idempotent().breaker(touchy()).build().unwrap();
    for _ in 0..2 {
        let _failed = policy.call(failing(99)).await;
    }
    let (began, calls) = (now(), Cell::new(0));
    let ended = policy.call(|_| {
        calls.set(calls.get() + 1);
        ready(Ok::<_, String>(()))
    });
    assert_eq!(ended.await.unwrap_err().reason(), Reason::BreakerOpen);
    assert_eq!((calls.get(), began.elapsed()), (0, ms(0)));
}

#[tokio::test(start_paused = true)]
async fn t65_t67_the_budget_stops_retries_and_its_numbers_are_in_the_error() {
    let ratio = Ratio::from_percent(20);
    let budget = BudgetSettings { ratio, ceiling: ratio, floor_per_second: 0, window: s(10) };
    let policy = Policy::builder().retry(steady(2).budget(budget)).idempotent().build().unwrap();
    for _ in 0..9 {
        assert_eq!(policy.call(failing(0)).await, Ok(1));
    }
    // Ten first attempts earn two extra ones, which their own calls have paid into as well.
    assert_eq!(policy.call(failing(1)).await, Ok(2));
    assert_eq!(policy.call(failing(1)).await, Ok(2));
    let ended = policy.call(failing(1)).await;
    let Err(Error::Failed { reason, budget: Some(spent), .. }) = &ended else {
        panic!("{ended:?}")
    };
    assert_eq!((*reason, spent.first, spent.extra), (Reason::BudgetEmpty, 12, 2));
}

#[tokio::test(start_paused = true)]
async fn t66_an_empty_budget_fills_again() {
    let ratio = Ratio::from_percent(50);
    let budget = BudgetSettings { ratio, ceiling: ratio, floor_per_second: 0, window: s(10) };
    let policy = Policy::builder().retry(steady(2).budget(budget)).idempotent().build().unwrap();
    for _ in 0..2 {
        assert_eq!(policy.call(failing(1)).await.unwrap_err().reason(), Reason::BudgetEmpty);
        assert_eq!(policy.call(failing(1)).await, Ok(2));
        assert_eq!(policy.call(failing(1)).await.unwrap_err().reason(), Reason::BudgetEmpty);
        tokio::time::advance(s(11)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn t100_a_call_that_waits_before_a_retry_holds_no_permit() {
    let policy =
        Policy::builder().retry(steady(2)).idempotent().bulkhead(permits(1, 0)).build().unwrap();
    let retrying = policy.call(failing(1));
    let beside = async {
        tokio::time::sleep(ms(50)).await;
        assert_eq!(policy.snapshot().bulkhead.in_use, 0);
        policy.call(failing(0)).await
    };
    let (retried, beside) = tokio::join!(retrying, beside);
    assert_eq!((retried, beside), (Ok(2), Ok(1)));
    assert_nothing_held(&policy);
}

#[tokio::test(start_paused = true)]
async fn bo_4_a_hint_beyond_the_deadline_ends_the_call_and_reaches_the_caller() {
    let policy = Policy::builder()
        .total_timeout(ms(1_800))
        .retry(steady(3))
        .idempotent()
        .classify(|result: Result<&u32, &Broken<'static>>| match result {
            Ok(_) => Outcome::success(),
            Err(_) => Outcome::throttled().retry_after(s(2)),
        })
        .build()
        .unwrap();
    let ended = policy.call(failing(1)).await.unwrap_err();
    assert_eq!(ended.reason(), Reason::RetryAfterBeyondDeadline);
    assert_eq!(ended.retry_after(), Some(s(2)));
}

#[tokio::test(start_paused = true)]
async fn t55_a_retry_that_cannot_fit_is_not_started() {
    let policy =
        Policy::builder().total_timeout(ms(90)).retry(steady(3)).idempotent().build().unwrap();
    let began = now();
    let ended = policy.call(failing(1)).await.unwrap_err();
    assert_eq!((ended.reason(), began.elapsed()), (Reason::DeadlineCannotFit, ms(0)));
}

#[tokio::test(start_paused = true)]
async fn a_retry_without_a_wait_is_made_in_the_same_poll() {
    let at_once = Retry::attempts(3).backoff(BackoffSettings::none());
    let policy = Policy::builder().retry(at_once).idempotent().build().unwrap();
    let mut call = pin!(policy.call(failing(2)));
    assert_eq!(poll(call.as_mut()), Poll::Ready(Ok(3)));
}

#[tokio::test(start_paused = true)]
async fn t88_the_last_result_stands_when_a_later_attempt_brings_none() {
    let policy =
        Policy::builder().attempt_timeout(ms(50)).retry(steady(2)).idempotent().build().unwrap();
    let ended = policy.call(|attempt| async move {
        if attempt.number() == 2 {
            std::future::pending::<()>().await;
        }
        Err::<(), _>(Broken("first"))
    });
    assert_eq!(ended.await.unwrap_err().error(), Some(&Broken("first")));
}

#[tokio::test]
async fn an_error_may_borrow_and_needs_no_traits() {
    struct Opaque<'a>(#[expect(dead_code, reason = "only its lifetime matters")] &'a str);
    let text = String::from("on the stack");
    let policy = Policy::builder().retry(Retry::default()).build().unwrap();
    let ended = policy.call(|_| ready(Err::<(), _>(Opaque(&text)))).await;
    assert!(ended.is_err_and(|error| error.into_error().is_some()));
}

#[tokio::test]
async fn a_value_that_is_judged_a_failure_is_still_the_callers() {
    let policy = Policy::builder()
        .classify(|result: Result<&u16, &String>| match result {
            Ok(status) if *status < 500 => Outcome::success(),
            _ => Outcome::failure(),
        })
        .build()
        .unwrap();
    assert_eq!(policy.call(|_| ready(Ok(503))).await, Ok(503));
    assert_eq!(policy.snapshot().outcomes.failure, 1);
}
