//! The worked examples, the traps, and a naive model over all retry numbers.

#![expect(clippy::float_arithmetic, reason = "the naive model is real numbers")]

mod hint;

use super::*;
use crate::rng::{Rng, Stream};
use proptest::prelude::*;
use std::vec::Vec;

const JITTERS: [Jitter; 4] = [Jitter::None, Jitter::Full, Jitter::Equal, Jitter::Decorrelated];

fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

#[test]
fn defaults_are_valid_and_contradictions_are_not() {
    assert_eq!(BackoffSettings::transient().validate(), Ok(()));
    assert_eq!(BackoffSettings::throttled().validate(), Ok(()));
    let low = BackoffSettings { cap: millis(49), ..BackoffSettings::transient() };
    assert_eq!(low.validate().unwrap_err().field(), "cap");
    let factor = Ratio::from_percent(99);
    let shrinking = BackoffSettings { factor, ..BackoffSettings::transient() };
    assert_eq!(shrinking.validate().unwrap_err().field(), "factor");
}

#[test]
fn waits_that_never_grow_and_a_cap_at_the_base_are_permitted() {
    let steady = BackoffSettings { factor: Ratio::ONE, ..BackoffSettings::transient() };
    assert_eq!(steady.validate(), Ok(()));
    assert_eq!(BackoffSettings::constant(millis(50)).validate(), Ok(()));
}

/// Base 100 ms, cap 2 s, doubling.
fn settings(jitter: Jitter) -> BackoffSettings {
    let (base, cap) = (millis(100), millis(2_000));
    BackoffSettings::exponential(base, cap).jittered(jitter)
}

/// The first waits in microseconds, each with the same draw.
fn waits(jitter: Jitter, draw: Draw, retries: u32) -> Vec<u128> {
    let mut backoff = Backoff::default();
    let next = |retry| backoff.next(&settings(jitter), retry, draw).as_micros();
    (1..=retries).map(next).collect()
}

#[test]
fn bo_1_raw_waits_double_up_to_the_cap() {
    let waits: Vec<_> =
        (1..=7).map(|retry| raw(&settings(Jitter::None), retry).as_millis()).collect();
    assert_eq!(waits, [100, 200, 400, 800, 1_600, 2_000, 2_000]);
}

#[test]
fn bo_2_full_jitter_halves_and_equal_jitter_keeps_three_quarters_at_one_half() {
    assert_eq!(waits(Jitter::Full, Draw::HALF, 3), [50_000, 100_000, 200_000]);
    assert_eq!(waits(Jitter::Equal, Draw::HALF, 3), [75_000, 150_000, 300_000]);
}

#[test]
fn bo_3_decorrelated_waits_grow_from_the_previous_one() {
    let expected = [200_000, 350_000, 575_000, 912_500, 1_418_750, 2_000_000];
    assert_eq!(waits(Jitter::Decorrelated, Draw::HALF, 6), expected);
    assert_eq!(waits(Jitter::Decorrelated, Draw::ZERO, 6), [100_000; 6]);
}

#[test]
fn presets_are_ordered_by_how_much_quiet_they_give() {
    let (transient, throttled) = (BackoffSettings::default(), BackoffSettings::throttled());
    assert_eq!(raw(&transient, 1), millis(50));
    assert_eq!(raw(&transient, 100), millis(2_000));
    assert_eq!(raw(&throttled, 1), millis(1_000));
    assert_eq!(raw(&throttled, 100), millis(20_000));
    assert_eq!((transient.jitter, throttled.jitter), (Jitter::Full, Jitter::Full));
}

#[test]
fn growth_by_factors_without_finite_binary_form_is_exact_to_the_nanosecond() {
    for percent in 100..=300 {
        let factor = Ratio::from_percent(percent);
        let settings = BackoffSettings { factor, cap: Duration::MAX, ..settings(Jitter::None) };
        let mut exact = 100_000_000;
        for retry in 1..=5 {
            assert_eq!(raw(&settings, retry).as_nanos(), exact, "{percent} %, retry {retry}");
            exact = exact * u128::from(percent) / 100;
        }
    }
}

#[test]
fn growth_too_slow_to_move_a_nanosecond_still_arrives() {
    let factor = Ratio::from_ppm(1_000_001);
    let settings =
        BackoffSettings { base: Duration::from_nanos(1), factor, ..settings(Jitter::None) };
    assert_eq!(raw(&settings, 2), Duration::from_nanos(1));
    assert_eq!(raw(&settings, 1_098_614), Duration::from_nanos(3), "ln 3 in millionths");
    assert_eq!(raw(&settings, u32::MAX), settings.cap);
}

#[test]
fn a_factor_of_one_stays_at_the_base() {
    let settings = BackoffSettings { factor: Ratio::ONE, ..settings(Jitter::None) };
    assert_eq!(raw(&settings, u32::MAX), millis(100));
}

