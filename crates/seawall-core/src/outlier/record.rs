//! What is known of one endpoint: its recent outcomes and latencies, its ejections, and where it
//! stands.

use alloc::boxed::Box;

use super::event::Ejection;
use super::settings::{OddRule, OutlierSettings};
use super::usual::Outcomes;
use crate::histogram::RotatingHistogram;
use crate::number::small;
use crate::outcome::FailureKind;
use crate::ratio::Ratio;
use crate::rng::Draw;
use crate::time::{Duration, Instant, nanos};
use crate::window::TimeRing;

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

/// Failures in a row, by what ends the row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Rows {
    /// Failures of any kind, but for those of local origin where they are split off.
    pub(super) any: u32,
    /// Gateway failures.
    pub(super) gateway: u32,
    /// Failures of local origin, where they are split off.
    pub(super) local: u32,
}

/// The last answers that were compared with others, one bit each; set is odd.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Comparisons {
    bits: u64,
    count: u32,
}

impl Comparisons {
    pub(super) const fn push(&mut self, odd: u64) {
        self.bits = self.bits << 1 | odd;
        self.count = if self.count < u64::BITS { self.count + 1 } else { u64::BITS };
    }

    /// How many of the last ones that the rule looks at were odd, of how many.
    pub(super) fn tally(self, rule: OddRule) -> (u32, u32) {
        let reads = rule.reads.clamp(1, u64::BITS);
        let mask = u64::MAX >> (u64::BITS - reads);
        ((self.bits & mask).count_ones(), self.count.min(reads))
    }
}

/// What the latencies of the window came to when they were last looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Latency {
    pub(super) median: Option<Duration>,
    pub(super) requests: u32,
}

#[derive(Clone, Debug)]
pub(super) struct Record {
    pub(super) state: State,
    /// Beyond the cap: its ejection is not enforced until others return or join.
    pub(super) spared: bool,
    pub(super) rows: Rows,
    /// Whether its latest attempt was refused at once.
    pub(super) refused: bool,
    pub(super) recent: Outcomes,
    /// Ejections in a row as of the last change of state.
    pub(super) streak: u32,
    /// Since when it is, or was last, ill: the first of those ejections.
    pub(super) ill_since: Instant,
    pub(super) last: Option<Ejection>,
    pub(super) capped_at: Option<Instant>,
    pub(super) unenforced_at: Option<Instant>,
    pub(super) comparisons: Comparisons,
    pub(super) latency: Latency,
    /// The draw that decides in this window what is enforced in part, and since when.
    lot: Option<(Instant, Draw)>,
    ring: TimeRing<Tally>,
    /// Only where latency is judged: it is the largest part of a record.
    latencies: Option<Box<RotatingHistogram>>,
}

impl Record {
    pub(super) fn new(settings: &OutlierSettings, origin: Instant, now: Instant) -> Self {
        let mut record = Self {
            state: State::In { since: now },
            spared: false,
            rows: Rows::default(),
            refused: false,
            recent: Outcomes::default(),
            streak: 0,
            ill_since: now,
            last: None,
            capped_at: None,
            unenforced_at: None,
            comparisons: Comparisons::default(),
            latency: Latency::default(),
            lot: None,
            ring: TimeRing::new(settings.window, origin),
            latencies: None,
        };
        record.watch_latency(settings, origin);
        record
    }

    /// Starts or stops keeping latencies.
    pub(super) fn watch_latency(&mut self, settings: &OutlierSettings, origin: Instant) {
        let fresh = || Box::new(RotatingHistogram::new(settings.window, origin));
        self.latencies = settings.latency.map(|_| self.latencies.take().unwrap_or_else(fresh));
        self.latency = settings.latency.map(|_| self.latency).unwrap_or_default();
    }

    pub(super) const fn is_in(&self) -> bool {
        matches!(self.state, State::In { .. })
    }

