//! What the simulator says of the scenarios of a matrix, where Seawall was measured at its default
//! settings: the simulated gateway has the shortest config.

use std::fs;
use std::path::PathBuf;

use super::Matrix;
use super::progress::say;
use crate::peer::{Product, Settings};
use crate::rehearse::{Rehearsed, Seeds, rehearse};
use crate::report::Results;

/// Runs of virtual time: each takes milliseconds.
const RUNS: u64 = 20;

/// All that can be said; nothing where Seawall was not measured.
pub(super) fn all(matrix: &Matrix, results: &Results) -> Vec<Rehearsed> {
    let ours = |one: &&crate::report::Entrant| {
        (one.product, one.settings) == (Product::Seawall, Settings::Default)
    };
    let entrant = results.entrants.iter().find(ours);
    let found = matrix.products.get(&Product::Seawall).and_then(|found| found.as_ref().ok());
    let (Some(entrant), Some(installed)) = (entrant, found) else { return Vec::new() };
    let folder = match folder() {
        Ok(folder) => folder,
        Err(error) => {
            say(&format!("nothing is simulated beside: {error}"));
            return Vec::new();
        }
    };
    let seeds = Seeds { master: matrix.options.master, count: RUNS };
    let measured =
        matrix.scenarios.iter().filter(|one| !results.figures(entrant, &one.id).is_empty());
    let all = measured.filter_map(|scenario| {
        let phases = matrix.profile.phases(scenario);
        rehearse(&installed.program, &folder, (scenario, phases), seeds)
    });
    let all = all.collect();
    // What is left of it is of no use; the system's own broom finds it.
    let _left = fs::remove_dir_all(&folder);
    all
}

fn folder() -> std::io::Result<PathBuf> {
    let folder = std::env::temp_dir().join(format!("gauntlet-rehearse-{}", std::process::id()));
    fs::create_dir_all(&folder)?;
    Ok(folder)
}
