//! The φ accrual detector: suspects a peer once its silence has become improbable.
//!
//! The formula is in `phi.rs`, the intervals in `intervals.rs`, what beats say in `watch.rs`.

use super::event::DetectEvent;
use super::intervals::Intervals;
use super::phi::{Phi, Rhythm};
use super::settings::PhiSettings;
use super::watch::{Beat, Status, Taken, Watch};
use crate::event::Sink;
use crate::time::{Duration, Instant};

/// A φ accrual detector of one peer (Hayashibara et al., "The φ Accrual Failure Detector", 2004).
///
/// The instant of suspicion is worked out when a beat arrives, so asking for the status costs a
/// comparison, and a driver needs one timer. Until [`PhiSettings::grace_beats`] intervals are
/// known, the peer is expected to beat as configured and has as many beats longer, so a start-up
/// convicts nobody, and one that never beats is suspected all the same.
///
/// Memory: eight bytes for each interval, allocated when built and when a reload changes their
/// number. A `now` earlier than the latest seen counts as the latest.
#[derive(Clone, Debug)]
pub struct PhiDetector {
    settings: PhiSettings,
    watch: Watch,
    intervals: Intervals,
    /// The silence from which on the peer is suspected.
    limit: Duration,
    late: u64,
}

/// A φ detector at an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PhiSnapshot {
    /// What it holds of its peer.
    pub status: Status,
    /// How improbable the silence is.
    pub phi: Phi,
    /// The silence, own pauses left out.
    pub silence: Duration,
    /// The rhythm it is judged by.
    pub rhythm: Rhythm,
    /// The intervals that rhythm is known from; the configured one stands in while they are few.
    pub samples: u32,
    /// When the peer is or was suspected without a further beat.
    pub suspect_at: Instant,
    /// The latest beat.
    pub beat: Option<Beat>,
    /// Beats that came too late to count.
    pub late: u64,
}

impl PhiDetector {
    /// Watches a peer from `now` on.
    #[must_use]
    pub fn new(settings: PhiSettings, now: Instant) -> Self {
        let intervals = Intervals::new(settings.samples);
        let limit = limit(&settings, &intervals);
        Self { settings, watch: Watch::new(now), intervals, limit, late: 0 }
    }

    /// Takes new settings; beats and intervals stay, the latest ones where fewer are to be kept.
    pub fn reconfigure(
        &mut self,
        settings: PhiSettings,
        now: Instant,
        sink: &mut impl Sink<DetectEvent>,
    ) {
        if settings.samples != self.settings.samples {
            self.intervals = self.intervals.resized(settings.samples);
        }
        self.settings = settings;
        self.limit = limit(&self.settings, &self.intervals);
        self.on_timer(now, sink);
    }

    /// A beat arrived. One of an earlier incarnation, or out of order, changes nothing but is
    /// reported. The silence around a restart is no interval.
    pub fn on_beat(&mut self, beat: Beat, now: Instant, sink: &mut impl Sink<DetectEvent>) {
        let now = self.watch.clock(now);
        // What is due comes first: a beat after too long a silence is a recovery.
        self.on_timer(now, sink);
        match self.watch.take(beat, now, sink) {
            Taken::Late => self.late = self.late.saturating_add(1),
            Taken::First => {}
            Taken::Next(silence) => {
                let mean = self.intervals.mean().unwrap_or(self.settings.beat);
                let most = mean.saturating_mul(self.settings.clip.max(1));
                self.intervals.push(silence.min(most));
                self.limit = limit(&self.settings, &self.intervals);
            }
        }
        self.invariants();
    }

    /// We ourselves stood still for so long up to `now` (a suspended host, a starved process):
    /// that part of the silence says nothing. Report it before [`PhiDetector::on_timer`]; a
    /// suspicion that came of it is taken back.
    pub fn on_own_pause(
        &mut self,
        pause: Duration,
        now: Instant,
        sink: &mut impl Sink<DetectEvent>,
    ) {
        let now = self.watch.clock(now);
        self.watch.exclude(pause, now);
        self.on_timer(now, sink);
    }

    /// Reports what has become due at `now`.
    pub fn on_timer(&mut self, now: Instant, sink: &mut impl Sink<DetectEvent>) {
        let now = self.watch.clock(now);
        let due = self.watch.reaches(self.limit);
        let phi = (now >= due).then(|| self.phi(now));
        self.watch.judge(due, phi, sink);
        self.invariants();
    }

    /// When [`PhiDetector::on_timer`] will next have something to report.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Instant> {
        let due = self.watch.reaches(self.limit);
        (!self.watch.is_suspected() && !due.is_never()).then_some(due)
    }

    /// What the peer is at `now`; follows from time alone.
    #[must_use]
    pub fn status(&self, now: Instant) -> Status {
        self.watch.status(now, self.watch.reaches(self.limit))
    }

    /// How improbable the silence is at `now`. Costs an exponential and a logarithm.
    #[must_use]
    pub fn phi(&self, now: Instant) -> Phi {
        Phi::of(self.watch.silence(self.watch.not_before_latest(now)), self.rhythm())
    }

    /// Everything that is known at `now`.
    #[must_use]
    pub fn snapshot(&self, now: Instant) -> PhiSnapshot {
        let now = self.watch.not_before_latest(now);
        PhiSnapshot {
            status: self.status(now),
            phi: self.phi(now),
            silence: self.watch.silence(now),
            rhythm: self.rhythm(),
            samples: self.intervals.count(),
            suspect_at: self.watch.reaches(self.limit),
            beat: self.watch.beat(),
            late: self.late,
        }
    }

    /// Asserts what must hold between any two steps.
    pub fn invariants(&self) {
        self.watch.invariants();
        self.intervals.invariants();
        debug_assert_eq!(self.limit, limit(&self.settings, &self.intervals), "an old limit");
    }

    fn rhythm(&self) -> Rhythm {
        rhythm(&self.settings, &self.intervals)
    }
}

fn is_known(settings: &PhiSettings, intervals: &Intervals) -> bool {
    intervals.count() >= settings.grace_beats.max(1)
}

fn rhythm(settings: &PhiSettings, intervals: &Intervals) -> Rhythm {
    match intervals.mean().filter(|_| is_known(settings, intervals)) {
        Some(mean) => settings.rhythm(mean, intervals.deviation()),
        None => settings.steady(),
    }
}

/// The silence from which on a peer with these intervals is suspected.
fn limit(settings: &PhiSettings, intervals: &Intervals) -> Duration {
    let grace = if is_known(settings, intervals) { 0 } else { settings.grace_beats };
    let silence = settings.threshold.silence(rhythm(settings, intervals));
    silence.saturating_add(settings.beat.saturating_mul(grace))
}
