//! The bounds of settings and numbers themselves, what a change of settings does, and what a limit
//! shows of itself.

use super::*;
use crate::event::Discard;
use crate::rate::account::Account;
use crate::rate::rate::Exact;
use crate::ratio::Ratio;

const NEVER: Decision = Err(Refused::Limited { retry_at: Instant::NEVER, remaining: 0 });

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn window(limit: u32, secs: u64) -> WindowLimit {
    WindowLimit { limit, window: seconds(secs) }
}

#[test]
fn the_bounds_themselves_are_permitted() {
    let usual = quota(Rate::per_second(10), 5);
    let adaptive = AdaptiveSettings { floor: Ratio::ONE, raise: Ratio::ONE, ..Default::default() };
    assert_eq!(adaptive.validate(), Ok(()));
    let over = Ratio::from_ppm(1_000_001);
    let field = |settings: AdaptiveSettings| settings.validate().unwrap_err().field();
    assert_eq!(field(AdaptiveSettings { floor: over, ..adaptive }), "adaptive.floor");
    assert_eq!(field(AdaptiveSettings { raise: over, ..adaptive }), "adaptive.raise");
    let leaky = LeakySettings { rate: usual.rate, max_wait: Duration::from_nanos(1 << 57) };
    assert_eq!(leaky.validate(), Ok(()));
    let queue = QueueSettings { waiters: WAITERS_MAX, ..QueueSettings::of(usual) };
    assert_eq!(queue.validate(), Ok(()));
    let refusing = QueueSettings { waiters: 0, max_wait: Duration::ZERO, ..queue };
    assert_eq!(refusing.validate(), Ok(()), "nobody waits, and no wait is needed");
    assert_eq!(SlidingLog::validate(&window(LOG_MAX, 1)), Ok(()));
    assert_eq!(WindowLimit { limit: 1, window: PERIOD_MAX }.validate(), Ok(()));
    assert_eq!(WarmUpSettings::of(usual, seconds(86_400)).validate(), Ok(()));
    let long = WarmUpSettings::of(usual, seconds(86_400) + Duration::from_nanos(1));
    assert_eq!(long.validate().unwrap_err().field(), "warm_up.period");
    let longest = Quota { rate: rate(1, 1 << 40), burst: 1 << 17 };
    assert_eq!(longest.validate(), Ok(()), "emitted in 2^57 ns");
    let longer = Quota { burst: longest.burst + 1, ..longest };
    assert_eq!(longer.validate().unwrap_err().field(), "burst");
}

#[test]
fn a_limiter_checks_the_settings_of_its_algorithm() {
    let none = Quota { rate: Rate::per_second(1), burst: 0 };
    let cold = WarmUpSettings::of(quota(Rate::per_second(1), 1), Duration::ZERO);
    for (algorithm, field) in [
        (Algorithm::Gcra(none), "burst"),
        (Algorithm::TokenBucket(none), "burst"),
        (Algorithm::WarmUp(cold), "warm_up.period"),
        (Algorithm::FixedWindow(window(1, 0)), "window"),
        (Algorithm::SlidingCounter(window(1, 0)), "window"),
        (Algorithm::SlidingLog(window(LOG_MAX + 1, 1)), "limit"),
    ] {
        let usual = LimiterSettings::of(quota(Rate::per_second(1), 1));
        let settings = LimiterSettings { algorithm, ..usual };
        assert_eq!(settings.validate().unwrap_err().field(), field, "{algorithm:?}");
    }
}

#[test]
fn an_empty_period_is_shown_with_its_unit() {
    assert_eq!(Rate::new(1, Duration::ZERO).unwrap_err().value(), "0ns");
}

#[test]
fn a_count_that_48_bits_do_not_hold_is_refused() {
    let field = |count| Rate::new(count, Duration::from_nanos((1 << 46) + 1)).err();
    assert_eq!(field((1 << 48) - 1), None);
    assert_eq!(field(1 << 48).unwrap().field(), "rate.count");
}

