//! Scenario files: a world as TOML, with what is varied in it and what is expected of it.
//!
//! They are read with the strictness of config files, by the same reader: an unknown key, a unit
//! left out or a name of nothing is a mistake with its line, column and mend. The config that a
//! scenario names is the gateway's own, so that what is rehearsed is what runs.
//!
//! | section | file |
//! | --- | --- |
//! | `[scenario]`, `[policies.NAME]` | `read.rs` |
//! | `[load.NAME]`, `client` | `load.rs`, `client.rs` |
//! | `[upstreams.NAME]`, `[services.NAME]` | `service.rs`, `time.rs` |
//! | `[network]`, `[gateways]` | `place.rs`, `gateway.rs` |
//! | `[[events]]` | `event.rs` |
//! | `[sweep]` | `sweep.rs` |
//! | `[expect]` | `expect.rs` |
//!
//! Running a scenario is in `run`.

mod client;
mod event;
mod expect;
mod gateway;
mod load;
mod place;
mod read;
mod service;
mod slowdown;
mod source;
mod sweep;
mod target;
mod time;

#[cfg(test)]
mod tests;

use std::path::Path;

use seawall_config::ConfigError;
use seawall_config::reader::{Given, TableReader};
use seawall_core::time::Duration;

pub use expect::{Expect, GOODPUT, Test};
pub use sweep::POINTS_MAX;

use crate::outcome::Axis;
use crate::plan::Plan;
use source::Sources;

/// Runs of one scenario at most, points times seeds.
pub const RUNS_MAX: usize = 100_000;

/// A scenario without mistakes, ready to run.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// What it is called.
    pub title: String,
    /// The file, as it was given.
    pub file: String,
    /// The master seed, where the file fixes one.
    pub seed: Option<u64>,
    /// Runs of each point, each under a seed of its own. Default 1.
    pub seeds: u32,
    /// The fingerprint of the config, if there is one.
    pub config: Option<u64>,
    /// The axes of the sweep; none without.
    pub axes: Vec<Axis>,
    /// The points of the sweep, the last axis fastest; one without.
    pub points: Vec<Setup>,
    /// What is expected.
    pub expectations: Vec<Expect>,
}

/// A point of a sweep before it is run.
#[derive(Clone, Debug)]
pub struct Setup {
    /// The place of its value on each axis.
    pub values: Vec<usize>,
    /// The world of it.
    pub plan: Plan,
}

impl Scenario {
    /// Reads the scenario at `path`; files that it names are looked for beside it.
    ///
    /// # Errors
    /// [`ConfigError::Unreadable`] if the file cannot be read; [`ConfigError::Mistakes`] with
    /// everything that is wrong in it, or in the config that it names.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        Self::load_with(path, None)
    }

    /// As [`Scenario::load`], with another config than the one that the file names.
    ///
    /// # Errors
    /// As [`Scenario::load`]; also what is wrong with that config.
    pub fn load_with(path: &Path, config: Option<&Path>) -> Result<Self, ConfigError> {
        let text = seawall_config::reader::read_text(path)?;
        let folder = path.parent().unwrap_or_else(|| Path::new(""));
        let mut sources = Sources::parse(&text, &path.display().to_string(), Some(folder))?;
        if let Some(config) = config {
            sources.take_config(config)?;
        }
        read::scenario(&sources)
    }

    /// Reads a scenario from text; `file` is its name in messages, and `folder` where the files
    /// that it names are looked for, if anywhere.
    ///
    /// # Errors
    /// [`ConfigError::Mistakes`] with everything that is wrong.
    pub fn parse(text: &str, file: &str, folder: Option<&Path>) -> Result<Self, ConfigError> {
        read::scenario(&Sources::parse(text, file, folder)?)
    }

    /// The same world in which nothing happens: what a report compares the events with. Nothing
    /// is expected of it.
    #[must_use]
    pub fn without_events(mut self) -> Self {
        for setup in &mut self.points {
            setup.plan.disturbances.clear();
        }
        self.expectations.clear();
        self
    }

    /// The same world for a shorter time, the warm-up with it. For trials of a file: expectations
    /// need not hold then.
    #[must_use]
    pub fn shortened(mut self, horizon: Duration) -> Self {
        for setup in &mut self.points {
            let plan = &mut setup.plan;
            if plan.horizon > horizon {
                plan.warmup = plan.warmup.min(horizon / 5);
                plan.horizon = horizon;
            }
        }
        self
    }
}

/// The text of a file that a scenario names; a mistake is noted where there is none.
fn text_of(table: &TableReader<'_>, file: Given<&str>) -> Option<String> {
    let bytes = table.reading().read_file(file.value);
    let text = bytes.and_then(|bytes| {
        String::from_utf8(bytes).map_err(|_| "it is no text in UTF-8".to_owned())
    });
    match text {
        Ok(text) => Some(text),
        Err(why) => {
            let what = format!("cannot read \"{}\": {why}", file.value);
            table.wrong(file.place, what, "name a file beside the scenario");
            None
        }
    }
}
