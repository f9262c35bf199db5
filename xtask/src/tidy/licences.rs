//! The licences of all packages in the tree, against the list in deny.toml: the same list that
//! cargo-deny reads, but checked without it and without the net.

use std::collections::BTreeSet;

use spdx::{Expression, LicenseItem, LicenseReq, ParseMode};
use toml_edit::{DocumentMut, Item, Value};

use super::findings::Finding;
use super::graph::{Graph, Node};
use super::repository::Repository;

const LIST: &str = "deny.toml";

pub(super) fn check(repository: &Repository, graph: &Graph, findings: &mut Vec<Finding>) {
    let list = repository.files.get(LIST).map_or("", String::as_str);
    let allowed = allowed_by(list);
    if allowed.is_empty() {
        let mend = "list what is accepted as `[licenses] allow = [\"…\"]`";
        findings.push(Finding::new(LIST, 1, "allows no licence", mend));
        return;
    }
    for node in &graph.nodes {
        if let Some(what) = refusal(node, &allowed) {
            let mend = format!("replace the crate, or accept the licence in {LIST} with a reason");
            findings.push(Finding::new("Cargo.lock", 1, what, mend));
        }
    }
}

fn allowed_by(list: &str) -> BTreeSet<String> {
    let document = list.parse::<DocumentMut>().unwrap_or_default();
    let allow = document.get("licenses").and_then(|table| table.get("allow"));
    let values = allow.and_then(Item::as_array).into_iter().flatten();
    values.filter_map(Value::as_str).map(str::to_owned).collect()
}

/// Why the package is refused, if it is.
fn refusal(node: &Node, allowed: &BTreeSet<String>) -> Option<String> {
    let Node { name, version, licence, .. } = node;
    let Some(licence) = licence else {
        return Some(format!("{name} {version} states no licence"));
    };
    // Lax, because older packages write `MIT/Apache-2.0`.
    match Expression::parse_mode(licence, ParseMode::LAX) {
        Ok(expression) if expression.evaluate(|term| is_allowed(term, allowed)) => None,
        Ok(_) => Some(format!("{name} {version} is under `{licence}`, which is not accepted")),
        Err(_) => Some(format!("{name} {version} has the licence `{licence}`, no SPDX expression")),
    }
}

/// An exception (`… WITH …`) only grants more, so the licence alone decides.
fn is_allowed(term: &LicenseReq, allowed: &BTreeSet<String>) -> bool {
    match &term.license {
        LicenseItem::Spdx { id, .. } => allowed.contains(id.name),
        LicenseItem::Other { .. } => false,
    }
}
