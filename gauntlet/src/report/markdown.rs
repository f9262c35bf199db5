//! The page `docs/gauntlet.md`.

use super::matrix::used_marks;
use super::results::Results;
use super::rows::{self, Table};
use super::text::{invalid, not_run};
use super::{failings, sentence, versus};

const INTRO: &str = "What users of a gateway feel while the things behind it fail: the same \
requests and the same faults for every product, drawn from the same seeds, the runs of all \
products mixed. **Regret** is what a product failed beyond what even an oracle would have \
failed, which knows each fault the moment it begins but sends nothing twice that must not be \
and cannot exceed capacity. How it is measured, and how to run it, stands in \
[gauntlet-howto.md](gauntlet-howto.md).";

/// The whole page; ends with a line break.
#[must_use]
pub fn markdown(results: &Results) -> String {
    let mut page = format!("# Gauntlet\n\n{INTRO}\n\n{}", origin(results));
    page.push_str("\n## In words\n\n");
    for scenario in &results.scenarios {
        let summary = sentence::summary(results, scenario);
        page.push_str(&format!("- **{}** {}\n", scenario.id, escaped(&summary)));
    }
    part(&mut page, "Regret", &rows::matrix(results), &marks(results));
    part(&mut page, "Errors and floor", &rows::errors(results), ERRORS);
    part(&mut page, "p99.9 in the fault phase", &rows::metric(results, "p99_9"), LATENCY);
    part(&mut page, "Amplification", &rows::metric(results, "amplification"), AMPLIFICATION);
    part(&mut page, "Detect, eject, recover, return", &rows::times(results), TIMES);
    part(&mut page, "Targets", &rows::judged(results), TARGETS);
    if rows::noise(results).len() > 1 {
        part(&mut page, "Noise", &rows::noise(results), rows::NOISE);
    }
    if !results.rehearsed.is_empty() {
        let table = rows::rehearsed(results);
        part(&mut page, "Measured and simulated", &table, rows::REHEARSED);
    }
    part(&mut page, "Versions", &rows::versions(results), VERSIONS);
    list(&mut page, "Failings of Seawall", failings(results));
    list(&mut page, "Runs that do not count", invalid(results));
    list(&mut page, "Not run", not_run(results));
    page
}

const ERRORS: &str = "User errors / floor, in fault and observation, medians over seeds.";
const LATENCY: &str = "Over all requests from their intended start, a failed one counted as 5 s.";
const AMPLIFICATION: &str = "Attempts that reached a replica or were refused by one ÷ requests.";
const TIMES: &str = "From the fault until the broken replica's share of attempts is below half / a \
twentieth of what is due to it; from the removal until service is whole / until the replica has \
four fifths of its share again. A dash: there was nothing to notice, or no way to see it.";
const TARGETS: &str = "What Seawall has set out to reach at default settings. Failures are of the \
worst seed, times and factors of the median.";
const VERSIONS: &str = "nginx and HAProxy are those that the distribution packages, not the \
newest; Envoy is its released binary, and Pingora the crate in a small program of ours, both of \
the version that is pinned here; configs with a reason for each line are in `gauntlet/peers`. A \
better config from those who know a product replaces ours.";

fn origin(results: &Results) -> String {
    let runs = results.runs.len();
    let noise = if versus::has_calm(results) {
        "A difference within the spread of the runs without faults (G0), or whose 95 % interval \
         over seeds holds zero, is a tie."
    } else {
        "There is no run without faults (G0) among these, so that the noise is not known."
    };
    format!(
        "Made on {} on {} in {runs} runs, master seed {}. {noise}\n\n```sh\n{}\n```\n",
        results.date,
        escaped(&rows::machine(results)),
        results.seed,
        results.command.trim(),
    )
}

fn marks(results: &Results) -> String {
    let marks = used_marks(results).into_iter();
    let told: Vec<String> =
        marks.map(|mark| format!("**{}** {}", mark.letter(), mark.meaning())).collect();
    let told = if told.is_empty() { String::new() } else { format!(" {}.", told.join("; ")) };
    format!("Per 100 000 requests: median over seeds, with the range where there is one.{told}")
}

fn part(page: &mut String, heading: &str, table: &Table, caption: &str) {
    page.push_str(&format!("\n## {heading}\n\n{caption}\n\n"));
    for (index, row) in table.iter().enumerate() {
        let cells: Vec<String> = row.iter().map(|cell| escaped(cell)).collect();
        page.push_str(&format!("| {} |\n", cells.join(" | ")));
        if index == 0 {
            page.push_str(&format!("|{}\n", " --- |".repeat(row.len())));
        }
    }
}

fn list(page: &mut String, heading: &str, lines: Vec<String>) {
    if !lines.is_empty() {
        page.push_str(&format!("\n## {heading}\n\n"));
        lines.iter().for_each(|line| page.push_str(&format!("- {}\n", escaped(line))));
    }
}

/// Text that is no markup in a cell or a line of a list.
fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '|' | '*' | '_' | '`' | '<' | '[' | '\\' => safe.extend(['\\', letter]),
            letter if letter.is_control() => safe.push(' '),
            letter => safe.push(letter),
        }
    }
    safe
}
