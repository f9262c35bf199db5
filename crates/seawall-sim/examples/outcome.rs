//! Runs a scenario on so many threads and prints its outcome as JSON: `outcome SCENARIO JOBS`.
//! `cargo xtask sim-same` compares what builds and numbers of threads make of it.

use std::error::Error;
use std::io::{self, Write};
use std::path::PathBuf;

use seawall_sim::report;
use seawall_sim::run::{Settings, run};
use seawall_sim::scenario::Scenario;

/// The master seed.
const SEED: u64 = 42;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let path = arguments.next().map(PathBuf::from).ok_or("which scenario?")?;
    let jobs = arguments.next().ok_or("how many threads?")?.parse()?;
    let scenario = Scenario::load(&path)?;
    let settings = Settings { seed: SEED, seeds: Some(2), jobs, command: "outcome".to_owned() };
    let outcome = run(&scenario, &settings, &|_, _| {});
    writeln!(io::stdout(), "{}", report::json(&outcome))?;
    Ok(())
}
