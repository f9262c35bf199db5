//! Every contradiction that settings can hold is found, and the defaults hold none.

use super::*;

#[test]
fn the_defaults_are_valid() {
    assert_eq!(BreakerSettings::for_upstream().validate(), Ok(()));
    assert_eq!(BreakerSettings::for_endpoint().validate(), Ok(()));
}

#[test]
fn each_contradiction_is_named() {
    let ok = BreakerSettings::for_endpoint();
    let percent = Ratio::from_percent;
    let slow = |limit, rate| Some(SlowCalls { limit, rate: percent(rate) });
    let cool = |base, growth, max| {
        let (base, max) = (SECOND * base, SECOND * max);
        BreakerSettings { cool_down: CoolDown { base, growth: percent(growth), max }, ..ok }
    };
    let nothing = BreakerSettings { consecutive: None, failure_rate: None, ..ok };
    for (settings, field) in [
        (BreakerSettings { max_probes: 0, ..ok }, "max_probes"),
        (BreakerSettings { success_threshold: 0, ..ok }, "success_threshold"),
        (BreakerSettings { consecutive: Some(0), ..ok }, "consecutive"),
        (BreakerSettings { min_calls: 0, ..ok }, "min_calls"),
        (BreakerSettings { window: WindowKind::Calls(0), ..ok }, "window"),
        (BreakerSettings { window: WindowKind::Calls(65_537), ..ok }, "window"),
        (BreakerSettings { window: WindowKind::Calls(19), ..ok }, "min_calls"),
        (BreakerSettings { window: WindowKind::Time(Duration::ZERO), ..ok }, "window"),
        (BreakerSettings { window: WindowKind::Time(SECOND * 86_401), ..ok }, "window"),
        (BreakerSettings { failure_rate: Some(percent(0)), ..ok }, "failure_rate"),
        (BreakerSettings { failure_rate: Some(percent(101)), ..ok }, "failure_rate"),
        (BreakerSettings { slow_calls: slow(SECOND, 0), ..ok }, "slow_calls.rate"),
        (BreakerSettings { slow_calls: slow(SECOND, 101), ..ok }, "slow_calls.rate"),
        (BreakerSettings { slow_calls: slow(Duration::ZERO, 80), ..ok }, "slow_calls.limit"),
        (cool(0, 200, 60), "cool_down.base"),
        (cool(61, 200, 60), "cool_down.max"),
        (cool(5, 99, 60), "cool_down.growth"),
        (BreakerSettings { max_half_open: Duration::ZERO, ..ok }, "max_half_open"),
        (BreakerSettings { ramp: Some(Duration::ZERO), ..ok }, "ramp"),
        (nothing, "consecutive"),
    ] {
        assert_eq!(settings.validate().unwrap_err().field(), field);
    }
}

#[test]
fn the_ends_of_each_range_are_valid() {
    let ok = BreakerSettings { min_calls: 1, ..BreakerSettings::for_endpoint() };
    for window in [
        WindowKind::Calls(1),
        WindowKind::Calls(65_536),
        WindowKind::Time(Duration::from_millis(10)),
        WindowKind::Time(SECOND * 86_400),
    ] {
        assert_eq!(BreakerSettings { window, ..ok }.validate(), Ok(()), "{window:?}");
    }
    let all = Some(Ratio::ONE);
    assert_eq!(BreakerSettings { failure_rate: all, ..ok }.validate(), Ok(()));
    let cool_down = CoolDown { base: SECOND, growth: Ratio::ONE, max: SECOND };
    assert_eq!(BreakerSettings { cool_down, ..ok }.validate(), Ok(()), "always the same");
}

#[test]
fn a_duration_is_told_in_milliseconds() {
    let window = WindowKind::Time(Duration::from_millis(9));
    let short = BreakerSettings { window, ..BreakerSettings::for_endpoint() };
    assert_eq!(short.validate().unwrap_err().value(), "9 ms");
}

#[test]
fn a_set_of_breakers_checks_its_own_bounds_too() {
    let ok = KeyedSettings::new(BreakerSettings::for_upstream());
    assert_eq!(ok.validate(), Ok(()));
    let least = KeyedSettings { idle: SECOND * 10, forget_open: SECOND * 10, ..ok };
    assert_eq!(least.validate(), Ok(()), "as long as the window");
    let broken = BreakerSettings { max_probes: 0, ..ok.breaker };
    for (settings, field) in [
        (KeyedSettings { keys_max: 0, ..ok }, "keys_max"),
        (KeyedSettings { keys_max: 65_537, ..ok }, "keys_max"),
        (KeyedSettings { idle: SECOND, ..ok }, "idle"),
        (KeyedSettings { forget_open: SECOND * 59, ..ok }, "forget_open"),
        (KeyedSettings { breaker: broken, ..ok }, "max_probes"),
    ] {
        assert_eq!(settings.validate().unwrap_err().field(), field);
    }
}
