//! What a gauntlet leaves behind: all runs with their figures, and what it takes to read them. The
//! only input of every report.

use serde::{Deserialize, Serialize};

use crate::measure::Figures;
use crate::peer::{Product, Settings};
use crate::record::Deed;
use crate::rehearse::Rehearsed;
use crate::run::Key;
use crate::scenario::{Mix, Scenario};

use super::subject::Subject;

/// All results of one gauntlet.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Results {
    /// The day, as `2026-01-31`.
    pub date: String,
    /// The command that makes them anew.
    pub command: String,
    /// The master seed.
    pub seed: u64,
    /// Where they were made.
    pub host: Host,
    /// Who took part, in the order of columns.
    pub entrants: Vec<Entrant>,
    /// What befell them, in the order of rows.
    pub scenarios: Vec<Told>,
    /// The runs, in the order in which they were made.
    pub runs: Vec<Measured>,
    /// What was wanted and did not happen, and why.
    pub not_run: Vec<NotRun>,
    /// What the simulator says of the scenarios that it has words for, with Seawall's default
    /// settings.
    #[serde(default)]
    pub rehearsed: Vec<Rehearsed>,
}

/// A machine.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Host {
    /// The name of its processor.
    pub processor: String,
    /// Its cores.
    pub cores: u32,
    /// Bytes of memory.
    pub memory: u64,
    /// Its kernel.
    pub kernel: String,
    /// How seats were kept apart, in words.
    pub ground: String,
    /// Why not all scenarios were possible; none where they were.
    pub reduced: Option<String>,
}

/// A product with one of its configs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entrant {
    /// Which product.
    pub product: Product,
    /// Which config.
    pub settings: Settings,
    /// The version that it prints.
    pub version: String,
    /// What it cannot do that others can ("no total deadline"). Named, never imitated.
    pub lacks: Vec<String>,
}

/// A scenario as reports speak of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// Its id.
    pub id: String,
    /// A few words.
    pub name: String,
    /// What happens and what a user hopes for.
    pub about: String,
    /// Which requests: `gets`, `posts` or `mixed`.
    pub mix: String,
    /// Which of the targets it is measured by.
    pub subject: Option<Subject>,
}

/// A run that was made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    /// Which.
    pub key: Key,
    /// Its figures.
    pub figures: Figures,
    /// What was done to whom, with what was read back.
    pub deeds: Vec<Deed>,
}

/// A run, or all runs of a cell, that could not be made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotRun {
    /// Which product.
    pub product: Product,
    /// Which config.
    pub settings: Settings,
    /// Which scenario; every one where none is named.
    pub scenario: Option<String>,
    /// What was missing, and how to mend it.
    pub reason: String,
}

impl Told {
    /// What a report needs of a scenario.
    #[must_use]
    pub fn of(scenario: &Scenario) -> Self {
        let mix = match scenario.load.mix {
            Mix::Gets => "gets",
            Mix::Posts => "posts",
            Mix::Mixed => "mixed",
        };
        Self {
            id: scenario.id.clone(),
            name: scenario.name.clone(),
            about: scenario.about.split_whitespace().collect::<Vec<_>>().join(" "),
            mix: mix.to_owned(),
            subject: Subject::of(scenario),
        }
    }
}

impl Results {
    /// The runs of a cell that count, in the order of their seeds.
    #[must_use]
    pub fn cell(&self, entrant: &Entrant, scenario: &str) -> Vec<&Measured> {
        let mut runs: Vec<_> =
            self.made(entrant, scenario).filter(|run| run.figures.is_valid()).collect();
        runs.sort_by_key(|run| run.key.seed);
        runs
    }

    /// The figures of a cell.
    #[must_use]
    pub fn figures(&self, entrant: &Entrant, scenario: &str) -> Vec<&Figures> {
        self.cell(entrant, scenario).into_iter().map(|run| &run.figures).collect()
    }

    /// All runs of a cell.
    pub fn made(&self, entrant: &Entrant, scenario: &str) -> impl Iterator<Item = &Measured> {
        self.runs.iter().filter(move |run| {
            let key = &run.key;
            (key.product, key.settings) == (entrant.product, entrant.settings)
                && key.scenario == scenario
        })
    }

    /// Why a cell was not run; none where nothing stood in its way.
    #[must_use]
    pub fn why_not(&self, entrant: &Entrant, scenario: &str) -> Option<&str> {
        let found = self.not_run.iter().find(|one| {
            (one.product, one.settings) == (entrant.product, entrant.settings)
                && one.scenario.as_deref().is_none_or(|id| id == scenario)
        });
        found.map(|one| one.reason.as_str())
    }

    /// Seawall as its users get it: with default settings where these took part.
    #[must_use]
    pub fn ours(&self) -> Option<&Entrant> {
        let ours = self.entrants.iter().filter(|one| one.product == Product::Seawall);
        ours.min_by_key(|one| one.settings)
    }

    /// The other gateways.
    pub fn peers(&self) -> impl Iterator<Item = &Entrant> {
        let others = [Product::Seawall, Product::Direct];
        self.entrants.iter().filter(move |one| !others.contains(&one.product))
    }

    /// Runs that do not count, with the reasons.
    pub fn invalid(&self) -> impl Iterator<Item = &Measured> {
        self.runs.iter().filter(|run| !run.figures.is_valid())
    }
}

/// How far the control p99 of a run may be from the median of its product: beyond it the host was
/// busy with something else.
const CONTROL_OFF: f64 = 0.5;

impl Results {
    /// Marks runs whose control differs too much from that of the same product and scenario. To be
    /// called once all runs are made; a run is then repeated or left out.
    pub fn mark_odd_controls(&mut self) {
        let control = |run: &Measured| run.figures.control.p99.map(crate::measure::number);
        let odd: Vec<Option<String>> = self
            .runs
            .iter()
            .map(|run| {
                let same = self.runs.iter().filter(|other| {
                    (other.key.product, other.key.settings, &other.key.scenario)
                        == (run.key.product, run.key.settings, &run.key.scenario)
                });
                let all: Vec<f64> = same.filter_map(control).collect();
                let (own, median) = (control(run)?, crate::measure::Spread::of(&all)?.median);
                let is_odd = (own - median).abs() > median * CONTROL_OFF;
                let (own, median) = (own / 1e6, median / 1e6);
                is_odd.then(|| {
                    format!("its control has a p99 of {own:.1} ms, others of it {median:.1} ms")
                })
            })
            .collect();
        for (run, odd) in self.runs.iter_mut().zip(odd) {
            run.figures.flaws.extend(odd);
        }
    }
}
