//! Gateways: where the machines of the core stand. Several instances of one know nothing of each
//! other.

use seawall_core::balance::EndpointInfo;
use seawall_core::call::CallSettings;
use seawall_core::outcome::Overrides;
use seawall_core::shed::Class;
use seawall_core::time::Duration;
use seawall_core::upstream::UpstreamSettings;

use super::{Cancel, Network, ServiceId};

/// The place of a gateway in its plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct GatewayId(pub usize);

/// The place of a route in its gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RouteId(pub usize);

/// A gateway.
#[derive(Clone, Debug)]
pub struct Gateway {
    /// Its name in reports.
    pub name: String,
    /// Instances; a call takes any of them.
    pub instances: u32,
    /// What it protects.
    pub upstreams: Vec<Protected>,
    /// What it is asked for.
    pub routes: Vec<Route>,
}

impl Gateway {
    /// One instance with one route, to one upstream.
    #[must_use]
    pub fn before(upstream: Protected, calls: CallSettings) -> Self {
        let (name, priority) = ("/".to_owned(), Class::Normal);
        Self {
            name: "edge".to_owned(),
            instances: 1,
            upstreams: vec![upstream],
            routes: vec![Route { name, upstream: 0, settings: calls, priority }],
        }
    }
}

/// An upstream of a gateway, in front of a service of the world.
#[derive(Clone, Debug)]
pub struct Protected {
    /// Its name in reports.
    pub name: String,
    /// The settings of its machines.
    pub settings: UpstreamSettings,
    /// Statuses judged otherwise than by the table.
    pub overrides: Overrides,
    /// The service; each replica is an endpoint.
    pub service: ServiceId,
    /// What is known of the endpoints, in the order of the replicas; missing ones are ordinary.
    pub endpoints: Vec<EndpointInfo>,
    /// The way to the replicas.
    pub network: Network,
    /// Whether a replica learns that it is no longer waited for.
    pub cancel: Cancel,
    /// Active health checks: every so long, waiting so long for an answer.
    pub checks: Option<(Duration, Duration)>,
}

impl Protected {
    /// A service with policies as they are by default, right beside its gateway, which tells a
    /// replica when it is no longer waited for and checks none.
    #[must_use]
    pub fn new(name: &str, service: ServiceId) -> Self {
        Self {
            name: name.to_owned(),
            settings: UpstreamSettings::default(),
            overrides: Overrides::default(),
            service,
            endpoints: Vec::new(),
            network: Network::NONE,
            cancel: Cancel::OnTimeout,
            checks: None,
        }
    }
}

/// A route.
#[derive(Clone, Debug)]
pub struct Route {
    /// Its name in reports.
    pub name: String,
    /// Its upstream, by its place in the gateway.
    pub upstream: usize,
    /// How its calls are made.
    pub settings: CallSettings,
    /// How important they are where the caller does not say.
    pub priority: Class,
}
