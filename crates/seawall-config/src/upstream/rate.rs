//! The table `rate_limit` of an upstream: how many calls it may get in a time.
//!
//! `rate` says it for every algorithm: those that count by windows take its period as the window.

use super::mode;
use crate::reader::{Given, TableReader, or};
use seawall_core::rate::{
    AdaptiveSettings, Algorithm, LimiterSettings, Quota, Rate, WarmUpSettings, WindowLimit,
};
use seawall_core::time::Duration;

/// An algorithm without its numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rule {
    Gcra,
    TokenBucket,
    WarmUp,
    FixedWindow,
    SlidingCounter,
    SlidingLog,
}

/// The words of `algorithm`.
const RULES: [(&str, Rule); 6] = [
    ("gcra", Rule::Gcra),
    ("token-bucket", Rule::TokenBucket),
    ("warm-up", Rule::WarmUp),
    ("fixed-window", Rule::FixedWindow),
    ("sliding-counter", Rule::SlidingCounter),
    ("sliding-log", Rule::SlidingLog),
];

/// The word of an algorithm.
pub(crate) const fn word(algorithm: Algorithm) -> &'static str {
    match algorithm {
        Algorithm::Gcra(_) => "gcra",
        Algorithm::TokenBucket(_) => "token-bucket",
        Algorithm::WarmUp(_) => "warm-up",
        Algorithm::FixedWindow(_) => "fixed-window",
        Algorithm::SlidingCounter(_) => "sliding-counter",
        Algorithm::SlidingLog(_) => "sliding-log",
    }
}

/// How long warming up takes unless the file says otherwise: caches and pools fill within it.
const WARM_UP: Duration = Duration::from_secs(10);

/// Fields that the core names otherwise than the file does.
const KEYS: [(&str, &str); 6] = [
    ("rate.period", "rate"),
    ("rate.count", "rate"),
    ("limit", "rate"),
    ("window", "rate"),
    ("warm_up.period", "warm_up"),
    ("warm_up.cold_factor", "cold_factor"),
];

/// `None` for silence and for `"off"`.
pub(super) fn read(table: &mut TableReader<'_>) -> Option<LimiterSettings> {
    table.table_or_off("rate_limit", read_table).flatten().flatten()
}

fn read_table(table: &mut TableReader<'_>) -> Option<LimiterSettings> {
    let rule = or(table.choice("algorithm", &RULES), Rule::Gcra);
    let rate = table.quota("rate", "\"100/s\"");
    let burst = table.count("burst", 0..=u32::MAX, "100");
    let warm_up = table.duration("warm_up", "\"10s\"");
    let cold_factor = table.count("cold_factor", 0..=u32::MAX, "3");
    let adaptive = table.table_or_off("adaptive", read_adaptive).flatten();
    let mode = mode(table);
    if matches!(rule, Rule::FixedWindow | Rule::SlidingCounter | Rule::SlidingLog) {
        let bursts = ("an algorithm that knows bursts", "write algorithm = \"gcra\"");
        table.pointless("burst", burst, bursts);
    }
    if rule != Rule::WarmUp {
        let needed = ("warming up", "write algorithm = \"warm-up\"");
        table.pointless("warm_up", warm_up, needed);
        table.pointless("cold_factor", cold_factor, needed);
    }
    if !table.has("rate") {
        let what = format!("{} does not say how many calls may pass", table.path());
        table.wrong(table.place(), what, "write rate = \"100/s\"");
    }
    let period = or(warm_up, WARM_UP);
    let warm = |quota| {
        let usual = WarmUpSettings::of(quota, period);
        let cold_factor = cold_factor.map_or(usual.cold_factor, |given| given.value);
        WarmUpSettings { cold_factor, ..usual }
    };
    let algorithm = match rule {
        Rule::Gcra => Algorithm::Gcra(quota(table, rate?, burst)?),
        Rule::TokenBucket => Algorithm::TokenBucket(quota(table, rate?, burst)?),
        Rule::WarmUp => Algorithm::WarmUp(warm(quota(table, rate?, burst)?)),
        Rule::FixedWindow => Algorithm::FixedWindow(limit(rate?)),
        Rule::SlidingCounter => Algorithm::SlidingCounter(limit(rate?)),
        Rule::SlidingLog => Algorithm::SlidingLog(limit(rate?)),
    };
    let settings = LimiterSettings { algorithm, adaptive, mode };
    table.reading().check(table.path(), settings.validate(), &KEYS);
    Some(settings)
}

fn read_adaptive(table: &mut TableReader<'_>) -> AdaptiveSettings {
    let usual = AdaptiveSettings::default();
    AdaptiveSettings {
        cut: or(table.any_share("cut", "\"70%\""), usual.cut),
        floor: or(table.any_share("floor", "\"10%\""), usual.floor),
        raise: or(table.any_share("raise", "\"5%\""), usual.raise),
    }
}

fn quota(
    table: &TableReader<'_>,
    rate: Given<(u32, Duration)>,
    burst: Option<Given<u32>>,
) -> Option<Quota> {
    let (count, period) = rate.value;
    match Rate::new(count.into(), period) {
        Ok(rate) => {
            let usual = Quota::of(rate);
            Some(Quota { burst: or(burst, usual.burst), ..usual })
        }
        Err(invalid) => {
            table.reading().check(table.path(), Err(invalid), &KEYS);
            None
        }
    }
}

const fn limit(rate: Given<(u32, Duration)>) -> WindowLimit {
    let (limit, window) = rate.value;
    WindowLimit { limit, window }
}
