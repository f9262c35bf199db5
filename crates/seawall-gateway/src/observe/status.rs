//! The gateway at one moment, read from its machines and counters.

use seawall_core::Mode;
use seawall_core::breaker::BreakerSnapshot;
use seawall_core::concurrency::LimitSnapshot;
use seawall_core::endpoint::EndpointId;
use seawall_core::histogram::RotatingHistogram;
use seawall_core::hold::{HoldSnapshot, HoldState};
use seawall_core::outlier::{OutlierSnapshot, Standing};
use seawall_core::ratio::Ratio;
use seawall_core::time::{Duration, Instant};
use seawall_core::upstream::EndpointSnapshot;

use super::words::{
    of_cause, of_cause_of_limit, of_finding, of_health_state, of_hold_state, of_manual, of_phase,
    of_silence,
};
use super::{
    BreakerStatus, BudgetStatus, BulkheadStatus, EndpointStatus, HoldStatus, LatencyStatus,
    LimitStatus, RouteStatus, Status, UpstreamStatus, UpstreamTotals,
};
use crate::live::Route;
use crate::shared::Shared;
use crate::upstreams::{EndpointInfo, SharedUpstream};

/// Everything about the gateway, now.
pub(crate) fn status(shared: &Shared) -> Status {
    let (live, now) = (shared.live(), shared.clock.now());
    Status {
        name: live.config.gateway.name.clone(),
        version: env!("CARGO_PKG_VERSION"),
        generation: live.generation,
        state: shared.lifecycle().name(),
        uptime_ms: whole_ms(now.since(Instant::EPOCH)),
        workers: shared.workers,
        connections: shared.inbound.open.total(),
        upstreams: live.upstreams.iter().map(|u| of_upstream(shared, u, now)).collect(),
        routes: live.routes.iter().map(|route| of_route(route)).collect(),
    }
}

fn of_route(route: &Route) -> RouteStatus {
    RouteStatus {
        name: route.name.to_string(),
        host: route.host.clone(),
        path: route.path.clone(),
        methods: route.methods.iter().map(ToString::to_string).collect(),
        upstream: route.upstream.name().to_string(),
        total_ms: route.settings.total.map(whole_ms),
        attempt_ms: whole_ms(route.settings.attempt),
        max_attempts: route.settings.max_attempts,
        rungs: route.rungs.len(),
    }
}

fn of_upstream(shared: &Shared, upstream: &SharedUpstream, now: Instant) -> UpstreamStatus {
    let mut locked = upstream.lock();
    let snapshot = locked.machine.snapshot(now);
    let latency = of_latency(&mut locked.latency, now);
    drop(locked);
    let directory = upstream.directory();
    let endpoints = snapshot.endpoints.iter().filter_map(|endpoint| {
        let info = directory.find(endpoint.id)?;
        Some(of_endpoint(shared, upstream, info, endpoint, now))
    });
    UpstreamStatus {
        name: upstream.name().to_string(),
        usable: snapshot.usable,
        panic: snapshot.panic,
        breaker: of_breaker(&snapshot.breaker, now),
        bulkhead: (snapshot.bulkhead.permits < u32::MAX).then_some(BulkheadStatus {
            permits: snapshot.bulkhead.permits,
            in_use: snapshot.bulkhead.in_use,
            queued: snapshot.bulkhead.queued,
            queue: snapshot.bulkhead.queue,
        }),
        hold: (snapshot.hold.mode != Mode::Off).then(|| of_hold(&snapshot.hold, now)),
        budget: BudgetStatus {
            first: snapshot.budget.first,
            extra: snapshot.budget.extra,
            vain: snapshot.budget.vain,
            left: snapshot.budget.left,
        },
        totals: totals(upstream),
        latency,
        endpoints: endpoints.collect(),
    }
}

fn of_hold(hold: &HoldSnapshot, now: Instant) -> HoldStatus {
    let since = match hold.state {
        HoldState::Reachable => None,
        HoldState::Outage { since } | HoldState::Releasing { since, .. } => Some(since),
    };
    HoldStatus {
        state: of_hold_state(hold.state),
        since_ms: since.map(|since| whole_ms(now.since(since))),
        held: hold.held,
        calls: hold.calls,
        bytes: hold.bytes,
        held_total: hold.held_total,
        refused_total: hold.full_total,
        probes_total: hold.probes_total,
        outages_total: hold.outages_total,
    }
}

