//! What a run found: as text for people in `text`, as one object for programs in `json`, as a page
//! of documentation in `markdown`.

mod json;
mod markdown;
mod text;

pub(crate) use json::write as write_json;
pub(crate) use markdown::write as write_markdown;
pub(crate) use text::{write_behaviour, write_host, write_row};

use crate::behaviour::Finding;
use crate::host::Host;
use crate::measure::Measured;

/// A whole run.
pub(crate) struct Report {
    pub(crate) host: Host,
    /// Load average when it ended.
    pub(crate) load_after: String,
    /// One read of the clock, in nanoseconds.
    pub(crate) clock_ns: f64,
    pub(crate) rows: Vec<Measured>,
    pub(crate) behaviour: Vec<Finding>,
}

/// Our time without the reads of the clock and, where a target is set over the bare call,
/// without that.
fn without_clock(row: &Measured, clock_ns: f64) -> Option<f64> {
    let ours = row.ours()?.ns.median;
    let bare = row.bare.and_then(|name| row.timing(name)).map_or(0.0, |bare| bare.ns.median);
    Some((ours - bare - clock_ns * f64::from(row.our_clock_reads)).max(0.0))
}

/// Why a row looks as it does: an absent entry, or a loss and its reason.
fn note(row: &Measured) -> String {
    let Some(best) = row.best_rival() else { return String::new() };
    let Some(ours) = row.ours() else {
        return "seawall has no entry in this row yet".to_owned();
    };
    if ours.ns.median <= best.ns.median {
        return String::new();
    }
    let reason = if row.loss.is_empty() { "no reason written yet" } else { row.loss };
    format!("behind {}: {reason}", best.name)
}
