//! The gradient controller of Envoy's adaptive concurrency filter, as published: latency now
//! against a minimum that is measured once a minute with the limit pinned to three.
//!
//! While it is pinned, whatever exceeds three at once is refused although the service is well;
//! `steady.rs` shows how to do without. Envoy spreads the measurements of a fleet by a random
//! delay; here the phase is that of the first attempt.

use super::millionths::Millionths;
use super::update::{Scene, Update, gradient};
use super::{Cause, Finished};
use crate::histogram::Histogram;
use crate::ratio::Ratio;
use crate::time::{Duration, Instant};

/// Between updates.
const INTERVAL: Duration = Duration::from_millis(100);

/// Between measurements of the minimum.
const MEASURE_EVERY: Duration = Duration::from_mins(1);

/// Attempts that a measurement takes.
const MEASURE_ATTEMPTS: u64 = 50;

/// The limit during a measurement.
const PINNED: u32 = 3;

/// A buffer for the variance of latencies: 25 %.
const TOLERANCE: Ratio = Ratio::from_percent(125);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Pinned. `since` is absent until the first attempt, as the clock is unknown before.
    Measuring {
        since: Option<Instant>,
        resume: Millionths,
    },
    Running {
        measured_at: Instant,
        updated_at: Instant,
    },
}

/// The state of the controller. One histogram.
#[derive(Debug)]
pub(super) struct Envoy {
    base: Option<Duration>,
    phase: Phase,
    recent: Histogram,
}

impl Envoy {
    /// Pins until the first measurement; `level` holds after it.
    pub(super) fn new(base: Option<Duration>, level: Millionths) -> Self {
        let phase = Phase::Measuring { since: None, resume: level };
        Self { base, phase, recent: Histogram::new() }
    }

    pub(super) const fn base(&self) -> Option<Duration> {
        self.base
    }

    /// What the limit will be once nothing is pinned.
    pub(super) const fn settled(&self, level: Millionths) -> Millionths {
        match self.phase {
            Phase::Measuring { resume, .. } => resume,
            Phase::Running { .. } => level,
        }
    }

    /// Goes on from `level`. A measurement begins anew.
    pub(super) fn adopt(&mut self, level: Millionths) {
        if let Phase::Measuring { .. } = self.phase {
            self.phase = Phase::Measuring { since: None, resume: level };
            self.recent.clear();
        }
    }

    pub(super) fn update(&mut self, scene: &Scene, finished: &Finished) -> Option<Update> {
        match self.phase {
            Phase::Measuring { since: None, resume } => {
                self.phase = Phase::Measuring { since: Some(scene.now), resume };
                Some(Update::plain(scene.bound(Millionths::whole(PINNED)), Cause::Pin))
            }
            Phase::Measuring { since: Some(since), resume } => {
                self.measure(scene, finished, (since, resume))
            }
            Phase::Running { measured_at, updated_at } => {
                self.recent.record(finished.latency);
                if scene.now.since(measured_at) >= MEASURE_EVERY {
                    return Some(self.pin(scene));
                }
                let due = scene.now.since(updated_at) >= INTERVAL;
                if due { self.adjust(scene, measured_at) } else { None }
            }
        }
    }

    fn pin(&mut self, scene: &Scene) -> Update {
        self.phase = Phase::Measuring { since: Some(scene.now), resume: scene.level };
        self.recent.clear();
        Update::plain(scene.bound(Millionths::whole(PINNED)), Cause::Pin)
    }

    /// Attempts that started before the pin were not alone, and do not count.
    fn measure(
        &mut self,
        scene: &Scene,
        finished: &Finished,
        (since, resume): (Instant, Millionths),
    ) -> Option<Update> {
        if scene.now.since(since) >= finished.latency {
            self.recent.record(finished.latency);
        }
        if self.recent.count() < MEASURE_ATTEMPTS {
            return None;
        }
        self.base = self.recent.quantile(Ratio::from_percent(50));
        self.recent.clear();
        self.phase = Phase::Running { measured_at: scene.now, updated_at: scene.now };
        Some(Update::plain(scene.bound(resume), Cause::Resumed))
    }

    fn adjust(&mut self, scene: &Scene, measured_at: Instant) -> Option<Update> {
        let (base, short) = (self.base?, self.recent.quantile(Ratio::from_percent(50))?);
        self.recent.clear();
        self.phase = Phase::Running { measured_at, updated_at: scene.now };
        let gradient = gradient_of(base, short);
        let level = scene.bound(next(scene.level, gradient));
        let cause = if level < scene.level { Cause::Congestion } else { Cause::Growth };
        Some(Update { level, cause, short: Some(short), gradient: Some(gradient) })
    }
}

/// `clamp(1.25 · base / p50, 0.5, 2)`.
pub(super) fn gradient_of(base: Duration, short: Duration) -> Ratio {
    gradient(TOLERANCE, (base, short), (Ratio::from_percent(50), Ratio::from_percent(200)))
}

/// `⌊g · L + √(g · L)⌋`.
pub(super) fn next(level: Millionths, gradient: Ratio) -> Millionths {
    let scaled = level.floor().share(gradient);
    scaled.plus(scaled.root()).floor()
}
