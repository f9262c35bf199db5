//! L3 to L5: what retries on the hops of a path multiply to when the last service fails.

use seawall_config::RouteConfig;
use seawall_core::ratio::Ratio;

use super::Shown;
use super::look::{Look, Trial};
use super::patience::LITTLE;
use super::scene::{Scene, place, route_place};
use super::subject::{Edited, Subject};
use crate::dist::{Distribution, seconds};
use crate::plan::{Plan, Server};

/// Calls a second of a route that nothing is known of: so few that budgets hold nothing back.
const QUIET: f64 = 1.0;

/// How long the outage is watched, and what of it budgets take to fill their window.
const WATCHED: (f64, f64) = (60.0, 20.0);

/// The routes of the path, from the outside to the bottom.
fn path<'a>(subject: &Subject<'a>) -> Vec<&'a RouteConfig> {
    let Some(arrows) = subject.finding.about.strip_prefix("path ") else {
        return vec![subject.route];
    };
    let named = |name: &str| subject.config.routes.iter().find(|route| route.name == name);
    arrows.split(" → ").filter_map(named).collect()
}

/// L3: retries of every hop multiply.
pub(super) fn worst_case(subject: &Subject<'_>) -> Shown {
    let path = path(subject);
    let now = subject.edited().unbroken();
    let (fixed, fix) = match path.as_slice() {
        [only] => {
            let most = subject.fixed_count("max_attempts")?;
            let edit = |route: &mut RouteConfig| {
                if let Some(retry) = &mut route.policy.retry {
                    retry.max_attempts = most;
                }
            };
            let fix = format!("retry.max_attempts = {most} on {}", only.name);
            (now.clone().routes(&[&only.name], edit), fix)
        }
        _ => kept_at_the_bottom(now.clone(), &path),
    };
    let rate = subject.of_route(subject.route).rate.unwrap_or(QUIET);
    outage(subject, (&path, rate), [now, fixed], fix)
}

/// L4: floors of budgets weigh most in the quietest hour.
pub(super) fn budgeted(subject: &Subject<'_>) -> Shown {
    let path = path(subject);
    let rate: f64 = match path.as_slice() {
        [_] => routes_to(subject).map(|route| quiet(subject, route)).sum(),
        _ => quiet(subject, subject.route),
    };
    let now = subject.edited().unbroken();
    let (fixed, fix) = match path.as_slice() {
        [_] => {
            let floor = super::fix::whole(subject.fixed_rate("floor")?);
            let ratio: Option<Ratio> = subject.fixed_share("ratio").ok();
            let fixed = now.clone().upstream(|upstream| {
                upstream.budget.floor_per_second = floor;
                upstream.budget.ratio = ratio.unwrap_or(upstream.budget.ratio);
            });
            (fixed, format!("budget.floor = {floor}/s"))
        }
        _ => kept_at_the_bottom(now.clone(), &path),
    };
    outage(subject, (&path, rate), [now, fixed], fix)
}

fn routes_to<'a>(subject: &'a Subject<'_>) -> impl Iterator<Item = &'a RouteConfig> {
    subject.config.routes.iter().filter(|route| route.upstream == subject.upstream.name)
}

fn quiet(subject: &Subject<'_>, route: &RouteConfig) -> f64 {
    let facts = subject.of_route(route);
    facts.quiet_rate.or(facts.rate).unwrap_or(QUIET)
}

/// L5: each layer retries what the one below has retried.
pub(super) fn several(subject: &Subject<'_>) -> Shown {
    let path = path(subject);
    let now = subject.edited().unbroken();
    let (fixed, fix) = kept_at_the_bottom(now.clone(), &path);
    let rate = subject.of_route(subject.route).rate.unwrap_or(QUIET);
    outage(subject, (&path, rate), [now, fixed], fix)
}

/// Retries on the last route of the path that retries, and on no other.
fn kept_at_the_bottom<'s>(now: Edited<'s>, path: &[&RouteConfig]) -> (Edited<'s>, String) {
    let retrying = |route: &&&RouteConfig| route.policy.call_settings().max_attempts > 1;
    let kept = path.iter().rev().find(retrying).map_or("", |route| route.name.as_str());
    let others: Vec<&str> =
        path.iter().map(|route| route.name.as_str()).filter(|name| *name != kept).collect();
    let fixed = now.routes(&others, |route| route.policy.retry = None);
    (fixed, format!("retry = \"off\" on {}", others.join(", ")))
}

/// Everything that the last service of the path answers is an error.
fn outage(
    subject: &Subject<'_>,
    (path, rate): (&[&RouteConfig], f64),
    edits: [Edited<'_>; 2],
    fix: String,
) -> Shown {
    let bottom = path.last().map_or("", |route| route.upstream.as_str());
    let last = place(subject.config, bottom);
    let (lasting, warm_up) = WATCHED;
    let world = |edited: &Edited<'_>| -> Result<Plan, String> {
        let mut scene = Scene::of(&edited.config, lasting).warm_up(warm_up);
        for (route, next) in path.iter().zip(path.iter().skip(1)) {
            let above = place(subject.config, &route.upstream);
            let quick = Server::unlimited(Distribution::Constant(seconds(LITTLE)));
            scene = scene.service(above, |service| service.server = quick);
            scene = scene.link(above, route_place(subject.config, &next.name));
        }
        let scene = scene.service(last, |service| {
            service.server = Server::unlimited(Distribution::Constant(seconds(LITTLE)));
            service.errors = Ratio::ONE;
        });
        scene.load(route_place(subject.config, &subject.route.name), rate).plan()
    };
    let [now, fixed] = &edits;
    let trial = Trial {
        scene: format!("{bottom} answers with errors alone, at {rate} calls/s; breakers off"),
        fix,
        runs: 1,
        plans: [world(now)?, world(fixed)?],
        looks: vec![Look::amplification(last, bottom)],
    };
    Ok(trial.run())
}
