//! The tables as text.

use std::io::{self, Write};

use super::{note, without_clock};
use crate::behaviour::Finding;
use crate::host::Host;
use crate::measure::{Measured, Timing};

pub(crate) fn write_host(host: &Host, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "{} ({} threads), {}", host.processor, host.threads, host.system)?;
    writeln!(out, "{}; {}", host.compiler, host.profile)?;
    writeln!(out, "load {} when it began; seed {}", host.load, host.seed)
}

/// One row: every entry from the fastest, medians with their interval of about 95 %.
pub(crate) fn write_row(row: &Measured, clock_ns: f64, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "\n{}, {}: {}", row.row, row.callers.suffix(), row.about)?;
    let head = ("entry", "ns/call", "interval", "allocs", "bytes");
    writeln!(out, "  {:<28}{:>10}  {:<17}{:>7}{:>8}", head.0, head.1, head.2, head.3, head.4)?;
    let mut timings: Vec<&Timing> = row.timings.iter().collect();
    timings.sort_by(|one, other| one.ns.median.total_cmp(&other.ns.median));
    for timing in timings {
        write_timing(timing, out)?;
    }
    if let (Some(target), Some(ns)) = (row.target, without_clock(row, clock_ns)) {
        let verdict = if ns <= target { "within" } else { "over" };
        writeln!(out, "  seawall without clock and bare call: {ns:.1} ns, {verdict} {target} ns")?;
    }
    let note = note(row);
    if note.is_empty() { Ok(()) } else { writeln!(out, "  note: {note}") }
}

fn write_timing(timing: &Timing, out: &mut dyn Write) -> io::Result<()> {
    let interval = format!("{:.1}..{:.1}", timing.ns.low, timing.ns.high);
    let mark = if timing.reference { " (reference)" } else { "" };
    write!(
        out,
        "  {:<28}{:>10.1}  {interval:<17}{:>7.2}{:>8.0}",
        timing.name, timing.ns.median, timing.allocations, timing.bytes
    )?;
    let note = if timing.note.is_empty() { String::new() } else { format!("  {}", timing.note) };
    writeln!(out, "{mark}{note}")
}

pub(crate) fn write_behaviour(finding: &Finding, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "\n{} {}", finding.id, finding.row)?;
    writeln!(out, "  ideal: {}", finding.ideal)?;
    for cell in &finding.cells {
        let mark = match cell.ok {
            Some(true) => "ok",
            Some(false) => "WRONG",
            None => "",
        };
        writeln!(out, "  {:<28}{:>7}  {}", cell.name, mark, cell.value)?;
    }
    Ok(())
}
