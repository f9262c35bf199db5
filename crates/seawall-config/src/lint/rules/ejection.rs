//! L15 to L17: ejection that ejects nobody, detection that comes too late, probes that are a load.

use crate::lint::finding::{Finding, Severity};
use crate::lint::rule::Rule;
use crate::lint::text::{number, percent, rate, rounded_down, seconds, time};
use crate::lint::view::{Hour, Judged, Notes, View};
use crate::upstream::{HealthCheckConfig, UpstreamConfig};
use seawall_core::Mode;
use seawall_core::outlier::{CapRule, OutlierSettings};
use seawall_core::ratio::Ratio;

/// The share of a replica's capacity that probes may take.
const PROBES_MAX: f64 = 0.01;

/// Above this share probes alone can tip a busy replica over.
const PROBES_ERROR: f64 = 0.05;

/// Ejection that can eject nobody, or whose ejections are undone.
pub(super) fn l15_inert(view: &View<'_>, notes: &mut Notes) {
    let all = view.config.upstreams.iter();
    for upstream in all.filter(|upstream| upstream.ejection.mode == Mode::Enforce) {
        let found = inert(view, upstream).or_else(|| undone(view, upstream));
        notes.findings.extend(found);
    }
}

fn inert(view: &View<'_>, upstream: &UpstreamConfig) -> Option<Finding> {
    let (ejection, name) = (&upstream.ejection, &upstream.name);
    let endpoints = u32::try_from(upstream.endpoints.len()).unwrap_or(u32::MAX);
    // One endpoint with the default of ejection is no mistake: nobody has asked for it.
    let asked_for = view.config.origins.contains_key(&format!("upstreams.{name}.ejection"));
    if endpoints == 1 && !asked_for {
        return None;
    }
    let cap = cap(ejection, endpoints);
    let stay = ejection.min_healthy;
    let (share, left) = (ejection.max_ejected, endpoints.saturating_sub(cap));
    if cap >= 1 && left >= stay {
        return None;
    }
    let floor = format!("⌊{share} × {endpoints}⌋ = {}", whole(share, endpoints));
    let (formula, consequence, fix) = match (endpoints, cap) {
        (1, _) => (
            "1 endpoint − 1 = 0, and the last endpoint stays".to_owned(),
            "there is nobody else to send to: a sick endpoint is never ejected",
            format!("a second endpoint, or ejection = \"off\", in [upstreams.{name}]"),
        ),
        (_, 0) => (
            format!("{floor} < 1"),
            "nobody is ever ejected: a sick endpoint keeps its share of the calls",
            format!("ejection = {{ cap = \"at_least_one\" }} in [upstreams.{name}]"),
        ),
        _ => (
            format!("{endpoints} − {cap} = {left} < {stay}, and {stay} must stay (min_healthy)"),
            "fewer are ejected than max_ejected promises, or nobody at all",
            format!(
                "ejection = {{ min_healthy = {} }} in [upstreams.{name}]",
                left.clamp(1, endpoints.saturating_sub(1).max(1))
            ),
        ),
    };
    let never = cap == 0 || endpoints <= stay;
    let severity = if never { Severity::Error } else { Severity::Warning };
    let keys = ["ejection.max_ejected", "ejection.cap", "ejection.min_healthy", "endpoints"];
    let finding = Finding::new(Rule::numbered::<15>(), severity).on_upstream(name).mend(fix);
    let finding = finding.uses(keys.map(|key| view.on_upstream(upstream, key)));
    let numbers = [("endpoints", f64::from(endpoints)), ("ejectable", f64::from(cap))];
    Some(finding.says(formula, consequence).numbers(&numbers))
}

/// Endpoints that may be out at once, before the healthy ones are counted.
fn cap(ejection: &OutlierSettings, endpoints: u32) -> u32 {
    let whole = whole(ejection.max_ejected, endpoints);
    match ejection.cap {
        CapRule::AtLeastOne => whole.max(1),
        CapRule::Strict => whole,
    }
}

fn whole(share: Ratio, endpoints: u32) -> u32 {
    u32::try_from(share.of(endpoints.into())).unwrap_or(u32::MAX)
}

