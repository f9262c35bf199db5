//! `[network]` and `[gateways]`: what lies between callers and called.

use seawall_config::reader::{TableReader, or};

use super::time;
use crate::plan::{Cancel, Network};

/// The ways of a scenario, each way the same for all who take it.
#[derive(Clone, Debug)]
pub(super) struct Ways {
    /// From loads to whatever they call.
    pub(super) client: Network,
    /// From gateways and policies to upstreams.
    pub(super) upstream: Network,
    /// From services to what they call.
    pub(super) service: Network,
}

impl Ways {
    /// Reads `[network]`; everything is near where it says nothing.
    pub(super) fn read(root: &mut TableReader<'_>) -> Self {
        let ways = root.table("network", |t| {
            let all = read_way(t, "all").unwrap_or(Network::NONE);
            Self {
                client: read_way(t, "client").unwrap_or_else(|| all.clone()),
                upstream: read_way(t, "upstream").unwrap_or_else(|| all.clone()),
                service: read_way(t, "service").unwrap_or(all),
            }
        });
        let near = Network::NONE;
        ways.unwrap_or_else(|| Self { client: near.clone(), upstream: near.clone(), service: near })
    }
}

/// A way: one leg for both directions, or `{ there = …, back = … }`.
pub(super) fn read_way(table: &mut TableReader<'_>, key: &'static str) -> Option<Network> {
    let element = table.element(key)?;
    let both = element.is_table().then(|| element.table(|t| t.has("there") || t.has("back")));
    if both.flatten() != Some(true) {
        return time::read(table, key).map(Network::symmetric);
    }
    element.table(|t| {
        let there = time::read(t, "there");
        let back = time::read(t, "back");
        let (there, back) = match (there, back) {
            (Some(there), back) => (there.clone(), back.unwrap_or(there)),
            (None, Some(back)) => (back.clone(), back),
            (None, None) => return Network::NONE,
        };
        Network { there, back }
    })
}

/// What `[gateways]` says.
#[derive(Clone, Copy, Debug)]
pub(super) struct Gateways {
    pub(super) instances: u32,
    pub(super) cancel: Cancel,
}

/// Instances of one gateway; each has machines of its own.
const INSTANCES_MAX: u32 = 10_000;

impl Gateways {
    /// One instance that tells its upstreams when it no longer waits, as the gateway does.
    pub(super) fn read(root: &mut TableReader<'_>) -> Self {
        let read = root.table("gateways", |t| {
            let instances = or(t.count("instances", 1..=INSTANCES_MAX, "2"), 1);
            let tells = or(t.flag("cancel", "true"), true);
            Self { instances, cancel: if tells { Cancel::OnTimeout } else { Cancel::Never } }
        });
        read.unwrap_or(Self { instances: 1, cancel: Cancel::OnTimeout })
    }
}
