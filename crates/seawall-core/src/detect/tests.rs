//! Tests of failure detection: worked examples, traps, and edges. Fusion is in `fusion`.

mod fusion;

use super::intervals::Intervals;
use super::*;
use crate::ratio::Ratio;
use crate::time::{Duration, Instant};
use proptest::prelude::*;
use std::vec::Vec;

const SECOND: Duration = Duration::from_secs(1);

/// exp(−0.1), ln 10, log₁₀ 3, √2 and √¼ as libm computes them.
const GOLDEN: [u64; 5] = [
    0x3fec_f46d_99d5_2b3a,
    0x4002_6bb1_bbb5_5516,
    0x3fde_8927_964f_d5fd,
    0x3ff6_a09e_667f_3bcd,
    0x3fe0_0000_0000_0000,
];

fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn at(millis: u64) -> Instant {
    Instant::from_millis(millis)
}

fn beat(sequence: u64) -> Beat {
    Beat { incarnation: 1, sequence }
}

fn phi_of(silence: u64) -> u32 {
    Phi::of(millis(silence), Rhythm { mean: millis(1_000), deviation: millis(100) }).milli()
}

/// A detector that has heard so many beats, one a second, from 0 s on.
fn steady(settings: PhiSettings, beats: u64) -> (PhiDetector, Vec<DetectEvent>) {
    let mut events = Vec::new();
    let mut detector = PhiDetector::new(settings, Instant::EPOCH);
    for sequence in 0..beats {
        detector.on_beat(beat(sequence), at(sequence * 1_000), &mut events);
    }
    (detector, events)
}

fn is_suspected(detector: &PhiDetector, millis: u64) -> bool {
    matches!(detector.status(at(millis)), Status::Suspected { .. })
}

#[test]
fn fd_1_phi_of_a_mean_of_one_second_and_a_deviation_of_a_tenth() {
    for (silence, expected) in
        [(1_000, 301), (1_100, 800), (1_200, 1_640), (1_300, 2_910), (1_500, 7_300)]
    {
        assert!(phi_of(silence).abs_diff(expected) <= 5, "φ({silence}) = {}", phi_of(silence));
    }
    let rhythm = Rhythm { mean: SECOND, deviation: millis(100) };
    let eight = Phi::from_milli(8_000).silence(rhythm);
    assert!(eight.abs_diff(Duration::from_micros(1_522_600)) < Duration::from_micros(100));
}

#[test]
fn fd_2_akkas_defaults_detect_after_four_and_a_half_seconds() {
    let found = PhiSettings::akka().detection_time();
    assert!(found.abs_diff(millis(4_520)) < millis(5), "{found:?}");
}

#[test]
fn our_defaults_detect_after_2_3_seconds() {
    let found = PhiSettings::default().detection_time();
    assert!(found.abs_diff(millis(2_306)) < millis(2), "{found:?}");
    let (detector, _) = steady(PhiSettings::default(), 50);
    let last = 49_000;
    assert!(!is_suspected(&detector, last + 2_305));
    assert!(is_suspected(&detector, last + 2_308));
}

#[test]
fn fd_3_a_hundred_members_are_suspected_for_8_to_48_seconds() {
    let times = SuspicionTimes::default();
    assert_eq!((times.timeout(100, 2), times.timeout(100, 0)), (SECOND * 8, SECOND * 48));
    let one = times.timeout(100, 1);
    // 48 − 40 · ln 2 / ln 3
    assert!(one.abs_diff(millis(22_763)) < millis(2), "{one:?}");
    assert_eq!(times.min(3), SECOND * 4, "the logarithm counts from ten members on");
    assert_eq!(times.timeout(100, u32::MAX), SECOND * 8);
    let alone = SuspicionTimes { confirmations: 0, ..times };
    assert_eq!(alone.timeout(100, 0), SECOND * 8, "nobody to wait for");
}

#[test]
fn fd_4_t156_a_silence_of_hours_is_finite_and_clamped() {
    assert_eq!(Phi::of(SECOND * 10_000, Rhythm { mean: SECOND, deviation: millis(100) }), Phi::MAX);
    let zero = Phi::of(Duration::ZERO, Rhythm { mean: SECOND * 10_000, deviation: millis(1) });
    assert_eq!(zero, Phi::from_milli(0), "e^−x overflows on the other side");
    let still = Rhythm { mean: SECOND, deviation: Duration::ZERO };
    assert_eq!(Phi::of(SECOND, still), Phi::from_milli(0));
    assert_eq!(Phi::of(SECOND * 2, still), Phi::MAX);
    let longest = Phi::MAX.silence(Rhythm { mean: Duration::MAX, deviation: Duration::MAX });
    assert_eq!(longest, Duration::MAX);
}