#[test]
fn a_rate_of_zero_refuses_for_ever_and_what_never_fits_at_once() {
    let mut gcra = Gcra::new(Quota { rate: Rate::ZERO, burst: 5 });
    assert_eq!(gcra.decide(at(0), 5), NEVER);
    assert_eq!(gcra.decide(at(0), 6), Err(Refused::Impossible { capacity: 5 }));
    assert_eq!(Rate::ZERO.time_of(0), Duration::ZERO);
    assert_eq!(Rate::ZERO.time_of(1), Duration::MAX);
    assert_eq!(Exact::emission(Rate::ZERO, 0), Exact::default());
    assert_eq!(Exact::emission(Rate::ZERO, 1), Exact::NEVER);
}

#[test]
fn at_the_end_of_time_nothing_passes() {
    let end = ns(u64::MAX - 1);
    let mut gcra = Gcra::new(quota(Rate::per_second(10), 5));
    assert_eq!(gcra.decide(end, 1), NEVER);
    let settings = LeakySettings { rate: Rate::per_second(10), max_wait: seconds(1) };
    let never = Err(Refused::Limited { retry_at: Instant::NEVER, remaining: 0 });
    assert_eq!(LeakyBucket::new(settings).decide(end, 1), never);
}

#[test]
fn a_share_of_all_is_the_rate_itself() {
    let year = nanos_of(PERIOD_MAX);
    for rate in [rate(1, year), rate(7, year), rate((1 << 48) - 1, 1 << 45), rate(10, 1)] {
        assert_eq!(rate.scaled(Ratio::ONE), rate);
    }
    let cut = rate((1 << 48) - 1, 1 << 45).scaled(Ratio::from_ppm(999_999));
    assert!(cut.count() < 1 << 48, "the keyed table has 48 bits for it: {cut:?}");
}

fn nanos_of(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap()
}

#[test]
fn what_is_left_is_exact_where_a_product_needs_more_than_64_bits() {
    let slow = quota(rate(999_983, nanos_of(PERIOD_MAX)), 1_000_000);
    let mut gcra = Gcra::new(slow);
    assert_eq!(gcra.snapshot(at(0)).remaining, 1_000_000);
    assert_eq!(gcra.decide(at(0), 1), Ok(Admitted { remaining: 999_999 }));
    let parts = (1_u128 << 70) + 3;
    let exact = Exact::from_parts(parts, 1_000);
    assert_eq!(u128::from(exact.at), parts / 1_000);
    assert_eq!(u128::from(exact.part), parts % 1_000);
    assert_eq!(exact.parts(1_000), parts);
}

#[test]
fn a_sum_that_reaches_the_end_of_time_is_never() {
    let exact = |at, part| Exact { at, part };
    let end = u64::MAX;
    assert_eq!(exact(end - 2, 1).plus(exact(1, 1), 5), exact(end - 1, 2));
    assert_eq!(exact(end - 1, 1).plus(exact(1, 1), 5), Exact::NEVER);
    assert_eq!(exact(end - 1, 3).plus(exact(0, 3), 5), Exact::NEVER, "by what is carried");
    assert_eq!(exact(1, 0).plus(exact(2, 0), 0), exact(3, 0), "a rate of zero has no parts");
}

#[cfg(debug_assertions)]
#[test]
#[should_panic(expected = "more than a nanosecond beside the nanoseconds")]
fn a_part_that_should_have_been_carried_is_noticed() {
    let mut account = Account::new(quota(Rate::per_second(10), 5));
    account.tat.part = u64::MAX;
    account.invariants(at(0));
}

#[test]
fn a_raised_floor_lifts_a_share_that_was_cut_below_it() {
    let settings = AdaptiveSettings::default();
    let mut adaptive = Adaptive::new(settings);
    assert_eq!(adaptive.on_throttled(at(0)), Ratio::from_percent(70));
    adaptive.reconfigure(AdaptiveSettings { floor: Ratio::from_percent(90), ..settings });
    assert_eq!(adaptive.share(), Ratio::from_percent(90));
}

