//! L1 and L2: how long callers wait, beside how long the called may take.

use crate::lint::finding::{Finding, Severity};
use crate::lint::hop::Hop;
use crate::lint::paths::Paths;
use crate::lint::rule::Rule;
use crate::lint::text::{rounded_down, rounded_up, time};
use crate::lint::view::{Notes, View};
use crate::route::RouteConfig;
use seawall_core::time::Duration;

/// Timeout inversion: the attempt ends before the called has used up its own attempts.
pub(super) fn l1_inversion(view: &View<'_>, notes: &mut Notes) {
    let paths = Paths::down(view);
    for (at, route) in view.config.routes.iter().enumerate() {
        let inverted = paths.after(at).filter_map(|called| inversion(view, route, called));
        notes.findings.extend(inverted);
    }
}

fn inversion(view: &View<'_>, route: &RouteConfig, called: &RouteConfig) -> Option<Finding> {
    let (caller, callee) = (Hop::of(&route.policy), Hop::of(&called.policy));
    let needed = callee.longest().saturating_add(view.facts.overhead);
    if caller.attempt >= needed {
        return None;
    }
    let told = view.of_upstream(&route.upstream).passes_deadline;
    let severity = if told { Severity::Info } else { Severity::Error };
    let consequence = if told {
        "the deadline is passed on, so the called gives up in time, with attempts unused"
    } else {
        "the called still works when the caller has left, and the caller tries again beside it"
    };
    let cut = callee.of_attempts(callee.attempts) > callee.longest();
    let sum = if cut { time(callee.longest()) } else { callee.formula(callee.attempts) };
    let (waits, overhead) = (time(caller.attempt), time(view.facts.overhead));
    let formula = format!("attempt timeout {waits} < {sum} + {overhead} = {}", time(needed));
    let (raised, from, to) = (time(rounded_up(needed)), &route.name, &called.name);
    let fix = format!(
        "timeouts = {{ attempt = \"{raised}\" }} on route {from}, or retry = \"off\" on route {to}"
    );
    let decisive = if cut { "timeouts.total" } else { "retry.max_attempts" };
    let used = [
        view.on_route(route, "timeouts.attempt"),
        view.on_route(called, "timeouts.attempt"),
        view.on_route(called, decisive),
        view.fact_of_upstream(&route.upstream, "calls", to.clone()),
    ];
    let finding = Finding::new(Rule::numbered::<1>(), severity);
    let finding = finding.on_route(from, &route.upstream).uses(used).mend(fix);
    let finding = finding.about(format!("route {from}, upstream {}, to {to}", route.upstream));
    let numbers = [
        ("attempt_s", caller.attempt.as_secs_f64()),
        ("needed_s", needed.as_secs_f64()),
        ("called_attempts", f64::from(callee.attempts)),
        ("called_attempt_s", callee.attempt.as_secs_f64()),
    ];
    Some(finding.says(formula, consequence).numbers(&numbers))
}

/// Attempts that cannot fit: the total ends before the last of them has had its time.
pub(super) fn l2_unfitting(view: &View<'_>, notes: &mut Notes) {
    notes.findings.extend(view.config.routes.iter().filter_map(|route| unfitting(view, route)));
}

fn unfitting(view: &View<'_>, route: &RouteConfig) -> Option<Finding> {
    let hop = Hop::of(&route.policy);
    let (total, fitting) = (hop.total?, hop.fitting());
    if fitting >= hop.attempts {
        return None;
    }
    let (wanted, upstream) = (hop.attempts, &route.upstream);
    let all = format!("{} = {}", hop.formula(wanted), time(hop.of_attempts(wanted)));
    let some = match fitting {
        0 => String::new(),
        few => format!("{} = {} ≤ ", hop.formula(few), time(hop.of_attempts(few))),
    };
    let formula = format!("{some}{} < {all}: {fitting} of {wanted} attempts fit", time(total));
    let consequence =
        "the last attempts are cut short or never made, though the file promises them";
    let spare = total
        .saturating_sub(hop.of_attempts(wanted).saturating_sub(hop.attempt.saturating_mul(wanted)));
    let shorter = time(rounded_down(spare.checked_div(wanted).unwrap_or(Duration::ZERO)));
    let fewer = fitting.max(1);
    let fix = format!(
        "retry = {{ max_attempts = {fewer} }} on route {}, or \
         timeouts = {{ attempt = \"{shorter}\" }}",
        route.name
    );
    let used = ["timeouts.total", "timeouts.attempt", "retry.max_attempts", "retry.base"]
        .map(|key| view.on_route(route, key));
    let finding = Finding::new(Rule::numbered::<2>(), Severity::Warning);
    let finding = finding.on_route(&route.name, upstream).uses(used).mend(fix);
    let numbers = [
        ("total_s", total.as_secs_f64()),
        ("attempt_s", hop.attempt.as_secs_f64()),
        ("attempts", f64::from(wanted)),
        ("fitting", f64::from(fitting)),
    ];
    Some(finding.says(formula, consequence).numbers(&numbers))
}
