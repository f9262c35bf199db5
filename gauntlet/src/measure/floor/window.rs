//! When targets were of no use, and when they served less.

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
        // Those of the route aside are not meant by "all".
        let is_any = replica < ledger.scenario.replicas.count;
        (matches!(self.target, Target::All) && is_any) || ledger.run.targets.contains(&replica)
    }
}

/// All windows of a run, in the order of the scenario: where it planned them, at the times at which
/// the runner did it.
pub(crate) fn windows(ledger: &Ledger<'_>) -> Vec<Window> {
    let spans = &ledger.spans;
    let all = ledger.scenario.faults.iter().flat_map(|one| {
        let from = spans.fault.from.after(nanos(one.at));
        let to = one.lasts.map_or(spans.fault.to, |lasts| from.after(nanos(lasts)));
        parts(one, Span { from, to: to.min(spans.fault.to).max(from) })
    });
    let done = all.map(|window| {
        let from = done(window.span.from, &spans.strikes);
        let to = done(window.span.to, &spans.lifts).max(from);
        Window { span: Span { from, to }, ..window }
    });
    done.collect()
}

/// How far the runner may be behind its plan on a busy host.
const BEHIND: u64 = 500_000_000;

/// When something was done that was planned for an instant: at the nearest deed, if one is near.
fn done(planned: Stamp, deeds: &[Stamp]) -> Stamp {
    let near = deeds.iter().filter(|deed| deed.0.abs_diff(planned.0) <= BEHIND);
    near.min_by_key(|deed| deed.0.abs_diff(planned.0)).copied().unwrap_or(planned)
}

/// A fault that comes and goes has a window for each time.
fn parts(one: &Disturbance, span: Span) -> Vec<Window> {
    let Some(left) = left(&one.fault) else { return Vec::new() };
    let whole = Window { span, left, target: one.target };
    // Both begin with the bad part.
    let (length, every) = match one.fault {
        Fault::Flapping { up, down } => (down, up + down),
        Fault::Pauses { pause, every } => (pause, every),
        _ => return vec![whole],
    };
    let (length, every) = (nanos(length), nanos(every).max(1));
    let count = span.nanos().div_ceil(every);
    let windows = (0..count).map(|turn| {
        let from = span.from.after(turn * every);
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
        | Fault::Refused
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
