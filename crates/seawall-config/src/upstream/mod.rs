//! The sections `[upstreams.NAME]`: endpoints, and everything that protects them.
//!
//! What serves a caller (timeouts, retries, fallback) stands in policies (`policy/`) instead.

pub(crate) mod breaker;
pub(crate) mod bulkhead;
mod ejection;
mod endpoint;
mod health;

use crate::reader::{TableReader, or, set};
use seawall_core::Mode;
use seawall_core::balance::{Algorithm, BalanceSettings};
use seawall_core::breaker::BreakerSettings;
use seawall_core::budget::BudgetSettings;
use seawall_core::outlier::OutlierSettings;
use seawall_core::time::Duration;
use seawall_core::upstream::WhenAllDown;

pub use bulkhead::BulkheadConfig;
pub use endpoint::EndpointConfig;
pub use health::{HealthCheckConfig, HealthProbe, PoolConfig, StatusRange};

/// The words of `when_all_down`.
pub(crate) const WHEN_ALL_DOWN: [(&str, WhenAllDown); 2] =
    [("try_all", WhenAllDown::TryAll), ("open", WhenAllDown::Refuse)];

/// The words of `balance`.
pub(crate) const BALANCE: [(&str, Algorithm); 2] =
    [("peak-ewma", Algorithm::PeakEwma), ("round-robin", Algorithm::RoundRobin)];

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
    /// The bound on extra attempts. It cannot be off.
    pub budget: BudgetSettings,
    /// Active health checks; `None`, the default, means that real attempts alone are judged.
    pub health_check: Option<HealthCheckConfig>,
    /// Connections to each endpoint.
    pub pool: PoolConfig,
    /// What happens when no endpoint is left. Default: all are tried.
    pub when_all_down: WhenAllDown,
}

/// The breaker that an upstream has unless the file says otherwise.
const fn upstream_breaker() -> BreakerSettings {
    BreakerSettings { ramp: Some(RAMP), ..BreakerSettings::for_upstream() }
}

pub(crate) fn read(name: &str, table: &mut TableReader<'_>) -> UpstreamConfig {
    let (upstream, endpoint) = (upstream_breaker(), BreakerSettings::for_endpoint());
    UpstreamConfig {
        name: name.to_owned(),
        endpoints: endpoint::read(table),
        balance: read_balance(table),
        breaker: read_breaker(table, "breaker", upstream),
        endpoint_breaker: read_breaker(table, "endpoint_breaker", endpoint),
        ejection: read_ejection(table),
        bulkhead: table
            .table_or_off("bulkhead", bulkhead::read)
            .unwrap_or_else(|| Some(BulkheadConfig::default())),
        budget: bulkhead::read_budget(table),
        health_check: table.table_or_off("health_check", health::read).flatten(),
        pool: table.table("pool", health::read_pool).unwrap_or_default(),
        when_all_down: or(table.choice("when_all_down", &WHEN_ALL_DOWN), WhenAllDown::TryAll),
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

fn read_ejection(table: &mut TableReader<'_>) -> OutlierSettings {
    match table.table_or_off("ejection", ejection::read) {
        None => OutlierSettings::default(),
        Some(None) => OutlierSettings { mode: Mode::Off, ..OutlierSettings::default() },
        Some(Some(settings)) => settings,
    }
}

fn read_balance(table: &mut TableReader<'_>) -> BalanceSettings {
    let mut settings = BalanceSettings::default();
    set(&mut settings.algorithm, table.choice("balance", &BALANCE));
    set(&mut settings.slow_start, table.duration_or_off("slow_start", "\"30s\""));
    settings
}

/// `mode` of a mechanism.
fn mode(table: &mut TableReader<'_>) -> Mode {
    or(table.choice("mode", &MODES), Mode::Enforce)
}
