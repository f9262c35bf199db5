//! The effective settings of an upstream.
//!
//! Balancing, breakers and ejection have files of their own here.

use super::balance::balance;
use super::breaker::{breaker, ejection};
use super::overload::{adaptive_limit, endpoint_limit, rate_limit, shed, throttle};
use super::{Outline, count_or, word};
use crate::explain::SettingValue;
use crate::units::{print_factor, print_quantile, print_rate, print_size};
use crate::upstream::bulkhead::{BulkheadConfig, ORDER};
use crate::upstream::overrides::{CLASSES, RULES, rows};
use crate::upstream::place::Places;
use crate::upstream::pool::PROTOCOLS;
use crate::upstream::{
    EndpointConfig, HealthCheckConfig, HealthProbe, HoldConfig, MODES, PoolConfig, Protocol,
    UpstreamConfig, WHEN_ALL_DOWN,
};
use seawall_core::Mode;
use seawall_core::balance::EndpointInfo;
use seawall_core::budget::BudgetSettings;
use seawall_core::health::HealthSettings;
use seawall_core::hedge::{HedgeDelay, HedgeSettings};
use seawall_core::outcome::{Override, Row};
use seawall_core::timeout::AdaptiveSettings;

impl UpstreamConfig {
    pub(super) fn outline(&self, out: &mut Outline<'_>) {
        out.enter(&["upstreams", &self.name]);
        let endpoint = |e: &EndpointConfig| describe(&e.name, e.info, &self.places);
        let endpoints = self.endpoints.iter().map(endpoint).collect();
        out.put("endpoints", SettingValue::List(endpoints), "an upstream without any is refused");
        self.outline_mechanisms(out);
        health_check(out, self.health_check.as_ref());
        out.put("protocol", word(&PROTOCOLS, self.protocol), "every service speaks it");
        pool(out, &self.pool, self.protocol);
    }

    /// What a gateway and a program have in common.
    pub(super) fn outline_mechanisms(&self, out: &mut Outline<'_>) {
        // Every field is named, so that a new one cannot be forgotten here.
        let Self {
            name: _,
            endpoints: _,
            balance: balancing,
            breaker: whole,
            endpoint_breaker,
            ejection: ejected,
            bulkhead: compartment,
            rate_limit: rate,
            shed: shedding,
            throttle: throttling,
            adaptive_limit: limit,
            endpoint_limit: at_endpoints,
            budget: extra,
            adaptive_timeout,
            hedge: hedging,
            hold: holding,
            overrides,
            health_check: _,
            protocol: _,
            pool: _,
            when_all_down,
            places,
        } = self;
        balance(out, balancing, places);
        breaker(out, "breaker", whole);
        breaker(out, "endpoint_breaker", endpoint_breaker);
        ejection(out, ejected);
        bulkhead(out, compartment.as_ref());
        rate_limit(out, rate.as_ref());
        shed(out, shedding.as_ref());
        throttle(out, throttling.as_ref());
        adaptive_limit(out, limit.as_ref());
        endpoint_limit(out, at_endpoints.as_ref());
        budget(out, extra);
        adaptive(out, adaptive_timeout);
        hedge(out, hedging);
        hold(out, holding.as_ref());
        let moved = rows(overrides).map(describe_override).collect();
        out.put("overrides", SettingValue::List(moved), "the table fits most services");
        let when = word(&WHEN_ALL_DOWN, *when_all_down);
        out.put("when_all_down", when, "a wrong verdict on all is likelier than harm by trying");
    }
}

/// An endpoint with what is said of it beyond its name.
pub(super) fn describe(name: &str, info: EndpointInfo, places: &Places) -> String {
    let EndpointInfo { weight, zone, level } = info;
    let mut text = name.to_owned();
    if let Some(zone) = zone {
        text += &format!(" in zone {}", places.zone_name(zone));
    }
    if weight != EndpointInfo::default().weight {
        text += &format!(" of weight {weight}");
    }
    if level != EndpointInfo::default().level {
        text += &format!(" at level {level}");
    }
    text
}

fn describe_override(moved: &Override) -> String {
    let Override { row, class, retry } = *moved;
    let row = match row {
        Row::Status(code) => format!("status {code}"),
        Row::Grpc(code) => format!("gRPC {}", code.number()),
    };
    format!("{row}: {}, retry {}", word(&CLASSES, class), word(&RULES, retry))
}

fn budget(out: &mut Outline<'_>, settings: &BudgetSettings) {
    let BudgetSettings { ratio, ceiling: _, floor_per_second, window } = *settings;
    out.put("budget.ratio", ratio, "as the Gateway API's retry constraint");
    out.put("budget.ceiling", settings.most(), "what helped is not charged, up to here");
    let floor = print_rate(floor_per_second);
    out.put("budget.floor", floor, "retries still work with little traffic");
    out.put("budget.window", window, "as the Gateway API's retry constraint");
}

