//! The table `ejection` of an upstream: the settings of the outlier detector.

use super::breaker::ordered;
use super::mode;
use crate::reader::{TableReader, set};
use seawall_core::outlier::OutlierSettings;

pub(super) fn read(table: &mut TableReader<'_>) -> OutlierSettings {
    let default = OutlierSettings::default();
    let mut settings = default;
    set(&mut settings.consecutive, table.count_or_off("consecutive", 1..=u32::MAX, "5"));
    set(&mut settings.failure_share, table.share_or_off("failure_share", "\"50%\""));
    set(&mut settings.deviation, table.share_or_off("deviation", "\"10%\""));
    set(&mut settings.min_requests, table.count("min_requests", 1..=u32::MAX, "50"));
    set(&mut settings.window, table.duration("window", "\"10s\""));
    let (base, max) = (table.duration("base", "\"30s\""), table.duration("max", "\"5m\""));
    let (low, high) = (("base", base, default.base), ("max", max, default.max));
    (settings.base, settings.max) = ordered(table.reading(), low, high);
    set(&mut settings.max_ejected, table.share("max_ejected", "\"50%\""));
    set(&mut settings.min_healthy, table.count("min_healthy", 1..=u32::MAX, "1"));
    settings.mode = mode(table);
    let rates = settings.failure_share.or(settings.deviation);
    if settings.consecutive.is_none() && rates.is_none() {
        let what = format!("{} has no condition left that could eject", table.path());
        table.wrong(table.place(), what, "set consecutive, or switch the whole ejection \"off\"");
    }
    settings
}
