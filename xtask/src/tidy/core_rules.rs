//! What only `seawall-core` must keep: it is `no_std` whatever the features, names no `std`, and
//! computes with floats in its estimators alone.

use super::findings::Finding;
use super::repository::Repository;
use super::rust_file::RustFile;
use super::tokens::{group_at, positions};

const SOURCES: &str = "crates/seawall-core/src/";

/// Names of files that hold estimators, which may compute with floats: moving averages weigh
/// the past by an exponential of time, which integers only approach; a bent slow start takes a
/// root, and weighted rendezvous a logarithm. Failure detectors (`phi.rs`, `suspicion.rs`) take
/// logarithms; what decides are the durations that come out, as integers. `ratio.rs` is the border
/// at which a share that a program has computed becomes an integer; `sizing.rs`, `odds.rs` and
/// `tail.rs` advise.
const ESTIMATORS: [&str; 9] = [
    "odds.rs",
    "peak_ewma.rs",
    "phi.rs",
    "ramp.rs",
    "ratio.rs",
    "rendezvous.rs",
    "sizing.rs",
    "suspicion.rs",
    "tail.rs",
];

pub(super) fn check(repository: &Repository, findings: &mut Vec<Finding>) {
    for file in repository.rust.iter().filter(|file| file.path.starts_with(SOURCES)) {
        check_no_std(file, findings);
        check_std(file, findings);
        check_floats(file, findings);
    }
}

fn check_no_std(file: &RustFile, findings: &mut Vec<Finding>) {
    let says_so = file.lines_of(&["#", "!", "[", "no_std", "]"]).next().is_some();
    if file.path.strip_prefix(SOURCES) == Some("lib.rs") && !says_so {
        let mend = "write `#![no_std]` with no condition around it";
        findings.push(Finding::new(&file.path, 1, "is not always `no_std`", mend));
    }
}

fn check_std(file: &RustFile, findings: &mut Vec<Finding>) {
    let paths = file.lines_of(&["std", ":", ":"]);
    let crates = file.lines_of(&["extern", "crate", "std"]);
    for line in paths.chain(crates).filter(|line| !file.is_test_line(*line)) {
        let mend = "use `core` or `alloc`; what needs more belongs to a driver";
        findings.push(Finding::new(&file.path, line, "names `std` outside of tests", mend));
    }
}

fn check_floats(file: &RustFile, findings: &mut Vec<Finding>) {
    let name = file.path.rsplit('/').next().unwrap_or_default();
    if ESTIMATORS.contains(&name) {
        return;
    }
    for start in positions(&file.tokens, &["expect", "("]) {
        let group = group_at(&file.tokens, start + 1);
        let line = file.tokens[start].line;
        let floats = group.iter().any(|token| token.text == "float_arithmetic");
        if floats && !file.is_test_line(line) {
            let mend = "use integers or `Ratio`, or add the file to ESTIMATORS with its reason";
            let what = "computes with floats, and is no estimator";
            findings.push(Finding::new(&file.path, line, what, mend));
        }
    }
}
