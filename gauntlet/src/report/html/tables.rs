//! Tables of the page.

use seawall_plot::svg::escaped;

use crate::report::matrix::{Cell, State, cell, used_marks};
use crate::report::results::{Results, Told};
use crate::report::rows::{self, Table};

/// The matrix, its colours by order of magnitude.
pub(super) fn matrix(results: &Results) -> String {
    let Some(head) = rows::matrix(results).into_iter().next() else { return String::new() };
    if results.scenarios.is_empty() {
        return String::new();
    }
    let head: String = head.iter().map(|cell| format!("<th>{}</th>", escaped(cell))).collect();
    let rows: String = results.scenarios.iter().map(|told| row(results, told)).collect();
    let marks = used_marks(results)
        .into_iter()
        .map(|mark| format!("<b class=\"mark\">{}</b> {}", mark.letter(), escaped(mark.meaning())));
    let marks: Vec<String> = marks.collect();
    let marks = if marks.is_empty() { String::new() } else { format!(" {}.", marks.join("; ")) };
    format!(
        "<table class=\"matrix\"><tr>{head}</tr>\n{rows}</table>\n<p class=\"origin\">User errors \
         beyond what an oracle would have failed, per 100 000 requests: median over seeds, with \
         the range where there is one. The least of a row is bold.{marks}</p>\n"
    )
}

fn row(results: &Results, told: &Told) -> String {
    let cells: Vec<Cell> =
        results.entrants.iter().map(|entrant| cell(results, entrant, told)).collect();
    let least = cells.iter().filter_map(median).min_by(f64::total_cmp);
    let cells: String = cells.iter().map(|cell| drawn(cell, least)).collect();
    let (id, name) = (escaped(&told.id), escaped(&told.name));
    format!("<tr><td><a href=\"#{id}\">{id}</a> {name}</td>{cells}</tr>\n")
}

fn median(cell: &Cell) -> Option<f64> {
    match &cell.state {
        State::Regret(spread) => Some(spread.median),
        _ => None,
    }
}

fn drawn(cell: &Cell, least: Option<f64>) -> String {
    let class = match &cell.state {
        State::Regret(spread) => {
            let best = if least.is_some_and(|least| spread.median <= least) { " best" } else { "" };
            format!("{}{best}", shade(spread.median))
        }
        State::AccountingError => "behind".to_owned(),
        State::Invalid(_) | State::NotRun(_) => "gone".to_owned(),
    };
    let why = match &cell.state {
        State::Invalid(why) | State::NotRun(why) => escaped(why),
        State::Regret(_) => format!("{} seeds", cell.seeds),
        State::AccountingError => "fewer errors than the floor".to_owned(),
    };
    let (number, letters) = (escaped(&cell.number()), cell.letters());
    let marks = if letters.is_empty() {
        String::new()
    } else {
        format!(" <span class=\"mark\">{letters}</span>")
    };
    format!("<td class=\"{class}\" title=\"{why}\">{number}{marks}</td>")
}

/// None at all, up to one in a thousand, in a hundred, in ten, and more.
fn shade(regret: f64) -> &'static str {
    match regret {
        none if none <= 0.0 => "r0",
        few if few <= 100.0 => "r1",
        some if some <= 1_000.0 => "r2",
        many if many <= 10_000.0 => "r3",
        _ => "r4",
    }
}

pub(super) fn judged(results: &Results) -> String {
    let mut rows = rows::judged(results).into_iter();
    let head = rows.next().map(|head| line("th", &head)).unwrap_or_default();
    let rows: String = rows
        .map(|row| {
            let cells = row.iter().enumerate().map(|(column, cell)| {
                let class = match (column, cell.as_str()) {
                    (4, "yes") => " class=\"held\"",
                    (4, "NO") => " class=\"failed\"",
                    _ => "",
                };
                format!("<td{class}>{}</td>", escaped(cell))
            });
            format!("<tr>{}</tr>\n", cells.collect::<String>())
        })
        .collect();
    format!(
        "<table class=\"numbers\">{head}{rows}</table>\n<p class=\"origin\">Seawall at default \
         settings. Failures are of the worst seed, times and factors of the median.</p>\n"
    )
}

pub(super) fn times(results: &Results) -> String {
    let table = plain(&rows::times(results));
    format!(
        "{table}<p class=\"origin\">From the fault until the broken replica's share of attempts is \
         below half / a twentieth of what is due to it; from the removal until service is whole / \
         until the replica has four fifths of its share again.</p>\n"
    )
}

pub(super) fn rehearsed(results: &Results) -> String {
    if results.rehearsed.is_empty() {
        return String::new();
    }
    let (table, caption) = (plain(&rows::rehearsed(results)), escaped(rows::REHEARSED));
    format!("{table}<p class=\"origin\">{caption}</p>\n")
}

pub(super) fn noise(results: &Results) -> String {
    let table = rows::noise(results);
    if table.len() < 2 {
        return String::new();
    }
    let table = plain(&table);
    format!("{table}<p class=\"origin\">{}</p>\n", rows::NOISE)
}

pub(super) fn versions(results: &Results) -> String {
    plain(&rows::versions(results))
}

fn plain(table: &Table) -> String {
    let mut rows = table.iter();
    let head = rows.next().map(|head| line("th", head)).unwrap_or_default();
    let rows: String = rows.map(|row| line("td", row)).collect();
    format!("<table class=\"numbers\">{head}{rows}</table>\n")
}

fn line(tag: &str, row: &[String]) -> String {
    let cells = row.iter().map(|cell| format!("<{tag}>{}</{tag}>", escaped(cell)));
    format!("<tr>{}</tr>\n", cells.collect::<String>())
}
