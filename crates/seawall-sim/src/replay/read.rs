//! Reads a record into memory of a known bound.
//!
//! What is kept of a call are 36 bytes, and 24 of an attempt; twice that while lists grow and are
//! brought in order. A replay adds 8 for each attempt, and each route some 700 KB for its
//! histograms. At the bounds that is 2.5 GB while reading and 1.2 GB then.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::sync::Arc;

use seawall_config::record::{self, Call, Failure, Hex, Line, Reader, Tables, Tail, Verdict};
use seawall_core::call::Facts;
use seawall_core::outcome::{Observation, Sent};
use seawall_core::time::{Duration, Instant};

use super::{Note, ReplayError, Tally};
use crate::trace::{Asked, Attempt, Outcome, Place, Tape};

/// What a record may hold at most to be replayed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Calls.
    pub calls: usize,
    /// Attempts of all of them.
    pub attempts: usize,
    /// Routes that were called.
    pub routes: usize,
}

impl Default for Bounds {
    /// Ten million calls, which are an hour at 2 800 a second, and two attempts for each; the
    /// memory for it is in the head of this file.
    fn default() -> Self {
        Self { calls: 10_000_000, attempts: 20_000_000, routes: 1_000 }
    }
}

/// A recorded day.
#[derive(Clone, Debug)]
pub struct Recording {
    pub(super) tape: Arc<Tape>,
    pub(super) routes: Vec<RouteCalls>,
    pub(super) upstreams: Vec<Seen>,
    /// What was in force at the start.
    pub(super) config: Hex,
    pub(super) notes: Vec<Note>,
    /// When the last call ended.
    pub(super) end: Instant,
}

/// The calls of a route, by arrival.
#[derive(Clone, Debug)]
pub(super) struct RouteCalls {
    pub(super) name: Arc<str>,
    /// Where they went at the last.
    pub(super) upstream: u32,
    pub(super) arrivals: Arc<[Instant]>,
    pub(super) calls: Arc<[Asked]>,
    pub(super) tally: Tally,
}

/// An upstream of the record.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    pub(super) name: Arc<str>,
    /// The most that it ever had.
    pub(super) endpoints: u32,
    pub(super) attempts: u64,
}

impl Recording {
    /// Reads the record at `path`.
    ///
    /// # Errors
    /// As [`Recording::read`]; also if the file cannot be opened.
    pub fn open(path: &Path, bounds: &Bounds) -> Result<Self, ReplayError> {
        let reader: Reader<BufReader<File>> = Reader::open(path)?;
        Self::read(reader, bounds)
    }

    /// Reads the rest of a record.
    ///
    /// # Errors
    /// [`ReplayError::Record`] for a damaged line, [`ReplayError::Empty`] without a call, and
    /// [`ReplayError::TooLarge`] beyond `bounds`.
    pub fn read<R: BufRead>(mut reader: Reader<R>, bounds: &Bounds) -> Result<Self, ReplayError> {
        let header = reader.header();
        let (config, mut reading) = (header.tables.config, Reading::new(&header.tables));
        for line in reader.by_ref() {
            match line? {
                Line::Call(call) => reading.call(&call, bounds)?,
                Line::Reload(reload) => reading.reload(reload.at.into(), &reload.tables),
                Line::Gap(gap) => reading.gap(gap.lost),
                Line::End(end) => reading.missing = reading.missing.max(end.lost),
            }
        }
        reading.finish(config, reader.tail())
    }

    /// Whether this is the fingerprint of the config that was in force at its start.
    #[must_use]
    pub const fn is_of(&self, config: u64) -> bool {
        self.config.0 == config
    }

    /// Calls in it.
    #[must_use]
    pub fn calls(&self) -> u64 {
        self.routes.iter().map(|route| route.tally.calls).sum()
    }

    pub(super) fn tally(&self, route: usize) -> Tally {
        self.routes.get(route).map(|route| route.tally.clone()).unwrap_or_default()
    }
}

/// A record that is being read.
#[derive(Debug, Default)]
struct Reading {
    tape: Tape,
    places: BTreeMap<Place, u32>,
    outcomes: BTreeMap<Kind, u16>,
    routes: Vec<RouteSoFar>,
    route_numbers: BTreeMap<Arc<str>, usize>,
    upstreams: Vec<Seen>,
    upstream_numbers: BTreeMap<Arc<str>, u32>,
    /// What is in force, since when, and what was before.
    now: Names,
    since: Instant,
    before: Names,
    reloads: u64,
    missing: u64,
    untold: u64,
    calls: usize,
    end: Instant,
    /// What the attempts of the call at hand came to.
    met: Vec<Outcome>,
}

