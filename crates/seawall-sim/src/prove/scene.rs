//! Worlds of proofs: the services that a config assumes behind its gateway, who calls, and what
//! befalls them.
//!
//! The gateway is that of the config, by `deployed`. Edits of configs are in `subject`.

use seawall_config::lint::UpstreamFacts;
use seawall_config::{Config, UpstreamConfig};
use seawall_core::Mode;
use seawall_core::bulkhead::QueueOrder;
use seawall_core::fault::Fault;
use seawall_core::ratio::Ratio;
use seawall_core::time::{Duration, Instant};

use super::fix::whole;
use super::subject::{replicas, upstream_facts};
use crate::deployed;
use crate::dist::{Distribution, seconds};
use crate::plan::{
    Arrivals, Caller, Cancel, Dependency, Discipline, Disturbance, Gateway, GatewayId, Load, Need,
    Network, Plan, Rate, Replicas, RouteId, Server, Service, ServiceId, Slowdown, Spacing, Target,
    Victims,
};

/// Calls of one run at most, so that a proof takes less than a second.
const CALLS_MAX: f64 = 100_000.0;

/// What may be under way at once; a world that holds more has failed clearly enough.
const CROWD_MAX: usize = 30_000;

/// Machines of a world at most: replicas, and the endpoints that all gateways together know.
const MACHINES_MAX: u64 = 20_000;

/// The mean service time where nothing is assumed: an ordinary service.
pub(super) const USUAL: Duration = Duration::from_millis(20);

/// A world under construction. Services stand in the places of the config's upstreams.
#[derive(Clone, Debug)]
pub(super) struct Scene {
    pub(super) plan: Plan,
    calls: f64,
}

impl Scene {
    /// The gateways of a config before services as it assumes them, for so long.
    pub(super) fn of(config: &Config, lasting: f64) -> Self {
        let mut plan = Plan::lasting(seconds(lasting));
        plan.crowd_max = CROWD_MAX;
        plan.services = config.upstreams.iter().map(|upstream| service(config, upstream)).collect();
        let way = Network::symmetric(Distribution::Constant(config.assume.round_trip / 2));
        let place = |name: &str| config.upstreams.iter().position(|u| u.name == name);
        let instances = config.assume.gateways.max(1);
        let mut gateway = deployed::gateway(config, instances, |upstream| {
            Some((ServiceId(place(&upstream.name)?), way.clone()))
        });
        for upstream in &mut gateway.upstreams {
            // A finding is shown by itself. A hedge that saves a call would hide what it is about,
            // and L19, which is about hedges, says what they are.
            upstream.settings.hedge.mode = Mode::Off;
            let replicas = plan.services.get(upstream.service.0).map_or(0, |s| s.replicas);
            // More would not be run in any case.
            let described = replicas.min(u32::try_from(MACHINES_MAX).unwrap_or(u32::MAX));
            upstream.endpoints = deployed::repeated(&upstream.endpoints, described);
        }
        plan.gateway(gateway);
        Self { plan, calls: 0.0 }
    }

    /// Nothing counts before this time.
    pub(super) fn warm_up(mut self, until: f64) -> Self {
        self.plan.warmup = seconds(until);
        self
    }

    /// Calls of a route from the outside, so many a second.
    pub(super) fn load(self, route: usize, rate: f64) -> Self {
        self.load_of(Rate::constant(rate), Target::Route(GatewayId(0), RouteId(route)))
    }

    /// Calls of anything, at a rate that may change.
    pub(super) fn load_of(mut self, rate: Rate, target: Target) -> Self {
        let most = rate.points.iter().map(|(_, rate)| *rate).fold(0.0, f64::max);
        self.calls += most * self.plan.horizon.as_secs_f64();
        let arrivals = Arrivals::Open { rate, spacing: Spacing::Poisson };
        let name = format!("load {}", self.plan.loads.len());
        self.plan.loads.push(Load::new(&name, arrivals, Caller::of(target)));
        self
    }

    /// One gateway, whatever the number that is assumed.
    pub(super) fn alone(mut self) -> Self {
        self.plan.gateways.iter_mut().for_each(|gateway| gateway.instances = 1);
        self
    }

    /// Each job of a service calls a route of the gateway in turn.
    pub(super) fn link(self, upstream: usize, route: usize) -> Self {
        let target = Target::Route(GatewayId(0), RouteId(route));
        let caller = Caller { cancel: Cancel::OnTimeout, ..Caller::of(target) };
        let dependency = Dependency { caller, fan_out: 1, need: Need::All };
        self.service(upstream, |service| service.calls.push(dependency))
    }

