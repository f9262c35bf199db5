//! The rows as text, as JSON and as a page. Nothing is judged here.

use seawall_sim::numbers::{MASTER, Row, Rule};
use serde_json::{Value, json};

/// What is said about the whole.
fn summary(rows: &[Row]) -> String {
    let judged: Vec<&Row> = rows.iter().filter(|row| is_judged(row)).collect();
    let (reproduced, all) = (judged.iter().filter(|row| row.ok).count(), judged.len());
    let shown = rows.len() - all;
    let rest = if shown == 0 { String::new() } else { format!(" ({shown} shown, not judged)") };
    format!("{reproduced} of {all} numbers reproduced{rest}, master seed {MASTER}")
}

fn is_judged(row: &Row) -> bool {
    row.rule != Rule::Shown
}

fn tolerance(row: &Row) -> String {
    if is_judged(row) { digits(row.tolerance) } else { "none".to_owned() }
}

/// One of three words: reproduced, missed, not judged.
fn word(row: &Row, [yes, no, unjudged]: [&'static str; 3]) -> &'static str {
    match (is_judged(row), row.ok) {
        (false, _) => unjudged,
        (true, true) => yes,
        (true, false) => no,
    }
}

/// A value with as many digits as are of interest beside the published ones.
fn digits(value: f64) -> String {
    match value.abs() {
        size if size >= 1e4 => format!("{value:.0}"),
        size if size >= 100.0 => format!("{value:.1}"),
        size if size >= 1.0 => format!("{value:.4}"),
        size if size >= 1e-3 || size <= 0.0 => format!("{value:.5}"),
        _ => format!("{value:.3e}"),
    }
}

fn rule(rule: Rule) -> String {
    match rule {
        Rule::Within(share) => format!("99 % interval, ± {} %", round(share * 100.0)),
        Rule::Points(points) => format!("99 % interval, ± {points}"),
        Rule::Always => "every run".to_owned(),
        Rule::Near(share) => format!("within {} %", round(share * 100.0)),
        Rule::Sampled { .. } => "4 σ/√n".to_owned(),
        Rule::Median { .. } => "4 σ/√n, median".to_owned(),
        Rule::Count { of, .. } => format!("99 % binomial, of {of}"),
        Rule::Shown => "none was stated".to_owned(),
    }
}

/// Without what multiplying by a hundred leaves behind.
fn round(percent: f64) -> f64 {
    (percent * 1e6).round() / 1e6
}

pub(crate) fn text(rows: &[Row]) -> String {
    let width = rows.iter().map(|row| row.id.chars().count()).max().unwrap_or(0);
    let mut text = format!(
        "{:width$}  {:>9}  {:>10}  {:>10}  {:>10}  {:4}  source\n",
        "id", "expected", "ours", "99 % ±", "tolerance", "ok"
    );
    for row in rows {
        let ok = word(row, ["yes", "NO", "–"]);
        let (ours, error) = (digits(row.ours), digits(row.error));
        let (id, expected, tolerance) = (&row.id, &row.expected.text, tolerance(row));
        text += &format!(
            "{id:width$}  {expected:>9}  {ours:>10}  {error:>10}  {tolerance:>10}  {ok:4}  {}\n",
            row.source
        );
    }
    text + &summary(rows) + "\n"
}

pub(crate) fn json(rows: &[Row]) -> String {
    let row = |row: &Row| {
        json!({
            "id": row.id,
            "family": row.family,
            "expected": row.expected.value,
            "ours": row.ours,
            "error": row.error,
            "tolerance": is_judged(row).then_some(row.tolerance),
            "ok": is_judged(row).then_some(row.ok),
            "source": row.source,
            "rule": rule(row.rule),
            "runs": row.runs,
            "looks": row.looks,
        })
    };
    let all: Vec<Value> = rows.iter().map(row).collect();
    let ok = rows.iter().all(|row| row.ok);
    json!({ "master_seed": MASTER, "ok": ok, "rows": all }).to_string() + "\n"
}

const PREFACE: &str = "# Numbers that the simulator reproduces

Made by `cargo xtask sim-numbers --markdown`; do not edit.

Each row is a published number and what a model built from the parts of the simulator makes of it.
The models are in `crates/seawall-sim/src/numbers/`, one file for each family, with the rules by
which a number counts as reproduced in `judge.rs`:

- **99 % interval**: the 99 % interval of the mean over independent runs contains the number (give
  or take its rounding), and half of the interval is at most the tolerance.
- **4 σ/√n**: the mean lies within four of its standard errors, by the published deviation of one
  run where there is one, widened by the error of the published mean itself.
- **binomial**: the count lies in the 99 % binomial interval around the published share.
- **within**: the mean differs by no more than this share, for tables that are samples themselves.
- **none was stated**: published without a tolerance, so shown and not judged.

Of numbers that are right, one in a hundred misses a 99 % interval. A number that misses is judged
once more, by fresh runs alone; such rows have 2 in the column of looks. The ordinary tests run
the same models at reduced size.
";

pub(crate) fn markdown(rows: &[Row]) -> String {
    let mut page = format!("{PREFACE}\n{}.\n", summary(rows));
    let mut family = "";
    for row in rows {
        if row.family != family {
            family = row.family;
            page += &format!("\n## {family}\n\nSource: {}.\n\n", row.source);
            page.push_str(
                "| number | expected | ours | 99 % ± | tolerance | rule | runs | looks | ok |\n",
            );
            page.push_str("| --- | --- | --- | --- | --- | --- | --- | --- | --- |\n");
        }
        let ok = word(row, ["yes", "**no**", "–"]);
        let (ours, error) = (digits(row.ours), digits(row.error));
        let tolerance = tolerance(row);
        let (expected, rule, runs) = (&row.expected.text, rule(row.rule), row.runs);
        let (id, looks) = (&row.id, row.looks);
        let measured = format!("{ours} | {error} | {tolerance} | {rule} | {runs} | {looks}");
        page += &format!("| {id} | {expected} | {measured} | {ok} |\n");
    }
    page
}