/// Panic brings ejected endpoints back.
fn undone(view: &View<'_>, upstream: &UpstreamConfig) -> Option<Finding> {
    let (panic, name) = (upstream.balance.panic_threshold, &upstream.name);
    let endpoints = u32::try_from(upstream.endpoints.len()).unwrap_or(u32::MAX);
    let reaches = |left: u32| panic.is_reached_by(left.into(), endpoints.into());
    let out = (1..=cap(&upstream.ejection, endpoints)).find(|out| !reaches(endpoints - out))?;
    let left = endpoints.saturating_sub(out);
    let of = f64::from(left) / f64::from(endpoints);
    let formula =
        format!("({endpoints} − {out}) ÷ {endpoints} = {} < panic threshold {panic}", percent(of));
    let severity = if out == 1 { Severity::Error } else { Severity::Warning };
    let fix = format!("balance = {{ panic_threshold = \"0%\" }} in [upstreams.{name}]");
    let keys = ["balance.panic_threshold", "ejection.max_ejected", "endpoints"];
    let finding = Finding::new(Rule::numbered::<15>(), severity).on_upstream(name).mend(fix);
    let finding = finding.uses(keys.map(|key| view.on_upstream(upstream, key)));
    let consequence = format!("with {out} out, all are tried again, the ejected among them");
    Some(finding.says(formula, consequence).numbers(&[("endpoints", f64::from(endpoints))]))
}

/// Detection slower than the target, or probes that overlap.
pub(super) fn l16_slow(view: &View<'_>, notes: &mut Notes) {
    for upstream in &view.config.upstreams {
        let about = format!("upstream {}", upstream.name);
        notes.findings.extend(overlapping(view, upstream));
        notes.keep(Rule::numbered::<16>(), &about, slow(view, upstream));
    }
}

fn overlapping(view: &View<'_>, upstream: &UpstreamConfig) -> Option<Finding> {
    let check = upstream.health_check.as_ref()?;
    let keys = ["health_check.timeout", "health_check.every"];
    let used = keys.map(|key| view.on_upstream(upstream, key));
    // The default is cut to the interval; only a timeout that was asked for is a slip.
    let asked_for = used.iter().take(1).any(|used| used.place.is_some());
    if check.timeout < check.every || !asked_for {
        return None;
    }
    let (timeout, every) = (time(check.timeout), time(check.every));
    let formula = format!("health_check.timeout {timeout} ≥ every {every}");
    let fix = format!(
        "health_check = {{ timeout = \"{}\" }} in [upstreams.{}]",
        time(check.every / 2),
        upstream.name
    );
    let finding = Finding::new(Rule::numbered::<16>(), Severity::Warning);
    let finding = finding.on_upstream(&upstream.name).mend(fix).uses(used);
    let consequence = "a frozen endpoint is probed again before the last probe has ended";
    Some(finding.says(formula, consequence).numbers(&[("every_s", check.every.as_secs_f64())]))
}

fn slow(view: &View<'_>, upstream: &UpstreamConfig) -> Judged {
    let name = &upstream.name;
    let wanted =
        view.routes_to(name).filter_map(|route| Some((view.of_route(route).detect_within?, route)));
    let Some((target, route)) = wanted.min_by_key(|(target, _)| *target) else {
        let first = view.routes_to(name).next();
        return first.map_or(Ok(None), |route| Err(view.needs_of_route(route, "detect_within")));
    };
    let active = upstream.health_check.as_ref().map(active);
    if active.as_ref().is_some_and(|(after, _)| *after <= target.as_secs_f64()) {
        return Ok(None);
    }
    let passive = passive(view, upstream)?;
    let ways = [active, passive].into_iter().flatten();
    let Some((after, how)) = ways.min_by(|one, other| one.0.total_cmp(&other.0)) else {
        return Ok(Some(blind(view, upstream)));
    };
    if after <= target.as_secs_f64() {
        return Ok(None);
    }
    let formula = format!("{how} = {} > {}", seconds(after), time(target));
    let fix = format!(
        "health_check = {{ every = \"{}\", fall = 2 }} in [upstreams.{name}], and ejection on",
        time(rounded_down(target / 4))
    );
    let keys = ["ejection.consecutive", "health_check.every", "health_check.fall"];
    let finding = Finding::new(Rule::numbered::<16>(), Severity::Warning);
    let finding = finding.on_route(&route.name, name).mend(fix);
    let finding = finding.uses(keys.map(|key| view.on_upstream(upstream, key)));
    let finding = finding.uses([view.fact_of_route(route, "detect_within", time(target))]);
    let consequence = "a dead endpoint gets its share of the calls for longer than is acceptable";
    let numbers = [("detected_s", after), ("target_s", target.as_secs_f64())];
    Ok(Some(finding.says(formula, consequence).numbers(&numbers)))
}

