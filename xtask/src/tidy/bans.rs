//! Crates and features that must not come into the tree, from the list of bans in deny.toml:
//! the same that cargo-deny reads, but checked without it and without the net.

use toml_edit::{ArrayOfTables, DocumentMut, Item, TableLike, Value};

use super::findings::Finding;
use super::graph::Graph;
use super::repository::Repository;

const LIST: &str = "deny.toml";

pub(super) fn check(repository: &Repository, graph: &Graph, findings: &mut Vec<Finding>) {
    let list = repository.files.get(LIST).map_or("", String::as_str);
    let bans = bans_of(list);
    for node in &graph.nodes {
        for ban in bans.iter().filter(|ban| ban.name == node.name) {
            let what = match &ban.feature {
                Some(feature) if !node.features.contains(feature) => continue,
                Some(feature) => format!("{} has the feature `{feature}`", node.name),
                None => format!("{} {} is in the tree", node.name, node.version),
            };
            let what = format!("{what}, which is banned: {}", ban.reason);
            let mend = format!("`cargo tree --invert {} -e features` says who wants it", node.name);
            findings.push(Finding::new("Cargo.lock", 1, what, mend));
        }
    }
}

/// A crate that is banned, or one feature of it.
struct Ban {
    name: String,
    feature: Option<String>,
    reason: String,
}

fn bans_of(list: &str) -> Vec<Ban> {
    let document = list.parse::<DocumentMut>().unwrap_or_default();
    let section = |name| document.get("bans").and_then(|bans| bans.get(name));
    let crates = section("deny").and_then(Item::as_array).into_iter().flatten();
    let crates = crates.filter_map(Value::as_inline_table).map(|entry| ban(entry, None));
    let features = section("features").and_then(Item::as_array_of_tables);
    let features = features.into_iter().flat_map(ArrayOfTables::iter);
    let features = features.flat_map(|entry| {
        let names = strings(entry.get("deny"));
        names.into_iter().map(|name| ban(entry, Some(name))).collect::<Vec<_>>()
    });
    crates.chain(features).collect()
}

fn ban(entry: &dyn TableLike, feature: Option<String>) -> Ban {
    let text = |key| entry.get(key).and_then(Item::as_str).unwrap_or_default().to_owned();
    Ban { name: text("crate"), feature, reason: text("reason") }
}

fn strings(list: Option<&Item>) -> Vec<String> {
    let values = list.and_then(Item::as_array).into_iter().flatten();
    values.filter_map(Value::as_str).map(str::to_owned).collect()
}
