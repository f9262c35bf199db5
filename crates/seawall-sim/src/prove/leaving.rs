//! L18 and L25: a replica that comes back, and a gateway that leaves.

use seawall_config::units::print_duration;
use seawall_core::balance::Algorithm;
use seawall_core::fault::Fault;
use seawall_core::ratio::Ratio;
use seawall_core::time::{Duration, Instant};

use super::Shown;
use super::look::{Look, Trial};
use super::scene::{Scene, place, route_place};
use super::subject::{Edited, Subject};
use crate::dist::{Distribution, seconds};
use crate::observe::End;
use crate::plan::{Plan, Rate, Replicas, Server, Service, Shape, Target};
use crate::verdict::{Unit, number};

/// Workers of a replica that nothing is known of.
const WORKERS: u32 = 8;

/// L18: a replica restarts under load and is slow at first.
pub(super) fn stampede(subject: &Subject<'_>) -> Shown {
    const DOWN: f64 = 10.0;
    const WARM_UP: f64 = 30.0;
    const BACK: f64 = 30.0;
    let (Some(each), Some(cold)) = (subject.number("rate"), subject.number("cold_capacity")) else {
        return Err("whether the probes of all gateways meet is up to chance; the formula is the \
                    worst case"
            .to_owned());
    };
    let now = subject.edited();
    let (fixed, fix) = match subject.fixed_time("slow_start") {
        Ok(time) => {
            let fixed = now.clone().upstream(|u| u.balance.slow_start = Some(time));
            (fixed, format!("slow_start = {}", print_duration(time)))
        }
        Err(_) => {
            let fixed = now.clone().upstream(|u| u.balance.algorithm = Algorithm::PeakEwma);
            (fixed, "balance = peak-ewma".to_owned())
        }
    };
    let (service, facts) = (place(subject.config, &subject.upstream.name), subject.of_upstream());
    let warm = facts.capacity.unwrap_or(2.0 * each);
    let workers = facts.workers.unwrap_or(WORKERS);
    let times = ratio(warm / cold.max(1e-3));
    let world = |edited: &Edited<'_>| {
        let scene = Scene::of(&edited.config, BACK + WARM_UP).alone().warm_up(BACK);
        let scene = scene.service(service, |service| {
            let time = Distribution::Exponential(seconds(f64::from(workers) / warm));
            service.server = Server::new(workers, time);
        });
        let rate = each * f64::from(subject.replicas());
        let scene = scene.load(route_place(subject.config, &subject.route.name), rate);
        let (down, warm_up) = (seconds(DOWN), seconds(WARM_UP));
        let restart = Fault::Restart { down, warm_up, cold: times };
        scene.befall((service, Replicas::One(0)), restart, (BACK - DOWN, None)).plan()
    };
    let trial = Trial {
        scene: format!(
            "one of {} replicas comes back and serves {cold:.0}/s at first, {warm:.0}/s after 30 s",
            subject.replicas()
        ),
        fix,
        runs: 1,
        plans: [world(&now)?, world(&fixed)?],
        looks: vec![
            Look::p99(),
            Look::failed(),
            Look::new("mean wait in the service", Unit::Time, move |record| {
                let service = record.services.get(service)?;
                (service.begun > 0).then(|| service.wait / number(service.begun))
            }),
        ],
    };
    Ok(trial.run())
}

/// How many times as long; faults know no less than once, and no more than a thousand times.
fn ratio(times: f64) -> Ratio {
    Ratio::try_from(times.clamp(1.0, 1_000.0)).unwrap_or(Ratio::ONE)
}

/// L25: a gateway leaves in a deploy, while calls take up to as long as they may.
pub(super) fn drain(subject: &Subject<'_>) -> Shown {
    const LEAVES: f64 = 20.0;
    const RATE: f64 = 100.0;
    let (drain, announce) = (subject.need("drain_s")?, subject.need("announce_s")?);
    let (longest, lag) = (subject.need("longest_s")?, subject.need("deregistration_s")?);
    let longer = subject.fixed_time("drain")?;
    let world = |drain: f64| -> Result<Plan, String> {
        let mut scene = Scene::of(&subject.edited().config, LEAVES + announce + drain + lag + 1.0);
        let held = Distribution::Uniform(Duration::ZERO, seconds(longest));
        let leaving = scene.plan.service(Service::new("gateway", Server::unlimited(held)));
        let at = |secs| Instant::EPOCH.after(seconds(secs));
        let points = vec![(at(0.0), RATE), (at(LEAVES + lag), 0.0)];
        let rate = Rate { points, shape: Shape::Steps, scale: 1.0 };
        let scene = scene.load_of(rate, Target::Service(leaving));
        let gone = (leaving.0, Replicas::All);
        scene.befall(gone, Fault::Crash, (LEAVES + announce + drain, None)).plan()
    };
    let trial = Trial {
        scene: format!(
            "a gateway with {RATE} calls/s leaves; none come after {}, and they take up to {}",
            print_duration(seconds(lag)),
            print_duration(seconds(longest))
        ),
        fix: format!("gateway.drain = {}", print_duration(longer)),
        runs: 3,
        plans: [world(drain)?, world(longer.as_secs_f64())?],
        looks: vec![Look::new("calls cut off", Unit::Number, |record| {
            let lost = |end| record.loads.iter().map(|load| load.ends(end)).sum::<u64>();
            Some(number(lost(End::Lost) + lost(End::Unreachable)))
        })],
    };
    Ok(trial.run())
}
