//! The records of a run joined: each request with its answer, its phase and its attempts. Every
//! figure is computed from this view.

use std::collections::BTreeMap;

use super::class::Class;
use super::number::quantile;
use super::pools::Pools;
use super::span::{Span, Spans};
use crate::record::{Answered, Attempt};
use crate::run::Run;
use crate::scenario::{Arrivals, Scenario};
use crate::stamp::Stamp;
use crate::stream::{Planned, Verb};

/// A request and what became of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Request<'a> {
    pub(crate) planned: &'a Planned,
    /// None where the generator wrote nothing: counted as a timeout.
    pub(crate) answered: Option<&'a Answered>,
    pub(crate) intended: Stamp,
    /// Where it counts: at its intended start, but where it was under way when the fault began and
    /// failed, at the beginning of the fault, which is what it failed of.
    pub(crate) counted: Stamp,
    pub(crate) class: Class,
    /// From the intended start to the end; the generator's patience where it failed.
    pub(crate) latency: u64,
}

impl Request<'_> {
    pub(crate) fn is_error(&self) -> bool {
        !self.class.is_ok()
    }

    /// Whether doing it twice does harm: neither idempotent nor keyed.
    pub(crate) fn is_unsafe(&self) -> bool {
        self.planned.verb == Verb::Post && !self.planned.keyed
    }

    /// The end of its user's interest.
    pub(crate) const fn due(&self) -> Stamp {
        self.intended.after(self.planned.deadline)
    }
}

/// All records of a run, joined.
#[derive(Debug)]
pub(crate) struct Ledger<'a> {
    pub(crate) run: &'a Run,
    pub(crate) scenario: &'a Scenario,
    pub(crate) spans: Spans,
    /// In the order of where they count.
    pub(crate) requests: Vec<Request<'a>>,
    /// Of users' requests, by id, in the order of their beginnings.
    pub(crate) attempts: BTreeMap<u64, Vec<&'a Attempt>>,
    pub(crate) pools: Pools,
    /// Answers to requests that no stream has.
    pub(crate) unknown: u64,
    /// Requests of the stream that nobody wrote an answer for.
    pub(crate) missing: u64,
}

impl<'a> Ledger<'a> {
    pub(crate) fn of(run: &'a Run, scenario: &'a Scenario) -> Self {
        let spans = Spans::of(run, scenario);
        let planned: BTreeMap<u64, &Planned> = run.stream.iter().map(|one| (one.id, one)).collect();
        let mut attempts: BTreeMap<u64, Vec<&Attempt>> = BTreeMap::new();
        for attempt in &run.attempts {
            if let Some(id) = attempt.id {
                attempts.entry(id).or_default().push(attempt);
            }
        }
        attempts.values_mut().for_each(|all| all.sort_by_key(|attempt| attempt.begun));
        let pools = Pools::of(run, scenario, &spans, &planned);
        let mut ledger = Self {
            run,
            scenario,
            spans,
            requests: Vec::with_capacity(run.stream.len()),
            attempts,
            pools,
            unknown: 0,
            missing: 0,
        };
        ledger.join(planned);
        ledger.requests.sort_by_key(|request| (request.counted, request.planned.id));
        ledger
    }

    fn join(&mut self, mut left: BTreeMap<u64, &'a Planned>) {
        let patience = self.patience();
        let all = left.clone();
        for answered in &self.run.answered {
            let Some(planned) = all.get(&answered.id) else {
                self.unknown += 1;
                continue;
            };
            left.remove(&answered.id);
            let class = Class::of(answered, planned.deadline);
            let ended = answered.ended.since(answered.intended);
            let latency = if class.is_ok() { ended } else { patience };
            let (intended, answered) = (answered.intended, Some(answered));
            let counted = self.counted(intended, intended.after(ended), class);
            self.requests.push(Request { planned, answered, intended, counted, class, latency });
        }
        // Users of a closed loop ask as often as they come to; the rest was never asked.
        if matches!(self.scenario.load.arrivals, Arrivals::Closed { .. }) {
            return;
        }
        self.missing = left.len() as u64;
        self.requests.extend(left.into_values().map(|planned| {
            let intended = self.run.start.after(planned.at);
            let (answered, class, counted) = (None, Class::Timeout, intended);
            Request { planned, answered, intended, counted, class, latency: patience }
        }));
    }

    /// Control is what the fault is held against: what the fault spoils is no part of it.
    fn counted(&self, intended: Stamp, ended: Stamp, class: Class) -> Stamp {
        let struck = self.spans.struck.max(self.spans.fault.from);
        let is_its_victim = !class.is_ok() && ended > struck;
        if is_its_victim { intended.max(self.spans.fault.from) } else { intended }
    }

    /// What a failed request counts as, in nanoseconds.
    pub(crate) fn patience(&self) -> u64 {
        u64::try_from(self.scenario.load.patience.as_nanos()).unwrap_or(u64::MAX)
    }

    /// The requests that count in a span.
    pub(crate) fn within(&self, span: Span) -> &[Request<'a>] {
        let from = self.requests.partition_point(|request| request.counted < span.from);
        let to = self.requests.partition_point(|request| request.counted < span.to);
        self.requests.get(from..to.max(from)).unwrap_or_default()
    }

    /// The attempts at a request.
    pub(crate) fn attempts_at(&self, id: u64) -> &[&'a Attempt] {
        self.attempts.get(&id).map(Vec::as_slice).unwrap_or_default()
    }

    /// The median of what a request takes beyond its service, over control.
    pub(crate) fn round_trip(&self) -> u64 {
        let ok = self.within(self.spans.control).iter().filter(|request| !request.is_error());
        let over = ok.map(|request| request.latency.saturating_sub(request.planned.service));
        super::number::middle(over.collect()).unwrap_or_default()
    }

    /// How late the generator was at 99 of 100 requests.
    pub(crate) fn lag(&self) -> Option<u64> {
        let answered = self.requests.iter().filter_map(|request| request.answered);
        let mut lags: Vec<u64> = answered.map(|one| one.begun.since(one.intended)).collect();
        lags.sort_unstable();
        quantile(&lags, 990)
    }
}
