//! Every signal that a policy gives: one table, which the documentation and a test go by.

/// What kind of signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// An event of `tracing`, target `seawall`; its name is the field `event`.
    Trace,
    /// A counter of `metrics`.
    Counter,
    /// A gauge of `metrics`.
    Gauge,
    /// A histogram of `metrics`.
    Histogram,
}

/// A signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Signal {
    /// Its kind.
    pub kind: Kind,
    /// Its name.
    pub name: &'static str,
    /// Its labels or fields, beside `policy`, which all have.
    pub labels: &'static [&'static str],
    /// What it means.
    pub meaning: &'static str,
}

const fn trace(
    name: &'static str,
    labels: &'static [&'static str],
    meaning: &'static str,
) -> Signal {
    Signal { kind: Kind::Trace, name, labels, meaning }
}

const fn metric(
    kind: Kind,
    name: &'static str,
    labels: &'static [&'static str],
    meaning: &'static str,
) -> Signal {
    Signal { kind, name, labels, meaning }
}

/// The fields of an event that is told whole.
const DETAIL: &[&str] = &["endpoint", "detail"];

/// Every decision for a call, as the field `decision` names it, and what it means. `why` is a
/// reason code, the role of an attempt, or the class of what was seen.
pub const DECISIONS: &[(&str, &str)] = &[
    ("deadline", "The call must end within `wait_ms`; without one if that is missing."),
    ("queued", "It waits for a permit."),
    ("granted", "It was granted one after waiting."),
    ("held", "Nobody can be reached; it waits for the end of the outage."),
    ("released", "It goes on after an outage, or to find out whether that is over."),
    ("attempt", "An attempt began: `first`, `retry` or `hedge`."),
    ("saw", "An attempt brought something or ended: `success`, `failure`, `ignored`, `abandoned`."),
    ("abandoned", "An attempt was given up: out of time, or another was quicker."),
    ("hedge_suppressed", "An attempt was slow, and no other started beside it."),
    ("retry", "Another attempt follows after `wait_ms`."),
    ("retry_denied", "No other attempt follows."),
    ("delivered", "A result is handed on."),
    ("fell_back", "A fallback is asked."),
    ("refused", "The call was refused or failed."),
    ("cancelled", "Its caller left."),
];

