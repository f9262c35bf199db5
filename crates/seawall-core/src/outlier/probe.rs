//! The way back: one real attempt at a time to an endpoint whose ejection has run its time.

use super::event::{Detector, Finding, OutlierEvent};
use super::evidence::Evidence;
use super::outliers::{Longer, Outliers};
use super::record::{Rows, Standing, State};
use crate::endpoint::Slot;
use crate::event::Sink;
use crate::outcome::Class;
use crate::time::Instant;

/// The right to send one probe. End it with [`Outliers::end_probe`]; one that is lost keeps its
/// place for as long as the longest ejection.
#[derive(Debug, PartialEq, Eq)]
#[must_use = "a probe that is never ended keeps its endpoint out"]
pub struct ProbeTicket {
    slot: Slot,
    generation: u64,
}

impl ProbeTicket {
    /// The endpoint to probe.
    #[must_use]
    pub const fn slot(&self) -> Slot {
        self.slot
    }
}

impl Outliers {
    /// Takes the place of the probe, if one is due.
    pub fn begin_probe(&mut self, slot: Slot, now: Instant) -> Option<ProbeTicket> {
        let now = self.clock(now);
        if self.standing(slot, now) != Standing::ProbeDue {
            return None;
        }
        let generation = self.probes.wrapping_add(1);
        let until = now.after(self.settings.max);
        self.record_mut(slot)?.state = State::Probing { generation, until };
        self.probes = generation;
        Some(ProbeTicket { slot, generation })
    }

    /// Ends a probe. A success lets the endpoint back in (start it slowly), a failure ejects it
    /// for longer, anything else gives the place to the next probe. A ticket whose place was given
    /// to another meanwhile changes nothing.
    pub fn end_probe(
        &mut self,
        ticket: ProbeTicket,
        evidence: Evidence,
        now: Instant,
        sink: &mut impl Sink<OutlierEvent>,
    ) {
        let ProbeTicket { slot, generation: ended } = ticket;
        let now = self.clock(now);
        match self.record(slot).map(|record| record.state) {
            Some(State::Probing { generation, .. }) if generation == ended => {
                self.settle(slot, evidence, now, sink);
            }
            Some(State::In { .. } | State::Out { .. } | State::Probing { .. }) | None => {}
        }
    }

    /// An active check passed: brings the first probe of an ejection forward to now. It lets
    /// nobody back in, since the way of real traffic may fail all the same; nor does it speed up
    /// the probes after a failed one, or checks would undo the growing waits.
    pub fn hasten(&mut self, slot: Slot, now: Instant) {
        let now = self.clock(now);
        let Some(record) = self.record_mut(slot) else { return };
        let probed = record.last.is_some_and(|last| last.finding.detector() == Detector::Probe);
        if let State::Out { until } = &mut record.state
            && !probed
        {
            *until = now.min(*until);
        }
    }

    /// Whether it is known at once, and at no cost, that an endpoint which is out still is: its
    /// latest attempt was refused.
    #[must_use]
    pub fn refuses(&self, slot: Slot) -> bool {
        self.record(slot).is_some_and(|record| record.refused)
    }

    /// Draws the consequence of the outcome of a probe.
    pub(super) fn settle(
        &mut self,
        slot: Slot,
        evidence: Evidence,
        now: Instant,
        sink: &mut impl Sink<OutlierEvent>,
    ) {
        if let Some(record) = self.record_mut(slot) {
            record.refused = evidence.refused;
        }
        match evidence.class {
            Class::Success => self.readmit(slot, now, sink),
            Class::Failure => {
                let longer = if evidence.refused { Longer::No } else { Longer::Yes };
                self.eject(slot, (Finding::FailedProbe, longer), evidence.draw, sink);
            }
            Class::Ignored | Class::Abandoned => {
                if let Some(record) = self.record_mut(slot) {
                    record.state = State::Out { until: now };
                }
            }
        }
    }

    /// Lets an endpoint back in whose failures were not its own: everything was away, and has come
    /// back. One that was slow, or wrong, stays out.
    pub(crate) fn absolve(&mut self, slot: Slot, now: Instant, sink: &mut impl Sink<OutlierEvent>) {
        let now = self.clock(now);
        let Some(record) = self.record_mut(slot) else { return };
        let found = record.last.map(|last| last.finding.detector());
        if record.is_in() {
            let was_failing = usize::from(record.is_failing());
            record.rows = Rows::default();
            self.census.failing -= was_failing;
        } else if !matches!(found, Some(Detector::Latency | Detector::OddOne)) {
            self.readmit(slot, now, sink);
        }
    }

    fn readmit(&mut self, slot: Slot, now: Instant, sink: &mut impl Sink<OutlierEvent>) {
        let Some(record) = self.record_mut(slot) else { return };
        record.readmit(now);
        let streak = record.streak;
        self.census.out -= 1;
        self.enforce_cap();
        sink.emit(OutlierEvent::Returned { slot, streak, mode: self.settings.mode });
    }
}
