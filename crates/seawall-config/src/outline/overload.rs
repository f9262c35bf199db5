//! The effective settings of rate limit, adaptive limit, shedding and throttle.

use super::{Outline, word};
use crate::explain::SettingValue;
use crate::units::{print_factor, print_quota};
use crate::upstream::overload::limit_word;
use crate::upstream::{MODES, rate};
use seawall_core::Mode;
use seawall_core::concurrency::{Algorithm, LimitSettings};
use seawall_core::rate::{
    AdaptiveSettings, Algorithm as Rule, LimiterSettings, Quota, WarmUpSettings, WindowLimit,
};
use seawall_core::shed::ShedSettings;
use seawall_core::throttle::ThrottleSettings;
use seawall_core::time::Duration;

pub(super) fn rate_limit(out: &mut Outline<'_>, settings: Option<&LimiterSettings>) {
    let Some(LimiterSettings { algorithm, adaptive, mode }) = settings.copied() else {
        return out.put_off("rate_limit", "only who runs the service knows its rate");
    };
    if mode == Mode::Off {
        return out.put_off("rate_limit", "as given");
    }
    out.put("rate_limit.algorithm", rate::word(algorithm), "exact, in one instant of state");
    match algorithm {
        Rule::Gcra(quota) | Rule::TokenBucket(quota) => of_quota(out, quota),
        Rule::WarmUp(WarmUpSettings { quota, period, cold_factor }) => {
            of_quota(out, quota);
            out.put("rate_limit.warm_up", period, "caches and pools fill within it");
            out.put("rate_limit.cold_factor", cold_factor, "as in Guava and Sentinel");
        }
        Rule::FixedWindow(limit) | Rule::SlidingCounter(limit) | Rule::SlidingLog(limit) => {
            let WindowLimit { limit, window } = limit;
            out.put("rate_limit.rate", print_quota(limit.into(), window), "as given");
        }
    }
    match adaptive {
        None => out.put("rate_limit.adaptive", "off", "the rate is what was agreed"),
        Some(AdaptiveSettings { cut, floor, raise }) => {
            out.put("rate_limit.adaptive.cut", cut, "down fast, as congestion control");
            out.put("rate_limit.adaptive.floor", floor, "some calls must learn of recovery");
            out.put("rate_limit.adaptive.raise", raise, "up slowly, as congestion control");
        }
    }
    out.put("rate_limit.mode", word(&MODES, mode), "as given with the table");
}

fn of_quota(out: &mut Outline<'_>, Quota { rate, burst }: Quota) {
    let period = Duration::from_nanos(rate.period());
    out.put("rate_limit.rate", print_quota(rate.count(), period), "as given");
    out.put("rate_limit.burst", burst, "what the rate emits in a second");
}

pub(super) fn adaptive_limit(out: &mut Outline<'_>, settings: Option<&LimitSettings>) {
    let Some(LimitSettings { mode, algorithm, initial, min, max }) = settings.copied() else {
        return out.put_off("adaptive_limit", "permits are fixed unless somebody asks");
    };
    if mode == Mode::Off {
        return out.put_off("adaptive_limit", "as given");
    }
    out.put("adaptive_limit.algorithm", limit_word(algorithm), "the one that does not drift");
    match algorithm {
        Algorithm::Steady { tolerance } | Algorithm::Knee { tolerance } => {
            let why = "healthy latencies seldom spread wider";
            out.put("adaptive_limit.tolerance", tolerance, why);
        }
        Algorithm::Aimd { backoff, timeout } => {
            out.put("adaptive_limit.backoff", backoff, "as Netflix has it");
            out.put("adaptive_limit.timeout", timeout, "as Netflix has it");
        }
        Algorithm::Vegas | Algorithm::Gradient2 | Algorithm::Envoy => {}
    }
    out.put("adaptive_limit.initial", initial, "not felt by a quiet service, soon doubled");
    out.put("adaptive_limit.min", min, "fewer give too few samples to learn of recovery");
    out.put("adaptive_limit.max", max, "what threads and open files allow");
    out.put("adaptive_limit.mode", word(&MODES, mode), "as given with the table");
}

pub(super) fn endpoint_limit(out: &mut Outline<'_>, settings: Option<&LimitSettings>) {
    let Some(LimitSettings { mode, algorithm, min, max, .. }) = settings.copied() else {
        return out.put_off("endpoint_limit", "calls may wait for places that nobody uses");
    };
    if mode == Mode::Off {
        return out.put_off("endpoint_limit", "as given");
    }
    if let Algorithm::Knee { tolerance } = algorithm {
        out.put("endpoint_limit.tolerance", tolerance, "healthy latencies seldom spread wider");
    }
    out.put("endpoint_limit.min", min, "a service of one worker has its next at hand");
    out.put("endpoint_limit.max", max, "only latency bounds it");
    out.put("endpoint_limit.mode", word(&MODES, mode), "as given with the table");
}

pub(super) fn shed(out: &mut Outline<'_>, settings: Option<&ShedSettings>) {
    let why = "it needs calls that differ in importance";
    let Some(settings) = settings else { return out.put_off("shed", why) };
    let ShedSettings { mode, queue_wait, window, window_calls, shrink, growth, floor } = *settings;
    if mode == Mode::Off {
        return out.put_off("shed", "as given");
    }
    out.put("shed.queue_wait", queue_wait, "above what bursts cause, below any timeout");
    out.put("shed.window", window, "as DAGOR");
    out.put("shed.window_calls", window_calls, "a busy service learns sooner");
    out.put("shed.shrink", shrink, "as DAGOR");
    out.put("shed.growth", growth, "slower than it shrinks, or it would swing");
    out.put("shed.floor", floor, "recovery stays observable");
    out.put("shed.mode", word(&MODES, mode), "as given with the table");
}

pub(super) fn throttle(out: &mut Outline<'_>, settings: Option<&ThrottleSettings>) {
    let why = "it suits services that refuse what they cannot do";
    let Some(settings) = settings else { return out.put_off("throttle", why) };
    let ThrottleSettings { critical, high, normal, low, cap, min_requests, window, mode } =
        *settings;
    if mode == Mode::Off {
        return out.put_off("throttle", "as given");
    }
    let mut put =
        |key: &str, value: SettingValue, why| out.put(&format!("throttle.{key}"), value, why);
    put("critical", print_factor(critical).into(), "throttled when three in four are refused");
    put("high", print_factor(high).into(), "between its neighbours");
    put("normal", print_factor(normal).into(), "as the SRE book; one attempt in two is in vain");
    put("low", print_factor(low).into(), "hardly more than is accepted");
    put("cap", cap.into(), "some attempts must learn of recovery");
    put("min_requests", min_requests.into(), "fewer prove nothing");
    put("window", window.into(), "the time to recover");
    put("mode", word(&MODES, mode).into(), "as given with the table");
}