#[test]
fn a_fixed_window_keeps_its_count_when_the_limit_changes() {
    let mut fixed = FixedWindow::new(window(5, 10), Instant::EPOCH);
    fixed.decide(at(1_000), 3).unwrap();
    fixed.reconfigure(window(4, 10), at(1_000));
    assert_eq!(fixed.snapshot(at(1_000)).remaining, 1);
    let refused = Refused::Limited { retry_at: at(10_000), remaining: 1 };
    assert_eq!(fixed.decide(at(2_000), 2), Err(refused));
}

#[test]
fn a_fixed_window_shows_when_it_starts_anew() {
    let mut fixed = FixedWindow::new(window(5, 10), Instant::EPOCH);
    let shown = |fixed: &FixedWindow, millis| {
        let RateSnapshot { remaining, reset, .. } = fixed.snapshot(at(millis));
        (remaining, reset)
    };
    assert_eq!(shown(&fixed, 1_000), (5, Duration::ZERO));
    fixed.decide(at(1_000), 3).unwrap();
    assert_eq!(shown(&fixed, 4_000), (2, seconds(6)));
    assert_eq!(shown(&fixed, 10_000), (5, Duration::ZERO));
}

#[test]
fn a_log_keeps_no_more_than_its_bound_whatever_it_is_asked_for() {
    let log = SlidingLog::new(window(u32::MAX, 1));
    assert_eq!(log.snapshot(at(0)).limit, u64::from(LOG_MAX));
}

#[test]
fn a_leaky_bucket_spaces_by_the_new_rate_after_what_waits() {
    let settings = |rate| LeakySettings { rate, max_wait: seconds(10) };
    let mut leaky = LeakyBucket::new(settings(Rate::per_second(1)));
    let instants: Vec<_> = (0..2).map(|_| leaky.decide(at(0), 1).unwrap()).collect();
    assert_eq!(instants, [at(0), at(1_000)]);
    leaky.reconfigure(settings(Rate::per_second(10)), at(0));
    let instants: Vec<_> = (0..2).map(|_| leaky.decide(at(0), 1).unwrap()).collect();
    assert_eq!(instants, [at(2_000), at(2_100)]);
}

#[test]
fn a_sliding_counter_shows_what_counts_and_until_when() {
    let mut counter = SlidingCounter::new(window(10, 10), Instant::EPOCH);
    counter.decide(at(5_000), 8).unwrap();
    let shown = |millis| {
        let RateSnapshot { remaining, reset, .. } = counter.snapshot(at(millis));
        (remaining, reset)
    };
    assert_eq!(shown(5_000), (2, seconds(15)), "it counts to the end of the next window");
    assert_eq!(shown(15_000), (6, seconds(5)), "by half");
    assert_eq!(shown(25_000), (10, Duration::ZERO));
}

#[test]
fn a_sliding_counter_keeps_its_windows_under_another_limit_and_its_sum_under_another_width() {
    let counter = || {
        let mut counter = SlidingCounter::new(window(10, 10), Instant::EPOCH);
        counter.decide(at(0), 8).unwrap();
        counter
    };
    let mut wider = counter();
    wider.reconfigure(window(10, 20), at(1_000));
    let RateSnapshot { remaining, window: shown, .. } = wider.snapshot(at(15_000));
    assert_eq!((remaining, shown), (2, seconds(20)), "all eight are of the present window");
    let mut larger = counter();
    larger.reconfigure(window(20, 10), at(15_000));
    assert_eq!(larger.snapshot(at(19_000)).remaining, 19, "a tenth of eight, rounded up");
}

#[test]
fn nothing_passes_above_a_lowered_limit_not_even_what_costs_nothing() {
    let mut counter = SlidingCounter::new(window(10, 10), Instant::EPOCH);
    let mut log = SlidingLog::new(window(10, 10));
    counter.decide(at(0), 8).unwrap();
    log.decide(at(0), 8).unwrap();
    assert!(counter.check(at(0), 0).is_ok() && log.check(at(0), 0).is_ok());
    counter.reconfigure(window(5, 10), at(0));
    log.reconfigure(window(5, 10), at(0));
    assert!(counter.check(at(0), 0).is_err() && log.check(at(0), 0).is_err());
}

