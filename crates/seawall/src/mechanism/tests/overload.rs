//! Tests of the adaptive limit, the throttle and brownout: what they refuse, learn and tell.

use std::future::{pending, ready};
use std::pin::pin;
use std::sync::{Arc, Mutex};

use seawall_core::brownout::BrownoutEvent;
use seawall_core::concurrency::LimitEvent;
use seawall_core::ratio::Ratio;
use seawall_core::reason::Reason;
use tokio::time::sleep;

use super::{ms, poll};
use crate::mechanism::{
    AdaptiveLimit, Brownout, BrownoutSettings, FeatureRefused, Level, Setup, Signal, Throttle,
};
use crate::{
    AnyResult, Error, Event, Importance, LimitSettings, Mode, Outcome, ThrottleSettings, What,
};

/// A setup, and the events that were heard with it.
fn heard() -> (Setup, Arc<Mutex<Vec<Event>>>) {
    let log: Arc<Mutex<Vec<Event>>> = Arc::default();
    let told = Arc::clone(&log);
    let setup = Setup::named("db").seed(7);
    (setup.on_event(move |event| told.lock().unwrap().push(event.clone())), log)
}

fn limit_of(most: u32) -> LimitSettings {
    LimitSettings { initial: most, min: 1, max: most, ..LimitSettings::aimd() }
}

fn judge(result: Result<&u32, &&str>) -> Outcome {
    match result {
        Ok(_) => Outcome::success(),
        Err(&"busy") => Outcome::throttled(),
        Err(_) => Outcome::failure(),
    }
}

#[test]
fn an_adaptive_limit_admits_as_many_as_it_says_and_tells_of_the_rest() {
    let (setup, log) = heard();
    let limit = AdaptiveLimit::with(limit_of(2), setup).unwrap();
    let places = [limit.try_acquire().unwrap(), limit.try_acquire().unwrap()];
    let refused = limit.clone().try_acquire().unwrap_err();
    assert_eq!((refused.name.as_deref(), refused.reason), (Some("db"), Reason::ConcurrencyLimit));
    drop(places);
    assert_eq!((limit.in_flight(), limit.snapshot().rejected), (0, 1));
    assert!(limit.try_acquire_owned().is_ok());
    let log = log.lock().unwrap();
    let [Event { what: What::Limit(LimitEvent::Rejected { in_flight: 2, .. }), .. }] = &log[..]
    else {
        panic!("{log:?}")
    };
    assert_eq!((log[0].policy.as_deref(), log[0].sequence), (Some("db"), 1));
}

#[tokio::test(start_paused = true)]
async fn an_adaptive_limit_shrinks_by_refusals_for_overload_and_by_nothing_else() {
    let settings = LimitSettings { initial: 100, min: 1, ..LimitSettings::aimd() };
    let limit = AdaptiveLimit::new(settings).unwrap().with_classifier(judge);
    for error in ["broken", "broken"] {
        let ended = limit.call(|| ready(Err::<u32, _>(error))).await.unwrap_err();
        assert_eq!((ended.error(), ended.attempts()), (Some(&"broken"), 1));
    }
    assert_eq!(limit.snapshot().limit, 100, "other failures say nothing");
    let busy = limit.call(|| ready(Err::<u32, _>("busy"))).await.unwrap_err();
    assert!(matches!(busy, Error::Failed { .. }));
    assert_eq!((limit.snapshot().limit, limit.snapshot().drops), (90, 1));
    let slow = async {
        sleep(ms(20)).await;
        Ok::<_, &str>(7)
    };
    assert_eq!(limit.call(|| slow).await, Ok(7));
    assert_eq!(limit.snapshot().samples, 1);
}

#[tokio::test(start_paused = true)]
async fn t95_a_call_that_is_dropped_gives_its_place_back_and_says_nothing() {
    let limit = AdaptiveLimit::new(limit_of(1)).unwrap();
    {
        let mut call = pin!(limit.call(pending::<Result<u32, &str>>));
        assert!(poll(call.as_mut(), &Arc::default()).is_pending());
        assert_eq!(limit.in_flight(), 1);
    }
    let snapshot = limit.snapshot();
    assert_eq!((limit.in_flight(), snapshot.samples, snapshot.drops), (0, 0, 0));
}

