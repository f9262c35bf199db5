//! How a run went over time: before the trouble, in it, and after it.

use seawall_core::breaker::BreakerEvent;
use seawall_core::health::HealthState;
use seawall_core::outlier::OutlierEvent;
use seawall_core::time::{Duration, Instant, nanos};
use seawall_core::upstream::What;

use super::share;
use crate::observe::{Bucket, Record};
use crate::plan::{Arrivals, Plan, Rate};

/// A run is in a bad state where fewer of the calls that begin than these end well: the outcome
/// has two clear kinds, and nearly nothing between a fifth and four fifths (reproductions of
/// Brooker's collapse model).
const COLLAPSED: f64 = 0.5;

/// And it works where at least so many do.
const WORKS: f64 = 0.9;

/// It has recovered with the first window in which so many of the calls that begin end well.
const RECOVERED: f64 = 0.95;

/// The length of that window.
const WINDOW: Duration = Duration::from_secs(5);

/// The part of the horizon, counted from its end, that tells the state in which a run ends.
const TAIL: u32 = 6;

/// An end with at most so much more load than the beginning is no overload of its own.
const SAME_LOAD: f64 = 1.1;

/// How a run went.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Course {
    /// Seconds from the beginning of the trouble until a gateway reacted: a breaker opened, an
    /// endpoint was ejected or found ill.
    pub detected: Option<f64>,
    /// Seconds from there until an endpoint was ejected.
    pub ejected: Option<f64>,
    /// Seconds from the end of the trouble until calls ended well again.
    pub recovered: Option<f64>,
    /// The worst success rate of any second, or bucket if that is longer, after the warm-up.
    pub worst: f64,
    /// Calls that ended well in the last sixth of the run for each that began.
    pub end: f64,
    /// The run worked before the trouble, and does not when it is long over and the load no higher.
    pub metastable: bool,
}

/// A part of the time of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// Its beginning.
    pub from: Instant,
    /// Its end; [`Instant::NEVER`] if there is none.
    pub to: Instant,
}

/// When something was wrong: from the first disturbance or rise of a load to the end of the last.
#[must_use]
pub fn trouble(plan: &Plan) -> Option<Span> {
    let spans = plan.disturbances.iter().filter_map(crate::plan::Disturbance::span);
    let struck = spans.map(|(from, to)| Span { from, to });
    let risen = plan.loads.iter().filter_map(|load| match &load.arrivals {
        Arrivals::Open { rate, .. } | Arrivals::Hybrid { rate, .. } => peak(rate),
        Arrivals::Closed { .. } | Arrivals::Replay(_) => None,
    });
    let all = struck.chain(risen);
    all.reduce(|a, b| Span { from: a.from.min(b.from), to: a.to.max(b.to) })
}

/// While a rate is above where it began.
fn peak(rate: &Rate) -> Option<Span> {
    let (_, base) = *rate.points.first()?;
    let above = |(_, value): &&(Instant, f64)| *value > base;
    let (from, _) = *rate.points.iter().find(above)?;
    let after = rate.points.iter().skip_while(|point| !above(point));
    let to = after.skip_while(above).map(|(at, _)| *at).next().unwrap_or(Instant::NEVER);
    Some(Span { from, to })
}

impl Course {
    pub(super) fn of(plan: &Plan, record: &Record) -> Self {
        let line = Line::of(record);
        let trouble = trouble(plan);
        let start = Instant::EPOCH.after(plan.warmup);
        let horizon = Instant::EPOCH.after(plan.horizon);
        let tail = horizon.as_nanos() - nanos(plan.horizon / TAIL);
        let end = line.sum(Instant::from_nanos(tail), horizon);
        let before = trouble.map(|span| line.sum(start, span.from));
        let calm = trouble.is_some_and(|span| span.to <= Instant::from_nanos(tail));
        let metastable = before.is_some_and(|before| {
            let same = end.rate() <= before.rate() * SAME_LOAD;
            calm && same && before.success() >= WORKS && end.success() < COLLAPSED
        });
        let from = trouble.map_or(start, |span| span.from);
        Self {
            detected: first(record, from, reacts),
            ejected: first(record, from, ejects),
            recovered: trouble.and_then(|span| line.recovery(span.to, horizon)),
            worst: line.worst(start, horizon),
            end: end.success(),
            metastable,
        }
    }
}

/// Seconds from `from` to the first change of state of this kind.
fn first(record: &Record, from: Instant, wanted: fn(What) -> bool) -> Option<f64> {
    let mark = record.marks.iter().find(|mark| mark.event.at >= from && wanted(mark.event.what))?;
    Some(mark.event.at.since(from).as_secs_f64())
}

fn reacts(what: What) -> bool {
    let opened = matches!(what, What::Breaker(BreakerEvent::Opened { .. }));
    opened
        || ejects(what)
        || matches!(what, What::Health(change) if change.to == HealthState::Unhealthy)
}

fn ejects(what: What) -> bool {
    matches!(what, What::Outlier(OutlierEvent::Ejected { .. }))
}

/// The timelines of all loads together.
struct Line {
    buckets: Vec<Bucket>,
    length: Duration,
}

/// What happened in a part of it.
#[derive(Clone, Copy, Default)]
struct Part {
    started: u64,
    good: u64,
    seconds: f64,
}

impl Part {
    fn success(&self) -> f64 {
        share(self.good, self.started).min(1.0)
    }

    fn rate(&self) -> f64 {
        if self.seconds > 0.0 { super::number(self.started) / self.seconds } else { 0.0 }
    }
}

impl Line {
    fn of(record: &Record) -> Self {
        let count = record.loads.iter().map(|load| load.timeline.len()).max().unwrap_or_default();
        let mut buckets = vec![Bucket::default(); count];
        for load in &record.loads {
            for (all, one) in buckets.iter_mut().zip(&load.timeline) {
                all.started += one.started;
                all.good += one.good;
                all.bad += one.bad;
            }
        }
        Self { buckets, length: record.bucket.max(Duration::from_nanos(1)) }
    }

    /// Buckets that lie wholly between two times.
    fn sum(&self, from: Instant, to: Instant) -> Part {
        let mut part = Part::default();
        for (bucket, start) in self.buckets.iter().zip(self.starts()) {
            if start >= from && start.after(self.length) <= to {
                part.started += bucket.started;
                part.good += bucket.good;
                part.seconds += self.length.as_secs_f64();
            }
        }
        part
    }

    fn starts(&self) -> impl Iterator<Item = Instant> {
        let length = nanos(self.length);
        (0_u64..).map(move |index| Instant::from_nanos(index.saturating_mul(length)))
    }

    /// Seconds from `from` to the first window from which on calls end well.
    fn recovery(&self, from: Instant, horizon: Instant) -> Option<f64> {
        let window = WINDOW.max(self.length);
        let starts = self.starts().take(self.buckets.len()).skip_while(|start| *start < from);
        let mut fit = starts.take_while(|start| start.after(window) <= horizon);
        let start = fit.find(|start| {
            let part = self.sum(*start, start.after(window));
            part.started > 0 && part.success() >= RECOVERED
        })?;
        Some(start.since(from).as_secs_f64())
    }

    /// The worst share of calls that ended well among those that ended.
    fn worst(&self, from: Instant, to: Instant) -> f64 {
        let inside = self.buckets.iter().zip(self.starts());
        let inside = inside.filter(|(_, at)| *at >= from && at.after(self.length) <= to);
        inside.map(|(b, _)| share(b.good, b.good + b.bad)).fold(1.0, f64::min)
    }
}
