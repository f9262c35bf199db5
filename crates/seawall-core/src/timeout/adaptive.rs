//! The adaptive attempt timeout: follows latency down slowly and up at once.
//!
//! The rule and its reasons are in `mod.rs`, what counts as a latency in `sample.rs`.

use super::AdaptiveSettings;
use crate::Mode;
use crate::event::Sink;
use crate::histogram::RotatingHistogram;
use crate::ratio::Ratio;
use crate::time::{Duration, Instant, nanos};

/// The attempt timeout has changed, or would have in shadow mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeoutAdapted {
    /// What it was.
    pub old: Duration,
    /// What it is.
    pub new: Duration,
    /// The quantile that it follows, by default p99.
    pub p99: Duration,
    /// The samples that the quantile is of.
    pub samples: u64,
    /// Whether attempts feel it.
    pub mode: Mode,
}

/// An adaptive timeout at an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AdaptiveSnapshot {
    /// Whether it acts.
    pub mode: Mode,
    /// What attempts get.
    pub in_force: Duration,
    /// What was learnt; the same as `in_force` unless it is in shadow mode or off.
    pub learnt: Duration,
    /// Updates that opened it.
    pub opened: u64,
    /// Updates that tightened it.
    pub tightened: u64,
}

/// An attempt timeout that follows latency. See the module for its rule and what bounds it.
///
/// It owns no samples: whoever owns it records a [`Sample`](super::Sample) for each attempt into
/// a histogram over a minute, and lends that to it. It needs no timer either, as it looks for an
/// update that is due whenever it is asked.
#[derive(Debug)]
pub struct AdaptiveTimeout {
    settings: AdaptiveSettings,
    learnt: Duration,
    updated: Instant,
    opened: u64,
    tightened: u64,
}

impl AdaptiveTimeout {
    /// A timeout at its ceiling. The first update is due one `refresh` after `now`.
    #[must_use]
    pub const fn new(settings: AdaptiveSettings, now: Instant) -> Self {
        Self { settings, learnt: settings.ceiling, updated: now, opened: 0, tightened: 0 }
    }

    /// Takes new settings and keeps what was learnt, as far as floor and ceiling allow. What was
    /// off, or still at the old ceiling, has learnt nothing and is at the new one.
    pub fn reconfigure(&mut self, settings: AdaptiveSettings) {
        let begins = self.settings.mode == Mode::Off || self.learnt == self.settings.ceiling;
        self.settings = settings;
        self.learnt = if begins { settings.ceiling } else { self.bounded(self.learnt) };
        self.invariants();
    }

    /// The timeout of an attempt that starts at `now`, after the update that may be due.
    ///
    /// `latencies` holds what the attempts of the last minute took. One comparison, and a walk of
    /// the histogram once per `refresh`.
    pub fn attempt_timeout(
        &mut self,
        now: Instant,
        latencies: &mut RotatingHistogram,
        sink: &mut impl Sink<TimeoutAdapted>,
    ) -> Duration {
        if self.settings.mode != Mode::Off && now.since(self.updated) >= self.settings.refresh {
            self.updated = now;
            self.update(now, latencies, sink);
        }
        self.in_force()
    }

    /// What it is and was. Changes nothing.
    #[must_use]
    pub const fn snapshot(&self) -> AdaptiveSnapshot {
        AdaptiveSnapshot {
            mode: self.settings.mode,
            in_force: self.in_force(),
            learnt: self.learnt,
            opened: self.opened,
            tightened: self.tightened,
        }
    }

    /// Checks, in debug builds, what must always hold.
    pub fn invariants(&self) {
        debug_assert!(self.learnt <= self.settings.ceiling, "longer than the ceiling");
        let floor = self.settings.floor.min(self.settings.ceiling);
        debug_assert!(self.learnt >= floor, "shorter than the floor");
    }

    /// What attempts get, without looking for an update.
    const fn in_force(&self) -> Duration {
        match self.settings.mode {
            Mode::Enforce => self.learnt,
            Mode::Shadow | Mode::Off => self.settings.ceiling,
        }
    }

    /// Moves towards the target, and says so if that changed anything.
    fn update(
        &mut self,
        now: Instant,
        latencies: &mut RotatingHistogram,
        sink: &mut impl Sink<TimeoutAdapted>,
    ) {
        let samples = latencies.count(now);
        let Some(p99) = latencies.quantile(now, self.settings.quantile) else {
            return;
        };
        let old = self.learnt;
        let target = self.bounded(scaled(p99, self.settings.factor));
        if target > old {
            self.learnt = target;
            self.opened = self.opened.saturating_add(1);
        } else if target < old && samples >= self.settings.samples_min {
            // Few samples may open it: the slow answers that they saw were real. That there are
            // no slow ones takes more to show.
            self.learnt = target.max(self.bounded(scaled(old, self.settings.tighten)));
            self.tightened = self.tightened.saturating_add(1);
        }
        self.invariants();
        if self.learnt != old {
            let (new, mode) = (self.learnt, self.settings.mode);
            sink.emit(TimeoutAdapted { old, new, p99, samples, mode });
        }
    }

    /// Within floor and ceiling; the ceiling wins where they cross.
    fn bounded(&self, timeout: Duration) -> Duration {
        timeout.max(self.settings.floor).min(self.settings.ceiling)
    }
}

/// `ratio · duration`, rounded down to the nanosecond; saturates.
fn scaled(duration: Duration, ratio: Ratio) -> Duration {
    Duration::from_nanos(ratio.of(nanos(duration)))
}
