//! Whether a product holds more than before: pure, from readings.
//!
//! Memory is judged under load, the last third of the minutes against the first, since a heap that
//! nobody uses may shrink by chance. Descriptors, threads and what the product itself says it holds
//! are judged in quiet, before the load and after it, since under load they are as many as the load
//! wants.

use std::collections::BTreeMap;

use serde::Serialize;

use super::Soaked;
use crate::peer::{Cost, Product};
use crate::stamp::Stamp;

/// What a product held at a time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Reading {
    /// When.
    pub at: Stamp,
    /// By /proc.
    pub cost: Cost,
    /// By its own account; empty where it has none.
    pub holds: BTreeMap<String, i64>,
}

/// A figure before and after.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Change {
    /// Before.
    pub before: u64,
    /// After.
    pub after: u64,
}

/// What was judged.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Verdict {
    /// Mean resident bytes of the first and of the last third.
    pub resident: Option<Change>,
    /// Descriptors in quiet: the most before, the fewest after.
    pub descriptors: Option<Change>,
    /// Threads in quiet, likewise.
    pub threads: Option<Change>,
    /// What it says itself that it holds, likewise; never below zero.
    pub holds: BTreeMap<String, Change>,
    /// What grew beyond its bound, in words; empty where nothing did.
    pub leaks: Vec<String>,
}

/// How much more memory than the first third the last may have, in thousandths.
const GROWTH: u64 = 50;

/// Judges readings: of the quiet before, of the minutes under load, of the quiet after.
pub(super) fn judge(before: &[Reading], during: &[&Reading], after: &[Reading]) -> Verdict {
    let quiet = |of: fn(&Reading) -> u64| {
        let most = before.iter().map(of).max();
        most.zip(after.iter().map(of).min()).map(|(before, after)| Change { before, after })
    };
    let mut verdict = Verdict {
        resident: thirds(during),
        descriptors: quiet(|reading| reading.cost.descriptors),
        threads: quiet(|reading| reading.cost.threads),
        holds: holds(before, after),
        leaks: Vec::new(),
    };
    verdict.leaks = leaks(&verdict);
    verdict
}

/// Whether a reading in quiet shows nothing more than before: no need to wait any longer.
pub(super) fn is_settled(before: &[Reading], now: &Reading) -> bool {
    let verdict = judge(before, &[], std::slice::from_ref(now));
    verdict.leaks.is_empty()
}

fn thirds(during: &[&Reading]) -> Option<Change> {
    let third = during.len() / 3;
    let last = during.len() - third;
    Some(Change { before: mean(during.get(..third)?)?, after: mean(during.get(last..)?)? })
}

/// Their mean resident bytes.
pub(super) fn mean(readings: &[&Reading]) -> Option<u64> {
    let sum: u128 = readings.iter().map(|reading| u128::from(reading.cost.resident)).sum();
    let mean = sum.checked_div(u128::try_from(readings.len()).ok()?)?;
    u64::try_from(mean).ok()
}

fn holds(before: &[Reading], after: &[Reading]) -> BTreeMap<String, Change> {
    let of = |reading: &Reading, name: &str| {
        let held = reading.holds.get(name).copied();
        held.map(|held| u64::try_from(held).unwrap_or(0))
    };
    let names = before.iter().flat_map(|reading| reading.holds.keys());
    let each = names.filter_map(|name| {
        let most = before.iter().filter_map(|reading| of(reading, name)).max()?;
        let fewest = after.iter().filter_map(|reading| of(reading, name)).min()?;
        Some((name.clone(), Change { before: most, after: fewest }))
    });
    each.collect()
}

fn leaks(verdict: &Verdict) -> Vec<String> {
    let mut leaks = Vec::new();
    if let Some(Change { before, after }) = verdict.resident
        && u128::from(after) * 1_000 > u128::from(before) * u128::from(1_000 + GROWTH)
    {
        leaks.push(format!("resident memory grew from {before} to {after} bytes"));
    }
    let quiet = [("descriptors", verdict.descriptors), ("threads", verdict.threads)];
    let quiet = quiet.into_iter().filter_map(|(name, change)| Some((name, change?)));
    let told = verdict.holds.iter().map(|(name, change)| (name.as_str(), *change));
    let grown = quiet.chain(told).filter(|(_, change)| change.after > change.before);
    leaks.extend(grown.map(|(name, Change { before, after })| {
        format!("{name} in quiet: {before} before, {after} after")
    }));
    leaks
}

/// The status to exit with: what peers hold is theirs.
pub(super) fn status(soaked: &[Soaked], failed: bool) -> u8 {
    let ours = soaked.iter().filter(|one| one.product == Product::Seawall);
    if ours.clone().any(|one| !one.verdict.leaks.is_empty()) {
        return 1;
    }
    let unjudged = |one: &Soaked| one.verdict.resident.is_none() || !one.flaws.is_empty();
    if failed || soaked.iter().any(unjudged) { 2 } else { 0 }
}
