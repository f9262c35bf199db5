//! What a world is made of, as plain data. Scenario files are read into a plan, and models in
//! programs build one directly.
//!
//! Parts refer to each other by their place in the lists of the plan ([`ServiceId`],
//! [`RouteId`]). What a plan does is in `world`.

mod caller;
mod disturbance;
mod gateway;
mod load;
mod service;

pub use caller::{Caller, Cancel, Guard, Pick, Pool};
pub use disturbance::{Disturbance, Replicas, Side, Starts, Trigger, Victims, Watched};
pub use gateway::{Gateway, GatewayId, Protected, Route, RouteId};
pub use load::{Arrivals, Ending, Load, Pace, Rate, Shape, Spacing};
pub use seawall_core::fault::{Direction, Fault, Shape as Course};
pub use service::{
    Abandoned, Cache, Dependency, Discipline, Eviction, Expired, Holding, Need, Server, Service,
    ServiceId, Slowdown, Weather,
};

use seawall_core::time::{Duration, Instant};

use crate::dist::Distribution;

/// A world to be run.
#[derive(Clone, Debug)]
pub struct Plan {
    /// How long the world lasts.
    pub horizon: Duration,
    /// Calls that begin earlier count nowhere but in the timeline.
    pub warmup: Duration,
    /// What becomes of calls that are under way at the horizon.
    pub ending: Ending,
    /// Buckets of the timeline, each of the same length.
    pub buckets: u32,
    /// Calls, jobs and events that may exist at once. Beyond it the run ends as unstable: its
    /// queues grow without bound, and so would the memory of this process.
    pub crowd_max: usize,
    /// Who calls.
    pub loads: Vec<Load>,
    /// Where Seawall stands between.
    pub gateways: Vec<Gateway>,
    /// What is called.
    pub services: Vec<Service>,
    /// What befalls the world.
    pub disturbances: Vec<Disturbance>,
}

/// A million things under way are some hundred megabytes, and no service that works has them.
pub const CROWD_MAX: usize = 1_000_000;

impl Plan {
    /// An empty world that lasts so long.
    #[must_use]
    pub const fn lasting(horizon: Duration) -> Self {
        Self {
            horizon,
            warmup: Duration::ZERO,
            ending: Ending::Cut,
            buckets: 120,
            crowd_max: CROWD_MAX,
            loads: Vec::new(),
            gateways: Vec::new(),
            services: Vec::new(),
            disturbances: Vec::new(),
        }
    }

    /// When the last disturbance ends, if that is known beforehand.
    #[must_use]
    pub fn quiet(&self) -> Option<Instant> {
        let ends = self.disturbances.iter().map(|disturbance| Some(disturbance.span()?.1));
        let ends: Option<Vec<Instant>> = ends.collect();
        ends.map(|ends| ends.into_iter().max().unwrap_or(Instant::EPOCH))
    }

    /// Adds a service.
    pub fn service(&mut self, service: Service) -> ServiceId {
        self.services.push(service);
        ServiceId(self.services.len() - 1)
    }

    /// Adds a gateway.
    pub fn gateway(&mut self, gateway: Gateway) -> GatewayId {
        self.gateways.push(gateway);
        GatewayId(self.gateways.len() - 1)
    }
}

/// The way between a caller and what it calls.
#[derive(Clone, Debug, PartialEq)]
pub struct Network {
    /// From the caller to the called.
    pub there: Distribution,
    /// And back.
    pub back: Distribution,
}

impl Network {
    /// No distance.
    pub const NONE: Self = Self { there: Distribution::NONE, back: Distribution::NONE };

    /// Both legs alike.
    #[must_use]
    pub fn symmetric(leg: Distribution) -> Self {
        Self { there: leg.clone(), back: leg }
    }
}

/// What a caller calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// A service, whose replicas the caller chooses from by itself.
    Service(ServiceId),
    /// A route of a gateway.
    Route(GatewayId, RouteId),
}
