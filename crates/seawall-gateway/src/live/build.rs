//! Building a generation from a config, on top of the one before: everything that was learned
//! under a name is kept.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderValue, Method, StatusCode};

use seawall_config::{Config, PoolConfig, Protocol, RouteConfig, UpstreamConfig};
use seawall_core::call::Context;
use seawall_core::rng::Stream;
use seawall_core::time::Instant;
use seawall_core::upstream::{EndpointName, Upstream};
use seawall_upstream::h2::StreamSettings;
use seawall_upstream::{PoolProtocol, PoolSettings};

use super::{Live, Route, Router, StaticRung};
use crate::meters::RouteMeters;
use crate::resources::Resources;
use crate::upstreams::{Directory, EndpointInfo, SharedUpstream};

/// What building needs besides the config.
pub(crate) struct Site<'a> {
    /// The time of the change.
    pub(crate) now: Instant,
    /// Chance, for the phases of windows.
    pub(crate) rng: &'a mut Stream,
    /// The limits of the process.
    pub(crate) resources: Resources,
    /// How many workers share a pool's cap.
    pub(crate) workers: usize,
}

/// Builds the generation after `previous`. Nothing in it can fail: a config that exists can work.
pub(crate) fn build(config: Config, previous: Option<&Live>, site: &mut Site<'_>) -> Live {
    let upstreams: Vec<_> =
        config.upstreams.iter().map(|upstream| keep_or_make(upstream, previous, site)).collect();
    let routes = routes(&config, &upstreams, previous, site);
    let router = Router::new(&routes);
    let generation = previous.map_or(1, |live| live.generation + 1);
    Live { generation, config, router, routes, upstreams }
}

fn keep_or_make(
    config: &UpstreamConfig,
    previous: Option<&Live>,
    site: &mut Site<'_>,
) -> Arc<SharedUpstream> {
    let settings = config.settings(site.resources.attempts());
    let known = previous
        .and_then(|live| live.upstreams.iter().find(|known| **known.name() == *config.name));
    let upstream = match known {
        Some(known) => Arc::clone(known),
        None => {
            let machine = Upstream::new(settings, site.now, site.rng);
            Arc::new(SharedUpstream::new(Arc::from(config.name.as_str()), machine, site.now))
        }
    };
    // Raised limits may serve some who wait already.
    let reconfigure =
        |ctx: &mut Context<'_, _, _>| ctx.upstream.reconfigure(settings, site.now, ctx.sink);
    let ((), after) = upstream.step(site.now, site.rng, reconfigure);
    after.wake();
    place_endpoints(&upstream, config, site);
    upstream
}

/// Registers the endpoints. Those that leave stay in the directory for as long as the machine knows
/// them: calls that have chosen them must find them.
fn place_endpoints(upstream: &SharedUpstream, config: &UpstreamConfig, site: &mut Site<'_>) {
    let described: Vec<_> = config
        .endpoints
        .iter()
        .map(|endpoint| (EndpointName::from(&*endpoint.name), endpoint.info))
        .collect();
    let mut locked = upstream.lock();
    locked.machine.set_overrides(config.overrides.clone());
    let placed = locked.machine.set_described(&described, site.now, site.rng);
    let before = upstream.directory();
    let known: HashMap<_, _> = before.iter().collect();
    let leaving: Vec<_> = known
        .iter()
        .filter(|(id, _)| locked.machine.name(**id).is_some())
        .map(|(id, info)| (*id, Arc::clone(info)))
        .collect();
    let entries = placed.into_iter().zip(&config.endpoints).map(|((_, id), endpoint)| {
        let info = known.get(&id).filter(|info| info.address == endpoint.address);
        let info = info.map_or_else(|| Arc::new(describe(endpoint)), |info| Arc::clone(info));
        (id, info)
    });
    upstream.set_directory(Directory::new(leaving.into_iter().chain(entries).collect()));
}

fn describe(endpoint: &seawall_config::EndpointConfig) -> EndpointInfo {
    EndpointInfo {
        name: Arc::from(endpoint.name.as_str()),
        address: endpoint.address,
        zone: endpoint.zone.clone(),
    }
}

/// In order of precedence within each host.
fn routes(
    config: &Config,
    upstreams: &[Arc<SharedUpstream>],
    previous: Option<&Live>,
    site: &Site<'_>,
) -> Vec<Arc<Route>> {
    let find = |name: &str| upstreams.iter().find(|upstream| **upstream.name() == *name);
    let mut routes: Vec<Arc<Route>> = config
        .routes
        .iter()
        .filter_map(|route| {
            let upstream = Arc::clone(find(&route.upstream)?);
            let pool = pool(config.upstream(&route.upstream)?, site.workers);
            let meters = meters(&route.name, previous);
            Some(Arc::new(make_route(route, upstream, pool, meters)))
        })
        .collect();
    debug_assert_eq!(routes.len(), config.routes.len(), "every route names a known upstream");
    routes.sort_by_key(|route| (route.host.is_none(), std::cmp::Reverse(route.path.len())));
    routes
}

fn meters(name: &str, previous: Option<&Live>) -> Arc<RouteMeters> {
    let known = previous.and_then(|live| live.routes.iter().find(|route| *route.name == *name));
    known.map(|route| Arc::clone(&route.meters)).unwrap_or_default()
}