/// Every signal.
pub const SIGNALS: &[Signal] = &[
    trace("call_ended", &["ending", "reason", "attempts", "elapsed_ms"], "A call ended (debug)."),
    trace(
        "breaker_opened",
        &["endpoint", "cause", "rate", "calls", "openings"],
        "A breaker stops traffic (warn).",
    ),
    trace("breaker_half_opened", &["endpoint"], "A breaker lets probes pass (info)."),
    trace("breaker_closed", &["endpoint", "after_ms"], "A breaker lets traffic flow (info)."),
    trace("breaker_forced", &["endpoint", "mode"], "Somebody took control of a breaker (info)."),
    trace("breaker_would_reject", &["endpoint"], "A breaker in shadow mode let pass (debug)."),
    trace("breaker_probe_abandoned", &["endpoint"], "A probe was given up (debug)."),
    trace("breaker_stale_outcome", &["endpoint"], "A result came too late to count (debug)."),
    trace("hedge_fired", &["delay_ms"], "An extra attempt started beside a slow one (debug)."),
    trace("hedge_won", &[], "The extra attempt was first (debug)."),
    trace("hedge_lost", &[], "The extra attempt was not first (debug)."),
    trace("hedge_suppressed", &["reason"], "An attempt was slow, no other started (debug)."),
    trace("outage_began", DETAIL, "No endpoint can be reached; calls are held (warn)."),
    trace("outage_ended", DETAIL, "An endpoint answers again (info)."),
    trace("hold_full", DETAIL, "No more calls can be held; the next are refused (warn)."),
    trace("hold_released", DETAIL, "All that were held have gone on (info)."),
    trace(
        "endpoint_ejected",
        &["endpoint", "finding", "streak", "mode"],
        "An endpoint is left out of choice (warn).",
    ),
    trace("endpoint_returned", &["endpoint", "mode"], "It is chosen again (info)."),
    trace(
        "ejection_capped",
        &["endpoint", "finding", "out", "mode"],
        "It stays: as many as may be are out (warn).",
    ),
    trace(
        "ejection_suppressed",
        &["endpoint", "finding", "failing", "judged", "mode"],
        "It stays: most endpoints do as badly (warn).",
    ),
    trace(
        "ejection_not_enforced",
        &["endpoint", "finding", "share", "mode"],
        "It stays: chance spared it, as its detector was set to (debug).",
    ),
    trace("rate_limit", DETAIL, "A call was limited or waits, or the limit adapted (debug)."),
    trace("shed", DETAIL, "A call was shed, or overload began or ended (debug)."),
    trace("throttled", DETAIL, "The client throttle refused an attempt (debug)."),
    trace("concurrency_limit", DETAIL, "The adaptive limit changed (debug)."),
    trace("bulkhead_rejected", DETAIL, "A call found no place or waited too long (debug)."),
    trace("budget_spent", DETAIL, "An extra attempt was granted (debug)."),
    trace("budget_denied", DETAIL, "An extra attempt was denied (debug)."),
    trace("timeout_adapted", DETAIL, "The adaptive attempt timeout changed (debug)."),
    trace("spillover", DETAIL, "The shares of priority levels changed (debug)."),
    trace("slow_start", &["endpoint"], "An endpoint gets its weight by degrees (info)."),
    trace("panic_entered", &[], "No endpoint may be chosen by the rules (warn)."),
    trace("panic_left", &[], "An endpoint may be chosen again (info)."),
    trace("keyed_breaker", DETAIL, "A breaker of a set by key changed or refused (debug)."),
    trace("keyed_breakers_full", DETAIL, "New keys share one breaker: no place is left (debug)."),
    trace("job_abandoned", DETAIL, "A blocking closure runs on for nobody (debug)."),
    trace("zombie_returned", DETAIL, "Such a closure returned after all (debug)."),
    trace(
        "brownout_level",
        &["from", "to", "cause", "pressure", "mode"],
        "Optional work is switched off (warn) or on again (info).",
    ),
    trace("peer_suspected", &["detail"], "A peer has been silent for too long (warn)."),
    trace("peer_recovered", &["detail"], "It beats again (info)."),
    trace("peer_restarted", &["detail"], "It started anew (info)."),
    trace("late_beat", &["detail"], "A beat of the past was ignored (debug)."),
    trace(
        "decision",
        &["call", "decision", "why", "attempt", "endpoint", "wait_ms"],
        "A decision for a call, see below (debug). Asked for by `trace_decisions`.",
    ),
    metric(
        Kind::Counter,
        "seawall_decisions_total",
        &["decision", "why"],
        "Decisions for calls, see below. Asked for by `count_decisions`.",
    ),
    metric(Kind::Counter, "seawall_calls_total", &["ending", "reason"], "Calls that ended."),
    metric(Kind::Counter, "seawall_attempts_total", &[], "Attempts of the calls that ended."),
    metric(Kind::Counter, "seawall_events_total", &["event"], "Changes of state, by name."),
    metric(
        Kind::Histogram,
        "seawall_call_duration_seconds",
        &["ending"],
        "From the start of a call to its end.",
    ),
    metric(
        Kind::Gauge,
        "seawall_breaker_state",
        &["endpoint"],
        "0 closed, 1 half-open, 2 open. `endpoint` is empty for the breaker of the policy.",
    ),
    metric(
        Kind::Gauge,
        "seawall_brownout_level",
        &["endpoint"],
        "0 normal to 4 static. `endpoint` is empty.",
    ),
    metric(Kind::Gauge, "seawall_endpoint_ejected", &["endpoint"], "1 while it is ejected."),
    metric(
        Kind::Gauge,
        "seawall_permits_in_use",
        &[],
        "Attempts that run. Set by `Policy::publish_gauges`.",
    ),
    metric(
        Kind::Gauge,
        "seawall_permits_queued",
        &[],
        "Calls that wait for a permit. Set by `Policy::publish_gauges`.",
    ),
];

/// The page of the documentation, in Markdown.
#[must_use]
pub fn page() -> String {
    let mut page = String::from(
        "# Signals of the library\n\n\
         Made from the table in `crates/seawall/src/observe/signals.rs`; \
         a test keeps them equal,\nand another sees every one of them fire.\n",
    );
    let parts = [
        ("Events of `tracing`", "event", true),
        ("Metrics through the facade `metrics`", "metric", false),
    ];
    for (title, column, traces) in parts {
        page.push_str(&format!(
            "\n## {title}\n\n| {column} | fields | meaning |\n| --- | --- | --- |\n"
        ));
        for signal in SIGNALS.iter().filter(|signal| (signal.kind == Kind::Trace) == traces) {
            let kind = match signal.kind {
                Kind::Trace => "",
                Kind::Counter => ", counter",
                Kind::Gauge => ", gauge",
                Kind::Histogram => ", histogram",
            };
            let fields: Vec<_> = signal.labels.iter().map(|label| format!(", `{label}`")).collect();
            let (name, fields, meaning) = (signal.name, fields.concat(), signal.meaning);
            page.push_str(&format!("| `{name}`{kind} | `policy`{fields} | {meaning} |\n"));
        }
    }
    page.push_str("\n## Decisions\n\n| decision | meaning |\n| --- | --- |\n");
    for (name, meaning) in DECISIONS {
        page.push_str(&format!("| `{name}` | {meaning} |\n"));
    }
    page
}
