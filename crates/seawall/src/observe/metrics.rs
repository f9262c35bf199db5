//! Signals through the facade `metrics`; which exporter reads them is the program's choice.

use std::sync::Arc;

use metrics::{counter, gauge, histogram};
use seawall_core::Mode;
use seawall_core::brownout::{BrownoutEvent, Level};
use seawall_core::outlier::OutlierEvent;

use super::labels::{ENDPOINTS_MAX, Label, POLICIES_MAX};
use super::{Ended, decisions, name_of};
use crate::builder::New;
use crate::mechanism::Setup;
use crate::{BreakerEvent, Decision, Event, Policy, PolicyBuilder, What};

/// Names of policies are known to the whole process, as the metrics are.
static POLICIES: Label = Label::new(POLICIES_MAX);

impl<C> PolicyBuilder<New<C>> {
    /// Counts the ends of calls and the changes of state through the facade `metrics`.
    pub fn metrics(self) -> Self {
        let endpoints = Label::new(ENDPOINTS_MAX);
        self.on_event(move |what| event(what, &endpoints)).on_call(call)
    }

    /// Counts the decisions for calls through the facade `metrics`, by what and why. Costs
    /// allocations with each call, like [`on_decision`](Self::on_decision).
    pub fn count_decisions(self) -> Self {
        self.on_decision(decision)
    }
}

impl Setup {
    /// Counts what the mechanism reports through the facade `metrics`, under its name as `policy`.
    pub fn metrics(self) -> Self {
        let endpoints = Label::new(0);
        self.on_event(move |what| event(what, &endpoints))
    }
}

impl<C> Policy<C> {
    /// Sets the gauges that no event brings: permits in use, and calls that wait for one. Call it
    /// before metrics are read. Takes the lock of the policy once.
    pub fn publish_gauges(&self) {
        let policy = policy_of(self.name().map(Arc::from).as_ref());
        let bulkhead = self.snapshot().bulkhead;
        let (in_use, queued) = (f64::from(bulkhead.in_use), f64::from(bulkhead.queued));
        gauge!("seawall_permits_in_use", "policy" => Arc::clone(&policy)).set(in_use);
        gauge!("seawall_permits_queued", "policy" => policy).set(queued);
    }
}

fn policy_of(name: Option<&Arc<str>>) -> Arc<str> {
    name.map_or_else(|| Arc::from(""), |name| POLICIES.bounded(name))
}

fn decision(decision: &Decision) {
    let policy = policy_of(decision.policy.as_ref());
    let (name, why) = (decisions::name_of(&decision.what), decisions::why_of(&decision.what));
    counter!("seawall_decisions_total", "policy" => policy, "decision" => name, "why" => why)
        .increment(1);
}

fn call(ended: &Ended) {
    let policy = policy_of(ended.policy.as_ref());
    let ending = ended.ending.name();
    let reason = ended.reason.map_or("", crate::Reason::code);
    let labels =
        [("policy", Arc::clone(&policy)), ("ending", ending.into()), ("reason", reason.into())];
    counter!("seawall_calls_total", &labels).increment(1);
    let attempts = u64::from(ended.attempts);
    counter!("seawall_attempts_total", "policy" => Arc::clone(&policy)).increment(attempts);
    let elapsed = ended.elapsed.as_secs_f64();
    histogram!("seawall_call_duration_seconds", "policy" => policy, "ending" => ending)
        .record(elapsed);
}

fn event(event: &Event, endpoints: &Label) {
    let Some(name) = name_of(&event.what) else { return };
    let policy = policy_of(event.policy.as_ref());
    counter!("seawall_events_total", "policy" => Arc::clone(&policy), "event" => name).increment(1);
    let endpoint = event.endpoint.as_ref();
    let endpoint = endpoint.map_or_else(|| Arc::from(""), |at| endpoints.bounded(&at.name));
    if let Some((gauge, value)) = state(&event.what) {
        gauge!(gauge, "policy" => policy, "endpoint" => endpoint).set(value);
    }
}

const fn level(level: Level) -> f64 {
    match level {
        Level::Normal => 0.0,
        Level::Lean => 1.0,
        Level::Reduced => 2.0,
        Level::Essential => 3.0,
        Level::Static => 4.0,
    }
}

/// The gauge that an event changes, and to what.
const fn state(what: &What) -> Option<(&'static str, f64)> {
    const BREAKER: &str = "seawall_breaker_state";
    const LEVEL: &str = "seawall_brownout_level";
    const EJECTED: &str = "seawall_endpoint_ejected";
    Some(match what {
        What::Breaker(BreakerEvent::Closed { .. }) => (BREAKER, 0.0),
        What::Breaker(BreakerEvent::HalfOpened) => (BREAKER, 1.0),
        What::Breaker(BreakerEvent::Opened { .. }) => (BREAKER, 2.0),
        What::Brownout(BrownoutEvent { to, mode: Mode::Enforce, .. }) => (LEVEL, level(*to)),
        What::Outlier(OutlierEvent::Ejected { mode: Mode::Enforce, .. }) => (EJECTED, 1.0),
        What::Outlier(OutlierEvent::Returned { mode: Mode::Enforce, .. }) => (EJECTED, 0.0),
        _ => return None,
    })
}
