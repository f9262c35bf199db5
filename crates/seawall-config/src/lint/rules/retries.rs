//! L6 to L8: retries in step, retries at the same dead replica, retries of what is not idempotent.

use crate::lint::facts::Failing;
use crate::lint::finding::{Finding, Severity};
use crate::lint::hop::Hop;
use crate::lint::rule::Rule;
use crate::lint::text::{seconds, time};
use crate::lint::view::{Hour, Judged, Notes, View};
use crate::route::RouteConfig;
use crate::upstream::UpstreamConfig;
use seawall_core::Mode;
use seawall_core::backoff::Jitter;

/// Methods that may be repeated (RFC 9110 section 9.2.2). All others may not.
const IDEMPOTENT: [&str; 6] = ["GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"];

/// No jitter: callers that failed together come back together.
pub(super) fn l6_in_step(view: &View<'_>, notes: &mut Notes) {
    notes.findings.extend(view.config.routes.iter().filter_map(|route| in_step(view, route)));
}

fn in_step(view: &View<'_>, route: &RouteConfig) -> Option<Finding> {
    let retry = route.policy.retry.filter(|retry| retry.max_attempts > 1)?;
    let alone = view.of_route(route).clients == Some(1);
    let fixed = retry.backoff.jitter == Jitter::None || retry.backoff.cap.is_zero();
    if alone || !fixed {
        return None;
    }
    let waits = Hop::of(&route.policy).waits;
    let waits: Vec<_> = waits.iter().map(|wait| time(*wait)).collect();
    let formula = format!("every caller waits exactly {} before it tries again", waits.join(", "));
    let consequence = "callers that fail together come back together, and again; spread out, a \
                       hundred of them need 57% fewer calls";
    let fix = match retry.backoff.cap.is_zero() {
        true => {
            format!("retry = {{ base = \"50ms\" }} without backoff = \"none\" on {}", route.name)
        }
        false => format!("retry = {{ jitter = \"full\" }} on route {}", route.name),
    };
    let keys = ["retry.jitter", "retry.backoff", "retry.base", "retry.max_attempts"];
    let finding = Finding::new(Rule::numbered::<6>(), Severity::Warning);
    let finding = finding.on_route(&route.name, &route.upstream).mend(fix);
    let base = ("base_s", retry.backoff.base.as_secs_f64());
    let finding = finding.uses(keys.map(|key| view.on_route(route, key)));
    Some(finding.says(formula, consequence).numbers(&[base]))
}

/// Retries that end before a dead replica is ejected, where they may meet it again.
pub(super) fn l7_too_soon(view: &View<'_>, notes: &mut Notes) {
    for (route, upstream) in view.routes().filter(|(_, upstream)| meets_again(view, upstream)) {
        let judged = too_soon(view, route, upstream);
        notes.keep(Rule::numbered::<7>(), &format!("route {}", route.name), judged);
    }
}

/// Tried endpoints are left out of choice, unless an endpoint stands for several replicas.
fn meets_again(view: &View<'_>, upstream: &UpstreamConfig) -> bool {
    let hidden = upstream.endpoints.len() == 1 && view.replicas(upstream) > 1;
    view.of_upstream(&upstream.name).tried_again.unwrap_or(hidden)
}

fn too_soon(view: &View<'_>, route: &RouteConfig, upstream: &UpstreamConfig) -> Judged {
    let (hop, facts) = (Hop::of(&route.policy), view.of_upstream(&upstream.name));
    if hop.attempts < 2 {
        return Ok(None);
    }
    let ejected = match facts.eject_after {
        Some(given) => given.as_secs_f64(),
        None => ejected_after(view, upstream)?,
    };
    let hop = Hop { attempt: facts.fail_after.unwrap_or(hop.attempt).min(hop.attempt), ..hop };
    let tried = hop.longest().as_secs_f64();
    if tried >= ejected {
        return Ok(None);
    }
    let formula =
        format!("{} = {} < {}", hop.formula(hop.attempts), seconds(tried), seconds(ejected));
    let consequence = "attempts of one call may all meet the same dead replica, and end before \
                       it is out";
    let name = &upstream.name;
    let fix = format!(
        "list every replica in endpoints of [upstreams.{name}], so that a retry goes elsewhere"
    );
    let used = [
        view.on_upstream(upstream, "endpoints"),
        view.on_route(route, "retry.max_attempts"),
        view.fact_of_upstream(name, "eject_after", seconds(ejected)),
    ];
    let finding = Finding::new(Rule::numbered::<7>(), Severity::Error);
    let finding = finding.on_route(&route.name, name).uses(used).mend(fix);
    let numbers = [("retries_s", tried), ("ejected_s", ejected)];
    Ok(Some(finding.says(formula, consequence).numbers(&numbers)))
}

/// Seconds until a row of failures ejects a replica that gets its share of the calls.
fn ejected_after(view: &View<'_>, upstream: &UpstreamConfig) -> Judged<f64> {
    let ejection = upstream.ejection;
    let row = ejection.consecutive.filter(|_| ejection.mode == Mode::Enforce);
    let Some(row) = row else { return Ok(f64::INFINITY) };
    let each = view.rate_to(&upstream.name, Hour::Peak)? / view.gateways();
    Ok(f64::from(row) * f64::from(view.replicas(upstream)) / each)
}

/// Unsafe methods that callers send again after what may have reached the service. The gateway
/// itself repeats them only with a key or where they were provably never sent, and no config can
/// say otherwise.
pub(super) fn l8_unsafe(view: &View<'_>, notes: &mut Notes) {
    for route in &view.config.routes {
        let about = format!("route {}", route.name);
        notes.keep(Rule::numbered::<8>(), &about, repeated(view, route));
    }
}

/// A method of the route that must not be repeated.
pub(super) fn admits_unsafe(route: &RouteConfig) -> Option<&str> {
    if route.methods.is_empty() {
        return Some("POST");
    }
    let method = |method: &&String| !IDEMPOTENT.contains(&method.as_str());
    route.methods.iter().find(method).map(String::as_str)
}

fn repeated(view: &View<'_>, route: &RouteConfig) -> Judged {
    let facts = view.of_route(route);
    let Some(method) = admits_unsafe(route).filter(|_| !facts.keyed) else { return Ok(None) };
    if facts.callers_retry.is_empty() {
        return Err(view.needs_of_route(route, "callers_retry"));
    }
    let sent = facts.callers_retry.iter().filter(|failing| **failing != Failing::Refused);
    let list: Vec<_> = sent.map(Failing::to_string).collect();
    if list.is_empty() {
        return Ok(None);
    }
    let list = list.join(", ");
    let formula = format!("callers send {method} again after {list}, which may follow execution");
    let consequence = "what the first attempt did is done twice when only its answer was lost";
    let fix = format!(
        "callers that send {method} with an Idempotency-Key, or try again only after \"refused\" \
         (assume.routes.\"{}\".callers_retry)",
        route.name
    );
    let used = [view.fact_of_route(route, "callers_retry", list), view.on_route(route, "methods")];
    let finding = Finding::new(Rule::numbered::<8>(), Severity::Error);
    let finding = finding.on_route(&route.name, &route.upstream).uses(used).mend(fix);
    Ok(Some(finding.says(formula, consequence)))
}
