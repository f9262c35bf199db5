//! The sections `[upstreams.NAME]`: endpoints, and everything that protects them.
//!
//! What serves a caller (timeouts, retries, fallback) stands in policies (`policy/`) instead. How
//! the settings of the machine follow from a section is in `settings.rs`.

pub(crate) mod balance;
pub(crate) mod breaker;
pub(crate) mod bulkhead;
pub(crate) mod ejection;
pub(crate) mod endpoint;
mod health;
mod hedge;
mod hold;
pub(crate) mod overload;
pub(crate) mod overrides;
pub(crate) mod place;
pub(crate) mod pool;
pub(crate) mod rate;
mod settings;
mod timeout;

use crate::reader::{Scope, TableReader, or};
use place::Places;
use seawall_core::Mode;
use seawall_core::balance::BalanceSettings;
use seawall_core::breaker::BreakerSettings;
use seawall_core::budget::BudgetSettings;
use seawall_core::concurrency::LimitSettings;
use seawall_core::hedge::HedgeSettings;
use seawall_core::outcome::Overrides;
use seawall_core::outlier::OutlierSettings;
use seawall_core::rate::LimiterSettings;
use seawall_core::shed::ShedSettings;
use seawall_core::throttle::ThrottleSettings;
use seawall_core::time::Duration;
use seawall_core::timeout::AdaptiveSettings;
use seawall_core::upstream::WhenAllDown;

pub use bulkhead::BulkheadConfig;
pub use endpoint::EndpointConfig;
pub use health::{HealthCheckConfig, HealthProbe, StatusRange};
pub use hold::HoldConfig;
pub use pool::{PoolConfig, Protocol};
pub(crate) use settings::fit;

/// The words of `when_all_down`.
pub(crate) const WHEN_ALL_DOWN: [(&str, WhenAllDown); 2] =
    [("try_all", WhenAllDown::TryAll), ("open", WhenAllDown::Refuse)];

/// The words of `mode`.
pub(crate) const MODES: [(&str, Mode); 3] =
    [("enforce", Mode::Enforce), ("shadow", Mode::Shadow), ("off", Mode::Off)];

/// How long the admitted share grows after the breaker of an upstream closes. A gateway can
/// spread the ramp over many callers; the core leaves it off for those that cannot.
const RAMP: Duration = Duration::from_secs(5);

/// `[upstreams.NAME]`: a named set of endpoints that serve the same thing.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct UpstreamConfig {
    /// The name in the file.
    pub name: String,
    /// At least one, no address twice.
    pub endpoints: Vec<EndpointConfig>,
    /// How an endpoint is chosen.
    pub balance: BalanceSettings,
    /// The breaker of the whole upstream; its mode says whether it is off.
    pub breaker: BreakerSettings,
    /// The breaker of each endpoint; its mode says whether it is off.
    pub endpoint_breaker: BreakerSettings,
    /// The outlier detector; its mode says whether it is off.
    pub ejection: OutlierSettings,
    /// The compartment of the whole upstream; `None` means off.
    pub bulkhead: Option<BulkheadConfig>,
    /// How many calls it may get in a time; `None`, the default, means as many as come.
    pub rate_limit: Option<LimiterSettings>,
    /// Shedding of calls by priority; `None`, the default, means off.
    pub shed: Option<ShedSettings>,
    /// Refusing by ourselves what the service would refuse; `None`, the default, means off.
    pub throttle: Option<ThrottleSettings>,
    /// The limit of attempts in flight that follows latency, within the permits of the bulkhead;
    /// `None`, the default, means off.
    pub adaptive_limit: Option<LimitSettings>,
    /// The limit of attempts in flight at each endpoint, which is learnt from its latency; `None`,
    /// the default, means off.
    pub endpoint_limit: Option<LimitSettings>,
    /// The bound on extra attempts. It cannot be off.
    pub budget: BudgetSettings,
    /// The attempt timeout that follows latency. Default off. Where the file gives no ceiling it
    /// is the longest attempt timeout of the routes that lead here.
    pub adaptive_timeout: AdaptiveSettings,
    /// Extra attempts beside slow ones, of requests that change nothing. On by default in a
    /// gateway, off in a program.
    pub hedge: HedgeSettings,
    /// Holding of calls through a short outage; `None` means off. On by default in a gateway.
    pub hold: Option<HoldConfig>,
    /// Statuses that are judged otherwise than by the table. Default none.
    pub overrides: Overrides,
    /// Active health checks; `None`, the default, means that real attempts alone are judged.
    pub health_check: Option<HealthCheckConfig>,
    /// What its endpoints speak. Default HTTP/1.1.
    pub protocol: Protocol,
    /// Connections to each endpoint.
    pub pool: PoolConfig,
    /// What happens when no endpoint is left. Default: all are tried.
    pub when_all_down: WhenAllDown,
    pub(crate) places: Places,
}

