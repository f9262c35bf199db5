//! Tests of the breaker.

use std::future::{pending, ready};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::{Arc, Barrier, Mutex};

use seawall_core::breaker::{self as core, Ended, Manual, Phase, Probing};
use seawall_core::outcome::Class;
use seawall_core::reason::Reason;
use seawall_core::rng::{Draw, Stream};
use seawall_core::time::{Duration, Instant};
use seawall_core::upstream::What;
use tokio::time::advance;

use super::{ms, poll};
use crate::mechanism::atomic::gate::Gate;
use crate::mechanism::{Breaker, Pass};
use crate::{
    AbandonedPolicy, BreakerEvent, BreakerSettings, CoolDown, Error, Heard, Mode, Outcome, Ratio,
    SlowCalls, Until, WindowKind,
};

/// Trips on two failures in a row, and stays open for 1 s.
fn touchy() -> BreakerSettings {
    let cool_down = CoolDown { base: ms(1_000), ..BreakerSettings::for_endpoint().cool_down };
    BreakerSettings { consecutive: Some(2), cool_down, ..BreakerSettings::for_endpoint() }
}

fn breaker(settings: BreakerSettings) -> Breaker {
    Breaker::builder(settings).name("db").seed(1).build().unwrap()
}

fn trip(breaker: &Breaker) {
    breaker.try_admit().unwrap().fail();
    breaker.try_admit().unwrap().fail();
}

async fn half_open(settings: BreakerSettings) -> Breaker {
    let breaker = breaker(settings);
    trip(&breaker);
    advance(ms(1_000)).await;
    assert_eq!(breaker.snapshot().phase, Phase::ProbeDue);
    breaker
}

#[tokio::test(start_paused = true)]
async fn failures_open_it_and_a_successful_probe_closes_it() {
    let breaker = half_open(touchy()).await;
    let probe = breaker.try_admit().unwrap();
    assert!(probe.is_probe());
    breaker.try_admit().unwrap_err();
    probe.succeed();
    assert_eq!(breaker.snapshot().phase, Phase::Closed);
    assert!(!breaker.try_admit().unwrap().is_probe());
}

#[tokio::test(start_paused = true)]
async fn a_rejection_says_who_why_and_until_when() {
    let breaker = breaker(touchy());
    trip(&breaker);
    advance(ms(100)).await;
    let rejected = breaker.try_admit().unwrap_err();
    assert_eq!(rejected.reason, Reason::BreakerOpen);
    let wait = rejected.retry_after().unwrap();
    assert!(wait > ms(600) && wait <= ms(900), "{wait:?}");
    assert!(rejected.to_string().starts_with("db: rejected, breaker_open; may succeed in "));
    breaker.force(Manual::ForcedOpen);
    assert_eq!(breaker.try_admit().unwrap_err().until, Until::Never);
}

fn ignore(pass: Pass<'_>) {
    pass.ignore();
}

