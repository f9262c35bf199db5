//! L20 to L22: what is left when a shared node, a replica or a zone is lost.

use seawall_core::fault::Fault;
use seawall_core::rate::{LimiterSettings, Quota, Rate as Allowed};
use seawall_core::time::{Duration, Instant};

use super::Shown;
use super::fix::whole;
use super::look::{Look, Trial};
use super::scene::{Scene, place, route_place};
use super::subject::{Edited, Subject, upstream_facts};
use crate::dist::{Distribution, seconds};
use crate::observe::Record;
use crate::plan::{
    Caller, Dependency, Disturbance, Need, Plan, Rate, Replicas, Server, Service, ServiceId,
    Target, Victims,
};
use crate::verdict::{Unit, number, share};

/// From when to when something is lost.
const LOST: (f64, f64) = (20.0, 40.0);

/// L20: what both an upstream and its fallback need is dead.
pub(super) fn shared_fate(subject: &Subject<'_>) -> Shown {
    let formula = &subject.finding.formula;
    let Some((_, shared)) = formula.split_once(" both need ") else {
        return Err(
            "simulated services do not fall back upon each other, and would show no circle"
                .to_owned(),
        );
    };
    let facts = subject.of_upstream();
    let needs = |name: &String| {
        upstream_facts(subject.config, name).depends_on.contains(&shared.to_owned())
    };
    let called = |name: &String| formula.contains(&format!("its fallback {name} both"));
    let other = facts.fallback_to.iter().find(|name| called(name) || needs(name));
    let other = other.ok_or("the fallback that is meant is not in the config")?;
    let plan = |independent: bool| -> Result<Plan, String> {
        let mut scene = Scene::of(&subject.edited().config, LOST.1).warm_up(LOST.0);
        let quick = Server::unlimited(Distribution::Constant(seconds(0.005)));
        let node = scene.plan.service(Service::new(shared, quick));
        let caller = Caller::of(Target::Service(node));
        let needs = Dependency { caller, fan_out: 1, need: Need::All };
        let [first, second] =
            [&subject.upstream.name, other].map(|name| place(subject.config, name));
        let mut scene = scene.service(first, |service| service.calls.push(needs.clone()));
        if !independent {
            scene = scene.service(second, |service| service.calls.push(needs));
        }
        for service in [first, second] {
            let target = Target::Service(ServiceId(service));
            scene = scene.load_of(Rate::constant(50.0), target);
        }
        scene.befall((node.0, Replicas::All), Fault::Crash, (LOST.0, None)).plan()
    };
    let failed = |load: usize| {
        move |record: &Record| {
            let load = record.loads.get(load)?;
            Some(1.0 - share(load.good(), load.ended()))
        }
    };
    let trial = Trial {
        scene: format!("{shared} is dead, and {} asks {other} instead", subject.upstream.name),
        fix: format!("a fallback that does not need {shared}"),
        runs: 1,
        plans: [plan(false)?, plan(true)?],
        looks: vec![
            Look::new(format!("failed at {other}"), Unit::Share, failed(1)),
            Look::new(format!("failed at {}", subject.upstream.name), Unit::Share, failed(0)),
        ],
    };
    Ok(trial.run())
}

/// L21: as many calls as the limit lets through, and one replica lost.
pub(super) fn limit(subject: &Subject<'_>) -> Shown {
    let Some(through) = subject.number("limit") else {
        return Err("the config does not assume how many of the calls are dear".to_owned());
    };
    let each = subject.fixed_rate("rate")?;
    let (service, replicas) = (place(subject.config, &subject.upstream.name), subject.replicas());
    let now = subject.edited();
    let fixed = now.clone().upstream(|upstream| {
        let quota = Quota::of(Allowed::per_second(whole(each).max(1)));
        upstream.rate_limit = Some(LimiterSettings::of(quota));
    });
    let world = |edited: &Edited<'_>| {
        let scene = Scene::of(&edited.config, LOST.1).warm_up(LOST.0);
        // Somewhat above the limit, so that the limit decides.
        let route = route_place(subject.config, &subject.route.name);
        let scene = scene.load(route, through * 1.05);
        match replicas {
            1 => scene.plan(),
            _ => {
                let lost = (service, Replicas::One(0));
                scene.befall(lost, Fault::Crash, (LOST.0, None)).plan()
            }
        }
    };
    let trial = Trial {
        scene: format!("{through:.1} calls/s are let through, and one of {replicas} replicas dies"),
        fix: format!("rate_limit.rate = {each}/s"),
        runs: 3,
        plans: [world(&now)?, world(&fixed)?],
        looks: vec![wait(service), lost_beyond_limit(), Look::p99(), Look::refused()],
    };
    Ok(trial.run())
}

/// How long requests wait for a worker, on the mean.
fn wait(service: usize) -> Look {
    Look::new("mean wait in the service", Unit::Time, move |record| {
        let service = record.services.get(service)?;
        (service.begun > 0).then(|| service.wait / number(service.begun))
    })
}

/// Calls that end badly although nobody refused them.
fn lost_beyond_limit() -> Look {
    Look::new("lost calls", Unit::Share, |record| {
        let load = record.loads.first()?;
        let refused = load.ends(crate::observe::End::Refused);
        let lost = load.ended().saturating_sub(load.good()).saturating_sub(refused);
        (load.ended() > 0).then(|| number(lost) / number(load.ended()))
    })
}

/// L22: the peak, and the last zone lost.
pub(super) fn zone(subject: &Subject<'_>) -> Shown {
    let rate = subject.need("rate")?;
    let needed = subject.finding.fix.split(' ').next().and_then(|count| count.parse::<f64>().ok());
    let needed = whole(needed.ok_or("its fix gives no number")?);
    let zones = subject.upstream.endpoints.iter().filter_map(|e| e.zone.clone());
    let lost = zones.max().ok_or("no endpoint has a zone")?;
    let service = place(subject.config, &subject.upstream.name);
    let now = subject.edited();
    let fixed = now.clone().facts(|facts| facts.replicas = Some(needed));
    let world = |edited: &Edited<'_>| {
        let scene = Scene::of(&edited.config, 3.0 * LOST.1).warm_up(LOST.0 + 2.0);
        let scene = scene.load(route_place(subject.config, &subject.route.name), rate);
        let mut plan = scene.plan()?;
        let at = Instant::EPOCH.after(Duration::from_secs_f64(LOST.0));
        let victims = Victims::Zone(lost.clone());
        plan.disturbances.push(Disturbance::new(at, victims, Fault::Crash));
        Ok::<_, String>(plan)
    };
    let replicas = subject.replicas();
    let trial = Trial {
        scene: format!("{rate:.1} calls/s, {replicas} replicas, and zone {lost} is lost"),
        fix: format!("{needed} replicas"),
        runs: 3,
        plans: [world(&now)?, world(&fixed)?],
        looks: vec![wait(service), Look::p99(), Look::failed()],
    };
    Ok(trial.run())
}
