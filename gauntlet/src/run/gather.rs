//! What a run has written, read back and put together.

use std::collections::BTreeSet;

use super::meter::Meter;
use super::scene::attempts_file;
use super::{Failure, Order, Relief, Run};
use crate::fault::{Strike, probe};
use crate::load::Summary;
use crate::record::{self, Answered, Attempt, Deed, What};
use crate::scenario::Fault;
use crate::stamp::Stamp;
use crate::stream::Planned;

/// The file of what users saw.
pub(super) const ANSWERED: &str = "answered.jsonl";
/// The file of what the generator tells of itself.
pub(super) const SUMMARY: &str = "load.json";
/// The file of the runner's deeds, for those who keep records.
const DEEDS: &str = "deeds.jsonl";

/// The file of cost and packets, likewise.
const SAMPLES: &str = "samples.json";

/// What the runner itself knows at the end.
pub(super) struct Written {
    pub(super) start: Stamp,
    pub(super) stream: Vec<Planned>,
    pub(super) targets: Vec<u8>,
    pub(super) deeds: Vec<Deed>,
    pub(super) version: String,
    pub(super) relief: Option<Relief>,
}

/// The replicas that faults strike, each once.
pub(super) fn targets(strikes: &[Strike]) -> Vec<u8> {
    let all: BTreeSet<u8> = strikes.iter().flat_map(|strike| strike.targets.clone()).collect();
    all.into_iter().collect()
}

/// Puts the records together.
pub(super) fn run(order: &Order<'_>, written: Written, meter: Meter) -> Result<Run, Failure> {
    let failed = |error: &dyn std::fmt::Display| Failure::Records(error.to_string());
    let answered = record::read_answered(&order.folder.join(ANSWERED)).map_err(|e| failed(&e))?;
    let files: Vec<_> = (0..order.scenario.replicas.all())
        .map(|index| order.folder.join(attempts_file(index)))
        .collect();
    let mut attempts = record::read_attempts(&files).map_err(|e| failed(&e))?;
    attempts.retain(is_no_probe);
    let summary = std::fs::read(order.folder.join(SUMMARY)).map_err(|e| failed(&e))?;
    let summary: Summary = serde_json::from_slice(&summary).map_err(|e| failed(&e))?;
    let mut deeds = written.deeds;
    deeds.extend(overflow(&summary));
    deeds.extend(swell(order, &answered, written.start));
    write(order, &deeds, &meter).map_err(|e| failed(&e))?;
    Ok(Run {
        key: order.key.clone(),
        start: written.start,
        stream: written.stream,
        targets: written.targets,
        answered,
        attempts,
        deeds,
        cost: meter.cost,
        packets: meter.packets,
        version: written.version,
        relief: written.relief,
    })
}

/// Our own probes are no requests of users.
fn is_no_probe(attempt: &Attempt) -> bool {
    attempt.id.is_none_or(|id| id < probe::PROBES)
}

/// A generator that stopped or lost records makes a run worthless.
fn overflow(summary: &Summary) -> Option<Deed> {
    let note = format!("the generator did not do all that it should: {summary:?}");
    let deed = Deed { at: Stamp::now(), what: What::Unproven, note };
    (!summary.is_valid()).then_some(deed)
}

/// Load that should have swollen, shown by what was sent.
fn swell(order: &Order<'_>, answered: &[Answered], start: Stamp) -> Option<Deed> {
    let swells = order
        .scenario
        .faults
        .iter()
        .any(|one| matches!(one.fault, Fault::Overload { .. } | Fault::HotTenant { .. }));
    if !swells {
        return None;
    }
    let phases = order.phases;
    let rate = |from: std::time::Duration, lasts: std::time::Duration| {
        let nanos = |time: std::time::Duration| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        let (from, until) = (start.after(nanos(from)), start.after(nanos(from + lasts)));
        let sent = answered.iter().filter(|one| from <= one.begun && one.begun < until).count();
        u32::try_from(sent).map_or(f64::MAX, f64::from) / lasts.as_secs_f64()
    };
    let before = rate(phases.warm_up, phases.control);
    let within = rate(phases.warm_up + phases.control, phases.fault);
    let what = if within > before * 1.2 { What::InForce } else { What::Unproven };
    let note = format!("{before:.0} requests a second were sent before, {within:.0} within");
    Some(Deed { at: Stamp::now(), what, note })
}

fn write(order: &Order<'_>, deeds: &[Deed], meter: &Meter) -> std::io::Result<()> {
    let mut text = String::new();
    for deed in deeds {
        text += &serde_json::to_string(deed)?;
        text.push('\n');
    }
    std::fs::write(order.folder.join(DEEDS), text)?;
    let samples = serde_json::to_vec(&(&meter.cost, &meter.packets))?;
    std::fs::write(order.folder.join(SAMPLES), samples)
}
