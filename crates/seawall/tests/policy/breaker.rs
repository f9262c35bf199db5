//! The breaker as callers meet it.

use std::future::ready;

use seawall::{Error, Manual, Mode, Outcome, Policy, Reason, Until};
use tokio::time::advance;

use crate::world::{ms, s, touchy};

async fn fail<C>(policy: &Policy<C>) -> Error<&'static str>
where
    C: seawall::Classify<(), &'static str>,
{
    policy.call(|_| ready(Err("down"))).await.unwrap_err()
}

async fn reason_now(policy: &Policy) -> Option<Reason> {
    let ended = policy.call(|_| ready(Ok::<_, &str>(()))).await;
    ended.err().map(|error| error.reason())
}

#[tokio::test(start_paused = true)]
async fn an_open_breaker_rejects_until_its_cool_down_ends() {
    let policy = Policy::builder().name("users").breaker(touchy()).build().unwrap();
    assert_eq!(fail(&policy).await.error(), Some(&"down"));
    assert_eq!(fail(&policy).await.attempts(), 1);
    let rejected = fail(&policy).await;
    let Error::Rejected { reason, until: Until::In(wait), .. } = &rejected else {
        panic!("{rejected:?}")
    };
    assert_eq!(*reason, Reason::BreakerOpen);
    assert!((s(4)..=s(5)).contains(wait), "{wait:?}");
    assert_eq!(rejected.retry_after(), Some(*wait));
    assert!(rejected.to_string().starts_with("users: rejected before any attempt, breaker_open"));
    advance(*wait).await;
    assert_eq!(reason_now(&policy).await, None, "a probe closes it");
    assert_eq!(reason_now(&policy).await, None);
}

#[tokio::test(start_paused = true)]
async fn t172_a_change_of_settings_keeps_what_was_learned() {
    let policy = Policy::builder().breaker(touchy()).build().unwrap();
    for _ in 0..2 {
        fail(&policy).await;
    }
    policy.reconfigure(|policy| policy.total_timeout(s(1))).unwrap();
    assert_eq!(reason_now(&policy).await, Some(Reason::BreakerOpen));
    let refused = policy.reconfigure(|policy| policy.total_timeout(ms(0)));
    assert!(refused.is_err());
    assert!(policy.describe().contains("1s"), "the settings before stay in force");
}

#[tokio::test(start_paused = true)]
async fn t21_a_callers_mistake_does_not_open_it() {
    let policy = Policy::builder()
        .breaker(touchy())
        .classify(|_: Result<&(), &&'static str>| Outcome::success())
        .build()
        .unwrap();
    for _ in 0..10 {
        assert!(matches!(fail(&policy).await, Error::Failed { reason: Reason::NotRetryable, .. }));
    }
}

#[tokio::test(start_paused = true)]
async fn t30_forced_open_wins_until_it_is_lifted() {
    let policy = Policy::builder().breaker(touchy()).build().unwrap();
    policy.force_breaker(Manual::ForcedOpen);
    advance(s(3_600)).await;
    assert_eq!(reason_now(&policy).await, Some(Reason::BreakerOpen));
    policy.force_breaker(Manual::Auto);
    assert_eq!(reason_now(&policy).await, None);
}

#[tokio::test(start_paused = true)]
async fn t183_in_shadow_it_lets_everything_pass() {
    let shadow = seawall::BreakerSettings { mode: Mode::Shadow, ..touchy() };
    let policy = Policy::builder().breaker(shadow).build().unwrap();
    for _ in 0..10 {
        assert_eq!(fail(&policy).await.error(), Some(&"down"));
    }
}

#[tokio::test(start_paused = true)]
async fn clones_and_other_classifiers_share_one_breaker() {
    let policy = Policy::builder().breaker(touchy()).build().unwrap();
    let other = policy.clone().with_classifier(|_: Result<&(), &&'static str>| Outcome::failure());
    fail(&policy).await;
    fail(&other).await;
    assert_eq!(reason_now(&policy).await, Some(Reason::BreakerOpen));
}
