//! Records in memory: a bounded table that carries out the steps of `record.rs`.
//!
//! Nothing that is live is ever evicted: a forgotten record is a second payment. When the table is
//! full of live ones, a new key gets no record, and is refused or runs unprotected, as the route
//! says. Time is told with each call; there is no timer to drive.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::String;

use super::record::{Arrival, Arrived, Claim, Completed, Next, Record, Step};
use super::{Ending, Found, IdempotencySettings, Key, Need, arrive, complete, probed};
use crate::event::Sink;
use crate::invalid::Invalid;
use crate::reason::Reason;
use crate::time::Instant;

/// So many records that are due are settled with each arrival. Two, so that a backlog shrinks
/// while each arrival adds at most one.
const SETTLED_PER_STEP: usize = 2;

/// Whose key it is. The same characters of another tenant, method or route are another key.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RecordKey {
    /// The principal on whose behalf the request runs.
    pub tenant: String,
    /// The method.
    pub method: String,
    /// The name of the route.
    pub route: String,
    /// The key.
    pub key: Key,
}

/// What a request is told that the table, or a store, may have no place for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Protection {
    /// The key is recorded.
    Recorded(Arrived),
    /// Refuse: the route requires a record, and there can be none.
    Refused(Reason),
    /// Run without a record, and say so in the provenance.
    Unprotected,
}

/// What is done where no record can be had: the store is down or slow, or the table is full.
pub const fn without_store(need: Need) -> Protection {
    match need {
        Need::Required => Protection::Refused(Reason::StoreUnavailable),
        Need::Optional => Protection::Unprotected,
    }
}

/// What the table reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IdempotencyEvent {
    /// A request runs.
    Started(Claim),
    /// A kept answer is handed on.
    Replayed,
    /// Still being worked on after the wait.
    Conflict,
    /// A key came with another request.
    Mismatch,
    /// Nobody knows whether the work of this claim was done.
    Indeterminate(Claim),
    /// A result came too late and was discarded.
    StaleCompletion(Claim),
    /// Done, but the answer is too large to replay.
    NotReplayable,
    /// No place for another record.
    Full,
}

/// What a table holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RecordsSnapshot {
    /// All records.
    pub entries: usize,
    /// Bytes of kept answers, as stated.
    pub bytes: usize,
    /// Results that came too late.
    pub stale_completions: u64,
    /// Requests that found no place.
    pub full: u64,
}

#[derive(Debug)]
struct Entry<R> {
    record: Record<R>,
    bytes: usize,
}

/// Records in memory, bounded by entries and by bytes of kept answers. Steps take O(log n).
#[derive(Debug)]
pub struct Records<R> {
    settings: IdempotencySettings,
    entries: BTreeMap<RecordKey, Entry<R>>,
    due: BTreeSet<(Instant, RecordKey)>,
    bytes: usize,
    stale_completions: u64,
    full: u64,
}

impl<R> Records<R> {
    /// An empty table.
    ///
    /// # Errors
    ///
    /// As [`IdempotencySettings::validate`].
    pub fn new(settings: IdempotencySettings) -> Result<Self, Invalid> {
        settings.validate()?;
        let (entries, due) = (BTreeMap::new(), BTreeSet::new());
        Ok(Self { settings, entries, due, bytes: 0, stale_completions: 0, full: 0 })
    }

    /// Takes new settings. Records stay, beyond lowered bounds too, until their time is over.
    ///
    /// # Errors
    ///
    /// As [`IdempotencySettings::validate`]; the old settings then hold.
    pub fn reconfigure(&mut self, settings: IdempotencySettings) -> Result<(), Invalid> {
        settings.validate()?;
        self.settings = settings;
        Ok(())
    }

    /// A request with a key has come, or asks again after a wait.
    pub fn arrive(
        &mut self,
        key: &RecordKey,
        asks: (Arrival, Need),
        now: Instant,
        sink: &mut impl Sink<IdempotencyEvent>,
    ) -> Protection {
        let (arrival, need) = asks;
        for _ in 0..SETTLED_PER_STEP {
            self.settle_one(now, sink);
        }
        let known = self.entries.contains_key(key);
        if !known && self.entries.len() >= self.settings.entries_max {
            self.full = self.full.saturating_add(1);
            sink.emit(IdempotencyEvent::Full);
            return without_store(need);
        }
        let step = arrive(self.record(key), arrival, &self.settings, now);
        Protection::Recorded(self.carry_out(key, step, 0, sink))
    }

    /// An execution has ended. The answer comes with the bytes that it is held to weigh; one beyond
    /// `body_max`, or for which there are no bytes left, is recorded as done but not kept.
    pub fn complete(
        &mut self,
        key: &RecordKey,
        ended: (Claim, Ending, Option<(R, usize)>),
        now: Instant,
        sink: &mut impl Sink<IdempotencyEvent>,
    ) -> Completed {
        let (claim, ending, answer) = ended;
        let (answer, bytes) = self.fitting(answer);
        let step = complete(self.record(key), claim, (ending, answer), self.settings.ttl, now);
        let says = step.says;
        self.put(key, step.next, bytes);
        match (says, ending) {
            (Completed::Stale, _) => {
                self.stale_completions = self.stale_completions.saturating_add(1);
                sink.emit(IdempotencyEvent::StaleCompletion(claim));
            }
            (Completed::Recorded, Ending::Unknown) => {
                sink.emit(IdempotencyEvent::Indeterminate(claim));
            }
            (Completed::Recorded, Ending::Keep | Ending::Free) => {}
        }
        says
    }

