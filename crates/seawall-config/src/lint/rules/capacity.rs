//! L21 and L22: more traffic let through than is left when a replica or a zone is lost.

use crate::lint::finding::{Finding, Severity};
use crate::lint::rule::Rule;
use crate::lint::text::{number, percent, rate};
use crate::lint::view::{Hour, Judged, Missing, Notes, View};
use crate::upstream::UpstreamConfig;
use seawall_core::Mode;
use seawall_core::rate::{Algorithm, Quota, WindowLimit};
use seawall_core::sizing;
use seawall_core::time::Duration;
use std::collections::BTreeMap;

/// Calls whose costs differ by more than this are not counted but weighed.
const COST_SPREAD_MAX: f64 = 10.0;

/// Workers beyond this make no difference to a wait, and would make the sum long.
const WORKERS_MAX: u32 = 100_000;

/// A rate limit above what is there when one replica is lost, or one that counts unlike calls.
pub(super) fn l21_limit(view: &View<'_>, notes: &mut Notes) {
    let rule = Rule::numbered::<21>();
    for upstream in &view.config.upstreams {
        let Some(limiter) = upstream.rate_limit else { continue };
        if limiter.mode != Mode::Enforce {
            continue;
        }
        let about = format!("upstream {}", upstream.name);
        notes.findings.extend(uneven(view, upstream));
        notes.keep(rule, &about, above(view, upstream, per_second(limiter.algorithm)));
    }
}

/// Calls a second that a limiter lets pass in the long run.
fn per_second(algorithm: Algorithm) -> f64 {
    match algorithm {
        Algorithm::Gcra(quota) | Algorithm::TokenBucket(quota) => of_quota(quota),
        Algorithm::WarmUp(settings) => of_quota(settings.quota),
        Algorithm::FixedWindow(limit)
        | Algorithm::SlidingCounter(limit)
        | Algorithm::SlidingLog(limit) => of_window(limit),
    }
}

fn of_quota(quota: Quota) -> f64 {
    let period = Duration::from_nanos(quota.rate.period()).as_secs_f64();
    // Counts have at most 48 bits, which two halves hold exactly.
    let (high, low) = (quota.rate.count() >> 32, quota.rate.count() & u64::from(u32::MAX));
    let half = |part: u64| u32::try_from(part).map_or(f64::INFINITY, f64::from);
    (half(high) * 4_294_967_296.0 + half(low)) / period.max(1e-9)
}

fn of_window(limit: WindowLimit) -> f64 {
    f64::from(limit.limit) / limit.window.as_secs_f64().max(1e-9)
}

fn above(view: &View<'_>, upstream: &UpstreamConfig, limit: f64) -> Judged {
    let name = &upstream.name;
    let (capacity, replicas) = (view.capacity(name)?, view.replicas(upstream));
    // The only replica cannot be spared, so there is nothing to keep in reserve.
    let left = replicas.saturating_sub(1).max(1);
    let used = f64::from(view.facts.utilisation_max.ppm()) / 1e6;
    let room = f64::from(left) * capacity * used;
    let let_through = limit * view.gateways();
    if let_through <= room {
        return Ok(None);
    }
    let gateways = match view.facts.gateways {
        0 | 1 => String::new(),
        more => format!("{more} gateways × "),
    };
    let formula = format!(
        "{gateways}{} > {left} × {} × {} = {}",
        rate(limit),
        rate(capacity),
        percent(used),
        rate(room)
    );
    let each = (room / view.gateways()).floor().max(1.0);
    let fix = format!("rate_limit = {{ rate = \"{}/s\" }} in [upstreams.{name}]", number(each));
    let facts = [
        view.on_upstream(upstream, "rate_limit.rate"),
        view.fact_of_upstream(name, "capacity", rate(capacity)),
        view.fact("assume.gateways", view.facts.gateways.to_string()),
    ];
    let finding = Finding::new(Rule::numbered::<21>(), Severity::Warning).on_upstream(name);
    let consequence = "at the limit the loss of one replica overloads the others";
    let numbers = [("limit", let_through), ("room", room), ("replicas", f64::from(replicas))];
    let finding = finding.uses(facts).mend(fix).says(formula, consequence);
    Ok(Some(finding.numbers(&numbers)))
}

