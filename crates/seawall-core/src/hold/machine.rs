//! The machine: when an outage begins and ends, and who is held.
//!
//! Probes are in `probing.rs`, the way out of the line in `releasing.rs`.

use alloc::collections::VecDeque;
use alloc::vec::Vec;

use super::event::HoldEvent;
use super::line::{Line, Place};
use super::probing::{Met, Record};
use super::releasing::Away;
use super::settings::{HoldSettings, PATIENCE};
use super::snapshot::{HoldSnapshot, HoldState};
use super::{Counts, NotHeld, Patience, Wish};
use crate::Mode;
use crate::endpoint::Slot;
use crate::event::Sink;
use crate::number::small;
use crate::outcome::Reach;
use crate::time::{Duration, Instant};

/// Where an upstream is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Reachable,
    Outage { since: Instant },
    Releasing { since: Instant, window: u32 },
}

/// Holds calls through a short outage. See the module's documentation.
///
/// While endpoints are reached, an attempt costs one comparison and nothing is allocated. Memory:
/// one small record for each endpoint, and one for each held call.
#[derive(Debug)]
pub struct Hold {
    pub(super) settings: HoldSettings,
    pub(super) state: State,
    /// By slot; none where no endpoint may serve.
    pub(super) records: Vec<Option<Record>>,
    /// Endpoints that may serve, and those of them whose latest attempt met nobody.
    pub(super) members: usize,
    pub(super) lost: usize,
    pub(super) line: Line,
    /// Released, and not yet on their way.
    pub(super) called: Line,
    /// Calls that have left the line for an attempt.
    pub(super) away: u32,
    /// What the bodies of all of them may take.
    pub(super) bytes: u64,
    /// How long the latest answer to a released call took.
    pub(super) takes: Duration,
    /// Who looks when the next probe is due.
    pub(super) scout: Option<Place>,
    pub(super) wake: VecDeque<Place>,
    /// No more released calls than this are under way at once.
    pub(super) window_max: u32,
    /// No probe before.
    pub(super) probe_at: Instant,
    pub(super) probes_total: u64,
    pub(super) outages_total: u64,
    pub(super) latest: Instant,
    places: u64,
    held_total: u64,
    full_total: u64,
    full_told: bool,
}

impl Hold {
    /// Of an upstream without endpoints.
    #[must_use]
    pub const fn new(settings: HoldSettings) -> Self {
        Self {
            settings,
            state: State::Reachable,
            records: Vec::new(),
            members: 0,
            lost: 0,
            line: Line::EMPTY,
            called: Line::EMPTY,
            away: 0,
            bytes: 0,
            takes: Duration::ZERO,
            scout: None,
            wake: VecDeque::new(),
            window_max: u32::MAX,
            probe_at: Instant::EPOCH,
            probes_total: 0,
            outages_total: 0,
            latest: Instant::EPOCH,
            places: 0,
            held_total: 0,
            full_total: 0,
            full_told: false,
        }
    }

    /// Takes new settings. What is known of endpoints stays; who is held stays so, unless holding
    /// is no longer enforced: then all are let go.
    pub fn reconfigure(
        &mut self,
        settings: HoldSettings,
        now: Instant,
        sink: &mut impl Sink<HoldEvent>,
    ) {
        let now = self.clock(now);
        self.settings = settings;
        if settings.mode == Mode::Off {
            self.records.iter_mut().flatten().for_each(|record| *record = Record::UNKNOWN);
        }
        self.recount();
        self.judge(now, sink);
        if settings.mode != Mode::Enforce {
            self.release_all();
        } else if self.is_out() && !self.called.is_empty() {
            self.call_back();
            self.promote();
        }
        self.invariants();
    }

    /// The endpoints that may serve, in order of their slots; what is known of others is
    /// forgotten.
    pub fn set_members(
        &mut self,
        members: impl Iterator<Item = Slot>,
        now: Instant,
        sink: &mut impl Sink<HoldEvent>,
    ) {
        let now = self.clock(now);
        let mut before = core::mem::take(&mut self.records);
        for slot in members {
            let known = before.get_mut(slot.index()).and_then(Option::take);
            self.records.resize(slot.index() + 1, None);
            if let Some(place) = self.records.last_mut() {
                *place = Some(known.unwrap_or(Record::UNKNOWN));
            }
        }
        self.recount();
        self.judge(now, sink);
        self.invariants();
    }

