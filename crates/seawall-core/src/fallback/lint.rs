//! What is wrong with a set of ladders before any call is made.
//!
//! Names, lines and how bad it is are the business of whoever asks.

use alloc::collections::BTreeSet;
use alloc::vec::Vec;

use super::Rung;

/// An upstream as its ladder and its own needs describe it. Numbers are the driver's; upstreams and
/// other things that may fail (a database, a zone) share one range of numbers.
#[derive(Clone, Copy, Debug)]
pub struct Guarded<'a> {
    /// The upstream.
    pub upstream: u32,
    /// What it cannot do without.
    pub depends_on: &'a [u32],
    /// Its ladder.
    pub rungs: &'a [Rung],
}

/// A ladder that will not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// Following ladders leads back to where it started. From the least number, which is not
    /// repeated at the end.
    Cycle(Vec<u32>),
    /// A rung fails together with what it stands in for.
    SharedDependency {
        /// What it stands in for.
        upstream: u32,
        /// The upstream of the rung.
        rung: u32,
        /// What both cannot do without; the upstream itself, if the rung depends on that.
        dependency: u32,
    },
}

/// Looks at all ladders together. Each cycle and each shared dependency is found once. Costs
/// O(n · (n + edges)) and runs once per configuration.
#[must_use]
pub fn lint(all: &[Guarded<'_>]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for one in all {
        findings.extend(shared(all, one));
        findings.extend(cycle(all, one.upstream));
    }
    findings
}

fn shared(all: &[Guarded<'_>], one: &Guarded<'_>) -> Vec<Finding> {
    let needs = closure(all, one.upstream);
    let mut findings = Vec::new();
    for rung in targets(one) {
        for dependency in closure(all, rung).intersection(&needs) {
            let (upstream, dependency) = (one.upstream, *dependency);
            findings.push(Finding::SharedDependency { upstream, rung, dependency });
        }
    }
    findings
}

/// `from` and everything that it cannot do without, however indirectly.
fn closure(all: &[Guarded<'_>], from: u32) -> BTreeSet<u32> {
    let (mut seen, mut open) = (BTreeSet::from([from]), alloc::vec![from]);
    while let Some(next) = open.pop() {
        for one in all.iter().filter(|one| one.upstream == next) {
            open.extend(one.depends_on.iter().filter(|dependency| seen.insert(**dependency)));
        }
    }
    seen
}

/// The shortest way back to `start` over ladders, if `start` is the least number on it.
fn cycle(all: &[Guarded<'_>], start: u32) -> Option<Finding> {
    let mut seen = BTreeSet::new();
    let mut paths = Vec::from([alloc::vec![start]]);
    while !paths.is_empty() {
        let mut longer = Vec::new();
        for path in paths {
            let last = path.last().copied().unwrap_or(start);
            for next in all.iter().filter(|one| one.upstream == last).flat_map(targets) {
                if next == start {
                    return Some(Finding::Cycle(path));
                }
                if next > start && seen.insert(next) {
                    let mut path = path.clone();
                    path.push(next);
                    longer.push(path);
                }
            }
        }
        paths = longer;
    }
    None
}

fn targets(one: &Guarded<'_>) -> impl Iterator<Item = u32> {
    one.rungs.iter().filter_map(|rung| match rung {
        Rung::Upstream(upstream) => Some(*upstream),
        Rung::Stale | Rung::Default => None,
    })
}
