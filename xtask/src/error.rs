//! Why a chore could not run at all. What a chore finds wrong in the repository is no error
//! but a `tidy::Finding` or a failed step.

use std::path::PathBuf;

/// Each message says what to do, because whoever reads it wanted to do something else.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("CARGO_MANIFEST_DIR is not set; start this program as `cargo xtask`")]
    NoRoot,
    #[error("cannot start `{program}`: {source}; is it installed and in PATH?")]
    Start { program: String, source: std::io::Error },
    #[error("cannot read {}: {source}", path.display())]
    Read { path: PathBuf, source: std::io::Error },
    #[error("cannot write {}: {source}", path.display())]
    Write { path: PathBuf, source: std::io::Error },
    #[error(
        "{} is not there, which merges profiles; `rustup component add llvm-tools` installs it",
        path.display()
    )]
    NoMerger { path: PathBuf },
    #[error(
        "no profile is in {}; did the load run, and did the program end by itself?",
        path.display()
    )]
    NoProfile { path: PathBuf },
    #[error("cannot write the report: {0}")]
    Report(#[from] std::io::Error),
    #[error("`cargo metadata` failed: {0}; `cargo metadata` alone shows the whole message")]
    Metadata(#[from] cargo_metadata::Error),
}
