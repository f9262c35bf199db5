//! Settings of an upstream: one for each mechanism.

use crate::balance::BalanceSettings;
use crate::breaker::BreakerSettings;
use crate::budget::BudgetSettings;
use crate::bulkhead::BulkheadSettings;
use crate::concurrency::LimitSettings;
use crate::health::HealthSettings;
use crate::hedge::HedgeSettings;
use crate::hold::HoldSettings;
use crate::outlier::OutlierSettings;
use crate::rate::LimiterSettings;
use crate::shed::ShedSettings;
use crate::throttle::ThrottleSettings;
use crate::timeout::AdaptiveSettings;

/// What happens to calls when no endpoint may be chosen by the rules.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WhenAllDown {
    /// Every endpoint that is not draining is tried all the same. The default: a wrong verdict
    /// about all of them costs more than a few vain attempts, which budget and breaker bound.
    #[default]
    TryAll,
    /// Calls are refused.
    Refuse,
}

/// Settings of an upstream. [`crate::Mode::Off`] switches a mechanism off where it has a mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UpstreamSettings {
    /// The rate limit of calls. Absent by default: only who runs the service knows its rate.
    pub rate: Option<LimiterSettings>,
    /// Shedding of calls by priority. Absent by default.
    pub shed: Option<ShedSettings>,
    /// The throttle of attempts that the service would refuse. Absent by default.
    pub throttle: Option<ThrottleSettings>,
    /// The adaptive limit of attempts in flight, within the permits of the bulkhead. Absent by
    /// default.
    pub concurrency: Option<LimitSettings>,
    /// The adaptive limit of attempts in flight at each endpoint, within the permits of the
    /// bulkhead. Absent by default: only drivers whose attempts go to the endpoint that was chosen
    /// gain by it. It has no effect without endpoints.
    pub endpoint_limit: Option<LimitSettings>,
    /// The breaker of the whole upstream; it judges calls.
    pub breaker: BreakerSettings,
    /// The breaker of each endpoint; it judges attempts.
    pub endpoint_breaker: BreakerSettings,
    /// The compartment that all attempts share.
    pub bulkhead: BulkheadSettings,
    /// The bound on extra attempts.
    pub budget: BudgetSettings,
    /// The attempt timeout that follows the latency, within what routes allow. Off by default.
    pub timeout: AdaptiveSettings,
    /// Extra attempts beside slow ones. Off by default: they need calls that are safe to repeat
    /// and a latency worth cutting.
    pub hedge: HedgeSettings,
    /// Holding of calls through a short outage. Off by default: a program must be ready to wait.
    pub hold: HoldSettings,
    /// The outlier detector.
    pub outlier: OutlierSettings,
    /// The choice among endpoints.
    pub balance: BalanceSettings,
    /// The verdict on active health checks; `None` where there are none, so that no verdict of
    /// earlier ones stays.
    pub health: Option<HealthSettings>,
    /// What happens when no endpoint may be chosen.
    pub when_all_down: WhenAllDown,
}

impl Default for UpstreamSettings {
    fn default() -> Self {
        Self {
            rate: None,
            shed: None,
            throttle: None,
            concurrency: None,
            endpoint_limit: None,
            breaker: BreakerSettings::for_upstream(),
            endpoint_breaker: BreakerSettings::for_endpoint(),
            bulkhead: BulkheadSettings::default(),
            budget: BudgetSettings::default(),
            timeout: AdaptiveSettings::default(),
            hedge: HedgeSettings::default(),
            hold: HoldSettings::default(),
            outlier: OutlierSettings::default(),
            balance: BalanceSettings::default(),
            health: None,
            when_all_down: WhenAllDown::default(),
        }
    }
}
