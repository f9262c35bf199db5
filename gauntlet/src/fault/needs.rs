//! What faults need of a host, and why it cannot be had: asked before a run starts.

use crate::arena::Ground;
use crate::peer::Product;
use crate::scenario::{Fault, Scenario};

use super::{packets, quota};

/// What this host can do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Host {
    /// How seats are kept apart.
    pub ground: Ground,
    /// Why packets cannot be dropped.
    pub packets: Option<String>,
    /// Why processors cannot be shared out.
    pub quotas: Option<String>,
}

impl Host {
    /// Looks at this host.
    #[must_use]
    pub fn look(ground: Ground) -> Self {
        let nft = ["/usr/sbin/nft", "/sbin/nft", "/usr/bin/nft"];
        let has_nft = nft.iter().any(|path| std::path::Path::new(path).exists());
        let packets = match ground {
            Ground::Loopback => Some("needs network namespaces, and so root".to_owned()),
            Ground::Namespaces if !has_nft => Some("needs the program nft".to_owned()),
            Ground::Namespaces => None,
        };
        Self { ground, packets, quotas: quota::missing() }
    }
}

/// Why a scenario cannot be run with a product on a host; none where it can.
#[must_use]
pub fn unmet(scenario: &Scenario, product: Product, host: &Host) -> Option<String> {
    let mut faults = scenario.faults.iter().map(|disturbance| &disturbance.fault);
    faults.find_map(|fault| match fault {
        // No product's config here names its endpoints by anything but their addresses.
        Fault::Dns(_) => {
            Some("lacks discovery: endpoints are given as addresses, not names".into())
        }
        Fault::Registry(_) => Some("lacks discovery: no registry tells it its endpoints".into()),
        Fault::GatewayKilled | Fault::GatewayUpgraded | Fault::GatewayReloaded
            if product == Product::Direct =>
        {
            Some("there is no gateway to restart".to_owned())
        }
        Fault::GatewayUpgraded if product == Product::Seawall => {
            Some("lacks a hand-over: it cannot give its listeners to a new process".to_owned())
        }
        Fault::StarvedCpu { .. } => host.quotas.clone(),
        // It comes and goes by the same means.
        Fault::Flapping { .. } => host.packets.clone(),
        fault if packets::rules(fault).is_some() => host.packets.clone(),
        _ => None,
    })
}
