//! Idempotency keys: what bears one key is done once.

use std::cell::Cell;
use std::future::{pending, ready};

use seawall::{
    BackoffSettings, Ending, IdempotencyKeys, IdempotencySettings, KeyError, Manual, Once, Outcome,
    Policy, Reason, Retry, Unknowns,
};
use tokio::time::sleep;

use crate::world::{ms, now, poll, s, touchy};

fn keys() -> IdempotencyKeys<u32> {
    IdempotencyKeys::new(IdempotencySettings::default()).unwrap()
}

#[tokio::test(start_paused = true)]
async fn what_was_done_is_replayed_and_not_done_again() {
    let (keys, runs) = (keys(), Cell::new(0));
    let pay = || {
        runs.set(runs.get() + 1);
        ready(Ok::<_, String>(runs.get()))
    };
    assert_eq!(keys.run("k", &"alice", pay).await, Ok(Once::Ran(1)));
    assert_eq!(keys.clone().run("k", &"alice", pay).await, Ok(Once::Replayed(1)));
    assert_eq!(keys.run("k", &"bob", pay).await, Err(KeyError::Mismatch));
    assert_eq!(keys.run("other", &"alice", pay).await, Ok(Once::Ran(2)));
    sleep(s(24 * 3_600)).await;
    assert_eq!(keys.run("k", &"alice", pay).await, Ok(Once::Ran(3)), "a day has passed");
}

#[tokio::test(start_paused = true)]
async fn a_duplicate_waits_for_the_first_and_no_longer_than_that() {
    let (keys, began) = (keys(), now());
    let first = async {
        let slow = || async {
            sleep(ms(500)).await;
            Ok::<_, String>(1)
        };
        keys.run("k", &(), slow).await
    };
    let second = keys.run("k", &(), || ready(Ok::<_, String>(2)));
    assert_eq!(tokio::join!(first, second), (Ok(Once::Ran(1)), Ok(Once::Replayed(1))));
    assert_eq!(began.elapsed(), ms(500));
}

#[tokio::test(start_paused = true)]
async fn a_duplicate_of_work_that_takes_longer_is_told_when_to_come_back() {
    let (keys, began) = (keys(), now());
    let mut first = Box::pin(keys.run("k", &(), pending::<Result<u32, String>>));
    assert!(poll(first.as_mut()).is_pending());
    let refused = keys.run("k", &(), || ready(Ok::<_, String>(2))).await.unwrap_err();
    assert_eq!(refused, KeyError::Conflict { retry_after: s(5) });
    assert_eq!(refused.reason(), Some(Reason::IdempotencyConflict));
    assert_eq!(began.elapsed(), s(2));
}

#[tokio::test(start_paused = true)]
async fn work_that_outlives_the_longest_execution_is_indeterminate_from_then_on() {
    let brief = IdempotencySettings { exec_max: s(4), ..IdempotencySettings::default() };
    let (keys, began) = (IdempotencyKeys::<u32>::new(brief).unwrap(), now());
    let mut first = Box::pin(keys.run("k", &(), pending::<Result<u32, String>>));
    assert!(poll(first.as_mut()).is_pending());
    let again = || keys.run("k", &(), || ready(Ok::<_, String>(2)));
    sleep(ms(1_500)).await;
    assert_eq!(again().await, Err(KeyError::Conflict { retry_after: ms(500) }));
    assert_eq!(began.elapsed(), ms(3_500));
    assert_eq!(again().await, Err(KeyError::Indeterminate));
    assert_eq!(began.elapsed(), s(4), "not a moment later");
}

#[tokio::test(start_paused = true)]
async fn work_that_was_dropped_or_failed_is_not_done_twice_by_itself() {
    let keys = keys();
    let mut dropped = Box::pin(keys.run("dropped", &(), pending::<Result<u32, String>>));
    assert!(poll(dropped.as_mut()).is_pending());
    drop(dropped);
    let failed = keys.run("failed", &(), || ready(Err("down"))).await;
    assert_eq!(failed, Err(KeyError::Failed("down")));
    for key in ["dropped", "failed"] {
        let again = || ready(Ok::<_, String>(1));
        assert_eq!(keys.run(key, &(), again).await, Err(KeyError::Indeterminate), "{key}");
        keys.forget(key);
        assert_eq!(keys.run(key, &(), again).await, Ok(Once::Ran(1)), "{key}: somebody looked");
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_that_was_refused_leaves_its_key_free() {
    let (keys, policy) = (keys(), Policy::builder().breaker(touchy()).build().unwrap());
    policy.force_breaker(Manual::ForcedOpen);
    let pay = || async { policy.call(|_| ready(Ok::<_, String>(1))).await };
    let refused = keys.run_judged("k", &(), pay, |error| error.ending()).await;
    assert!(matches!(refused, Err(KeyError::Failed(_))), "{refused:?}");
    policy.force_breaker(Manual::Auto);
    let paid = keys.run_judged("k", &(), pay, |_| Ending::Unknown).await;
    assert_eq!(paid, Ok(Once::Ran(1)));
}

#[tokio::test(start_paused = true)]
async fn the_key_of_a_call_is_free_only_if_no_attempt_can_have_done_the_work() {
    let classify = |result: Result<&u32, &&str>| match result {
        Ok(_) => Outcome::success(),
        Err(&"refused") => Outcome::failure().unsent(),
        Err(&"not found") => Outcome::success(),
        Err(_) => Outcome::failure(),
    };
    let retry = Retry::attempts(2).backoff(BackoffSettings::transient());
    let policy = Policy::builder().classify(classify).retry(retry).idempotent().build().unwrap();
    for (attempts, expected) in [
        (["refused", "refused"], Ending::Free),
        (["refused", "broken"], Ending::Unknown),
        (["broken", "refused"], Ending::Unknown),
        (["broken", "not found"], Ending::Keep),
    ] {
        let call =
            policy.call(|attempt| ready(Err::<u32, _>(attempts[attempt.number() as usize - 1])));
        assert_eq!(call.await.unwrap_err().ending(), expected, "{attempts:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn without_room_for_a_record_it_runs_and_says_so() {
    let one = IdempotencySettings { entries_max: 1, ..IdempotencySettings::default() };
    let keys = IdempotencyKeys::new(one).unwrap();
    let pay = || ready(Ok::<_, String>(1));
    assert_eq!(keys.run("k", &(), pay).await, Ok(Once::Ran(1)));
    assert_eq!(keys.run("other", &(), pay).await, Ok(Once::Unprotected(1)));
    assert_eq!(keys.run("k", &(), pay).await, Ok(Once::Replayed(1)));
}

#[test]
fn settings_that_cannot_work_are_refused() {
    let refuse = |settings| IdempotencyKeys::<u32>::new(settings).unwrap_err().to_string();
    let probe = IdempotencySettings { policy: Unknowns::Probe, ..IdempotencySettings::default() };
    assert!(
        refuse(probe).ends_with("`idempotency.policy` is probe, but must be manual or retry_safe")
    );
    let forgets = IdempotencySettings { ttl: s(0), ..IdempotencySettings::default() };
    assert!(refuse(forgets).ends_with("`idempotency.ttl` is 0, but must be above 0"));
}