#[test]
fn a_sliding_log_shows_when_the_last_of_it_leaves() {
    let mut log = SlidingLog::new(window(10, 10));
    log.decide(at(1_000), 3).unwrap();
    log.decide(at(2_000), 4).unwrap();
    let shown = |millis| {
        let RateSnapshot { remaining, reset, .. } = log.snapshot(at(millis));
        (remaining, reset)
    };
    assert_eq!(shown(3_000), (3, seconds(9)));
    assert_eq!(shown(11_000), (6, seconds(1)));
    assert_eq!(shown(12_000), (10, Duration::ZERO));
}

#[test]
fn the_first_of_two_limits_that_refuse_alike_is_named() {
    let spent = || {
        let mut gcra = Gcra::new(quota(Rate::per_second(1), 1));
        gcra.decide(at(0), 1).unwrap();
        gcra
    };
    let mut limits = [spent(), spent()];
    let [first, second] = &mut limits;
    let refused = decide_all(&mut [first, second], at(0), 1).unwrap_err();
    assert_eq!(refused.layer, 0);
}

#[test]
fn a_limiter_among_layers_is_charged() {
    let mut limiter = Limiter::new(LimiterSettings::of(quota(Rate::per_second(1), 2)), at(0));
    let passed = (0..3).filter(|_| decide_all(&mut [&mut limiter], at(0), 1).is_ok()).count();
    assert_eq!(passed, 2);
}

#[test]
fn a_queue_tells_how_many_wait_and_how_many_would_pass() {
    let settings = QueueSettings::of(quota(Rate::per_second(10), 3));
    let mut queue = RateQueue::new(settings);
    assert_eq!((queue.queued(), queue.remaining(at(0))), (0, 3));
    let reserve = |queue: &mut RateQueue| queue.reserve(at(0), 1, Instant::NEVER, &mut Discard);
    assert_eq!(reserve(&mut queue), Reserved::Admitted { remaining: 2 });
    assert_eq!((queue.queued(), queue.remaining(at(0))), (0, 2));
    for _ in 0..4 {
        assert!(!matches!(reserve(&mut queue), Reserved::Refused { .. }));
    }
    assert_eq!((queue.queued(), queue.remaining(at(0))), (2, 0));
    assert_eq!(RateQueue::new(QueueSettings { waiters: u32::MAX, ..settings }).queued(), 0);
}

/// 300 a second, which is 3 in 10 ms: neither number of the fraction is 1.
fn warming(rate: u32) -> WarmUpSettings {
    WarmUpSettings::of(quota(Rate::per_second(rate), 5), seconds(10))
}

#[test]
fn rl_3_the_ramp_stands_on_the_calls_of_the_period() {
    let limit = WarmUp::new(warming(300));
    assert_eq!(limit.stored(at(0)), 3_000, "1 500 below the ramp and 1 500 on it");
    let warm = limit.interval_at(0);
    assert_eq!((warm, limit.interval_at(1_500)), (Duration::from_nanos(3_333_334), warm));
    assert_eq!(limit.interval_at(3_000), Duration::from_millis(10), "three times as long");
}

#[test]
fn a_limit_that_warms_up_stays_as_cold_under_another_rate() {
    let mut limit = WarmUp::new(warming(300));
    limit.reconfigure(warming(30), at(0));
    assert_eq!(limit.stored(at(0)), 300);
    assert_eq!(limit.snapshot(at(0)).window, Duration::from_nanos(166_666_667));
}

#[test]
fn the_burst_of_a_cold_limit_is_paid_at_its_cold_interval() {
    // A cold call lasts three; five may be owed at once, the next one included.
    assert_eq!(passing(&mut WarmUp::new(warming(300)), at(0)), 2);
}
