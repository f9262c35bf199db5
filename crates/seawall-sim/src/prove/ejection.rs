//! L15 to L17: ejection that ejects nobody, detection that comes too late, probes that are a load.

use seawall_config::UpstreamConfig;
use seawall_config::units::print_duration;
use seawall_core::Mode;
use seawall_core::balance::Algorithm;
use seawall_core::fault::Fault;
use seawall_core::health::HealthSettings;
use seawall_core::outlier::CapRule;
use seawall_core::ratio::Ratio;
use seawall_core::time::Duration;

use super::Shown;
use super::look::{Look, Seen, Trial};
use super::scene::{Scene, place, route_place};
use super::subject::{Edited, Subject};
use crate::plan::{Pick, Plan, Rate, Replicas, ServiceId, Target};
use crate::verdict::Unit;

/// When a replica falls ill, and how long it is watched.
const FROM: f64 = 10.0;
const LASTING: f64 = 60.0;

/// L15: one replica answers with errors alone.
pub(super) fn inert(subject: &Subject<'_>) -> Shown {
    let now = subject.edited().once().upstream(|upstream| {
        // An algorithm that looks at failures would go round the sick one by itself.
        upstream.balance.algorithm = Algorithm::RoundRobin;
        upstream.breaker.mode = Mode::Off;
        upstream.endpoint_breaker.mode = Mode::Off;
    });
    let (fixed, fix) = mended(subject, now.clone())?;
    let service = place(subject.config, &subject.upstream.name);
    let rate = subject.rate_of_one().clamp(20.0, 500.0);
    let world = |edited: &Edited<'_>| {
        let scene = Scene::of(&edited.config, LASTING).alone().warm_up(FROM);
        let scene = scene.load(route_place(subject.config, &subject.route.name), rate);
        let sick = Fault::Errors(Ratio::ONE);
        scene.befall((service, Replicas::One(0)), sick, (FROM, None)).plan()
    };
    let seen = Seen::taken_out(service);
    let trial = Trial {
        scene: format!(
            "one replica answers with errors, {rate:.1} calls/s by turns; breakers, retries off"
        ),
        fix,
        runs: 1,
        plans: [world(&now)?, world(&fixed)?],
        looks: vec![
            Look::failed(),
            Look::reached("ejected after", seen, FROM),
            Look::new("in panic", Unit::Time, |record| {
                Some(crate::observe::time_in(record, crate::observe::Condition::Panic))
            }),
        ],
    };
    Ok(trial.run())
}

/// The config with the fix that is printed.
fn mended<'s>(subject: &Subject<'_>, now: Edited<'s>) -> Result<(Edited<'s>, String), String> {
    if let Ok(cap) = subject.written("cap") {
        let edit = |upstream: &mut UpstreamConfig| upstream.ejection.cap = CapRule::AtLeastOne;
        return Ok((now.upstream(edit), format!("ejection.cap = {cap}")));
    }
    if let Ok(stay) = subject.fixed_count("min_healthy") {
        let edit = |upstream: &mut UpstreamConfig| upstream.ejection.min_healthy = stay;
        return Ok((now.upstream(edit), format!("ejection.min_healthy = {stay}")));
    }
    if let Ok(share) = subject.fixed_share("panic_threshold") {
        let edit = |upstream: &mut UpstreamConfig| upstream.balance.panic_threshold = share;
        return Ok((now.upstream(edit), format!("balance.panic_threshold = {share}")));
    }
    let second = now.upstream(|upstream| upstream.endpoints.extend(upstream.endpoints.clone()));
    Ok((second.facts(|facts| facts.replicas = None), "a second endpoint".to_owned()))
}

/// L16: one replica hangs.
pub(super) fn slow(subject: &Subject<'_>) -> Shown {
    if subject.number("every_s").is_some() {
        return Err(
            "a simulated gateway never probes an endpoint that still owes an answer".to_owned()
        );
    }
    let target = subject.number("target_s");
    let now = subject.edited();
    let (fixed, fix, every) = match subject.fixed_time("every") {
        Ok(every) => {
            let fix = format!("health_check.every = {}, fall = 2", print_duration(every));
            (now.clone(), fix, Some(every))
        }
        Err(_) => (now.clone(), "ejection on".to_owned(), None),
    };
    let fixed = fixed.upstream(|upstream| {
        upstream.ejection.mode = Mode::Enforce;
    });
    let service = place(subject.config, &subject.upstream.name);
    let rate = subject.rate_of_one();
    let lasting = FROM + target.map_or(LASTING, |target| 4.0 * target);
    let world = |edited: &Edited<'_>, every: Option<Duration>| {
        let scene = Scene::of(&edited.config, lasting).alone().warm_up(FROM);
        let scene = scene.gateway(|gateway| {
            if let (Some(every), Some(upstream)) = (every, gateway.upstreams.get_mut(service)) {
                upstream.checks = Some((every, every / 2));
                upstream.settings.health = Some(HealthSettings { rise: 2, fall: 2 });
            }
        });
        let scene = scene.load(route_place(subject.config, &subject.route.name), rate);
        scene.befall((service, Replicas::One(0)), Fault::Freeze, (FROM, None)).plan()
    };
    let seen = Seen::taken_out(service);
    let until = FROM + target.unwrap_or(LASTING);
    let trial = Trial {
        scene: format!("one replica freezes, at {rate:.1} calls/s in one gateway"),
        fix,
        runs: 5,
        plans: [world(&now, None)?, world(&fixed, every)?],
        looks: vec![
            Look::reached("taken out after", seen, FROM),
            Look::reaches("taken out in time", seen, (FROM, until)),
        ],
    };
    Ok(trial.run())
}

/// L17: the probes of all gateways, and nothing else.
pub(super) fn probes(subject: &Subject<'_>) -> Shown {
    const WATCHED: f64 = 60.0;
    let (probes, capacity) = (subject.need("probes")?, subject.need("capacity")?);
    let longer = subject.fixed_time("every")?;
    let gateways = f64::from(subject.facts().gateways.max(1));
    let service = place(subject.config, &subject.upstream.name);
    let replicas = f64::from(subject.replicas());
    // One replica shows the share of each, so that only its probes are sent.
    let world = |each: f64| -> Result<Plan, String> {
        let scene = Scene::of(&subject.edited().config, WATCHED).alone();
        let scene = scene.service(service, |service| service.replicas = 1);
        let target = Target::Service(ServiceId(service));
        let scene = scene.load_of(Rate::constant(each), target);
        scene.caller(|load| load.caller.pick = Pick::RoundRobin).plan()
    };
    let trial = Trial {
        scene: format!("the probes of {gateways} gateways alone, each at {replicas} replicas"),
        fix: format!("health_check.every = {}", print_duration(longer)),
        runs: 1,
        plans: [world(probes)?, world(gateways / longer.as_secs_f64())?],
        looks: vec![Look::new("probes of what a replica serves", Unit::Share, move |record| {
            let arrived = crate::verdict::number(record.services.get(service)?.arrived);
            Some(arrived / WATCHED / capacity)
        })],
    };
    Ok(trial.run())
}
