//! The effective settings of breakers and of ejection.

use super::{Outline, word};
use crate::explain::SettingValue;
use crate::units::print_factor;
use crate::upstream::MODES;
use crate::upstream::breaker::ABANDONED;
use seawall_core::Mode;
use seawall_core::breaker::{BreakerSettings, CoolDown, WindowKind};
use seawall_core::outlier::OutlierSettings;

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
        failure_share,
        deviation,
        min_requests,
        window,
        base,
        max,
        max_ejected,
        min_healthy,
        mode,
    } = *settings;
    out.put("ejection.consecutive", consecutive, "fast on a dead endpoint");
    out.put("ejection.failure_share", failure_share, "half of them failing is no chance");
    out.put("ejection.deviation", deviation, "clearly worse than its peers");
    out.put("ejection.min_requests", min_requests, "fewer say nothing about a rate");
    out.put("ejection.window", window, "recent, yet enough requests");
    out.put("ejection.base", base, "time for a restart");
    out.put("ejection.max", max, "recovery is noticed within minutes");
    out.put("ejection.max_ejected", max_ejected, "the rest must carry the load");
    out.put("ejection.min_healthy", min_healthy, "never the last endpoint");
    out.put("ejection.mode", word(&MODES, mode), "on from the start");
}
