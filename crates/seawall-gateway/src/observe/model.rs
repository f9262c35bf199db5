//! Plain data of the admin API, version 1. Times are milliseconds; names ending in `_total` only
//! ever grow; a field that does not apply is `null`.

use serde::Serialize;

/// The whole gateway at one moment: `/v1/status`.
#[derive(Clone, Debug, Serialize)]
pub struct Status {
    /// The configured name of this gateway.
    pub name: String,
    /// The version of the program.
    pub version: &'static str,
    /// Counts the configs that have been live; 1 is the first.
    pub generation: u64,
    /// `starting`, `serving` or `draining`.
    pub state: &'static str,
    /// Time since the start.
    pub uptime_ms: u64,
    /// Worker threads.
    pub workers: usize,
    /// Open connections of callers.
    pub connections: u64,
    /// By name.
    pub upstreams: Vec<UpstreamStatus>,
    /// In order of precedence.
    pub routes: Vec<RouteStatus>,
}

/// One route.
#[derive(Clone, Debug, Serialize)]
pub struct RouteStatus {
    /// Its name.
    pub name: String,
    /// The host it is bound to.
    pub host: Option<String>,
    /// The path prefix.
    pub path: String,
    /// The methods, empty for all.
    pub methods: Vec<String>,
    /// The upstream that serves it.
    pub upstream: String,
    /// Total deadline of a call.
    pub total_ms: Option<u64>,
    /// Time of one attempt.
    pub attempt_ms: u64,
    /// Attempts of one call, the first included.
    pub max_attempts: u32,
    /// Rungs of its fallback ladder below the upstream.
    pub rungs: usize,
}

/// One upstream with its endpoints.
#[derive(Clone, Debug, Serialize)]
pub struct UpstreamStatus {
    /// Its name.
    pub name: String,
    /// Whether at least one endpoint may be chosen.
    pub usable: bool,
    /// No endpoint may be chosen by the rules, and what is done about it is in force.
    pub panic: bool,
    /// Its breaker.
    pub breaker: Option<BreakerStatus>,
    /// Its bulkhead.
    pub bulkhead: Option<BulkheadStatus>,
    /// What it holds through an outage.
    pub hold: Option<HoldStatus>,
    /// Its attempt budget.
    pub budget: BudgetStatus,
    /// Counters since the start.
    pub totals: UpstreamTotals,
    /// Latency of answers in the last minute.
    pub latency: LatencyStatus,
    /// In order of configuration.
    pub endpoints: Vec<EndpointStatus>,
}

/// Counters of an upstream since the start of the gateway.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct UpstreamTotals {
    /// Calls that ended, whatever their verdict.
    pub calls_total: u64,
    /// Calls that ended without a good answer: an answer of 500 or more, or a local refusal.
    pub failed_total: u64,
    /// Calls answered by a rung of the fallback ladder.
    pub fallbacks_total: u64,
    /// Calls that had a first attempt.
    pub first_attempts_total: u64,
    /// All attempts.
    pub attempts_total: u64,
    /// Attempts after an earlier one of the same call.
    pub retries_total: u64,
    /// Attempts beside a slow one of the same call.
    pub hedges_total: u64,
    /// Ejections of endpoints.
    pub ejections_total: u64,
    /// Openings of breakers, the upstream's and its endpoints'.
    pub breaker_opened_total: u64,
}

/// Latency from the start of a call to the head of its answer.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct LatencyStatus {
    /// Median; absent without samples.
    pub p50_ms: Option<f64>,
    /// 90th percentile.
    pub p90_ms: Option<f64>,
    /// 99th percentile.
    pub p99_ms: Option<f64>,
}

/// One breaker.
#[derive(Clone, Debug, Serialize)]
pub struct BreakerStatus {
    /// `closed`, `open`, `probe_due`, `half_open`.
    pub state: &'static str,
    /// `auto`, `forced_open`, `forced_closed`, `disabled`.
    pub manual: &'static str,
    /// Outcomes in its window.
    pub calls: u64,
    /// Failures in its window.
    pub failures: u64,
    /// Time left until it may be probed.
    pub until_ms: Option<u64>,
    /// Openings in a row.
    pub openings: u32,
    /// What opened it.
    pub cause: Option<&'static str>,
}

/// One bulkhead.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct BulkheadStatus {
    /// Attempts at once at most.
    pub permits: u32,
    /// Attempts running.
    pub in_use: u32,
    /// Calls waiting for a permit.
    pub queued: u32,
    /// Calls that may wait at most.
    pub queue: u32,
}

/// Holding of calls through outages.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct HoldStatus {
    /// `reachable`, `outage`, `releasing`.
    pub state: &'static str,
    /// For how long, unless it is reachable.
    pub since_ms: Option<u64>,
    /// Calls that are held.
    pub held: u32,
    /// Calls that may be held at most.
    pub calls: u32,
    /// What the bodies of held calls may take, in bytes.
    pub bytes: u64,
    /// Calls that have been held.
    pub held_total: u64,
    /// Calls that were refused because as many were held as may be.
    pub refused_total: u64,
    /// Probes made in outages.
    pub probes_total: u64,
    /// Outages that began.
    pub outages_total: u64,
}