fn make_route(
    config: &RouteConfig,
    upstream: Arc<SharedUpstream>,
    pool: PoolProtocol,
    meters: Arc<RouteMeters>,
) -> Route {
    let policy = &config.policy;
    Route {
        name: Arc::from(config.name.as_str()),
        host: config.host.clone(),
        path: config.path.clone(),
        methods: config
            .methods
            .iter()
            .filter_map(|m| Method::from_bytes(m.as_bytes()).ok())
            .collect(),
        upstream,
        settings: policy.call_settings(),
        priority: policy.priority,
        affinity: config.affinity.as_deref().and_then(|field| field.parse().ok()),
        connect: policy.timeouts.connect,
        body_idle: policy.timeouts.body_idle,
        replay: policy.replay,
        rungs: policy.fallback.iter().map(rung).collect(),
        pool,
        meters,
    }
}

fn rung(config: &seawall_config::Rung) -> StaticRung {
    StaticRung {
        status: StatusCode::from_u16(config.status).unwrap_or(StatusCode::OK),
        content_type: HeaderValue::try_from(config.content_type.as_str())
            .unwrap_or_else(|_| HeaderValue::from_static("text/plain; charset=utf-8")),
        body: Bytes::from_owner(Arc::clone(&config.body)),
    }
}

/// Each worker has its own pool and its share of the cap, rounded up.
fn pool(config: &UpstreamConfig, workers: usize) -> PoolProtocol {
    let workers = u32::try_from(workers.max(1)).unwrap_or(u32::MAX);
    let share = |cap: u32| cap.div_ceil(workers);
    let PoolConfig { connections, idle_max, streams, idle, connect, .. } = config.pool;
    let connections = share(connections);
    if config.protocol == Protocol::H2c {
        // As many may wait as could run twice over.
        let waiters = connections.saturating_mul(streams).saturating_mul(2);
        let rest = StreamSettings::default();
        return PoolProtocol::H2c(StreamSettings {
            connections,
            streams,
            waiters,
            idle,
            connect,
            ..rest
        });
    }
    PoolProtocol::Http1(PoolSettings {
        connections,
        waiters: connections.saturating_mul(2),
        idle_max: share(idle_max),
        idle,
        connect,
        ..PoolSettings::default()
    })
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use seawall_core::backoff::FirstRetry;
    use seawall_core::balance::{Algorithm, Zone};
    use seawall_core::outcome::OptIn;
    use seawall_core::shed::Class;
    use seawall_core::time::Duration;

    /// The first generation of a config.
    pub(crate) fn live(config: Config) -> Live {
        let mut rng = Stream::new(1, "test");
        let resources = Resources::of_test();
        let now = Instant::from_millis(1);
        build(config, None, &mut Site { now, rng: &mut rng, resources, workers: 2 })
    }

    #[test]
    fn t172_what_was_learned_under_a_name_survives() {
        let source = |second: &str| {
            let text = format!("[upstreams.u]\nendpoints = [\"127.0.0.1:1\", \"{second}\"]");
            Config::parse(&text, "test.toml").unwrap()
        };
        let first = live(source("127.0.0.1:2"));
        let ids = |live: &Live| {
            let directory = live.upstreams[0].directory();
            directory
                .iter()
                .map(|(id, info)| (info.name.to_string(), id))
                .collect::<HashMap<_, _>>()
        };
        let before = ids(&first);
        let mut rng = Stream::new(2, "test");
        let resources = Resources::of_test();
        let now = Instant::from_millis(2);
        let mut site = Site { now, rng: &mut rng, resources, workers: 2 };
        let second = build(source("127.0.0.1:3"), Some(&first), &mut site);
        assert_eq!(second.generation, 2);
        assert!(Arc::ptr_eq(&first.upstreams[0], &second.upstreams[0]));
        assert!(Arc::ptr_eq(&first.routes[0].meters, &second.routes[0].meters));
        let after = ids(&second);
        assert_eq!(before["127.0.0.1:1"], after["127.0.0.1:1"]);
        assert!(after.contains_key("127.0.0.1:3") && !after.contains_key("127.0.0.1:2"));
    }

    #[test]
    fn what_the_file_says_of_mechanisms_reaches_the_machine() {
        let text = r#"
            [upstreams.u]
            endpoints = [
              { address = "127.0.0.1:1", weight = 3, zone = "a", level = 1 },
              "127.0.0.1:2",
            ]
            balance = { algorithm = "maglev", bounded_loads = "125%" }
            adaptive_timeout = {}
            rate_limit = { rate = "5/s" }
            overrides = [{ status = 404, class = "failure" }]
            [[routes]]
            upstream = "u"
            affinity = "header:Customer-Id"
            priority = "high"
            timeouts = { attempt = "1s" }
            retry = { first = "at_once_if_unsent", on_aborted = true }
        "#;
        let live = live(Config::parse(text, "test.toml").unwrap());
        let route = &live.routes[0];
        assert_eq!(route.affinity, Some(http::HeaderName::from_static("customer-id")));
        assert_eq!(route.priority, Class::High);
        assert_eq!(route.settings.backoff.first, FirstRetry::AtOnceIfUnsent);
        assert_eq!(route.settings.opt_ins.on_aborted, OptIn::IfSafe);
        let directory = live.upstreams[0].directory();
        let id = directory.iter().find(|(_, info)| &*info.name == "127.0.0.1:1").unwrap().0;
        let locked = live.upstreams[0].lock();
        let settings = locked.machine.settings();
        assert_eq!(settings.balance.algorithm, Algorithm::MAGLEV);
        assert_eq!(settings.timeout.ceiling, Duration::from_secs(1));
        assert!(settings.rate.is_some());
        let info = locked.machine.info(id).unwrap();
        assert_eq!((info.weight, info.level, info.zone), (3, 1, Zone::new(0)));
    }
}
