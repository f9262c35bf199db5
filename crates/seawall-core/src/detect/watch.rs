//! The silence of one peer: which beat is the latest, since when there was none, and how much of
//! that was our own fault.
//!
//! How long a silence may last is the detectors' (`accrual.rs`, `silence.rs`).

use super::event::DetectEvent;
use super::phi::Phi;
use crate::event::Sink;
use crate::time::{Duration, Instant};

/// What a beat says of itself. Ordered: a later incarnation is later than any beat of an earlier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Beat {
    /// Grows with each start of the peer.
    pub incarnation: u64,
    /// Grows with each beat of an incarnation.
    pub sequence: u64,
}

/// What a detector holds of its peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// It was never heard, and still has time.
    Unheard,
    /// It beats.
    Trusted,
    /// It has been silent for too long.
    Suspected {
        /// Since when there was no beat; for one never heard, since it was watched.
        since: Instant,
    },
}

/// What came of a beat.
pub(super) enum Taken {
    /// An older one, or the same again: it changed nothing.
    Late,
    /// A beat without one before it in its incarnation.
    First,
    /// The next one, after this much silence.
    Next(Duration),
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Watch {
    beat: Option<Beat>,
    /// The latest beat, or the start of watching.
    since: Instant,
    /// The part of the silence in which we ourselves stood still.
    excluded: Duration,
    is_suspected: bool,
    latest: Instant,
}

impl Watch {
    pub(super) const fn new(now: Instant) -> Self {
        let excluded = Duration::ZERO;
        Self { beat: None, since: now, excluded, is_suspected: false, latest: now }
    }

    /// Time does not go back.
    pub(super) fn clock(&mut self, now: Instant) -> Instant {
        self.latest = self.not_before_latest(now);
        self.latest
    }

    pub(super) fn not_before_latest(&self, now: Instant) -> Instant {
        now.max(self.latest)
    }

    pub(super) fn take(
        &mut self,
        beat: Beat,
        now: Instant,
        sink: &mut impl Sink<DetectEvent>,
    ) -> Taken {
        let last = self.beat;
        if let Some(last) = last.filter(|last| beat <= *last) {
            sink.emit(DetectEvent::LateBeat { beat, last });
            return Taken::Late;
        }
        let silence = self.silence(now);
        let was_suspected = core::mem::take(&mut self.is_suspected);
        (self.beat, self.since, self.excluded) = (Some(beat), now, Duration::ZERO);
        let incarnation = beat.incarnation;
        let continues = last.is_some_and(|last| last.incarnation == incarnation);
        if last.is_some() && !continues {
            sink.emit(DetectEvent::Restarted { incarnation });
        }
        if was_suspected {
            sink.emit(DetectEvent::Recovered { silence });
        }
        if continues { Taken::Next(silence) } else { Taken::First }
    }

    /// How long there was no beat, our own pauses left out.
    pub(super) fn silence(&self, now: Instant) -> Duration {
        now.since(self.since).saturating_sub(self.excluded)
    }

    /// When a silence so long will be reached.
    pub(super) fn reaches(&self, silence: Duration) -> Instant {
        self.since.after(self.excluded).after(silence)
    }

    /// Leaves `pause` out of the silence; no more than there was of it.
    pub(super) fn exclude(&mut self, pause: Duration, now: Instant) {
        self.excluded = self.excluded.saturating_add(pause.min(self.silence(now)));
    }

    /// Suspects if `due` has come, or takes a suspicion back for which it has not.
    pub(super) fn judge(
        &mut self,
        due: Instant,
        phi: Option<Phi>,
        sink: &mut impl Sink<DetectEvent>,
    ) {
        let is_due = self.latest >= due && !due.is_never();
        if is_due == core::mem::replace(&mut self.is_suspected, is_due) {
            return;
        }
        if is_due {
            sink.emit(DetectEvent::Suspected { phi, since: self.since });
        } else {
            sink.emit(DetectEvent::Recovered { silence: self.silence(self.latest) });
        }
    }

    pub(super) fn status(&self, now: Instant, due: Instant) -> Status {
        if self.not_before_latest(now) >= due && !due.is_never() {
            return Status::Suspected { since: self.since };
        }
        self.beat.map_or(Status::Unheard, |_| Status::Trusted)
    }

    pub(super) const fn is_suspected(&self) -> bool {
        self.is_suspected
    }

    pub(super) const fn beat(&self) -> Option<Beat> {
        self.beat
    }

    pub(super) fn invariants(&self) {
        debug_assert!(self.since <= self.latest, "a beat from the future");
        let passed = self.latest.since(self.since);
        debug_assert!(self.excluded <= passed, "a pause longer than the silence it was part of");
    }
}
