//! Every key, set alone: the explanation must show it with its line, and the hash must change.

use super::parse;
use crate::Origin;
use std::collections::BTreeSet;

/// What the keys of warming up need beside them.
const WARM_UP: &str = "rate_limit.rate = \"9/s\"\nrate_limit.algorithm = \"warm-up\"";

/// Lines that the key needs beside it; the key with a value that is not its default; where the
/// explanation shows it, where that is not under the name of the key.
const KEYS: &[(&str, &str, &str)] = &[
    ("", "name = \"orders\"", ""),
    ("", "safety = \"keyed\"", ""),
    ("", "class = \"batch\"", ""),
    ("", "kind = \"query\"", ""),
    ("", "priority = \"low\"", ""),
    ("", "timeouts.total = \"9s\"", ""),
    ("", "timeouts.attempt = \"2s\"", ""),
    ("", "retry = \"off\"", ""),
    ("", "retry.max_attempts = 2", ""),
    ("", "retry.max_while_helping = 6", ""),
    ("", "retry.backoff = \"constant\"", ""),
    ("", "retry.base = \"51ms\"", ""),
    ("", "retry.factor = 3", ""),
    ("", "retry.max = \"3s\"", ""),
    ("", "retry.jitter = \"none\"", ""),
    ("", "retry.first = \"at_once_if_unsent\"", ""),
    ("", "retry.throttled.backoff = \"constant\"", ""),
    ("", "retry.throttled.base = \"2s\"", ""),
    ("", "retry.throttled.factor = 3", ""),
    ("", "retry.throttled.max = \"30s\"", ""),
    ("", "retry.throttled.jitter = \"none\"", ""),
    ("", "retry.on_500 = true", ""),
    ("", "retry.on_aborted = true", ""),
    ("", "retry.on_data_loss = true", ""),
    ("", "endpoints = [\"a\"]", ""),
    ("", "balance = \"random\"", "balance.algorithm"),
    ("", "balance.algorithm = \"random\"", ""),
    ("balance.algorithm = \"least-request\"", "balance.compare = 2", ""),
    ("balance.algorithm = \"ring\"", "balance.points = 100", ""),
    ("balance.algorithm = \"maglev\"", "balance.size = 4099", ""),
    ("", "balance.decay = \"5s\"", ""),
    ("", "balance.first_latency = \"5ms\"", ""),
    ("balance.algorithm = \"ring\"", "balance.bounded_loads = \"150%\"", ""),
    ("", "balance.levels = \"active-active\"", ""),
    ("", "balance.overprovisioning = \"120%\"", ""),
    ("", "balance.panic_threshold = \"50%\"", ""),
    ("", "balance.zone.own = \"a\"", ""),
    ("balance.zone.own = \"a\"", "balance.zone.endpoints_min = 9", ""),
    ("balance.zone.own = \"a\"", "balance.zone.callers = { a = \"50%\", b = \"50%\" }", ""),
    ("", "balance.subset.instance = \"i\"", ""),
    ("balance.subset.instance = \"i\"", "balance.subset.size = 21", ""),
    ("", "slow_start = \"off\"", ""),
    ("", "slow_start_bend = 2", ""),
    ("", "breaker.failure_rate = \"40%\"", ""),
    ("", "breaker.consecutive = 9", ""),
    ("", "breaker.slow_call = \"1s\"", ""),
    ("breaker.slow_call = \"1s\"", "breaker.slow_rate = \"70%\"", ""),
    ("", "breaker.window = \"20s\"", ""),
    ("", "breaker.window_calls = 50", ""),
    ("", "breaker.min_calls = 30", ""),
    ("", "breaker.open = \"6s\"", ""),
    ("", "breaker.growth = 3", ""),
    ("", "breaker.max_open = \"70s\"", ""),
    ("", "breaker.max_probes = 4", ""),
    ("", "breaker.success_threshold = 4", ""),
    ("", "breaker.max_half_open = \"31s\"", ""),
    ("", "breaker.ramp = \"9s\"", ""),
    ("", "breaker.abandoned = \"all\"", ""),
    ("", "breaker.mode = \"shadow\"", ""),
    ("", "endpoint_breaker = \"off\"", ""),
    ("", "ejection.consecutive = 6", ""),
    ("", "ejection.failure_share = \"60%\"", ""),
    ("", "ejection.deviation = \"20%\"", ""),
    ("", "ejection.min_requests = 60", ""),
    ("", "ejection.window = \"20s\"", ""),
    ("", "ejection.base = \"40s\"", ""),
    ("", "ejection.max = \"400s\"", ""),
    ("", "ejection.max_ejected = \"40%\"", ""),
    ("", "ejection.min_healthy = 2", ""),
    ("", "ejection.mode = \"shadow\"", ""),
    ("", "ejection.gateway = 4", ""),
    ("", "ejection.local_origin = 4", ""),
    ("", "ejection.failure_share_endpoints = 3", ""),
    ("", "ejection.mean.factor = 2", ""),
    ("", "ejection.mean.min_endpoints = 6", ""),
    ("", "ejection.mean.min_requests = 99", ""),
    ("", "ejection.latency.factor = 4", ""),
    ("", "ejection.latency.least = \"60ms\"", ""),
    ("", "ejection.latency.min_requests = 21", ""),
    ("", "ejection.latency = \"off\"", ""),
    ("", "ejection.odd.disagreements = 4", ""),
    ("", "ejection.odd.reads = 11", ""),
    ("", "ejection.cap = \"strict\"", ""),
    ("", "ejection.common = \"eject\"", ""),
    ("", "ejection.enforcement.consecutive = \"50%\"", ""),
    ("", "ejection.enforcement.gateway = \"0%\"", ""),
    ("", "ejection.enforcement.local_origin = \"50%\"", ""),
    ("", "ejection.enforcement.success_rate = \"50%\"", ""),
    ("", "ejection.enforcement.failure_share = \"50%\"", ""),
    ("", "ejection.enforcement.latency = \"50%\"", ""),
    ("", "ejection.enforcement.odd = \"50%\"", ""),
    ("", "bulkhead.permits = 10", ""),
    ("bulkhead.permits = 10", "bulkhead.queue = 5", ""),
    ("bulkhead.permits = 10", "bulkhead.max_wait = \"1s\"", ""),
    ("bulkhead.permits = 10", "bulkhead.order = \"codel\"", ""),
    ("", "rate_limit.rate = \"7/min\"", ""),
    ("rate_limit.rate = \"9/s\"", "rate_limit.algorithm = \"sliding-log\"", ""),
    ("rate_limit.rate = \"9/s\"", "rate_limit.burst = 3", ""),
    (WARM_UP, "rate_limit.warm_up = \"9s\"", ""),
    (WARM_UP, "rate_limit.cold_factor = 4", ""),
    ("rate_limit.rate = \"9/s\"", "rate_limit.adaptive.cut = \"60%\"", ""),
    ("rate_limit.rate = \"9/s\"", "rate_limit.adaptive.floor = \"20%\"", ""),
    ("rate_limit.rate = \"9/s\"", "rate_limit.adaptive.raise = \"6%\"", ""),
    ("rate_limit.rate = \"9/s\"", "rate_limit.mode = \"shadow\"", ""),
    ("", "shed.queue_wait = \"30ms\"", ""),
    ("", "shed.window = \"2s\"", ""),
    ("", "shed.window_calls = 9", ""),
    ("", "shed.shrink = \"90%\"", ""),
    ("", "shed.growth = \"2%\"", ""),
    ("", "shed.floor = \"6%\"", ""),
    ("", "shed.mode = \"shadow\"", ""),
    ("", "throttle.critical = 5", ""),
    ("", "throttle.high = 3.5", ""),
    ("", "throttle.normal = 2.5", ""),
    ("", "throttle.low = 1.2", ""),
    ("", "throttle.cap = \"80%\"", ""),
    ("", "throttle.min_requests = 9", ""),
    ("", "throttle.window = \"20s\"", ""),
    ("", "throttle.mode = \"shadow\"", ""),
    ("", "adaptive_limit.algorithm = \"vegas\"", ""),
    ("", "adaptive_limit.tolerance = \"200%\"", ""),
    ("adaptive_limit.algorithm = \"aimd\"", "adaptive_limit.backoff = \"80%\"", ""),
    ("adaptive_limit.algorithm = \"aimd\"", "adaptive_limit.timeout = \"4s\"", ""),
    ("", "adaptive_limit.initial = 30", ""),
    ("", "adaptive_limit.min = 5", ""),
    ("", "adaptive_limit.max = 900", ""),
    ("", "adaptive_limit.mode = \"shadow\"", ""),
    ("", "hold.calls = 7", ""),
    ("", "hold.bytes = \"1MiB\"", ""),
    ("", "hold.longest = \"3s\"", ""),
    ("", "hold.outage = \"30s\"", ""),
    ("hold.calls = 7", "hold.mode = \"shadow\"", ""),
    ("", "budget.ratio = \"10%\"", ""),
    ("", "budget.ceiling = \"40%\"", ""),
    ("", "budget.floor = \"1/s\"", ""),
    ("", "budget.window = \"5s\"", ""),
    ("", "adaptive_timeout.quantile = \"p95\"", ""),
    ("", "adaptive_timeout.factor = 3", ""),
    ("", "adaptive_timeout.floor = \"60ms\"", ""),
    ("", "adaptive_timeout.ceiling = \"2s\"", ""),
    ("", "adaptive_timeout.tighten = \"70%\"", ""),
    ("", "adaptive_timeout.refresh = \"6s\"", ""),
    ("", "adaptive_timeout.samples_min = 200", ""),
    ("", "adaptive_timeout.mode = \"shadow\"", ""),
    ("", "hedge.after = \"p90\"", ""),
    ("", "hedge.floor = \"2ms\"", ""),
    ("", "hedge.max_extra = 2", ""),
    ("", "hedge.share = \"6%\"", ""),
    ("", "hedge.window = \"9s\"", ""),
    ("", "hedge.samples_min = 50", ""),
    ("", "hedge.refresh = \"2s\"", ""),
    ("", "hedge.mode = \"shadow\"", ""),
    ("", "overrides = [{ status = 404, class = \"failure\" }]", ""),
    ("", "when_all_down = \"open\"", ""),
];

