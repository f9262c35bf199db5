//! T175: a panic in code of users ends its call, and nothing else.

use std::future::{Future, pending, ready};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;

use seawall::{Outcome, Policy};

use crate::world::{assert_nothing_held, permits, poll, touchy};

fn policy() -> Policy {
    Policy::builder().bulkhead(permits(1, 1)).breaker(touchy()).build().unwrap()
}

#[track_caller]
fn panics(act: impl FnOnce()) {
    assert!(catch_unwind(AssertUnwindSafe(act)).is_err(), "nothing panicked");
}

async fn assert_usable(policy: &Policy) {
    assert_nothing_held(policy);
    assert_eq!(policy.call(|_| ready(Ok::<_, String>(7))).await, Ok(7));
}

#[tokio::test]
async fn t175_a_panic_of_the_operation_leaves_the_policy_usable() {
    let policy = policy();
    for _ in 0..5 {
        panics(|| {
            let mut call = pin!(policy.call(|_| -> std::future::Ready<Result<(), String>> {
                panic!("of the operation")
            }));
            let _never = poll(call.as_mut());
        });
    }
    assert_usable(&policy).await;
}

#[tokio::test]
async fn t175_a_panic_of_the_future_leaves_the_policy_usable() {
    let policy = policy();
    for _ in 0..5 {
        panics(|| {
            let mut call = pin!(policy.call(|_| async { panic!("of the future") }));
            let _never: std::task::Poll<Result<(), seawall::Error<String>>> = poll(call.as_mut());
        });
    }
    assert_usable(&policy).await;
}

#[tokio::test]
async fn t175_a_panic_of_the_classifier_leaves_the_policy_usable() {
    let policy = policy();
    let harsh = policy
        .with_classifier(|_: Result<&(), &String>| -> Outcome { panic!("of the classifier") });
    panics(|| {
        let mut call = pin!(harsh.call(|_| ready(Ok(()))));
        let _never = poll(call.as_mut());
    });
    assert_usable(&policy).await;
}

#[tokio::test]
async fn t175_a_panic_of_the_fallback_leaves_the_policy_usable() {
    let policy = policy();
    panics(|| {
        let call = policy.call(|_| ready(Err::<(), _>("down")));
        let mut call = pin!(call.fallback(|_| panic!("of the fallback")));
        let _never = poll(call.as_mut());
    });
    assert_usable(&policy).await;
}

#[tokio::test]
async fn t175_a_panic_in_a_task_frees_its_place_for_those_who_wait() {
    let policy = policy();
    let doomed = policy.clone().into_call(|_| async {
        tokio::task::yield_now().await;
        panic!("in a task");
        #[expect(unreachable_code, reason = "names the type of the result")]
        Ok::<(), String>(())
    });
    #[expect(clippy::disallowed_methods, reason = "joined in the next line but one")]
    let doomed = tokio::spawn(doomed);
    tokio::task::yield_now().await;
    let waiting = policy.call(|_| ready(Ok::<_, String>(7))).await;
    assert!(doomed.await.is_err());
    assert_eq!(waiting, Ok(7));
    assert_nothing_held(&policy);
}

#[tokio::test]
async fn t29_a_panic_in_a_wake_up_does_not_lose_the_policy() {
    struct Fragile;
    impl std::task::Wake for Fragile {
        fn wake(self: std::sync::Arc<Self>) {
            panic!("in a wake-up");
        }
    }
    let policy = policy();
    let mut holder = Box::pin(policy.call(|_| pending::<Result<(), String>>()));
    assert!(poll(holder.as_mut()).is_pending());
    let mut waiting = Box::pin(policy.call(|_| ready(Ok::<_, String>(()))));
    let fragile = std::task::Waker::from(std::sync::Arc::new(Fragile));
    let polled = waiting.as_mut().poll(&mut std::task::Context::from_waker(&fragile));
    assert!(polled.is_pending());
    panics(|| drop(holder));
    assert!(poll(waiting.as_mut()).is_ready());
    assert_usable(&policy).await;
}
