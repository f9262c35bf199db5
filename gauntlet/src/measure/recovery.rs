//! Whether and when service was whole again.

use serde::{Deserialize, Serialize};

use super::class::Class;
use super::ledger::Ledger;
use super::number::{SECOND, count, ratio};
use super::span::Span;
use super::when::When;
use crate::record::Attempt;
use crate::stamp::Stamp;

/// How a run ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Residual {
    /// Nothing was left of the fault.
    #[default]
    None,
    /// It had not recovered by the end of the observation, or its goodput stayed below.
    Left,
    /// So it was, and it took less load for a while to bring it back.
    Metastable,
    /// So it was, and less load did not bring it back.
    Broken,
}

/// When service was whole again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recovery {
    /// From the removal to the first of 5 seconds with a relative goodput of at least 99 % and a
    /// p99 of at most 1.5 × that of control.
    pub from_removal: When,
    /// The same from the beginning of the fault on, which may be while it still holds.
    pub from_fault: When,
    /// Where no replica answered for a while: from the first healthy answer of one until the last
    /// request that failed was asked, in nanoseconds.
    pub full_service: Option<u64>,
    /// Whether something of the fault was left at the end.
    pub residual: Residual,
}

/// Seconds that it has to hold.
const HELD: usize = 5;

/// The end of the observation that the residual looks at: a quarter of it, of 60 s these 15.
const LAST: u64 = 15 * SECOND;

/// An observation in which everything should have recovered. In a shorter one what has not is not
/// residual by that alone.
const LONG: u64 = 59 * SECOND;

impl Recovery {
    pub(crate) fn of(ledger: &Ledger<'_>) -> Self {
        let (spans, end) = (&ledger.spans, ledger.spans.observation.to);
        let from_removal = whole(ledger, Span { from: spans.removed, to: end });
        let is_long = spans.observation.nanos() >= LONG;
        let left = (from_removal.is_missed() && is_long) || is_short(ledger);
        let residual = if left { Residual::Left } else { Residual::None };
        Self {
            from_removal,
            from_fault: whole(ledger, Span { from: spans.struck, to: end }),
            full_service: full_service(ledger),
            residual: came_back(ledger).map_or(residual, |back| residual.after_relief(back)),
        }
    }
}

impl Residual {
    /// What a second run says whose load was lowered by 30 % for 20 s and then restored.
    #[must_use]
    pub const fn after_relief(self, came_back: bool) -> Self {
        match (self, came_back) {
            (Self::None, _) => Self::None,
            (_, true) => Self::Metastable,
            (_, false) => Self::Broken,
        }
    }

    /// What it is, in words.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::None => "it came back",
            Self::Left => "it did not come back",
            Self::Metastable => "metastable: it came back only once the load had been lower",
            Self::Broken => "broken: it did not come back, even once the load had been lower",
        }
    }

    /// Whether anything was left.
    #[must_use]
    pub fn is_left(self) -> bool {
        self != Self::None
    }
}

fn whole(ledger: &Ledger<'_>, span: Span) -> When {
    // What has to hold for 5 s cannot be seen in less.
    if ledger.within(span).is_empty() || span.nanos() < HELD as u64 * SECOND {
        return When::Unknown;
    }
    let control = super::Latency::of(ledger.within(ledger.spans.control)).p99;
    let good: Vec<bool> = span.pieces(SECOND).map(|one| is_good(ledger, one, control)).collect();
    let held = good.windows(HELD).position(|window| window.iter().all(|good| *good));
    When::at(held, SECOND, span.nanos())
}

/// A second in which nobody asked tells nothing, and so not that all is well.
fn is_good(ledger: &Ledger<'_>, second: Span, control: Option<u64>) -> bool {
    let (ok, offered) = goodput(ledger, second);
    let p99 = super::Latency::of(ledger.within(second)).p99;
    let is_fast = match (p99, control) {
        (Some(p99), Some(control)) => p99 * 2 <= control * 3,
        (_, None) => true,
        (None, _) => false,
    };
    offered > 0 && ok * 100 >= offered * 99 && is_fast
}

/// Requests of a span that ended well, and all.
pub(crate) fn goodput(ledger: &Ledger<'_>, span: Span) -> (u64, u64) {
    let requests = ledger.within(span);
    let ok = requests.iter().filter(|request| !request.is_error()).count();
    (ok as u64, count(requests))
}

/// Whether the last seconds brought less than nine tenths of the relative goodput of control.
fn is_short(ledger: &Ledger<'_>) -> bool {
    let observation = ledger.spans.observation;
    let last = LAST.min(observation.nanos() / 4);
    let from = Stamp(observation.to.0.saturating_sub(last));
    let mean = |(ok, offered)| ratio(ok, offered);
    let last = mean(goodput(ledger, Span { from, to: observation.to }));
    let control = mean(goodput(ledger, ledger.spans.control));
    last.zip(control).is_some_and(|(last, control)| last < 0.9 * control)
}

/// Whether service was whole after less load; none where the load was not lowered.
fn came_back(ledger: &Ledger<'_>) -> Option<bool> {
    let relief = ledger.run.relief.as_ref()?;
    let deadline = u64::try_from(ledger.scenario.load.deadline.as_nanos()).unwrap_or(u64::MAX);
    let late = relief.answered.iter().filter(|one| one.intended >= relief.from);
    let ok = late.filter(|one| Class::of(one, deadline).is_ok()).count() as u64;
    let (control_ok, control) = goodput(ledger, ledger.spans.control);
    let both = ratio(ok, relief.offered).zip(ratio(control_ok, control));
    Some(both.is_some_and(|(restored, control)| restored >= 0.9 * control))
}

fn full_service(ledger: &Ledger<'_>) -> Option<u64> {
    let pool = ledger.pools.struck().find(|pool| pool.is_all_struck())?;
    super::floor::outage(ledger, pool)?;
    let of_pool = |one: &&Attempt| pool.replicas.contains(&one.replica);
    let answers = ledger
        .run
        .attempts
        .iter()
        .filter(of_pool)
        .filter(|one| one.begun >= ledger.spans.removed && (200..300).contains(&one.status));
    let first = answers.filter_map(|one| one.ended).min()?;
    let after = Span { from: first, to: ledger.spans.observation.to };
    let failed = ledger.within(after).iter().filter(|request| request.is_error());
    let last = failed.map(|request| request.intended).max();
    Some(last.map_or(0, |last| last.since(first)))
}
