//! Loads: who calls, when, and with what.

use std::sync::Arc;

use seawall_core::call::Safety;
use seawall_core::shed::{Class, Priority};
use seawall_core::time::{Duration, Instant};

use super::Caller;
use crate::dist::Distribution;
use crate::trace::Recorded;

/// A stream of calls of one kind.
#[derive(Clone, Debug)]
pub struct Load {
    /// Its name in reports.
    pub name: String,
    /// When calls begin.
    pub arrivals: Arrivals,
    /// How they are made.
    pub caller: Caller,
    /// Whose calls they are, for the fairness between tenants.
    pub tenant: Option<String>,
    /// How important they are.
    pub priority: Priority,
    /// Whether they may be executed twice.
    pub safety: Safety,
    /// What each counts against a limit by cost.
    pub cost: u32,
    /// The time that the caller tells the other side it has.
    pub deadline: Option<Duration>,
    /// Keys that calls are spread over, by Zipf's law with this exponent; none without.
    pub keys: Option<(u32, f64)>,
    /// What is known of each recorded call, where arrivals are replayed; it goes before what is
    /// said here of all.
    pub recorded: Option<Recorded>,
    /// Independent sources of calls, each with these arrivals and, by its number, with an instance
    /// of the caller of its own. Where there is one, its calls are dealt to all instances.
    pub sources: u32,
    /// When the first call of a source, or of a user, comes; without it, after a gap or a pause
    /// like all others.
    pub first: Option<Distribution>,
    /// An open call that took longer than this is followed by one more at its end.
    pub repeat_above: Option<Duration>,
}

impl Load {
    /// Calls of no particular importance that may be repeated.
    #[must_use]
    pub fn new(name: &str, arrivals: Arrivals, caller: Caller) -> Self {
        Self {
            name: name.to_owned(),
            arrivals,
            caller,
            tenant: None,
            priority: Priority::from(Class::Normal),
            safety: Safety::Idempotent,
            cost: 1,
            deadline: None,
            keys: None,
            recorded: None,
            sources: 1,
            first: None,
            repeat_above: None,
        }
    }
}

/// When the calls of a load begin.
#[derive(Clone, Debug, PartialEq)]
pub enum Arrivals {
    /// Whatever becomes of them: latency counts from the intended start.
    Open {
        /// Calls in a second, as a function of time.
        rate: Rate,
        /// The gaps between them.
        spacing: Spacing,
    },
    /// Users with one call each under way.
    Closed {
        /// How many.
        users: u32,
        /// When a user calls again.
        pace: Pace,
    },
    /// Users arrive openly, and each then calls again and again.
    Hybrid {
        /// Users in a second.
        rate: Rate,
        /// The pause between two calls of a user.
        think: Distribution,
        /// Calls of a user who is content.
        calls: u32,
        /// Failures in a row after which a user leaves.
        patience: u32,
    },
    /// At these times, ascending, as recorded.
    Replay(Arc<[Instant]>),
}

impl Arrivals {
    /// How many calls a contented user makes, where users arrive.
    pub(crate) const fn calls_of_a_user(&self) -> Option<u32> {
        match self {
            Self::Hybrid { calls, .. } => Some(*calls),
            Self::Open { .. } | Self::Closed { .. } | Self::Replay(_) => None,
        }
    }
}

/// When a user calls again.
#[derive(Clone, Debug, PartialEq)]
pub enum Pace {
    /// So long after the end of the last call.
    AfterEnd(Distribution),
    /// So long after the start of the last call, but not before its end.
    AfterStart(Distribution),
}

/// The gaps of an open load.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spacing {
    /// Without memory.
    Poisson,
    /// All alike.
    Even,
}

/// A rate as a function of time, in calls a second.
#[derive(Clone, Debug, PartialEq)]
pub struct Rate {
    /// From when on, and how much; ascending. Before the first it is the first.
    pub points: Vec<(Instant, f64)>,
    /// What lies between two points.
    pub shape: Shape,
    /// Everything is multiplied by this.
    pub scale: f64,
}

/// How often a line that may rise from nothing is looked at.
const QUIET: Duration = Duration::from_millis(10);

/// What lies between two points of a rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// The earlier value.
    Steps,
    /// A straight line.
    Line,
}

impl Rate {
    /// Always the same.
    #[must_use]
    pub fn constant(rate: f64) -> Self {
        Self { points: vec![(Instant::EPOCH, rate)], shape: Shape::Steps, scale: 1.0 }
    }

    /// The rate at `now`, never below zero.
    #[must_use]
    pub fn at(&self, now: Instant) -> f64 {
        let next = self.points.partition_point(|(from, _)| *from <= now);
        let before = self.points.get(next.saturating_sub(1));
        let Some((from, low)) = before.copied() else { return 0.0 };
        let value = match (self.shape, self.points.get(next)) {
            (Shape::Line, Some((to, high))) if next > 0 => {
                let whole = to.since(from).as_secs_f64();
                low + (high - low) * now.since(from).as_secs_f64() / whole
            }
            _ => low,
        };
        (value * self.scale).max(0.0)
    }

    /// When to look again at a rate that is nothing: at its next point, or a little later where a
    /// line may rise from here; never after the last point.
    #[must_use]
    pub fn next_look(&self, now: Instant) -> Instant {
        let change = self.points.iter().map(|(from, _)| *from).find(|from| *from > now);
        match (change, self.shape) {
            (None, _) => Instant::NEVER,
            (Some(change), Shape::Steps) => change,
            (Some(change), Shape::Line) => change.min(now.after(QUIET)),
        }
    }
}

/// What becomes of what is under way at the horizon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// It counts as started and as neither good nor bad.
    Cut,
    /// No new call begins, and the world goes on until all are over.
    Finish,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_read_between_its_points() {
        let at = |secs: u64| Instant::EPOCH.after(Duration::from_secs(secs));
        let points = vec![(at(0), 10.0), (at(10), 20.0), (at(20), 0.0)];
        let mut rate = Rate { points, shape: Shape::Steps, scale: 1.0 };
        let read = |rate: &Rate| [0, 5, 10, 15, 20, 99].map(|secs| rate.at(at(secs)).to_string());
        assert_eq!(read(&rate), ["10", "10", "20", "20", "0", "0"]);
        rate.shape = Shape::Line;
        rate.scale = 2.0;
        assert_eq!(read(&rate), ["20", "30", "40", "20", "0", "0"]);
        assert_eq!(rate.next_look(at(10)), at(10).after(QUIET));
        rate.shape = Shape::Steps;
        assert_eq!(rate.next_look(at(10)), at(20));
        assert!(rate.next_look(at(20)).is_never());
    }
}
