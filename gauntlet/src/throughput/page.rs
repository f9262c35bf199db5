//! The results as a section of documentation.

use super::results::{Results, RowResults};
use super::table::{heading, lines, size};
use super::target::targets;

/// The command that remakes it.
const COMMAND: &str = "cargo run --release -p gauntlet -- --throughput --markdown";

/// The section, with the promises first.
pub(super) fn markdown(results: &Results) -> String {
    let mut text = format!("## What a request costs\n\n{}\n`{COMMAND}`\n\n", heading(results));
    text += "| promise | found | bound | |\n| --- | ---: | ---: | --- |\n";
    for target in targets(results) {
        let (figure, kept) = match &target.found {
            Some(found) => {
                (found.figure.as_str(), if found.kept { "kept" } else { "**not kept**" })
            }
            None => ("–", "not measured"),
        };
        text += &format!("| {} | {figure} | {} | {kept} |\n", target.what, target.bound);
    }
    for row in &results.rows {
        text += &section(row);
    }
    text
}

fn section(row: &RowResults) -> String {
    let mut text = format!("\n### {}: {}{}\n\n", row.row.name(), row.about, size(row));
    let lines = lines(row);
    let width = lines.first().map_or(0, Vec::len);
    for (index, line) in lines.iter().enumerate() {
        let missing = width.saturating_sub(line.len());
        text += &format!("| {} |{}\n", line.join(" | "), " |".repeat(missing));
        if index == 0 {
            text += &format!("| --- |{}\n", " ---: |".repeat(width.saturating_sub(1)));
        }
    }
    let gap = if lines.is_empty() { "" } else { "\n" };
    text + &row.row.note().map(|note| format!("{gap}{note}\n")).unwrap_or_default()
}
