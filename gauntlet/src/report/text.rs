//! The table for a terminal.

use super::matrix::used_marks;
use super::results::Results;
use super::rows::{self, Table};
use super::{failings, sentence, versus};

/// All tables without colours; ends with a line break.
#[must_use]
pub fn table(results: &Results) -> String {
    let mut text = format!("Gauntlet of {}, master seed {}\n", results.date, results.seed);
    text.push_str(&format!("{}\n", rows::machine(results)));
    part(&mut text, "Regret: user errors beyond the floor, per 100 000", &rows::matrix(results));
    for mark in used_marks(results) {
        text.push_str(&format!("  {} {}\n", mark.letter(), mark.meaning()));
    }
    part(&mut text, "Errors / floor", &rows::errors(results));
    part(&mut text, "p99.9 in the fault phase", &rows::metric(results, "p99_9"));
    part(&mut text, "Amplification", &rows::metric(results, "amplification"));
    part(&mut text, "Detect / eject / recover / return", &rows::times(results));
    part(&mut text, "Targets, Seawall at default settings", &rows::judged(results));
    if !results.rehearsed.is_empty() {
        part(
            &mut text,
            "Measured / simulated, Seawall at default settings",
            &rows::rehearsed(results),
        );
    }
    part(&mut text, "Versions", &rows::versions(results));
    text.push_str("\nIn words\n");
    for scenario in &results.scenarios {
        text.push_str(&format!("  {}\n", sentence::summary(results, scenario)));
    }
    if !versus::has_calm(results) {
        text.push_str("  No run without faults (G0), so that the noise is not known.\n");
    }
    list(&mut text, "Failings of Seawall", failings(results));
    list(&mut text, "Runs that do not count", invalid(results));
    list(&mut text, "Not run", not_run(results));
    text
}

fn part(text: &mut String, heading: &str, table: &Table) {
    text.push_str(&format!("\n{heading}\n"));
    let columns = table.iter().map(Vec::len).max().unwrap_or_default();
    let width = |column: usize| {
        let cells = table.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or_default()
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    for row in table {
        let cells = row.iter().zip(&widths).map(|(cell, width)| {
            let gap = " ".repeat(width.saturating_sub(cell.chars().count()));
            format!("  {cell}{gap}")
        });
        text.push_str(cells.collect::<String>().trim_end());
        text.push('\n');
    }
}

fn list(text: &mut String, heading: &str, lines: Vec<String>) {
    if !lines.is_empty() {
        text.push_str(&format!("\n{heading}\n"));
        lines.iter().for_each(|line| text.push_str(&format!("  {line}\n")));
    }
}

/// Runs that do not count, each with its reasons.
pub(super) fn invalid(results: &Results) -> Vec<String> {
    let told = results.invalid().map(|run| {
        let key = &run.key;
        let who = super::names::product(key.product);
        let why = run.figures.flaws.join("; ");
        format!("{} {who} seed {}: {why}", key.scenario, key.seed)
    });
    told.collect()
}

/// What was not run, each with its reason.
pub(super) fn not_run(results: &Results) -> Vec<String> {
    let told = results.not_run.iter().map(|one| {
        let scenario = one.scenario.as_deref().unwrap_or("all scenarios");
        format!("{} in {scenario}: {}", super::names::product(one.product), one.reason)
    });
    told.collect()
}