#[test]
fn threads_never_hold_more_places_than_the_limit() {
    let limit = AdaptiveLimit::new(limit_of(3)).unwrap();
    let threads: Vec<_> = (0..4)
        .map(|_| {
            let limit = limit.clone();
            std::thread::spawn(move || {
                for _ in 0..2_000 {
                    if let Ok(place) = limit.try_acquire() {
                        assert!(limit.in_flight() <= 3);
                        place.ignore();
                    }
                }
            })
        })
        .collect();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    assert_eq!(limit.in_flight(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_throttle_stops_most_of_what_would_be_refused_the_less_important_first() {
    let (setup, log) = heard();
    let throttle = Throttle::with(ThrottleSettings::default(), setup).unwrap();
    let throttle = throttle.with_classifier(judge);
    let busy = |importance| throttle.call(importance, || ready(Err::<u32, _>("busy")));
    let mut refused = [0_usize; 2];
    for _ in 0..500 {
        for (place, importance) in [Importance::Critical, Importance::Low].into_iter().enumerate() {
            refused[place] +=
                usize::from(matches!(busy(importance).await, Err(Error::Rejected { .. })));
        }
    }
    assert!(refused.iter().all(|refused| (400..=480).contains(refused)), "{refused:?}");
    assert_eq!(throttle.snapshot().requests, 1_000);
    assert_eq!(log.lock().unwrap().len(), refused.iter().sum::<usize>());
    sleep(ms(31_000)).await;
    for _ in 0..100 {
        assert_eq!(throttle.call(Importance::Low, || ready(Ok::<_, &str>(7))).await, Ok(7));
    }
    assert_eq!(throttle.snapshot().accepts, 100, "the window has passed");
}

#[test]
fn what_was_never_sent_or_nobody_waited_for_is_no_refusal() {
    let throttle = Throttle::new(ThrottleSettings::default()).unwrap();
    throttle.try_admit(Importance::Normal).unwrap().unsent();
    drop(throttle.try_admit_owned(Importance::Normal).unwrap());
    let snapshot = throttle.snapshot();
    assert_eq!((snapshot.requests, snapshot.accepts), (1, 1));
    throttle.reconfigure(ThrottleSettings { mode: Mode::Off, ..Default::default() }).unwrap();
    let lenient = ThrottleSettings { cap: Ratio::ONE, ..Default::default() };
    assert!(throttle.reconfigure(lenient).is_err());
}

#[tokio::test(start_paused = true)]
async fn brownout_switches_features_off_by_steps_and_on_again() {
    let (setup, log) = heard();
    let brownout = Brownout::with(BrownoutSettings::default(), setup).unwrap();
    let lean = brownout.feature("recommendations", Level::Normal).unwrap();
    let reduced = brownout.feature("images", Level::Lean).unwrap();
    brownout.note(Signal::Cpu, Some(Ratio::from_percent(150)));
    assert!(lean.is_on() && reduced.is_on(), "one bad moment is none");
    let judging = brownout.clone();
    let watch = async {
        sleep(ms(3_500)).await;
        assert_eq!(brownout.level(), Level::Lean);
        assert!(!lean.is_on() && reduced.is_on());
        assert_eq!(lean.try_run().unwrap_err().reason, Reason::Shed);
        sleep(ms(3_000)).await;
        assert!(!reduced.is_on(), "another step");
        brownout.note(Signal::Cpu, None);
        sleep(ms(31_000)).await;
        assert_eq!(brownout.level(), Level::Normal);
        assert!(lean.is_on() && reduced.is_on());
    };
    tokio::select! {
        () = judging.run() => unreachable!("it judges for ever"),
        () = watch => {}
    }
    let levels: Vec<_> = log
        .lock()
        .unwrap()
        .iter()
        .map(|event| match event.what {
            What::Brownout(BrownoutEvent { to, .. }) => to.number(),
            _ => panic!("{event:?}"),
        })
        .collect();
    assert_eq!(levels, [1, 2, 1, 0]);
}

#[test]
fn a_level_that_is_pinned_and_a_feature_that_moves_are_seen_by_all() {
    let brownout = Brownout::new(BrownoutSettings::default()).unwrap();
    let feature = brownout.feature("images", Level::Lean).unwrap();
    brownout.pin(Some(Level::Reduced));
    assert!(!feature.is_on());
    let again = brownout.feature("images", Level::Reduced).unwrap();
    assert!(feature.is_on() && again.is_on(), "the same feature");
    assert_eq!(brownout.features(), [("images".to_owned(), true)]);
    assert_eq!(brownout.feature("", Level::Lean).unwrap_err(), FeatureRefused::Name);
    let shadow = BrownoutSettings { mode: Mode::Shadow, ..Default::default() };
    brownout.reconfigure(shadow).unwrap();
    assert_eq!((brownout.level(), brownout.snapshot().level), (Level::Normal, Level::Reduced));
    let never = BrownoutSettings { tick: ms(0), ..Default::default() };
    let refused = brownout.reconfigure(never).unwrap_err();
    assert_eq!(refused.mistakes()[0].field(), "tick");
}

#[test]
fn racing_threads_register_every_feature() {
    let brownout = Brownout::new(BrownoutSettings::default()).unwrap();
    let threads: Vec<_> = (0..4)
        .map(|thread| {
            let brownout = brownout.clone();
            std::thread::spawn(move || {
                for number in 0..50 {
                    let name = format!("{thread}-{number}");
                    assert!(brownout.feature(&name, Level::Normal).unwrap().is_on());
                }
            })
        })
        .collect();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    assert_eq!(brownout.features().len(), 200);
}

#[test]
fn classifiers_of_their_own_share_one_state() {
    let limit = AdaptiveLimit::new(limit_of(1)).unwrap();
    let _place = limit.try_acquire().unwrap();
    assert!(limit.with_classifier(AnyResult).try_acquire().is_err());
}