/// Where the explanation shows a key of the table above.
fn shown(&(_, key, path): &(&'static str, &'static str, &'static str)) -> &'static str {
    if path.is_empty() { key.split(" = ").next().unwrap() } else { path }
}

#[test]
fn every_key_is_explained_with_its_line_and_changes_the_hash() {
    for row @ (beside, key, _) in KEYS {
        let (path, line) = (shown(row), beside.lines().count().max(1) + 1);
        let (with, without) = (parse(&format!("{beside}\n{key}\n")), parse(beside));
        let settings = with.explain();
        let found = settings.iter().find(|setting| setting.path() == path);
        let found = found.unwrap_or_else(|| panic!("no setting {path}"));
        assert!(matches!(found.origin, Origin::File(place) if place.line == line), "{found:?}");
        assert_ne!(with.hash(), without.hash(), "{path}");
        let before = without.explain().into_iter().find(|setting| setting.path() == path);
        assert!(before.is_none_or(|before| before.value != found.value), "{path} is no change");
    }
}

#[test]
fn t181_every_setting_of_the_explanation_has_a_key() {
    let known: BTreeSet<&str> = KEYS.iter().map(shown).collect();
    for (beside, key, _) in KEYS {
        for setting in parse(&format!("{beside}\n{key}\n")).explain() {
            // The two breakers share their reader, so the keys of one stand for both; what is off
            // by default is shown as one word.
            let path = setting.path().replace("endpoint_breaker.", "breaker.");
            let off = setting.value == "off".into();
            assert!(known.contains(path.as_str()) || off, "{path} is set by no key");
            assert_ne!(setting.origin, Origin::Default(""), "{path}");
        }
    }
}
