//! The run as one JSON object: `rows` and `behaviour`, and beside them what it was measured on,
//! `scale` included: the rows that have no entry of ours.

use std::io::{self, Write};

use serde_json::{Map, Value, json};

use super::{Report, note, without_clock};
use crate::behaviour::Finding;
use crate::measure::{Measured, OURS, Timing};

pub(crate) fn write(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    // What only shows the scale of the machine is no row of ours against others.
    let (ours, scale): (Vec<_>, Vec<_>) = report.rows.iter().partition(|row| row.ours().is_some());
    let rows: Vec<Value> = ours.into_iter().map(|row| row_of(row, report.clock_ns)).collect();
    let scale: Vec<Value> = scale.into_iter().map(scale_of).collect();
    let behaviour: Vec<Value> = report.behaviour.iter().map(behaviour_of).collect();
    let whole = json!({
        "host": report.host,
        "clock_read_ns": rounded(report.clock_ns),
        "rows": rows,
        "scale": scale,
        "behaviour": behaviour,
    });
    serde_json::to_writer_pretty(&mut *out, &whole)?;
    writeln!(out)
}

fn row_of(row: &Measured, clock_ns: f64) -> Value {
    let ours = row.ours();
    let best = row.best_rival();
    let others = row.timings.iter().filter(|timing| timing.name != OURS);
    let rivals: Map<String, Value> =
        others.map(|timing| (timing.name.to_owned(), timing_of(timing))).collect();
    json!({
        "row": format!("{}, {}", row.row, row.callers.suffix()),
        "about": row.about,
        "threads": row.callers.threads(),
        "ours_ns": ours.map(|timing| rounded(timing.ns.median)),
        "ours": ours.map(timing_of),
        "ours_ns_without_clock": without_clock(row, clock_ns).map(rounded),
        "ours_clock_reads": row.our_clock_reads,
        "ours_allocs": ours.map(|timing| timing.allocations),
        "target_ns": row.target,
        "best_rival": best.map(|timing| timing.name),
        "best_rival_ns": best.map(|timing| rounded(timing.ns.median)),
        "rivals": rivals,
        "note": note(row),
    })
}

fn scale_of(row: &Measured) -> Value {
    let timings = row.timings.iter();
    let entries: Map<String, Value> =
        timings.map(|timing| (timing.name.to_owned(), timing_of(timing))).collect();
    json!({ "row": format!("{}, {}", row.row, row.callers.suffix()), "entries": entries })
}

fn timing_of(timing: &Timing) -> Value {
    json!({
        "ns": rounded(timing.ns.median),
        "low": rounded(timing.ns.low),
        "high": rounded(timing.ns.high),
        "allocs": timing.allocations,
        "bytes": timing.bytes,
        "reference": timing.reference,
        "note": timing.note,
    })
}

/// One finding: a field for each crate, by its name and version.
fn behaviour_of(finding: &Finding) -> Value {
    let mut fields = Map::new();
    fields.insert("row".to_owned(), json!(format!("{} {}", finding.id, finding.row)));
    fields.insert("ideal".to_owned(), json!(finding.ideal));
    let ours = finding.cells.iter().find(|cell| cell.name == OURS);
    fields.insert("ours".to_owned(), json!(ours.map(|cell| cell.value.as_str())));
    fields.insert("ours_ok".to_owned(), json!(ours.and_then(|cell| cell.ok)));
    for cell in finding.cells.iter().filter(|cell| cell.name != OURS) {
        fields.insert(cell.name.to_owned(), json!(cell.value));
    }
    Value::Object(fields)
}

/// Hundredths of a nanosecond are below what any of this can tell apart.
fn rounded(ns: f64) -> f64 {
    (ns * 100.0).round() / 100.0
}
