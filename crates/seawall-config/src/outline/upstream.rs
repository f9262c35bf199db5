//! The effective settings of an upstream.

use super::{Outline, count_or, word};
use crate::explain::SettingValue;
use crate::units::{print_factor, print_rate};
use crate::upstream::breaker::ABANDONED;
use crate::upstream::bulkhead::{BulkheadConfig, ORDER};
use crate::upstream::{
    BALANCE, EndpointConfig, HealthCheckConfig, HealthProbe, MODES, UpstreamConfig, WHEN_ALL_DOWN,
};
use seawall_core::Mode;
use seawall_core::breaker::{BreakerSettings, WindowKind};
use seawall_core::outlier::OutlierSettings;

impl UpstreamConfig {
    pub(super) fn outline(&self, out: &mut Outline<'_>) {
        out.enter(&["upstreams", &self.name]);
        let endpoint = |e: &EndpointConfig| match &e.zone {
            Some(zone) => format!("{} in zone {zone}", e.name),
            None => e.name.clone(),
        };
        let endpoints = self.endpoints.iter().map(endpoint).collect();
        out.put("endpoints", SettingValue::List(endpoints), "an upstream without any is refused");
        let balance = word(&BALANCE, self.balance.algorithm);
        out.put("balance", balance, "leaves a slow endpoint within one answer");
        out.put("slow_start", self.balance.slow_start, "a cold endpoint warms up first");
        breaker(out, "breaker", &self.breaker);
        breaker(out, "endpoint_breaker", &self.endpoint_breaker);
        ejection(out, &self.ejection);
        bulkhead(out, self.bulkhead.as_ref());
        out.put("budget.ratio", self.budget.ratio, "as the Gateway API's retry constraint");
        let floor = print_rate(self.budget.floor_per_second);
        out.put("budget.floor", floor, "retries still work with little traffic");
        out.put("budget.window", self.budget.window, "as the Gateway API's retry constraint");
        health_check(out, self.health_check.as_ref());
        out.put("pool.connections", self.pool.connections, "above what one endpoint serves");
        out.put("pool.idle_max", self.pool.idle_max, "enough for bursts, few to keep alive");
        out.put("pool.idle", self.pool.idle, "below the 5s after which many servers close");
        out.put("pool.connect", self.pool.connect, "one lost packet is sent again within it");
        let when = word(&WHEN_ALL_DOWN, self.when_all_down);
        out.put("when_all_down", when, "a wrong verdict on all is likelier than harm by trying");
    }
}

fn breaker(out: &mut Outline<'_>, name: &str, settings: &BreakerSettings) {
    if settings.mode == Mode::Off {
        return out.put_off(name);
    }
    let mut put =
        |key: &str, value: SettingValue, why| out.put(&format!("{name}.{key}"), value, why);
    put("failure_rate", settings.failure_rate.into(), "half of the calls failing is no chance");
    put("consecutive", settings.consecutive.into(), "fast on one dead endpoint, chance on many");
    put("slow_call", settings.slow_calls.map(|slow| slow.limit).into(), "needs a latency goal");
    if let Some(slow) = settings.slow_calls {
        put("slow_rate", slow.rate.into(), "some calls are slow at any time");
    }
    match settings.window {
        WindowKind::Time(time) => put("window", time.into(), "recent, yet enough calls"),
        WindowKind::Calls(calls) => put("window_calls", calls.into(), "as given"),
    }
    put("min_calls", settings.min_calls.into(), "at 10% errors it trips 7 times in a million");
    put("open", settings.cool_down.base.into(), "a restart takes about as long");
    put("growth", print_factor(settings.cool_down.growth).into(), "long outages get fewer probes");
    put("max_open", settings.cool_down.max.into(), "recovery is noticed within a minute");
    put("max_probes", settings.max_probes.into(), "a reviving service is not flooded");
    put("success_threshold", settings.success_threshold.into(), "one lucky call is no recovery");
    put("max_half_open", settings.max_half_open.into(), "no breaker stays undecided");
    put("ramp", settings.ramp.into(), "load comes back by degrees");
    let abandoned = word(&ABANDONED, settings.abandoned);
    put("abandoned", abandoned.into(), "a hung endpoint opens it, an impatient caller does not");
    put("mode", word(&MODES, settings.mode).into(), "on from the start");
}

fn ejection(out: &mut Outline<'_>, settings: &OutlierSettings) {
    if settings.mode == Mode::Off {
        return out.put_off("ejection");
    }
    out.put("ejection.consecutive", settings.consecutive, "fast on a dead endpoint");
    out.put("ejection.failure_share", settings.failure_share, "half of them failing is no chance");
    out.put("ejection.deviation", settings.deviation, "clearly worse than its peers");
    out.put("ejection.min_requests", settings.min_requests, "fewer say nothing about a rate");
    out.put("ejection.window", settings.window, "recent, yet enough requests");
    out.put("ejection.base", settings.base, "time for a restart");
    out.put("ejection.max", settings.max, "recovery is noticed within minutes");
    out.put("ejection.max_ejected", settings.max_ejected, "the rest must carry the load");
    out.put("ejection.min_healthy", settings.min_healthy, "never the last endpoint");
    out.put("ejection.mode", word(&MODES, settings.mode), "on from the start");
}

fn bulkhead(out: &mut Outline<'_>, config: Option<&BulkheadConfig>) {
    let Some(config) = config else { return out.put_off("bulkhead") };
    let permits = count_or(config.permits, "derived");
    out.put("bulkhead.permits", permits, "half of the open files, at most 10000");
    out.put("bulkhead.queue", count_or(config.queue, "derived"), "twice the permits");
    out.put("bulkhead.max_wait", config.max_wait, "who waits longer is better off elsewhere");
    out.put("bulkhead.order", word(&ORDER, config.order), "fair while it is not overloaded");
}

fn health_check(out: &mut Outline<'_>, config: Option<&HealthCheckConfig>) {
    let Some(config) = config else {
        return out.put("health_check", "off", "real attempts tell more, and no path is known");
    };
    match &config.probe {
        HealthProbe::Tcp => out.put("health_check.tcp", SettingValue::Flag(true), "as given"),
        HealthProbe::Http { path, expect } => {
            out.put("health_check.path", path.as_str(), "as given");
            out.put("health_check.expect", expect.to_string(), "success by RFC 9110");
        }
    }
    out.put("health_check.every", config.every, "cheap, and noticed within seconds");
    out.put("health_check.timeout", config.timeout, "a check is small");
    out.put("health_check.rise", config.verdict.rise, "one pass may be luck");
    out.put("health_check.fall", config.verdict.fall, "one failure may be chance");
}
