//! Signals as events of `tracing`, target `seawall`.

use std::time::Duration;

use seawall_core::brownout::BrownoutEvent;
use seawall_core::detect::DetectEvent;
use seawall_core::hold::HoldEvent;
use seawall_core::outlier::OutlierEvent;
use tracing::{debug, info, warn};

use super::{Ended, decisions, name_of};
use crate::builder::New;
use crate::mechanism::Setup;
use crate::{BreakerEvent, Decision, Event, HedgeEvent, PolicyBuilder, StepKind, What};

impl<C> PolicyBuilder<New<C>> {
    /// Shows the end of each call and each change of state as an event of `tracing`, target
    /// `seawall`: what users notice at `warn`, recovery at `info`, single calls at `debug`.
    pub fn tracing(self) -> Self {
        self.on_event(event).on_call(call)
    }

    /// Shows each decision for each call as an event of `tracing`, target `seawall`, at `debug`:
    /// attempts, what they brought, retries and why there was none, hedges, fallbacks, refusals.
    /// Costs allocations with each call, like [`on_decision`](Self::on_decision).
    pub fn trace_decisions(self) -> Self {
        self.on_decision(decision)
    }
}

fn decision(decision: &Decision) {
    let Decision { policy, call, endpoint, what, .. } = decision;
    let attempt = match what {
        StepKind::Attempt { number, .. }
        | StepKind::Saw { number, .. }
        | StepKind::Abandoned { number }
        | StepKind::Delivered { number } => Some(*number),
        _ => None,
    };
    let wait = match what {
        StepKind::Retry { after } => Some(millis(*after)),
        StepKind::Deadline(total) => total.map(millis),
        _ => None,
    };
    debug!(
        target: "seawall",
        event = "decision",
        policy = policy.as_deref(),
        call,
        decision = decisions::name_of(what),
        why = decisions::why_of(what),
        attempt,
        endpoint = endpoint.as_ref().map(crate::Endpoint::name),
        wait_ms = wait,
    );
}

