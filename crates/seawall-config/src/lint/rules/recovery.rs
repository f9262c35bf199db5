//! L18, L24 and L25: what hurts when a replica comes back, a connection ages, or a gateway leaves.

use crate::lint::finding::{Finding, Severity};
use crate::lint::hop::Hop;
use crate::lint::rule::Rule;
use crate::lint::text::{rate, rounded_up, time};
use crate::lint::view::{Hour, Judged, Missing, Notes, View};
use crate::upstream::UpstreamConfig;
use seawall_core::Mode;
use seawall_core::time::Duration;

/// A recovering replica that gets more than it serves cold.
pub(super) fn l18_stampede(view: &View<'_>, notes: &mut Notes) {
    let rule = Rule::numbered::<18>();
    for upstream in &view.config.upstreams {
        let about = format!("upstream {}", upstream.name);
        notes.keep(rule, &about, many_probes(view, upstream));
        notes.keep(rule, &about, all_at_once(view, upstream));
    }
}

/// Probes of half-open breakers, from all gateways together.
fn many_probes(view: &View<'_>, upstream: &UpstreamConfig) -> Judged<Vec<Finding>> {
    let (name, gateways) = (&upstream.name, view.facts.gateways.max(1));
    let of_all = view.replicas(upstream);
    let breakers = [
        ("endpoint_breaker", &upstream.endpoint_breaker, 1),
        ("breaker", &upstream.breaker, of_all),
    ];
    let on = breakers.into_iter().filter(|(_, breaker, _)| breaker.mode == Mode::Enforce);
    let cold = view.of_upstream(name).cold_concurrency;
    let cold = cold.ok_or_else(|| view.needs_of_upstream(name, "cold_concurrency"))?;
    let judge = |(key, breaker, replicas): (&str, &seawall_core::breaker::BreakerSettings, u32)| {
        let probes = u64::from(gateways) * u64::from(breaker.max_probes);
        let served = u64::from(cold) * u64::from(replicas);
        if probes <= served {
            return None;
        }
        let each = u32::try_from(served / u64::from(gateways)).unwrap_or(u32::MAX).max(1);
        let formula = format!(
            "{gateways} gateways × {} probes = {probes} > {served} at once, what serves cold",
            breaker.max_probes
        );
        let fix = format!("{key} = {{ max_probes = {each} }} in [upstreams.{name}], or slow start");
        let used = [
            view.on_upstream(upstream, &format!("{key}.max_probes")),
            view.fact("assume.gateways", gateways.to_string()),
            view.fact_of_upstream(name, "cold_concurrency", cold.to_string()),
        ];
        let finding = Finding::new(Rule::numbered::<18>(), Severity::Warning).on_upstream(name);
        let consequence = "the probes that ask whether it is back knock it over again";
        let finding = finding.uses(used).mend(fix).says(formula, consequence);
        let numbers = [("gateways", view.gateways()), ("cold_concurrency", f64::from(cold))];
        Some(finding.numbers(&numbers))
    };
    Ok(on.filter_map(judge).collect())
}

/// The full share of the load for a replica that has just started.
fn all_at_once(view: &View<'_>, upstream: &UpstreamConfig) -> Judged {
    let name = &upstream.name;
    let keyed = upstream.balance.algorithm.is_keyed();
    if upstream.balance.slow_start.is_some() && !keyed {
        return Ok(None);
    }
    let cold = view.of_upstream(name).cold_capacity;
    let cold = cold.ok_or_else(|| view.needs_of_upstream(name, "cold_capacity"))?;
    let (per_second, replicas) = (view.rate_to(name, Hour::Peak)?, view.replicas(upstream));
    let each = per_second / f64::from(replicas);
    if each <= cold {
        return Ok(None);
    }
    let formula = format!(
        "{} ÷ {replicas} = {} > {}, what serves cold",
        rate(per_second),
        rate(each),
        rate(cold)
    );
    let fix = match keyed {
        true => format!("balance = \"peak-ewma\" in [upstreams.{name}]: keyed ones do not ramp"),
        false => format!("slow_start = \"30s\" in [upstreams.{name}]"),
    };
    let used = [
        view.on_upstream(upstream, "slow_start"),
        view.on_upstream(upstream, "balance.algorithm"),
        view.fact_of_upstream(name, "cold_capacity", rate(cold)),
    ];
    let finding = Finding::new(Rule::numbered::<18>(), Severity::Warning).on_upstream(name);
    let finding = finding.uses(used).uses(view.rates_to(name)).mend(fix);
    let consequence = "a replica that restarts is overloaded before it is warm, and restarts again";
    let numbers = [("rate", each), ("cold_capacity", cold)];
    Ok(Some(finding.says(formula, consequence).numbers(&numbers)))
}

