//! Tables as rows of text, for terminal and Markdown alike.

use seawall_plot::words;

use crate::measure::{Figures, METRICS, When, median, seconds};
use crate::peer::{Product, Settings};

use super::matrix::{cell, told};
use super::names;
use super::results::{Entrant, Results, Told};
use super::targets::{Met, targets};
use super::versus::{CALM, has_calm};

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

/// What stands beside the table of noise.
pub(super) const NOISE: &str = "Runs without any fault (G0): the median over seeds with the range \
where there is one. A difference between products that is smaller than this spread is a tie.";

/// Every metric in the runs without faults; the head alone where there are none.
pub(super) fn noise(results: &Results) -> Table {
    let calm = results.scenarios.iter().find(|told| told.id == CALM);
    let calm = calm.filter(|_| has_calm(results));
    let rows = METRICS.iter().filter_map(|metric| {
        let cells = results.entrants.iter().map(|one| Some(told(results, one, calm?, metric.key)));
        let cells: Option<Vec<String>> = cells.collect();
        Some(std::iter::once(metric.name.to_owned()).chain(cells?).collect())
    });
    std::iter::once(head(results, "metric")).chain(rows).collect()
}

/// What stands beside the table of what was simulated.
pub(super) const REHEARSED: &str = "Seawall at default settings, measured / simulated by `seawall \
sim` with the same replicas, load, deadline and fault: the share of requests of fault and \
observation that failed, attempts for each of them, and how long those of the fault phase took \
that ended well. Medians over seeds. The simulator has no machine of its own that is slow.";

/// What the simulator says beside what was measured; the head alone where it says nothing.
pub(super) fn rehearsed(results: &Results) -> Table {
    let head = ["scenario", "failed", "attempts", "p50", "p99"].map(str::to_owned).to_vec();
    let columns = head.len();
    let ours = results
        .entrants
        .iter()
        .find(|one| (one.product, one.settings) == (Product::Seawall, Settings::Default));
    let rows = results.rehearsed.iter().filter_map(|one| {
        let runs = results.figures(ours?, &one.scenario);
        let simulated = match &one.outcome {
            Ok(simulated) => simulated,
            Err(why) => {
                let mut row = vec![one.scenario.clone(), why.clone()];
                row.resize(columns, "–".to_owned());
                return Some(row);
            }
        };
        let of = |figure: fn(&Figures) -> Option<f64>| {
            median(&runs.iter().filter_map(|run| figure(run)).collect::<Vec<_>>())
        };
        let both = |real: Option<f64>, virtual_one: Option<f64>, word: fn(f64) -> String| {
            let told = |figure: Option<f64>| figure.map_or_else(|| "–".to_owned(), word);
            format!("{} / {}", told(real), told(virtual_one))
        };
        Some(vec![
            one.scenario.clone(),
            both(of(Figures::error_rate), simulated.failed, words::share),
            both(of(|run| run.extra.amplification), simulated.amplification, hundredths),
            both(of(|run| seconds_of(run.fault.ok_p50)), simulated.p50, words::time),
            both(of(|run| seconds_of(run.fault.ok_p99)), simulated.p99, words::time),
        ])
    });
    std::iter::once(head).chain(rows).collect()
}

/// A factor near one.
fn hundredths(factor: f64) -> String {
    format!("{factor:.2}")
}

fn seconds_of(nanos: Option<u64>) -> Option<f64> {
    nanos.map(seconds)
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
