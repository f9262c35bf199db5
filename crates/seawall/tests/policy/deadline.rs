//! Time: the attempt's, the call's, the caller's.

use std::cell::Cell;
use std::future::{pending, poll_fn, ready};
use std::pin::pin;
use std::task::Poll;

use seawall::{Error, Policy, Reason};
use tokio::time::{advance, sleep};

use crate::world::{assert_nothing_held, ms, now, permits, poll, s, steady};

#[tokio::test(start_paused = true)]
async fn a_call_without_a_word_ends_after_ten_seconds() {
    let policy = Policy::builder().build().unwrap();
    let began = now();
    let ended = policy.call(|_| pending::<Result<(), String>>()).await;
    assert!(matches!(ended, Err(Error::TimedOut { attempts: 1, .. })), "{ended:?}");
    assert_eq!(ended.unwrap_err().reason(), Reason::DeadlineExceeded);
    assert_eq!(began.elapsed(), s(10));
}

#[tokio::test(start_paused = true)]
async fn t75_the_attempt_timeout_ends_attempts_and_the_total_the_call() {
    let policy = Policy::builder()
        .attempt_timeout(ms(300))
        .total_timeout(s(1))
        .retry(steady(10))
        .idempotent()
        .build()
        .unwrap();
    let (began, attempts) = (now(), Cell::new(Vec::new()));
    let ended = policy
        .call(|_| {
            let mut starts = attempts.take();
            starts.push(began.elapsed());
            attempts.set(starts);
            pending::<Result<(), String>>()
        })
        .await;
    // 300 ms each, after waits of 100 and 200 ms; the third has only the rest of the total.
    assert_eq!(attempts.take(), [ms(0), ms(400), ms(900)]);
    assert_eq!(began.elapsed(), s(1));
    assert_eq!(ended.unwrap_err().reason(), Reason::DeadlineExceeded);
}

#[tokio::test(start_paused = true)]
async fn t43_an_attempt_that_timed_out_is_tried_again_where_that_is_safe() {
    let policy = Policy::builder().attempt_timeout(ms(100)).retry(steady(2)).build().unwrap();
    let operation = |attempt: seawall::Attempt| async move {
        if attempt.number() == 1 {
            pending::<()>().await;
        }
        Ok::<_, String>(attempt.number())
    };
    assert_eq!(policy.call(operation).idempotent().await, Ok(2));
    let ended = policy.call(operation).await;
    let Err(Error::TimedOut { denied, attempts, .. }) = &ended else { panic!("{ended:?}") };
    assert_eq!((*denied, *attempts), (Some(Reason::NotIdempotent), 1));
    assert!(ended.unwrap_err().to_string().contains("mark the call `.idempotent()`"));
}

#[tokio::test(start_paused = true)]
async fn t78_a_result_that_is_ready_wins_over_the_deadline_even_on_a_late_poll() {
    let policy = Policy::builder().total_timeout(ms(100)).build().unwrap();
    let done = Cell::new(false);
    let mut call = pin!(policy.call(|_| poll_fn(|_| match done.get() {
        true => Poll::Ready(Ok::<_, String>("in time")),
        false => Poll::Pending,
    })));
    assert!(poll(call.as_mut()).is_pending());
    done.set(true);
    advance(s(5)).await;
    assert_eq!(poll(call.as_mut()), Poll::Ready(Ok("in time")));
}

#[tokio::test(start_paused = true)]
async fn t73_t74_a_timed_out_attempt_is_dropped_once_before_its_end_is_known() {
    struct Dropped<'a>(&'a Cell<u32>);
    impl Drop for Dropped<'_> {
        fn drop(&mut self) {
            self.0.set(self.0.get() + 1);
        }
    }
    let policy = Policy::builder().attempt_timeout(ms(10)).build().unwrap();
    let drops = Cell::new(0);
    let mut call = pin!(policy.call(|_| {
        let held = Dropped(&drops);
        async move {
            pending::<()>().await;
            drop(held);
            Ok::<_, String>(())
        }
    }));
    assert!(poll(call.as_mut()).is_pending());
    assert_eq!(drops.get(), 0);
    advance(ms(11)).await;
    assert!(poll(call.as_mut()).is_ready());
    assert_eq!(drops.get(), 1, "the call still exists, its attempt does not");
}

#[tokio::test(start_paused = true)]
async fn an_attempt_that_uses_up_the_tasks_budget_still_times_out() {
    let policy = Policy::builder().total_timeout(ms(50)).build().unwrap();
    #[expect(clippy::disallowed_methods, reason = "aborted at the end of the test")]
    let time = tokio::spawn(async {
        loop {
            advance(ms(1)).await;
        }
    });
    let hog = policy.call(|_| async {
        loop {
            tokio::task::consume_budget().await;
        }
        #[expect(unreachable_code, reason = "names the type of the result")]
        Ok::<(), String>(())
    });
    // Tokio's own time-out sees to it that the test ends.
    let ended = tokio::time::timeout(s(1), hog).await;
    time.abort();
    assert!(matches!(ended, Ok(Err(Error::TimedOut { .. }))), "{ended:?}");
}

#[tokio::test(start_paused = true)]
async fn t77_no_time_at_all_refuses_and_never_means_for_ever() {
    let policy = Policy::builder().bulkhead(permits(1, 0)).build().unwrap();
    let operation = |_| ready(Ok::<_, String>(()));
    let ended = policy.call(operation).within(s(0)).await;
    assert!(matches!(ended, Err(Error::Rejected { reason: Reason::DeadlineExpired, .. })));
    let past = now();
    advance(ms(1)).await;
    let ended = policy.call(operation).deadline(past).await;
    assert_eq!(ended.unwrap_err().reason(), Reason::DeadlineExpired);
    assert_nothing_held(&policy);
}

#[tokio::test(start_paused = true)]
async fn a_callers_deadline_only_ever_shortens() {
    let policy = Policy::builder().total_timeout(ms(200)).build().unwrap();
    for (within, expected) in [(ms(50), ms(50)), (s(60), ms(200))] {
        let began = now();
        let ended = policy.call(|_| pending::<Result<(), String>>()).within(within).await;
        assert!(ended.is_err());
        assert_eq!(began.elapsed(), expected);
    }
}

#[tokio::test(start_paused = true)]
async fn the_overflow_of_a_deadline_is_never() {
    let policy = Policy::builder()
        .total_timeout(std::time::Duration::MAX)
        .attempt_timeout(std::time::Duration::MAX)
        .build()
        .unwrap();
    let ended = policy.call(|attempt| {
        assert_eq!(attempt.remaining(), None);
        async {
            sleep(s(100 * 365 * 86_400)).await;
            Ok::<_, String>(())
        }
    });
    assert_eq!(ended.await, Ok(()));
}

#[tokio::test(start_paused = true)]
async fn t76_each_attempt_is_told_what_is_left_for_it() {
    let policy = Policy::builder()
        .total_timeout(s(1))
        .attempt_timeout(ms(700))
        .retry(steady(3))
        .idempotent()
        .build()
        .unwrap();
    let told = Cell::new(Vec::new());
    let ended = policy.call(|attempt| {
        let mut list = told.take();
        list.push(attempt.remaining().unwrap());
        told.set(list);
        async move {
            sleep(ms(400)).await;
            if attempt.number() == 1 { Err("again") } else { Ok(()) }
        }
    });
    assert_eq!(ended.await, Ok(()));
    // Started at 0 and at 500 ms.
    assert_eq!(told.take(), [ms(700), ms(500)]);
}
