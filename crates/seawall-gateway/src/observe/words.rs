//! Machines' facts in words: for events, trails and status.

use seawall_core::breaker::{BreakerEvent, BreakerSnapshot, Cause, Manual, Phase};
use seawall_core::call::{Role, StepKind};
use seawall_core::concurrency::{Cause as LimitCause, LimitEvent};
use seawall_core::endpoint::EndpointId;
use seawall_core::health::{Change, HealthState};
use seawall_core::hold::{HoldEvent, HoldState};
use seawall_core::outcome::{
    CallerFault, Class, ConnectFailure, Connection, GrpcCode, Observation, Pushback, Sent,
    Unprocessed,
};
use seawall_core::outlier::{Finding, OutlierEvent};
use seawall_core::rate::RateEvent;
use seawall_core::ratio::Ratio;
use seawall_core::shed::ShedEvent;
use seawall_core::time::{Duration, Instant};
use seawall_core::timeout::TimeoutAdapted;
use seawall_core::upstream::ChoiceReason;

/// A code and its particulars.
pub(super) type Words = (&'static str, String);

/// A change of a breaker; `None` for what is counted but would drown the log.
pub(super) fn of_breaker(event: &BreakerEvent, now: Instant) -> Option<Words> {
    Some(match event {
        BreakerEvent::Opened { cause, rate, calls, openings, until } => {
            let wait = seconds(until.since(now));
            let (cause, rate) = (of_cause(*cause), percent(*rate));
            let detail = format!(
                "{cause}: {rate} of {calls} calls; no traffic for {wait}, {openings} in a row"
            );
            ("opened", detail)
        }
        BreakerEvent::HalfOpened => ("half_opened", "probes pass and decide".to_owned()),
        BreakerEvent::Closed { after } => {
            ("closed", format!("traffic flows again after {}", seconds(*after)))
        }
        BreakerEvent::Forced { mode } => ("forced", of_manual(*mode).to_owned()),
        BreakerEvent::StaleOutcome { .. }
        | BreakerEvent::ProbeAbandoned
        | BreakerEvent::WouldReject { .. } => return None,
    })
}

/// What tripped a breaker.
pub(super) const fn of_cause(cause: Cause) -> &'static str {
    match cause {
        Cause::Consecutive => "consecutive_failures",
        Cause::FailureRate => "failure_rate",
        Cause::SlowRate => "slow_rate",
        Cause::ProbeFailed => "probe_failed",
        Cause::ProbesUndecided => "probes_undecided",
    }
}

/// The control of a breaker.
pub(super) const fn of_manual(manual: Manual) -> &'static str {
    match manual {
        Manual::Auto => "auto",
        Manual::ForcedOpen => "forced_open",
        Manual::ForcedClosed => "forced_closed",
        Manual::Disabled => "disabled",
    }
}

/// The state of a breaker.
pub(super) const fn of_phase(breaker: &BreakerSnapshot) -> &'static str {
    match breaker.phase {
        Phase::Closed => "closed",
        Phase::Open { .. } => "open",
        Phase::ProbeDue => "probe_due",
        Phase::HalfOpen { .. } => "half_open",
    }
}

/// A change of the outlier detector.
pub(super) fn of_outlier(event: &OutlierEvent, now: Instant) -> Words {
    match event {
        OutlierEvent::Ejected { ejection, .. } => {
            let wait = seconds(ejection.until.since(now));
            let (found, streak) = (of_finding(&ejection.finding), ejection.streak);
            ("ejected", format!("{found}; out for {wait}, ejection {streak} in a row"))
        }
        OutlierEvent::Capped { finding, out, .. } => {
            ("ejection_capped", format!("{}; {out} are out already", of_finding(finding)))
        }
        OutlierEvent::Suppressed { finding, failing, judged, .. } => {
            let found = of_finding(finding);
            let detail = format!("{found}; the fault is common: {failing} of {judged} endpoints");
            ("ejection_suppressed", detail)
        }
        OutlierEvent::NotEnforced { finding, share, .. } => {
            let found = of_finding(finding);
            ("ejection_not_enforced", format!("{found}; enforced for {} only", percent(*share)))
        }
        OutlierEvent::Returned { .. } => {
            ("returned", "a probe succeeded; its share grows slowly".to_owned())
        }
    }
}

