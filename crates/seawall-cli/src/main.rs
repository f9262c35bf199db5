//! The `seawall` binary: reads the command line and hands over to the subcommand.

mod check;
mod clock;
mod demo;
mod diff;
mod lifeline;
mod run;
mod sim;
mod status;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Faster than the system's allocator for the many small short-lived objects of a proxy.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Exit status for what cannot work as it was asked for: a bad config, a port in use.
const UNUSABLE: u8 = 2;

/// Keeps services alive while the things they depend on fail
#[derive(Debug, Parser)]
#[command(name = "seawall", version, after_help = EXAMPLES)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

const EXAMPLES: &str = "Examples:
  seawall demo                                     watch a gateway keep a failing shop alive
  seawall run --to 127.0.0.1:3000                  put it in front of one service
  seawall run -c seawall.toml                      run it from a file
  seawall check seawall.toml                       find mistakes before they run
  seawall diff seawall.toml new.toml               what a new config does otherwise
  seawall sim scenarios/retry-storm.toml           rehearse an outage in virtual time
  seawall status                                   what a running gateway sees";

#[derive(Debug, Subcommand)]
enum Command {
    Run(run::RunArgs),
    Demo(demo::DemoArgs),
    Check(check::CheckArgs),
    Diff(diff::DiffArgs),
    Sim(sim::SimArgs),
    Status(status::StatusArgs),
    /// One service of the demo's shop; the demo starts it
    #[command(hide = true)]
    DemoService(demo::ServiceArgs),
}

fn main() -> ExitCode {
    match Cli::parse().command {
        Command::Run(args) => run::run(&args),
        Command::Demo(args) => demo::run(&args),
        Command::Check(args) => check::check(&args),
        Command::Diff(args) => diff::diff(&args),
        Command::Sim(args) => sim::sim(&args),
        Command::Status(args) => status::status(&args),
        Command::DemoService(args) => demo::serve(&args),
    }
}
