//! What keeps calls and attempts out before anything is sent: the rate limit, shedding by
//! priority, the client throttle and the adaptive concurrency limit.
//!
//! Each is absent unless it is configured. Their rules are in modules of their own; here is in
//! which order they are asked and what they are told. The limit acts through the bulkhead, so that
//! one place counts what is in flight.

use crate::Mode;
use crate::concurrency::{Evidence, Finished, Limit};
use crate::event::Sink;
use crate::outcome::{Origin, Outcome};
use crate::rate::{Limiter, Refused};
use crate::reason::Reason;
use crate::rng::{Draw, Rng};
use crate::shed::{Priority, Shedder};
use crate::throttle::{Answer, Passed, Throttle};
use crate::time::{Duration, Instant};

use super::event::{Event, Scope, Scoped};
use super::{Upstream, UpstreamSettings, phase};

/// The gates of an upstream.
#[derive(Debug)]
pub(super) struct Gates {
    rate: Option<Limiter>,
    shed: Option<Shedder>,
    throttle: Option<Throttle>,
    limit: Option<Limit>,
    /// The phases of windows that begin with a reload.
    origin: Instant,
}

/// What a gate must know of a call.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Arriving {
    pub(crate) priority: Priority,
    pub(crate) cost: u32,
}

/// A gate is closed to a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Closed {
    pub(crate) reason: Reason,
    /// When it may pass; none where nobody knows.
    pub(crate) until: Option<Instant>,
}

impl Gates {
    pub(super) fn new(settings: &UpstreamSettings, now: Instant, rng: &mut impl Rng) -> Self {
        let origin = phase(rng);
        Self {
            rate: settings.rate.map(|rate| Limiter::new(rate, origin)),
            shed: settings.shed.map(|shed| Shedder::new(shed, now)),
            throttle: settings.throttle.map(|throttle| Throttle::new(throttle, origin)),
            limit: settings.concurrency.map(|limit| Limit::new(limit, now)),
            origin,
        }
    }

    fn reconfigure(
        &mut self,
        settings: &UpstreamSettings,
        now: Instant,
        sink: &mut impl Sink<Event>,
    ) {
        let origin = self.origin;
        match (&mut self.rate, settings.rate) {
            (Some(rate), Some(settings)) => rate.reconfigure(settings, now),
            (rate, settings) => *rate = settings.map(|rate| Limiter::new(rate, origin)),
        }
        match (&mut self.shed, settings.shed) {
            (Some(shed), Some(settings)) => shed.reconfigure(settings),
            (shed, settings) => *shed = settings.map(|shed| Shedder::new(shed, now)),
        }
        match (&mut self.throttle, settings.throttle) {
            (Some(throttle), Some(settings)) => throttle.reconfigure(settings, now),
            (throttle, settings) => *throttle = settings.map(|t| Throttle::new(t, origin)),
        }
        match (&mut self.limit, settings.concurrency) {
            (Some(limit), Some(settings)) => limit.reconfigure(settings, now, &mut wide(now, sink)),
            (limit, settings) => *limit = settings.map(|limit| Limit::new(limit, now)),
        }
    }

    pub(super) fn invariants(&self) {
        self.rate.iter().for_each(Limiter::invariants);
        self.shed.iter().for_each(Shedder::invariants);
        self.throttle.iter().for_each(Throttle::invariants);
        self.limit.iter().for_each(Limit::invariants);
    }
}

impl Upstream {
    /// Asks the gates that stand before everything else.
    #[inline]
    pub(crate) fn pass_gates(
        &mut self,
        arriving: Arriving,
        now: Instant,
        sink: &mut impl Sink<Event>,
    ) -> Result<(), Closed> {
        if let Some(rate) = &mut self.gates.rate {
            rate.admit(now, arriving.cost, &mut wide(now, sink)).map_err(over_rate)?;
        }
        if let Some(shed) = &mut self.gates.shed {
            let shed = shed.admit(arriving.priority, now, &mut wide(now, sink));
            shed.map_err(|shed| Closed { reason: Reason::Shed, until: Some(shed.until) })?;
        }
        Ok(())
    }

    /// Asks the throttle for one attempt; none without one.
    #[inline(always)]
    pub(crate) fn pass_throttle(
        &mut self,
        priority: Priority,
        (now, draw): (Instant, Draw),
        sink: &mut impl Sink<Event>,
    ) -> Result<Option<Passed>, Closed> {
        if self.gates.throttle.is_none() {
            return Ok(None);
        }
        self.ask_throttle(priority, (now, draw), sink)
    }

    #[inline(never)]
    fn ask_throttle(
        &mut self,
        priority: Priority,
        (now, draw): (Instant, Draw),
        sink: &mut impl Sink<Event>,
    ) -> Result<Option<Passed>, Closed> {
        let Some(throttle) = &mut self.gates.throttle else { return Ok(None) };
        match throttle.admit(priority.class(), draw, now, &mut wide(now, sink)) {
            Ok(passed) => Ok(Some(passed)),
            Err(_) => Err(Closed { reason: Reason::Throttled, until: None }),
        }
    }