/// Where the calls of each route go, and how many endpoints are there.
type Names = BTreeMap<String, (Arc<str>, u32)>;

#[derive(Debug)]
struct RouteSoFar {
    name: Arc<str>,
    upstream: u32,
    calls: Vec<(Instant, Asked)>,
    tally: Tally,
}

/// What makes two outcomes the same.
type Kind = (Option<u16>, Option<u8>, Option<Duration>, bool, Option<Failure>, Option<Sent>);

impl Reading {
    fn new(tables: &Tables) -> Self {
        Self { now: names(tables), ..Self::default() }
    }

    fn reload(&mut self, at: Duration, tables: &Tables) {
        self.before = std::mem::replace(&mut self.now, names(tables));
        self.since = Instant::EPOCH.after(at);
        self.reloads += 1;
    }

    fn gap(&mut self, lost: u64) {
        self.missing = self.missing.saturating_add(lost);
    }

    fn call(&mut self, call: &Call, bounds: &Bounds) -> Result<(), ReplayError> {
        self.calls += 1;
        let attempts = self.tape.len() + call.attempts.len();
        if self.calls > bounds.calls || attempts > bounds.attempts {
            return Err(ReplayError::TooLarge(*bounds));
        }
        let arrival = Instant::EPOCH.after(call.arrival.into());
        let upstream = self.upstream_of(call, arrival);
        let route = self.route(call, upstream);
        if route >= bounds.routes {
            return Err(ReplayError::TooLarge(*bounds));
        }
        self.attempts(call, upstream, number(route));
        let patience = (call.verdict == Verdict::Cancelled).then(|| call.latency.into());
        let facts = Facts {
            remaining: call.deadline.map(Into::into),
            affinity: call.affinity.map(|hash| hash.0),
            priority: call.priority.into(),
            ..Facts::of(call.safety)
        };
        let asked = Asked::new(self.tape.end_call(), &facts, patience);
        if let Some(route) = self.routes.get_mut(route) {
            route.calls.push((arrival, asked));
            route.tally.count(call, &self.met);
        }
        self.untold += u64::from(call.untold > 0);
        self.end = self.end.max(arrival.after(call.latency.into()));
        Ok(())
    }

    /// The upstream that a call went to, by the tables that were in force when it arrived.
    fn upstream_of(&mut self, call: &Call, arrival: Instant) -> u32 {
        let (first, second) = match arrival < self.since {
            true => (&self.before, &self.now),
            false => (&self.now, &self.before),
        };
        let found = first.get(&*call.route).or_else(|| second.get(&*call.route));
        // A route of a table before these two; where it went no longer matters.
        let (name, endpoints) = found.cloned().unwrap_or_else(|| (Arc::clone(&call.route), 1));
        let next = number(self.upstreams.len());
        let known = *self.upstream_numbers.entry(Arc::clone(&name)).or_insert(next);
        if known == next {
            self.upstreams.push(Seen { name, endpoints, attempts: 0 });
        }
        if let Some(seen) = self.upstreams.get_mut(known as usize) {
            seen.endpoints = seen.endpoints.max(endpoints);
            seen.attempts += u64::try_from(call.attempts.len()).unwrap_or(u64::MAX);
        }
        known
    }

    fn route(&mut self, call: &Call, upstream: u32) -> usize {
        let next = self.routes.len();
        let known = *self.route_numbers.entry(Arc::clone(&call.route)).or_insert(next);
        if known == next {
            let (name, calls, tally) = (Arc::clone(&call.route), Vec::new(), Tally::default());
            self.routes.push(RouteSoFar { name, upstream, calls, tally });
        }
        if let Some(route) = self.routes.get_mut(known) {
            route.upstream = upstream;
        }
        known
    }

    fn attempts(&mut self, call: &Call, upstream: u32, route: u32) {
        self.met.clear();
        self.met.extend(call.attempts.iter().map(outcome));
        let delivered = delivered(call, &self.met);
        let arrival = Instant::EPOCH.after(call.arrival.into());
        for (index, attempt) in call.attempts.iter().enumerate() {
            let place = Place { upstream, endpoint: attempt.endpoint, route };
            let (begun, took) = (attempt.begun.into(), Duration::from(attempt.latency));
            let whole = Duration::from(call.latency).saturating_sub(begun).saturating_sub(took);
            let body = if delivered == Some(index) { whole } else { Duration::ZERO };
            let tape = &mut self.tape;
            let place = *self.places.entry(place).or_insert_with(|| tape.place(place));
            let outcome = self.outcome(attempt);
            let at = arrival.after(begun);
            self.tape.attempt(Attempt { place, at, took, body, outcome });
        }
    }

