//! The three states of a breaker, each with only what it needs.
//!
//! When one follows another is in `machine.rs` and `judge.rs`.

use super::{BreakerSettings, Cause};
use crate::ratio::Ratio;
use crate::rng::Draw;
use crate::time::{Duration, Instant, nanos};

/// The admitted share right after closing, before the ramp has grown past it.
const RAMP_FLOOR: Ratio = Ratio::from_percent(10);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Closed(Closed),
    Open(Open),
    HalfOpen(HalfOpen),
}

impl State {
    /// The state that time alone has made of this one: half-open past its end is open.
    pub(super) fn at(self, now: Instant) -> Self {
        match self {
            Self::HalfOpen(half) if now >= half.until => Self::Open(half.undecided()),
            Self::Closed(_) | Self::Open(_) | Self::HalfOpen(_) => self,
        }
    }

    pub(super) fn invariants(&self) {
        match self {
            Self::Closed(_) => {}
            Self::Open(open) => debug_assert!(open.trip.openings > 0, "open without an opening"),
            Self::HalfOpen(half) => half.invariants(),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Closed {
    since: Instant,
    /// Openings in a row that led here; 0 when it did not come from half-open.
    openings: u32,
    /// Failures in a row.
    pub(super) consecutive: u32,
}

impl Closed {
    pub(super) const fn fresh(since: Instant) -> Self {
        Self { since, openings: 0, consecutive: 0 }
    }

    /// The openings in a row that a trip at `now` would continue. They are forgiven once the
    /// breaker was closed for the longest cool-down, but never while the ramp still runs.
    pub(super) fn openings(&self, now: Instant, settings: &BreakerSettings) -> u32 {
        let trial = settings.cool_down.max.max(settings.ramp.unwrap_or_default());
        if now.since(self.since) < trial { self.openings } else { 0 }
    }

    /// Whether it never ramps: it did not come from half-open.
    #[inline]
    pub(super) const fn is_whole(&self) -> bool {
        self.openings == 0
    }

    /// The share of calls that pass at `now`: `max(10 %, t / ramp)` after closing, else all.
    #[inline]
    pub(super) fn share(&self, now: Instant, settings: &BreakerSettings) -> Ratio {
        if self.is_whole() {
            return Ratio::ONE;
        }
        let ramp = nanos(settings.ramp.unwrap_or_default());
        let passed = nanos(now.since(self.since));
        if passed >= ramp {
            return Ratio::ONE;
        }
        Ratio::of_parts(passed, ramp).max(RAMP_FLOOR)
    }

    pub(super) fn ramp_end(&self, settings: &BreakerSettings) -> Instant {
        self.since.after(settings.ramp.unwrap_or_default())
    }
}

/// What led out of closed. Kept until it is closed again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Trip {
    pub(super) cause: Cause,
    pub(super) openings: u32,
    /// When it was last closed.
    pub(super) left_closed: Instant,
}

impl Trip {
    pub(super) fn again(self) -> Self {
        let openings = self.openings.saturating_add(1);
        Self { cause: Cause::ProbeFailed, openings, ..self }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Open {
    pub(super) until: Instant,
    pub(super) trip: Trip,
}

impl Open {
    pub(super) fn new(trip: Trip, settings: &BreakerSettings, now: Instant, draw: Draw) -> Self {
        Self { until: now.after(settings.cool_down.of(trip.openings, draw)), trip }
    }
}

/// The terms (places, successes, end) are those of its beginning: a reload in between counts from
/// the next time on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct HalfOpen {
    /// When it ends without a decision.
    pub(super) until: Instant,
    /// The end of the cool-down that would follow. Drawn beforehand, so that what the breaker is
    /// at any time can be read without a draw.
    reopened_until: Instant,
    trip: Trip,
    places: u32,
    threshold: u32,
    pub(super) in_flight: u32,
    pub(super) successes: u32,
}

impl HalfOpen {
    pub(super) fn new(trip: Trip, settings: &BreakerSettings, now: Instant, draw: Draw) -> Self {
        let until = now.after(settings.max_half_open);
        Self {
            until,
            reopened_until: until.after(settings.cool_down.of(trip.openings, draw)),
            trip,
            places: settings.max_probes.max(1),
            threshold: settings.success_threshold.max(1),
            in_flight: 0,
            successes: 0,
        }
    }

    pub(super) const fn free_places(&self) -> u32 {
        self.places.saturating_sub(self.in_flight)
    }

    pub(super) const fn is_decided(&self) -> bool {
        self.successes >= self.threshold
    }

    pub(super) const fn trip(&self) -> Trip {
        self.trip
    }

    pub(super) fn open_for(&self, now: Instant) -> Duration {
        now.since(self.trip.left_closed)
    }

    /// Open again, no wiser: the cool-down does not grow.
    fn undecided(self) -> Open {
        let trip = Trip { cause: Cause::ProbesUndecided, ..self.trip };
        Open { until: self.reopened_until, trip }
    }

    pub(super) fn closed(&self, now: Instant) -> Closed {
        Closed { since: now, openings: self.trip.openings, consecutive: 0 }
    }

    fn invariants(&self) {
        debug_assert!(self.trip.openings > 0, "half-open without an opening");
        debug_assert!(self.in_flight <= self.places, "more probes than places");
        debug_assert!(!self.is_decided(), "enough successes, and still half-open");
        debug_assert!(self.until <= self.reopened_until, "open again before half-open ends");
    }
}