    /// Tells the gates how an attempt ended that they had let through; without an outcome if it
    /// was never sent.
    #[inline(always)]
    pub(crate) fn settle_throttle(
        &mut self,
        passed: Option<Passed>,
        outcome: Option<&Outcome>,
        now: Instant,
        sink: &mut impl Sink<Event>,
    ) {
        if passed.is_some() || outcome.is_some_and(|outcome| outcome.throttled) {
            self.tell_throttle(passed, outcome, now, sink);
        }
    }

    #[inline(never)]
    fn tell_throttle(
        &mut self,
        passed: Option<Passed>,
        outcome: Option<&Outcome>,
        now: Instant,
        sink: &mut impl Sink<Event>,
    ) {
        let throttled = outcome.is_some_and(|outcome| outcome.throttled);
        if let Some(rate) = self.gates.rate.as_mut().filter(|_| throttled) {
            rate.on_throttled(now, &mut wide(now, sink));
        }
        let (Some(throttle), Some(passed)) = (&mut self.gates.throttle, passed) else { return };
        let answer = match outcome {
            None => Answer::Unsent,
            // What never reached the service says nothing of what it accepts.
            Some(outcome) if outcome.origin == Origin::Own => Answer::Unsent,
            Some(_) if throttled => Answer::Overloaded,
            Some(_) => Answer::Accepted,
        };
        throttle.settle(passed, answer, now);
    }

    /// A call has left the queue after `wait`, or needed none.
    #[inline]
    pub(crate) fn note_wait(&mut self, wait: Duration, now: Instant, sink: &mut impl Sink<Event>) {
        if let Some(shed) = &mut self.gates.shed {
            shed.on_queue_wait(wait, now, &mut wide(now, sink));
        }
    }

    /// Lets the concurrency limit learn from an attempt that began beside `in_flight` others,
    /// itself included, and puts the limit into force.
    #[inline]
    pub(crate) fn learn_limit(
        &mut self,
        (outcome, latency): (&Outcome, Duration),
        in_flight: u32,
        now: Instant,
        sink: &mut impl Sink<Event>,
    ) {
        if self.gates.limit.is_some() {
            self.teach_limit((outcome, latency), in_flight, now, sink);
        }
    }

    #[inline(never)]
    fn teach_limit(
        &mut self,
        (outcome, latency): (&Outcome, Duration),
        in_flight: u32,
        now: Instant,
        sink: &mut impl Sink<Event>,
    ) {
        let Some(limit) = &mut self.gates.limit else { return };
        let finished = Finished { latency, in_flight, evidence: Evidence::of(outcome) };
        limit.on_finished(finished, now, &mut wide(now, sink));
        self.enforce_limit(now);
    }

    pub(super) fn reconfigure_gates(&mut self, now: Instant, sink: &mut impl Sink<Event>) {
        let settings = self.settings;
        self.gates.reconfigure(&settings, now, sink);
        self.enforce_limit(now);
    }

    /// What a refusal of the bulkhead is called: its limit may be an adaptive one.
    pub(super) fn name_of_full(&self, reason: Reason) -> Reason {
        let adapted = self.limited_to < self.settings.bulkhead.permits;
        let full = matches!(reason, Reason::BulkheadFull | Reason::QueueFull);
        if full && adapted { Reason::ConcurrencyLimit } else { reason }
    }

    /// Whether a gate says that there is too much work already.
    pub(super) fn is_overloaded(&self) -> bool {
        let shed = self.gates.shed.as_ref().map(Shedder::snapshot);
        let sheds =
            shed.is_some_and(|shed| shed.mode == Mode::Enforce && shed.overloaded_since.is_some());
        // Whoever waits for the limit of an endpoint goes before a second try of somebody else.
        sheds || (self.limits_endpoints() && self.bulkhead.queued() > 0)
    }

    pub(super) fn enforce_limit(&mut self, now: Instant) {
        let limit = self.gates.limit.as_ref().and_then(Limit::in_force);
        let limit = limit.unwrap_or(u32::MAX).min(self.all_places());
        if limit != self.limited_to {
            self.limited_to = limit;
            self.bulkhead.set_limit(limit, now);
        }
    }

    /// The gates as status and metrics see them.
    #[must_use]
    pub(super) fn gates_snapshot(&self, now: Instant) -> super::GatesSnapshot {
        super::GatesSnapshot {
            rate: self.gates.rate.as_ref().map(|rate| rate.snapshot(now)),
            shed: self.gates.shed.as_ref().map(Shedder::snapshot),
            throttle: self.gates.throttle.as_ref().map(|throttle| throttle.snapshot(now)),
            concurrency: self.gates.limit.as_ref().map(Limit::snapshot),
        }
    }
}

const fn over_rate(refused: Refused) -> Closed {
    match refused {
        Refused::Limited { retry_at, .. } => {
            Closed { reason: Reason::RateLimited, until: Some(retry_at) }
        }
        Refused::Impossible { .. } => {
            Closed { reason: Reason::CostExceedsLimit, until: Some(Instant::NEVER) }
        }
    }
}

fn wide<S>(at: Instant, sink: &mut S) -> Scoped<'_, S> {
    Scoped { at, scope: Scope::Upstream, sink }
}