#[test]
fn the_power_is_taken_when_only_its_unused_square_does_not_fit() {
    // 2^63 fits, the square of 2^32 does not.
    let base = Duration::from_nanos(1);
    let settings = BackoffSettings { base, cap: Duration::MAX, ..settings(Jitter::None) };
    assert_eq!(raw(&settings, 64), Duration::from_nanos(1 << 63));
    assert_eq!(raw(&settings, 65), Duration::MAX);
}

#[test]
fn the_zeroth_retry_counts_as_the_first() {
    assert_eq!(raw(&settings(Jitter::None), 0), millis(100));
}

#[test]
fn a_wait_of_nothing_stays_nothing() {
    for jitter in JITTERS {
        let settings = BackoffSettings { base: Duration::ZERO, ..settings(jitter) };
        let mut backoff = Backoff::default();
        for retry in [1, 2, 50, u32::MAX] {
            assert_eq!(backoff.next(&settings, retry, Draw::ALMOST_ONE), Duration::ZERO);
        }
    }
}

#[test]
fn t39_jitter_is_finer_than_a_second() {
    for jitter in [Jitter::Full, Jitter::Equal, Jitter::Decorrelated] {
        let settings = BackoffSettings { jitter, ..BackoffSettings::throttled() };
        let mut stream = Stream::new(39, "backoff");
        let mut waits: Vec<_> =
            (0..50).map(|_| Backoff::default().next(&settings, 1, stream.draw())).collect();
        let whole = waits.iter().filter(|wait| wait.subsec_millis() == 0).count();
        assert!(whole <= 2, "{jitter:?}: {whole} of 50 waits are whole seconds");
        waits.sort_unstable();
        waits.dedup();
        assert!(waits.len() >= 49, "{jitter:?}: waits repeat");
    }
}

#[test]
fn t40_calls_with_streams_of_their_own_wait_differently() {
    let mut root = Stream::new(40, "calls");
    let [mut one, mut other] = [root.fork("call"), root.fork("call")];
    let settings = BackoffSettings::default();
    let wait = |stream: &mut Stream| Backoff::default().next(&settings, 3, stream.draw());
    assert_ne!(wait(&mut one), wait(&mut other));
}

#[test]
fn settings_may_change_between_retries() {
    let mut backoff = Backoff::default();
    let short = backoff.next(&settings(Jitter::Full), 1, Draw::ZERO);
    assert_eq!(short, Duration::ZERO);
    let throttled =
        BackoffSettings { jitter: Jitter::Decorrelated, ..BackoffSettings::throttled() };
    assert_eq!(backoff.next(&throttled, 2, Draw::ALMOST_ONE), Duration::from_secs(1));
}

#[test]
fn no_schedule_never_waits_and_a_constant_one_waits_alike() {
    let (none, constant) = (BackoffSettings::none(), BackoffSettings::constant(millis(70)));
    for retry in [0, 1, 2, 1_025, u32::MAX] {
        let wait = |settings| Backoff::default().next(&settings, retry, Draw::ALMOST_ONE);
        assert_eq!(wait(none), Duration::ZERO);
        assert_eq!(wait(constant), millis(70));
        assert_eq!(
            raw(&BackoffSettings::exponential(millis(70), millis(90)), retry.max(2)),
            millis(90)
        );
    }
}

#[test]
fn only_an_attempt_that_was_never_sent_is_retried_at_once() {
    let at_once = BackoffSettings { first: FirstRetry::AtOnceIfUnsent, ..settings(Jitter::None) };
    let mut unsent = Backoff::default();
    let waits = [1, 2, 3].map(|retry| unsent.next_unsent(&at_once, retry, Draw::HALF).as_millis());
    assert_eq!(waits, [0, 100, 200], "then the schedule from its beginning");
    let mut sent = Backoff::default();
    let waits = [1, 2].map(|retry| sent.next(&at_once, retry, Draw::HALF).as_millis());
    assert_eq!(waits, [100, 200]);
    let mut later = Backoff::default();
    let first = later.next(&at_once, 1, Draw::HALF);
    let second = later.next_unsent(&at_once, 2, Draw::HALF);
    assert_eq!((first, second), (millis(100), millis(200)), "only the first retry comes at once");
}

#[test]
fn an_unsent_attempt_waits_like_any_other_unless_settings_say_otherwise() {
    let mut backoff = Backoff::default();
    assert_eq!(backoff.next_unsent(&settings(Jitter::None), 1, Draw::HALF), millis(100));
}

#[test]
fn a_restart_begins_the_schedule_anew() {
    for jitter in [Jitter::None, Jitter::Decorrelated] {
        let mut backoff = Backoff::default();
        let next = |backoff: &mut Backoff, retry| {
            backoff.next(&settings(jitter), retry, Draw::HALF).as_millis()
        };
        let before = [next(&mut backoff, 1), next(&mut backoff, 2)];
        backoff.restart_after(3);
        let after = [next(&mut backoff, 4), next(&mut backoff, 5)];
        assert_eq!(before, after, "{jitter:?}");
        backoff.restart_after(0);
        assert_eq!(next(&mut backoff, 2), before[0], "the zeroth retry counts as the first");
    }
}