/// Nothing looks at single endpoints at all.
fn blind(view: &View<'_>, upstream: &UpstreamConfig) -> Finding {
    let name = &upstream.name;
    let formula = "neither health checks nor ejection nor an endpoint breaker is on".to_owned();
    let keys = ["ejection", "health_check", "endpoint_breaker"];
    let finding = Finding::new(Rule::numbered::<16>(), Severity::Warning).on_upstream(name);
    let finding = finding.uses(keys.map(|key| view.on_upstream(upstream, key)));
    let fix = format!("remove ejection = \"off\" from [upstreams.{name}]");
    finding.mend(fix).says(formula, "a dead endpoint is never noticed")
}

/// Seconds until health checks notice, with the formula.
fn active(check: &HealthCheckConfig) -> (f64, String) {
    let (every, timeout) = (check.every, check.timeout);
    let after = every.saturating_mul(check.verdict.fall).saturating_add(timeout);
    let formula = format!("{} × {} + {}", time(every), check.verdict.fall, time(timeout));
    (after.as_secs_f64(), formula)
}

/// Seconds until failures in a row of one endpoint are noticed, with the formula; `None` where
/// nothing looks at them.
fn passive(view: &View<'_>, upstream: &UpstreamConfig) -> Judged<Option<(f64, String)>> {
    let on = |mode: Mode, row: Option<u32>| row.filter(|_| mode == Mode::Enforce);
    let ejection = on(upstream.ejection.mode, upstream.ejection.consecutive);
    let breaker = on(upstream.endpoint_breaker.mode, upstream.endpoint_breaker.consecutive);
    let Some(row) = ejection.into_iter().chain(breaker).min() else { return Ok(None) };
    let endpoints = u32::try_from(upstream.endpoints.len()).unwrap_or(u32::MAX);
    let per_second = view.rate_to(&upstream.name, Hour::Peak)? / view.gateways();
    let after = f64::from(row) * f64::from(endpoints) / per_second;
    Ok(Some((after, format!("{row} × {endpoints} ÷ {}", rate(per_second)))))
}

/// Probes that are a load of their own.
pub(super) fn l17_probes(view: &View<'_>, notes: &mut Notes) {
    for upstream in &view.config.upstreams {
        let Some(check) = &upstream.health_check else { continue };
        let about = format!("upstream {}", upstream.name);
        notes.keep(Rule::numbered::<17>(), &about, probes(view, upstream, check));
    }
}

fn probes(view: &View<'_>, upstream: &UpstreamConfig, check: &HealthCheckConfig) -> Judged {
    let (name, capacity) = (&upstream.name, view.capacity(&upstream.name)?);
    let gateways = view.facts.gateways.max(1);
    let each = view.gateways() / check.every.as_secs_f64();
    let share = each / capacity;
    if share <= PROBES_MAX {
        return Ok(None);
    }
    let severity = if share > PROBES_ERROR { Severity::Error } else { Severity::Warning };
    let formula = format!(
        "{gateways} gateways ÷ {} = {} of {} = {} > {}",
        time(check.every),
        rate(each),
        rate(capacity),
        percent(share),
        percent(PROBES_MAX)
    );
    let longer = seconds((view.gateways() / (PROBES_MAX * capacity)).ceil());
    let fix = format!("health_check = {{ every = \"{longer}\" }} in [upstreams.{name}]");
    let used = [
        view.on_upstream(upstream, "health_check.every"),
        view.fact("assume.gateways", gateways.to_string()),
        view.fact_of_upstream(name, "capacity", number(capacity)),
    ];
    let finding = Finding::new(Rule::numbered::<17>(), severity).on_upstream(name).mend(fix);
    let consequence = format!("probes take {} of what a replica serves", percent(share));
    let numbers = [("probes", each), ("capacity", capacity)];
    Ok(Some(finding.uses(used).says(formula, consequence).numbers(&numbers)))
}