    /// Whether it may be chosen and failed its latest attempt.
    pub(super) const fn is_failing(&self) -> bool {
        self.is_in() && (self.rows.any > 0 || self.rows.local > 0)
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
        self.rows = Rows::default();
        self.recent.push(0);
        let bucket = self.ring.at(now);
        bucket.successes = bucket.successes.saturating_add(1);
    }

    /// A failure of local origin where those are split off: it counts nowhere else.
    pub(super) const fn failed_locally(&mut self) {
        self.rows.local = self.rows.local.saturating_add(1);
    }

    pub(super) fn failed(&mut self, kind: FailureKind, now: Instant) {
        let rows = &mut self.rows;
        rows.any = rows.any.saturating_add(1);
        // That it answered at all ends a row of local failures.
        rows.local = 0;
        rows.gateway = match kind {
            FailureKind::Gateway | FailureKind::LocalOrigin => rows.gateway.saturating_add(1),
            FailureKind::Service | FailureKind::Invalid => 0,
        };
        self.recent.push(1);
        let bucket = self.ring.at(now);
        bucket.failures = bucket.failures.saturating_add(1);
    }

    pub(super) fn took(&mut self, latency: Duration, now: Instant) {
        if let Some(latencies) = &mut self.latencies {
            latencies.record(now, latency);
        }
    }

    /// The outcomes in the window at `now`.
    pub(super) fn tally(&mut self, now: Instant) -> Tally {
        self.ring.advance(now);
        self.ring.sum(Tally::plus)
    }

    /// As [`Record::tally`], for readers.
    pub(super) fn tally_now(&self, now: Instant) -> Tally {
        let mut ring = self.ring.clone();
        ring.advance(now);
        ring.sum(Tally::plus)
    }

    /// Looks at the latencies in the window at `now`: walks the buckets of a histogram.
    pub(super) fn measure(&mut self, now: Instant) -> Latency {
        let half = Ratio::from_percent(50);
        if let Some(latencies) = &mut self.latencies {
            let requests = small(latencies.count(now));
            self.latency = Latency { median: latencies.quantile(now, half), requests };
        }
        self.latency
    }

    /// Whether a detector that is enforced for this share of its verdicts is enforced for this
    /// endpoint in this window: one lot for each, however often a verdict is repeated.
    pub(super) fn is_enforced(
        &mut self,
        share: Ratio,
        draw: Draw,
        (now, window): (Instant, Duration),
    ) -> bool {
        if share >= Ratio::ONE {
            return true;
        }
        let current = self.lot.filter(|(since, _)| now.since(*since) < window);
        let (_, lot) = *self.lot.insert(current.unwrap_or((now, draw)));
        lot.is_below(share)
    }

    /// Ejections in a row as of `now`; time in good standing forgives them.
    pub(super) fn streak(&self, now: Instant) -> u32 {
        match self.state {
            State::In { since } => {
                let forgiven = nanos(now.since(since)) / nanos(FORGIVEN_EVERY);
                self.streak.saturating_sub(small(forgiven))
            }
            State::Out { .. } | State::Probing { .. } => self.streak,
        }
    }

    /// Lets it back in. What it did before its ejection no longer counts.
    pub(super) fn readmit(&mut self, now: Instant) {
        self.state = State::In { since: now };
        self.spared = false;
        self.rows = Rows::default();
        self.recent = Outcomes::default();
        self.comparisons = Comparisons::default();
        self.latency = Latency::default();
        self.ring.clear();
        if let Some(latencies) = &mut self.latencies {
            latencies.clear();
        }
    }

    /// Moves outcomes and latencies to a window of another length. What the new one does not cover
    /// goes.
    pub(super) fn rebucket(&mut self, window: Duration, origin: Instant, now: Instant) {
        self.ring.reshape(window, origin, now, Tally::plus);
        if let Some(latencies) = &mut self.latencies {
            **latencies = latencies.rewindowed(window, origin, now);
        }
    }
}