impl Setup {
    /// Shows what the mechanism reports as events of `tracing`, target `seawall`.
    pub fn tracing(self) -> Self {
        self.on_event(event)
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

fn call(ended: &Ended) {
    let Ended { policy, ending, reason, attempts, elapsed } = ended;
    debug!(
        target: "seawall",
        event = "call_ended",
        policy = policy.as_deref(),
        ending = ending.name(),
        reason = reason.map(crate::Reason::code),
        attempts,
        elapsed_ms = millis(*elapsed),
    );
}

fn event(event: &Event) {
    let Some(name) = name_of(&event.what) else { return };
    let place = Place {
        name,
        policy: event.policy.as_deref(),
        endpoint: event.endpoint.as_ref().map(crate::Endpoint::name),
    };
    match event.what {
        What::Breaker(what) => breaker(&place, what),
        What::Hedge(what) => hedge(&place, what),
        What::Hold(what) => hold(&place, what),
        What::Outlier(what) => outlier(&place, what),
        What::Rate(what) => detail(&place, &what),
        What::Shed(what) => detail(&place, &what),
        What::Throttle(what) => detail(&place, &what),
        What::Limit(what) => detail(&place, &what),
        What::Bulkhead(what) => detail(&place, &what),
        What::Budget(what) => detail(&place, &what),
        What::Timeout(what) => detail(&place, &what),
        What::Spillover(what) => detail(&place, &what),
        What::SlowStart => {
            info!(target: "seawall", event = name, policy = place.policy, endpoint = place.endpoint)
        }
        What::PanicEntered => warn!(target: "seawall", event = name, policy = place.policy),
        What::PanicLeft => info!(target: "seawall", event = name, policy = place.policy),
        What::Keyed(what) => detail(&place, &what),
        What::Blocking(what) => detail(&place, &what),
        What::Brownout(what) => brownout(&place, what),
        What::Detector(what) => detector(&place, &what),
        What::Health(_) => {}
    }
}

/// What every event says.
struct Place<'a> {
    name: &'static str,
    policy: Option<&'a str>,
    endpoint: Option<&'a str>,
}

fn hold(place: &Place<'_>, what: HoldEvent) {
    let Place { name: event, policy, endpoint } = *place;
    match what {
        HoldEvent::OutageBegan { .. } | HoldEvent::Full { .. } => {
            warn!(target: "seawall", event, policy, endpoint, detail = ?what);
        }
        HoldEvent::OutageEnded { .. } | HoldEvent::Released { .. } => {
            info!(target: "seawall", event, policy, endpoint, detail = ?what);
        }
    }
}

/// An event whose own words say it best.
fn detail(place: &Place<'_>, what: &dyn std::fmt::Debug) {
    let Place { name: event, policy, endpoint } = *place;
    debug!(target: "seawall", event, policy, endpoint, detail = ?what);
}

fn breaker(place: &Place<'_>, what: BreakerEvent) {
    let Place { name: event, policy, endpoint } = *place;
    match what {
        BreakerEvent::Opened { cause, rate, calls, openings, .. } => {
            warn!(target: "seawall", event, policy, endpoint, ?cause, %rate, calls, openings);
        }
        BreakerEvent::HalfOpened => info!(target: "seawall", event, policy, endpoint),
        BreakerEvent::Closed { after } => {
            info!(target: "seawall", event, policy, endpoint, after_ms = millis(after));
        }
        BreakerEvent::Forced { mode } => info!(target: "seawall", event, policy, endpoint, ?mode),
        BreakerEvent::WouldReject { .. }
        | BreakerEvent::ProbeAbandoned
        | BreakerEvent::StaleOutcome { .. } => {
            debug!(target: "seawall", event, policy, endpoint);
        }
    }
}

fn brownout(place: &Place<'_>, what: BrownoutEvent) {
    let Place { name: event, policy, .. } = *place;
    let BrownoutEvent { from, to, cause, pressure, mode } = what;
    let (from, to) = (from.number(), to.number());
    match to > from {
        true => warn!(target: "seawall", event, policy, from, to, ?cause, %pressure, ?mode),
        false => info!(target: "seawall", event, policy, from, to, ?cause, %pressure, ?mode),
    }
}

fn detector(place: &Place<'_>, what: &DetectEvent) {
    let Place { name: event, policy, .. } = *place;
    match what {
        DetectEvent::Suspected { .. } => {
            warn!(target: "seawall", event, policy, detail = ?what);
        }
        DetectEvent::Recovered { .. } | DetectEvent::Restarted { .. } => {
            info!(target: "seawall", event, policy, detail = ?what);
        }
        DetectEvent::LateBeat { .. } => debug!(target: "seawall", event, policy, detail = ?what),
    }
}

fn hedge(place: &Place<'_>, what: HedgeEvent) {
    let Place { name: event, policy, .. } = *place;
    match what {
        HedgeEvent::Fired { delay, .. } => {
            debug!(target: "seawall", event, policy, delay_ms = millis(delay));
        }
        HedgeEvent::Won | HedgeEvent::Lost => debug!(target: "seawall", event, policy),
        HedgeEvent::Suppressed { reason } => debug!(target: "seawall", event, policy, ?reason),
    }
}

fn outlier(place: &Place<'_>, what: OutlierEvent) {
    let Place { name: event, policy, endpoint } = *place;
    match what {
        OutlierEvent::Ejected { ejection, mode, .. } => {
            let (finding, streak) = (ejection.finding, ejection.streak);
            warn!(target: "seawall", event, policy, endpoint, ?finding, streak, ?mode);
        }
        OutlierEvent::Returned { mode, .. } => {
            info!(target: "seawall", event, policy, endpoint, ?mode);
        }
        OutlierEvent::Capped { finding, out, mode, .. } => {
            warn!(target: "seawall", event, policy, endpoint, ?finding, out, ?mode);
        }
        OutlierEvent::NotEnforced { finding, share, mode, .. } => {
            debug!(target: "seawall", event, policy, endpoint, ?finding, %share, ?mode);
        }
        OutlierEvent::Suppressed { finding, failing, judged, mode, .. } => {
            warn!(target: "seawall", event, policy, endpoint, ?finding, failing, judged, ?mode);
        }
    }
}
