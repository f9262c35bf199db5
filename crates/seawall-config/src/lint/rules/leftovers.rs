//! L28 to L30: what was meant for a while, what nobody uses, and counts that feed each other.

use crate::lint::finding::{Finding, Severity};
use crate::lint::rule::Rule;
use crate::lint::view::{Judged, Missing, Notes, View};
use crate::upstream::UpstreamConfig;
use crate::upstream::overrides::rows;
use seawall_core::Mode;
use seawall_core::outcome::{Class, Row};

/// After so many days a mechanism on trial has shown what it would do.
const TRIAL_DAYS: i64 = 14;

/// Too Many Requests: the service protects itself, and is not broken.
const TOO_MANY: u16 = 429;

/// Mechanisms in shadow mode for longer than a trial.
pub(super) fn l28_shadow(view: &View<'_>, notes: &mut Notes) {
    for upstream in &view.config.upstreams {
        let about = format!("upstream {}", upstream.name);
        for (key, _) in modes(upstream).into_iter().filter(|(_, mode)| *mode == Mode::Shadow) {
            notes.keep(Rule::numbered::<28>(), &about, shadow(view, upstream, key));
        }
    }
}

fn modes(upstream: &UpstreamConfig) -> [(&'static str, Mode); 9] {
    let off = Mode::Off;
    [
        ("breaker", upstream.breaker.mode),
        ("endpoint_breaker", upstream.endpoint_breaker.mode),
        ("ejection", upstream.ejection.mode),
        ("rate_limit", upstream.rate_limit.map_or(off, |limit| limit.mode)),
        ("shed", upstream.shed.map_or(off, |shed| shed.mode)),
        ("throttle", upstream.throttle.map_or(off, |throttle| throttle.mode)),
        ("adaptive_limit", upstream.adaptive_limit.map_or(off, |limit| limit.mode)),
        ("endpoint_limit", upstream.endpoint_limit.map_or(off, |limit| limit.mode)),
        ("adaptive_timeout", upstream.adaptive_timeout.mode),
    ]
}

fn shadow(view: &View<'_>, upstream: &UpstreamConfig, key: &str) -> Judged {
    let needs = |what: &str| Missing(what.to_owned());
    let since = view.facts.shadow_since;
    let since = since.ok_or_else(|| needs("the first day of the trial: assume.shadow_since"))?;
    let today = view.facts.today;
    let today = today.ok_or_else(|| needs("the day of the check: assume.today"))?;
    let days = today.days_since(since);
    if days <= TRIAL_DAYS {
        return Ok(None);
    }
    let (name, formula) = (&upstream.name, format!("{days} days since {since} > {TRIAL_DAYS}"));
    let fix = format!("{key} = {{ mode = \"enforce\" }} or {key} = \"off\" in [upstreams.{name}]");
    let used = [
        view.on_upstream(upstream, &format!("{key}.mode")),
        view.fact("assume.shadow_since", since.to_string()),
    ];
    let finding = Finding::new(Rule::numbered::<28>(), Severity::Warning).unproved();
    let finding = finding.about(format!("upstream {name}")).uses(used).mend(fix);
    let consequence = format!("{key} decides and reports, and protects nobody");
    Ok(Some(finding.says(formula, consequence)))
}

/// Policies that no route names.
pub(super) fn l29_unused(view: &View<'_>, notes: &mut Notes) {
    let given = view.config.origins.keys().filter_map(|path| path.strip_prefix("policies."));
    for name in view.config.policies.iter() {
        let used = |policy: &Option<String>| policy.as_ref() == Some(name);
        if view.config.routes.iter().any(|route| used(&route.policy_name)) {
            continue;
        }
        // Any key of the policy has a place; the first in the file stands for it.
        let keys = given.clone().filter(|key| key.split('.').next() == Some(name));
        let places = keys.map(|key| view.fact(&format!("policies.{key}"), String::new()));
        let finding = Finding::new(Rule::numbered::<29>(), Severity::Info).unproved();
        let finding = finding.about(format!("policy {name}"));
        let finding = finding.uses(places.min_by_key(|used| used.place));
        let formula = format!("no route says policy = \"{name}\"");
        let fix = format!("policy = \"{name}\" in a route, or remove [policies.{name}]");
        notes.findings.push(finding.mend(fix).says(formula, "what it says holds nowhere"));
    }
}

/// Refusals of a service that protects itself, counted as its failures.
pub(super) fn l30_refusals(view: &View<'_>, notes: &mut Notes) {
    notes.findings.extend(view.config.upstreams.iter().filter_map(|one| refusals(view, one)));
}

fn refusals(view: &View<'_>, upstream: &UpstreamConfig) -> Option<Finding> {
    let counted = |moved: &seawall_core::outcome::Override| {
        moved.row == Row::Status(TOO_MANY) && moved.class == Class::Failure
    };
    rows(&upstream.overrides).find(|moved| counted(moved))?;
    let name = &upstream.name;
    let finding = Finding::new(Rule::numbered::<30>(), Severity::Warning).on_upstream(name);
    let finding = finding.uses([view.on_upstream(upstream, "overrides")]);
    let formula = format!("{TOO_MANY} counts as a failure of {name}");
    let fix = format!("class = \"ignored\" in the override of {TOO_MANY} in [upstreams.{name}]");
    let consequence = "its limiter refuses a few calls, and breaker and ejection then take away \
                       the rest";
    Some(finding.mend(fix).says(formula, consequence).numbers(&[("status", f64::from(TOO_MANY))]))
}
