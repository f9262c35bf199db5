//! The page: its sections in their order. Each section draws itself; text and numbers are those of
//! the other reports, how they are drawn is in `seawall-plot`.

mod course;
mod latency;
mod strips;
mod sweep;
mod tables;
mod tiers;
mod turning;
mod versus;

use super::comparison::Comparison;
use super::shown::Shown;
use super::{sentence, shown, text, words};
use crate::outcome::Outcome;
use seawall_plot::page::{self, Head, figure, section};
use seawall_plot::svg::escaped;
use seawall_plot::{chart, legend, scale, svg};

/// A report, perhaps with a control to compare latencies with.
pub(super) fn whole(outcome: &Outcome, control: Option<&Outcome>) -> String {
    let shown = shown::shown(outcome);
    let mut body = verdict(outcome);
    body.push_str(&section("Timeline", &each(outcome, &shown, course::pictures)));
    body.push_str(&latency::section(outcome, &shown, control));
    body.push_str(&section("Attempts per tier", &each(outcome, &shown, tiers::pictures)));
    body.push_str(&section("Breakers and endpoints", &each(outcome, &shown, strips::pictures)));
    body.push_str(&turning::section(outcome, &shown));
    body.push_str(&sweep::section(outcome));
    body.push_str(&tables::section(outcome));
    body.push_str(&repeat(&[outcome]));
    document(&outcome.title, &text::origin(outcome), &body)
}

/// A comparison of two outcomes.
pub(super) fn comparison(comparison: &Comparison<'_>) -> String {
    let title = format!("{} → {}", comparison.old.title, comparison.new.title);
    let told = comparison.sentences();
    let told: String = told.iter().map(|told| format!("<p>{}</p>\n", escaped(told))).collect();
    let mut body = section("Verdict", &format!("<div class=\"verdict\">{told}</div>\n"));
    body.push_str(&versus::section(comparison));
    body.push_str(&latency::against(comparison.old, comparison.new));
    body.push_str(&repeat(&[comparison.old, comparison.new]));
    document(&title, &comparison.origin(), &body)
}

/// The pictures of each run under its name.
fn each(outcome: &Outcome, shown: &[Shown<'_>], pictures: fn(&Shown<'_>) -> String) -> String {
    let drawn = shown.iter().map(|run| (run, pictures(run)));
    let filled = drawn.filter(|(_, pictures)| !pictures.is_empty());
    filled.map(|(run, pictures)| format!("{}{pictures}", headed(outcome, run))).collect()
}

/// The name of a run; markup.
fn headed(outcome: &Outcome, run: &Shown<'_>) -> String {
    format!("<p class=\"run\">{}</p>\n", escaped(&words::clipped(&run.name(outcome), 160)))
}

fn verdict(outcome: &Outcome) -> String {
    let class = if sentence::is_good(outcome) { "verdict good" } else { "verdict bad" };
    let told = sentence::sentences(outcome);
    let told: String = told.iter().map(|told| format!("<p>{}</p>\n", escaped(told))).collect();
    let mut body = format!("<div class=\"{class}\">{told}</div>\n");
    if !outcome.expectations.is_empty() {
        let rows = outcome.expectations.iter().map(|expectation| {
            let (class, word) =
                if expectation.held { ("held", "held") } else { ("failed", "FAILED") };
            let (text, seen) = (escaped(&expectation.text), escaped(&expectation.seen));
            format!("<tr><td class=\"{class}\">{word}</td><td>{text}</td><td>{seen}</td></tr>\n")
        });
        let rows: String = rows.collect();
        body.push_str("<table><tr><th></th><th>expected</th><th>worst seen</th></tr>\n");
        body.push_str(&rows);
        body.push_str("</table>\n");
    }
    section("Verdict", &body)
}

fn repeat(outcomes: &[&Outcome]) -> String {
    let lines = outcomes.iter().map(|outcome| {
        let (command, seed) = (escaped(&outcome.command), outcome.seed);
        format!("<pre>{command}</pre>\n<p>Master seed {seed}.</p>\n")
    });
    section("To repeat this", &lines.collect::<String>())
}

fn document(title: &str, origin: &str, body: &str) -> String {
    page::document(Head { title, origin, style: "" }, body)
}
