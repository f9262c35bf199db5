//! L9: breakers that can never trip, or not in the time and by the failures that are meant.

use super::{Breaker, breakers};
use crate::lint::facts::Failing;
use crate::lint::finding::{Finding, Severity};
use crate::lint::rule::Rule;
use crate::lint::text::{number, rate, seconds, time};
use crate::lint::view::{Hour, Judged, Notes, View};
use crate::route::RouteConfig;
use crate::upstream::UpstreamConfig;
use seawall_core::breaker::WindowKind;
use seawall_core::odds;
use seawall_core::outcome::{Class, Observation, OptIns, classify_with};
use seawall_core::ratio::Ratio;
use seawall_core::time::Duration;

/// What a failing service answers unless the facts say otherwise.
const FAILURES: [Failing; 4] =
    [Failing::Status(500), Failing::Status(502), Failing::Status(503), Failing::Status(504)];

/// A breaker that can never trip, or not in the time and by the failures that are meant.
pub(in crate::lint::rules) fn l9_never_trips(view: &View<'_>, notes: &mut Notes) {
    let rule = Rule::numbered::<9>();
    for upstream in &view.config.upstreams {
        let about = format!("upstream {}", upstream.name);
        notes.findings.extend(uncounted(view, upstream));
        let before = notes.findings.len();
        for breaker in breakers(upstream) {
            notes.keep(rule, &about, too_few_calls(view, upstream, &breaker));
        }
        if notes.findings.len() == before {
            notes.keep(rule, &about, too_late(view, upstream));
        }
    }
}

/// Nothing that a failing service answers counts as a failure.
fn uncounted(view: &View<'_>, upstream: &UpstreamConfig) -> Option<Finding> {
    breakers(upstream).next()?;
    let said = &view.of_upstream(&upstream.name).fails_with;
    let failures = if said.is_empty() { &FAILURES[..] } else { said };
    let counts = |failing: &Failing| match *failing {
        Failing::Silence | Failing::Refused => true,
        Failing::Status(code) => {
            let seen = Observation::Status { code, retry_after: None, exhausted: false };
            classify_with(seen, OptIns::default(), &upstream.overrides).class == Class::Failure
        }
    };
    if failures.iter().any(counts) {
        return None;
    }
    let list: Vec<_> = failures.iter().map(Failing::to_string).collect();
    let list = list.join(", ");
    let formula = format!("the service fails with {list}, and none of them counts as a failure");
    let fix =
        format!("overrides with class = \"failure\" for {list} in [upstreams.{}]", upstream.name);
    let used = [view.on_upstream(upstream, "overrides")].into_iter().chain(
        (!said.is_empty()).then(|| view.fact_of_upstream(&upstream.name, "fails_with", list)),
    );
    let finding = Finding::new(Rule::numbered::<9>(), Severity::Error);
    let finding = finding.on_upstream(&upstream.name).uses(used).mend(fix);
    Some(finding.says(formula, "the breakers stay closed in the failure that they are there for"))
}

/// The window never holds as many calls as the rates are judged with, and nothing else trips.
fn too_few_calls(view: &View<'_>, upstream: &UpstreamConfig, breaker: &Breaker<'_>) -> Judged {
    let (key, settings) = (breaker.key, breaker.settings);
    let (WindowKind::Time(window), None) = (settings.window, settings.consecutive) else {
        return Ok(None);
    };
    let per_second = breaker.rate(view, &upstream.name, Hour::Peak)?;
    if breaker.judges(per_second) {
        return Ok(None);
    }
    let (least, held) = (settings.min_calls, per_second * window.as_secs_f64());
    let formula = format!(
        "{key}.min_calls {least} > {} × {} = {}",
        rate(per_second),
        time(window),
        number(held)
    );
    let consequence = "the window never holds enough calls to be judged: it never trips";
    let longer = seconds((f64::from(least) / per_second).ceil());
    let fix = format!(
        "{key} = {{ min_calls = {} }} or window = \"{longer}\" in [upstreams.{}]",
        number(held.floor().max(1.0)),
        upstream.name
    );
    let used = breaker.used(view, upstream, &["min_calls", "window"]);
    let finding = Finding::new(Rule::numbered::<9>(), Severity::Error);
    let finding = finding.on_upstream(&upstream.name).uses(used).mend(fix);
    let finding = finding.uses(view.rates_to(&upstream.name)).says(formula, consequence);
    let numbers =
        [("min_calls", f64::from(least)), ("rate", per_second), ("window_s", window.as_secs_f64())];
    Ok(Some(finding.numbers(&numbers)))
}

/// A failure of one route that is to be noticed.
struct Aim<'a> {
    route: &'a RouteConfig,
    /// The share of all calls to the upstream that fails.
    failing: Ratio,
    target: Option<Duration>,
}