fn uneven(view: &View<'_>, upstream: &UpstreamConfig) -> Option<Finding> {
    let name = &upstream.name;
    let spread = view.of_upstream(name).cost_spread.filter(|spread| *spread > COST_SPREAD_MAX)?;
    let formula = format!("dear calls cost {} × cheap ones > {COST_SPREAD_MAX}", number(spread));
    let facts = [
        view.on_upstream(upstream, "rate_limit.rate"),
        view.fact_of_upstream(name, "cost_spread", number(spread)),
    ];
    let finding = Finding::new(Rule::numbered::<21>(), Severity::Warning).on_upstream(name);
    let consequence = "calls are counted alike, and a few dear ones overload what many cheap ones \
                       do not";
    let fix =
        format!("an upstream of their own for dear calls, or adaptive_limit in [upstreams.{name}]");
    Some(
        finding
            .uses(facts)
            .mend(fix)
            .says(formula, consequence)
            .numbers(&[("cost_spread", spread)]),
    )
}

/// A zone whose loss leaves too little for the peak.
pub(super) fn l22_zone(view: &View<'_>, notes: &mut Notes) {
    for upstream in &view.config.upstreams {
        let about = format!("upstream {}", upstream.name);
        notes.keep(Rule::numbered::<22>(), &about, zone(view, upstream));
    }
}

fn zone(view: &View<'_>, upstream: &UpstreamConfig) -> Judged {
    let name = &upstream.name;
    let mut zones: BTreeMap<&str, u32> = BTreeMap::new();
    for zone in upstream.endpoints.iter().filter_map(|endpoint| endpoint.zone.as_deref()) {
        *zones.entry(zone).or_default() += 1;
    }
    let (Some(largest), true) = (zones.values().copied().max(), zones.len() > 1) else {
        let needs = format!("two zones among the endpoints: upstreams.{name}.endpoints");
        return Err(Missing(needs));
    };
    let endpoints = u32::try_from(upstream.endpoints.len()).unwrap_or(u32::MAX);
    let share_left = f64::from(endpoints.saturating_sub(largest)) / f64::from(endpoints.max(1));
    let (replicas, capacity) = (f64::from(view.replicas(upstream)), view.capacity(name)?);
    let per_second = view.rate_to(name, Hour::Peak)?;
    let used = f64::from(view.facts.utilisation_max.ppm()) / 1e6;
    let all = replicas * capacity;
    let left = all * share_left;
    if per_second <= left * used {
        return Ok(None);
    }
    let formula = format!(
        "{} > {} × {} × {} × {} = {}",
        rate(per_second),
        number(replicas),
        percent(share_left),
        rate(capacity),
        percent(used),
        rate(left * used)
    );
    let (before, after) = (per_second / all, per_second / left);
    let consequence = format!(
        "with one zone lost the others are busy to {} instead of {}{}",
        percent(after),
        percent(before),
        waits(view, name, after)
    );
    let needed = (per_second / (share_left * capacity * used)).ceil();
    let fix = format!("{} replicas of {name}, or shed in [upstreams.{name}]", number(needed));
    let facts = [
        view.on_upstream(upstream, "endpoints"),
        view.fact_of_upstream(name, "capacity", rate(capacity)),
    ];
    let finding = Finding::new(Rule::numbered::<22>(), Severity::Warning).on_upstream(name);
    let finding = finding.uses(facts).uses(view.rates_to(name)).mend(fix);
    let numbers = [
        ("rate", per_second),
        ("zones", zones.len().try_into().map_or(0.0, |zones: u32| f64::from(zones))),
        ("busy_before", before),
        ("busy_after", after),
    ];
    Ok(Some(finding.says(formula, consequence).numbers(&numbers)))
}

/// What that means for waits, where the workers of a replica are known.
fn waits(view: &View<'_>, upstream: &str, busy: f64) -> String {
    let Some(workers) = view.of_upstream(upstream).workers else { return String::new() };
    let workers = workers.clamp(1, WORKERS_MAX);
    let wait = sizing::wait(workers, busy * f64::from(workers));
    if wait.is_finite() {
        return format!(", and calls wait {} service times", number(wait));
    }
    ", and queues grow without end".to_owned()
}
