//! `seawall diff`: what a second config does otherwise than a first.
//!
//! Which settings differ is in `settings.rs`; what that comes to in a scenario is compared by
//! `seawall_sim::report`.

mod settings;

use std::hash::{BuildHasher, RandomState};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anstream::{eprintln, print, println};
use clap::Args;
use serde_json::{Value, json};

use seawall_config::{Config, ConfigError};
use seawall_sim::outcome::Outcome;
use seawall_sim::report::compare;
use seawall_sim::run::{Settings, run};
use seawall_sim::scenario::Scenario;

use crate::UNUSABLE;

/// Exit status where settings differ.
const DIFFERENT: u8 = 1;

/// Runs of each point where neither the command line nor the scenario asks for several: fewer
/// leave no interval worth printing.
const SEEDS: u32 = 10;

/// Compare two configs: which settings differ, and what that comes to in a scenario
///
/// Settings are compared as they are in force, so that a spelled-out default is no difference.
/// With a scenario both configs are run under the same seeds, and each measure is printed with the
/// confidence interval of its paired difference.
///
/// Exit status: 0 no setting differs, 1 some do, 2 a file cannot be read or has mistakes.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct DiffArgs {
    /// The config in force
    old: PathBuf,

    /// The config that would follow it
    new: PathBuf,

    /// Run this scenario under both configs
    #[arg(long, value_name = "SCENARIO")]
    simulate: Option<PathBuf>,

    /// The master seed; one is drawn and printed where neither this nor the scenario gives one
    #[arg(long, requires = "simulate")]
    seed: Option<u64>,

    /// Pairs of runs of each point; as many as the scenario says, or 10
    #[arg(long, requires = "simulate", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    seeds: Option<u32>,

    /// Print JSON
    #[arg(long)]
    json: bool,
}

const EXAMPLES: &str = "Examples:
  seawall diff seawall.toml new.toml
  seawall diff seawall.toml new.toml --simulate scenarios/retry-storm.toml
  seawall diff seawall.toml new.toml --simulate scenarios/zone-loss.toml --seeds 50 --seed 7
  seawall diff seawall.toml new.toml --json | jq .changes";

/// Compares two configs.
pub(crate) fn diff(args: &DiffArgs) -> ExitCode {
    match compared(args) {
        Ok(changes) if changes.is_empty() => ExitCode::SUCCESS,
        Ok(_) => ExitCode::from(DIFFERENT),
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(UNUSABLE)
        }
    }
}

fn compared(args: &DiffArgs) -> Result<Vec<settings::Change>, ConfigError> {
    let (old, new) = (Config::load(&args.old)?, Config::load(&args.new)?);
    let changes = settings::changes(&old, &new);
    let outcomes = match &args.simulate {
        Some(scenario) => Some(simulated(args, scenario)?),
        None => None,
    };
    if args.json {
        print_json((&old, &new), &changes, outcomes.as_ref());
        return Ok(changes);
    }
    for change in &changes {
        println!("{}", change.line());
    }
    match changes.len() {
        0 => println!("no setting differs"),
        1 => println!("1 setting differs"),
        many => println!("{many} settings differ"),
    }
    if let Some([old, new]) = &outcomes {
        print!("\n{}", compare(old, new).text());
    }
    Ok(changes)
}

/// The scenario under both configs, with the same seeds.
fn simulated(args: &DiffArgs, file: &Path) -> Result<[Outcome; 2], ConfigError> {
    let load = |config: &PathBuf| Scenario::load_with(file, Some(config));
    let (old, new) = (load(&args.old)?, load(&args.new)?);
    let seed = args.seed.or(old.seed).unwrap_or_else(|| RandomState::new().hash_one(0));
    let seeds = args.seeds.unwrap_or(if old.seeds > 1 { old.seeds } else { SEEDS });
    let jobs = std::thread::available_parallelism().map_or(1, Into::into);
    let outcome = |scenario: &Scenario, config: &Path| {
        let config = config.display();
        let command =
            format!("seawall sim {} -c {config} --seed {seed} --seeds {seeds}", file.display());
        let settings = Settings { seed, seeds: Some(seeds), jobs, command };
        let outcome = run(scenario, &settings, &|_, _| {});
        Outcome { title: format!("{} ({config})", outcome.title), ..outcome }
    };
    Ok([outcome(&old, &args.old), outcome(&new, &args.new)])
}

fn print_json(
    (old, new): (&Config, &Config),
    changes: &[settings::Change],
    outcomes: Option<&[Outcome; 2]>,
) {
    let comparison = outcomes
        .and_then(|[old, new]| serde_json::from_str::<Value>(&compare(old, new).json()).ok());
    let report = json!({
        "old": old.file,
        "new": new.file,
        "changes": changes.iter().map(settings::Change::json).collect::<Vec<_>>(),
        "comparison": comparison,
    });
    println!("{report:#}");
}
