//! What a product cost, and whether it gave back what it took.

use serde::{Deserialize, Serialize};

use super::ledger::Ledger;
use super::number::{count, middle, number};
use super::span::Span;
use crate::peer::Cost;
use crate::stamp::Stamp;

/// The cost of a run. None where nothing was read in that time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Costs {
    /// Nanoseconds of processor time from control to the end of observation.
    pub processor: Option<u64>,
    /// Nanoseconds for each request of control.
    pub processor_each: Option<f64>,
    /// The most resident bytes at any time.
    pub resident_peak: Option<u64>,
    /// The most open descriptors at any time.
    pub descriptors_peak: Option<u64>,
    /// The most threads at any time.
    pub threads_peak: Option<u64>,
    /// What it held over control, in the middle.
    pub before: Option<Held>,
    /// What it held once its users had gone, at the least; in a run that was not followed so far,
    /// in its last 5 seconds, in the middle.
    pub after: Option<Held>,
}

/// What a product holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// Resident bytes.
    pub resident: u64,
    /// Open descriptors.
    pub descriptors: u64,
    /// Threads.
    pub threads: u64,
}

/// The end of a run in which it has to have given back what it took.
const LAST: u64 = 5 * super::number::SECOND;

/// Descriptors that may remain: idle connections of pools on both sides that a surge opened are
/// kept for a minute by most products.
const DESCRIPTORS: u64 = 64;

/// Threads that may remain.
const THREADS: u64 = 2;

/// Bytes that may remain, beside a quarter: allocators keep freed pages.
const BYTES: u64 = 16 << 20;

impl Costs {
    pub(crate) fn of(ledger: &Ledger<'_>) -> Self {
        let spans = &ledger.spans;
        let whole = Span { from: spans.control.from, to: spans.observation.to };
        let last = Stamp(whole.to.0.saturating_sub(LAST)).max(spans.observation.from);
        let control = ledger.within(spans.control);
        let spent = processor(ledger, spans.control);
        Self {
            processor: processor(ledger, whole),
            processor_each: spent
                .filter(|_| !control.is_empty())
                .map(|spent| number(spent) / number(count(control))),
            resident_peak: read(ledger, whole).map(|cost| cost.resident).max(),
            descriptors_peak: read(ledger, whole).map(|cost| cost.descriptors).max(),
            threads_peak: read(ledger, whole).map(|cost| cost.threads).max(),
            before: held(ledger, spans.control),
            after: without_users(ledger)
                .or_else(|| held(ledger, Span { from: last, to: whole.to })),
        }
    }

    /// What it did not give back, in words; none where it gave back all.
    #[must_use]
    pub fn leak(&self) -> Option<String> {
        let (before, after) = self.before.zip(self.after)?;
        let told = [
            (
                before.descriptors + DESCRIPTORS,
                before.descriptors,
                after.descriptors,
                "descriptors",
            ),
            (before.threads + THREADS, before.threads, after.threads, "threads"),
            (before.resident / 4 * 5 + BYTES, before.resident, after.resident, "resident bytes"),
        ];
        let grown = told.into_iter().filter(|(bound, _, after, _)| after > bound);
        let words: Vec<String> =
            grown.map(|(_, before, after, what)| format!("{before} → {after} {what}")).collect();
        (!words.is_empty()).then(|| words.join(", "))
    }
}

fn read<'a>(ledger: &'a Ledger<'_>, span: Span) -> impl Iterator<Item = &'a Cost> {
    ledger.run.cost.iter().filter(move |(at, _)| span.has(*at)).map(|(_, cost)| cost)
}

/// Summed over readings: a process that was started anew begins again at nothing.
fn processor(ledger: &Ledger<'_>, span: Span) -> Option<u64> {
    let spent: Vec<u64> = read(ledger, span).map(|cost| cost.user + cost.kernel).collect();
    let steps = spent.windows(2).map(|pair| match *pair {
        [earlier, later] => later.checked_sub(earlier).unwrap_or(later),
        _ => 0,
    });
    (spent.len() > 1).then(|| steps.sum())
}

/// Under load a product holds as many connections as its users keep open: after a surge they are
/// theirs to close. What is read after the last answer is the product's own.
fn without_users(ledger: &Ledger<'_>) -> Option<Held> {
    let answered = ledger.run.answered.iter().map(|one| one.ended).max();
    let end = answered.max(Some(ledger.spans.observation.to))?;
    let alone = || ledger.run.cost.iter().filter(|(at, _)| *at > end).map(|(_, cost)| cost);
    Some(Held {
        resident: alone().map(|cost| cost.resident).min()?,
        descriptors: alone().map(|cost| cost.descriptors).min()?,
        threads: alone().map(|cost| cost.threads).min()?,
    })
}

fn held(ledger: &Ledger<'_>, span: Span) -> Option<Held> {
    let of = |part: fn(&Cost) -> u64| middle(read(ledger, span).map(part).collect());
    Some(Held {
        resident: of(|cost| cost.resident)?,
        descriptors: of(|cost| cost.descriptors)?,
        threads: of(|cost| cost.threads)?,
    })
}
