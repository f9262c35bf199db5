//! `cargo xtask sim-same`: equal seeds give equal bytes, on debug and release builds and on any
//! number of threads. What is run is the example `outcome` of the simulator.

use std::io::Write;
use std::process::{Command, Stdio};

use crate::Clean;
use crate::error::Error;
use crate::process::{self, CargoCall, Workspace};

/// One with gateways, breakers and retries, one with a sweep and callers of their own.
const SCENARIOS: [&str; 2] = ["scenarios/retry-storm.toml", "scenarios/metastable.toml"];

const THREADS: [&str; 3] = ["1", "2", "5"];

/// The builds, and where they leave their examples.
const BUILDS: [(&[&str], &str); 2] = [(&[], "debug"), (&["--release"], "release")];

pub(crate) fn run(out: &mut dyn Write) -> Result<Clean, Error> {
    let workspace = Workspace::find()?;
    for (flags, _) in BUILDS {
        let build = ["build", "--locked", "-p", "seawall-sim", "--example", "outcome"];
        let call = flags.iter().fold(CargoCall::new(&build), |call, flag| call.arg(flag));
        if !process::loud(&workspace, &call)? {
            return Ok(false);
        }
    }
    let mut clean = true;
    for scenario in SCENARIOS {
        let mut first: Option<Vec<u8>> = None;
        for (_, folder) in BUILDS {
            for threads in THREADS {
                let bytes = outcome(&workspace, folder, [scenario, threads])?;
                let same =
                    *first.get_or_insert_with(|| bytes.clone()) == bytes && !bytes.is_empty();
                clean &= same;
                let word = if same { "the same" } else { "OTHERWISE" };
                let size = bytes.len();
                writeln!(
                    out,
                    "{scenario}, {folder} build, {threads} threads: {size} bytes, {word}"
                )
                .map_err(|source| Error::Write { path: "standard output".into(), source })?;
            }
        }
    }
    Ok(clean)
}

fn outcome(workspace: &Workspace, folder: &str, arguments: [&str; 2]) -> Result<Vec<u8>, Error> {
    let program = format!("target/{folder}/examples/outcome");
    let output = Command::new(workspace.root.join(&program))
        .args(arguments)
        .current_dir(&workspace.root)
        .stdin(Stdio::null())
        .output()
        .map_err(|source| Error::Start { program, source })?;
    Ok(output.stdout)
}
