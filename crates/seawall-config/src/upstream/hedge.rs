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

/// The quantile that a program's hedge goes by unless the file says otherwise, and a gateway's. A
/// gateway hedges unasked, so it shall cost little: at p98 two calls in a hundred while all is
/// well, which leaves three of the five that the share allows for the moment when an endpoint
/// stops.
const PROGRAMS_QUANTILE: Ratio = Ratio::from_percent(95);
const GATEWAYS_QUANTILE: Ratio = Ratio::from_percent(98);

/// Endpoints that stop together (a rack, a switch, a shared disk) are met by an attempt and by its
/// hedge alike in the moment when nobody has noticed; without a second hedge such a call waits for
/// its timeout. It comes out of the same share, so it costs nothing more.
const GATEWAYS_EXTRA: u32 = 2;

/// No hedge by quantile is sooner.
const FLOOR: Duration = Duration::from_millis(1);

pub(super) fn read(table: &mut TableReader<'_>) -> HedgeSettings {
    let scope = table.reading().scope();
    match table.table_or_off("hedge", read_table) {
        Some(Some(settings)) => settings,
        Some(None) => HedgeSettings { mode: Mode::Off, ..unsaid(scope) },
        None => unsaid(scope),
    }
}

/// The hedges of an upstream that says nothing of them: on in a gateway, which knows by the method
/// what may be asked twice, off in a program.
fn unsaid(scope: Scope) -> HedgeSettings {
    let usual = HedgeSettings::default();
    let (mode, share, max_extra) = match scope {
        Scope::Gateway => (Mode::Enforce, GATEWAYS_QUANTILE, GATEWAYS_EXTRA),
        Scope::Library => (Mode::Off, PROGRAMS_QUANTILE, usual.max_extra),
    };
    let delay = HedgeDelay::Quantile { share, floor: FLOOR };
    HedgeSettings { mode, delay, max_extra, ..usual }
}

/// Whether a hedge can ever start beside the attempts is checked once their timeout is known.
fn read_table(table: &mut TableReader<'_>) -> HedgeSettings {
    let mut settings = HedgeSettings { mode: mode(table), ..unsaid(table.reading().scope()) };
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
    let usual = match table.reading().scope() {
        Scope::Gateway => GATEWAYS_QUANTILE,
        Scope::Library => PROGRAMS_QUANTILE,
    };
    let after = table.moment("after", "\"p95\"");
    let floor = table.duration("floor", "\"1ms\"");
    match or(after, Moment::Quantile(usual)) {
        Moment::Quantile(share) => HedgeDelay::Quantile { share, floor: or(floor, FLOOR) },
        Moment::Fixed(delay) => {
            table.pointless("floor", floor, BY_QUANTILE);
            HedgeDelay::Fixed(delay)
        }
    }
}
