//! What may rewrite sources: the formatter and the mends that clippy is sure of. All other
//! chores only read.

use std::io::Write;

use crate::Clean;
use crate::error::Error;
use crate::process::{self, CargoCall, Workspace};

/// Clippy goes first: what it rewrites then gets formatted.
pub(crate) fn run(out: &mut dyn Write) -> Result<Clean, Error> {
    let workspace = Workspace::find()?;
    let mends = ["clippy", "--workspace", "--all-targets", "--fix", "--allow-dirty"];
    let mended = process::loud(&workspace, &CargoCall::new(&mends).arg("--allow-staged"))?;
    let formatted = process::loud(&workspace, &CargoCall::new(&["fmt", "--all"]))?;
    if mended && formatted {
        writeln!(out, "formatted and mended; see `git diff`")?;
    }
    Ok(mended && formatted)
}