/// The breaker that an upstream has unless the file says otherwise.
const fn upstream_breaker() -> BreakerSettings {
    BreakerSettings { ramp: Some(RAMP), ..BreakerSettings::for_upstream() }
}

pub(crate) fn read(name: &str, table: &mut TableReader<'_>) -> UpstreamConfig {
    let mut places = Places::default();
    let endpoints = endpoint::read(table, &mut places);
    let shared = read_mechanisms(table, places, endpoints.len());
    let health_check = table.table_or_off("health_check", health::read).flatten();
    let protocol = pool::read_protocol(table);
    let pool = table.table("pool", |table| pool::read(table, protocol));
    let pool = pool.unwrap_or_else(|| PoolConfig::of(protocol));
    UpstreamConfig { name: name.to_owned(), endpoints, health_check, protocol, pool, ..shared }
}

/// What protects a dependency, for a gateway and for the library alike; `places` knows the zones
/// of the endpoints, which have been read, and of which there are `endpoints`.
pub(crate) fn read_mechanisms(
    table: &mut TableReader<'_>,
    mut places: Places,
    endpoints: usize,
) -> UpstreamConfig {
    let library = table.reading().scope() == Scope::Library;
    let upstream = if library { BreakerSettings::for_upstream() } else { upstream_breaker() };
    let endpoint_breaker = BreakerSettings::for_endpoint();
    let zoned = !places.zones.is_empty();
    let balance = balance::read(table, &mut places);
    if balance.zone.is_some() && endpoints > 0 && !zoned {
        let path = table.path_of("balance.zone");
        let place = table.reading().place_of(&path);
        let remedy = "write { address = …, zone = \"a\" } for each endpoint";
        table.wrong(place, format!("{path} does nothing: no endpoint has a zone"), remedy);
    }
    balance::check_size(table, balance.algorithm, endpoints);
    places.check(table);
    UpstreamConfig {
        name: String::new(),
        endpoints: Vec::new(),
        balance,
        breaker: read_breaker(table, "breaker", upstream),
        endpoint_breaker: read_breaker(table, "endpoint_breaker", endpoint_breaker),
        ejection: ejection::read(table),
        bulkhead: bulkhead::read(table),
        rate_limit: rate::read(table),
        shed: overload::read_shed(table),
        throttle: overload::read_throttle(table),
        adaptive_limit: overload::read_limit(table),
        endpoint_limit: overload::read_endpoint_limit(table),
        budget: bulkhead::read_budget(table),
        adaptive_timeout: timeout::read(table),
        hedge: hedge::read(table),
        hold: hold::read(table),
        overrides: overrides::read(table),
        health_check: None,
        protocol: Protocol::default(),
        pool: PoolConfig::default(),
        when_all_down: or(table.choice("when_all_down", &WHEN_ALL_DOWN), WhenAllDown::TryAll),
        places,
    }
}

fn read_breaker(
    table: &mut TableReader<'_>,
    key: &'static str,
    default: BreakerSettings,
) -> BreakerSettings {
    match table.table_or_off(key, |t| breaker::read(t, default)) {
        None => default,
        Some(None) => BreakerSettings { mode: Mode::Off, ..default },
        Some(Some(settings)) => settings,
    }
}

/// `mode` of a mechanism.
fn mode(table: &mut TableReader<'_>) -> Mode {
    or(table.choice("mode", &MODES), Mode::Enforce)
}
