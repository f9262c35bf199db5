//! The worked examples, the traps, and a model that recounts a full log.

use super::*;
use crate::Mode;
use crate::event::Discard;
use crate::ratio::Ratio;
use crate::rng::{Draw, Rng, Stream};
use crate::shed::Class;
use crate::time::{Duration, Instant};
use proptest::prelude::*;
use std::vec::Vec;

fn at(millis: u64) -> Instant {
    Instant::from_millis(millis)
}

/// A throttle that has seen so many requests, so many of them accepted.
fn seen(requests: u64, accepts: u64) -> Throttle {
    let mut throttle = Throttle::new(ThrottleSettings::default(), Instant::EPOCH);
    for request in 0..requests {
        let passed = pass(&mut throttle, at(0));
        let answer = if request < accepts { Answer::Accepted } else { Answer::Overloaded };
        throttle.settle(passed, answer, at(0));
    }
    throttle
}

fn pass(throttle: &mut Throttle, now: Instant) -> Passed {
    throttle.admit(Class::Normal, Draw::ALMOST_ONE, now, &mut Discard).unwrap()
}

fn p(throttle: &mut Throttle, importance: Class) -> u32 {
    let refused = throttle.admit(importance, Draw::ZERO, at(0), &mut Discard);
    refused.err().map_or(0, |refused| refused.p.ppm())
}

#[test]
fn ct_1_the_probability_follows_from_requests_and_accepts() {
    assert_eq!(p(&mut seen(100, 50), Class::Normal), 0);
    assert_eq!(p(&mut seen(100, 40), Class::Normal), 198_019);
    assert_eq!(p(&mut seen(100, 0), Class::Normal), 900_000, "of 0.9901");
    assert_eq!(p(&mut seen(100, 50), Class::Low), 445_544);
    let uncapped = ThrottleSettings { cap: Ratio::from_ppm(999_999), ..Default::default() };
    let mut throttle = seen(100, 0);
    throttle.reconfigure(uncapped, at(0));
    assert_eq!(p(&mut throttle, Class::Normal), 990_099);
}

#[test]
fn important_attempts_are_throttled_later() {
    let of = |importance| p(&mut seen(100, 24), importance);
    let each = [Class::Critical, Class::High, Class::Normal, Class::Low];
    assert_eq!(each.map(of), [39_603, 277_227, 514_851, 728_712]);
}

#[test]
fn few_requests_prove_nothing() {
    assert_eq!(p(&mut seen(9, 0), Class::Low), 0);
    assert!(p(&mut seen(10, 0), Class::Low) > 0);
}

/// Sent in each second after the first minute, where 300 are offered and the upstream accepts the
/// first 100 of each second.
fn sent_per_second(importance: Class, seed: u64) -> u64 {
    let mut throttle = Throttle::new(ThrottleSettings::default(), Instant::EPOCH);
    let mut rng = Stream::new(seed, "throttle");
    let (seconds, mut sent) = (600, 0);
    for second in 0..60 + seconds {
        let mut here = 0;
        for call in 0..300 {
            let now = at(second * 1_000 + call * 10 / 3);
            let admitted = throttle.admit(importance, rng.draw(), now, &mut Discard);
            let Ok(passed) = admitted else { continue };
            here += 1;
            let answer = if here <= 100 { Answer::Accepted } else { Answer::Overloaded };
            throttle.settle(passed, answer, now);
        }
        sent += if second < 60 { 0 } else { here };
    }
    sent / seconds
}

#[test]
fn ct_2_sending_settles_at_k_times_what_is_accepted() {
    let normal = sent_per_second(Class::Normal, 1);
    assert!((195..=205).contains(&normal), "{normal} a second");
    let low = sent_per_second(Class::Low, 1);
    assert!((106..=114).contains(&low), "{low} a second");
    // With K = 4 everything may be sent: a third is accepted.
    assert_eq!(sent_per_second(Class::Critical, 1), 300);
}

#[test]
fn t130_a_total_outage_lets_a_tenth_pass_and_recovers_within_a_window() {
    let mut throttle = Throttle::new(ThrottleSettings::default(), Instant::EPOCH);
    let mut rng = Stream::new(2, "throttle");
    let mut step = |millis: u64, answer: Answer| {
        let now = at(millis);
        let admitted = throttle.admit(Class::Normal, rng.draw(), now, &mut Discard);
        admitted.map(|passed| throttle.settle(passed, answer, now)).is_ok()
    };
    (0..120_000).step_by(10).for_each(|millis| _ = step(millis, Answer::Overloaded));
    let out = (120_000..180_000).step_by(10);
    let passed = out.filter(|millis| step(*millis, Answer::Overloaded)).count();
    assert!((540..=660).contains(&passed), "{passed} of 6000");
    // The upstream is well again: more pass within one window, everything within two.
    let mut passed = |from: u64, to: u64| {
        (from..to).step_by(10).filter(|millis| step(*millis, Answer::Accepted)).count()
    };
    passed(180_000, 209_000);
    assert!(passed(209_000, 210_000) >= 25);
    passed(210_000, 240_000);
    assert_eq!(passed(240_000, 250_000), 1_000);
}

