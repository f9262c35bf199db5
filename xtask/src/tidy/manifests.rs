//! Manifests: every crate inherits the lints, and every shared dependency has a reason. So has
//! every dependency of a workspace beside ours, which shares none.

use toml_edit::DocumentMut;

use super::findings::Finding;
use super::repository::Repository;

pub(super) fn check(repository: &Repository, findings: &mut Vec<Finding>) {
    for (path, text) in repository.ending("Cargo.toml") {
        if path == "Cargo.toml" {
            check_reasons(path, text, "[workspace.dependencies]", findings);
            continue;
        }
        check_lints(path, text, findings);
        if text.lines().any(|line| line.trim() == "[workspace]") {
            check_reasons(path, text, "[dependencies]", findings);
        }
    }
}

fn check_lints(path: &str, text: &str, findings: &mut Vec<Finding>) {
    let manifest = text.parse::<DocumentMut>().unwrap_or_default();
    let inherits = manifest.get("lints").and_then(|lints| lints.get("workspace"));
    let is_crate = manifest.contains_key("package");
    if is_crate && inherits.and_then(toml_edit::Item::as_bool) != Some(true) {
        let mend = "add `[lints]` with `workspace = true`";
        findings.push(Finding::new(path, 1, "does not inherit the lints", mend));
    }
}

/// Crates of our own need no reason: they are what the workspace is for.
fn check_reasons(path: &str, text: &str, section: &str, findings: &mut Vec<Finding>) {
    let mut inside = false;
    let mut above = "";
    for (index, line) in text.lines().enumerate() {
        if line.starts_with('[') {
            inside = line.trim() == section;
        } else if inside && is_entry(line) && !line.contains("path =") && !is_reason(above) {
            let name = line.split('=').next().unwrap_or_default().trim();
            let what = format!("the dependency `{name}` has no reason");
            let mend = "say in a comment on the line above what it is for";
            findings.push(Finding::new(path, index + 1, what, mend));
        }
        above = line;
    }
}

fn is_entry(line: &str) -> bool {
    line.starts_with(|first: char| first.is_ascii_alphanumeric()) && line.contains('=')
}

/// A comment, but not the title of a section such as `# --- networking ---`.
fn is_reason(line: &str) -> bool {
    line.strip_prefix('#').is_some_and(|text| {
        let text = text.trim();
        !text.is_empty() && !text.starts_with("---")
    })
}
