//! Seawall beside the best of its peers, metric by metric: where it is ahead, level or behind.

use serde::Serialize;

use crate::measure::{
    Better, Comparison, Figures, METRICS, Metric, Outcome, Spread, compare, noise,
};

use super::results::{Entrant, Results, Told};

/// The scenario whose runs are noise alone.
pub(super) const CALM: &str = "G0";

/// A metric of a scenario: ours beside the best peer's.
#[derive(Clone, Debug)]
pub(super) struct Versus<'a> {
    pub(super) metric: &'static Metric,
    pub(super) ours: f64,
    pub(super) best: &'a Entrant,
    pub(super) theirs: f64,
    pub(super) comparison: Comparison,
}

/// The same for programs.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Row {
    scenario: String,
    metric: &'static str,
    seawall: f64,
    best_peer: String,
    its_value: f64,
    comparison: Comparison,
}

/// Every metric that Seawall and a peer have in a scenario.
pub(super) fn all<'a>(results: &'a Results, scenario: &Told) -> Vec<Versus<'a>> {
    METRICS.iter().filter_map(|metric| of(results, scenario, metric)).collect()
}

pub(super) fn rows(results: &Results) -> Vec<Row> {
    let each = results.scenarios.iter().flat_map(|scenario| {
        all(results, scenario).into_iter().map(|versus| Row {
            scenario: scenario.id.clone(),
            metric: versus.metric.key,
            seawall: versus.ours,
            best_peer: super::names::entrant(versus.best),
            its_value: versus.theirs,
            comparison: versus.comparison,
        })
    });
    each.collect()
}

fn of<'a>(results: &'a Results, told: &Told, metric: &'static Metric) -> Option<Versus<'a>> {
    let ours = results.ours()?;
    let own = median(&results.figures(ours, &told.id), metric)?;
    let theirs = results
        .peers()
        .filter_map(|peer| Some((peer, median(&results.figures(peer, &told.id), metric)?)));
    let (best, theirs) = match metric.better {
        Better::Lower => theirs.min_by(|a, b| a.1.total_cmp(&b.1))?,
        Better::Higher => theirs.max_by(|a, b| a.1.total_cmp(&b.1))?,
    };
    let calm = [ours, best].map(|entrant| results.figures(entrant, CALM));
    let pairs = pairs(results, (ours, best), told, metric);
    let comparison = compare(metric, &pairs, noise(metric, &calm))?;
    Some(Versus { metric, ours: own, best, theirs, comparison })
}

fn median(runs: &[&Figures], metric: &Metric) -> Option<f64> {
    let values: Vec<f64> = runs.iter().filter_map(|run| metric.compared(run)).collect();
    Some(Spread::of(&values)?.median)
}

/// The values of both for each seed that both have.
fn pairs(
    results: &Results,
    (ours, theirs): (&Entrant, &Entrant),
    told: &Told,
    metric: &Metric,
) -> Vec<(f64, f64)> {
    let others = results.cell(theirs, &told.id);
    let both = results.cell(ours, &told.id).into_iter().filter_map(|run| {
        let other = others.iter().find(|other| other.key.seed == run.key.seed)?;
        Some((metric.compared(&run.figures)?, metric.compared(&other.figures)?))
    });
    both.collect()
}

/// Where a peer is ahead beyond noise and chance.
pub(super) fn behind<'a>(results: &'a Results, scenario: &Told) -> Vec<Versus<'a>> {
    let all = all(results, scenario).into_iter();
    all.filter(|versus| versus.comparison.outcome == Outcome::Worse).collect()
}

/// Whether there are runs without faults to tell the noise by.
pub(super) fn has_calm(results: &Results) -> bool {
    results.runs.iter().any(|run| run.key.scenario == CALM && run.figures.is_valid())
}
