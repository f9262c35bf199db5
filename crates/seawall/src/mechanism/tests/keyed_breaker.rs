//! Tests of breakers by key: keys fail by themselves, and memory is bounded.

use std::future::{pending, ready};
use std::pin::pin;
use std::sync::Arc;

use seawall_core::breaker::Phase;
use seawall_core::reason::Reason;
use tokio::time::advance;

use super::{ms, poll};
use crate::mechanism::{KeyClass, KeyedBreaker, KeyedBreakerSettings, KeyedEvent, Probing, Setup};
use crate::{BreakerEvent, BreakerSettings, Error, Heard, What};

/// One failure opens.
fn touchy() -> BreakerSettings {
    BreakerSettings { consecutive: Some(1), ..BreakerSettings::for_endpoint() }
}

fn set(keys_max: u32) -> KeyedBreaker<str> {
    let settings = KeyedBreakerSettings { keys_max, ..KeyedBreakerSettings::new(touchy()) };
    KeyedBreaker::with(settings, Setup::named("shards").seed(1)).unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_key_that_fails_is_stopped_and_no_other() {
    let shards = set(8);
    let mut events = shards.events();
    let failed = shards.call("a", || ready(Err::<u32, _>("down"))).await.unwrap_err();
    assert_eq!((failed.error(), failed.policy()), (Some(&"down"), Some("shards")));
    let refused = shards.call("a", || ready(Ok::<_, &str>(7))).await.unwrap_err();
    assert!(matches!(refused, Error::Rejected { reason: Reason::BreakerOpen, .. }));
    assert_eq!(shards.call("b", || ready(Ok::<_, &str>(7))).await, Ok(7));
    assert!(matches!(shards.snapshot_of("a").unwrap().phase, Phase::Open { .. }));
    assert_eq!((shards.snapshot().keys, shards.snapshot().not_closed), (2, 1));
    let Some(Heard::Event(event)) = events.next().await else { panic!("nothing") };
    let opened = What::Keyed(KeyedEvent::Breaker {
        class: KeyClass::Own,
        event: match event.what {
            What::Keyed(KeyedEvent::Breaker { event, .. }) => event,
            what => panic!("{what:?}"),
        },
    });
    assert_eq!((event.what, event.sequence), (opened, 1));
    assert!(matches!(
        event.what,
        What::Keyed(KeyedEvent::Breaker { event: BreakerEvent::Opened { .. }, .. })
    ));
}

#[tokio::test(start_paused = true)]
async fn after_its_cool_down_a_key_is_probed_by_one_call() {
    let shards = set(8);
    shards.try_admit("a").unwrap().fail();
    advance(ms(600_000)).await;
    assert!(shards.try_admit_owned("a", Probing::Forbidden).is_err());
    let probe = shards.try_admit_owned("a", Probing::Allowed).unwrap();
    assert!(probe.is_probe() && shards.try_admit("a").is_err(), "one at a time");
    drop(probe);
    assert!(shards.try_admit("a").is_ok(), "the place of an abandoned probe comes back");
}

#[tokio::test(start_paused = true)]
async fn t95_a_call_that_is_dropped_counts_as_abandoned() {
    let shards = set(8);
    {
        let mut call = pin!(shards.call("a", pending::<Result<u32, &str>>));
        assert!(poll(call.as_mut(), &Arc::default()).is_pending());
    }
    let snapshot = shards.snapshot_of("a").unwrap();
    assert_eq!((snapshot.failures, snapshot.phase), (0, Phase::Closed));
}

#[test]
fn a_flood_of_keys_takes_no_memory_and_frees_no_key_that_is_open() {
    let shards = set(4);
    shards.try_admit("bad").unwrap().fail();
    for number in 0..10_000 {
        if let Ok(pass) = shards.try_admit(&*format!("key-{number}")) {
            pass.succeed();
        }
    }
    let snapshot = shards.snapshot();
    assert_eq!(snapshot.keys, 4);
    assert!(snapshot.overflowed > 9_000, "{snapshot:?}");
    assert!(shards.try_admit("bad").is_err(), "it keeps its own");
}

#[test]
fn racing_threads_meet_one_breaker_of_a_key() {
    let shards: KeyedBreaker<str> = KeyedBreaker::new(touchy()).unwrap();
    shards.try_admit("a").unwrap().fail();
    let racing: Vec<_> = (0..4)
        .map(|_| {
            let shards = shards.clone();
            std::thread::spawn(move || (0..1_000).filter(|_| shards.try_admit("a").is_ok()).count())
        })
        .collect();
    let passed: usize = racing.into_iter().map(|thread| thread.join().unwrap()).sum();
    assert_eq!(passed, 0, "open for all of them");
    assert_eq!(shards.snapshot().keys, 1);
}

#[test]
fn settings_that_cannot_work_are_refused() {
    let none = KeyedBreakerSettings { keys_max: 0, ..KeyedBreakerSettings::new(touchy()) };
    let refused = KeyedBreaker::<str>::with(none, Setup::new()).unwrap_err();
    assert_eq!(refused.mistakes()[0].field(), "keys_max");
    let shards = set(4);
    assert!(shards.reconfigure(none).is_err());
    let other = KeyedBreakerSettings { keys_max: 2, ..KeyedBreakerSettings::new(touchy()) };
    shards.reconfigure(other).unwrap();
    assert!(shards.name() == Some("shards"));
}
