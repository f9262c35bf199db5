//! The table `ejection` of an upstream: the settings of the outlier detector.

use super::breaker::ordered;
use super::mode;
use crate::reader::{Scope, TableReader, or, set};
use seawall_core::Mode;
use seawall_core::outlier::{
    CapRule, CommonFault, Enforcement, LatencyRule, MeanRule, OddRule, OutlierSettings, READS_MAX,
};

/// The words of `cap`.
pub(crate) const CAPS: [(&str, CapRule); 2] =
    [("at_least_one", CapRule::AtLeastOne), ("strict", CapRule::Strict)];

/// The words of `common`.
pub(crate) const COMMON: [(&str, CommonFault); 2] =
    [("suppress", CommonFault::Suppress), ("eject", CommonFault::Eject)];

pub(super) fn read(table: &mut TableReader<'_>) -> OutlierSettings {
    let usual = usual(table.reading().scope());
    match table.table_or_off("ejection", |t| read_table(t, usual)) {
        None => usual,
        Some(None) => OutlierSettings { mode: Mode::Off, ..usual },
        Some(Some(settings)) => settings,
    }
}

/// A gateway compares no answers.
fn usual(scope: Scope) -> OutlierSettings {
    let usual = OutlierSettings::default();
    match scope {
        Scope::Library => usual,
        Scope::Gateway => OutlierSettings { odd: None, ..usual },
    }
}

fn read_table(table: &mut TableReader<'_>, default: OutlierSettings) -> OutlierSettings {
    let (mut settings, noted) = (default, table.reading().noted());
    read_conditions(table, &mut settings);
    set(&mut settings.min_requests, table.count("min_requests", 1..=u32::MAX, "50"));
    set(&mut settings.window, table.duration("window", "\"10s\""));
    let (base, max) = (table.duration("base", "\"1s\""), table.duration("max", "\"5m\""));
    let (low, high) = (("base", base, default.base), ("max", max, default.max));
    (settings.base, settings.max) = ordered(table.reading(), low, high);
    set(&mut settings.max_ejected, table.share("max_ejected", "\"50%\""));
    set(&mut settings.cap, table.choice("cap", &CAPS));
    set(&mut settings.min_healthy, table.count("min_healthy", 1..=u32::MAX, "1"));
    set(&mut settings.common, table.choice("common", &COMMON));
    let enforcement = table.table("enforcement", read_enforcement);
    settings.enforcement = enforcement.unwrap_or(settings.enforcement);
    settings.mode = mode(table);
    if !can_eject(&settings) {
        let what = format!("{} has no condition left that could eject", table.path());
        table.wrong(table.place(), what, "set consecutive, or switch the whole ejection \"off\"");
    }
    if table.reading().noted() == noted {
        table.reading().check(table.path(), settings.validate(), &[]);
    }
    settings
}

fn read_conditions(table: &mut TableReader<'_>, settings: &mut OutlierSettings) {
    set(&mut settings.consecutive, table.count_or_off("consecutive", 1..=u32::MAX, "5"));
    set(&mut settings.gateway, table.count_or_off("gateway", 1..=u32::MAX, "5"));
    set(&mut settings.local_origin, table.count_or_off("local_origin", 1..=u32::MAX, "5"));
    set(&mut settings.failure_share, table.share_or_off("failure_share", "\"50%\""));
    let endpoints = table.count("failure_share_endpoints", 1..=u32::MAX, "5");
    set(&mut settings.failure_share_endpoints, endpoints);
    set(&mut settings.deviation, table.share_or_off("deviation", "\"10%\""));
    let mean = table.table_or_off("mean", read_mean);
    settings.mean = mean.unwrap_or(settings.mean);
    let latency = table.table_or_off("latency", read_latency);
    settings.latency = latency.unwrap_or(settings.latency);
    match table.reading().scope() {
        Scope::Library => {
            let odd = table.table_or_off("odd", read_odd);
            settings.odd = odd.unwrap_or(settings.odd);
        }
        Scope::Gateway => {
            table.refuse("odd", "compares or validates answers, and the gateway does neither");
        }
    }
}

const fn can_eject(settings: &OutlierSettings) -> bool {
    let rows = settings.consecutive.is_some()
        || settings.gateway.is_some()
        || settings.local_origin.is_some();
    let shares =
        settings.failure_share.is_some() || settings.deviation.is_some() || settings.mean.is_some();
    rows || shares || settings.latency.is_some()
}

fn read_mean(table: &mut TableReader<'_>) -> MeanRule {
    let usual = MeanRule::default();
    MeanRule {
        factor: or(table.number("factor", "1.9"), usual.factor),
        min_endpoints: or(table.count("min_endpoints", 1..=u32::MAX, "5"), usual.min_endpoints),
        min_requests: or(table.count("min_requests", 1..=u32::MAX, "100"), usual.min_requests),
    }
}

fn read_latency(table: &mut TableReader<'_>) -> LatencyRule {
    let usual = LatencyRule::default();
    LatencyRule {
        factor: or(table.factor("factor", "3"), usual.factor),
        least: or(table.duration_or_zero("least", "\"50ms\""), usual.least),
        min_requests: or(table.count("min_requests", 1..=u32::MAX, "20"), usual.min_requests),
    }
}

fn read_odd(table: &mut TableReader<'_>) -> OddRule {
    let usual = OddRule::default();
    OddRule {
        disagreements: or(table.count("disagreements", 1..=READS_MAX, "3"), usual.disagreements),
        reads: or(table.count("reads", 1..=READS_MAX, "10"), usual.reads),
    }
}

fn read_enforcement(table: &mut TableReader<'_>) -> Enforcement {
    let mut shares = Enforcement::default();
    let mut of = |key| table.any_share(key, "\"50%\"");
    set(&mut shares.consecutive, of("consecutive"));
    set(&mut shares.gateway, of("gateway"));
    set(&mut shares.local_origin, of("local_origin"));
    set(&mut shares.success_rate, of("success_rate"));
    set(&mut shares.failure_share, of("failure_share"));
    set(&mut shares.latency, of("latency"));
    match table.reading().scope() {
        Scope::Library => set(&mut shares.odd, table.any_share("odd", "\"50%\"")),
        Scope::Gateway => table.refuse("odd", "compares answers, and the gateway does not"),
    }
    shares
}
