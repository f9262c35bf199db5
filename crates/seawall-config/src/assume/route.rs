//! `[assume.routes."/path"]`: what is assumed about the calls of a route.

use super::upstream::read_failing;
use crate::lint::{HedgeFacts, RouteFacts};
use crate::reader::{Moment, TableReader, or};
use seawall_core::hedge::HedgeDelay;
use seawall_core::ratio::Ratio;
use seawall_core::time::Duration;

/// A hedge by quantile is never sooner.
const FLOOR: Duration = Duration::from_millis(1);

pub(super) fn read(table: &mut TableReader<'_>) -> RouteFacts {
    let rate = table.per_second("rate");
    let quiet_rate = table.per_second("quiet_rate");
    if let (Some(rate), Some(quiet)) = (rate, quiet_rate)
        && quiet.value > rate.value
    {
        let what = format!("{} is above rate", table.path_of("quiet_rate"));
        table.wrong(quiet.place, what, "rate is that of the peak");
    }
    RouteFacts {
        rate: rate.map(|given| given.value),
        quiet_rate: quiet_rate.map(|given| given.value),
        failure_rate: table.share("failure_rate", "\"50%\"").map(|given| given.value),
        detect_within: table.duration("detect_within", "\"10s\"").map(|given| given.value),
        keyed: or(table.flag("keyed", "true"), false),
        clients: table.count("clients", 1..=u32::MAX, "1").map(|given| given.value),
        callers_retry: read_failing(table, "callers_retry"),
        hedge: table.table("hedge", read_hedge),
    }
}

fn read_hedge(table: &mut TableReader<'_>) -> HedgeFacts {
    let after = or(table.moment("after", "\"p95\""), Moment::Quantile(Ratio::from_percent(95)));
    let after = match after {
        Moment::Quantile(share) => HedgeDelay::Quantile { share, floor: FLOOR },
        Moment::Fixed(delay) => HedgeDelay::Fixed(delay),
    };
    HedgeFacts { after, cancels: or(table.flag("cancels", "true"), true) }
}
