//! Who belongs: joining, leaving with what is known, settings, and the cap that follows from it.

use super::event::Ejection;
use super::outliers::{Census, Outliers};
use super::record::{Record, State};
use super::settings::OutlierSettings;
use crate::Mode;
use crate::endpoint::Slot;
use crate::number::small;
use crate::time::Instant;

/// What outlives the registration of an endpoint. Its owner keeps it for ten minutes, so that a
/// registry that drops and re-registers an endpoint grants it no amnesty.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Remembered {
    /// Until when it was ejected, if it was.
    until: Option<Instant>,
    streak: u32,
    last: Option<Ejection>,
}

impl Outliers {
    /// Takes over new settings; what is known stays, outcomes within the new window included.
    /// Off forgets everything.
    pub fn reconfigure(&mut self, settings: OutlierSettings, now: Instant) {
        let now = self.clock(now);
        let old = core::mem::replace(&mut self.settings, settings);
        let origin = self.origin;
        for record in self.records.iter_mut().flatten() {
            if settings.mode == Mode::Off {
                *record = Record::new(&settings, origin, now);
                continue;
            }
            if settings.window != old.window {
                record.rebucket(settings.window, origin, now);
            }
            record.watch_latency(&settings, origin);
        }
        self.recount();
    }

    /// Adds an endpoint in good standing, or starts one anew that is already there.
    pub fn insert(&mut self, slot: Slot, now: Instant) {
        let now = self.clock(now);
        if self.records.len() <= slot.index() {
            self.records.resize(slot.index() + 1, None);
        }
        let record = Record::new(&self.settings, self.origin, now);
        if let Some(place) = self.records.get_mut(slot.index()) {
            *place = Some(record);
        }
        self.make_room();
        self.recount();
    }

    /// Removes an endpoint and returns what is to be remembered of it. A probe under way no
    /// longer counts.
    pub fn remove(&mut self, slot: Slot, now: Instant) -> Remembered {
        let now = self.clock(now);
        let record = self.records.get_mut(slot.index()).and_then(Option::take);
        self.recount();
        let Some(record) = record else { return Remembered::default() };
        let until = match record.state {
            State::In { .. } => None,
            State::Out { until } => Some(until),
            State::Probing { .. } => Some(now),
        };
        Remembered { until, streak: record.streak(now), last: record.last }
    }

    /// Gives an endpoint that has just been inserted what was remembered of it. Time away does
    /// not forgive ejections.
    pub fn restore(&mut self, slot: Slot, remembered: Remembered, now: Instant) {
        let now = self.clock(now);
        if self.settings.mode == Mode::Off {
            return;
        }
        let Some(record) = self.record_mut(slot) else { return };
        let back = State::In { since: now };
        record.state = remembered.until.map_or(back, |until| State::Out { until });
        record.streak = remembered.streak;
        record.last = remembered.last;
        self.recount();
    }

    /// Asserts what must hold between any two steps.
    pub fn invariants(&self) {
        debug_assert_eq!(self.census, self.counted(), "the census is not a recount");
        let spared = self.records.iter().flatten().filter(|record| record.spared);
        debug_assert!(spared.clone().all(|record| !record.is_in()), "spared without ejection");
        debug_assert_eq!(spared.count(), self.spared, "the spared are not a recount");
        let enforced = self.census.out - self.spared;
        debug_assert!(enforced <= self.allowed(), "more are out than the cap allows");
        debug_assert!(self.census.all == 0 || enforced < self.census.all, "the last one is out");
        debug_assert!(self.rated.capacity() >= self.records.len(), "no room to judge");
        debug_assert!(self.timed.capacity() >= self.records.len(), "no room to time");
        debug_assert!(self.scratch.capacity() >= self.records.len(), "no room to compare");
    }

    /// How many endpoints may be out; always fewer than there are.
    pub(super) fn allowed(&self) -> usize {
        let all = small(self.census.all);
        self.settings.allowed(all) as usize
    }

    /// Spares the ejections beyond the cap, those that end first, and enforces the others.
    pub(super) fn enforce_cap(&mut self) {
        let excess = self.census.out.saturating_sub(self.allowed());
        if excess == 0 && self.spared == 0 {
            return;
        }
        for record in self.records.iter_mut().flatten() {
            record.spared = false;
        }
        for _ in 0..excess {
            let ejected = self.records.iter_mut().flatten().filter(|r| !r.is_in() && !r.spared);
            if let Some(next) = ejected.min_by_key(|record| end(record.state)) {
                next.spared = true;
            }
        }
        self.spared = excess;
    }

    fn recount(&mut self) {
        self.census = self.counted();
        self.enforce_cap();
    }

    fn counted(&self) -> Census {
        self.records.iter().flatten().fold(Census::default(), |sum, record| Census {
            all: sum.all + 1,
            out: sum.out + usize::from(!record.is_in()),
            failing: sum.failing + usize::from(record.is_failing()),
        })
    }

    /// Judging must not allocate.
    fn make_room(&mut self) {
        let all = self.records.len();
        self.rated.clear();
        self.rated.reserve(all);
        self.timed.clear();
        self.timed.reserve(all);
        self.scratch.clear();
        self.scratch.reserve(all);
    }
}

/// When an ejection ends; one that is being probed is nearest to its end.
const fn end(state: State) -> Instant {
    match state {
        State::In { .. } | State::Probing { .. } => Instant::EPOCH,
        State::Out { until } => until,
    }
}
