//! The same scenarios in virtual time: what `seawall sim` says of them, beside what was measured.
//! As a process, like everything else of Seawall's here: its report is read, its code is not used.
//!
//! Here: asking and understanding. What a scenario is in the simulator's words is in `world`.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::measure::median;
use crate::scenario::{Phases, Scenario};
use world::Until;

mod world;

/// What the simulator says of a scenario, medians over seeds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rehearsed {
    /// Which.
    pub scenario: String,
    /// What it says, or why it says nothing.
    pub outcome: Result<Simulated, String>,
}

/// Figures of virtual time, for calls of the same phases as those that are measured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Simulated {
    /// The share of calls of fault and observation that failed.
    pub failed: Option<f64>,
    /// Attempts for each of them.
    pub amplification: Option<f64>,
    /// Seconds in which half of those of the fault phase ended well.
    pub p50: Option<f64>,
    /// Likewise for 99 of 100.
    pub p99: Option<f64>,
}

/// From which seed, and how many runs of it.
#[derive(Clone, Copy, Debug)]
pub struct Seeds {
    /// The master seed.
    pub master: u64,
    /// Runs.
    pub count: u64,
}

/// Rehearses a scenario with the `seawall` at `program`; none where the simulator has no words for
/// what befalls it. Files are left in `folder`.
#[must_use]
pub fn rehearse(
    program: &Path,
    folder: &Path,
    (scenario, phases): (&Scenario, Phases),
    seeds: Seeds,
) -> Option<Rehearsed> {
    let of = |until| world::text(scenario, phases, until);
    let (whole, struck) = (of(Until::Observation)?, of(Until::Fault)?);
    let said = |name: &str, text: &str| {
        let file = folder.join(format!("{}-{name}.toml", scenario.id));
        fs::write(&file, text).map_err(|error| error.to_string())?;
        ask(program, &file, seeds)
    };
    let outcome = said("whole", &whole).and_then(|whole| {
        let struck = said("fault", &struck)?;
        Ok(Simulated {
            failed: middle(&whole, "success_rate").map(|ok| 1.0 - ok),
            amplification: middle(&whole, "amplification"),
            p50: middle(&struck, "p50"),
            p99: middle(&struck, "p99"),
        })
    });
    Some(Rehearsed { scenario: scenario.id.clone(), outcome })
}

/// What the simulator says of a file.
fn ask(program: &Path, file: &Path, seeds: Seeds) -> Result<Value, String> {
    let (master, count) = (seeds.master.to_string(), seeds.count.to_string());
    let words = ["--quiet", "--json", "-", "--seed", &master, "--seeds", &count];
    let mut command = Command::new(program);
    command.arg("sim").arg(file).args(words).stdin(Stdio::null());
    let output = command.output().map_err(|error| format!("the simulator cannot run: {error}"))?;
    serde_json::from_slice(&output.stdout).map_err(|_| {
        let said = String::from_utf8_lossy(&output.stderr);
        format!("the simulator said: {}", said.split_whitespace().collect::<Vec<_>>().join(" "))
    })
}

/// The median of a measure over all runs; none where no run has it.
fn middle(report: &Value, measure: &str) -> Option<f64> {
    let runs = report.get("points")?.get(0)?.get("runs")?.as_array()?;
    let each = runs.iter().filter_map(|run| run.get("measures")?.get(measure)?.as_f64());
    median(&each.collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_of_all_runs_is_taken_and_what_is_missing_is_none() {
        let text = r#"{"points": [{"runs": [
            {"measures": {"p99": 0.3, "p50": null}},
            {"measures": {"p99": 0.1}},
            {"measures": {"p99": 0.2}}]}]}"#;
        let report: Value = serde_json::from_str(text).unwrap();
        assert_eq!(middle(&report, "p99"), Some(0.2));
        assert_eq!(middle(&report, "p50"), None);
        assert_eq!(middle(&Value::Null, "p99"), None);
    }

    #[test]
    fn a_program_that_is_no_simulator_is_told_as_such() {
        let folder = tempfile::tempdir().unwrap();
        let g1 = crate::scenario::builtin().unwrap().into_iter().find(|one| one.id == "G1");
        let g1 = g1.unwrap();
        let seeds = Seeds { master: 1, count: 1 };
        let program = Path::new("/bin/false");
        let told = rehearse(program, folder.path(), (&g1, g1.quick), seeds).unwrap();
        assert!(told.outcome.unwrap_err().starts_with("the simulator said"));
    }
}
