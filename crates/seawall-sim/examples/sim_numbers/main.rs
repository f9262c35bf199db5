//! The table of published numbers that the simulator reproduces: the command line. What the rows
//! look like is in `show`; the models are in `seawall_sim::numbers`. `cargo xtask sim-numbers`
//! builds this with optimisation and hands its arguments on.

mod show;

use std::io::{self, Write, stderr, stdout};
use std::process::ExitCode;
use std::thread::available_parallelism;

use clap::Parser;
use seawall_sim::numbers::{Row, Scale, families, table};

#[derive(Parser)]
#[command(about = "Published numbers, and what the simulator makes of them")]
struct Arguments {
    /// Print one JSON object
    #[arg(long, conflicts_with = "markdown")]
    json: bool,
    /// Print a page of documentation
    #[arg(long)]
    markdown: bool,
    /// Only these families, separated by commas: E1,R1,M-A
    #[arg(long, value_delimiter = ',', value_name = "FAMILY")]
    only: Vec<String>,
    /// How many runs go on at a time [default: one for each core]
    #[arg(long, value_name = "N")]
    jobs: Option<usize>,
    /// Few and short runs, judged by what they can tell
    #[arg(long)]
    quick: bool,
}

fn main() -> ExitCode {
    let given = Arguments::parse();
    match run(&given) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            // Nothing is left to tell when even standard error is closed.
            drop(writeln!(stderr(), "sim-numbers: {error}"));
            ExitCode::from(2)
        }
    }
}

/// Whether every number is reproduced.
fn run(given: &Arguments) -> io::Result<bool> {
    let known = families();
    let unknown = |name: &&String| !known.iter().any(|family| family.eq_ignore_ascii_case(name));
    if let Some(name) = given.only.iter().find(unknown) {
        let message = format!("no family is called {name}; there are {}", known.join(", "));
        return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
    }
    let scale = if given.quick { Scale::Quick } else { Scale::Full };
    let cores = available_parallelism().map_or(1, usize::from);
    let rows = table(scale, &given.only, given.jobs.unwrap_or(cores), &mut tell);
    let shown = match (given.json, given.markdown) {
        (true, _) => show::json(&rows),
        (_, true) => show::markdown(&rows),
        _ => show::text(&rows),
    };
    stdout().write_all(shown.as_bytes())?;
    Ok(rows.iter().all(|row| row.ok))
}

/// Progress: a line for each model that is done.
fn tell(title: &str, rows: &[Row]) {
    let missed = rows.iter().filter(|row| !row.ok).count();
    let word = if missed == 0 { "ok".to_owned() } else { format!("{missed} missed") };
    // Progress that nobody can see is no reason to stop.
    drop(writeln!(stderr(), "{title}: {word}"));
}