#[test]
fn t156_the_threshold_is_stated_in_seconds() {
    let usual = PhiSettings::default();
    for silence in [1_500, 2_300, 4_000] {
        let settings = usual.detecting_after(millis(silence)).unwrap();
        let found = settings.detection_time();
        assert!(found.abs_diff(millis(silence)) < millis(2), "{silence}: {found:?}");
    }
    assert!(usual.detecting_after(SECOND).is_err(), "a beat that is just due");
    assert!(usual.detecting_after(SECOND * 60).is_err(), "no φ is that large");
}

#[test]
fn t159_start_up_convicts_nobody_within_the_grace() {
    let detector = PhiDetector::new(PhiSettings::default(), Instant::EPOCH);
    assert_eq!(detector.status(at(5_300)), Status::Unheard);
    assert!(is_suspected(&detector, 5_400), "one that never beats is suspected all the same");
    let (few, _) = steady(PhiSettings::default(), 3);
    assert!(!is_suspected(&few, 2_000 + 5_300), "two intervals are no rhythm yet");
}

#[test]
fn one_sample_and_equal_intervals_have_a_least_deviation() {
    let settings = PhiSettings { grace_beats: 0, ..PhiSettings::default() };
    let (detector, _) = steady(settings, 2);
    let rhythm = detector.snapshot(at(1_000)).rhythm;
    assert_eq!(rhythm, Rhythm { mean: SECOND, deviation: millis(250) });
}

#[test]
fn late_repeated_and_old_beats_change_nothing_and_are_reported() {
    let (mut detector, mut events) = steady(PhiSettings::default(), 10);
    let before = detector.snapshot(at(9_500));
    for old in [beat(9), beat(3), Beat { incarnation: 0, sequence: 99 }] {
        detector.on_beat(old, at(9_500), &mut events);
        assert_eq!(events.pop(), Some(DetectEvent::LateBeat { beat: old, last: beat(9) }));
    }
    let after = detector.snapshot(at(9_500));
    assert_eq!(after, PhiSnapshot { late: 3, ..before });
}

#[test]
fn a_restart_is_no_interval_and_ends_a_suspicion() {
    let (mut detector, mut events) = steady(PhiSettings::default(), 10);
    let reborn = Beat { incarnation: 2, sequence: 0 };
    detector.on_beat(reborn, at(60_000), &mut events);
    assert!(
        matches!(events[0], DetectEvent::Suspected { phi: Some(_), since } if since == at(9_000))
    );
    assert_eq!(
        events[1..],
        [
            DetectEvent::Restarted { incarnation: 2 },
            DetectEvent::Recovered { silence: millis(51_000) },
        ]
    );
    let snapshot = detector.snapshot(at(60_000));
    assert_eq!((snapshot.samples, snapshot.rhythm.mean), (9, SECOND));
}

#[test]
fn an_outage_does_not_teach_patience() {
    let (mut detector, mut events) = steady(PhiSettings::default(), 100);
    detector.on_beat(beat(100), at(3_600_000), &mut events);
    let mean = detector.snapshot(at(3_600_000)).rhythm.mean;
    assert!(mean <= millis(1_100), "an hour counts as ten beats: {mean:?}");
}

#[test]
fn our_own_pause_is_left_out_and_takes_a_suspicion_back() {
    let (mut detector, mut events) = steady(PhiSettings::default(), 50);
    let woken = 49_000 + 60_000;
    detector.on_timer(at(woken), &mut events);
    assert!(matches!(events.pop(), Some(DetectEvent::Suspected { .. })));
    detector.on_own_pause(SECOND * 59, at(woken), &mut events);
    assert_eq!(events.pop(), Some(DetectEvent::Recovered { silence: SECOND }));
    assert!(!is_suspected(&detector, woken + 1_300));
    assert!(is_suspected(&detector, woken + 1_400), "the peer really is silent");
    let mut timeout = TimeoutDetector::new(TimeoutSettings::default(), Instant::EPOCH);
    timeout.on_own_pause(SECOND * 100, at(10_000), &mut events);
    assert_eq!(timeout.silence(at(10_000)), Duration::ZERO, "no more than there was");
}