#[test]
fn t131_what_something_else_of_ours_refused_was_no_request() {
    let mut throttle = seen(100, 50);
    for _ in 0..1_000 {
        let passed = pass(&mut throttle, at(0));
        throttle.settle(passed, Answer::Unsent, at(0));
    }
    let snapshot = throttle.snapshot(at(0));
    assert_eq!((snapshot.requests, snapshot.accepts), (100, 50));
}

#[test]
fn t131_a_refusal_of_its_own_counts_as_wished_for_and_nowhere_else() {
    let mut throttle = seen(100, 0);
    let mut events = Vec::new();
    let refused = throttle.admit(Class::Normal, Draw::ZERO, at(0), &mut events).unwrap_err();
    assert_eq!(refused, Throttled { p: Ratio::from_percent(90), requests: 100, accepts: 0 });
    let mode = Mode::Enforce;
    assert_eq!(events, [ThrottleEvent::Throttled { mode, why: refused }]);
    assert_eq!(throttle.snapshot(at(0)).requests, 101);
}

#[test]
fn shadow_reports_and_passes_and_off_counts_nothing() {
    let mut throttle = seen(100, 0);
    let mode = Mode::Shadow;
    throttle.reconfigure(ThrottleSettings { mode, ..Default::default() }, at(0));
    let mut events = Vec::new();
    let passed = throttle.admit(Class::Normal, Draw::ZERO, at(0), &mut events);
    throttle.settle(passed.unwrap(), Answer::Accepted, at(0));
    assert_eq!(events.len(), 1);
    assert_eq!(throttle.snapshot(at(0)).accepts, 1);
    let mode = Mode::Off;
    throttle.reconfigure(ThrottleSettings { mode, ..Default::default() }, at(0));
    assert!(throttle.admit(Class::Low, Draw::ZERO, at(0), &mut events).is_ok());
    assert_eq!(throttle.snapshot(at(0)).requests, 101);
}

#[test]
fn settings_that_cannot_work_are_named() {
    let field = |settings: ThrottleSettings| settings.validate().unwrap_err().field();
    let good = ThrottleSettings::default();
    assert!(good.validate().is_ok());
    let half = Ratio::from_percent(50);
    assert_eq!(field(ThrottleSettings { low: half, ..good }), "throttle.low");
    assert_eq!(field(ThrottleSettings { normal: Ratio::ONE, ..good }), "throttle.normal");
    assert_eq!(field(ThrottleSettings { high: Ratio::ONE, ..good }), "throttle.high");
    assert_eq!(field(ThrottleSettings { critical: Ratio::ONE, ..good }), "throttle.critical");
    assert_eq!(field(ThrottleSettings { cap: Ratio::ONE, ..good }), "throttle.cap");
    for window in [Duration::from_millis(9), Duration::from_secs(3_601)] {
        assert_eq!(field(ThrottleSettings { window, ..good }), "throttle.window");
    }
}

proptest! {
    #[test]
    fn agrees_with_a_full_log(
        steps in prop::collection::vec((0_u64..3_000, any::<u64>(), 0_u8..4, 0_usize..6), 1..200),
        origin in 0_u64..5_000,
    ) {
        let settings = ThrottleSettings::default();
        let mut throttle = Throttle::new(settings, at(origin));
        let bucket = |millis: u64| (millis + 3_000 - origin % 3_000) / 3_000;
        // When, and whether it still counts, and whether it was accepted.
        let mut log: Vec<(u64, bool, bool)> = Vec::new();
        let mut open: Vec<(Passed, usize)> = Vec::new();
        let mut now = 0;
        for (wait, bits, answer, pick) in steps {
            now += wait;
            let live = |(then, counts, _): &&(u64, bool, bool)| {
                *counts && bucket(*then) + 10 > bucket(now)
            };
            let requests = log.iter().filter(live).count() as u128;
            let accepts = log.iter().filter(live).filter(|entry| entry.2).count() as u128;
            let excess = (requests * 1_000_000).saturating_sub(2_000_000 * accepts);
            let p = if requests < 10 { 0 } else { (excess / (requests + 1)).min(900_000) };
            let refuses = (u128::from(bits) * 1_000_000) >> 64 < p;
            let draw = Draw::from_bits(bits);
            let admitted = throttle.admit(Class::Normal, draw, at(now), &mut Discard);
            prop_assert_eq!(admitted.is_err(), refuses);
            log.push((now, true, false));
            if let Ok(passed) = admitted {
                open.push((passed, log.len() - 1));
            }
            if pick < open.len() {
                let (passed, index) = open.swap_remove(pick);
                let answer = match answer {
                    0 => Answer::Overloaded,
                    1 => Answer::Unsent,
                    _ => Answer::Accepted,
                };
                throttle.settle(passed, answer, at(now));
                log[index].1 = answer != Answer::Unsent;
                log[index].2 = answer == Answer::Accepted;
            }
        }
    }
}
