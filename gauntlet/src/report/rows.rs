//! Tables as rows of text, for terminal and Markdown alike.

use seawall_plot::words;

use crate::measure::{Figures, When};

use super::matrix::{cell, told};
use super::names;
use super::results::{Entrant, Results, Told};
use super::targets::{Met, targets};

/// A table: its head, then its rows.
pub(super) type Table = Vec<Vec<String>>;

fn head(results: &Results, first: &str) -> Vec<String> {
    let entrants = results.entrants.iter().map(names::entrant);
    std::iter::once(first.to_owned()).chain(entrants).collect()
}

/// A row for each scenario with a cell for each entrant.
fn crossed(results: &Results, of: impl Fn(&Entrant, &Told) -> String) -> Table {
    let rows = results.scenarios.iter().map(|scenario| {
        let cells = results.entrants.iter().map(|entrant| of(entrant, scenario));
        std::iter::once(format!("{} {}", scenario.id, scenario.name)).chain(cells).collect()
    });
    std::iter::once(head(results, "scenario")).chain(rows).collect()
}

/// Regret with its marks.
pub(super) fn matrix(results: &Results) -> Table {
    crossed(results, |entrant, scenario| cell(results, entrant, scenario).text())
}

/// The median of one metric.
pub(super) fn metric(results: &Results, key: &str) -> Table {
    crossed(results, |entrant, scenario| told(results, entrant, scenario, key))
}

/// Detect / eject / recover / return.
pub(super) fn times(results: &Results) -> Table {
    crossed(results, |entrant, scenario| {
        let runs = results.figures(entrant, &scenario.id);
        let of =
            |when: fn(&Figures) -> When| names::when(runs.iter().map(|run| when(run)).collect());
        let all = [
            of(|run| run.shares.detect),
            of(|run| run.shares.eject),
            of(|run| run.recovery.from_removal),
            of(|run| run.shares.comeback),
        ];
        all.join(" / ")
    })
}

/// User errors and the floor: errors / floor.
pub(super) fn errors(results: &Results) -> Table {
    crossed(results, |entrant, scenario| {
        let runs = results.figures(entrant, &scenario.id);
        let of = |count: fn(&Figures) -> u64| {
            let values: Vec<f64> =
                runs.iter().map(|run| crate::measure::number(count(run))).collect();
            let spread = crate::measure::Spread::of(&values);
            spread.map_or_else(|| "–".to_owned(), |all| words::number(all.median))
        };
        format!("{} / {}", of(|run| run.errors), of(|run| run.floor.total()))
    })
}

/// Target, measured, met.
pub(super) fn judged(results: &Results) -> Table {
    let head = ["subject", "what", "target", "measured", "met", "scenarios"];
    let mut before = "";
    let rows = targets(results).into_iter().map(|target| {
        let met = match target.met {
            Met::Yes => "yes",
            Met::No => "NO",
            Met::NotMeasured => "–",
        };
        let scenarios = scenarios(&target.scenarios);
        // Said once for all of its targets.
        let subject = if target.subject == before { "" } else { target.subject };
        before = target.subject;
        let (subject, what) = (subject.to_owned(), target.what.to_owned());
        vec![subject, what, target.target, target.measured, met.to_owned(), scenarios]
    });
    std::iter::once(head.map(str::to_owned).to_vec()).chain(rows).collect()
}

/// A few ids, or how many.
fn scenarios(ids: &[String]) -> String {
    if ids.len() > 4 { format!("{} scenarios", ids.len()) } else { ids.join(", ") }
}

/// Products, versions, and what they lack.
pub(super) fn versions(results: &Results) -> Table {
    let head = ["product", "version", "has no"].map(str::to_owned).to_vec();
    let rows = results.entrants.iter().map(|entrant| {
        let lacks =
            if entrant.lacks.is_empty() { "–".to_owned() } else { entrant.lacks.join(", ") };
        vec![names::entrant(entrant), entrant.version.clone(), lacks]
    });
    std::iter::once(head).chain(rows).collect()
}

/// The machine in a line.
pub(super) fn machine(results: &Results) -> String {
    let host = &results.host;
    let memory = crate::measure::number(host.memory) / f64::from(1_u32 << 30);
    let mut told = format!(
        "{}, {}, {memory:.1} GiB, Linux {}; {}",
        host.processor,
        words::count(usize::try_from(host.cores).unwrap_or_default(), "core"),
        host.kernel,
        host.ground,
    );
    if let Some(why) = &host.reduced {
        told.push_str(&format!("; reduced set: {why}"));
    }
    told
}
