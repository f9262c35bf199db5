//! The effective settings of breakers and of ejection.

use super::{Outline, word};
use crate::explain::SettingValue;
use crate::units::print_factor;
use crate::upstream::MODES;
use crate::upstream::breaker::ABANDONED;
use crate::upstream::ejection::{CAPS, COMMON};
use seawall_core::Mode;
use seawall_core::breaker::{BreakerSettings, CoolDown, WindowKind};
use seawall_core::outlier::{Enforcement, LatencyRule, MeanRule, OddRule, OutlierSettings};
use seawall_core::ratio::Ratio;

pub(super) fn breaker(out: &mut Outline<'_>, name: &str, settings: &BreakerSettings) {
    if settings.mode == Mode::Off {
        return out.put_off(name, "as given");
    }
    // Half of `attempt_timeout` stands in for a slow limit; it is explained where it is set.
    let BreakerSettings {
        consecutive,
        failure_rate,
        slow_calls,
        window,
        min_calls,
        cool_down: CoolDown { base, growth, max },
        max_probes,
        success_threshold,
        max_half_open,
        ramp,
        abandoned,
        attempt_timeout: _,
        mode,
    } = *settings;
    let mut put =
        |key: &str, value: SettingValue, why| out.put(&format!("{name}.{key}"), value, why);
    put("failure_rate", failure_rate.into(), "half of the calls failing is no chance");
    put("consecutive", consecutive.into(), "fast on one dead endpoint, chance on many");
    put("slow_call", slow_calls.map(|slow| slow.limit).into(), "needs a latency goal");
    if let Some(slow) = slow_calls {
        put("slow_rate", slow.rate.into(), "some calls are slow at any time");
    }
    match window {
        WindowKind::Time(time) => put("window", time.into(), "recent, yet enough calls"),
        WindowKind::Calls(calls) => put("window_calls", calls.into(), "as given"),
    }
    put("min_calls", min_calls.into(), "at 10% errors it trips 7 times in a million");
    put("open", base.into(), "a restart takes about as long");
    put("growth", print_factor(growth).into(), "long outages get fewer probes");
    put("max_open", max.into(), "recovery is noticed within a minute");
    put("max_probes", max_probes.into(), "a reviving service is not flooded");
    put("success_threshold", success_threshold.into(), "one lucky call is no recovery");
    put("max_half_open", max_half_open.into(), "no breaker stays undecided");
    put("ramp", ramp.into(), "load comes back by degrees");
    let abandoned = word(&ABANDONED, abandoned);
    put("abandoned", abandoned.into(), "a hung endpoint opens it, an impatient caller does not");
    put("mode", word(&MODES, mode).into(), "on from the start");
}

pub(super) fn ejection(out: &mut Outline<'_>, settings: &OutlierSettings) {
    if settings.mode == Mode::Off {
        return out.put_off("ejection", "as given");
    }
    let OutlierSettings {
        consecutive,
        gateway,
        local_origin,
        failure_share,
        failure_share_endpoints,
        deviation,
        mean,
        latency,
        odd,
        min_requests,
        window,
        base,
        max,
        max_ejected,
        cap,
        min_healthy,
        common,
        enforcement,
        mode,
    } = *settings;
    let mut put =
        |key: &str, value: SettingValue, why| out.put(&format!("ejection.{key}"), value, why);
    put("consecutive", consecutive.into(), "fast on a dead endpoint");
    put("gateway", gateway.into(), "sees less than consecutive");
    put("local_origin", local_origin.into(), "what our side saw counts like the rest");
    put("failure_share", failure_share.into(), "half of them failing is no chance");
    put("failure_share_endpoints", failure_share_endpoints.into(), "one alone can be judged");
    put("deviation", deviation.into(), "clearly worse than its peers");
    put("min_requests", min_requests.into(), "fewer say nothing about a rate");
    put("window", window.into(), "recent, yet enough requests");
    put("base", base.into(), "away for about as long again as it was ill");
    put("max", max.into(), "recovery is noticed within minutes");
    put("max_ejected", max_ejected.into(), "the rest must carry the load");
    put("cap", word(&CAPS, cap).into(), "a cap that lets nobody go is off");
    put("min_healthy", min_healthy.into(), "never the last endpoint");
    put("common", word(&COMMON, common).into(), "what all have is the breaker's business");
    put("mode", word(&MODES, mode).into(), "on from the start");
    rules(out, mean, latency, odd);
    shares(out, enforcement);
}

fn rules(
    out: &mut Outline<'_>,
    mean: Option<MeanRule>,
    latency: Option<LatencyRule>,
    odd: Option<OddRule>,
) {
    let mut put =
        |key: &str, value: SettingValue, why| out.put(&format!("ejection.{key}"), value, why);
    match mean {
        None => put("mean", "off".into(), "blind to several bad ones"),
        Some(MeanRule { factor, min_endpoints, min_requests }) => {
            put("mean.factor", print_factor(factor).into(), "as Envoy");
            put("mean.min_endpoints", min_endpoints.into(), "as Envoy");
            put("mean.min_requests", min_requests.into(), "as Envoy");
        }
    }
    match latency {
        None => put("latency", "off".into(), "as given"),
        Some(LatencyRule { factor, least, min_requests }) => {
            put("latency.factor", print_factor(factor).into(), "machines differ by less");
            put("latency.least", least.into(), "three times nothing is nothing");
            put("latency.min_requests", min_requests.into(), "fewer say nothing of a median");
        }
    }
    match odd {
        None => put("odd", "off".into(), "speaks only where answers are compared"),
        Some(OddRule { disagreements, reads }) => {
            put("odd.disagreements", disagreements.into(), "one may be a replica that lags");
            put("odd.reads", reads.into(), "recent, yet enough");
        }
    }
}

fn shares(out: &mut Outline<'_>, enforcement: Enforcement) {
    let Enforcement {
        consecutive,
        gateway,
        local_origin,
        success_rate,
        failure_share,
        latency,
        odd,
    } = enforcement;
    let mut put = |key: &str, share: Ratio| {
        out.put(&format!("ejection.enforcement.{key}"), share, "every verdict counts");
    };
    put("consecutive", consecutive);
    put("gateway", gateway);
    put("local_origin", local_origin);
    put("success_rate", success_rate);
    put("failure_share", failure_share);
    put("latency", latency);
    put("odd", odd);
}
