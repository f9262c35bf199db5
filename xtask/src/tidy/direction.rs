//! Who may depend on whom. One table; what cargo resolved and the picture in ARCHITECTURE.md
//! are both held against it.

use std::collections::BTreeSet;

use super::findings::Finding;
use super::graph::{Graph, Node};
use super::repository::Repository;

/// Each crate and those of ours that its product code may use. Everything points to the core.
const TABLE: [(&str, &[&str]); 10] = [
    (CORE, &[]),
    ("seawall", &[CORE, "seawall-config"]),
    ("seawall-config", &[CORE]),
    ("seawall-upstream", &[CORE]),
    ("seawall-gateway", &[CORE, "seawall-config", "seawall-upstream"]),
    // Drawing alone: it knows nobody, and those who report know it.
    ("seawall-plot", &[]),
    ("seawall-sim", &[CORE, "seawall-config", "seawall-plot"]),
    ("seawall-admin", &[CORE, "seawall-config", "seawall-gateway"]),
    (
        "seawall-cli",
        &[
            CORE,
            "seawall-admin",
            "seawall-config",
            "seawall-gateway",
            "seawall-sim",
            "seawall-upstream",
        ],
    ),
    // It knows the gateway only as a program, like every product that it measures.
    ("gauntlet", &[CORE, "seawall-plot"]),
];

const CORE: &str = "seawall-core";
/// The chores use none of what they check, and none of it uses them.
const CHORES: &str = "xtask";

/// What the core may use from elsewhere, and whether only as an option: it has no I/O, so it
/// needs mathematics, a published hash whose values never change (consistent hashing places keys
/// and names by it) and, for those who store its types, their serialised form.
const CORE_MAY_USE: [(&str, bool); 3] = [("libm", false), ("serde", true), ("xxhash-rust", false)];

/// The simulator runs worlds, and nothing that could reach out of them.
const SIMULATOR: &str = "seawall-sim";
const SIMULATOR_MUST_NOT_USE: [&str; 8] =
    ["async-std", "h2", "hyper", "mio", "quinn", "smol", "socket2", "tokio"];

pub(super) fn check(repository: &Repository, graph: &Graph, findings: &mut Vec<Finding>) {
    let ours: BTreeSet<&str> = graph.ours().map(|(node, _)| node.name.as_str()).collect();
    for (node, manifest) in graph.ours() {
        check_edges(node, manifest, &ours, findings);
        if node.name == CORE {
            check_core(node, manifest, findings);
        }
    }
    check_simulator(graph, findings);
    check_picture(repository, findings);
}

/// Follows every edge of product code from the simulator on.
fn check_simulator(graph: &Graph, findings: &mut Vec<Finding>) {
    let mut reached = BTreeSet::new();
    let mut left = vec![SIMULATOR];
    while let Some(name) = left.pop() {
        if !reached.insert(name) {
            continue;
        }
        let nodes = graph.nodes.iter().filter(|node| node.name == name);
        left.extend(nodes.flat_map(|node| &node.uses).map(|used| used.name.as_str()));
    }
    for name in SIMULATOR_MUST_NOT_USE.into_iter().filter(|name| reached.contains(name)) {
        let what = format!("`{SIMULATOR}` comes to depend on `{name}`");
        let mend = format!("see `cargo tree -p {SIMULATOR} -e normal -i {name}`, and cut the edge");
        findings.push(Finding::new(&format!("crates/{SIMULATOR}/Cargo.toml"), 1, what, mend));
    }
}

fn check_edges(node: &Node, manifest: &str, ours: &BTreeSet<&str>, findings: &mut Vec<Finding>) {
    let Some(allowed) = allowed(&node.name) else {
        let what = format!("the crate `{}` has no place in the crate direction", node.name);
        let mend = "add it to the table in xtask/src/tidy/direction.rs and to ARCHITECTURE.md";
        findings.push(Finding::new(manifest, 1, what, mend));
        return;
    };
    let used = node.uses.iter().map(|one| one.name.as_str()).filter(|name| ours.contains(name));
    for name in used.filter(|name| !allowed.contains(name)) {
        let what = format!("`{}` must not depend on `{name}`", node.name);
        let mend = "move what is shared towards seawall-core, or hand it in from above";
        findings.push(Finding::new(manifest, 1, what, mend));
    }
}

fn allowed(name: &str) -> Option<&'static [&'static str]> {
    let in_table = TABLE.iter().find(|(krate, _)| *krate == name).map(|(_, allowed)| *allowed);
    in_table.or_else(|| (name == CHORES).then_some(&[]))
}

fn check_core(node: &Node, manifest: &str, findings: &mut Vec<Finding>) {
    for used in &node.uses {
        let fits = |(name, only_optional): &(&str, bool)| {
            *name == used.name && (used.optional || !only_optional)
        };
        if !CORE_MAY_USE.iter().any(fits) {
            let what = format!("the core must not depend on `{}`", used.name);
            let mend = "keep it in a driver; the core may use libm, xxhash-rust and optional serde";
            findings.push(Finding::new(manifest, 1, what, mend));
        }
    }
}

const DOCUMENT: &str = "ARCHITECTURE.md";
const MARKER: &str = "<!-- crate-direction -->";

/// The document may come later than the code; once it is there it has to agree.
fn check_picture(repository: &Repository, findings: &mut Vec<Finding>) {
    let Some(text) = repository.files.get(DOCUMENT) else { return };
    let Some(start) = text.lines().position(|line| line.trim() == MARKER) else {
        let mend = format!("add `{MARKER}` and below it a fenced block:{}", block());
        findings.push(Finding::new(DOCUMENT, 1, "does not show the crate direction", mend));
        return;
    };
    let said: BTreeSet<String> = fenced_lines(text, start).map(normal_form).collect();
    let meant: BTreeSet<String> = TABLE.iter().map(|row| normal_form(&line_of(row))).collect();
    if said != meant {
        let what = "the crate direction differs from the table in xtask/src/tidy/direction.rs";
        let mend = format!("if the table is right, write{}", block());
        findings.push(Finding::new(DOCUMENT, start + 1, what, mend));
    }
}

/// The lines of the first fenced block after line `start`, counted from 0.
fn fenced_lines(text: &str, start: usize) -> impl Iterator<Item = &str> {
    let is_fence = |line: &&str| line.trim_start().starts_with("```");
    let after = text.lines().skip(start + 1).skip_while(move |line| !is_fence(line)).skip(1);
    after.take_while(move |line| !is_fence(line)).filter(|line| !line.trim().is_empty())
}

/// The crate first, then those it may use in the order of the alphabet.
fn normal_form(line: &str) -> String {
    let (krate, used) = line.split_once("->").unwrap_or((line, ""));
    let used: BTreeSet<&str> = used.split_whitespace().collect();
    let used: Vec<&str> = used.into_iter().collect();
    format!("{} -> {}", krate.trim(), used.join(" ")).trim_end().to_owned()
}

fn line_of((krate, allowed): &(&str, &[&str])) -> String {
    format!("{krate} -> {}", allowed.join(" ")).trim_end().to_owned()
}

fn block() -> String {
    TABLE.iter().map(|row| format!("\n    {}", line_of(row))).collect()
}
