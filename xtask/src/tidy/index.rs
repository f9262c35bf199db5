//! The page of known defects and worked examples is the one that `cargo xtask index` would write,
//! and each of them has a test or a reason to wait for one.

use super::findings::Finding;
use super::repository::Repository;
use crate::index::{PAGE, missing, page};

pub(super) fn check(repository: &Repository, findings: &mut Vec<Finding>) {
    let Some(text) = repository.files.get(PAGE) else { return };
    if *text != page(repository) {
        let mend = "run `cargo xtask index` and commit what it writes";
        findings.push(Finding::new(PAGE, 1, "is stale", mend));
    }
    for id in missing(repository) {
        let what = format!("{id} has no test that bears its number");
        let mend = "write one, or say in xtask/src/index/titles.txt what it waits for";
        findings.push(Finding::new(PAGE, 1, what, mend));
    }
}
