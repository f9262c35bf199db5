//! What the numbers were measured on: without it they mean nothing.

use std::fs;
use std::process::Command;

use serde::Serialize;

/// The machine, the compiler and the run.
#[derive(Debug, Serialize)]
pub(crate) struct Host {
    /// The day of the run, as the machine tells it.
    pub(crate) date: String,
    pub(crate) processor: String,
    pub(crate) threads: usize,
    pub(crate) system: String,
    pub(crate) compiler: String,
    pub(crate) profile: &'static str,
    /// Load average of the last minute when the run began: what others did meanwhile.
    pub(crate) load: String,
    /// What shuffled the order of the entries.
    pub(crate) seed: u64,
}

impl Host {
    pub(crate) fn describe(seed: u64) -> Self {
        Self {
            date: first_line_of("date", &["-u", "+%F"]).unwrap_or_else(unknown),
            processor: processor().unwrap_or_else(unknown),
            threads: std::thread::available_parallelism().map_or(0, usize::from),
            system: first_line_of("uname", &["-srm"]).unwrap_or_else(unknown),
            compiler: first_line_of("rustc", &["--version"]).unwrap_or_else(unknown),
            profile: "release: opt-level 3, one codegen unit, thin LTO; no target features",
            load: load(),
            seed,
        }
    }
}

fn unknown() -> String {
    "unknown".to_owned()
}

fn processor() -> Option<String> {
    let described = fs::read_to_string("/proc/cpuinfo").ok()?;
    let line = described.lines().find(|line| line.starts_with("model name"))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

/// Load average of the last minute.
pub(crate) fn load() -> String {
    let averages = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    averages.split(' ').next().filter(|load| !load.is_empty()).map_or_else(unknown, str::to_owned)
}

fn first_line_of(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).output().ok()?;
    String::from_utf8(output.stdout).ok()?.lines().next().map(str::to_owned)
}
