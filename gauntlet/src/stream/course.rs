//! How many requests a second are expected when: the load's rate, changed by the faults that are
//! load themselves. What is drawn from it is in `draw`.

use std::time::Duration;

use crate::scenario::{Arrivals, Fault, Phases, Scenario};

/// A time in which a fault multiplies the load, in seconds from its start.
struct Window {
    from: f64,
    until: f64,
    swell: Swell,
}

/// What is multiplied.
#[derive(Clone, Copy)]
enum Swell {
    /// Everything.
    All(f64),
    /// The share of one tenant.
    Hot(f64),
}

/// A part of the load with one rate, in seconds and requests a second.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Piece {
    until: f64,
    rate: f64,
}

/// The expected rate from the start of the load to its end.
pub(super) struct Course {
    pieces: Vec<Piece>,
    windows: Vec<Window>,
}

impl Course {
    /// The course of `scenario` in phases of these lengths.
    pub(super) fn new(scenario: &Scenario, phases: Phases) -> Self {
        let windows = windows(scenario, phases);
        let end = total(phases).as_secs_f64();
        let mut course = Self { pieces: Vec::new(), windows };
        let mut from = 0.0;
        for until in course.edges(scenario.load.arrivals, end) {
            let rate = course.rate(scenario, f64::midpoint(from, until));
            course.pieces.push(Piece { until, rate });
            from = until;
        }
        course
    }

    /// The time after `from` by which `amount` more requests are expected, in seconds; none where
    /// the load ends before.
    pub(super) fn after(&self, from: f64, amount: f64) -> Option<f64> {
        let (mut at, mut left) = (from, amount);
        for piece in self.pieces.iter().filter(|piece| piece.until > from) {
            let room = (piece.until - at) * piece.rate;
            if left < room {
                return Some(at + left / piece.rate);
            }
            left -= room;
            at = piece.until;
        }
        None
    }

    /// How many times the share of another tenant the hot one has at a time.
    pub(super) fn heat(&self, at: f64) -> f64 {
        self.at(at).map(|swell| if let Swell::Hot(times) = swell { times } else { 1.0 }).product()
    }

    /// The swells that hold at a time.
    fn at(&self, at: f64) -> impl Iterator<Item = Swell> {
        self.windows.iter().filter(move |w| w.from <= at && at < w.until).map(|w| w.swell)
    }

    /// The rate at a time.
    fn rate(&self, scenario: &Scenario, at: f64) -> f64 {
        let load = &scenario.load;
        if let Arrivals::Bursts { every, lasts } = load.arrivals
            && at % every.as_secs_f64() >= lasts.as_secs_f64()
        {
            return 0.0;
        }
        let tenants = f64::from(load.tenants.max(1));
        let swell: f64 = self
            .at(at)
            .map(|swell| match swell {
                Swell::All(times) => times,
                Swell::Hot(times) => (tenants - 1.0 + times) / tenants,
            })
            .product();
        let rate = load.rate * swell;
        if rate.is_finite() { rate.max(0.0) } else { 0.0 }
    }

    /// Where the rate may change, ascending, the end last.
    fn edges(&self, arrivals: Arrivals, end: f64) -> Vec<f64> {
        let mut edges: Vec<f64> = self.windows.iter().flat_map(|w| [w.from, w.until]).collect();
        if let Arrivals::Bursts { every, lasts } = arrivals
            && every > lasts
        {
            // Nobody means bursts of less than a millisecond; they would fill the memory.
            let every = every.max(Duration::from_millis(1)).as_secs_f64();
            let mut at = 0.0;
            while at < end {
                edges.extend([at, at + lasts.as_secs_f64()]);
                at += every;
            }
        }
        edges.retain(|edge| *edge > 0.0 && *edge < end);
        edges.push(end);
        edges.sort_by(f64::total_cmp);
        edges.dedup();
        edges
    }
}

/// The length of all phases.
pub(super) const fn total(phases: Phases) -> Duration {
    let early = phases.warm_up.saturating_add(phases.control);
    early.saturating_add(phases.fault).saturating_add(phases.observation)
}

/// The faults of `scenario` that are load, cut to the fault phase.
fn windows(scenario: &Scenario, phases: Phases) -> Vec<Window> {
    let begin = phases.warm_up.saturating_add(phases.control);
    let end = begin.saturating_add(phases.fault).as_secs_f64();
    let window = |from: Duration, lasts: Option<Duration>, swell| {
        let from = begin.saturating_add(from).as_secs_f64();
        let until = lasts.map_or(end, |lasts| (from + lasts.as_secs_f64()).min(end));
        Window { from, until, swell }
    };
    let faults = scenario.faults.iter();
    faults
        .filter_map(|disturbance| match disturbance.fault {
            Fault::Overload { times } => {
                Some(window(disturbance.at, disturbance.lasts, Swell::All(times)))
            }
            Fault::HotTenant { times } => {
                Some(window(disturbance.at, disturbance.lasts, Swell::Hot(times)))
            }
            _ => None,
        })
        .collect()
}