    /// No more released calls are under way at once than the upstream has permits: the rest would
    /// wait for one, and less patiently.
    pub fn set_window_max(&mut self, permits: u32) {
        self.window_max = permits.max(1);
    }

    /// Another endpoint has taken a slot.
    pub fn forget(&mut self, slot: Slot) {
        if let Some(record) = self.records.get_mut(slot.index()) {
            *record = record.map(|_| Record::UNKNOWN);
        }
        self.recount();
    }

    /// Whether an attempt that met `reach` would tell it anything. Its probes always do.
    #[must_use]
    #[inline]
    pub const fn is_concerned(&self, reach: Reach) -> bool {
        !matches!(self.settings.mode, Mode::Off)
            && (self.lost > 0 || matches!(reach, Reach::Nobody))
    }

    /// Whether a line is being released: the service has more to do than what arrives.
    #[must_use]
    #[inline]
    pub const fn is_releasing(&self) -> bool {
        matches!(self.state, State::Releasing { .. })
    }

    /// Whether no endpoint can be reached, and calls are held for it.
    #[must_use]
    #[inline]
    pub const fn is_out(&self) -> bool {
        matches!(self.state, State::Outage { .. }) && matches!(self.settings.mode, Mode::Enforce)
    }

    /// Takes what an attempt met that began at `began`; `probe` is its number, if it was a probe.
    /// Says whether it is to count anywhere else.
    pub fn note(
        &mut self,
        (slot, reach): (Slot, Reach),
        (began, probe): (Instant, Option<u64>),
        now: Instant,
        sink: &mut impl Sink<HoldEvent>,
    ) -> Counts {
        let now = self.clock(now);
        let known = matches!(self.state, State::Outage { .. });
        let Some(Some(record)) = self.records.get_mut(slot.index()) else { return Counts::Yes };
        let was_lost = record.met == Met::Nobody;
        if probe.is_some() && record.probing == probe {
            record.probing = None;
        }
        match reach {
            Reach::Nobody => {
                (record.met, record.at, record.lost_at) = (Met::Nobody, now, now);
            }
            Reach::Answered => record.met = Met::Somebody,
            // Whoever took a request before the endpoint was lost says nothing about it now.
            Reach::Taken if !was_lost || began >= record.lost_at => record.met = Met::Somebody,
            Reach::Taken | Reach::Unknown => {}
        }
        let is_lost = record.met == Met::Nobody;
        self.lost = (self.lost + usize::from(is_lost)).saturating_sub(usize::from(was_lost));
        self.judge(now, sink);
        self.invariants();
        let told = known && reach == Reach::Nobody && self.settings.mode == Mode::Enforce;
        if told { Counts::No } else { Counts::Yes }
    }

    /// Begins or ends the outage.
    fn judge(&mut self, now: Instant, sink: &mut impl Sink<HoldEvent>) {
        let (mode, endpoints) = (self.settings.mode, small(self.members));
        let out = self.members > 0 && self.lost == self.members && mode != Mode::Off;
        match self.state {
            State::Reachable | State::Releasing { .. } if out => {
                self.state = State::Outage { since: now };
                self.outages_total = self.outages_total.saturating_add(1);
                self.full_told = false;
                self.call_back();
                sink.emit(HoldEvent::OutageBegan { endpoints, mode });
                self.promote();
            }
            State::Outage { since } if !out => {
                let (after, held) = (now.since(since), self.held());
                sink.emit(HoldEvent::OutageEnded { after, held, mode });
                self.release(now, sink);
            }
            State::Reachable | State::Outage { .. } | State::Releasing { .. } => {}
        }
    }