/// Why an endpoint is an outlier.
pub(super) fn of_finding(finding: &Finding) -> String {
    match finding {
        Finding::Consecutive { failures, .. } => format!("{failures} failures in a row"),
        Finding::SuccessRate { rate, threshold } => {
            format!("success rate {}, below {}", percent(*rate), percent(*threshold))
        }
        Finding::FailureShare { share, .. } => format!("failure share {}", percent(*share)),
        Finding::Gateway { failures, .. } => format!("{failures} gateway failures in a row"),
        Finding::LocalOrigin { failures, .. } => {
            format!("{failures} failures in a row to connect or to answer in time")
        }
        Finding::Latency { median, threshold } => {
            format!(
                "median latency {}, {} or more is too slow",
                seconds(*median),
                seconds(*threshold)
            )
        }
        Finding::OddOne { disagreements, reads, .. } => {
            format!("{disagreements} of {reads} answers disagree with the others")
        }
        Finding::FailedProbe => "its probe failed".to_owned(),
    }
}

/// A change of active health.
pub(super) fn of_health(change: Change) -> Words {
    match change.to {
        HealthState::Healthy => ("healthy", "health checks pass".to_owned()),
        HealthState::Unhealthy => ("unhealthy", "health checks fail".to_owned()),
        HealthState::Unknown => ("unknown", "no health check yet".to_owned()),
    }
}

pub(super) fn of_timeout(change: &TimeoutAdapted) -> String {
    let TimeoutAdapted { old, new, p99, samples, .. } = *change;
    let (old, new, p99) = (seconds(old), seconds(new), seconds(p99));
    format!("from {old} to {new}: p99 is {p99} over {samples} attempts")
}

/// A change of an adaptive rate; refusals concern one call.
pub(super) fn of_rate(event: &RateEvent) -> Option<String> {
    match event {
        RateEvent::Adapted { share, .. } => Some(format!("{share} of the configured rate")),
        RateEvent::OverflowKeys { keys } => Some(format!("{keys} keys share the overflow")),
        RateEvent::Limited { .. } | RateEvent::Impossible { .. } | RateEvent::Queued { .. } => None,
    }
}

/// Entering and leaving overload; what is shed concerns one call.
pub(super) fn of_shed(event: &ShedEvent) -> Option<Words> {
    match *event {
        ShedEvent::OverloadEntered { wait } => {
            Some(("overload_entered", format!("calls wait {} on average", seconds(wait))))
        }
        ShedEvent::OverloadLeft { after } => {
            Some(("overload_left", format!("after {}", seconds(after))))
        }
        ShedEvent::Shed { .. } => None,
    }
}

/// Why an adaptive limit is what it is.
pub(super) const fn of_cause_of_limit(cause: LimitCause) -> &'static str {
    match cause {
        LimitCause::Initial => "nothing was learnt yet",
        LimitCause::Doubling => "in search of the first congestion",
        LimitCause::Growth => "there is room",
        LimitCause::Congestion => "latency has risen with what is in flight",
        LimitCause::Drop => "attempts timed out or were refused",
        LimitCause::Unused => "more has been of no use",
        LimitCause::Dip => "lowered to learn the latency without load",
        LimitCause::Pin => "pinned to learn the latency without load",
        LimitCause::Probe => "raised to learn whether more still only waits",
        LimitCause::Trial => "lowered to learn whether fewer are any faster",
        LimitCause::Resumed => "it is slow for a reason of its own, or no longer",
        LimitCause::Reconfigured => "the settings changed",
    }
}

