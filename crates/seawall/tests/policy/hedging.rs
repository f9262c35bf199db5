//! Hedges: an extra attempt beside a slow one.

use std::cell::{Cell, RefCell};
use std::future::pending;
use std::pin::pin;
use std::task::Poll;

use seawall::{BudgetSettings, Hedge, Policy, Ratio, Reason};
use tokio::time::{advance, sleep};

use crate::world::{assert_nothing_held, ms, permits, poll, s, steady};

/// Hedges after 50 ms, all calls if need be.
fn hedging() -> seawall::PolicyBuilder {
    let budget = BudgetSettings { floor_per_second: 100, ..BudgetSettings::default() };
    Policy::builder()
        .attempt_timeout(ms(200))
        .retry(steady(2).budget(budget))
        .hedge(Hedge::after(ms(50)).share(Ratio::ONE))
        .idempotent()
        .bulkhead(permits(8, 0))
}

/// Says in a list when it is dropped.
struct Loser<'a>(&'a RefCell<Vec<&'static str>>);

impl Drop for Loser<'_> {
    fn drop(&mut self) {
        self.0.borrow_mut().push("loser dropped");
    }
}

#[tokio::test(start_paused = true)]
async fn t84_the_loser_is_gone_before_the_winner_is_delivered() {
    let policy = hedging().build().unwrap();
    let said = RefCell::new(Vec::new());
    let mut call = Box::pin(policy.call(|attempt| {
        let loser = (attempt.number() == 1).then(|| Loser(&said));
        async move {
            if let Some(_held) = loser {
                pending::<()>().await;
            }
            sleep(ms(20)).await;
            Ok::<_, String>(attempt.number())
        }
    }));
    for _ in 0..7 {
        assert!(poll(call.as_mut()).is_pending());
        advance(ms(10)).await;
    }
    assert_eq!((said.borrow().len(), policy.snapshot().bulkhead.in_use), (0, 2));
    assert_eq!(poll(call.as_mut()), Poll::Ready(Ok(2)));
    assert_eq!(*said.borrow(), ["loser dropped"], "though the call itself still exists");
    assert_eq!(policy.snapshot().outcomes.abandoned, 1);
    assert_nothing_held(&policy);
}

#[tokio::test(start_paused = true)]
async fn the_first_attempt_may_still_win() {
    let policy = hedging().build().unwrap();
    let ended = policy.call(|attempt| async move {
        sleep(ms(if attempt.number() == 1 { 80 } else { 500 })).await;
        Ok::<_, String>(attempt.number())
    });
    assert_eq!(ended.await, Ok(1));
    assert_nothing_held(&policy);
}

#[tokio::test(start_paused = true)]
async fn t88_a_failure_waits_for_the_attempt_that_still_runs() {
    let policy = hedging().build().unwrap();
    for first_to_fail in [1, 2] {
        let ended = policy.call(|attempt| async move {
            let fails = attempt.number() == first_to_fail;
            sleep(ms(if fails { 60 } else { 150 })).await;
            if fails { Err("down") } else { Ok(attempt.number()) }
        });
        assert_eq!(ended.await, Ok(3 - first_to_fail));
        assert_nothing_held(&policy);
    }
}

#[tokio::test(start_paused = true)]
async fn t88_when_all_fail_the_last_error_wins() {
    let policy = hedging().build().unwrap();
    let ended = policy.call(|attempt| async move {
        sleep(ms(60)).await;
        Err::<(), _>(attempt.number())
    });
    let error = ended.await.unwrap_err();
    assert_eq!(error.reason(), Reason::AttemptsExhausted);
    assert_eq!(error.error(), Some(&error.attempts()));
    assert_nothing_held(&policy);
}

#[tokio::test(start_paused = true)]
async fn attempts_that_all_hang_are_given_up_one_by_one() {
    let policy = hedging().build().unwrap();
    let running = Cell::new(0_u32);
    let most = Cell::new(0_u32);
    let ended = policy.call(|_| {
        running.set(running.get() + 1);
        most.set(most.get().max(running.get()));
        let guard = scope(|| running.set(running.get() - 1));
        async move {
            let _guard = guard;
            pending::<Result<(), String>>().await
        }
    });
    assert!(ended.await.is_err());
    assert_eq!((running.get(), most.get()), (0, 2));
    assert_nothing_held(&policy);
}

/// Runs `end` when dropped.
fn scope<F: Fn()>(end: F) -> impl Drop {
    struct Scope<F: Fn()>(F);
    impl<F: Fn()> Drop for Scope<F> {
        fn drop(&mut self) {
            (self.0)();
        }
    }
    Scope(end)
}

#[tokio::test(start_paused = true)]
async fn t85_a_call_that_must_not_be_repeated_is_never_hedged() {
    let policy = hedging().not_idempotent().build().unwrap();
    let attempts = Cell::new(0);
    let ended = policy.call(|attempt| {
        attempts.set(attempt.number());
        async {
            sleep(ms(150)).await;
            Ok::<_, String>(())
        }
    });
    assert_eq!((ended.await, attempts.get()), (Ok(()), 1));
}

#[tokio::test(start_paused = true)]
async fn t90_a_hedge_goes_to_another_endpoint() {
    let policy = hedging().endpoints(["a", "b"]).build().unwrap();
    let places = RefCell::new(Vec::new());
    let ended = policy.call(|attempt| {
        places.borrow_mut().push(attempt.endpoint().unwrap().index());
        async move {
            sleep(ms(if attempt.number() == 1 { 150 } else { 10 })).await;
            Ok::<_, String>(())
        }
    });
    assert_eq!(ended.await, Ok(()));
    places.borrow_mut().sort_unstable();
    assert_eq!(*places.borrow(), [0, 1]);
}

#[tokio::test(start_paused = true)]
async fn t84_a_dropped_call_takes_all_its_attempts_with_it() {
    let policy = hedging().build().unwrap();
    let said = RefCell::new(Vec::new());
    let mut call = Box::pin(policy.call(|_| {
        let held = Loser(&said);
        async move {
            let _held = held;
            pending::<Result<(), String>>().await
        }
    }));
    assert!(poll(call.as_mut()).is_pending());
    advance(ms(51)).await;
    assert!(poll(call.as_mut()).is_pending());
    assert_eq!(policy.snapshot().bulkhead.in_use, 2);
    drop(call);
    assert_eq!(said.borrow().len(), 2);
    assert_nothing_held(&policy);
}

#[tokio::test(start_paused = true)]
async fn t78_a_result_wins_over_the_moment_of_its_hedge() {
    let policy = hedging().build().unwrap();
    let (ready, attempts) = (Cell::new(false), Cell::new(0));
    let mut call = pin!(policy.call(|_| {
        attempts.set(attempts.get() + 1);
        std::future::poll_fn(|_| match ready.get() {
            true => Poll::Ready(Ok::<_, String>(())),
            false => Poll::Pending,
        })
    }));
    assert!(poll(call.as_mut()).is_pending());
    ready.set(true);
    advance(s(1)).await;
    assert!(poll(call.as_mut()).is_ready());
    assert_eq!(attempts.get(), 1);
}
