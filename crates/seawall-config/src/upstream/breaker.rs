//! The tables `breaker` and `endpoint_breaker` of an upstream, read into the core's settings.

use super::mode;
use crate::reader::{Given, Reading, TableReader, or, set};
use crate::units::print_duration;
use seawall_core::breaker::{
    AbandonedPolicy, BreakerSettings, CALLS_MAX, CoolDown, SlowCalls, WindowKind,
};
use seawall_core::ratio::Ratio;
use seawall_core::time::Duration;

/// The words of `abandoned`.
pub(crate) const ABANDONED: [(&str, AbandonedPolicy); 4] = [
    ("slow", AbandonedPolicy::Slow),
    ("ignore", AbandonedPolicy::Ignore),
    ("all", AbandonedPolicy::All),
    ("failure", AbandonedPolicy::Failure),
];

/// The share of slow calls that trips where `slow_call` is given alone.
const SLOW_RATE: Ratio = Ratio::from_percent(80);

/// Fields that the core names otherwise than the file does.
const KEYS: [(&str, &str); 5] = [
    ("slow_calls.limit", "slow_call"),
    ("slow_calls.rate", "slow_rate"),
    ("cool_down.base", "open"),
    ("cool_down.max", "max_open"),
    ("cool_down.growth", "growth"),
];

/// Reads the table over `default`. What is written wins; a default gives way where the two clash.
pub(super) fn read(table: &mut TableReader<'_>, default: BreakerSettings) -> BreakerSettings {
    let (mut settings, noted) = (default, table.reading().noted());
    set(&mut settings.failure_rate, table.share_or_off("failure_rate", "\"50%\""));
    set(&mut settings.consecutive, table.count_or_off("consecutive", 1..=u32::MAX, "5"));
    settings.slow_calls = read_slow(table);
    read_window(table, &mut settings);
    settings.cool_down = read_cool_down(table, default.cool_down);
    set(&mut settings.max_probes, table.count("max_probes", 1..=1_000, "3"));
    let threshold = table.count("success_threshold", 1..=1_000, "3");
    set(&mut settings.success_threshold, threshold);
    set(&mut settings.max_half_open, table.duration("max_half_open", "\"30s\""));
    set(&mut settings.ramp, table.duration_or_off("ramp", "\"5s\""));
    set(&mut settings.abandoned, table.choice("abandoned", &ABANDONED));
    settings.mode = mode(table);
    if !can_trip(&settings) {
        let what = format!("{} has no condition left that could trip it", table.path());
        table.wrong(table.place(), what, "set failure_rate, or switch the whole breaker \"off\"");
    }
    if table.reading().noted() == noted {
        let by_calls = matches!(settings.window, WindowKind::Calls(_));
        let window = ("window", if by_calls { "window_calls" } else { "window" });
        let keys: Vec<_> = KEYS.into_iter().chain([window]).collect();
        table.reading().check(table.path(), settings.validate(), &keys);
    }
    settings
}

const fn can_trip(settings: &BreakerSettings) -> bool {
    settings.failure_rate.is_some()
        || settings.consecutive.is_some()
        || settings.slow_calls.is_some()
}

fn read_slow(table: &mut TableReader<'_>) -> Option<SlowCalls> {
    let limit = table.duration_or_off("slow_call", "\"400ms\"");
    let rate = table.share("slow_rate", "\"80%\"");
    let limit = or(limit, None);
    if let (None, Some(rate)) = (limit, rate) {
        let what = format!("{} does nothing without slow_call", table.path_of("slow_rate"));
        table.wrong(rate.place, what, "write slow_call = \"400ms\", or remove slow_rate");
    }
    limit.map(|limit| SlowCalls { limit, rate: or(rate, SLOW_RATE) })
}

fn read_window(table: &mut TableReader<'_>, settings: &mut BreakerSettings) {
    let time = table.duration("window", "\"10s\"");
    let calls = table.count("window_calls", 1..=CALLS_MAX, "100");
    let min_calls = table.count("min_calls", 1..=u32::MAX, "20");
    set(&mut settings.min_calls, min_calls);
    if let (Some(_), Some(calls)) = (time, calls) {
        let what = format!("{} has a window by time and one by calls", table.path());
        table.wrong(calls.place, what, "keep either window or window_calls");
    }
    settings.window = match calls {
        Some(calls) => WindowKind::Calls(calls.value),
        None => time.map_or(settings.window, |time| WindowKind::Time(time.value)),
    };
    if let Some(calls) = calls {
        settings.min_calls = within(table, min_calls, settings.min_calls, calls.value);
    }
}

/// A window that never holds `min_calls` would never trip; only a default is cut to fit.
fn within(table: &TableReader<'_>, given: Option<Given<u32>>, default: u32, calls: u32) -> u32 {
    let Some(min_calls) = given else { return default.min(calls) };
    if min_calls.value > calls {
        let what = format!(
            "{} is {}, but the window holds only {calls} calls",
            table.path_of("min_calls"),
            min_calls.value
        );
        table.wrong(min_calls.place, what, format!("write min_calls = {calls} or less"));
    }
    min_calls.value
}

fn read_cool_down(table: &mut TableReader<'_>, default: CoolDown) -> CoolDown {
    let base = table.duration("open", "\"5s\"");
    let max = table.duration("max_open", "\"60s\"");
    let growth = or(table.factor("growth", "2"), default.growth);
    let (low, high) = (("open", base, default.base), ("max_open", max, default.max));
    let (base, max) = ordered(table.reading(), low, high);
    CoolDown { base, growth, max }
}

/// One key of a pair: its name, what the file gives, and its default.
type Bound<'k> = (&'k str, Option<Given<Duration>>, Duration);

/// A lower and an upper bound in order. Where only one is written the default of the other gives
/// way; both written the wrong way round are a mistake.
pub(crate) fn ordered(
    reading: &Reading<'_>,
    low: Bound<'_>,
    high: Bound<'_>,
) -> (Duration, Duration) {
    let (low_value, high_value) = (or(low.1, low.2), or(high.1, high.2));
    if low_value <= high_value {
        return (low_value, high_value);
    }
    match (low.1, high.1) {
        (Some(_), None) => (low_value, low_value),
        (None, Some(_)) => (high_value, high_value),
        _ => {
            let (small, large) = (print_duration(high_value), print_duration(low_value));
            let what = format!("{} ({small}) is below {} ({large})", high.0, low.0);
            let place = high.1.and_then(|given| given.place);
            reading.wrong(place, what, "make the first at least as long as the second");
            (low_value, high_value)
        }
    }
}
