//! What every end-to-end test needs: the gateway as a process, the backends behind it, a plain
//! client, deadlines, and the optional programs of the system.
//!
//! Each test binary compiles this anew and uses only a part of it. The tests themselves are in the
//! files beside this folder.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "what the tests stand on fails like the tests themselves"
)]

pub(crate) mod backend;
pub(crate) mod client;
pub(crate) mod clock;
pub(crate) mod gateway;
pub(crate) mod load;
pub(crate) mod shop;

use std::io::Write;
use std::path::PathBuf;

/// Where `name` is in the PATH. If it is missing the test that asks is to end early: the skip is
/// noted for the summary of the run, or is a failure where `SEAWALL_REQUIRE=all` is set.
pub(crate) fn program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).map(|folder| folder.join(name)).find(|p| p.is_file());
    if found.is_none() {
        note_missing(name);
    }
    found
}

fn note_missing(name: &str) {
    let required = std::env::var("SEAWALL_REQUIRE").is_ok_and(|value| value == "all");
    assert!(!required, "{name} is not installed, and SEAWALL_REQUIRE=all is set");
    let Some(file) = std::env::var_os("SEAWALL_SKIPPED") else { return };
    let thread = std::thread::current();
    let line = format!("{}: needs {name}\n", thread.name().unwrap_or("a test"));
    // One write, so that lines of tests that run side by side do not mix.
    let mut file = std::fs::OpenOptions::new().append(true).create(true).open(file).unwrap();
    file.write_all(line.as_bytes()).unwrap();
}
