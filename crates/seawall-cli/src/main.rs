//! The `seawall` binary: reads the command line and hands over to the subcommand.

mod demo;
mod lifeline;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Keeps services alive while the things they depend on fail
#[derive(Debug, Parser)]
#[command(name = "seawall", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Demo(demo::DemoArgs),
    /// One service of the demo's shop; the demo starts it
    #[command(hide = true)]
    DemoService(demo::ServiceArgs),
}

fn main() -> ExitCode {
    match Cli::parse().command {
        Command::Demo(args) => demo::run(&args),
        Command::DemoService(args) => demo::serve(&args),
    }
}
