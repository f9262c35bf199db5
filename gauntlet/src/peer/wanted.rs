//! What a run wants of a product: the task, which is the same for all of them.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use crate::scenario::Checks;

use super::Settings;

/// The task of a product.
#[derive(Clone, Debug, PartialEq)]
pub struct Wanted {
    /// Which of its configs.
    pub settings: Settings,
    /// Where it listens.
    pub listen: SocketAddr,
    /// The replicas that it has.
    pub endpoints: Vec<SocketAddr>,
    /// Replicas of one route alone, where a scenario watches collateral harm.
    pub aside: Option<Aside>,
    /// Whether it does active health checks, where it can.
    pub checks: Checks,
    /// By when a call has to end, where that can be said.
    pub deadline: Duration,
    /// Whom clients come from: products that believe a caller's deadline believe this one.
    pub client: IpAddr,
    /// What is spoken on both sides, where the product can.
    pub protocol: Protocol,
    /// What is switched on beside the usual.
    pub extras: Extras,
    /// Its program, in place of the one that is installed, fetched or built.
    pub program: Option<PathBuf>,
    /// Where it tells of itself, where the product does so; anywhere without.
    pub admin: Option<SocketAddr>,
}

/// Replicas of their own for one route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Aside {
    /// The path of the route without a slash at its end, `/r2`.
    pub path: String,
    /// Its replicas.
    pub endpoints: Vec<SocketAddr>,
}

/// What is spoken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Protocol {
    /// HTTP/1.1 with keep-alive.
    #[default]
    Http1,
    /// HTTP/2 with prior knowledge.
    Http2,
}

/// What is switched on beside the usual. Only Seawall has an answer to it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Extras {
    /// Nothing.
    #[default]
    None,
    /// A rate limit that is never reached, and a line of log for each call.
    LimitAndLog,
}

impl Wanted {
    /// The usual task: HTTP/1.1, a deadline of 2 s, no checks, clients on loopback.
    #[must_use]
    pub const fn new(settings: Settings, listen: SocketAddr, endpoints: Vec<SocketAddr>) -> Self {
        Self {
            settings,
            listen,
            endpoints,
            aside: None,
            checks: Checks::Off,
            deadline: Duration::from_secs(2),
            client: IpAddr::V4(Ipv4Addr::LOCALHOST),
            protocol: Protocol::Http1,
            extras: Extras::None,
            program: None,
            admin: None,
        }
    }
}