#[test]
fn the_timer_is_due_once_and_when_it_says() {
    let (mut detector, mut events) = steady(PhiSettings::default(), 50);
    let due = detector.next_deadline().unwrap();
    detector.on_timer(Instant::from_nanos(due.as_nanos() - 1), &mut events);
    assert_eq!(events, []);
    detector.on_timer(due, &mut events);
    detector.on_timer(due.after(SECOND), &mut events);
    assert_eq!(events.len(), 1);
    assert_eq!(detector.next_deadline(), None);
}

#[test]
fn a_fixed_timeout_suspects_and_recovers() {
    let mut events = Vec::new();
    let mut detector = TimeoutDetector::new(TimeoutSettings::default(), Instant::EPOCH);
    assert_eq!(detector.next_deadline(), Some(at(8_000)), "the grace of one never heard");
    detector.on_beat(beat(0), at(1_000), &mut events);
    assert_eq!(detector.status(at(5_999)), Status::Trusted);
    detector.on_timer(at(6_000), &mut events);
    assert_eq!(events, [DetectEvent::Suspected { phi: None, since: at(1_000) }]);
    detector.on_beat(beat(1), at(7_000), &mut events);
    assert_eq!(events[1..], [DetectEvent::Recovered { silence: millis(6_000) }]);
}

#[test]
fn t157_the_dead_are_remembered_in_a_bounded_list_and_tried_in_turn() {
    let mut dead = DeadList::new(3);
    assert_eq!(dead.next_probe(), None);
    let forgotten: Vec<_> = (0..5).filter_map(|peer| dead.add(peer, at(peer.into()))).collect();
    assert_eq!(forgotten, [0, 1]);
    assert_eq!(dead.add(4, at(9)), None, "told twice");
    let mut rounds = || dead.next_probe().unwrap();
    assert_eq!([rounds(), rounds(), rounds(), rounds()], [2, 3, 4, 2]);
    assert!(dead.remove(2) && !dead.remove(2));
    assert_eq!(dead.next_probe(), Some(3), "the round goes on with who was next");
    assert_eq!(dead.iter().map(|(peer, _)| peer).collect::<Vec<_>>(), [3, 4]);
}

#[test]
fn t158_an_ill_observer_is_slower_and_weighs_less() {
    let mut health = LocalHealth::default();
    assert_eq!((health.stretch(SECOND), health.weight()), (SECOND, 8));
    (0..20).for_each(|_| health = health.worse());
    assert_eq!(
        (health, health.stretch(SECOND), health.weight()),
        (LocalHealth::WORST, SECOND * 8, 1)
    );
    assert_eq!(health.better().score(), 6);
}

#[test]
fn settings_that_cannot_work_are_named() {
    let phi = PhiSettings::default();
    assert_eq!((phi.validate(), PhiSettings::akka().validate()), (Ok(()), Ok(())));
    let none = Duration::ZERO;
    for (settings, field) in [
        (PhiSettings { beat: none, ..phi }, "beat"),
        (PhiSettings { threshold: Phi::from_milli(0), ..phi }, "threshold"),
        (PhiSettings { deviation_min: none, deviation_share: Ratio::ZERO, ..phi }, "deviation_min"),
        (PhiSettings { samples: 0, ..phi }, "samples"),
        (PhiSettings { samples: 10_001, ..phi }, "samples"),
        (PhiSettings { samples: 2, ..phi }, "grace_beats"),
        (PhiSettings { clip: 0, ..phi }, "clip"),
    ] {
        assert_eq!(settings.validate().unwrap_err().field(), field);
    }
    let never = TimeoutSettings { timeout: none, ..TimeoutSettings::default() };
    assert_eq!(never.validate().unwrap_err().field(), "timeout");
    let fusion = FusionSettings::default();
    assert_eq!(fusion.validate(), Ok(()));
    for (settings, field) in [
        (FusionSettings { kinds_to_declare: 1, ..fusion }, "kinds_to_declare"),
        (FusionSettings { kinds_to_declare: 5, ..fusion }, "kinds_to_declare"),
        (FusionSettings { observers_to_declare: Some(8), ..fusion }, "observers_to_declare"),
        (FusionSettings { accusations_max: 0, ..fusion }, "accusations_max"),
        (FusionSettings { evidence_ttl: none, ..fusion }, "evidence_ttl"),
        (FusionSettings { max_ejected: Ratio::ZERO, ..fusion }, "max_ejected"),
        (FusionSettings { self_suspect_max: none, ..fusion }, "self_suspect_max"),
    ] {
        assert_eq!(settings.validate().unwrap_err().field(), field);
    }
    let times = SuspicionTimes::default();
    assert_eq!(times.validate(), Ok(()));
    assert!(SuspicionTimes { probe: none, ..times }.validate().is_err());
    assert!(SuspicionTimes { max_factor: 0, ..times }.validate().is_err());
}

