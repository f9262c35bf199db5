//! What is promised to the compiler: types that travel between threads, and a trait that any
//! closure is. Behaviour is tested from outside, in the `tests` folder.

use std::cell::Cell;
use std::future::ready;

use crate::{AnyResult, Attempt, Call, Error, Events, Io, Policy};

fn sends<T: Send>(_: &T) {}
fn shares<T: Send + Sync>(_: &T) {}

#[test]
fn t176_a_policy_is_send_and_sync_and_cheap_to_clone() {
    let policy = Policy::builder().build().unwrap();
    shares(&policy);
    shares(&policy.clone().with_classifier(Io));
    sends::<Events>(&policy.events());
    assert_eq!(size_of::<Policy<AnyResult>>(), size_of::<usize>());
}

#[test]
fn t176_a_call_is_send_if_the_operation_is() {
    let policy = Policy::builder().build().unwrap();
    let text = String::from("borrowed, not static");
    let call = policy.call(|_: Attempt| async {
        tokio::task::yield_now().await;
        Ok::<_, String>(text.len())
    });
    sends(&call);
    sends(&call.fallback(|_| Some(1)));
    fn spawns<T: Send + 'static>(_: &T) {}
    spawns(&policy.clone().into_call(|_| ready(Ok::<_, String>(()))));
}

#[test]
fn t176_an_operation_that_is_not_send_still_makes_a_call() {
    let policy = Policy::builder().build().unwrap();
    let here = Cell::new(0);
    let _call: Call<_, _, _> = policy.call(|_| {
        here.set(here.get() + 1);
        ready(Ok::<_, String>(()))
    });
    assert_eq!(here.get(), 0, "nothing happens before the call is awaited");
}

#[test]
fn an_error_is_small_enough_to_return() {
    // Beyond 128 bytes clippy tells every user to box it.
    assert!(size_of::<Error<std::io::Error>>() <= 120, "{}", size_of::<Error<std::io::Error>>());
}