    /// Takes a call into the line, again if it brings its receipt. Also says when it is to look
    /// for the first time.
    ///
    /// # Errors
    ///
    /// [`NotHeld`]; its receipt is then settled. Where there is no outage there is nothing to wait
    /// for, and so no time.
    pub fn enter(
        &mut self,
        wish: Wish,
        away: Option<Away>,
        now: Instant,
        sink: &mut impl Sink<HoldEvent>,
    ) -> Result<(Place, Instant), NotHeld> {
        let now = self.clock(now);
        let again = away.is_some();
        if let Some(Away { body, .. }) = away {
            self.away = self.away.saturating_sub(1);
            self.bytes = self.bytes.saturating_sub(body);
        }
        let until = self.useful_until(&wish, now);
        if until <= now || !self.is_out() {
            return Err(NotHeld::NoTime);
        }
        let bytes = self.bytes.saturating_add(wish.body);
        // Who held a place before has lost it to nobody: it was still counted.
        if !again && (self.held() >= self.settings.calls || bytes > self.settings.bytes) {
            self.refuse(sink);
            return Err(NotHeld::Full);
        }
        (self.bytes, self.places) = (bytes, self.places.saturating_add(1));
        self.held_total = self.held_total.saturating_add(u64::from(wish.since.is_none()));
        let place = Place::new(awaited(&wish, now).min(until), until, self.places);
        self.line.insert(place, wish.body);
        let look_at = self.first_look(place, now);
        self.invariants();
        Ok((place, look_at))
    }

    fn first_look(&mut self, place: Place, now: Instant) -> Instant {
        match self.state {
            State::Outage { since } if self.scout.is_none() => {
                self.scout = Some(place);
                self.probe_due(since, now).min(place.until())
            }
            State::Outage { .. } | State::Reachable | State::Releasing { .. } => place.until(),
        }
    }

    fn useful_until(&self, wish: &Wish, now: Instant) -> Instant {
        let longest = wish.since.unwrap_or(now).after(self.settings.longest);
        let outage = match self.state {
            State::Outage { since } => since.after(self.settings.outage),
            State::Reachable | State::Releasing { .. } => Instant::NEVER,
        };
        wish.until.min(longest).min(outage)
    }

    /// Whoever was released, and is not on its way, goes back into the line.
    fn call_back(&mut self) {
        if self.settings.mode == Mode::Enforce {
            self.line.take_in(&mut self.called);
        }
    }

    #[cold]
    fn refuse(&mut self, sink: &mut impl Sink<HoldEvent>) {
        self.full_total = self.full_total.saturating_add(1);
        if !core::mem::replace(&mut self.full_told, true) {
            sink.emit(HoldEvent::Full { held: self.held(), bytes: self.bytes });
        }
    }

    fn held(&self) -> u32 {
        small(self.line.len()).saturating_add(small(self.called.len())).saturating_add(self.away)
    }

    fn recount(&mut self) {
        let known = || self.records.iter().flatten();
        let lost = known().filter(|record| record.met == Met::Nobody).count();
        (self.members, self.lost) = (known().count(), lost);
    }

    /// The latest instant seen; time does not go back.
    pub(super) fn clock(&mut self, now: Instant) -> Instant {
        self.latest = self.latest.max(now);
        self.latest
    }

    /// Everything that is known.
    #[must_use]
    pub fn snapshot(&self) -> HoldSnapshot {
        let state = match self.state {
            State::Reachable => HoldState::Reachable,
            State::Outage { since } => HoldState::Outage { since },
            State::Releasing { since, window } => HoldState::Releasing { since, window },
        };
        HoldSnapshot {
            mode: self.settings.mode,
            state,
            held: self.held(),
            bytes: self.bytes,
            calls: self.settings.calls,
            held_total: self.held_total,
            full_total: self.full_total,
            probes_total: self.probes_total,
            outages_total: self.outages_total,
        }
    }

    /// Asserts what must hold between any two steps.
    pub fn invariants(&self) {
        let out = matches!(self.state, State::Outage { .. });
        debug_assert!(self.lost <= self.members, "more lost than there are");
        debug_assert!(!out || self.lost == self.members, "an outage with somebody to reach");
        debug_assert!(self.line.bytes() + self.called.bytes() <= self.bytes, "bytes forgotten");
        let scout = self.scout.is_none_or(|scout| self.line.contains(scout));
        debug_assert!(scout, "a scout that is not in line");
        debug_assert!(!out || self.scout.is_some() || self.line.is_empty(), "nobody looks");
        let waits = matches!(self.state, State::Reachable) && !self.line.is_empty();
        debug_assert!(!waits, "held without an outage");
        debug_assert!(!self.is_out() || self.called.is_empty(), "released into an outage");
    }
}

/// Until when somebody is likely to wait for a call.
fn awaited(wish: &Wish, now: Instant) -> Instant {
    match wish.patience {
        Patience::Told => wish.until,
        Patience::Unknown => wish.since.unwrap_or(now).after(PATIENCE),
    }
}
