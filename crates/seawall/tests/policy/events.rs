//! Events: who hears what, and that a listener can do no harm.

use std::future::{pending, ready};
use std::sync::{Arc, Mutex, OnceLock};

use seawall::observe::Ending;
use seawall::{
    BreakerEvent, Decision, Event, Heard, Manual, Policy, PolicyBuilder, Role, StepKind, What,
};

use crate::world::{ms, now, permits, poll, steady, touchy};

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

/// What a decision is, without its numbers.
fn named(what: &StepKind) -> &'static str {
    match what {
        StepKind::Deadline(_) => "deadline",
        StepKind::Queued => "queued",
        StepKind::Granted => "granted",
        StepKind::Held { .. } => "held",
        StepKind::Released => "released",
        StepKind::Attempt { role: Role::First, .. } => "attempt",
        StepKind::Attempt { role: Role::Retry, .. } => "retry",
        StepKind::Attempt { role: Role::Hedge, .. } => "hedge",
        StepKind::Saw { .. } => "saw",
        StepKind::Abandoned { .. } => "abandoned",
        StepKind::HedgeSuppressed(_) => "hedge suppressed",
        StepKind::Retry { .. } => "backoff",
        StepKind::RetryDenied(_) => "denied",
        StepKind::Delivered { .. } => "delivered",
        StepKind::FellBack { .. } => "fell back",
        StepKind::Refused(_) => "refused",
        StepKind::Cancelled => "cancelled",
    }
}

/// A policy of which every decision is heard: the number of the call and the name of the step.
type Decisions = Arc<Mutex<Vec<(u64, &'static str)>>>;

fn listened(policy: PolicyBuilder) -> (Policy, Decisions) {
    let heard = Decisions::default();
    let record = Arc::clone(&heard);
    let listen = move |decision: &Decision| {
        record.lock().unwrap().push((decision.call, named(&decision.what)));
    };
    (policy.on_decision(listen).build().unwrap(), heard)
}

fn take(heard: &Decisions, call: u64) -> Vec<&'static str> {
    let decisions = std::mem::take(&mut *heard.lock().unwrap());
    assert!(decisions.iter().all(|(number, _)| *number == call), "{decisions:?}");
    decisions.into_iter().map(|(_, name)| name).collect()
}

#[tokio::test(start_paused = true)]
async fn every_decision_for_a_call_is_heard_in_order() {
    let policy = Policy::builder().retry(steady(2)).idempotent().breaker(touchy());
    let (policy, heard) = listened(policy.bulkhead(permits(1, 1)));
    policy.call(|_| ready(Ok::<_, String>(()))).await.unwrap();
    assert_eq!(take(&heard, 1), ["deadline", "attempt", "saw", "delivered"]);
    policy.call(|_| ready(Err::<(), _>("down"))).await.unwrap_err();
    let retried = ["deadline", "attempt", "saw", "backoff", "retry", "saw", "denied", "delivered"];
    assert_eq!(take(&heard, 2), retried);
    policy.call(|_| ready(Err::<(), _>("down"))).fallback(|_| Some(())).await.unwrap();
    let fell = ["deadline", "attempt", "saw", "backoff", "retry", "saw", "denied", "fell back"];
    assert_eq!(take(&heard, 3), fell);
    policy.call(|_| ready(Ok::<_, String>(()))).await.unwrap_err();
    assert_eq!(take(&heard, 4), ["deadline", "refused"]);
}

#[tokio::test(start_paused = true)]
async fn waits_hedges_time_outs_and_departures_are_heard_too() {
    let policy = Policy::builder().attempt_timeout(ms(100)).bulkhead(permits(1, 1));
    let (policy, heard) = listened(policy);
    policy.call(|_| pending::<Result<(), String>>()).await.unwrap_err();
    assert_eq!(take(&heard, 1), ["deadline", "attempt", "abandoned", "saw", "denied", "refused"]);
    let mut first = Box::pin(policy.call(|_| pending::<Result<(), String>>()));
    assert!(poll(first.as_mut()).is_pending());
    assert_eq!(take(&heard, 2), ["deadline", "attempt"]);
    let mut second = Box::pin(policy.call(|_| ready(Ok::<_, String>(()))));
    assert!(poll(second.as_mut()).is_pending());
    assert_eq!(take(&heard, 3), ["deadline", "queued"]);
    drop(first);
    assert_eq!(take(&heard, 2), ["cancelled"]);
    second.await.unwrap();
    assert_eq!(take(&heard, 3), ["granted", "attempt", "saw", "delivered"]);

    let hedge = seawall::Hedge::after(ms(10)).share(seawall::Ratio::ONE);
    let (policy, heard) = listened(Policy::builder().hedge(hedge).idempotent());
    let call = policy.call(|attempt| async move {
        match attempt.number() {
            1 => pending().await,
            _ => Ok::<_, String>(()),
        }
    });
    call.await.unwrap();
    assert_eq!(take(&heard, 1), ["deadline", "attempt", "hedge", "saw", "abandoned", "delivered"]);
}

#[tokio::test(start_paused = true)]
async fn decisions_say_which_endpoint_and_end_with_their_reader() {
    let policy = Policy::builder().name("users").endpoints(["a"]).build().unwrap();
    let mut decisions = policy.decisions();
    policy.call(|_| ready(Ok::<_, String>(()))).await.unwrap();
    let mut endpoints = Vec::new();
    for _ in 0..4 {
        let Some(Heard::Event(decision)) = decisions.next().await else { panic!("nothing") };
        assert_eq!((decision.policy.as_deref(), decision.at), (Some("users"), now()));
        endpoints.extend(decision.endpoint.map(|endpoint| endpoint.name().to_owned()));
    }
    assert_eq!(endpoints, ["a"]);
    drop(decisions);
    policy.call(|_| ready(Ok::<_, String>(()))).await.unwrap();
    let mut late = policy.decisions();
    policy.call(|_| ready(Ok::<_, String>(()))).await.unwrap();
    let Some(Heard::Event(decision)) = late.next().await else { panic!("nothing") };
    assert_eq!(decision.call, 3);
}

#[tokio::test(start_paused = true)]
async fn every_end_of_a_call_is_told_rejections_and_time_outs_too() {
    let heard: Arc<Mutex<Vec<Ending>>> = Arc::default();
    let record = Arc::clone(&heard);
    let policy = Policy::builder()
        .breaker(touchy())
        .attempt_timeout(ms(10))
        .on_call(move |ended| record.lock().unwrap().push(ended.ending))
        .build()
        .unwrap();
    let _answered = policy.call(|_| ready(Ok::<_, String>(()))).await;
    for _ in 0..3 {
        let _late_or_rejected = policy.call(|_| pending::<Result<(), String>>()).await;
    }
    let endings = [Ending::Answered, Ending::Failed, Ending::Failed, Ending::Rejected];
    assert_eq!(*heard.lock().unwrap(), endings);
}
