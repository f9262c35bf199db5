//! Tests of failure detectors: who is suspected, when, and who hears of it.

use std::sync::{Arc, Mutex};

use tokio::time::{Instant, advance, sleep};

use super::ms;
use crate::What;
use crate::mechanism::{
    Beat, DetectEvent, FailureDetector, PhiSettings, Setup, Status, TimeoutSettings,
};

fn fixed() -> FailureDetector {
    FailureDetector::timeout(TimeoutSettings { timeout: ms(500), grace: ms(100) }).unwrap()
}

#[expect(clippy::disallowed_methods, reason = "this is the clock of the tests")]
fn now() -> Instant {
    Instant::now()
}

#[tokio::test(start_paused = true)]
async fn a_peer_is_suspected_after_a_fixed_silence_and_trusted_with_its_next_beat() {
    let (peer, began) = (fixed(), now());
    assert_eq!(peer.status(), Status::Unheard);
    peer.suspected().await;
    assert_eq!(began.elapsed(), ms(600), "a peer that was never heard has longer");
    peer.beat();
    assert_eq!(peer.status(), Status::Trusted);
    peer.suspected().await;
    assert_eq!(began.elapsed(), ms(1_100));
    assert!(peer.is_suspected() && peer.level().is_none());
}

#[tokio::test(start_paused = true)]
async fn beats_put_off_the_suspicion_for_those_who_wait() {
    let (peer, began) = (fixed(), now());
    let beats = async {
        for _ in 0..10 {
            sleep(ms(300)).await;
            peer.beat();
        }
    };
    let ((), ()) = tokio::join!(peer.suspected(), beats);
    assert_eq!(began.elapsed(), ms(3_500), "half a second after the last");
}

#[tokio::test(start_paused = true)]
async fn fd_1_a_rhythm_is_learned_and_its_end_is_noticed() {
    let peer = FailureDetector::phi(PhiSettings::default()).unwrap();
    for _ in 0..100 {
        advance(ms(1_000)).await;
        peer.beat();
    }
    let expected = peer.snapshot().unwrap().suspect_at;
    let began = now();
    assert!(!peer.is_suspected() && peer.level().unwrap().milli() < 1_000);
    peer.suspected().await;
    assert!((ms(2_000)..ms(3_000)).contains(&began.elapsed()), "{:?}", began.elapsed());
    assert!(peer.level().unwrap().milli() >= 8_000);
    assert_eq!(peer.snapshot().unwrap().suspect_at, expected);
}

#[tokio::test(start_paused = true)]
async fn listeners_hear_of_suspicion_recovery_restarts_and_late_beats() {
    let log: Arc<Mutex<Vec<What>>> = Arc::default();
    let told = Arc::clone(&log);
    let setup = Setup::new().on_event(move |event| told.lock().unwrap().push(event.what));
    let settings = TimeoutSettings { timeout: ms(500), grace: ms(0) };
    let peer = FailureDetector::timeout_with(settings, setup).unwrap();
    let beat = |incarnation, sequence| peer.on_beat(Beat { incarnation, sequence });
    beat(1, 1);
    beat(1, 1);
    peer.suspected().await;
    beat(2, 1);
    let log = log.lock().unwrap();
    let [
        What::Detector(DetectEvent::LateBeat { .. }),
        What::Detector(DetectEvent::Suspected { .. }),
        What::Detector(DetectEvent::Restarted { incarnation: 2 }),
        What::Detector(DetectEvent::Recovered { .. }),
    ] = &log[..]
    else {
        panic!("{log:?}")
    };
}

#[tokio::test(start_paused = true)]
async fn a_pause_of_our_own_takes_a_suspicion_back() {
    let peer = fixed();
    peer.beat();
    advance(ms(700)).await;
    assert!(peer.is_suspected());
    peer.on_own_pause(ms(400));
    assert!(!peer.is_suspected());
}

#[tokio::test(start_paused = true)]
async fn settings_are_of_the_kind_of_the_detector() {
    let (peer, began) = (fixed(), now());
    peer.beat();
    peer.reconfigure_timeout(TimeoutSettings { timeout: ms(200), grace: ms(0) }).unwrap();
    peer.suspected().await;
    assert_eq!(began.elapsed(), ms(200));
    assert!(peer.reconfigure_phi(PhiSettings::default()).is_err());
    let never = PhiSettings { samples: 0, ..PhiSettings::default() };
    let refused = FailureDetector::phi(never).unwrap_err();
    assert_eq!(refused.mistakes()[0].field(), "samples");
    let phi = FailureDetector::phi(PhiSettings::default()).unwrap();
    phi.reconfigure_phi(PhiSettings::akka()).unwrap();
    assert!(phi.reconfigure_timeout(TimeoutSettings::default()).is_err());
}