fn totals(upstream: &SharedUpstream) -> UpstreamTotals {
    let meters = &upstream.meters;
    UpstreamTotals {
        calls_total: meters.calls.total(),
        failed_total: meters.failed.total(),
        fallbacks_total: meters.fallbacks.total(),
        first_attempts_total: meters.first_attempts.total(),
        attempts_total: meters.begun.total(),
        retries_total: meters.retries.total(),
        hedges_total: meters.hedges.total(),
        ejections_total: meters.ejections.total(),
        breaker_opened_total: meters.breaker_opened.total()
            + meters.endpoint_breakers_opened.total(),
    }
}

fn of_latency(histogram: &mut RotatingHistogram, now: Instant) -> LatencyStatus {
    let mut at = |percent| histogram.quantile(now, Ratio::from_percent(percent)).map(ms);
    LatencyStatus { p50_ms: at(50), p90_ms: at(90), p99_ms: at(99) }
}

fn of_breaker(breaker: &BreakerSnapshot, now: Instant) -> Option<BreakerStatus> {
    (breaker.mode != Mode::Off).then(|| BreakerStatus {
        state: of_phase(breaker),
        manual: of_manual(breaker.manual),
        calls: breaker.calls,
        failures: breaker.failures,
        until_ms: breaker.until.filter(|until| !until.is_never()).map(|u| whole_ms(u.since(now))),
        openings: breaker.openings,
        cause: breaker.cause.map(of_cause),
    })
}

fn of_endpoint(
    shared: &Shared,
    upstream: &SharedUpstream,
    info: &EndpointInfo,
    endpoint: &EndpointSnapshot,
    now: Instant,
) -> EndpointStatus {
    let (standing, until, reason) = standing(endpoint, now);
    EndpointStatus {
        address: info.name.to_string(),
        zone: info.zone.clone(),
        standing,
        reason,
        until_ms: until.map(|until| whole_ms(until.since(now))),
        health: of_health_state(endpoint.health),
        breaker: of_breaker(&endpoint.breaker, now),
        active: endpoint.load.active,
        limit: endpoint.limit.as_ref().map(limit),
        estimate_ms: ms(endpoint.load.latency),
        weight: share(endpoint.load.weight),
        requests: u64::from(endpoint.outlier.requests),
        success_rate: endpoint.outlier.success_rate.map(share),
        attempts_total: endpoint.outcomes.total() + u64::from(endpoint.load.active),
        failures_total: endpoint.outcomes.failure,
        pool: shared.pool_status(upstream.name(), endpoint.id),
    }
}

fn limit(limit: &LimitSnapshot) -> LimitStatus {
    LimitStatus {
        in_flight: limit.base.is_some().then_some(limit.limit),
        cause: of_cause_of_limit(limit.cause),
        overloaded: limit.congested,
        base_ms: limit.base.map(ms),
        mode: if limit.mode == Mode::Shadow { "shadow" } else { "enforce" },
    }
}

/// How the endpoint stands, until when, and why.
fn standing(
    endpoint: &EndpointSnapshot,
    now: Instant,
) -> (&'static str, Option<Instant>, Option<String>) {
    if endpoint.draining {
        return ("draining", None, Some("it takes no new attempts".to_owned()));
    }
    let why = |outlier: &OutlierSnapshot| outlier.last.map(|last| of_finding(&last.finding));
    match endpoint.outlier.standing {
        Standing::In => match endpoint.silent_since {
            None => ("in", None, None),
            Some(since) => ("silent", None, Some(of_silence(now.since(since)))),
        },
        Standing::Ejected { until } => ("ejected", Some(until), why(&endpoint.outlier)),
        Standing::ProbeDue => ("probe_due", None, why(&endpoint.outlier)),
        Standing::Probing => ("probing", None, why(&endpoint.outlier)),
    }
}

/// A duration in milliseconds.
pub(super) fn ms(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1_000.0
}

fn whole_ms(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

fn share(ratio: Ratio) -> f64 {
    f64::from(ratio.ppm()) / 1_000_000.0
}

/// The name of an endpoint in words, or its number once it is gone.
pub(super) fn endpoint_name(upstream: &SharedUpstream, id: EndpointId) -> String {
    let directory = upstream.directory();
    match directory.find(id) {
        Some(info) => info.name.to_string(),
        None => format!("removed endpoint {}", id.slot.index()),
    }
}