/// A change of the adaptive limit.
pub(super) fn of_limit(event: &LimitEvent) -> Option<String> {
    match *event {
        LimitEvent::Changed { old, new, cause, .. } => {
            Some(format!("from {old} to {new} in flight: {}", of_cause_of_limit(cause)))
        }
        LimitEvent::Dip { resume, .. } => Some(format!("a short dip below {resume} to measure")),
        LimitEvent::Rejected { .. } => None,
    }
}

/// An outage, and what becomes of those who are held through it.
pub(super) fn of_hold(event: &HoldEvent) -> Words {
    match *event {
        HoldEvent::OutageBegan { endpoints, .. } => {
            ("outage_began", format!("none of {endpoints} endpoints can be reached"))
        }
        HoldEvent::OutageEnded { after, held, .. } => {
            ("outage_ended", format!("after {}; {held} calls are held", seconds(after)))
        }
        HoldEvent::Full { held, bytes } => {
            ("full", format!("{held} calls are held, with bodies of up to {bytes} bytes"))
        }
        HoldEvent::Released { after } => {
            ("released", format!("the last left {} after the outage", seconds(after)))
        }
    }
}

/// Whether an upstream can be reached.
pub(super) const fn of_hold_state(state: HoldState) -> &'static str {
    match state {
        HoldState::Reachable => "reachable",
        HoldState::Outage { .. } => "outage",
        HoldState::Releasing { .. } => "releasing",
    }
}

/// The name of a verdict of active health.
pub(super) const fn of_health_state(state: HealthState) -> &'static str {
    match state {
        HealthState::Unknown => "unknown",
        HealthState::Healthy => "healthy",
        HealthState::Unhealthy => "unhealthy",
    }
}

/// One decision of a call; `name` knows endpoints.
pub(super) fn of_step(kind: &StepKind, name: impl Fn(EndpointId) -> String) -> Words {
    match kind {
        StepKind::Deadline(None) => ("deadline", "none".to_owned()),
        StepKind::Deadline(Some(total)) => ("deadline", format!("in {}", seconds(*total))),
        StepKind::Queued => ("queued", "no permit is free".to_owned()),
        StepKind::Held { .. } => ("held", "no endpoint can be reached".to_owned()),
        StepKind::Released => ("released", "it may be tried again".to_owned()),
        StepKind::Granted => ("granted", "a permit came free".to_owned()),
        StepKind::Attempt { number, role, endpoint, reason, candidates } => {
            let (endpoint, reason) = (name(*endpoint), of_choice(*reason));
            let beside = if *role == Role::Hedge { ", beside a slow one" } else { "" };
            ("attempt", format!("{number} at {endpoint}: {reason}, of {candidates}{beside}"))
        }
        StepKind::HedgeSuppressed(why) => ("hedge_suppressed", why.code().to_owned()),
        StepKind::Saw { number, seen, class } => {
            ("saw", format!("attempt {number}: {}, {}", of_observation(*seen), of_class(*class)))
        }
        StepKind::Abandoned { number } => {
            ("abandoned", format!("attempt {number}: its time is over, or another was quicker"))
        }
        StepKind::Retry { after } => ("retry", format!("after {}", seconds(*after))),
        StepKind::RetryDenied(reason) => ("retry_denied", reason.code().to_owned()),
        StepKind::Delivered { number } => ("delivered", format!("answer of attempt {number}")),
        StepKind::FellBack { rung, why } => ("fell_back", format!("to rung {}, {why}", rung + 1)),
        StepKind::Refused(reason) => ("refused", reason.code().to_owned()),
        StepKind::Cancelled => ("cancelled", "the caller left".to_owned()),
    }
}

/// Why an endpoint is passed over that owes answers.
pub(super) fn of_silence(age: Duration) -> String {
    format!("attempts have waited there for {} and nothing came", seconds(age))
}

const fn of_choice(reason: ChoiceReason) -> &'static str {
    match reason {
        ChoiceReason::Balanced => "balanced",
        ChoiceReason::Keyed => "by its key",
        ChoiceReason::Spilled => "past the first level",
        ChoiceReason::Probe => "as a probe",
        ChoiceReason::Panic => "for want of a good one",
        ChoiceReason::Sole => "the only one",
    }
}

