//! L14 and L26: queues longer than patience, and caches that expire in step.

use seawall_config::units::print_duration;
use seawall_core::ratio::Ratio;

use super::Shown;
use super::look::{Look, Trial};
use super::scene::{Scene, place, route_place};
use super::subject::{Edited, Subject};
use crate::dist::{Distribution, seconds};
use crate::observe::Record;
use crate::plan::{Cache, Eviction, Rate, Server, Target};
use crate::verdict::{Unit, number};

/// Keys of a cache at most, all of which are in memory.
const KEYS_MAX: u32 = 100_000;

/// Pieces of a timeline at most.
const PIECES_MAX: u32 = 10_000;

/// Somewhat more than what can be done.
const OVERLOAD: f64 = 1.3;

/// L14: more calls than the service can do.
pub(super) fn long(subject: &Subject<'_>) -> Shown {
    match subject.number("queue") {
        Some(queue) => long_queue(subject, queue),
        None => long_wait(subject),
    }
}

fn long_queue(subject: &Subject<'_>, queue: f64) -> Shown {
    let (workers, each) = (subject.need("workers")?, subject.need("service_s")?);
    let words = "a queue of at most ";
    let shorter = subject.finding.fix.strip_prefix(words).and_then(|rest| rest.split(' ').next());
    let shorter = shorter.and_then(|count| count.parse::<f64>().ok());
    let shorter = super::fix::whole(shorter.ok_or("its fix gives no number")?);
    let now = subject.edited().unbroken().facts(|facts| facts.replicas = Some(1));
    let fixed = now.clone().facts(|facts| facts.queue = Some(shorter));
    let capacity = workers / each.max(1e-6);
    let fills = queue / (capacity * (OVERLOAD - 1.0));
    let service = place(subject.config, &subject.upstream.name);
    let world = |edited: &Edited<'_>| {
        let scene = Scene::of(&edited.config, 3.0 * fills + 5.0).alone().warm_up(fills);
        let rate = capacity * OVERLOAD;
        scene.load(route_place(subject.config, &subject.route.name), rate).plan()
    };
    let trial = Trial {
        scene: format!(
            "one replica of {} gets 1.3 times what it can do; breakers off",
            subject.upstream.name
        ),
        fix: format!("a queue of {shorter}"),
        runs: 1,
        plans: [world(&now)?, world(&fixed)?],
        looks: vec![Look::wasted(service), Look::failed()],
    };
    Ok(trial.run())
}

/// Our own queue, before a service that hangs.
fn long_wait(subject: &Subject<'_>) -> Shown {
    let (shorter, total) = (subject.fixed_time("max_wait")?, subject.need("patience_s")?);
    let now = subject.edited().unbroken();
    let fixed = now.clone().upstream(|upstream| {
        upstream.bulkhead.get_or_insert_default().max_wait = shorter;
    });
    let service = place(subject.config, &subject.upstream.name);
    let rate = subject.rate_of_one();
    let world = |edited: &Edited<'_>| {
        let scene = Scene::of(&edited.config, 4.0 * total).alone().warm_up(total);
        let hangs = Server::unlimited(Distribution::Constant(seconds(100.0 * total)));
        let scene = scene.service(service, |service| service.server = hangs);
        scene.load(route_place(subject.config, &subject.route.name), rate).plan()
    };
    let trial = Trial {
        scene: format!("{} hangs, at {rate:.1} calls/s; breakers off", subject.upstream.name),
        fix: format!("bulkhead.max_wait = {}", print_duration(shorter)),
        runs: 1,
        plans: [world(&now)?, world(&fixed)?],
        looks: vec![p99_failed(), Look::until_failed()],
    };
    Ok(trial.run())
}

/// The time that 99 % of the failing calls take at most.
fn p99_failed() -> Look {
    Look::new("p99 of failing calls", Unit::Time, |record| {
        let bad = &record.loads.first()?.bad;
        (bad.count() > 0).then(|| bad.quantile(0.99))
    })
}

/// L26: everything in a cache was stored at the same time.
pub(super) fn expiry(subject: &Subject<'_>) -> Shown {
    const PIECE: f64 = 0.5;
    let (Some(_), Some(facts)) = (subject.number("burst"), subject.of_upstream().cache) else {
        return Err("simulated caches never answer with what has expired".to_owned());
    };
    let keys = facts.keys.unwrap_or(1);
    if keys > KEYS_MAX {
        return Err(format!("it needs {keys} keys, and a proof has {KEYS_MAX} at most"));
    }
    let refill = Distribution::Constant(facts.refill.unwrap_or_default());
    let (ttl, rate) = (facts.ttl.as_secs_f64(), subject.rate());
    let lasting = 1.4 * ttl;
    let service = place(subject.config, &subject.upstream.name);
    let edited = subject.edited().unbroken();
    let world = |jitter: Ratio, single_flight: bool| {
        let scene = Scene::of(&edited.config, lasting).alone().service(service, |service| {
            service.replicas = 1;
            service.server = Server::unlimited(refill.clone());
            service.cache = Some(Cache {
                capacity: usize::try_from(keys).unwrap_or(usize::MAX),
                eviction: Eviction::After(facts.ttl, jitter),
                hit: Distribution::NONE,
                single_flight,
                shared: true,
                warm: true,
            });
        });
        let target = Target::Service(crate::plan::ServiceId(service));
        let scene = scene.load_of(Rate::constant(rate), target);
        let mut plan = scene.caller(|load| load.keys = Some((keys, 0.0))).plan()?;
        plan.buckets = super::fix::whole(lasting / PIECE).clamp(1, PIECES_MAX);
        Ok::<_, String>(plan)
    };
    let trial = Trial {
        scene: format!("{keys} keys stored at once, {rate:.0} calls/s over {lasting:.0} s"),
        fix: "10% jitter and single flight".to_owned(),
        runs: 1,
        plans: [world(facts.jitter, facts.single_flight)?, world(Ratio::from_percent(10), true)?],
        looks: vec![
            Look::new("refills in the worst half second", Unit::Number, move |record| {
                worst(record, service)
            }),
            Look::new("refills", Unit::Number, move |record| {
                Some(number(record.services.get(service)?.begun))
            }),
        ],
    };
    Ok(trial.run())
}

/// The most work that is done in a piece of the timeline, as a number of refills.
fn worst(record: &Record, service: usize) -> Option<f64> {
    let service = record.services.get(service)?;
    let done = service.wanted + service.wasted;
    let each = done / number(service.begun.max(1));
    let pieces = service.timeline.iter().map(|bucket| bucket.wanted + bucket.wasted);
    (each > 0.0).then(|| pieces.fold(0.0, f64::max) / each)
}
