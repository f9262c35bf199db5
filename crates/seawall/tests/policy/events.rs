//! Events: who hears what, and that a listener can do no harm.

use std::future::ready;
use std::sync::{Arc, Mutex, OnceLock};

use seawall::{BreakerEvent, Event, Heard, Manual, Policy, What};

use crate::world::{now, touchy};

async fn trip(policy: &Policy) {
    for _ in 0..2 {
        let _failed = policy.call(|_| ready(Err::<(), _>("down"))).await;
    }
}

fn is_opened(event: &Event) -> bool {
    matches!(event.what, What::Breaker(BreakerEvent::Opened { .. }))
}

#[tokio::test(start_paused = true)]
async fn a_listener_hears_that_the_breaker_opened() {
    let heard: Arc<Mutex<Vec<Event>>> = Arc::default();
    let record = Arc::clone(&heard);
    let policy = Policy::builder()
        .name("users")
        .breaker(touchy())
        .on_event(move |event| record.lock().unwrap().push(event.clone()))
        .build()
        .unwrap();
    trip(&policy).await;
    let heard = heard.lock().unwrap();
    let opened = heard.iter().find(|event| is_opened(event)).expect("the breaker opened");
    assert_eq!(opened.policy.as_deref(), Some("users"));
    assert_eq!((opened.at, opened.endpoint.as_ref()), (now(), None));
    assert!(heard.iter().map(|event| event.sequence).eq(1..=heard.len() as u64));
}

#[tokio::test(start_paused = true)]
async fn t28_a_listener_may_panic_and_may_call_the_policy() {
    let itself: Arc<OnceLock<Policy>> = Arc::default();
    let inner = Arc::clone(&itself);
    let policy = Policy::builder()
        .breaker(touchy())
        .on_event(|_| panic!("in a listener"))
        .on_event(move |_| {
            // Takes the lock again.
            let _snapshot = inner.get().map(Policy::snapshot);
        })
        .build()
        .unwrap();
    itself.set(policy.clone()).unwrap();
    trip(&policy).await;
    policy.force_breaker(Manual::ForcedClosed);
    assert_eq!(policy.call(|_| ready(Ok::<_, String>(7))).await, Ok(7));
}

#[tokio::test(start_paused = true)]
async fn a_reader_hears_events_from_its_subscription_on() {
    let policy = Policy::builder().breaker(touchy()).build().unwrap();
    policy.force_breaker(Manual::ForcedOpen);
    let mut events = policy.events();
    policy.force_breaker(Manual::Auto);
    let Some(Heard::Event(event)) = events.next().await else { panic!("nothing heard") };
    assert!(matches!(event.what, What::Breaker(BreakerEvent::Forced { mode: Manual::Auto })));
    drop(policy);
    while let Some(heard) = events.next().await {
        assert!(matches!(heard, Heard::Event(_)), "{heard:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_is_too_slow_is_told_what_it_missed() {
    let policy = Policy::builder().breaker(touchy()).build().unwrap();
    let mut events = policy.events();
    for _ in 0..200 {
        policy.force_breaker(Manual::ForcedOpen);
        policy.force_breaker(Manual::Auto);
    }
    assert!(matches!(events.next().await, Some(Heard::Missed(missed)) if missed > 0));
    assert!(matches!(events.next().await, Some(Heard::Event(_))));
}
