//! L1 and L2: callers that leave too early, and attempts that have no time.

use seawall_config::RouteConfig;
use seawall_config::units::print_duration;
use seawall_core::ratio::Ratio;

use super::Shown;
use super::look::{Look, Trial};
use super::scene::{Scene, place, route_place};
use super::subject::{Edited, Subject};
use crate::dist::{Distribution, seconds};
use crate::plan::{Abandoned, Server};

/// Attempts that fail or hang; not so many that calls cannot be saved by another.
const BAD: f64 = 0.3;

/// Calls a second of these worlds: they are about the time of single calls, not about crowds.
const RATE: f64 = 20.0;

/// Of its attempt timeout a slow answer takes so much.
const SLOW: f64 = 0.9;

/// The work that a service does before it calls another.
pub(super) const LITTLE: f64 = 0.001;

/// L1: answers of the called are slow, and some of them are errors that it tries again.
pub(super) fn inversion(subject: &Subject<'_>) -> Shown {
    let called = called(subject).ok_or("the finding names no route that is called")?;
    let (attempt, needed) = (subject.need("called_attempt_s")?, subject.need("needed_s")?);
    let raised = subject.fixed_time("attempt")?;
    let now = subject.edited().unbroken();
    let from = subject.route.name.as_str();
    let fixed = now.clone().routes(&[from], |route| {
        let timeouts = &mut route.policy.timeouts;
        timeouts.attempt = raised;
        timeouts.total = timeouts.total.map(|total| total.max(raised));
    });
    let below = place(subject.config, &called.upstream);
    let trip = subject.facts().round_trip.as_secs_f64();
    let answer = (attempt * SLOW - trip).max(LITTLE);
    let world = |edited: &Edited<'_>| {
        let scene = Scene::of(&edited.config, (20.0 * needed).clamp(20.0, 600.0));
        let above = place(subject.config, &subject.route.upstream);
        let quick = Server::unlimited(Distribution::Constant(seconds(LITTLE)));
        // It gives up with its caller, so that what is still worked on below can be told apart; a
        // service that goes on would even try again.
        let quick = Server { abandoned: Abandoned::Stops, ..quick };
        let slow = Server::unlimited(Distribution::Constant(seconds(answer)));
        let scene = scene.service(above, |service| service.server = quick);
        let scene = scene.service(below, |service| {
            service.server = slow;
            service.errors = share(BAD);
        });
        let scene = scene.link(above, route_place(subject.config, &called.name));
        let told = subject.of_upstream().passes_deadline;
        let scene = scene.load(route_place(subject.config, from), RATE);
        let patience = edited.config.routes.iter().find(|route| route.name == from);
        let patience = patience.filter(|_| told).map(|route| route.policy.timeouts.attempt);
        scene.caller(|load| load.deadline = patience).plan()
    };
    let trial = Trial {
        scene: format!(
            "answers of {} take {}, and 30% are errors; breakers and ejection off",
            called.upstream,
            print_duration(seconds(answer))
        ),
        fix: format!("timeouts.attempt = {} on {from}", print_duration(raised)),
        runs: 1,
        plans: [world(&now)?, world(&fixed)?],
        looks: vec![Look::wasted(below), Look::failed()],
    };
    Ok(trial.run())
}

/// The route at the end of the hop that the finding is about.
fn called<'a>(subject: &Subject<'a>) -> Option<&'a RouteConfig> {
    let calls = subject.of_upstream().calls;
    let routes = subject.config.routes.iter();
    let mut named = routes.filter(|route| calls.contains(&route.name));
    named.find(|route| subject.finding.about.ends_with(&format!(", to {}", route.name)))
}

pub(super) fn share(part: f64) -> Ratio {
    Ratio::try_from(part.clamp(0.0, 1.0)).unwrap_or(Ratio::ONE)
}

/// L2: half of the attempts hang, and the others take nearly as long as they may with the fix.
pub(super) fn unfitting(subject: &Subject<'_>) -> Shown {
    let (total, shorter) = (subject.need("total_s")?, subject.fixed_time("attempt")?);
    let name = subject.route.name.as_str();
    let now = subject.edited().unbroken().unbudgeted();
    let fixed = now.clone().routes(&[name], |route| route.policy.timeouts.attempt = shorter);
    let service = place(subject.config, &subject.upstream.name);
    let trip = subject.facts().round_trip.as_secs_f64();
    let answer = (shorter.as_secs_f64() * SLOW - trip).max(LITTLE / 10.0);
    let world = |edited: &Edited<'_>| {
        let parts = [
            (0.5, Distribution::Constant(seconds(answer))),
            (0.5, Distribution::Constant(seconds(10.0 * total))),
        ];
        let server = Server::unlimited(Distribution::Mixture(parts.into()));
        let scene = Scene::of(&edited.config, (50.0 * total).clamp(50.0, 1000.0));
        let scene = scene.service(service, |service| service.server = server);
        scene.load(route_place(subject.config, name), RATE).plan()
    };
    let trial = Trial {
        scene: format!(
            "half of the attempts hang, the others take {}; breakers, ejection and budgets off",
            print_duration(seconds(answer))
        ),
        fix: format!("timeouts.attempt = {} on {name}", print_duration(shorter)),
        runs: 1,
        plans: [world(&now)?, world(&fixed)?],
        looks: vec![
            Look::failed(),
            Look::amplification(service, &subject.upstream.name),
            Look::wasted(service),
        ],
    };
    Ok(trial.run())
}