/// One attempt budget, over its window.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct BudgetStatus {
    /// First attempts in the window.
    pub first: u64,
    /// Extra attempts in the window.
    pub extra: u64,
    /// Those among them that have not helped.
    pub vain: u64,
    /// Extra attempts that would be granted now.
    pub left: u64,
}

/// One endpoint.
#[derive(Clone, Debug, Serialize)]
pub struct EndpointStatus {
    /// Host and port.
    pub address: String,
    /// Its zone.
    pub zone: Option<String>,
    /// `in`, `silent`, `ejected`, `probe_due`, `probing`, `draining`.
    pub standing: &'static str,
    /// Why it is not `in`, in words.
    pub reason: Option<String>,
    /// Time left until it may be probed.
    pub until_ms: Option<u64>,
    /// Verdict of active health checks: `unknown`, `healthy`, `unhealthy`.
    pub health: &'static str,
    /// Its own breaker.
    pub breaker: Option<BreakerStatus>,
    /// Attempts running there.
    pub active: u32,
    /// How many may be; absent without `endpoint_limit`.
    pub limit: Option<LimitStatus>,
    /// The balancer's latency estimate.
    pub estimate_ms: f64,
    /// Share of its full weight, 1 when it is not in slow start.
    pub weight: f64,
    /// Outcomes in the detector's window.
    pub requests: u64,
    /// Share of good outcomes in the window; absent without outcomes.
    pub success_rate: Option<f64>,
    /// Attempts since the start.
    pub attempts_total: u64,
    /// Failed attempts since the start.
    pub failures_total: u64,
    /// Its connections, summed over the workers.
    pub pool: PoolStatus,
}

/// The limit of attempts in flight at one endpoint.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct LimitStatus {
    /// So many; absent while nothing is known and nothing limited.
    pub in_flight: Option<u32>,
    /// Why it is that, in words.
    pub cause: &'static str,
    /// Whether the endpoint is known to have all that it can work on.
    pub overloaded: bool,
    /// The latency without load; absent while unknown.
    pub base_ms: Option<f64>,
    /// `enforce` or `shadow`.
    pub mode: &'static str,
}

/// Connections to one endpoint.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct PoolStatus {
    /// Idle.
    pub idle: u64,
    /// Serving an attempt.
    pub leased: u64,
    /// Opened since the start.
    pub opened_total: u64,
    /// Attempts that went over a connection that had served before.
    pub reused_total: u64,
    /// Reused connections that the endpoint had closed.
    pub stale_resets_total: u64,
    /// Exchanges under way: over HTTP/1.1 one for each leased connection, over HTTP/2 many.
    pub streams: u64,
    /// HTTP/2 connections that the endpoint told to end.
    pub goaways_total: u64,
    /// HTTP/2 streams that the endpoint refused.
    pub streams_refused_total: u64,
}

/// One finished call with its decision trail: `/v1/calls`.
#[derive(Clone, Debug, Serialize)]
pub struct CallRecord {
    /// Its request id.
    pub id: String,
    /// When it began, in milliseconds since the Unix epoch.
    pub at_unix_ms: u64,
    /// Its route.
    pub route: String,
    /// Its upstream.
    pub upstream: String,
    /// The method.
    pub method: String,
    /// The path without the query, cut at 256 bytes.
    pub path: String,
    /// The status that the caller got; absent when it left before.
    pub status: Option<u16>,
    /// `answer`, `fallback`, `rejected`, `failed` or `cancelled`.
    pub verdict: &'static str,
    /// The reason code, where the answer was not simply the upstream's.
    pub reason: Option<&'static str>,
    /// Time from the head of the request to the end of the answer.
    pub duration_ms: f64,
    /// Attempts made.
    pub attempts: u32,
    /// Its decisions, oldest first.
    pub trail: Vec<TrailStep>,
    /// Decisions that did not fit the trail.
    pub trail_dropped: u32,
}

/// One decision of a call.
#[derive(Clone, Debug, Serialize)]
pub struct TrailStep {
    /// Time since the start of the call.
    pub at_ms: f64,
    /// What was decided, as a stable code.
    pub step: &'static str,
    /// The particulars, in words.
    pub detail: String,
}

/// One change of state: `/v1/events`.
#[derive(Clone, Debug, Serialize)]
pub struct EventRecord {
    /// Counts events since the start, beginning at 1.
    pub seq: u64,
    /// When, in milliseconds since the Unix epoch.
    pub at_unix_ms: u64,
    /// The mechanism: `breaker`, `ejection`, `health`, `config`, `lifecycle`, `balance`.
    pub mechanism: &'static str,
    /// The upstream it belongs to.
    pub upstream: Option<String>,
    /// The endpoint it belongs to.
    pub endpoint: Option<String>,
    /// What happened, as a stable code.
    pub kind: &'static str,
    /// The particulars, in words.
    pub detail: String,
}
