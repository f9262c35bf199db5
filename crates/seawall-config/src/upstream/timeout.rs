//! The table `adaptive_timeout` of an upstream: an attempt timeout that follows latency.
//!
//! The fixed timeouts are those of policies (`policy/timeouts.rs`); the longest of them is the
//! ceiling where the file gives none, which `config.rs` knows.

use super::mode;
use crate::reader::{TableReader, set};
use seawall_core::Mode;
use seawall_core::timeout::AdaptiveSettings;

pub(super) fn read(table: &mut TableReader<'_>) -> AdaptiveSettings {
    match table.table_or_off("adaptive_timeout", read_table) {
        Some(Some(settings)) => settings,
        None | Some(None) => AdaptiveSettings { mode: Mode::Off, ..AdaptiveSettings::default() },
    }
}

/// What the numbers may be is checked once the ceiling is known.
fn read_table(table: &mut TableReader<'_>) -> AdaptiveSettings {
    let mut settings = AdaptiveSettings { mode: mode(table), ..AdaptiveSettings::default() };
    set(&mut settings.quantile, table.quantile("quantile", "\"p99\""));
    set(&mut settings.factor, table.factor("factor", "2"));
    set(&mut settings.floor, table.duration("floor", "\"50ms\""));
    set(&mut settings.ceiling, table.duration("ceiling", "\"3s\""));
    set(&mut settings.tighten, table.share("tighten", "\"80%\""));
    set(&mut settings.refresh, table.duration("refresh", "\"5s\""));
    let samples_min = table.count("samples_min", 1..=u32::MAX, "100");
    settings.samples_min = samples_min.map_or(settings.samples_min, |given| given.value.into());
    settings
}