/// Keep-alive race: a request meets a connection that the service closes just then.
pub(super) fn l24_keep_alive(view: &View<'_>, notes: &mut Notes) {
    for upstream in &view.config.upstreams {
        let about = format!("upstream {}", upstream.name);
        notes.keep(Rule::numbered::<24>(), &about, keep_alive(view, upstream));
    }
}

fn keep_alive(view: &View<'_>, upstream: &UpstreamConfig) -> Judged {
    let (name, ours, way) = (&upstream.name, upstream.pool.idle, view.facts.round_trip);
    let theirs = view.of_upstream(name).idle_timeout;
    let theirs = theirs.ok_or_else(|| view.needs_of_upstream(name, "idle_timeout"))?;
    let safe = theirs.saturating_sub(way);
    if ours < safe {
        return Ok(None);
    }
    let formula =
        format!("pool.idle {} ≥ {} − {} = {}", time(ours), time(theirs), time(way), time(safe));
    let shorter = time((safe * 4 / 5).max(Duration::from_millis(1)));
    let fix = format!("pool = {{ idle = \"{shorter}\" }} in [upstreams.{name}]");
    let used = [
        view.on_upstream(upstream, "pool.idle"),
        view.fact_of_upstream(name, "idle_timeout", time(theirs)),
    ];
    let finding = Finding::new(Rule::numbered::<24>(), Severity::Warning).on_upstream(name);
    let consequence = "requests go out on connections that the service is closing; those that are \
                       not idempotent fail";
    let numbers = [("idle_s", ours.as_secs_f64()), ("service_idle_s", theirs.as_secs_f64())];
    let finding = finding.uses(used).mend(fix).says(formula, consequence);
    Ok(Some(finding.numbers(&numbers)))
}

/// A drain that ends before the longest call.
pub(super) fn l25_drain(view: &View<'_>, notes: &mut Notes) {
    notes.keep(Rule::numbered::<25>(), "gateway", drain(view));
}

fn drain(view: &View<'_>) -> Judged {
    let routes = view.config.routes.iter();
    let longest = routes.map(|route| (Hop::of(&route.policy).longest(), route));
    let Some((longest, route)) = longest.max_by_key(|(longest, _)| *longest) else {
        return Ok(None);
    };
    let gateway = &view.config.gateway;
    let (time_left, lag) =
        (gateway.announce.saturating_add(gateway.drain), view.facts.deregistration);
    let needed = longest.saturating_add(lag.unwrap_or_default());
    if time_left >= needed {
        let key = "the time until nobody sends here any more: assume.deregistration";
        return lag.map_or_else(|| Err(Missing(key.to_owned())), |_| Ok(None));
    }
    let lag_text = lag.map_or_else(String::new, |lag| format!(" + {}", time(lag)));
    let formula = format!(
        "announce {} + drain {} < {}{lag_text} = {}",
        time(gateway.announce),
        time(gateway.drain),
        time(longest),
        time(needed)
    );
    let longer = time(rounded_up(needed.saturating_sub(gateway.announce)));
    let fix = format!("drain = \"{longer}\" in [gateway]");
    let used = [
        view.setting("gateway.announce"),
        view.setting("gateway.drain"),
        view.on_route(route, "timeouts.total"),
        view.fact("assume.deregistration", lag.map(time).unwrap_or_default()),
    ];
    let finding = Finding::new(Rule::numbered::<25>(), Severity::Warning).uses(used).mend(fix);
    let consequence = format!("calls of route {} are cut in every deploy", route.name);
    let numbers = [
        ("drain_s", gateway.drain.as_secs_f64()),
        ("announce_s", gateway.announce.as_secs_f64()),
        ("longest_s", longest.as_secs_f64()),
        ("deregistration_s", lag.unwrap_or_default().as_secs_f64()),
    ];
    Ok(Some(finding.says(formula, consequence).numbers(&numbers)))
}
