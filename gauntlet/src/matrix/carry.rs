//! Carrying out the runs of a matrix, each again where it does not count.

use std::fs;
use std::path::{Path, PathBuf};

use super::progress::{Progress, length, name, say};
use super::{Matrix, Trouble};
use crate::fault::unmet;
use crate::measure::{self, Figures};
use crate::peer::Product;
use crate::record::Deed;
use crate::run::{Failure, Key, Order, Stop, Stopped, carry_out};
use crate::scenario::{Phases, Scenario};
use crate::stream::Seed;

/// How often a run is carried out before it is given up as one that does not count.
const TRIES: u32 = 3;

/// What became of a run.
#[derive(Clone, Debug)]
pub(super) enum Fate {
    /// It has figures; whether they count is in their flaws.
    Measured(Box<Figures>, Vec<Deed>),
    /// It was not run, for a reason that was known before.
    NotRun(String),
    /// It was tried and did not come to records.
    Failed(String),
}

/// A run that is over.
#[derive(Clone, Debug)]
pub(super) struct Ended {
    /// Which.
    pub(super) key: Key,
    /// What became of it.
    pub(super) fate: Fate,
}

/// Carries out every run of a matrix in its order.
pub(super) fn all(matrix: &Matrix, stop: &Stop) -> Result<Vec<Ended>, Trouble> {
    // By its process, not by its path: the file may be built anew while the matrix runs.
    let program = PathBuf::from(format!("/proc/{}/exe", std::process::id()));
    let lengths: Vec<_> = matrix.runs.iter().map(|key| length(phases(matrix, key))).collect();
    let mut progress = Progress::new(&lengths);
    let mut ended = Vec::new();
    for key in &matrix.runs {
        if stop.is_pulled() {
            return Err(Stopped.into());
        }
        let one = one(matrix, key, &program, stop)?;
        progress.tell(key, length(phases(matrix, key)), &told(&one));
        ended.push(one);
    }
    Ok(ended)
}

fn phases(matrix: &Matrix, key: &Key) -> Phases {
    let base = Phases {
        warm_up: std::time::Duration::ZERO,
        control: std::time::Duration::ZERO,
        fault: std::time::Duration::ZERO,
        observation: std::time::Duration::ZERO,
    };
    matrix.scenario(&key.scenario).map_or(base, |scenario| matrix.profile.phases(scenario))
}

/// Carries out one run, again where it does not count.
fn one(matrix: &Matrix, key: &Key, program: &Path, stop: &Stop) -> Result<Ended, Trouble> {
    let not_run = |why: String| Ended { key: key.clone(), fate: Fate::NotRun(why) };
    let Some(scenario) = matrix.scenario(&key.scenario) else {
        return Ok(not_run("there is no such scenario".to_owned()));
    };
    if let Some(why) = hindrance(matrix, key.product, scenario) {
        return Ok(not_run(why));
    }
    let mut last = not_run(String::new());
    for tries in 1..=TRIES {
        let folder = Folder::make(matrix, key, tries)?;
        let order = Order {
            scenario,
            phases: matrix.profile.phases(scenario),
            key: key.clone(),
            seed: Seed { master: matrix.options.master, number: key.seed },
            ground: matrix.host.ground,
            folder: &folder.path,
            program,
            seawall: None,
            stop,
        };
        last = match carry_out(&order) {
            Ok(run) => {
                let figures = Box::new(measure::figures(&run, scenario));
                Ended { key: run.key, fate: Fate::Measured(figures, run.deeds) }
            }
            Err(Failure::Stopped(stopped)) => return Err(stopped.into()),
            Err(failure) => Ended { key: key.clone(), fate: Fate::Failed(failure.to_string()) },
        };
        match &last.fate {
            Fate::Measured(figures, _) if figures.is_valid() => break,
            _ if tries < TRIES => say(&format!("again, {}: {}", name(key), told(&last))),
            _ => {}
        }
    }
    Ok(last)
}

/// Why a product cannot be run in a scenario at all.
fn hindrance(matrix: &Matrix, product: Product, scenario: &Scenario) -> Option<String> {
    let missing = matrix.products.get(&product).and_then(|found| found.as_ref().err().cloned());
    missing.or_else(|| unmet(scenario, product, &matrix.host))
}

/// A run that is over, in words.
fn told(ended: &Ended) -> String {
    let said = match &ended.fate {
        Fate::NotRun(why) => format!("not run: {why}"),
        Fate::Failed(why) => format!("failed: {why}"),
        Fate::Measured(figures, _) if figures.is_valid() => format!(
            "{} of {} failed, floor {}",
            figures.errors,
            figures.requests,
            figures.floor.total()
        ),
        Fate::Measured(figures, _) => format!("does not count: {}", figures.flaws.join("; ")),
    };
    // What a product says about itself may have many lines.
    said.lines().map(str::trim).collect::<Vec<_>>().join(" | ")
}

/// A run that was tried and came to nothing, in words.
pub(super) fn failure(ended: &Ended) -> Option<String> {
    matches!(ended.fate, Fate::Failed(_)).then(|| format!("{}: {}", name(&ended.key), told(ended)))
}

/// A folder for the records of one run; removed with them unless they are to be kept.
struct Folder {
    path: PathBuf,
    keep: bool,
}

impl Folder {
    fn make(matrix: &Matrix, key: &Key, tries: u32) -> Result<Self, Trouble> {
        let keep = matrix.options.keep.is_some();
        let base = matrix.options.keep.clone().unwrap_or_else(|| {
            std::env::temp_dir().join(format!("gauntlet-records-{}", std::process::id()))
        });
        let settings = format!("{:?}", key.settings).to_lowercase();
        let words = [&key.scenario, &key.product.to_string(), &settings];
        let words = words.map(String::as_str).join("-");
        let path = base.join(format!("{words}-{}-{tries}", key.seed));
        let failed = |source| Trouble::Write { path: path.clone(), source };
        // What an earlier matrix has left there would be taken for this one's.
        match fs::remove_dir_all(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(failed(error));
            }
            _ => {}
        }
        fs::create_dir_all(&path).map_err(failed)?;
        let path = path.canonicalize().map_err(failed)?;
        Ok(Self { path, keep })
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if self.keep {
            return;
        }
        let _left_for_the_system = fs::remove_dir_all(&self.path);
        if let Some(base) = self.path.parent() {
            // Only the last one finds it empty.
            let _others_are_left = fs::remove_dir(base);
        }
    }
}
