//! Who can be reached, and when to look again.
//!
//! What an outage means for calls is in `machine.rs`.

use super::machine::{Hold, State};
use super::settings::{PROBE_GAP, PROBE_MAX, PROBE_MIN};
use crate::Mode;
use crate::endpoint::Slot;
use crate::number::small;
use crate::time::{Duration, Instant};

/// How often the interval between probes fits into what an outage has lasted: recovery is then
/// seen within a twentieth of it, five percent.
const PROBES_PER_AGE: u32 = 20;

/// What the latest attempt at an endpoint met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Met {
    /// Nothing is known: it may serve.
    Unknown,
    /// Somebody.
    Somebody,
    /// Nobody.
    Nobody,
}

/// An endpoint that may serve.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Record {
    pub(super) met: Met,
    /// When it was last found so, or asked: probes go by that.
    pub(super) at: Instant,
    /// When nobody was last found there.
    pub(super) lost_at: Instant,
    /// The probe under way.
    pub(super) probing: Option<u64>,
}

impl Record {
    pub(super) const UNKNOWN: Self =
        Self { met: Met::Unknown, at: Instant::EPOCH, lost_at: Instant::EPOCH, probing: None };
}

/// What an attempt that is about to be made is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Door {
    /// Choose as ever.
    Open,
    /// It is the probe of this endpoint, with this number.
    Probe(Slot, u64),
    /// Nobody can be reached, and no probe is due.
    Closed,
}

impl Hold {
    /// Asked before an attempt. A probe that is due is thereby begun; it ends with
    /// [`Hold::note`].
    #[inline]
    pub fn door(&mut self, now: Instant) -> Door {
        match self.state {
            State::Outage { since } if self.settings.mode == Mode::Enforce => {
                self.next_probe(since, now)
            }
            State::Outage { .. } | State::Reachable | State::Releasing { .. } => Door::Open,
        }
    }

    /// Whether an attempt would find the door closed.
    #[must_use]
    #[inline]
    pub fn is_closed(&self, now: Instant) -> bool {
        match self.state {
            State::Outage { since } => {
                self.settings.mode == Mode::Enforce && self.probe_due(since, now) > now
            }
            State::Reachable | State::Releasing { .. } => false,
        }
    }

    /// An active check of an endpoint has passed: its next probe comes at once. It ends nothing,
    /// since the way of real traffic may be another.
    pub fn hasten(&mut self, slot: Slot) {
        if !self.is_out() {
            return;
        }
        if let Some(Some(record)) = self.records.get_mut(slot.index()) {
            record.at = Instant::EPOCH;
            self.wake.extend(self.scout);
        }
    }

    #[cold]
    fn next_probe(&mut self, since: Instant, now: Instant) -> Door {
        if self.probe_due(since, now) > now {
            return Door::Closed;
        }
        let Some(index) = self.least_recent() else { return Door::Closed };
        let gap = interval(since, now) / small(self.members).max(1);
        self.probe_at = now.after(gap.max(PROBE_GAP));
        self.probes_total = self.probes_total.saturating_add(1);
        let number = self.probes_total;
        if let Some(Some(record)) = self.records.get_mut(index) {
            (record.at, record.probing) = (now, Some(number));
        }
        Door::Probe(Slot::new(small(index)), number)
    }

    /// When the next probe may begin. While one is under way at each endpoint nobody knows; a look
    /// after the usual time does no harm.
    pub(super) fn probe_due(&self, since: Instant, now: Instant) -> Instant {
        // By the age at the latest attempt, or looking would itself put the next probe off.
        match self.least_recent().and_then(|index| self.records.get(index).copied().flatten()) {
            Some(record) => record.at.after(interval(since, record.at)).max(self.probe_at),
            None => now.after(interval(since, now)),
        }
    }

    /// The endpoint without a probe under way whose latest attempt is the longest ago.
    fn least_recent(&self) -> Option<usize> {
        let records = self.records.iter().enumerate();
        let free = records.filter_map(|(index, record)| {
            let record = record.filter(|record| record.probing.is_none())?;
            Some((record.at, index))
        });
        free.min().map(|(_, index)| index)
    }
}

/// Between two probes of an endpoint.
fn interval(since: Instant, now: Instant) -> Duration {
    (now.since(since) / PROBES_PER_AGE).clamp(PROBE_MIN, PROBE_MAX)
}
