//! L12 and L13: compartments too small for an ordinary day, and too large to matter.

use super::Shown;
use super::fix::whole;
use super::look::{Look, Trial};
use super::scene::{Scene, USUAL, place, route_place};
use super::subject::{Edited, Subject};
use crate::dist::{Distribution, seconds};
use crate::plan::{Abandoned, Server};

/// A copy of the config with so many permits.
fn permitted<'s>(edited: Edited<'s>, permits: u32) -> Edited<'s> {
    edited.upstream(|upstream| {
        let bulkhead = upstream.bulkhead.get_or_insert_default();
        bulkhead.permits = Some(permits);
    })
}

/// L12: traffic and latency of an ordinary day.
pub(super) fn small(subject: &Subject<'_>) -> Shown {
    let permits = subject.fixed_count("permits")?;
    let now = subject.edited();
    let fixed = permitted(now.clone(), permits);
    let rate = subject.rate_of_one();
    let world = |edited: &Edited<'_>| {
        let scene = Scene::of(&edited.config, 60.0).alone().warm_up(5.0);
        scene.load(route_place(subject.config, &subject.route.name), rate).plan()
    };
    let trial = Trial {
        scene: format!("an ordinary minute at {rate:.1} calls/s in one gateway"),
        fix: format!("bulkhead.permits = {permits}"),
        runs: 3,
        plans: [world(&now)?, world(&fixed)?],
        looks: vec![Look::refused(), Look::p99()],
    };
    Ok(trial.run())
}

/// L13: a service so slow that nobody waits for its answer.
pub(super) fn inert(subject: &Subject<'_>) -> Shown {
    let Some(rate) = subject.number("rate") else {
        return Err("connections of a gateway have no limit in the simulation".to_owned());
    };
    let permits = subject.fixed_count("permits").unwrap_or_else(|_| {
        // The 99th percentile of a service without memory, and half as much again.
        let p99 = USUAL.as_secs_f64() * libm::log(100.0);
        whole((rate * p99 * 1.5).ceil()).max(1)
    });
    let now = subject.edited().unbroken();
    let fixed = permitted(now.clone(), permits);
    let service = place(subject.config, &subject.upstream.name);
    let call = subject.route.policy.call_settings();
    let patience = call.total.unwrap_or(call.attempt).as_secs_f64();
    let world = |edited: &Edited<'_>| {
        let scene = Scene::of(&edited.config, 6.0 * patience).alone().warm_up(patience);
        let scene = scene.service(service, |service| {
            let endless = Distribution::Constant(seconds(100.0 * patience));
            let server = Server::unlimited(endless);
            service.server = Server { abandoned: Abandoned::Stops, ..server };
        });
        scene.load(route_place(subject.config, &subject.route.name), rate).plan()
    };
    let trial = Trial {
        scene: format!(
            "{} answers nothing, at {rate:.1} calls/s in one gateway; breakers off",
            subject.upstream.name
        ),
        fix: format!("bulkhead.permits = {permits}"),
        runs: 1,
        plans: [world(&now)?, world(&fixed)?],
        looks: vec![Look::in_flight(service), Look::until_failed()],
    };
    Ok(trial.run())
}
