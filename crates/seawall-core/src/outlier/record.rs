//! What is known of one endpoint: its recent outcomes, its ejections, and where it stands.

use super::event::Ejection;
use crate::time::{Duration, Instant, nanos};
use crate::window::{BUCKETS, TimeRing};

/// In good standing for so long, an endpoint is forgiven one of its ejections in a row.
const FORGIVEN_EVERY: Duration = Duration::from_secs(60);

/// Where an endpoint stands at an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It may be chosen.
    In,
    /// It may not.
    Ejected {
        /// Until then.
        until: Instant,
    },
    /// One attempt may be sent to learn whether it has recovered.
    ProbeDue,
    /// That attempt is under way.
    Probing,
}

/// The state behind a standing, which time alone does not change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    In {
        since: Instant,
    },
    Out {
        until: Instant,
    },
    Probing {
        /// The probe whose result counts.
        generation: u64,
        /// A probe that has not ended by then has lost its place.
        until: Instant,
    },
}

/// Outcomes of one bucket.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    pub(super) successes: u32,
    pub(super) failures: u32,
}

impl Tally {
    pub(super) const fn requests(self) -> u32 {
        self.successes.saturating_add(self.failures)
    }

    const fn plus(self, other: Self) -> Self {
        Self {
            successes: self.successes.saturating_add(other.successes),
            failures: self.failures.saturating_add(other.failures),
        }
    }
}

#[derive(Clone, Debug)]
pub(super) struct Record {
    pub(super) state: State,
    /// Beyond the cap: its ejection is not enforced until others return or join.
    pub(super) spared: bool,
    /// Failures in a row.
    pub(super) consecutive: u32,
    /// Ejections in a row as of the last change of state.
    pub(super) streak: u32,
    pub(super) last: Option<Ejection>,
    pub(super) capped_at: Option<Instant>,
    ring: TimeRing<Tally>,
}

impl Record {
    pub(super) fn new(window: Duration, origin: Instant, now: Instant) -> Self {
        Self {
            state: State::In { since: now },
            spared: false,
            consecutive: 0,
            streak: 0,
            last: None,
            capped_at: None,
            ring: TimeRing::new(window, origin),
        }
    }

    pub(super) const fn is_in(&self) -> bool {
        matches!(self.state, State::In { .. })
    }

    /// Whether it may be chosen and failed its latest attempt.
    pub(super) const fn is_failing(&self) -> bool {
        self.is_in() && self.consecutive > 0
    }

    pub(super) fn standing(&self, now: Instant) -> Standing {
        match self.state {
            State::In { .. } => Standing::In,
            State::Out { .. } | State::Probing { .. } if self.spared => Standing::In,
            State::Out { until } if now < until => Standing::Ejected { until },
            State::Probing { until, .. } if now < until => Standing::Probing,
            State::Out { .. } | State::Probing { .. } => Standing::ProbeDue,
        }
    }

    pub(super) fn succeeded(&mut self, now: Instant) {
        self.consecutive = 0;
        let bucket = self.ring.at(now);
        bucket.successes = bucket.successes.saturating_add(1);
    }

    pub(super) fn failed(&mut self, now: Instant) {
        self.consecutive = self.consecutive.saturating_add(1);
        let bucket = self.ring.at(now);
        bucket.failures = bucket.failures.saturating_add(1);
    }

    /// The outcomes in the window at `now`.
    pub(super) fn tally(&mut self, now: Instant) -> Tally {
        self.ring.advance(now);
        self.ring.live().copied().fold(Tally::default(), Tally::plus)
    }

    /// As [`Record::tally`], for readers.
    pub(super) fn tally_now(&self, now: Instant) -> Tally {
        self.clone().tally(now)
    }

    /// Ejections in a row as of `now`; time in good standing forgives them.
    pub(super) fn streak(&self, now: Instant) -> u32 {
        match self.state {
            State::In { since } => {
                let forgiven = nanos(now.since(since)) / nanos(FORGIVEN_EVERY);
                self.streak.saturating_sub(u32::try_from(forgiven).unwrap_or(u32::MAX))
            }
            State::Out { .. } | State::Probing { .. } => self.streak,
        }
    }

    /// Lets it back in. What it did before its ejection no longer counts.
    pub(super) fn readmit(&mut self, now: Instant) {
        self.state = State::In { since: now };
        self.spared = false;
        self.consecutive = 0;
        self.ring.clear();
    }

    /// Moves the outcomes to a window of another length. What the new one does not cover goes.
    pub(super) fn rebucket(&mut self, window: Duration, origin: Instant, now: Instant) {
        let mut ring = TimeRing::<Tally>::new(window, origin);
        ring.advance(now);
        self.ring.advance(now);
        let width = nanos(self.ring.width());
        for back in 0..BUCKETS as u64 {
            let then = now.as_nanos().saturating_sub(width.saturating_mul(back));
            let then = Instant::from_nanos(then);
            // Taken, so that the instants before the epoch, which all read as it, count once.
            let old = self.ring.past(then).map(core::mem::take).unwrap_or_default();
            if let Some(bucket) = ring.past(then) {
                *bucket = bucket.plus(old);
            }
        }
        self.ring = ring;
    }
}