proptest! {
    #[test]
    #[expect(clippy::float_arithmetic, clippy::cast_precision_loss, reason = "the textbook's way")]
    fn running_mean_and_deviation_agree_with_a_recount(
        intervals in prop::collection::vec(0_u64..100_000_000_000, 1..60), size in 1_u32..20,
    ) {
        let mut running = Intervals::new(size);
        intervals.iter().for_each(|nanos| running.push(Duration::from_nanos(*nanos)));
        running.invariants();
        let held = &intervals[intervals.len().saturating_sub(size as usize)..];
        let count = held.len() as f64;
        let mean = held.iter().map(|nanos| *nanos as f64).sum::<f64>() / count;
        let scatter = held.iter().map(|nanos| (*nanos as f64 - mean).powi(2)).sum::<f64>() / count;
        let (found, deviation) = (running.mean().unwrap(), running.deviation());
        prop_assert!((found.as_nanos() as f64 - mean).abs() <= 1.0);
        prop_assert!((deviation.as_nanos() as f64 - scatter.sqrt()).abs() <= 2.0 + mean * 1e-9);
        let small = running.resized(3);
        small.invariants();
        prop_assert_eq!(small.count() as usize, held.len().min(3));
    }

    #[test]
    fn phi_grows_with_silence_and_its_inverse_leads_back(
        mean in 1_u64..10_000, deviation in 1_u64..5_000, milli in 400_u32..200_000,
    ) {
        let rhythm = Rhythm { mean: millis(mean), deviation: millis(deviation) };
        let phi = Phi::from_milli(milli);
        let silence = phi.silence(rhythm);
        let back = Phi::of(silence, rhythm);
        prop_assert!(back.milli().abs_diff(milli) <= 1, "{back:?}");
        prop_assert!(Phi::of(silence + millis(deviation), rhythm) > back);
    }

    #[test]
    fn the_status_follows_from_the_latest_beat_alone(
        steps in prop::collection::vec((0_u64..4_000, any::<bool>()), 1..80),
    ) {
        let mut events = Vec::new();
        let settings = PhiSettings { samples: 8, ..PhiSettings::default() };
        let mut detector = PhiDetector::new(settings, Instant::EPOCH);
        let (mut now, mut sequence) = (0, 0);
        for (step, beats) in steps {
            now += step;
            if beats {
                sequence += 1;
                detector.on_beat(beat(sequence), at(now), &mut events);
                prop_assert_eq!(detector.status(at(now)), Status::Trusted);
            } else {
                detector.on_timer(at(now), &mut events);
            }
            let snapshot = detector.snapshot(at(now));
            prop_assert_eq!(is_suspected(&detector, now), at(now) >= snapshot.suspect_at);
        }
        // Each suspicion is told once, and so is its end.
        let mut suspected = false;
        for event in events {
            match event {
                DetectEvent::Suspected { .. } => {
                    prop_assert!(!core::mem::replace(&mut suspected, true));
                }
                DetectEvent::Recovered { .. } => prop_assert!(core::mem::take(&mut suspected)),
                DetectEvent::Restarted { .. } | DetectEvent::LateBeat { .. } => {}
            }
        }
    }
}

#[test]
fn t187_the_functions_of_estimators_give_the_same_bits_everywhere() {
    let bits =
        [libm::exp(-0.1), libm::log(10.0), libm::log10(3.0), libm::sqrt(2.0), libm::pow(0.25, 0.5)]
            .map(f64::to_bits);
    assert_eq!(bits, GOLDEN, "{bits:#x?}");
}
