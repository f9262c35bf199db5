//! The optional programs that some tests drive, and whether they are there. Each test looks for
//! its program itself and notes in the file `SEAWALL_SKIPPED` that it was skipped.

use std::ffi::OsStr;
use std::path::Path;

/// An optional program and the reason why tests want it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Program {
    pub(super) name: &'static str,
    pub(super) purpose: &'static str,
}

const PROGRAMS: [Program; 4] = [
    Program { name: "curl", purpose: "an ordinary client against the gateway" },
    Program { name: "wrk", purpose: "many HTTP/1.1 connections at once" },
    Program { name: "h2load", purpose: "many HTTP/2 streams at once" },
    Program { name: "chromium", purpose: "the dashboard in a real browser" },
];

/// What `SEAWALL_REQUIRE` asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Demand {
    /// Tests without their program are skipped and listed.
    WhatIsThere,
    /// A missing program is a failure.
    All,
}

impl Demand {
    pub(super) fn from_environment() -> Self {
        Self::from_value(std::env::var_os("SEAWALL_REQUIRE").as_deref())
    }

    fn from_value(value: Option<&OsStr>) -> Self {
        if value == Some(OsStr::new("all")) { Self::All } else { Self::WhatIsThere }
    }
}

/// The programs that no folder of `path` holds.
pub(super) fn missing(path: Option<&OsStr>) -> Vec<Program> {
    PROGRAMS.into_iter().filter(|program| !is_in_path(program.name, path)).collect()
}

fn is_in_path(name: &str, path: Option<&OsStr>) -> bool {
    let path = path.unwrap_or_default();
    std::env::split_paths(path).any(|folder| is_program(&folder.join(name)))
}

#[cfg(unix)]
fn is_program(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    file.metadata().is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
fn is_program(file: &Path) -> bool {
    file.is_file() || file.with_extension("exe").is_file()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_program_is_missing_from_an_empty_path() {
        assert_eq!(missing(None), PROGRAMS);
    }

    #[test]
    fn only_the_word_all_demands_all() {
        assert_eq!(Demand::from_value(Some(OsStr::new("all"))), Demand::All);
        assert_eq!(Demand::from_value(Some(OsStr::new("1"))), Demand::WhatIsThere);
        assert_eq!(Demand::from_value(None), Demand::WhatIsThere);
    }

    #[cfg(unix)]
    #[test]
    fn a_file_that_cannot_be_executed_is_no_program() {
        assert!(!is_program(Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml").as_path()));
        assert!(is_program(Path::new("/bin/sh")));
    }
}
