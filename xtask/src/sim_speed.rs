//! `cargo xtask sim-speed`: how many calls a second of wall time the simulator makes on one core,
//! and whether its memory depends on how many they are. The world is that of the example `speed`
//! of the simulator.

use std::io::Write;
use std::process::{Command, Stdio};

use crate::Clean;
use crate::clock::Stopwatch;
use crate::error::Error;
use crate::process::{self, CargoCall, Workspace};

/// Calls a second of wall time that a release build must make on one core.
const CALLS_A_SECOND: f64 = 2e6;

/// Seconds of the world's time, at a thousand calls each.
const SHORT: &str = "500";
const LONG: &str = "5000";

/// Ten times the calls may take so much more memory: the allocator's noise.
const GROWTH_MAX: f64 = 1.1;

/// Rounds of which the fastest counts: other work on the machine only ever slows one down.
const ROUNDS: usize = 5;

const PROGRAM: &str = "target/release/examples/speed";

/// What one run came to.
#[derive(Clone, Copy)]
struct Timed {
    calls: f64,
    seconds: f64,
    peak_kib: f64,
}

pub(crate) fn run(json: bool, out: &mut dyn Write) -> Result<Clean, Error> {
    let workspace = Workspace::find()?;
    let build = ["build", "--release", "--locked", "-p", "seawall-sim", "--example", "speed"];
    if !process::loud(&workspace, &CargoCall::new(&build))? {
        return Ok(false);
    }
    let short = time(&workspace, SHORT)?;
    let mut best = time(&workspace, LONG)?;
    for _ in 1..ROUNDS {
        let next = time(&workspace, LONG)?;
        if next.seconds < best.seconds {
            best = next;
        }
    }
    let (rate, growth) = (best.calls / best.seconds, best.peak_kib / short.peak_kib);
    let clean = rate >= CALLS_A_SECOND && growth <= GROWTH_MAX;
    let (calls, peak) = (best.calls, best.peak_kib);
    let told = if json {
        writeln!(
            out,
            "{{\"calls\":{calls},\"calls_per_second\":{rate:.0},\"target\":{CALLS_A_SECOND},\
             \"peak_kib\":{peak},\"peak_kib_of_a_tenth\":{},\"ok\":{clean}}}",
            short.peak_kib
        )
    } else {
        writeln!(
            out,
            "{calls} calls: {rate:.0} a second (at least {CALLS_A_SECOND}); {peak} KiB at most, \
             {} KiB for a tenth of them",
            short.peak_kib
        )
    };
    told.map_err(|source| Error::Write { path: "standard output".into(), source })?;
    Ok(clean)
}

fn time(workspace: &Workspace, seconds: &str) -> Result<Timed, Error> {
    let watch = Stopwatch::start();
    let started = Command::new(workspace.root.join(PROGRAM))
        .arg(seconds)
        .stdin(Stdio::null())
        .output()
        .map_err(|source| Error::Start { program: PROGRAM.to_owned(), source })?;
    let seconds = watch.elapsed().as_secs_f64();
    let said = String::from_utf8_lossy(&started.stdout).into_owned();
    let mut numbers = said.split_whitespace().filter_map(|number| number.parse().ok());
    let (calls, peak_kib) = (numbers.next().unwrap_or(0.0), numbers.next().unwrap_or(f64::MAX));
    Ok(Timed { calls, seconds, peak_kib })
}
