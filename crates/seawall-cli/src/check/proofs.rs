//! What findings come to in small simulated worlds, as text and as JSON.
//!
//! The worlds are those of `seawall_sim::prove`.

use anstream::println;
use serde_json::Value;

use seawall_config::Config;
use seawall_config::lint::{Finding, Report, Rule};
use seawall_sim::prove::{Proof, prove};

/// The findings that are meant: all, or those of the named rules, allowed or not.
fn meant<'a>(report: &'a Report, rules: &'a [Rule]) -> impl Iterator<Item = &'a Finding> {
    let allowed = report.allowed.iter().map(|(finding, _)| finding);
    let allowed = allowed.filter(|_| !rules.is_empty());
    let all = report.findings.iter().chain(allowed);
    all.filter(|finding| rules.is_empty() || rules.contains(&finding.rule))
}

fn proofs(config: &Config, report: &Report, rules: &[Rule]) -> Vec<Proof> {
    meant(report, rules).filter_map(|finding| prove(config, finding)).collect()
}

/// A few lines for each proof, and what has none.
pub(super) fn print(config: &Config, report: &Report, rules: &[Rule]) {
    for proof in proofs(config, report, rules) {
        println!("{}\n", proof.text());
    }
    for finding in meant(report, rules).filter(|finding| finding.proof.is_none()) {
        println!("{} {}\n  nothing to simulate\n", finding.rule, finding.about);
    }
    for rule in rules.iter().filter(|rule| meant(report, &[**rule]).next().is_none()) {
        println!("{rule} finds nothing in {}", config.file);
    }
    println!("{}: {}", config.file, super::findings::summary(report));
}

/// All proofs.
pub(super) fn json(config: &Config, report: &Report, rules: &[Rule]) -> Value {
    proofs(config, report, rules).iter().map(Proof::json).collect()
}
