//! What settings refuse, and what a rate is.

use super::*;
use crate::ratio::Ratio;

#[test]
fn a_rate_is_the_same_in_whatever_terms_it_is_given() {
    assert_eq!(rate(60, 60 * SECOND), Rate::per_second(1));
    assert_eq!(rate(1, 3_600 * SECOND), Rate::per_hour(1));
    let fast = rate(700_000_000, SECOND);
    assert_eq!((fast.count(), fast.period()), (7, 10));
    assert_eq!(fast.time_of(7), Duration::from_nanos(10));
    assert_eq!(fast.time_of(1), Duration::from_nanos(2), "waits round up");
    assert_eq!(fast.calls_in(Duration::from_nanos(2)), 1, "allowances round down");
    assert_eq!(rate(0, SECOND), Rate::ZERO);
}

#[test]
fn t124_an_empty_period_is_an_error_and_not_unlimited() {
    let refused = |count, period| Rate::new(count, period).unwrap_err().field();
    assert_eq!(refused(1, Duration::ZERO), "rate.period");
    assert_eq!(refused(1, Duration::from_secs(367 * 86_400)), "rate.period");
    assert_eq!(refused(11, Duration::from_nanos(1)), "rate.count");
    assert_eq!(refused(u64::MAX, Duration::from_secs(366 * 86_400)), "rate.count");
    assert!(Rate::new(10, Duration::from_nanos(1)).is_ok());
    assert!(Rate::new(1, Duration::from_secs(366 * 86_400)).is_ok());
    let windows = [Duration::ZERO, Duration::from_secs(367 * 86_400)];
    for window in windows {
        assert_eq!(WindowLimit { limit: 1, window }.validate().unwrap_err().field(), "window");
    }
    assert!(WindowLimit { limit: 1, window: Duration::from_nanos(1) }.validate().is_ok());
}

#[test]
fn a_burst_must_hold_a_call_and_refill_within_years() {
    let refused = |rate, burst| Quota { rate, burst }.validate().unwrap_err().field();
    assert_eq!(refused(Rate::per_second(1), 0), "burst");
    assert_eq!(refused(rate(1, 366 * 86_400 * SECOND), 5), "burst");
    assert!(Quota { rate: Rate::ZERO, burst: u32::MAX }.validate().is_ok());
    assert_eq!(Quota::of(Rate::per_second(250)).burst, 250);
    assert_eq!(Quota::of(Rate::per_hour(1)).burst, 1);
}

#[test]
fn every_setting_out_of_range_is_named() {
    let quota = quota(Rate::per_second(10), 5);
    let warm = WarmUpSettings::of(quota, Duration::from_secs(1));
    let field = |settings: WarmUpSettings| settings.validate().unwrap_err().field();
    assert_eq!(field(WarmUpSettings { period: Duration::ZERO, ..warm }), "warm_up.period");
    assert_eq!(field(WarmUpSettings { cold_factor: 1, ..warm }), "warm_up.cold_factor");
    assert_eq!(field(WarmUpSettings { cold_factor: 101, ..warm }), "warm_up.cold_factor");
    let adaptive = AdaptiveSettings::default();
    let field = |settings: AdaptiveSettings| settings.validate().unwrap_err().field();
    assert_eq!(field(AdaptiveSettings { cut: Ratio::ONE, ..adaptive }), "adaptive.cut");
    assert_eq!(field(AdaptiveSettings { floor: Ratio::ZERO, ..adaptive }), "adaptive.floor");
    assert_eq!(field(AdaptiveSettings { raise: Ratio::ZERO, ..adaptive }), "adaptive.raise");
    let queue = QueueSettings::of(quota);
    let field = |settings: QueueSettings| settings.validate().unwrap_err().field();
    assert_eq!(field(QueueSettings { waiters: WAITERS_MAX + 1, ..queue }), "waiters");
    assert_eq!(field(QueueSettings { max_wait: Duration::ZERO, ..queue }), "max_wait");
    let limit = WindowLimit { limit: LOG_MAX + 1, window: Duration::from_secs(1) };
    assert_eq!(SlidingLog::validate(&limit).unwrap_err().field(), "limit");
    let leaky = LeakySettings { rate: quota.rate, max_wait: Duration::MAX };
    assert_eq!(leaky.validate().unwrap_err().field(), "max_wait");
    let algorithm = Algorithm::TokenBucket(quota);
    let adaptive = Some(adaptive);
    let settings = LimiterSettings { algorithm, adaptive, ..LimiterSettings::of(quota) };
    assert_eq!(settings.validate().unwrap_err().field(), "adaptive");
}

#[test]
fn keyed_settings_name_what_cannot_work() {
    let tiers = [quota(Rate::per_second(10), 5)];
    let field = |capacity, tiers: &[Quota]| {
        let settings = KeyedSettings { capacity, ..Default::default() };
        settings.validate(tiers).unwrap_err().field()
    };
    assert_eq!(field(Capacity::Keys(0), &tiers), "keys");
    assert_eq!(field(Capacity::Keys(u32::MAX), &tiers), "keys");
    assert_eq!(field(Capacity::Bytes(65_727), &tiers), "bytes");
    assert_eq!(field(Capacity::Bytes(u64::MAX), &tiers), "bytes");
    assert_eq!(field(Capacity::Keys(1), &[]), "tiers");
    assert_eq!(field(Capacity::Keys(1), &[Quota { burst: 0, ..tiers[0] }]), "burst");
    let most = 65_536 + 192 * (1 << 24);
    assert_eq!(field(Capacity::Bytes(most + 192), &tiers), "bytes");
    let crowd = std::vec![tiers[0]; 65_537];
    assert_eq!(field(Capacity::Keys(1), &crowd), "tiers");
    assert!(KeyedSettings::default().validate(&crowd[1..]).is_ok());
    for capacity in
        [Capacity::Keys(1), Capacity::Keys(1 << 26), Capacity::Bytes(65_728), Capacity::Bytes(most)]
    {
        assert!(KeyedSettings { capacity, ..Default::default() }.validate(&tiers).is_ok());
    }
}

#[test]
fn a_scaled_rate_is_exact_where_it_fits_and_never_larger() {
    let share = Ratio::from_percent(70);
    assert_eq!(Rate::per_second(100).scaled(share), Rate::per_second(70));
    assert_eq!(Rate::per_second(100).scaled(Ratio::ZERO), Rate::ZERO);
    let yearly = rate(999_999_937, 366 * 86_400 * SECOND).scaled(Ratio::from_ppm(123_457));
    let exact = 999_999_937_u128 * 123_457 * u128::from(yearly.period());
    let scaled = u128::from(yearly.count()) * 1_000_000 * u128::from(366 * 86_400 * SECOND);
    assert!(scaled <= exact, "never larger");
    assert!((exact - scaled) * 1_000_000 < exact, "and within a millionth");
}

#[test]
fn a_scaled_rate_blocks_only_where_the_share_is_zero() {
    let least = Rate::new(1, PERIOD_MAX).unwrap();
    for percent in [1, 10, 49, 99] {
        assert_eq!(least.scaled(Ratio::from_percent(percent)), least);
    }
    let two = Rate::new(2, PERIOD_MAX - Duration::from_nanos(1)).unwrap();
    assert_eq!(two.scaled(Ratio::from_percent(1)), least);
    assert_eq!(least.scaled(Ratio::ZERO), Rate::ZERO);
    assert_eq!(Rate::ZERO.scaled(Ratio::from_percent(50)), Rate::ZERO);
}
