//! Active health checks of the generation in force, run on the control thread.

use std::num::NonZeroU16;
use std::rc::Rc;
use std::sync::Arc;

use http::HeaderValue;
use http::uri::PathAndQuery;
use tokio::task::JoinSet;

use seawall_config::{HealthCheckConfig, HealthProbe, Protocol};
use seawall_core::health::Check;
use seawall_core::rng::{Rng as _, Stream};
use seawall_upstream::{
    CheckFailure, CheckKind, CheckProtocol, CheckResult, CheckSettings, CheckTurns, run_checks,
};

use crate::live::Live;
use crate::shared::Shared;
use crate::upstreams::{EndpointInfo, SharedUpstream};
use seawall_core::endpoint::EndpointId;

/// Checks that run at the same time, over all upstreams.
const AT_ONCE: NonZeroU16 = NonZeroU16::new(32).unwrap();

/// The checks of one generation; they end when it is dropped.
#[derive(Debug, Default)]
pub(crate) struct Checks {
    running: JoinSet<()>,
}

impl Checks {
    /// Starts the checks that `live` asks for. Must be called inside a `LocalSet`.
    pub(crate) fn start(shared: &Arc<Shared>, live: &Live, rng: &mut Stream) -> Self {
        let mut running = JoinSet::new();
        let turns = Rc::new(CheckTurns::new(AT_ONCE));
        for upstream in &live.upstreams {
            let config = live.config.upstream(upstream.name());
            let Some((config, check)) =
                config.and_then(|config| Some((config, config.health_check.as_ref()?)))
            else {
                continue;
            };
            let over = match config.protocol {
                Protocol::H2c => CheckProtocol::H2c,
                _ => CheckProtocol::Http1,
            };
            let now = shared.clock.now();
            let staying = upstream.lock().machine.snapshot(now).endpoints;
            for (id, endpoint) in upstream.directory().iter() {
                if !staying.iter().any(|known| known.id == id && !known.draining) {
                    continue;
                }
                let target = Target {
                    shared: Arc::clone(shared),
                    upstream: Arc::clone(upstream),
                    endpoint: Arc::clone(endpoint),
                    id,
                    rng: rng.fork("health"),
                };
                let settings = settings(check, over, endpoint);
                running.spawn_local(target.check(settings, Rc::clone(&turns)));
            }
        }
        Self { running }
    }

    /// How many endpoints are checked.
    pub(crate) fn len(&self) -> usize {
        self.running.len()
    }
}

/// One endpoint that is checked.
struct Target {
    shared: Arc<Shared>,
    upstream: Arc<SharedUpstream>,
    endpoint: Arc<EndpointInfo>,
    id: EndpointId,
    rng: Stream,
}

impl Target {
    async fn check(self, settings: CheckSettings, turns: Rc<CheckTurns>) {
        let Self { shared, upstream, endpoint, id, mut rng } = self;
        let mut steps = rng.fork("steps");
        let draw = move || rng.next_u64();
        let report = |result: CheckResult| {
            let check = match &result {
                CheckResult::Pass => Check::Passed,
                CheckResult::Fail(CheckFailure::Dial(why)) if why.is_own() => {
                    tracing::warn!(%why, "a health check could not be made");
                    return;
                }
                CheckResult::Fail(why) => {
                    tracing::debug!(endpoint = &*endpoint.name, %why, "a health check failed");
                    Check::Failed
                }
                CheckResult::Timeout => Check::TimedOut,
            };
            let now = shared.clock.now();
            let ((), after) = upstream.step(now, &mut steps, |ctx| {
                ctx.upstream.health_checked(id, check, now, ctx.sink);
            });
            after.wake();
            shared.publish(&upstream, &after.events);
        };
        run_checks(endpoint.address, &settings, &turns, draw, report).await;
    }
}

fn settings(
    config: &HealthCheckConfig,
    over: CheckProtocol,
    endpoint: &EndpointInfo,
) -> CheckSettings {
    let kind = match &config.probe {
        HealthProbe::Tcp => CheckKind::Tcp,
        HealthProbe::Http { path, expect } => CheckKind::Http {
            over,
            path: PathAndQuery::try_from(path.as_str())
                .unwrap_or_else(|_| PathAndQuery::from_static("/")),
            host: HeaderValue::try_from(&*endpoint.name)
                .unwrap_or_else(|_| HeaderValue::from_static("localhost")),
            expect: expect.bounds(),
        },
    };
    CheckSettings { kind, every: config.every, timeout: config.timeout }
}