    /// The number of an outcome. Where there are too many kinds, services seem to say less about
    /// when to come back.
    fn outcome(&mut self, attempt: &record::Attempt) -> u16 {
        let hint = attempt.retry_after.map(|hint| coarse(hint.into()));
        for hint in [hint, None] {
            let record::Attempt { status, grpc, exhausted, failure, sent, .. } = *attempt;
            let kind = (status, grpc, hint, exhausted, failure, sent);
            let told = record::Attempt { retry_after: hint.map(Into::into), ..*attempt };
            let known = self.outcomes.get(&kind).copied();
            if let Some(number) = known.or_else(|| self.tape.outcome(outcome(&told))) {
                self.outcomes.insert(kind, number);
                return number;
            }
        }
        0
    }

    fn finish(mut self, config: Hex, tail: Option<Tail>) -> Result<Recording, ReplayError> {
        if self.calls == 0 {
            return Err(ReplayError::Empty);
        }
        let notes = self.notes(tail);
        let routes = self.routes.drain(..).map(RouteSoFar::in_order).collect();
        Ok(Recording {
            tape: Arc::new(self.tape),
            routes,
            upstreams: self.upstreams,
            config,
            notes,
            end: self.end,
        })
    }

    fn notes(&self, tail: Option<Tail>) -> Vec<Note> {
        let tail = tail.filter(|tail| *tail != Tail::Whole).map(Note::Tail);
        let counts = [
            (self.missing, Note::Missing(self.missing)),
            (self.untold, Note::Untold(self.untold)),
            (self.reloads, Note::Reloads(self.reloads)),
        ];
        let counts = counts.into_iter().filter(|(count, _)| *count > 0).map(|(_, note)| note);
        tail.into_iter().chain(counts).collect()
    }
}

impl RouteSoFar {
    fn in_order(mut self) -> RouteCalls {
        // Lines are in the order of ends. What arrived together stays in that order.
        self.calls.sort_unstable_by_key(|(arrival, asked)| (*arrival, asked.call()));
        RouteCalls {
            name: self.name,
            upstream: self.upstream,
            arrivals: self.calls.iter().map(|(arrival, _)| *arrival).collect(),
            calls: self.calls.iter().map(|(_, asked)| *asked).collect(),
            tally: self.tally,
        }
    }
}

fn names(tables: &Tables) -> Names {
    let endpoints: BTreeMap<&str, u32> =
        tables.upstreams.iter().map(|of| (&*of.name, of.endpoints)).collect();
    let mut shared: BTreeMap<&str, Arc<str>> = BTreeMap::new();
    let routes = tables.routes.iter().map(|route| {
        let name = shared.entry(&*route.upstream).or_insert_with(|| Arc::from(&*route.upstream));
        let count = endpoints.get(&*route.upstream).copied().unwrap_or(1);
        (route.name.clone(), (Arc::clone(name), count))
    });
    routes.collect()
}

/// What an attempt came to. Whoever gave it up, a timeout or its caller, said nothing of it.
fn outcome(attempt: &record::Attempt) -> Outcome {
    let head = record::Attempt { failure: None, ..*attempt }.observation();
    let seen =
        attempt.failure.map(|failure| failure.observation(attempt.sent.unwrap_or(Sent::Maybe)));
    let seen =
        seen.filter(|seen| !matches!(seen, Observation::TimedOut { .. } | Observation::CallerGone));
    match (head, seen) {
        (Some(head), seen) => Outcome::Answered(head, seen.unwrap_or(Observation::Completed)),
        (None, Some(seen)) => Outcome::Failed(seen),
        (None, None) => Outcome::GivenUp,
    }
}

/// Which attempt brought the answer that the caller got.
fn delivered(call: &Call, met: &[Outcome]) -> Option<usize> {
    if !matches!(call.verdict, Verdict::Answer | Verdict::Truncated) {
        return None;
    }
    let good = met.iter().rposition(|outcome| outcome.is_good());
    good.or_else(|| met.iter().rposition(|met| matches!(met, Outcome::Answered(..))))
}

/// A hint when to come back, as coarse as most of them are, so that few kinds of outcome exist.
fn coarse(hint: Duration) -> Duration {
    match hint.as_secs() {
        0 => Duration::from_millis(hint.as_micros().div_ceil(1_000).try_into().unwrap_or(1_000)),
        whole => Duration::from_secs(whole + u64::from(hint.subsec_nanos() > 0)),
    }
}

fn number(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}
