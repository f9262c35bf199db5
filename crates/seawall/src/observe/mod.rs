//! What a policy shows of itself: the end of each call, each change of state, and on request each
//! decision for a call, to functions of yours, to `tracing`, and to the facade `metrics`.
//!
//! Nothing is shown, counted or allocated for that before it is asked for:
//! [`PolicyBuilder::on_call`](crate::PolicyBuilder::on_call) and
//! [`on_event`](crate::PolicyBuilder::on_event) without a feature, `PolicyBuilder::tracing` and
//! `PolicyBuilder::metrics` with those of the same names. Decisions cost every call something, and
//! are asked for by [`on_decision`](crate::PolicyBuilder::on_decision),
//! `PolicyBuilder::trace_decisions` and `PolicyBuilder::count_decisions`. Single mechanisms take a
//! [`Setup`](crate::mechanism::Setup). [`SIGNALS`] lists everything that there
//! is; `docs/library-signals.md` is made of it.
//!
//! Labels come from the program and from fixed lists, never from requests, and are bounded: past
//! 256 policies or 1,024 endpoints of a policy the value is `overflow`.

#[cfg(any(feature = "tracing", feature = "metrics"))]
mod decisions;
mod ended;
#[cfg(feature = "metrics")]
mod labels;
#[cfg(feature = "metrics")]
mod metrics;
mod signals;
#[cfg(feature = "tracing")]
mod tracing;

#[cfg(test)]
#[cfg(all(feature = "tracing", feature = "metrics", feature = "test"))]
mod tests;

pub(crate) use ended::{CallListener, tell};
pub use ended::{Ended, Ending};
pub use signals::{DECISIONS, Kind, SIGNALS, Signal, page};

/// The name of what happened, as logs and metrics have it; `None` for what a policy never does.
#[cfg(any(feature = "tracing", feature = "metrics"))]
const fn name_of(what: &crate::What) -> Option<&'static str> {
    use crate::{BreakerEvent, HedgeEvent, What};
    use seawall_core::breaker::KeyedEvent;
    use seawall_core::budget::BudgetEvent;
    use seawall_core::bulkhead::BlockingEvent;
    use seawall_core::detect::DetectEvent;
    use seawall_core::hold::HoldEvent;
    use seawall_core::outlier::OutlierEvent;
    Some(match what {
        What::Breaker(BreakerEvent::Opened { .. }) => "breaker_opened",
        What::Breaker(BreakerEvent::HalfOpened) => "breaker_half_opened",
        What::Breaker(BreakerEvent::Closed { .. }) => "breaker_closed",
        What::Breaker(BreakerEvent::StaleOutcome { .. }) => "breaker_stale_outcome",
        What::Breaker(BreakerEvent::Forced { .. }) => "breaker_forced",
        What::Breaker(BreakerEvent::ProbeAbandoned) => "breaker_probe_abandoned",
        What::Breaker(BreakerEvent::WouldReject { .. }) => "breaker_would_reject",
        What::Hedge(HedgeEvent::Fired { .. }) => "hedge_fired",
        What::Hedge(HedgeEvent::Won) => "hedge_won",
        What::Hedge(HedgeEvent::Lost) => "hedge_lost",
        What::Hedge(HedgeEvent::Suppressed { .. }) => "hedge_suppressed",
        What::Hold(HoldEvent::OutageBegan { .. }) => "outage_began",
        What::Hold(HoldEvent::OutageEnded { .. }) => "outage_ended",
        What::Hold(HoldEvent::Full { .. }) => "hold_full",
        What::Hold(HoldEvent::Released { .. }) => "hold_released",
        What::Outlier(OutlierEvent::Ejected { .. }) => "endpoint_ejected",
        What::Outlier(OutlierEvent::Capped { .. }) => "ejection_capped",
        What::Outlier(OutlierEvent::Suppressed { .. }) => "ejection_suppressed",
        What::Outlier(OutlierEvent::Returned { .. }) => "endpoint_returned",
        What::Outlier(OutlierEvent::NotEnforced { .. }) => "ejection_not_enforced",
        What::Rate(_) => "rate_limit",
        What::Shed(_) => "shed",
        What::Throttle(_) => "throttled",
        What::Limit(_) => "concurrency_limit",
        What::Bulkhead(_) => "bulkhead_rejected",
        What::Budget(BudgetEvent::Spent { .. }) => "budget_spent",
        What::Budget(BudgetEvent::Denied { .. }) => "budget_denied",
        What::Timeout(_) => "timeout_adapted",
        What::Spillover(_) => "spillover",
        What::SlowStart => "slow_start",
        What::PanicEntered => "panic_entered",
        What::PanicLeft => "panic_left",
        What::Keyed(KeyedEvent::Breaker { .. }) => "keyed_breaker",
        What::Keyed(KeyedEvent::Full { .. }) => "keyed_breakers_full",
        What::Blocking(BlockingEvent::Abandoned { .. }) => "job_abandoned",
        What::Blocking(BlockingEvent::ZombieReturned { .. }) => "zombie_returned",
        What::Brownout(_) => "brownout_level",
        What::Detector(DetectEvent::Suspected { .. }) => "peer_suspected",
        What::Detector(DetectEvent::Recovered { .. }) => "peer_recovered",
        What::Detector(DetectEvent::Restarted { .. }) => "peer_restarted",
        What::Detector(DetectEvent::LateBeat { .. }) => "late_beat",
        // Health checks are the gateway's.
        What::Health(_) => return None,
    })
}
