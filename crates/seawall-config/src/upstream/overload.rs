//! The tables `adaptive_limit`, `endpoint_limit`, `shed` and `throttle` of an upstream: what gives
//! way when it has too much to do.

use super::mode;
use crate::reader::{Given, TableReader, or, set};
use seawall_core::concurrency::{Algorithm, LIMIT_MAX, LimitSettings};
use seawall_core::shed::ShedSettings;
use seawall_core::throttle::ThrottleSettings;
use std::mem::discriminant;

/// The words of `algorithm` of an adaptive limit, each with its usual numbers.
pub(crate) fn limits() -> [(&'static str, LimitSettings); 5] {
    [
        ("steady", LimitSettings::default()),
        ("aimd", LimitSettings::aimd()),
        ("vegas", LimitSettings::vegas()),
        ("gradient2", LimitSettings::gradient2()),
        ("envoy", LimitSettings::envoy()),
    ]
}

/// The word of an algorithm, whatever its numbers.
pub(crate) fn limit_word(algorithm: Algorithm) -> &'static str {
    let same = |known: &(&str, LimitSettings)| {
        discriminant(&known.1.algorithm) == discriminant(&algorithm)
    };
    limits().into_iter().find(same).map_or("", |(word, _)| word)
}

/// `None` for silence and for `"off"`.
pub(super) fn read_limit(table: &mut TableReader<'_>) -> Option<LimitSettings> {
    table.table_or_off("adaptive_limit", read_limit_table).flatten()
}

/// `None` for silence and for `"off"`.
pub(super) fn read_endpoint_limit(table: &mut TableReader<'_>) -> Option<LimitSettings> {
    table.table_or_off("endpoint_limit", read_knee).flatten()
}

fn read_knee(table: &mut TableReader<'_>) -> LimitSettings {
    let mut settings = LimitSettings::knee();
    if let Algorithm::Knee { tolerance } = &mut settings.algorithm {
        set(tolerance, table.any_share("tolerance", "\"150%\""));
    }
    let [min, max] = ["min", "max"].map(|key| table.count(key, 1..=LIMIT_MAX, "100"));
    (settings.min, settings.max) = bounds((min, settings.min), (max, settings.max));
    settings.initial = settings.max.max(settings.min);
    settings.mode = mode(table);
    table.reading().check(table.path(), settings.validate(), &[]);
    settings
}

fn read_limit_table(table: &mut TableReader<'_>) -> LimitSettings {
    let mut settings = or(table.choice("algorithm", &limits()), LimitSettings::default());
    read_numbers(table, &mut settings.algorithm);
    let [initial, min, max] =
        ["initial", "min", "max"].map(|key| table.count(key, 1..=LIMIT_MAX, "100"));
    (settings.min, settings.max) = bounds((min, settings.min), (max, settings.max));
    // Bounds the wrong way round are told of by the core.
    let usual = settings.initial.max(settings.min).min(settings.max);
    settings.initial = or(initial, usual);
    settings.mode = mode(table);
    table.reading().check(table.path(), settings.validate(), &[]);
    settings
}

/// Where only one bound is written, the default of the other gives way.
fn bounds(
    (min, usual_min): (Option<Given<u32>>, u32),
    (max, usual_max): (Option<Given<u32>>, u32),
) -> (u32, u32) {
    let (low, high) = (or(min, usual_min), or(max, usual_max));
    match (min, max) {
        (Some(_), None) => (low, high.max(low)),
        (None, Some(_)) => (low.min(high), high),
        _ => (low, high),
    }
}

/// The numbers that belong to one algorithm each.
fn read_numbers(table: &mut TableReader<'_>, algorithm: &mut Algorithm) {
    let tolerances = table.any_share("tolerance", "\"150%\"");
    let backoffs = table.any_share("backoff", "\"90%\"");
    let timeouts = table.duration("timeout", "\"5s\"");
    let by_latency = ("the steady algorithm", "write algorithm = \"steady\"");
    let by_drops = ("aimd", "write algorithm = \"aimd\"");
    match algorithm {
        Algorithm::Steady { tolerance } | Algorithm::Knee { tolerance } => {
            set(tolerance, tolerances);
        }
        _ => table.pointless("tolerance", tolerances, by_latency),
    }
    match algorithm {
        Algorithm::Aimd { backoff, timeout } => {
            set(backoff, backoffs);
            set(timeout, timeouts);
        }
        _ => {
            table.pointless("backoff", backoffs, by_drops);
            table.pointless("timeout", timeouts, by_drops);
        }
    }
}

/// `None` for silence and for `"off"`.
pub(super) fn read_shed(table: &mut TableReader<'_>) -> Option<ShedSettings> {
    table.table_or_off("shed", read_shed_table).flatten()
}

fn read_shed_table(table: &mut TableReader<'_>) -> ShedSettings {
    let mut settings = ShedSettings::default();
    set(&mut settings.queue_wait, table.duration("queue_wait", "\"20ms\""));
    set(&mut settings.window, table.duration("window", "\"1s\""));
    set(&mut settings.window_calls, table.count("window_calls", 1..=u32::MAX, "2000"));
    set(&mut settings.shrink, table.share("shrink", "\"95%\""));
    set(&mut settings.growth, table.share("growth", "\"1%\""));
    set(&mut settings.floor, table.share("floor", "\"5%\""));
    settings.mode = mode(table);
    table.reading().check(table.path(), settings.validate(), &[]);
    settings
}

/// `None` for silence and for `"off"`.
pub(super) fn read_throttle(table: &mut TableReader<'_>) -> Option<ThrottleSettings> {
    table.table_or_off("throttle", read_throttle_table).flatten()
}

fn read_throttle_table(table: &mut TableReader<'_>) -> ThrottleSettings {
    let mut settings = ThrottleSettings::default();
    set(&mut settings.critical, table.number("critical", "4"));
    set(&mut settings.high, table.number("high", "3"));
    set(&mut settings.normal, table.number("normal", "2"));
    set(&mut settings.low, table.number("low", "1.1"));
    set(&mut settings.cap, table.share("cap", "\"90%\""));
    set(&mut settings.min_requests, table.count("min_requests", 1..=u32::MAX, "10"));
    set(&mut settings.window, table.duration("window", "\"30s\""));
    settings.mode = mode(table);
    let keys = [
        ("throttle.critical", "critical"),
        ("throttle.high", "high"),
        ("throttle.normal", "normal"),
        ("throttle.low", "low"),
        ("throttle.cap", "cap"),
        ("throttle.window", "window"),
    ];
    table.reading().check(table.path(), settings.validate(), &keys);
    settings
}
