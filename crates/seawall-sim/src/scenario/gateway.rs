//! From a config to the gateway of a world, and from policy files to its stand-ins.

use seawall_config::{Config, PolicySettings};
use seawall_core::balance::EndpointInfo;

use super::event::Reloaded;
use super::place::{Gateways, Ways};
use super::service::Section;
use crate::deployed;
use crate::plan::{Cancel, Gateway, Protected, Route, Service, ServiceId};

/// The gateway of a config: its upstreams whose behaviour the scenario describes, and the routes
/// that lead to them.
pub(super) fn build(config: &Config, sections: &[Section], shared: Gateways) -> Gateway {
    let section = |name: &str| sections.iter().position(|s| s.service.name == name);
    let mut gateway = deployed::gateway(config, shared.instances, |upstream| {
        let place = section(&upstream.name)?;
        Some((ServiceId(place), sections.get(place)?.network.clone()))
    });
    for upstream in &mut gateway.upstreams {
        upstream.cancel = shared.cancel;
        let replicas = sections.get(upstream.service.0).map_or(0, |s| s.service.replicas);
        upstream.endpoints = deployed::repeated(&upstream.endpoints, replicas);
    }
    gateway
}

/// Another config in the places of this gateway.
pub(super) fn reload(
    (old, shared): (&Gateway, Gateways),
    config: &Config,
    sections: &[Section],
) -> Reloaded {
    let new = build(config, sections, shared);
    if let Some(missing) = old.upstreams.iter().find(|u| config.upstream(&u.name).is_none()) {
        return Err(format!("{} has no upstream \"{}\"", config.file, missing.name));
    }
    let same = |old: &Route| {
        let found = new.routes.iter().find(|route| route.name == old.name).cloned();
        found.ok_or_else(|| format!("{} has no route \"{}\"", config.file, old.name))
    };
    let routes: Result<Vec<Route>, String> = old.routes.iter().map(same).collect();
    Ok((new.upstreams, routes?))
}

/// A program that calls a service through a policy of the library: a gateway of one route in the
/// same process.
pub(super) fn policy(
    (name, instances): (&str, u32),
    settings: PolicySettings,
    (service, id): (&Service, ServiceId),
    ways: &Ways,
) -> Gateway {
    let listed = settings.endpoints.unwrap_or_default();
    let infos: Vec<EndpointInfo> = listed.iter().map(|(_, info)| *info).collect();
    let protected = Protected {
        name: service.name.clone(),
        settings: settings.upstream,
        overrides: settings.overrides,
        service: id,
        endpoints: deployed::repeated(&infos, service.replicas),
        network: ways.upstream.clone(),
        cancel: Cancel::OnTimeout,
        checks: None,
    };
    let (settings, priority) = (settings.call, settings.priority);
    let route = Route { name: name.to_owned(), upstream: 0, settings, priority };
    Gateway { name: name.to_owned(), instances, upstreams: vec![protected], routes: vec![route] }
}
