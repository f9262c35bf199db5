//! The run as a page of documentation: `docs/bench.md` is one. It says nothing of the machine but
//! its size.

use std::env::consts::{ARCH, OS};
use std::io::{self, Write};

use super::{Report, note, without_clock};
use crate::behaviour::{Cell, Finding};
use crate::measure::{Callers, Measured, OURS, Timing};
use crate::rivals::name;

pub(crate) fn write(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    head(report, out)?;
    scale(report, out)?;
    speed(report, out)?;
    notes(report, out)?;
    floors(report, out)?;
    entries(report, out)?;
    behaviour(report, out)
}

fn head(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let host = &report.host;
    writeln!(out, "# Seawall beside other crates, measured\n")?;
    writeln!(
        out,
        "{}, seed {}: `cargo xtask bench --markdown > docs/bench.md`.",
        host.date, host.seed
    )?;
    writeln!(
        out,
        "What the rows mean, and how they are kept fair: [bench/](../bench/README.md).\n"
    )?;
    writeln!(out, "- {OS} on {ARCH}, {} hardware threads, a virtual machine.", host.threads)?;
    writeln!(out, "- {}; {}.", host.compiler, host.profile)?;
    let (before, after) = (&host.load, &report.load_after);
    writeln!(
        out,
        "- The machine was shared: load {before} when the run began, {after} when it ended."
    )?;
    writeln!(
        out,
        "  Compare entries of one row, not rows of different days. Where others run, two"
    )?;
    writeln!(
        out,
        "  threads meet less often, and one that is stopped while it holds a lock stops both."
    )?;
    writeln!(out, "- One read of the clock takes {:.1} ns.", report.clock_ns)
}

/// What crates took, in nanoseconds, on the machine for which the targets were set.
const THERE: [(&str, &str, f64); 6] = [
    ("breaker_success", name::RECLOSER, 5.0),
    ("breaker_success", name::FAILSAFE, 70.0),
    ("bulkhead", name::TOKIO, 9.0),
    ("rate_direct", name::GOVERNOR, 9.5),
    ("rate_keyed", name::GOVERNOR, 27.0),
    ("pipeline", name::TOWER, 73.0),
];

/// How this machine compares with that one: targets are numbers of theirs.
fn scale(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let alone = |row: &str| {
        report.rows.iter().find(move |one| one.row == row && one.callers == Callers::One)
    };
    if let Some(row) = alone("atomic_step") {
        let steps: Vec<String> = row.timings.iter().map(entry).collect();
        writeln!(out, "- One change of a shared word takes: {}.", steps.join("; "))?;
    }
    let here = |(row, name, there): &(&str, &str, f64)| {
        let ns = alone(row)?.timing(name)?.ns.median;
        Some(format!("{name} in `{row}` {there:.0} there, {ns:.0} here"))
    };
    let both: Vec<String> = THERE.iter().filter_map(here).collect();
    writeln!(
        out,
        "- Targets were set beside numbers of another machine. At one thread: {}.",
        both.join("; ")
    )
}

/// Ours beside the best rival.
fn speed(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "\n## Speed: nanoseconds of one call\n")?;
    writeln!(
        out,
        "\"Net\" is ours without its clock reads and, where the row has one, without the"
    )?;
    writeln!(
        out,
        "bare call; targets are of that. \"Allocs\" is ours. Bold: no rival is faster.\n"
    )?;
    writeln!(out, "| row | ours | clock reads | net | target | best rival | its ns | allocs |")?;
    writeln!(out, "| --- | ---: | ---: | ---: | --- | --- | ---: | ---: |")?;
    for row in &report.rows {
        let (Some(ours), Some(best)) = (row.ours(), row.best_rival()) else { continue };
        writeln!(
            out,
            "| `{}`, {} | {}{:.1}{} | {} | {} | {} | {} | {:.1} | {:.2} |",
            row.row,
            row.callers.suffix(),
            mark(ours.ns.median <= best.ns.median),
            ours.ns.median,
            mark(ours.ns.median <= best.ns.median),
            row.our_clock_reads,
            without_clock(row, report.clock_ns).map_or_else(String::new, |ns| format!("{ns:.1}")),
            verdict(row, report.clock_ns),
            best.name,
            best.ns.median,
            ours.allocations
        )?;
    }
    Ok(())
}

/// Bold where we lead.
fn mark(leads: bool) -> &'static str {
    if leads { "**" } else { "" }
}

fn verdict(row: &Measured, clock_ns: f64) -> String {
    match (row.target, without_clock(row, clock_ns)) {
        (Some(target), Some(ns)) if ns <= target => format!("{target:.0}: met"),
        (Some(target), Some(_)) => format!("{target:.0}: missed"),
        _ => String::new(),
    }
}

/// Why we are behind where we are: once for each row, whoever calls.
fn notes(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "\n### Where Seawall is behind, and why\n")?;
    let mut told = "";
    for row in &report.rows {
        let note = note(row);
        if row.ours().is_some() && !note.is_empty() && told != row.row {
            told = row.row;
            writeln!(out, "- `{}`: {note}.", row.row)?;
        }
    }
    Ok(())
}

/// What we come up against where a target is missed: once for each row, whoever calls.
fn floors(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "\n### Targets that are missed, and why\n")?;
    let mut told = "";
    for row in &report.rows {
        let missed = verdict(row, report.clock_ns).ends_with("missed");
        if missed && !row.floor.is_empty() && told != row.row {
            told = row.row;
            writeln!(out, "- `{}`: {}.", row.row, row.floor)?;
        }
    }
    Ok(())
}

/// All entries of all rows, from the fastest.
fn entries(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "\n### All entries\n")?;
    writeln!(
        out,
        "Median, the interval in which it lies with 95 %, allocations where there are any.\n"
    )?;
    for row in &report.rows {
        writeln!(out, "- `{}`, {}: {}", row.row, row.callers.suffix(), all_of(row))?;
    }
    Ok(())
}

fn all_of(row: &Measured) -> String {
    let mut timings: Vec<&Timing> = row.timings.iter().collect();
    timings.sort_by(|one, other| one.ns.median.total_cmp(&other.ns.median));
    let shown: Vec<String> = timings.into_iter().map(entry).collect();
    shown.join("; ")
}

fn entry(timing: &Timing) -> String {
    let bold = mark(timing.name == OURS);
    let allocations = if timing.allocations == 0.0 {
        String::new()
    } else {
        format!(", {:.2} allocs", timing.allocations)
    };
    let ns = timing.ns;
    format!(
        "{bold}{}{bold} {:.1} ({:.1}..{:.1}{allocations})",
        timing.name, ns.median, ns.low, ns.high
    )
}

fn behaviour(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "\n## Behaviour\n")?;
    writeln!(
        out,
        "✓ right, ✗ wrong; a crate without the feature is left out. The first entry is ours.\n"
    )?;
    writeln!(out, "| id | what | right would be | found |")?;
    writeln!(out, "| --- | --- | --- | --- |")?;
    report.behaviour.iter().try_for_each(|finding| found(finding, out))
}

fn found(finding: &Finding, out: &mut dyn Write) -> io::Result<()> {
    let cells: Vec<String> = finding.cells.iter().filter_map(cell).collect();
    let row = finding.row.replace('|', ",");
    writeln!(out, "| {} | {row} | {} | {} |", finding.id, finding.ideal, cells.join("<br>"))
}

fn cell(cell: &Cell) -> Option<String> {
    let right = if cell.ok? { "✓" } else { "✗" };
    let bold = mark(cell.name == OURS);
    Some(format!("{right} {bold}{}{bold}: {}", cell.name, cell.value))
}