const fn of_class(class: Class) -> &'static str {
    match class {
        Class::Success => "success",
        Class::Failure => "failure",
        Class::Ignored => "ignored",
        Class::Abandoned => "abandoned",
    }
}

fn of_observation(seen: Observation) -> String {
    match seen {
        Observation::Status { code, retry_after: Some(wait), .. } => {
            format!("status {code}, come back in {}", seconds(wait))
        }
        Observation::Status { code, .. } => format!("status {code}"),
        Observation::Grpc { code, pushback, .. } => of_grpc(code, pushback),
        Observation::Unprocessed(Unprocessed::StreamRefused) => "stream refused".to_owned(),
        Observation::Unprocessed(Unprocessed::GoneAway) => "gone away, unprocessed".to_owned(),
        Observation::Judged(_) => "a result".to_owned(),
        Observation::Completed => "the whole answer".to_owned(),
        Observation::ConnectFailed(why) => of_connect(why).to_owned(),
        Observation::Lost { connection, sent } => {
            let connection = match connection {
                Connection::Fresh => "fresh",
                Connection::Reused => "reused",
            };
            format!("{connection} connection lost, {}", of_sent(sent))
        }
        Observation::Malformed => "no valid HTTP".to_owned(),
        Observation::Invalid => "an answer that failed validation".to_owned(),
        Observation::Upgraded => "it switched protocols unasked".to_owned(),
        Observation::HeadTooLarge => "a head that is too large".to_owned(),
        Observation::TimedOut { sent } => format!("no answer in time, {}", of_sent(sent)),
        Observation::WriteStalled => "it stopped reading".to_owned(),
        Observation::ReadStalled => "it stopped sending".to_owned(),
        Observation::CutShort => "the answer broke off".to_owned(),
        Observation::CallerGone => "the caller left".to_owned(),
        Observation::CallerFault(fault) => match fault {
            CallerFault::Stalled => "the caller's body stalled".to_owned(),
            CallerFault::TooLarge => "the caller's body is too large".to_owned(),
            CallerFault::Broken => "the caller's body broke".to_owned(),
        },
    }
}

fn of_grpc(code: GrpcCode, pushback: Option<Pushback>) -> String {
    let number = code.number();
    match pushback {
        Some(Pushback::After(wait)) => format!("gRPC {number}, come back in {}", seconds(wait)),
        Some(Pushback::Stop) => format!("gRPC {number}, do not come back"),
        None => format!("gRPC {number}"),
    }
}

const fn of_connect(why: ConnectFailure) -> &'static str {
    match why {
        ConnectFailure::Refused => "connection refused",
        ConnectFailure::TimedOut => "no connection in time",
        ConnectFailure::Unroutable => "no way to the address",
        ConnectFailure::Handshake => "TLS handshake failed",
        ConnectFailure::WrongProtocol => "it does not speak HTTP/2 (protocol = \"h2c\")",
        ConnectFailure::Unresolved => "name not resolved",
        ConnectFailure::ResolveTimedOut => "name not resolved in time",
        ConnectFailure::Exhausted => "no connection free",
    }
}

const fn of_sent(sent: Sent) -> &'static str {
    match sent {
        Sent::No => "nothing was sent",
        Sent::Maybe => "perhaps sent",
        Sent::Yes => "sent",
    }
}

/// A share for people, in whole percent.
fn percent(ratio: Ratio) -> String {
    format!("{} %", (ratio.ppm() + 5_000) / 10_000)
}

/// A duration for people, to a tenth of a unit.
pub(super) fn seconds(duration: Duration) -> String {
    if duration < Duration::from_secs(1) {
        return format!("{:.1} ms", duration.as_secs_f64() * 1_000.0);
    }
    format!("{:.1} s", duration.as_secs_f64())
}
