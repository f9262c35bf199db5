//! Chores of the repository: the test command, the tidy checks, and what may rewrite files.
//!
//! Here: the command line and which chore it starts. The steps of the test command are in
//! `test`, the tidy checks in `tidy`, running other programs in `process`.

mod bench;
mod clock;
mod error;
mod fix;
mod index;
mod mutants;
mod process;
mod profiled;
mod sim_numbers;
mod sim_same;
mod sim_speed;
mod stream;
mod test;
mod tidy;

use std::io::{Write, stderr, stdout};
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use crate::error::Error;

/// What the end of a chore says to the shell.
pub(crate) type Clean = bool;

#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", about = "Chores of the repository")]
#[command(after_help = "Examples:
  cargo xtask test                        every check and every test
  cargo xtask test breaker                the tests with `breaker` in their name
  cargo xtask test breaker --seed 7       the same with the random draws of an earlier run
  SEAWALL_REQUIRE=all cargo xtask test    a missing optional program is a failure
  cargo xtask tidy                        only the checks of house style
  cargo xtask index                       the page of known defects and their tests
  cargo xtask fix                         format and apply what clippy can mend by itself
  cargo xtask bench                       speed and behaviour beside other crates (minutes)
  cargo xtask bench --quick breaker M2    only some rows, roughly; `--list` names them all
  cargo xtask bench --json > bench.json   the same as one JSON object
  cargo xtask bench --markdown            the same as a page, for docs/bench.md
  cargo xtask sim-same                    equal seeds give equal bytes in all builds
  cargo xtask sim-speed                   how many calls a second the simulator makes
  cargo xtask sim-numbers                 published numbers, and the simulator's (minutes)
  cargo xtask sim-numbers --only E1,M-A   some families; --json and --markdown print otherwise
  cargo xtask profiled                    build a faster seawall, by what it does under load
  cargo xtask mutants --list              the mutants that the tests of the core have to kill
  cargo xtask mutants --module budget     run those of one module (needs cargo-mutants; hours)
  cargo xtask mutants --shard 0/40        run the first of forty parts of all

Exit status: 0 all is well, 1 something failed, 2 the chore itself could not run.")]
struct CommandLine {
    #[command(subcommand)]
    chore: Chore,
}

#[derive(Subcommand)]
enum Chore {
    /// Run every check and test, or only the tests with NAME in their name
    Test(TestArguments),
    /// The gate before a commit lands: the whole of `test`; writes no file of the repository
    Verify(SeedArgument),
    /// Check house style: crate direction, sizes, names, links, licences
    Tidy,
    /// Write docs/traps.md anew: which test stands for which known defect (writes files)
    Index,
    /// Measure speed and behaviour beside other crates, in the workspace below `bench/`
    Bench(BenchArguments),
    /// Compare outcomes of the simulator between debug and release builds and numbers of threads
    SimSame,
    /// Time the simulator in a release build: calls a second, and memory by the number of calls
    SimSpeed(SpeedArguments),
    /// Reproduce published numbers with the simulator in a release build (minutes)
    SimNumbers(NumberArguments),
    /// Change the core one decision at a time and list the changes that no test notices (hours)
    Mutants(MutantArguments),
    /// Build `seawall` with the profile of a short load, for the fastest program (minutes)
    Profiled,
    /// Format the sources and apply the suggestions of clippy (writes files)
    Fix,
}

#[derive(Args)]
struct TestArguments {
    /// Run only tests whose name contains one of these
    #[arg(value_name = "NAME")]
    names: Vec<String>,
    #[command(flatten)]
    seed: SeedArgument,
}

#[derive(Args)]
struct BenchArguments {
    /// Rows by a part of their name, and any of --json, --markdown, --quick, --list, --seed N
    #[arg(value_name = "ROW", trailing_var_arg = true, allow_hyphen_values = true)]
    handed_on: Vec<String>,
}

#[derive(Args)]
struct SpeedArguments {
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
struct NumberArguments {
    /// Any of --json, --markdown, --only FAMILY,…, --jobs N, --quick
    #[arg(value_name = "ARGUMENT", trailing_var_arg = true, allow_hyphen_values = true)]
    handed_on: Vec<String>,
}

#[derive(Args)]
struct MutantArguments {
    /// Only these modules of the core; may be given more than once
    #[arg(long = "module", value_name = "NAME", value_enum)]
    modules: Vec<mutants::Module>,
    /// Only part K of N, counted from 0
    #[arg(long, value_name = "K/N")]
    shard: Option<String>,
    /// Name the mutants and run none
    #[arg(long)]
    list: bool,
}

#[derive(Args)]
struct SeedArgument {
    /// Repeat the random draws of an earlier run (printed first by every run)
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
}

fn main() -> ExitCode {
    match run(CommandLine::parse().chore, &mut stdout()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => could_not_run(&error),
    }
}

fn run(chore: Chore, out: &mut dyn Write) -> Result<Clean, Error> {
    match chore {
        Chore::Test(given) => test::run(&given.names, given.seed.seed, out),
        Chore::Verify(given) => test::run(&[], given.seed, out),
        Chore::Tidy => tidy::run(out),
        Chore::Index => index::run(out),
        Chore::Bench(given) => bench::run(&given.handed_on),
        Chore::SimSame => sim_same::run(out),
        Chore::SimSpeed(given) => sim_speed::run(given.json, out),
        Chore::SimNumbers(given) => sim_numbers::run(&given.handed_on),
        Chore::Mutants(given) => given.run(),
        Chore::Profiled => profiled::run(out),
        Chore::Fix => fix::run(out),
    }
}

impl MutantArguments {
    fn run(&self) -> Result<Clean, Error> {
        let deed = if self.list { mutants::Deed::List } else { mutants::Deed::Run };
        mutants::run(&self.modules, self.shard.as_deref(), deed)
    }
}

fn could_not_run(error: &Error) -> ExitCode {
    // Nothing is left to tell when even standard error is closed.
    drop(writeln!(stderr(), "cargo xtask: {error}"));
    ExitCode::from(2)
}
