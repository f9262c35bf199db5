//! The first line of a record, and the tables by which its calls are read.

use serde::{Deserialize, Serialize};

use super::{Hex, Micros, TABLE_MAX, VERSION};
use crate::Config;

/// What a record is and where it began.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// The version of the format.
    pub version: u32,
    /// The wall clock at the start of the record, in microseconds since the Unix epoch. Every other
    /// time is monotonic and counts from here.
    pub started_unix_us: u64,
    /// What was in force at the start.
    #[serde(flatten)]
    pub tables: Tables,
}

/// The config in force, as far as a replay must know it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tables {
    /// [`Config::hash`]: whether two records, or a record and a file, are of the same config.
    pub config: Hex,
    /// Routes, in the order of the file.
    pub routes: Vec<RouteEntry>,
    /// Upstreams, in the order of the file.
    pub upstreams: Vec<UpstreamEntry>,
}

/// A route.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RouteEntry {
    /// Its name.
    pub name: String,
    /// The name of its upstream.
    pub upstream: String,
}

/// An upstream.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UpstreamEntry {
    /// Its name.
    pub name: String,
    /// How many endpoints it has.
    pub endpoints: u32,
}

impl Header {
    /// The header of a record of this version.
    #[must_use]
    pub const fn new(started_unix_us: u64, tables: Tables) -> Self {
        Self { version: VERSION, started_unix_us, tables }
    }

    /// The wall clock at a moment of the record, in microseconds since the Unix epoch.
    #[must_use]
    pub const fn unix_us(&self, at: Micros) -> u64 {
        self.started_unix_us.saturating_add(at.0)
    }
}

impl Tables {
    /// What a record must know of `config`.
    #[must_use]
    pub fn of(config: &Config) -> Self {
        let routes = config
            .routes
            .iter()
            .map(|route| RouteEntry { name: route.name.clone(), upstream: route.upstream.clone() });
        let upstreams = config.upstreams.iter().map(|upstream| UpstreamEntry {
            name: upstream.name.clone(),
            endpoints: u32::try_from(upstream.endpoints.len()).unwrap_or(u32::MAX),
        });
        let (routes, upstreams) = (routes.collect(), upstreams.collect());
        Self { config: Hex(config.hash()), routes, upstreams }
    }

    /// What is wrong with them, if something is.
    pub(super) fn mistake(&self) -> Option<String> {
        let (routes, upstreams) = (self.routes.len(), self.upstreams.len());
        if routes > TABLE_MAX || upstreams > TABLE_MAX {
            let most = TABLE_MAX;
            return Some(format!("{routes} routes, {upstreams} upstreams: above {most} of a kind"));
        }
        let names: std::collections::BTreeSet<&str> =
            self.upstreams.iter().map(|upstream| &*upstream.name).collect();
        let lost = self.routes.iter().find(|route| !names.contains(&*route.upstream));
        lost.map(|RouteEntry { name, upstream }| {
            format!("route {name:?} goes to the upstream {upstream:?}, which is not listed")
        })
    }
}