#[tokio::test(start_paused = true)]
async fn t1_the_place_of_a_probe_comes_back_on_every_path() {
    let settings = BreakerSettings { abandoned: AbandonedPolicy::Ignore, ..touchy() };
    let breaker = half_open(settings).await;
    let probe = || breaker.try_admit().unwrap();
    let free = || matches!(breaker.snapshot().phase, Phase::HalfOpen { free_places: 1 });
    let endings: [fn(Pass<'_>); 4] = [
        ignore,
        |pass| drop(pass),
        |pass| _ = pass.end(Class::Abandoned),
        |pass| {
            let panicked = catch_unwind(AssertUnwindSafe(move || {
                let _pass = pass;
                panic!("of the caller");
            }));
            assert!(panicked.is_err());
        },
    ];
    for end in endings {
        let pass = probe();
        assert!(!free());
        end(pass);
        assert!(free());
    }
    let unpolled = breaker.call(|| ready(Ok::<_, ()>(())));
    drop(unpolled);
    assert!(free());
    {
        let mut call = pin!(breaker.call(pending::<Result<(), ()>>));
        assert!(poll(call.as_mut(), &Arc::default()).is_pending());
        assert!(!free());
    }
    assert!(free());
}

#[tokio::test(start_paused = true)]
async fn a_call_is_judged_by_its_classifier_and_keeps_its_error() {
    let harmless = breaker(touchy())
        .with_classifier(|_: Result<&(), &&str>| Outcome::success().retry_after(ms(5)));
    for _ in 0..5 {
        let error = harmless.call(|| ready(Err("not found"))).await.unwrap_err();
        let Error::Failed { error, reason, attempts, retry_after, .. } = error else {
            panic!("{error:?}");
        };
        assert_eq!((error, reason, attempts), ("not found", Reason::AttemptsExhausted, 1));
        assert_eq!(retry_after, Some(ms(5)));
    }
    let strict = breaker(touchy());
    for _ in 0..2 {
        strict.call(|| ready(Err::<(), _>("down"))).await.unwrap_err();
    }
    let error = strict.call(|| ready(Err::<(), _>("down"))).await.unwrap_err();
    assert_eq!((error.reason(), error.attempts()), (Reason::BreakerOpen, 0));
}

#[tokio::test(start_paused = true)]
async fn t129_clones_and_owned_passes_share_one_state() {
    let breaker = breaker(touchy());
    let clone = breaker.clone();
    let owned = breaker.try_admit_owned(Probing::Allowed).unwrap();
    drop(breaker);
    std::thread::spawn(move || owned.fail()).join().unwrap();
    clone.try_admit().unwrap().fail();
    clone.try_admit().unwrap_err();
}

#[tokio::test(start_paused = true)]
async fn t10_an_outcome_of_an_older_state_counts_nowhere_and_is_reported() {
    let breaker = breaker(touchy());
    let mut events = breaker.events();
    let late = breaker.try_admit().unwrap();
    trip(&breaker);
    advance(ms(1_000)).await;
    let probe = breaker.try_admit().unwrap();
    late.fail();
    assert!(matches!(breaker.snapshot().phase, Phase::HalfOpen { free_places: 0 }));
    probe.succeed();
    let mut heard = Vec::new();
    for sequence in 1..=4 {
        let Some(Heard::Event(event)) = events.next().await else { panic!("an event is missing") };
        assert_eq!((event.sequence, event.policy.as_deref()), (sequence, Some("db")));
        heard.push(event.what);
    }
    let [opened, half_opened, stale, closed] = heard[..] else { panic!("{heard:?}") };
    assert!(matches!(opened, What::Breaker(BreakerEvent::Opened { .. })));
    assert_eq!(half_opened, What::Breaker(BreakerEvent::HalfOpened));
    assert!(matches!(stale, What::Breaker(BreakerEvent::StaleOutcome { ticket: 0, current: 2 })));
    assert!(matches!(closed, What::Breaker(BreakerEvent::Closed { .. })));
}

#[tokio::test(start_paused = true)]
async fn a_listener_may_use_the_breaker() {
    let inner: Arc<Mutex<Option<Breaker>>> = Arc::default();
    let told = Arc::clone(&inner);
    let listener = move |_: &crate::Event| {
        let breaker = told.lock().unwrap().clone().unwrap();
        assert!(matches!(breaker.snapshot().phase, Phase::Open { .. }));
        *told.lock().unwrap() = None;
    };
    let breaker = Breaker::builder(touchy()).on_event(listener).build().unwrap();
    *inner.lock().unwrap() = Some(breaker.clone());
    trip(&breaker);
    assert!(inner.lock().unwrap().is_none(), "the listener was not called");
}

#[tokio::test(start_paused = true)]
async fn control_and_settings_reach_the_published_word() {
    let breaker = breaker(touchy());
    breaker.force(Manual::ForcedOpen);
    breaker.try_admit().unwrap_err();
    breaker.force(Manual::Disabled);
    (0..5).for_each(|_| breaker.try_admit().unwrap().fail());
    breaker.force(Manual::Auto);
    breaker.reconfigure(BreakerSettings { mode: Mode::Off, ..touchy() }).unwrap();
    (0..5).for_each(|_| breaker.try_admit().unwrap().fail());
    breaker.reconfigure(touchy()).unwrap();
    trip(&breaker);
    breaker.try_admit().unwrap_err();
}

#[tokio::test(start_paused = true)]
async fn after_the_ramp_traffic_flows_freely_again() {
    let breaker = half_open(BreakerSettings { ramp: Some(ms(500)), ..touchy() }).await;
    breaker.try_admit().unwrap().succeed();
    let passed = (0..50).filter(|_| {
        breaker.try_admit().is_ok_and(|p| {
            p.succeed();
            true
        })
    });
    assert!(passed.count() < 30, "the ramp admits a share");
    advance(ms(500)).await;
    assert!((0..50).all(|_| breaker.try_admit().is_ok()));
}

#[test]
fn settings_that_cannot_work_are_refused() {
    let bad = BreakerSettings { max_probes: 0, ..touchy() };
    assert_eq!(Breaker::new(bad).unwrap_err().mistakes()[0].path(), "breaker.max_probes");
    let breaker = Breaker::new(touchy()).unwrap();
    assert!(breaker.reconfigure(bad).is_err());
    assert_eq!(breaker.snapshot().phase, Phase::Closed);
}

/// Eight threads that leave one barrier together.
fn at_once<T: Send>(act: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let barrier = Barrier::new(8);
    std::thread::scope(|scope| {
        let (act, barrier) = (&act, &barrier);
        let enter = |index| {
            move || {
                barrier.wait();
                act(index)
            }
        };
        let threads: Vec<_> = (0..8).map(|index| scope.spawn(enter(index))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}

#[test]
fn t4_t5_t6_racing_callers_get_as_many_probes_as_there_are_places() {
    for round in 0..200 {
        let settings = BreakerSettings { max_probes: 3, success_threshold: 3, ..touchy() };
        let machine = core::Breaker::new(settings, Instant::EPOCH);
        let gate = Gate::new(machine, Stream::new(round, "gate"));
        let settle = |ticket, class, now| {
            let ended = Ended { class, elapsed: Duration::ZERO };
            let ((), _) = gate.step(now, false, |locked, sink| {
                locked.machine.settle(ticket, ended, (now, Draw::ZERO), sink);
            });
        };
        let admit = |now| {
            gate.flows().or_else(|| {
                let (answer, _) = gate.step(now, false, |locked, sink| {
                    locked.machine.admit(now, Probing::Allowed, Draw::ZERO, sink)
                });
                answer.ok()
            })
        };
        // All of them fail at once: one trip, whoever makes it.
        let tickets = at_once(|_| gate.flows());
        tickets.into_iter().flatten().for_each(|t| settle(t, Class::Failure, Instant::EPOCH));
        assert_eq!(gate.look().machine.snapshot(Instant::EPOCH).openings, 1);
        let due = Instant::from_millis(1_000);
        let probes: Vec<_> = at_once(|_| admit(due)).into_iter().flatten().collect();
        assert_eq!(probes.len(), 3, "one for each place");
        // Their places come back one by one, and each lets one more in.
        for probe in probes {
            settle(probe, Class::Ignored, due);
            assert_eq!(at_once(|_| admit(due)).into_iter().flatten().count(), 1);
        }
    }
}

/// A breaker over so many calls, of which half must fail.
fn over_calls(calls: u32) -> Breaker {
    let window = WindowKind::Calls(calls);
    breaker(BreakerSettings { window, min_calls: 100, ..BreakerSettings::for_upstream() })
}

#[test]
fn successes_that_threads_count_by_themselves_are_all_known_when_asked() {
    let breaker = over_calls(65_536);
    at_once(|_| (0..2_000).for_each(|_| breaker.try_admit().unwrap().succeed()));
    assert_eq!(breaker.snapshot().calls, 16_000);
    breaker.try_admit().unwrap().fail();
    assert_eq!((breaker.snapshot().calls, breaker.snapshot().failures), (16_001, 1));
}

#[test]
fn after_any_number_of_successes_half_a_window_of_failures_trips() {
    for successes in [0, 100, 1_000, 10_000] {
        let breaker = over_calls(100);
        (0..successes).for_each(|_| breaker.try_admit().unwrap().succeed());
        let mut failures = 0;
        while let Ok(pass) = breaker.try_admit() {
            pass.fail();
            failures += 1;
        }
        assert_eq!(failures, if successes == 0 { 100 } else { 50 }, "after {successes}");
    }
}

#[tokio::test(start_paused = true)]
async fn successes_leave_a_window_of_time_with_their_bucket() {
    let window = WindowKind::Time(ms(1_000));
    let breaker = breaker(BreakerSettings { window, min_calls: 3, ..touchy() });
    for _ in 0..10 {
        breaker.try_admit().unwrap().succeed();
    }
    advance(ms(600)).await;
    for _ in 0..10 {
        breaker.try_admit().unwrap().succeed();
    }
    assert_eq!(breaker.snapshot().calls, 20);
    advance(ms(600)).await;
    assert_eq!(breaker.snapshot().calls, 10, "the older half is gone");
}

#[tokio::test(start_paused = true)]
async fn a_slow_success_is_counted_as_slow_beside_quick_ones() {
    let slow_calls = Some(SlowCalls { limit: ms(50), rate: Ratio::from_percent(100) });
    let breaker = breaker(BreakerSettings { slow_calls, min_calls: 2, ..touchy() });
    for _ in 0..5 {
        breaker.try_admit().unwrap().succeed();
    }
    let pass = breaker.try_admit().unwrap();
    advance(ms(50)).await;
    pass.succeed();
    let snapshot = breaker.snapshot();
    assert_eq!((snapshot.calls, snapshot.slow), (6, 1));
}
