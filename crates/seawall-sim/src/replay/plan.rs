//! The world of a replay: the recorded calls, the gateway of a config, services from the tape.

use seawall_config::{Config, RouteConfig, UpstreamConfig};
use seawall_core::time::Duration;

use super::read::RouteCalls;
use super::{Note, Recording, ReplayError};
use crate::deployed;
use crate::dist::Distribution;
use crate::plan::{
    Abandoned, Arrivals, Caller, Cancel, GatewayId, Load, Network, Plan, RouteId, Server, Service,
    ServiceId, Target,
};
use crate::trace::{Recorded, Trace};

/// A day to be lived again under a config.
#[derive(Clone, Debug)]
pub struct Replay {
    /// The world.
    pub plan: Plan,
    /// What must be known of the result.
    pub notes: Vec<Note>,
    /// The route in the recording of each load.
    pub(super) routes: Vec<usize>,
}

/// How long the world goes on where no route bounds its calls.
const GRACE: Duration = Duration::from_secs(60);

impl Recording {
    /// The recorded calls under `config`: they arrive when they did and are what they were; its
    /// gateway takes them, and services do what was recorded of them.
    ///
    /// # Errors
    /// [`ReplayError::NothingLeft`] if none of its routes is in the config.
    pub fn replay(&self, config: &Config) -> Result<Replay, ReplayError> {
        let mut replay = Replay {
            plan: Plan::lasting(self.end.since(seawall_core::time::Instant::EPOCH) + grace(config)),
            notes: self.notes.clone(),
            routes: Vec::new(),
        };
        if self.is_of(config.hash()) {
            replay.notes.push(Note::SameConfig);
        }
        let origins: Vec<_> = config.upstreams.iter().map(|of| self.origin(config, of)).collect();
        self.add_services(&mut replay, config, &origins);
        add_gateway(&mut replay, config);
        for (number, route) in self.routes.iter().enumerate() {
            match place_of(config, route, &origins) {
                Ok(place) => replay.add_load(route, (number, place)),
                Err(note) => replay.notes.push(note),
            }
        }
        if replay.plan.loads.is_empty() {
            return Err(ReplayError::NothingLeft);
        }
        Ok(replay)
    }

    /// The recorded upstream that one of the config behaves as: the one of its name, or else the
    /// one that a route of it went to.
    fn origin(&self, config: &Config, of: &UpstreamConfig) -> Option<u32> {
        let known = |at: &u32| self.upstreams.get(*at as usize).is_some_and(|s| s.attempts > 0);
        let mut named = (0..).zip(&self.upstreams).filter(|(_, seen)| *seen.name == *of.name);
        let own = named.next().map(|(number, _)| number);
        let mut routes = config.routes.iter().filter(|route| route.upstream == of.name);
        own.filter(known).or_else(|| {
            routes.find_map(|route| {
                let calls = self.routes.iter().find(|calls| *calls.name == *route.name)?;
                Some(calls.upstream).filter(known)
            })
        })
    }

    fn add_services(&self, replay: &mut Replay, config: &Config, origins: &[Option<u32>]) {
        let pairs = || config.upstreams.iter().zip(origins);
        let wanted = pairs().filter_map(|(upstream, origin)| {
            let had = self.upstreams.get((*origin)? as usize)?.endpoints;
            Some(((*origin)?, had.min(endpoints(upstream))))
        });
        let mut traces = Trace::of(&self.tape, &wanted.collect::<Vec<_>>()).into_iter();
        for (upstream, origin) in pairs() {
            let trace = origin.and_then(|_| traces.next());
            if let (Some(trace), Some(origin)) = (&trace, origin) {
                self.note_service(replay, upstream, (*origin, trace));
            }
            let mut server = Server::unlimited(Distribution::NONE);
            // What nobody waits for any longer would otherwise be kept to the end of the world.
            server.abandoned = Abandoned::Stops;
            replay.plan.service(Service {
                replicas: endpoints(upstream),
                trace: trace.map(Into::into),
                ..Service::new(&upstream.name, server)
            });
        }
    }

    fn note_service(
        &self,
        replay: &mut Replay,
        upstream: &UpstreamConfig,
        (origin, trace): (u32, &Trace),
    ) {
        let Some(seen) = self.upstreams.get(origin as usize) else { return };
        let (name, has) = (upstream.name.clone(), endpoints(upstream));
        if *seen.name != *name {
            let like = seen.name.clone();
            replay.notes.push(Note::Behaves { upstream: name.clone(), like });
        }
        if seen.endpoints != has {
            let had = seen.endpoints;
            replay.notes.push(Note::Endpoints { upstream: name.clone(), had, has });
        }
        let (given_up, of) = trace.given_up();
        if given_up > 0 {
            replay.notes.push(Note::GivenUp { upstream: name, given_up, of });
        }
    }
}

impl Replay {
    fn add_load(&mut self, route: &RouteCalls, (number, place): (usize, usize)) {
        let target = Target::Route(GatewayId(0), RouteId(place));
        // Whoever left tells the gateway so, by closing the connection.
        let caller = Caller { cancel: Cancel::OnTimeout, ..Caller::of(target) };
        let arrivals = Arrivals::Replay(route.arrivals.clone());
        let mut load = Load::new(&route.name, arrivals, caller);
        let calls = route.calls.clone();
        load.recorded = u32::try_from(number).ok().map(|route| Recorded { route, calls });
        self.plan.loads.push(load);
        self.routes.push(number);
    }
}

fn add_gateway(replay: &mut Replay, config: &Config) {
    let mut next = 0;
    let mut gateway = deployed::gateway(config, 1, |_| {
        next += 1;
        Some((ServiceId(next - 1), Network::NONE))
    });
    for upstream in &mut gateway.upstreams {
        if upstream.checks.take().is_some() {
            replay.notes.push(Note::ChecksOff(upstream.name.clone()));
        }
    }
    replay.plan.gateway(gateway);
}

/// The place of a recorded route in the config.
fn place_of(config: &Config, route: &RouteCalls, origins: &[Option<u32>]) -> Result<usize, Note> {
    let named = |of: &RouteConfig| *of.name == *route.name;
    let calls = route.tally.calls;
    let Some(place) = config.routes.iter().position(named) else {
        return Err(Note::UnknownRoute { route: route.name.clone(), calls });
    };
    let upstream = config.routes.get(place).map(|route| route.upstream.clone());
    let upstream = upstream.unwrap_or_default();
    let index = config.upstreams.iter().position(|of| of.name == upstream);
    let is_known = index.and_then(|index| origins.get(index)).is_some_and(Option::is_some);
    if is_known {
        Ok(place)
    } else {
        Err(Note::UnknownUpstream { route: route.name.clone(), upstream, calls })
    }
}

fn endpoints(upstream: &UpstreamConfig) -> u32 {
    u32::try_from(upstream.endpoints.len()).unwrap_or(u32::MAX).max(1)
}

/// How long after the last recorded end a call may still run.
fn grace(config: &Config) -> Duration {
    let totals = config.routes.iter().filter_map(|route| route.policy.call_settings().total);
    totals.max().unwrap_or(GRACE).max(GRACE)
}