fn adaptive(out: &mut Outline<'_>, settings: &AdaptiveSettings) {
    let AdaptiveSettings { mode, quantile, factor, floor, ceiling, tighten, refresh, samples_min } =
        *settings;
    if mode == Mode::Off {
        let why = "a timeout that moves by itself is somebody's choice";
        return out.put_off("adaptive_timeout", why);
    }
    let mut put = |key: &str, value: SettingValue, why| {
        out.put(&format!("adaptive_timeout.{key}"), value, why)
    };
    put("quantile", print_quantile(quantile).into(), "nearly all answers fit");
    put("factor", print_factor(factor).into(), "room for what is slow today");
    put("floor", floor.into(), "a collection of garbage or a lost packet");
    put("ceiling", ceiling.into(), "the longest attempt timeout that leads here");
    put("tighten", tighten.into(), "a minute from the ceiling to a fifteenth of it");
    put("refresh", refresh.into(), "notices a slowdown within seconds");
    put("samples_min", samples_min.into(), "the fewest of which one is the slowest hundredth");
    put("mode", word(&MODES, mode).into(), "as given with the table");
}

fn hedge(out: &mut Outline<'_>, settings: &HedgeSettings) {
    let HedgeSettings { mode, delay, max_extra, share, window, samples_min, refresh } = *settings;
    if mode == Mode::Off {
        return out.put_off("hedge", "only who knows the upstream can say that it has room");
    }
    let mut put =
        |key: &str, value: SettingValue, why| out.put(&format!("hedge.{key}"), value, why);
    match delay {
        HedgeDelay::Fixed(delay) => put("after", delay.into(), "as given"),
        HedgeDelay::Quantile { share, floor } => {
            put(
                "after",
                print_quantile(share).into(),
                "few are slower, and most of them by bad luck",
            );
            put("floor", floor.into(), "below it a hedge costs more than the wait");
            put("samples_min", samples_min.into(), "fewer say nothing about a quantile");
            put("refresh", refresh.into(), "recent, and cheap");
        }
    }
    put(
        "max_extra",
        max_extra.into(),
        "the first brings nearly all; another where two endpoints stop together",
    );
    put("share", share.into(), "what it may cost when everything is slow");
    put("window", window.into(), "that of the budget");
    put("mode", word(&MODES, mode).into(), "requests that change nothing may be sent twice");
}

fn hold(out: &mut Outline<'_>, config: Option<&HoldConfig>) {
    let Some(config) = config else {
        return out.put_off("hold", "a program must be ready to wait");
    };
    let HoldConfig { calls, bytes, longest, outage, mode } = *config;
    out.put("hold.calls", count_or(calls, "derived"), "twice the permits, as may wait for one");
    out.put("hold.bytes", print_size(bytes), "a quarter of what all replay buffers hold");
    out.put("hold.longest", longest, "the default total; a process restarts in less");
    out.put("hold.outage", outage, "what takes longer needs somebody");
    out.put("hold.mode", word(&MODES, mode), "waiting a little is better than failing");
}

fn pool(out: &mut Outline<'_>, pool: &PoolConfig, protocol: Protocol) {
    let PoolConfig { connections, idle_max, streams, idle, connect } = *pool;
    match protocol {
        Protocol::Http1 => {
            out.put("pool.connections", connections, "above what one endpoint serves");
            out.put("pool.idle_max", idle_max, "enough for bursts, few to keep alive");
        }
        Protocol::H2c => {
            out.put("pool.connections", connections, "each carries up to pool.streams attempts");
            out.put("pool.streams", streams, "what RFC 9113 asks of servers to allow");
        }
    }
    out.put("pool.idle", idle, "below the 5s after which many servers close");
    out.put("pool.connect", connect, "one lost packet is sent again within it");
}

fn bulkhead(out: &mut Outline<'_>, config: Option<&BulkheadConfig>) {
    let Some(config) = config else { return out.put_off("bulkhead", "as given") };
    let BulkheadConfig { permits, queue, max_wait, order } = *config;
    let derived = |count| count_or(count, "derived");
    out.put("bulkhead.permits", derived(permits), "half of the open files, at most 10000");
    out.put("bulkhead.queue", derived(queue), "twice the permits");
    out.put("bulkhead.max_wait", max_wait, "who waits longer is better off elsewhere");
    out.put("bulkhead.order", word(&ORDER, order), "what matters most goes first, else fair");
}

fn health_check(out: &mut Outline<'_>, config: Option<&HealthCheckConfig>) {
    let Some(config) = config else {
        return out.put("health_check", "off", "real attempts tell more, and no path is known");
    };
    let HealthCheckConfig { probe, every, timeout, verdict } = config;
    match probe {
        HealthProbe::Tcp => out.put("health_check.tcp", SettingValue::Flag(true), "as given"),
        HealthProbe::Http { path, expect } => {
            out.put("health_check.path", path.as_str(), "as given");
            out.put("health_check.expect", expect.to_string(), "success by RFC 9110");
        }
    }
    let HealthSettings { rise, fall, .. } = *verdict;
    out.put("health_check.every", *every, "cheap, and noticed within seconds");
    out.put("health_check.timeout", *timeout, "a check is small");
    out.put("health_check.rise", rise, "one pass may be luck");
    out.put("health_check.fall", fall, "one failure may be chance");
}
