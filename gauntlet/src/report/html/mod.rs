//! The page: what it came to in words and tables, then each scenario with the courses of all
//! products under the same fault. It asks for nothing from outside.
//!
//! Here: the order of the page. Pictures of a scenario are in `scenario.rs`, tables in `tables.rs`,
//! how lines and axes are drawn in `seawall-plot`.

mod benefit;
mod heat;
mod scenario;
mod small;
mod tables;

use seawall_plot::page::{Head, document, section};
use seawall_plot::svg::escaped;

use super::results::Results;
use super::rows;
use super::text::{invalid, not_run};
use super::versus::behind;
use super::{failings, sentence};

const STYLE: &str = include_str!("gauntlet.css");

/// The whole page.
#[must_use]
pub fn html(results: &Results) -> String {
    let mut body = section("In words", &words(results));
    body.push_str(&section("Regret", &tables::matrix(results)));
    body.push_str(&section("Regret over amplification", &benefit::picture(results)));
    body.push_str(&section("Targets", &tables::judged(results)));
    body.push_str(&section("Detect, eject, recover, return", &tables::times(results)));
    body.push_str(&section("Measured and simulated", &tables::rehearsed(results)));
    body.push_str(&section("Noise", &tables::noise(results)));
    body.push_str(&section("Versions", &tables::versions(results)));
    for told in &results.scenarios {
        body.push_str(&scenario::section(results, told));
    }
    body.push_str(&section("Failings of Seawall", &list(failings(results))));
    body.push_str(&section("Runs that do not count", &list(invalid(results))));
    body.push_str(&section("Not run", &list(not_run(results))));
    body.push_str(&section("To repeat this", &repeat(results)));
    let origin = format!("{} · {}", results.date, rows::machine(results));
    document(Head { title: "Gauntlet", origin: &origin, style: STYLE }, &body)
}

/// A sentence for each scenario, with the way to its pictures.
fn words(results: &Results) -> String {
    let each = results.scenarios.iter().map(|told| {
        let class = if behind(results, told).is_empty() { "held" } else { "behind" };
        let (id, text) = (escaped(&told.id), escaped(&sentence::summary(results, told)));
        format!("<tr><td class=\"{class}\"><a href=\"#{id}\">{id}</a></td><td>{text}</td></tr>\n")
    });
    let each: String = each.collect();
    if each.is_empty() { each } else { format!("<table>\n{each}</table>\n") }
}

fn list(lines: Vec<String>) -> String {
    if lines.is_empty() {
        return String::new();
    }
    let items: String = lines.iter().map(|line| format!("<li>{}</li>\n", escaped(line))).collect();
    format!("<ul>\n{items}</ul>\n")
}

fn repeat(results: &Results) -> String {
    let command = escaped(results.command.trim());
    format!("<pre>{command}</pre>\n<p>Master seed {}.</p>\n", results.seed)
}
