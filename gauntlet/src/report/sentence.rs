//! One scenario in a few sentences: what Seawall failed, what the best peer failed, and where a
//! peer is ahead.

use seawall_plot::words;

use crate::measure::{Figures, Outcome, Spread, number};

use super::matrix::{State, cell};
use super::names;
use super::results::{Entrant, Results, Told};
use super::versus::{Versus, all, behind};

/// Metrics in which it says so where a peer is ahead; more would drown the sentence.
const NAMED: usize = 4;

pub(super) fn summary(results: &Results, scenario: &Told) -> String {
    let Some(ours) = results.ours() else { return "Seawall took no part.".to_owned() };
    let runs = results.figures(ours, &scenario.id);
    if runs.is_empty() {
        return format!("{}: Seawall {}.", scenario.name, why(results, ours, scenario));
    }
    let mut told = format!(
        "{}: Seawall failed {} of {} requests (floor {})",
        scenario.name,
        middle(&runs, |run| run.errors),
        middle(&runs, |run| run.requests),
        middle(&runs, |run| run.floor.total()),
    );
    told.push_str(&peer(results, ours, scenario));
    let recovered = names::when(runs.iter().map(|run| run.recovery.from_removal).collect());
    told.push_str(&match recovered.as_str() {
        "–" => ".".to_owned(),
        never if never.starts_with("not") => format!("; {never} whole again."),
        "0 s" => "; whole again with the first second after.".to_owned(),
        _ => format!("; recovered after {recovered}."),
    });
    told.push_str(&ahead(&behind(results, scenario)));
    told
}

/// What stands in the place of a number, in words.
fn why(results: &Results, entrant: &Entrant, scenario: &Told) -> String {
    match cell(results, entrant, scenario).state {
        State::Invalid(why) => format!("has no run that counts ({why})"),
        State::NotRun(why) => format!("was not run ({why})"),
        State::AccountingError | State::Regret(_) => "has no figures".to_owned(),
    }
}

/// The best peer by regret.
fn peer(results: &Results, ours: &Entrant, scenario: &Told) -> String {
    if let State::AccountingError = cell(results, ours, scenario).state {
        return ", fewer than the floor: an accounting error of the gauntlet".to_owned();
    }
    let all = all(results, scenario);
    let Some(regret) = all.iter().find(|versus| versus.metric.key == "regret") else {
        return "; no peer to compare with".to_owned();
    };
    let theirs = results.figures(regret.best, &scenario.id);
    let verdict = match regret.comparison.outcome {
        Outcome::Tie => ", a tie",
        Outcome::Better => ", ahead",
        Outcome::Worse => ", BEHIND",
    };
    format!(
        ", the best peer ({}) {}; regret {} against {} per 100 000{verdict}",
        names::entrant(regret.best),
        middle(&theirs, |run| run.errors),
        words::number(regret.ours),
        words::number(regret.theirs),
    )
}

fn ahead(behind: &[Versus<'_>]) -> String {
    if behind.is_empty() {
        return String::new();
    }
    let told = behind.iter().take(NAMED).map(|versus| {
        format!(
            "{} in {} ({} against {})",
            names::entrant(versus.best),
            versus.metric.name,
            names::value(versus.metric, versus.theirs),
            names::value(versus.metric, versus.ours),
        )
    });
    let told: Vec<String> = told.collect();
    let more = behind.len().saturating_sub(NAMED);
    let more = if more > 0 { format!(", and in {more} more") } else { String::new() };
    format!(" Peers ahead: {}{more}.", told.join(", "))
}

fn middle(runs: &[&Figures], of: fn(&Figures) -> u64) -> String {
    let values: Vec<f64> = runs.iter().map(|run| number(of(run))).collect();
    Spread::of(&values).map_or_else(|| "–".to_owned(), |spread| words::number(spread.median))
}
