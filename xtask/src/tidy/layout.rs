//! The shape of source files: the header, the width, and that they can be read at all.

use super::findings::Finding;
use super::repository::Repository;
use super::rust_file::RustFile;

/// Widest line in characters. rustfmt keeps it for code but not for comments and strings.
const COLUMNS: usize = 100;

pub(super) fn check(repository: &Repository, findings: &mut Vec<Finding>) {
    for file in &repository.rust {
        check_header(file, findings);
        check_columns(file, findings);
        if file.tree.is_none() {
            let mend = "mend the syntax; `cargo check` says where";
            findings.push(Finding::new(&file.path, 1, "is not Rust that can be parsed", mend));
        }
    }
}

fn check_header(file: &RustFile, findings: &mut Vec<Finding>) {
    let first = file.text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    if first.strip_prefix("//!").is_none_or(|text| text.trim().is_empty()) {
        let mend = "begin with `//!` and say what lives here, what does not and where that is";
        findings.push(Finding::new(&file.path, 1, "has no header", mend));
    }
}

fn check_columns(file: &RustFile, findings: &mut Vec<Finding>) {
    for (index, line) in file.text.lines().enumerate() {
        let width = line.chars().count();
        if width > COLUMNS {
            let what = format!("is {width} columns wide, over {COLUMNS}");
            findings.push(Finding::new(&file.path, index + 1, what, "break the line"));
        }
    }
}
