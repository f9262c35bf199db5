//! `seawall sim`: rehearses a scenario in virtual time and says what it comes to.
//!
//! How an outcome is written is in `print.rs`; what a scenario means is in `seawall-sim`.

mod print;

use std::hash::{BuildHasher, RandomState};
use std::io::{IsTerminal, Write};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anstream::{eprint, eprintln, println};
use clap::Args;

use seawall_sim::outcome::Outcome;
use seawall_sim::run::{Settings, run};
use seawall_sim::scenario::Scenario;

use crate::UNUSABLE;

/// Exit status where an expectation fails, or a run ends as unstable.
const FAILED: u8 = 1;

/// Rehearse a scenario in virtual time
///
/// The policies are those of the gateway, from the config that the scenario names. The same seed
/// gives the same outcome, byte for byte, on any number of threads.
///
/// Exit status: 0 every expectation holds, 1 one fails, 2 the scenario cannot be read.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct SimArgs {
    /// The scenario file
    scenario: PathBuf,

    /// Take this config instead of the one that the scenario names
    #[arg(short, long)]
    config: Option<PathBuf>,

    /// The master seed; one is drawn and printed where neither this nor the file gives one
    #[arg(long)]
    seed: Option<u64>,

    /// Run each point under so many seeds, instead of as many as the file says
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    seeds: Option<u32>,

    /// Threads; as many as there are processors where it is left out
    #[arg(long)]
    jobs: Option<NonZeroUsize>,

    /// Write the outcome as JSON to this file, or to standard output for -
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,

    /// Print neither progress nor the summary
    #[arg(short, long)]
    quiet: bool,
}

const EXAMPLES: &str = "Examples:
  seawall sim scenarios/retry-storm.toml
  seawall sim scenarios/zone-loss.toml -c seawall.toml     your config in the same outage
  seawall sim scenarios/hedging.toml --seeds 50 --jobs 4
  seawall sim scenarios/retry-storm.toml --seed 7 --json - | jq .expectations";

/// Runs a scenario.
pub(crate) fn sim(args: &SimArgs) -> ExitCode {
    let scenario = match Scenario::load_with(&args.scenario, args.config.as_deref()) {
        Ok(scenario) => scenario,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::from(UNUSABLE);
        }
    };
    let seed = args.seed.or(scenario.seed).unwrap_or_else(|| RandomState::new().hash_one(0));
    let settings = Settings {
        seed,
        seeds: args.seeds,
        jobs: args.jobs.or_else(|| std::thread::available_parallelism().ok()).map_or(1, Into::into),
        command: command(args, seed),
    };
    let piped = args.json.as_deref() == Some(Path::new("-"));
    let talks = !args.quiet && !piped;
    if talks {
        println!("{}: seed {seed}", scenario.title);
    }
    let outcome = run(&scenario, &settings, &progress(args.quiet));
    if talks {
        println!("{}seed {seed}; again: {}", print::text(&outcome), outcome.command);
    }
    match args.json.as_deref().map(|path| write_json(path, &outcome)) {
        Some(Err(error)) => {
            eprintln!("{error}");
            ExitCode::from(UNUSABLE)
        }
        Some(Ok(())) | None if outcome.held() => ExitCode::SUCCESS,
        Some(Ok(())) | None => ExitCode::from(FAILED),
    }
}

/// The command that gives the same outcome again.
fn command(args: &SimArgs, seed: u64) -> String {
    let mut command = format!("seawall sim {}", args.scenario.display());
    if let Some(config) = &args.config {
        command += &format!(" -c {}", config.display());
    }
    command += &format!(" --seed {seed}");
    if let Some(seeds) = args.seeds {
        command += &format!(" --seeds {seeds}");
    }
    command
}

/// Says how far the work is, on a terminal alone, at most a hundred times.
fn progress(quiet: bool) -> impl Fn(usize, usize) + Sync {
    let shown = !quiet && std::io::stderr().is_terminal();
    move |over, total| {
        let step = (total / 100).max(1);
        if shown && total > 1 && (over % step == 0 || over == total) {
            let end = if over == total { "\r\x1b[K" } else { "" };
            eprint!("\r{over} of {total} runs{end}");
        }
    }
}

fn write_json(path: &Path, outcome: &Outcome) -> Result<(), String> {
    let text = format!("{:#}\n", print::json(outcome));
    if path == Path::new("-") {
        let wrote = std::io::stdout().write_all(text.as_bytes());
        return wrote.map_err(|error| format!("cannot write the outcome: {error}"));
    }
    std::fs::write(path, text).map_err(|error| format!("cannot write {}: {error}", path.display()))
}