/// Any settings, sensible or not.
fn any_settings() -> impl Strategy<Value = BackoffSettings> {
    let duration = || {
        prop_oneof![
            Just(Duration::ZERO),
            Just(Duration::MAX),
            (0_u64..10_000_000_000).prop_map(Duration::from_nanos),
            any::<u64>().prop_map(Duration::from_nanos),
        ]
    };
    let factor = prop_oneof![
        Just(0_u32),
        Just(1_000_000),
        900_000_u32..1_100_000,
        1_000_000_u32..4_000_000,
        any::<u32>(),
    ];
    let jitter = prop::sample::select(JITTERS.to_vec());
    (duration(), factor, duration(), jitter).prop_map(|(base, factor, cap, jitter)| {
        let factor = Ratio::from_ppm(factor);
        BackoffSettings { base, factor, cap, jitter, first: FirstRetry::Waits }
    })
}

fn any_retry() -> impl Strategy<Value = u32> {
    prop_oneof![0_u32..12, 12_u32..5_000, Just(u32::MAX), any::<u32>()]
}

/// The same in real numbers. Above the cap they may be infinite, hence the cap is cut in them.
fn naive_raw(settings: &BackoffSettings, retry: u32) -> f64 {
    let factor = f64::from(settings.factor.ppm()) / 1e6;
    let grown = settings.base.as_secs_f64() * libm::pow(factor, f64::from(retry.max(1) - 1));
    grown.min(settings.cap.as_secs_f64())
}

proptest! {
    /// Powers of real numbers are off by a few parts in 2⁵³ for each of up to 2³² factors' worth
    /// of exponent, ours by one in 2⁶⁴ for each; hence a millionth, and a nanosecond of rounding.
    #[test]
    fn t37_raw_agrees_with_real_numbers(
        base in 1_u64..100_000_000_000, factor in 1_000_000_u32..4_294_967_295,
        cap in 1_u64..u64::MAX / 2, retry in any_retry(),
    ) {
        let settings = BackoffSettings {
            base: Duration::from_nanos(base),
            factor: Ratio::from_ppm(factor),
            cap: Duration::from_nanos(cap),
            jitter: Jitter::None,
            first: FirstRetry::Waits,
        };
        let (ours, naive) = (raw(&settings, retry).as_secs_f64(), naive_raw(&settings, retry));
        prop_assert!((ours - naive).abs() <= naive * 1e-6 + 1e-9, "{ours} is not {naive}");
    }

    /// Growth so slow that the cap is met only after thousands or millions of retries.
    #[test]
    fn t37_slow_growth_agrees_with_real_numbers(
        factor in 1_000_000_u32..1_001_000, retry in any_retry(),
    ) {
        let factor = Ratio::from_ppm(factor);
        let settings = BackoffSettings { factor, ..settings(Jitter::None) };
        let (ours, naive) = (raw(&settings, retry).as_secs_f64(), naive_raw(&settings, retry));
        prop_assert!((ours - naive).abs() <= naive * 1e-6 + 1e-9, "{ours} is not {naive}");
    }

    #[test]
    fn t37_t38_every_wait_lies_between_nothing_and_the_cap(
        settings in any_settings(),
        retries in prop::collection::vec((any_retry(), any::<u64>()), 1..40),
    ) {
        let settings = BackoffSettings { first: FirstRetry::AtOnceIfUnsent, ..settings };
        let mut backoff = Backoff::default();
        for (retry, bits) in retries {
            let draw = Draw::from_bits(bits);
            let wait = match bits % 5 {
                0 => backoff.next_unsent(&settings, retry, draw),
                1 => {
                    backoff.restart_after(retry);
                    backoff.next(&settings, retry.saturating_add(1), draw)
                }
                _ => backoff.next(&settings, retry, draw),
            };
            prop_assert!(wait <= settings.cap, "{wait:?} before retry {retry}");
            prop_assert!(raw(&settings, retry) <= settings.cap);
        }
    }

    #[test]
    fn t38_the_largest_draw_stays_within_the_cap(jitter in prop::sample::select(JITTERS.to_vec())) {
        let (settings, mut backoff) = (settings(jitter), Backoff::default());
        for retry in 1..100 {
            prop_assert!(backoff.next(&settings, retry, Draw::ALMOST_ONE) <= settings.cap);
        }
    }

    #[test]
    fn jitter_keeps_its_bounds(retry in 0_u32..40, bits in any::<u64>()) {
        let draw = Draw::from_bits(bits);
        let wait = |jitter| Backoff::default().next(&settings(jitter), retry, draw);
        let raw = raw(&settings(Jitter::None), retry);
        prop_assert_eq!(wait(Jitter::None), raw);
        prop_assert!(wait(Jitter::Full) <= raw);
        prop_assert!(wait(Jitter::Equal) >= raw / 2 && wait(Jitter::Equal) <= raw);
        let decorrelated = wait(Jitter::Decorrelated);
        prop_assert!(decorrelated >= millis(100) && decorrelated < millis(300));
    }
}
