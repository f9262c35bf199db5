//! When targets were of no use, and when they served less: what the scenario did, at the times at
//! which the runner did it.

use crate::measure::ledger::Ledger;
use crate::measure::pools::Pool;
use crate::measure::span::Span;
use crate::scenario::{Disturbance, Fault, Target};
use crate::stamp::Stamp;
use std::time::Duration;

/// What a fault leaves of a target.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Left {
    /// Nothing: it does not answer.
    Nothing,
    /// This share of its capacity.
    Share(f64),
    /// One request at a time for all of them, each for so many nanoseconds.
    OneLock(u64),
    /// It serves as before, but what it answers is not always of use.
    Spoiled,
}

/// A stretch of time in which targets are not what they were.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Window {
    pub(crate) span: Span,
    pub(crate) left: Left,
    pub(crate) target: Target,
}

impl Window {
    /// Whether it strikes this replica. Which ones "some" are is in the run.
    pub(crate) fn strikes(&self, ledger: &Ledger<'_>, replica: u8) -> bool {
        matches!(self.target, Target::All) || ledger.run.targets.contains(&replica)
    }
}

/// All windows of a run, in the order of the scenario.
pub(crate) fn windows(ledger: &Ledger<'_>) -> Vec<Window> {
    let faults = &ledger.scenario.faults;
    let spans = &ledger.spans;
    // One strike for each disturbance: they are told apart by their order.
    let told = spans.strikes.len() == faults.len();
    let mut strikes = spans.strikes.clone();
    strikes.sort_unstable();
    let mut order: Vec<usize> = (0..faults.len()).collect();
    order.sort_by_key(|index| faults.get(*index).map(|one| one.at));
    let all = order.into_iter().enumerate().filter_map(|(rank, index)| {
        let one = faults.get(index)?;
        let planned = spans.fault.from.after(nanos(one.at));
        let from = strikes.get(rank).filter(|_| told).copied().unwrap_or(planned);
        let to = one.lasts.map_or(spans.removed, |lasts| from.after(nanos(lasts)));
        Some((one, Span { from, to: to.min(spans.removed).max(from) }))
    });
    all.flat_map(|(one, span)| parts(one, span)).collect()
}

/// A fault that comes and goes has a window for each time.
fn parts(one: &Disturbance, span: Span) -> Vec<Window> {
    let Some(left) = left(&one.fault) else { return Vec::new() };
    let whole = Window { span, left, target: one.target };
    let (first, length, every) = match one.fault {
        Fault::Flapping { up, down } => (Duration::ZERO, down, up + down),
        Fault::Pauses { pause, every } => (Duration::ZERO, pause, every),
        _ => return vec![whole],
    };
    let (first, length, every) = (nanos(first), nanos(length), nanos(every).max(1));
    let count = span.nanos().div_ceil(every);
    let windows = (0..count).map(|turn| {
        let from = span.from.after(first + turn * every);
        Window { span: Span { from, to: from.after(length).min(span.to) }, ..whole }
    });
    windows.collect()
}

/// What a fault leaves of a target; none where targets serve all as before.
fn left(fault: &Fault) -> Option<Left> {
    match fault {
        Fault::Crash
        | Fault::Freeze
        | Fault::Pauses { .. }
        | Fault::BlackHole
        | Fault::Flapping { .. }
        | Fault::NoAccept => Some(Left::Nothing),
        Fault::Slower { times } if *times > 1.0 => Some(Left::Share(1.0 / times)),
        Fault::SharedLock { hold } => Some(Left::OneLock(nanos(*hold))),
        Fault::Status { .. }
        | Fault::Resets { .. }
        | Fault::Cut { .. }
        | Fault::Corrupt
        | Fault::WrongLength
        | Fault::Slow { .. } => Some(Left::Spoiled),
        // A processor share does not bind replicas that work by timers; a rolling restart drains;
        // the others strike packets, names, clients or the gateway. Their floor is 0 or in `lost`.
        _ => None,
    }
}

/// The first stretch of time in which no replica of a pool answers.
pub(crate) fn outage(ledger: &Ledger<'_>, pool: &Pool) -> Option<Span> {
    outages(ledger, pool).into_iter().next()
}

/// All such stretches of more than a moment.
pub(crate) fn outages(ledger: &Ledger<'_>, pool: &Pool) -> Vec<Span> {
    if !pool.is_all_struck() {
        return Vec::new();
    }
    let dead = windows(ledger).into_iter().filter(|window| window.left == Left::Nothing);
    dead.map(|window| window.span).filter(|span| span.nanos() > 0).collect()
}

/// The instants at which targets of a pool ceased to answer.
pub(crate) fn strikes(ledger: &Ledger<'_>) -> Vec<Stamp> {
    let dead = windows(ledger).into_iter().filter(|window| window.left != Left::Spoiled);
    dead.map(|window| window.span.from).collect()
}

pub(crate) fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
