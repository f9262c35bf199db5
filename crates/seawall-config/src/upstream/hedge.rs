//! The table `hedge`: extra attempts beside slow ones.
//!
//! It stands at the upstream and not in a policy, since the latency that it goes by, and the share
//! of extra load that it may cause, are those of the upstream.

use super::mode;
use crate::reader::{Moment, Scope, TableReader, or, set};
use seawall_core::Mode;
use seawall_core::hedge::{EXTRA_MAX, HedgeDelay, HedgeSettings};
use seawall_core::ratio::Ratio;
use seawall_core::time::Duration;

/// What a hedge by quantile goes by unless the file says otherwise.
const QUANTILE: (Ratio, Duration) = (Ratio::from_percent(95), Duration::from_millis(1));

pub(super) fn read(table: &mut TableReader<'_>) -> HedgeSettings {
    let read = table.table_or_off("hedge", read_table).flatten();
    let settings =
        read.unwrap_or_else(|| HedgeSettings { mode: Mode::Off, ..HedgeSettings::default() });
    if settings.mode != Mode::Off && table.reading().scope() == Scope::Gateway {
        let path = table.path_of("hedge");
        let what = format!("{path}: the gateway makes one attempt of a call at a time and cannot");
        let place = table.reading().place_of(&path);
        table.wrong(place, format!("{what} hedge"), "remove hedge; programs with the library can");
    }
    settings
}

/// Whether a hedge can ever start beside the attempts is checked once their timeout is known.
fn read_table(table: &mut TableReader<'_>) -> HedgeSettings {
    let mut settings = HedgeSettings { mode: mode(table), ..HedgeSettings::default() };
    settings.delay = read_delay(table);
    set(&mut settings.max_extra, table.count("max_extra", 1..=EXTRA_MAX, "1"));
    set(&mut settings.share, table.share("share", "\"5%\""));
    set(&mut settings.window, table.duration("window", "\"10s\""));
    let samples_min = table.count("samples_min", 1..=u32::MAX, "100");
    settings.samples_min = samples_min.map_or(settings.samples_min, |given| given.value.into());
    let refresh = table.duration("refresh", "\"3s\"");
    set(&mut settings.refresh, refresh);
    if matches!(settings.delay, HedgeDelay::Fixed(_)) {
        table.pointless("samples_min", samples_min, BY_QUANTILE);
        table.pointless("refresh", refresh, BY_QUANTILE);
    }
    settings
}

const BY_QUANTILE: (&str, &str) = ("a delay by quantile", "write after = \"p95\"");

fn read_delay(table: &mut TableReader<'_>) -> HedgeDelay {
    let after = table.moment("after", "\"p95\"");
    let floor = table.duration("floor", "\"1ms\"");
    match or(after, Moment::Quantile(QUANTILE.0)) {
        Moment::Quantile(share) => HedgeDelay::Quantile { share, floor: or(floor, QUANTILE.1) },
        Moment::Fixed(delay) => {
            table.pointless("floor", floor, BY_QUANTILE);
            HedgeDelay::Fixed(delay)
        }
    }
}