    /// The resource was asked after [`Arrived::Probe`]. An answer comes with its bytes.
    pub fn probed(
        &mut self,
        key: &RecordKey,
        probe: (Claim, Found<(R, usize)>, Arrival),
        now: Instant,
        sink: &mut impl Sink<IdempotencyEvent>,
    ) -> Arrived {
        let (claim, found, arrival) = probe;
        if let Found::Done(answer) = found {
            let ended = (claim, Ending::Keep, Some(answer));
            self.complete(key, ended, now, sink);
            let step = arrive(self.record(key), arrival, &self.settings, now);
            return self.carry_out(key, step, 0, sink);
        }
        let found = if matches!(found, Found::NotDone) { Found::NotDone } else { Found::Unknown };
        let step = probed(self.record(key), (claim, found), arrival, &self.settings, now);
        self.carry_out(key, step, 0, sink)
    }

    /// The kept answer of a key, after [`Arrived::Replay`].
    #[must_use]
    pub fn answer(&self, key: &RecordKey) -> Option<&R> {
        match self.record(key)? {
            Record::Done { answer, .. } => answer.as_ref(),
            Record::InProgress { .. } | Record::Indeterminate { .. } => None,
        }
    }

    /// The record of a key, as it was last written.
    #[must_use]
    pub fn record(&self, key: &RecordKey) -> Option<&Record<R>> {
        self.entries.get(key).map(|entry| &entry.record)
    }

    /// A person has looked: the key is free, or rather, nothing is known of it any more. Records in
    /// progress stay.
    pub fn forget(&mut self, key: &RecordKey) {
        if !matches!(self.record(key), Some(Record::InProgress { .. })) {
            self.put(key, Next::Remove, 0);
        }
    }

    /// All that is known.
    #[must_use]
    pub fn snapshot(&self) -> RecordsSnapshot {
        RecordsSnapshot {
            entries: self.entries.len(),
            bytes: self.bytes,
            stale_completions: self.stale_completions,
            full: self.full,
        }
    }

    /// Checks, in debug builds, what must always hold.
    pub fn invariants(&self) {
        if cfg!(debug_assertions) {
            debug_assert_eq!(self.entries.len(), self.due.len(), "a record that never ends");
            let bytes: usize = self.entries.values().map(|entry| entry.bytes).sum();
            debug_assert_eq!(bytes, self.bytes, "bytes are miscounted");
        }
    }

    /// Settles the record that has been due longest, if one is.
    fn settle_one(&mut self, now: Instant, sink: &mut impl Sink<IdempotencyEvent>) {
        let Some((due, key)) = self.due.first().filter(|(due, _)| *due <= now).cloned() else {
            return;
        };
        let Some(record) = self.record(&key) else { return };
        debug_assert_eq!(record.due(), due, "a record that is due at another time");
        let (claim, next) = (record.claim(), record.aged(self.settings.ttl, now));
        let lost = matches!(next, Next::Put(_));
        self.put(&key, next, 0);
        if lost {
            sink.emit(IdempotencyEvent::Indeterminate(claim));
        }
    }

    fn carry_out(
        &mut self,
        key: &RecordKey,
        step: Step<R, Arrived>,
        bytes: usize,
        sink: &mut impl Sink<IdempotencyEvent>,
    ) -> Arrived {
        let claim = self.record(key).map(Record::claim);
        self.put(key, step.next, bytes);
        let event = match step.says {
            Arrived::Run(claim) => Some(IdempotencyEvent::Started(claim)),
            Arrived::Replay => Some(IdempotencyEvent::Replayed),
            Arrived::NotReplayable => Some(IdempotencyEvent::NotReplayable),
            Arrived::Mismatch => Some(IdempotencyEvent::Mismatch),
            Arrived::Conflict { .. } => Some(IdempotencyEvent::Conflict),
            Arrived::Indeterminate => claim.map(IdempotencyEvent::Indeterminate),
            Arrived::Wait(_) | Arrived::Probe(_) => None,
        };
        if let Some(event) = event {
            sink.emit(event);
        }
        step.says
    }

    /// The answer, if it may be kept, and its weight.
    fn fitting(&self, answer: Option<(R, usize)>) -> (Option<R>, usize) {
        let room = self.settings.bytes_max.saturating_sub(self.bytes);
        match answer.filter(|(_, bytes)| *bytes <= self.settings.body_max.min(room)) {
            Some((answer, bytes)) => (Some(answer), bytes),
            None => (None, 0),
        }
    }

    fn put(&mut self, key: &RecordKey, next: Next<R>, bytes: usize) {
        if let Next::Keep = next {
            return;
        }
        if let Some(old) = self.entries.remove(key) {
            self.bytes = self.bytes.saturating_sub(old.bytes);
            self.due.remove(&(old.record.due(), key.clone()));
        }
        if let Next::Put(record) = next {
            let kept = matches!(record, Record::Done { answer: Some(_), .. });
            let bytes = if kept { bytes } else { 0 };
            self.bytes = self.bytes.saturating_add(bytes);
            self.due.insert((record.due(), key.clone()));
            self.entries.insert(key.clone(), Entry { record, bytes });
        }
        self.invariants();
    }
}