/// No breaker trips within the target when the share fails that is to be noticed.
fn too_late(view: &View<'_>, upstream: &UpstreamConfig) -> Judged<Vec<Finding>> {
    let said = |route: &&RouteConfig| {
        let facts = view.of_route(route);
        facts.failure_rate.is_some() || facts.detect_within.is_some()
    };
    let mut late = Vec::new();
    let mut routes = view.routes_to(&upstream.name).peekable();
    let first = routes.peek().copied();
    let mut routes = routes.filter(said).peekable();
    if let (Some(first), None) = (first, routes.peek()) {
        return Err(view.needs_of_route(first, "detect_within"));
    }
    for route in routes {
        late.extend(late_for(view, upstream, &aim(view, route)?)?);
    }
    Ok(late)
}

/// What is said to fail of one route is less of the calls that all routes make.
fn aim<'a>(view: &View<'a>, route: &'a RouteConfig) -> Judged<Aim<'a>> {
    let facts = view.of_route(route);
    let failing = match facts.failure_rate {
        None => Ratio::ONE,
        Some(share) => {
            let rate = view.rate(route, Hour::Peak)?;
            let part = rate / view.rate_to(&route.upstream, Hour::Peak)?;
            Ratio::try_from(f64::from(share.ppm()) / 1e6 * part).unwrap_or(share)
        }
    };
    Ok(Aim { route, failing, target: facts.detect_within })
}

fn late_for(view: &View<'_>, upstream: &UpstreamConfig, aim: &Aim<'_>) -> Judged {
    let Aim { route, failing, target } = *aim;
    let mut best: Option<(f64, Breaker<'_>, f64)> = None;
    for breaker in breakers(upstream) {
        let per_second = breaker.rate(view, &upstream.name, Hour::Peak)?;
        let after = breaker.trips_after(per_second, failing);
        if best.as_ref().is_none_or(|(known, ..)| after < *known) {
            best = Some((after, breaker, per_second));
        }
    }
    let Some((after, breaker, per_second)) = best else { return Ok(None) };
    let limit = target.map_or(f64::INFINITY, |target| target.as_secs_f64());
    if after <= limit && after.is_finite() {
        return Ok(None);
    }
    let formula = late_formula(&breaker, (per_second, failing), (after, target.map(time)));
    let fix = format!("{} in [upstreams.{}]", in_time(&breaker, per_second, aim), upstream.name);
    let used = breaker.used(view, upstream, &["failure_rate", "consecutive", "window"]);
    let facts = [
        view.fact_of_route(route, "failure_rate", failing.to_string()),
        view.fact_of_route(route, "detect_within", target.map(time).unwrap_or_default()),
    ];
    let finding = Finding::new(Rule::numbered::<9>(), Severity::Error);
    let finding = finding.on_route(&route.name, &upstream.name).uses(used).uses(facts).mend(fix);
    let consequence = "the failure goes on, unnoticed by the breaker that is there for it";
    let numbers = [
        ("failure_rate", f64::from(failing.ppm()) / 1e6),
        ("rate", per_second),
        ("trips_s", after),
        ("target_s", limit),
    ];
    Ok(Some(finding.says(formula, consequence).numbers(&numbers)))
}

/// A breaker that trips when half of the failures have displaced good calls from a window as long
/// as the target. It judges half of the calls that are usual in it: they come by chance, and every
/// other window holds fewer than usual.
fn in_time(breaker: &Breaker<'_>, per_second: f64, aim: &Aim<'_>) -> String {
    let (limit, window) = (half(aim.failing), aim.target.unwrap_or(Duration::from_secs(10)));
    let held = (per_second * window.as_secs_f64() / 2.0).floor();
    let least = f64::from(breaker.settings.min_calls).min(held).max(1.0);
    format!(
        "{} = {{ failure_rate = \"{limit}\", window = \"{}\", min_calls = {least:.0} }}",
        breaker.key,
        time(window)
    )
}

/// Half of a share, as a limit that the share is sure to reach.
fn half(share: Ratio) -> Ratio {
    Ratio::from_ppm((share.ppm() / 2).max(1))
}

fn late_formula(
    breaker: &Breaker<'_>,
    (per_second, failing): (f64, Ratio),
    (after, target): (f64, Option<String>),
) -> String {
    let settings = breaker.settings;
    let target = target.map_or_else(String::new, |target| format!(" > {target}"));
    match (settings.consecutive, settings.failure_rate) {
        _ if after.is_finite() && settings.failure_rate.is_some_and(|limit| limit <= failing) => {
            format!("{} trips after {} at {failing} failures{target}", breaker.key, seconds(after))
        }
        (Some(row), _) => {
            let calls = odds::until_row(row, f64::from(failing.ppm()) / 1e6);
            let (calls, per_second) = (number(calls), rate(per_second));
            let after = seconds(after);
            format!(
                "{row} failures in a row at {failing} take {calls} calls ÷ {per_second} = \
                 {after}{target}"
            )
        }
        (None, Some(limit)) => {
            format!("{}.failure_rate {limit} > {failing}, the share that fails", breaker.key)
        }
        (None, None) => format!("{} does not look at failures", breaker.key),
    }
}
