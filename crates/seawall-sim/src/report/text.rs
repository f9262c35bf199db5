//! The summary for a terminal.

use super::piece::{Piece, Pieces, Style};
use super::{VERSION, sentence, shown, words};
use crate::observe::Condition;
use crate::outcome::{Outcome, Point};
use crate::verdict::{Fate, MEASURES, Measure, Unit, written};

/// Points of a sweep that are listed; more are left to the other reports.
const LISTED: usize = 60;

/// What a sweep shows of each point.
const COLUMNS: [&str; 4] = ["success_rate", "goodput", "p99", "load_factor"];

pub(super) fn summary(outcome: &Outcome) -> Vec<Piece> {
    let mut out = Pieces::default();
    out.line(Style::Strong, &outcome.title);
    out.line(Style::Dim, origin(outcome)).put(Style::Plain, "\n");
    let style = if sentence::is_good(outcome) { Style::Good } else { Style::Bad };
    for told in sentence::sentences(outcome) {
        out.line(style, told);
    }
    expectations(outcome, &mut out);
    match outcome.points.as_slice() {
        [] => {}
        [point] => measures(point, &mut out),
        _ => sweep(outcome, &mut out),
    }
    policies(outcome, &mut out);
    out.heading("To repeat");
    out.line(Style::Plain, format!("  {}", outcome.command));
    out.line(Style::Dim, format!("  master seed {}", outcome.seed));
    out.0
}

/// Where the numbers come from, on one line.
pub(super) fn origin(outcome: &Outcome) -> String {
    let runs: usize = outcome.points.iter().map(|point| point.runs.len()).sum();
    let mut parts = vec![format!("seed {}", outcome.seed)];
    if outcome.points.len() > 1 {
        parts.push(words::count(outcome.points.len(), "combination"));
    }
    parts.push(words::count(runs, "run"));
    parts.extend(outcome.config.map(|config| format!("config {config:016x}")));
    parts.push(format!("seawall {VERSION}"));
    parts.join(" · ")
}

fn expectations(outcome: &Outcome, out: &mut Pieces) {
    if outcome.expectations.is_empty() {
        return;
    }
    out.heading("Expected");
    for expectation in &outcome.expectations {
        let (style, word) =
            if expectation.held { (Style::Good, "held  ") } else { (Style::Bad, "FAILED") };
        out.put(style, format!("  {word}"));
        out.line(Style::Plain, format!("  {} (worst: {})", expectation.text, expectation.seen));
    }
}

/// All measures of one point, a column for each kind of runs.
fn measures(point: &Point, out: &mut Pieces) {
    let fates: Vec<Fate> =
        Fate::ALL.into_iter().filter(|fate| point.of(*fate).next().is_some()).collect();
    if fates.is_empty() {
        return;
    }
    out.heading("Measures");
    let mut head = vec![String::new()];
    head.extend(
        fates.iter().map(|fate| {
            format!("{}, {}", fate.name(), words::count(point.of(*fate).count(), "run"))
        }),
    );
    let mut rows = vec![head];
    for measure in &MEASURES {
        let of = |fate: &Fate| cell(point, *fate, measure);
        let cells: Vec<String> = fates.iter().map(of).collect();
        if cells.iter().any(|cell| cell != "–") {
            rows.push([vec![measure.name.to_owned()], cells].concat());
        }
    }
    out.table(&rows);
    loads(point, &fates, out);
}

fn cell(point: &Point, fate: Fate, measure: &Measure) -> String {
    let estimate = point.estimate(fate, measure);
    let told = estimate.map(|of| match measure.unit {
        Unit::Truth if of.count == 1 => words::value(Unit::Truth, of.mean),
        unit => words::estimate(unit, &of),
    });
    told.unwrap_or_else(|| "–".to_owned())
}

/// How each load fared, where there are several to be fair to.
fn loads(point: &Point, fates: &[Fate], out: &mut Pieces) {
    let several = point.plan.loads.len() > 1;
    for fate in fates.iter().filter(|_| several) {
        let Some(run) = point.typical(*fate).or_else(|| point.of(*fate).next()) else { continue };
        out.heading(&format!("Loads of a run that is typical of “{}”", fate.name()));
        let mut rows = vec![row(["", "calls", "ended well", "goodput", "p99"])];
        rows.extend(run.verdict.loads.iter().map(|load| {
            row([
                &load.name,
                &load.calls.to_string(),
                &words::share(load.success_rate),
                &words::rate(load.goodput),
                &words::time(load.p99),
            ])
        }));
        out.table(&rows);
    }
}

fn row<const N: usize>(cells: [&str; N]) -> Vec<String> {
    cells.map(str::to_owned).into()
}

fn sweep(outcome: &Outcome, out: &mut Pieces) {
    out.heading("Sweep (measures of the runs that work)");
    let mut head: Vec<String> = outcome.axes.iter().map(|axis| axis.name.clone()).collect();
    head.extend(["runs", "stay down"].map(str::to_owned));
    head.extend(COLUMNS.map(str::to_owned));
    let mut rows = vec![head];
    rows.extend(outcome.points.iter().take(LISTED).map(|point| {
        let down = point.down();
        let mut row = written(outcome, point);
        row.push(down.count.to_string());
        row.push(format!("{} ({})", words::share(down.share()), words::range(&down)));
        let named = COLUMNS.into_iter().filter_map(Measure::named);
        row.extend(named.map(|measure| cell(point, Fate::Back, measure)));
        row
    }));
    out.table(&rows);
    if let Some(rest) = outcome.points.len().checked_sub(LISTED).filter(|rest| *rest > 0) {
        out.line(Style::Dim, format!("  and {} more", words::count(rest, "combination")));
    }
}

/// What gateways did in the runs that are drawn.
fn policies(outcome: &Outcome, out: &mut Pieces) {
    for shown in shown::shown(outcome).iter().filter(|shown| !shown.point.plan.gateways.is_empty())
    {
        out.heading(&format!("Gateways. {}", shown.name(outcome)));
        let head = ["", "first attempts", "retries", "hedges", "opened", "ejected", "in panic"];
        let mut rows = vec![row(head)];
        let strips = crate::observe::strips(shown.record);
        for (g, gateway) in shown.point.plan.gateways.iter().enumerate() {
            for (u, upstream) in gateway.upstreams.iter().enumerate() {
                let Some(seen) = shown.record.upstreams.get(g).and_then(|all| all.get(u)) else {
                    continue;
                };
                let mine = strips.iter().filter(|s| (s.gateway, s.upstream) == (g, u));
                let all: Vec<_> = mine.flat_map(|strip| &strip.stretches).collect();
                let times = |of| all.iter().filter(|s| s.condition == of).count().to_string();
                rows.push(row([
                    &format!("{} → {}", gateway.name, upstream.name),
                    &seen.firsts.to_string(),
                    &seen.retries.to_string(),
                    &seen.hedges.to_string(),
                    &times(Condition::Open),
                    &times(Condition::Ejected),
                    &times(Condition::Panic),
                ]));
            }
        }
        out.table(&rows);
    }
}
