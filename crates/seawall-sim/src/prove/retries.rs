//! L6 to L8: retries in step, retries at the same dead replica, retries of what is not idempotent.

use seawall_config::UpstreamConfig;
use seawall_config::units::print_duration;
use seawall_core::backoff::{BackoffSettings, Jitter};
use seawall_core::call::Safety;
use seawall_core::fault::Fault;
use seawall_core::time::{Duration, Instant};

use super::Shown;
use super::look::{Look, Trial};
use super::patience::share;
use super::scene::{Scene, place, route_place};
use super::subject::{Edited, Subject};
use crate::dist::{Distribution, seconds};
use crate::plan::{
    Arrivals, Caller, Dependency, Need, Pick, Rate, Replicas, Server, Service, ServiceId, Target,
};
use crate::verdict::{Unit, number};

/// Callers that fail together, and how many of them the service takes at once.
const CALLERS: usize = 100;
const TAKES: usize = 20;

/// Waves of them, so far apart that each is over before the next.
const WAVES: u64 = 20;
const APART: u64 = 30;

/// L6: many call at once, and the service takes few of them.
pub(super) fn in_step(subject: &Subject<'_>) -> Shown {
    let (name, base) = (subject.route.name.as_str(), subject.need("base_s")?);
    let spread = match subject.fixed_time("base") {
        Ok(base) => BackoffSettings { jitter: Jitter::Full, ..waits(base) },
        Err(_) => BackoffSettings { jitter: Jitter::Full, ..waits(seconds(base)) },
    };
    let now = subject.edited().unbroken().unbudgeted();
    let words = subject.finding.fix.contains("jitter = \"full\"");
    let fixed = now.clone().routes(&[name], |route| {
        if let Some(retry) = &mut route.policy.retry {
            retry.backoff = match words {
                true => BackoffSettings { jitter: Jitter::Full, ..retry.backoff },
                false => spread,
            };
        }
    });
    let service = place(subject.config, &subject.upstream.name);
    let each = spread.base / 5;
    let world = |edited: &Edited<'_>| {
        let lasting = Duration::from_secs(WAVES * APART).as_secs_f64();
        let scene = Scene::of(&edited.config, lasting).alone();
        let scene = scene.service(service, |service| {
            service.replicas = 1;
            let server = Server::unlimited(Distribution::Constant(each));
            service.server = Server { crowd: Some(TAKES), ..server };
        });
        let scene = scene.load(route_place(subject.config, name), 0.0);
        let times = (1..WAVES).flat_map(|wave| {
            let at = Instant::EPOCH.after(Duration::from_secs(wave * APART));
            std::iter::repeat_n(at, CALLERS)
        });
        scene.caller(|load| load.arrivals = Arrivals::Replay(times.collect())).plan()
    };
    let trial = Trial {
        scene: format!(
            "{CALLERS} callers at once, {TAKES} are taken for {} each; breakers and budgets off",
            print_duration(each)
        ),
        fix: format!("jitter = full on {name}"),
        runs: 1,
        plans: [world(&now)?, world(&fixed)?],
        looks: vec![Look::amplification(service, &subject.upstream.name), Look::failed()],
    };
    Ok(trial.run())
}

fn waits(base: Duration) -> BackoffSettings {
    BackoffSettings::exponential(base, Duration::from_secs(2))
}

