//! `cargo xtask tidy`: checks of house style that no lint of rustc or clippy makes. Here the
//! list of checks and how their findings are told; each check has a file of its own.

mod bans;
mod clippy_files;
mod core_rules;
mod direction;
mod findings;
mod graph;
mod index;
mod layout;
mod licences;
mod links;
mod manifests;
mod names;
mod pages;
mod places;
mod repository;
mod rust_file;
mod sizes;
mod tokens;
mod words;

#[cfg(test)]
mod tests;

use std::io::Write;

use crate::Clean;
use crate::error::Error;
use crate::process::Workspace;
use findings::Finding;
use graph::Graph;
pub(crate) use repository::Repository;
pub(crate) use rust_file::RustFile;

/// Runs every check, prints sizes beside their targets, then each finding.
pub(crate) fn run(out: &mut dyn Write) -> Result<Clean, Error> {
    let workspace = Workspace::find()?;
    let repository = Repository::read(&workspace.root)?;
    let graph = Graph::read(&workspace.root)?;
    sizes::write_table(&repository, out)?;
    let mut findings = Vec::new();
    check(&repository, &graph, &mut findings);
    findings.sort();
    for finding in &findings {
        writeln!(out, "{finding}")?;
    }
    writeln!(out, "tidy: {} findings in {} files", findings.len(), repository.files.len())?;
    Ok(findings.is_empty())
}

/// Every check there is.
fn check(repository: &Repository, graph: &Graph, findings: &mut Vec<Finding>) {
    for look in LOOKS {
        look(repository, findings);
    }
    direction::check(repository, graph, findings);
    graph.check_floors(findings);
    licences::check(repository, graph, findings);
    bans::check(repository, graph, findings);
}

/// A check that needs the files alone.
type Look = fn(&Repository, &mut Vec<Finding>);

const LOOKS: [Look; 11] = [
    layout::check,
    sizes::check,
    words::check,
    names::check,
    manifests::check,
    clippy_files::check,
    links::check,
    pages::check,
    places::check,
    core_rules::check,
    index::check,
];
