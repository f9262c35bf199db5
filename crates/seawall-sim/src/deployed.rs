//! A gateway as its config file deploys it: what is rehearsed is what runs.
//!
//! What the config cannot know, such as how services behave, comes from a scenario or a record.

use seawall_config::{Config, HealthCheckConfig, RouteConfig, UpstreamConfig};

use seawall_core::balance::EndpointInfo;

use crate::plan::{Cancel, Gateway, Network, Protected, Route, ServiceId};

/// Attempts in flight where a config has a bulkhead without a number: a gateway derives it from the
/// limits of its process, which a simulation has not. The number is what a process with the usual
/// thousand descriptors comes to.
const DERIVED_PERMITS: u32 = 512;

/// What a gateway does by this config, `instances` of it. `service` says what stands behind an
/// upstream and how far away; where it says nothing, the upstream and the routes to it are left
/// out. Both keep the order of the file.
pub fn gateway(
    config: &Config,
    instances: u32,
    mut service: impl FnMut(&UpstreamConfig) -> Option<(ServiceId, Network)>,
) -> Gateway {
    let upstreams = config.upstreams.iter().filter_map(|upstream| {
        let (service, network) = service(upstream)?;
        Some(protected(upstream, service, network))
    });
    let upstreams: Vec<Protected> = upstreams.collect();
    let place =
        |route: &RouteConfig| upstreams.iter().position(|upstream| upstream.name == route.upstream);
    let routes = config.routes.iter().filter_map(|route| {
        Some(Route {
            name: route.name.clone(),
            upstream: place(route)?,
            settings: route.policy.call_settings(),
            priority: route.policy.priority,
        })
    });
    let routes = routes.collect();
    Gateway { name: "gateway".to_owned(), instances, upstreams, routes }
}

fn protected(upstream: &UpstreamConfig, service: ServiceId, network: Network) -> Protected {
    let checks = upstream.health_check.as_ref();
    Protected {
        name: upstream.name.clone(),
        settings: upstream.settings(DERIVED_PERMITS),
        overrides: upstream.overrides.clone(),
        service,
        endpoints: upstream.endpoints.iter().map(|endpoint| endpoint.info).collect(),
        network,
        // The gateway closes the connection, or resets the stream, of what it gives up.
        cancel: Cancel::OnTimeout,
        checks: checks.map(|check: &HealthCheckConfig| (check.every, check.timeout)),
    }
}

/// What is known of each replica of a service, in turn where there are more of them than endpoints.
#[must_use]
pub fn repeated(infos: &[EndpointInfo], replicas: u32) -> Vec<EndpointInfo> {
    infos.iter().copied().cycle().take(replicas as usize).collect()
}

#[cfg(test)]
mod tests {
    use seawall_core::time::Duration;

    use super::*;

    #[test]
    fn a_config_is_taken_over_whole() {
        let text = "[upstreams.a]\nendpoints = [\"127.0.0.1:1\", \"127.0.0.1:2\"]\n\
                    health_check = { tcp = true, every = \"3s\" }\n\
                    [upstreams.b]\nendpoints = [\"127.0.0.1:3\"]\n\
                    [[routes]]\npath = \"/b\"\nupstream = \"b\"\nretry = \"off\"\n\
                    [[routes]]\npath = \"/a\"\nupstream = \"a\"\n";
        let config = Config::parse(text, "a.toml").expect("a config without mistakes");
        let mut number = 0;
        let gateway = gateway(&config, 4, |_| {
            number += 1;
            Some((ServiceId(number), Network::NONE))
        });
        let upstreams = gateway.upstreams.iter().map(|upstream| upstream.service.0);
        assert_eq!((gateway.instances, upstreams.collect::<Vec<_>>()), (4, vec![1, 2]));
        assert_eq!(
            gateway.upstreams[0].checks.map(|(every, _)| every),
            Some(Duration::from_secs(3))
        );
        assert_eq!(gateway.upstreams[0].endpoints.len(), 2);
        let routes =
            gateway.routes.iter().map(|route| (route.upstream, route.settings.max_attempts));
        assert_eq!(routes.collect::<Vec<_>>(), [(1, 1), (0, 3)]);
    }
}