    /// Edits a service.
    pub(super) fn service(mut self, place: usize, edit: impl FnOnce(&mut Service)) -> Self {
        if let Some(service) = self.plan.services.get_mut(place) {
            edit(service);
        }
        self
    }

    /// Edits the gateway.
    pub(super) fn gateway(mut self, edit: impl FnOnce(&mut Gateway)) -> Self {
        if let Some(gateway) = self.plan.gateways.first_mut() {
            edit(gateway);
        }
        self
    }

    /// Edits the load.
    pub(super) fn caller(mut self, edit: impl FnOnce(&mut Load)) -> Self {
        if let Some(load) = self.plan.loads.first_mut() {
            edit(load);
        }
        self
    }

    /// Something befalls replicas of a service from a time on, for so long.
    pub(super) fn befall(
        mut self,
        (service, which): (usize, Replicas),
        fault: Fault,
        (at, lasting): (f64, Option<f64>),
    ) -> Self {
        let victims = Victims::Replicas(ServiceId(service), which);
        let at = Instant::EPOCH.after(seconds(at));
        let disturbance = Disturbance::new(at, victims, fault);
        let disturbance = Disturbance { lasts: lasting.map(seconds), ..disturbance };
        self.plan.disturbances.push(disturbance);
        self
    }

    /// The plan, if it is small enough for a proof.
    pub(super) fn plan(self) -> Result<Plan, String> {
        if self.calls > CALLS_MAX {
            let calls = self.calls;
            return Err(format!("it needs {calls:.0} calls, and a proof has {CALLS_MAX} at most"));
        }
        let machines = machines(&self.plan);
        if machines > MACHINES_MAX {
            let most = MACHINES_MAX;
            return Err(format!("it needs {machines} machines, and a proof has {most} at most"));
        }
        Ok(self.plan)
    }
}

/// Replicas, and once more for each gateway that knows them.
fn machines(plan: &Plan) -> u64 {
    let replicas = plan.services.iter().map(|service| u64::from(service.replicas)).sum::<u64>();
    let gateways = plan.gateways.iter().map(|gateway| u64::from(gateway.instances)).sum::<u64>();
    replicas.saturating_mul(gateways.saturating_add(1))
}

/// The place of an upstream in its config, which is also that of its service.
pub(super) fn place(config: &Config, upstream: &str) -> usize {
    config.upstreams.iter().position(|u| u.name == upstream).unwrap_or_default()
}

/// The place of a route in its config.
pub(super) fn route_place(config: &Config, route: &str) -> usize {
    config.routes.iter().position(|r| r.name == route).unwrap_or_default()
}

/// What is assumed behind an upstream.
fn service(config: &Config, upstream: &UpstreamConfig) -> Service {
    let facts = upstream_facts(config, &upstream.name);
    let mut service = Service::new(&upstream.name, server(&facts));
    service.replicas = replicas(config, upstream);
    let zones = upstream.endpoints.iter().map(|endpoint| endpoint.zone.clone());
    service.zones = zones.collect::<Option<Vec<_>>>().unwrap_or_default();
    service
}

fn server(facts: &UpstreamFacts) -> Server {
    if let Some(slowdown) = facts.slowdown {
        let alone = Distribution::Constant(slowdown.alone);
        let slowdown = Slowdown::PerJob(slowdown.each);
        return Server { slowdown, ..Server::unlimited(alone) };
    }
    let mean = facts.latency.mean_seconds().unwrap_or_else(|| USUAL.as_secs_f64());
    let mut server = match (facts.workers, facts.capacity) {
        (None, None) => Server::unlimited(time(facts)),
        (Some(workers), None) => Server::new(workers, time(facts)),
        (workers, Some(capacity)) => {
            let workers = workers.unwrap_or_else(|| whole((capacity * mean).round())).max(1);
            let each = f64::from(workers) / capacity;
            Server::new(workers, Distribution::Exponential(seconds(each)))
        }
    };
    server.queue = facts.queue.and_then(|queue| usize::try_from(queue).ok());
    server.discipline = match facts.order {
        Some(QueueOrder::Lifo) => Discipline::Lifo,
        _ => Discipline::Fifo,
    };
    server
}

/// By the quantiles where there are some, or else without memory.
fn time(facts: &UpstreamFacts) -> Distribution {
    if let Some(spread) = facts.latency.spread() {
        let [p50, p99] = [50, 99].map(|percent| spread.quantile(Ratio::from_percent(percent)));
        return Distribution::between(seconds(p50), seconds(p99));
    }
    let mean = facts.latency.mean_seconds().map_or(USUAL, seconds);
    Distribution::Exponential(mean)
}
