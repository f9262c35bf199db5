//! Programs on pages of the project must be among those that the doc tests compile and run, or
//! they go stale unseen.

use super::findings::Finding;
use super::repository::Repository;

/// Includes the pages whose programs are doc tests.
const RUN: &str = "crates/seawall/src/pages.rs";

/// Words of a fence that keep a program from being run.
const UNRUN: [&str; 3] = ["ignore", "no_run", "compile_fail"];

pub(super) fn check(repository: &Repository, findings: &mut Vec<Finding>) {
    let run = repository.files.get(RUN).map_or("", String::as_str);
    for (path, text) in repository.ending(".md") {
        let included = run.contains(&format!("/{path}\""));
        for (index, line) in text.lines().enumerate() {
            let Some(words) = line.strip_prefix("```rust") else { continue };
            if !included {
                let mend = format!("include the page in {RUN}");
                findings.push(Finding::new(path, index + 1, "no test runs this program", mend));
            } else if let Some(word) = UNRUN.iter().find(|word| words.contains(**word)) {
                let what = format!("`{word}` keeps this program from being run");
                findings.push(Finding::new(path, index + 1, what, "make it a whole program"));
            }
        }
    }
}
