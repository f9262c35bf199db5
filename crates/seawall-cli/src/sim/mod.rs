//! `seawall sim`: rehearses a scenario in virtual time and says what it comes to.
//!
//! Where reports go is in `print.rs`; what a scenario means, and what reports say, is in
//! `seawall-sim`. A record in place of a scenario is in `replay.rs`.

mod print;
mod replay;

use std::hash::{BuildHasher, RandomState};
use std::io::IsTerminal;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anstream::{eprint, eprintln, println};
use clap::Args;

use seawall_sim::outcome::Outcome;
use seawall_sim::report;
use seawall_sim::run::{Settings, run};
use seawall_sim::scenario::Scenario;

use crate::UNUSABLE;
use replay::{ReplayArgs, Request};

/// Exit status where an expectation fails, or a run ends as unstable.
const FAILED: u8 = 1;

/// Rehearse a scenario in virtual time, or replay a recorded day
///
/// The policies are those of the gateway, from the config that the scenario names. The same seed
/// gives the same outcome, byte for byte, on any number of threads.
///
/// Exit status: 0 every expectation holds, 1 one fails, 2 the scenario or record cannot be read.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct SimArgs {
    /// The scenario file
    #[arg(required_unless_present = "replay")]
    scenario: Option<PathBuf>,

    #[command(flatten)]
    replay: ReplayArgs,

    /// Take this config instead of the one that the scenario names
    #[arg(short, long)]
    config: Option<PathBuf>,

    /// The master seed; one is drawn and printed where neither this nor the file gives one
    #[arg(long)]
    seed: Option<u64>,

    /// Run each point under so many seeds, instead of as many as the file says
    #[arg(
        long,
        conflicts_with = "replay",
        value_parser = clap::value_parser!(u32).range(1..=100_000)
    )]
    seeds: Option<u32>,

    /// Threads; as many as there are processors where it is left out
    #[arg(long)]
    jobs: Option<NonZeroUsize>,

    /// Write the outcome as JSON to this file, or to standard output for -
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,

    /// Write the report to this file, as one HTML page with plots
    #[arg(long, conflicts_with = "replay", value_name = "FILE")]
    html: Option<PathBuf>,

    /// Print neither progress nor the summary
    #[arg(short, long)]
    quiet: bool,
}

const EXAMPLES: &str = "Examples:
  seawall sim scenarios/retry-storm.toml
  seawall sim scenarios/zone-loss.toml -c seawall.toml     your config in the same outage
  seawall sim scenarios/hedging.toml --seeds 50 --jobs 4
  seawall sim --replay monday.jsonl -c new.toml            that day under another config
  seawall sim scenarios/metastable.toml --html report.html
  seawall sim scenarios/retry-storm.toml --seed 7 --json - | jq .expectations";

/// Runs a scenario, or replays a record.
pub(crate) fn sim(args: &SimArgs) -> ExitCode {
    match (&args.scenario, &args.replay.replay, &args.config) {
        (Some(scenario), ..) => rehearse(args, scenario),
        (None, Some(record), Some(config)) => {
            let old = args.replay.old.as_deref();
            let seed = args.seed.unwrap_or_else(drawn);
            tell(args, Request { record, config, old, seed })
        }
        // Either is required, and a record never comes without a config.
        (None, ..) => ExitCode::from(UNUSABLE),
    }
}

/// A seed for a run that was given none.
fn drawn() -> u64 {
    RandomState::new().hash_one(0)
}

/// Replays a record.
fn tell(args: &SimArgs, request: Request<'_>) -> ExitCode {
    let answer = match request.answer() {
        Ok(answer) => answer,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::from(UNUSABLE);
        }
    };
    if args.talks() {
        println!("{}seed {}; again: {}", answer.text(), request.seed, request.command());
    }
    let text = || format!("{:#}\n", answer.json(request));
    let written = args.json.as_deref().map(|path| print::write(path, &text()));
    match written {
        Some(Err(error)) => {
            eprintln!("{error}");
            ExitCode::from(UNUSABLE)
        }
        Some(Ok(())) | None => ExitCode::SUCCESS,
    }
}

impl SimArgs {
    /// Whether the summary is printed.
    fn talks(&self) -> bool {
        !self.quiet && self.json.as_deref() != Some(Path::new("-"))
    }
}

/// Runs a scenario.
fn rehearse(args: &SimArgs, scenario: &Path) -> ExitCode {
    let file = scenario;
    let scenario = match Scenario::load_with(file, args.config.as_deref()) {
        Ok(scenario) => scenario,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::from(UNUSABLE);
        }
    };
    let seed = args.seed.or(scenario.seed).unwrap_or_else(drawn);
    let settings = Settings {
        seed,
        seeds: args.seeds,
        jobs: args.jobs.or_else(|| std::thread::available_parallelism().ok()).map_or(1, Into::into),
        command: command(args, file, seed),
    };
    let talks = args.talks();
    if talks {
        println!("{}: seed {seed}", scenario.title);
    }
    let outcome = run(&scenario, &settings, &progress(args.quiet));
    if talks {
        print::show(&outcome);
    }
    if let Err(error) = write_reports(args, (&scenario, &settings), &outcome) {
        eprintln!("{error}");
        return ExitCode::from(UNUSABLE);
    }
    if outcome.held() { ExitCode::SUCCESS } else { ExitCode::from(FAILED) }
}

/// Writes the reports that are asked for.
fn write_reports(
    args: &SimArgs,
    (scenario, settings): (&Scenario, &Settings),
    outcome: &Outcome,
) -> Result<(), String> {
    if let Some(path) = &args.json {
        print::write(path, &report::json(outcome))?;
    }
    let Some(path) = &args.html else { return Ok(()) };
    if scenario.points.iter().all(|setup| setup.plan.disturbances.is_empty()) {
        return print::write(path, &report::html(outcome));
    }
    // The same world in which nothing happens: one run of each point is enough to compare with.
    let settings = Settings { seeds: Some(1), ..settings.clone() };
    let control = run(&scenario.clone().without_events(), &settings, &|_, _| {});
    print::write(path, &report::html_against(outcome, &control))
}

/// The command that gives the same outcome again.
fn command(args: &SimArgs, scenario: &Path, seed: u64) -> String {
    let mut command = format!("seawall sim {}", scenario.display());
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