/// L7: one of several replicas is dead, and a balancer of its own goes on choosing it.
pub(super) fn too_soon(subject: &Subject<'_>) -> Shown {
    let ejected = subject.need("ejected_s")?.clamp(0.1, 300.0);
    let (name, replicas) = (subject.upstream.name.as_str(), subject.replicas());
    let facts = subject.of_upstream();
    let fails_after = facts.fail_after.unwrap_or(Duration::from_millis(1));
    let (front, route) = (place(subject.config, name), subject.route.name.as_str());
    let rate = subject.rate().min(1_000.0);
    let waves = (200.0 / (rate * ejected)).ceil().clamp(1.0, 50.0);
    let edited = subject.edited().unbudgeted();
    let hidden = {
        let scene =
            Scene::of(&edited.config, ejected).load(route_place(subject.config, route), rate);
        behind_balancer(scene, (front, &edited.config), (subject.upstream, replicas))
    };
    let listed = {
        let scene =
            Scene::of(&edited.config, ejected).load(route_place(subject.config, route), rate);
        dead(scene, front, fails_after)
    };
    let hidden_service = hidden.plan.services.len() - 1;
    let trial = Trial {
        scene: format!(
            "one of {replicas} replicas is dead for {}, at {rate} calls/s; budgets off",
            print_duration(seconds(ejected))
        ),
        fix: "every replica in endpoints".to_owned(),
        runs: super::fix::whole(waves),
        plans: [dead(hidden, hidden_service, fails_after).plan()?, listed.plan()?],
        looks: vec![Look::failed(), failed_calls()],
    };
    Ok(trial.run())
}

/// The replicas stand behind what the gateway takes for its endpoints.
fn behind_balancer(
    scene: Scene,
    (front, config): (usize, &seawall_config::Config),
    (upstream, replicas): (&UpstreamConfig, u32),
) -> Scene {
    let mut scene = scene;
    let endpoints = u32::try_from(upstream.endpoints.len()).unwrap_or(1);
    let behind = ServiceId(scene.plan.services.len());
    let Some(own) = scene.plan.services.get(front) else { return scene };
    let hidden = Service { name: format!("{} replicas", own.name), replicas, ..own.clone() };
    scene.plan.services.push(hidden);
    debug_assert_eq!(config.upstreams.len(), behind.0, "services stand in the places of upstreams");
    let caller = Caller { pick: Pick::Random, ..Caller::of(Target::Service(behind)) };
    scene.service(front, |service| {
        service.replicas = endpoints;
        service.server = Server::unlimited(Distribution::NONE);
        service.calls = vec![Dependency { caller, fan_out: 1, need: Need::All }];
    })
}

/// The first replica is dead from the beginning, and says so after some time.
fn dead(scene: Scene, service: usize, fails_after: Duration) -> Scene {
    let slow = Fault::Latency { added: fails_after, jitter: Duration::ZERO };
    let which = || (service, Replicas::One(0));
    let scene = scene.befall(which(), Fault::Errors(share(1.0)), (0.0, None));
    scene.befall(which(), slow, (0.0, None))
}

fn failed_calls() -> Look {
    Look::new("calls that failed", Unit::Number, |record| {
        let failed = record.loads.iter().map(|load| load.ended() - load.good()).sum();
        Some(number(failed))
    })
}

/// L8: what was executed is not answered, and the caller sends it again.
pub(super) fn repeated(subject: &Subject<'_>) -> Shown {
    let (service, route) = (place(subject.config, &subject.upstream.name), subject.route);
    let edited = subject.edited().unbroken();
    let world = |attempts: u32| {
        let scene = Scene::of(&edited.config, 100.0);
        let target = route_place(subject.config, &route.name);
        let target = Target::Route(crate::plan::GatewayId(0), crate::plan::RouteId(target));
        let scene = scene.load_of(Rate::constant(20.0), target);
        let scene = scene.caller(|load| {
            load.safety = Safety::Unsafe;
            load.caller.attempts = attempts;
        });
        let cut = Fault::Reset(share(0.1));
        scene.befall((service, Replicas::All), cut, (0.0, None)).plan()
    };
    let trial = Trial {
        scene: "a tenth of the answers is cut off, 20 calls/s for 100 s, callers try once more; \
                breakers off"
            .to_owned(),
        fix: "callers that try again after \"refused\" alone".to_owned(),
        runs: 1,
        plans: [world(2)?, world(1)?],
        looks: vec![
            Look::new("executed twice", Unit::Number, |record| Some(number(record.duplicates))),
            Look::failed(),
        ],
    };
    Ok(trial.run())
}
