//! The timeout detector: suspects a peer after a fixed silence.
//!
//! For peers whose rhythm is known and strict, and where a bound must be stated to others. The one
//! that learns is in `accrual.rs`.

use super::event::DetectEvent;
use super::settings::TimeoutSettings;
use super::watch::{Beat, Status, Watch};
use crate::event::Sink;
use crate::time::{Duration, Instant};

/// A failure detector of one peer with a fixed timeout. Fixed memory, constant time.
///
/// A `now` earlier than the latest seen counts as the latest.
#[derive(Clone, Debug)]
pub struct TimeoutDetector {
    settings: TimeoutSettings,
    watch: Watch,
}

impl TimeoutDetector {
    /// Watches a peer from `now` on.
    #[must_use]
    pub const fn new(settings: TimeoutSettings, now: Instant) -> Self {
        Self { settings, watch: Watch::new(now) }
    }

    /// Takes new settings; the silence goes on.
    pub fn reconfigure(
        &mut self,
        settings: TimeoutSettings,
        now: Instant,
        sink: &mut impl Sink<DetectEvent>,
    ) {
        self.settings = settings;
        self.on_timer(now, sink);
    }

    /// A beat arrived. One of an earlier incarnation, or out of order, changes nothing but is
    /// reported.
    pub fn on_beat(&mut self, beat: Beat, now: Instant, sink: &mut impl Sink<DetectEvent>) {
        self.on_timer(now, sink);
        let now = self.watch.clock(now);
        self.watch.take(beat, now, sink);
        self.invariants();
    }

    /// We ourselves stood still for so long up to `now`: that part of the silence says nothing.
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
        self.watch.clock(now);
        self.watch.judge(self.due(), None, sink);
        self.invariants();
    }

    /// When [`TimeoutDetector::on_timer`] will next have something to report.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Instant> {
        let due = self.due();
        (!self.watch.is_suspected() && !due.is_never()).then_some(due)
    }

    /// What the peer is at `now`; follows from time alone.
    #[must_use]
    pub fn status(&self, now: Instant) -> Status {
        self.watch.status(now, self.due())
    }

    /// How long the peer has been silent at `now`, own pauses left out.
    #[must_use]
    pub fn silence(&self, now: Instant) -> Duration {
        self.watch.silence(self.watch.not_before_latest(now))
    }

    /// Asserts what must hold between any two steps.
    pub fn invariants(&self) {
        self.watch.invariants();
    }

    fn due(&self) -> Instant {
        let grace = self.watch.beat().map_or(self.settings.grace, |_| Duration::ZERO);
        self.watch.reaches(self.settings.timeout.saturating_add(grace))
    }
}
