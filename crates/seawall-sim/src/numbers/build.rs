//! Parts that several models are built of. Nothing here knows a published number.

use seawall_core::Mode;
use seawall_core::backoff::BackoffSettings;
use seawall_core::balance::{Algorithm, BalanceSettings};
use seawall_core::breaker::BreakerSettings;
use seawall_core::budget::BudgetSettings;
use seawall_core::call::CallSettings;
use seawall_core::outlier::OutlierSettings;
use seawall_core::ratio::Ratio;
use seawall_core::time::{Duration, Instant};
use seawall_core::upstream::UpstreamSettings;

use crate::dist::{Distribution, seconds};
use crate::plan::{
    Arrivals, Caller, Gateway, Load, Plan, Protected, Rate, RouteId, Server, Service, ServiceId,
    Spacing, Target,
};

pub(super) const SECOND: Duration = Duration::from_secs(1);
pub(super) const MS: Duration = Duration::from_millis(1);

/// A plan that lasts so many seconds, a fifth of which is warm-up.
pub(super) fn steady(horizon: f64) -> Plan {
    let mut plan = Plan::lasting(seconds(horizon));
    plan.warmup = seconds(horizon * 0.2);
    plan
}

/// Independent arrivals, so many a second.
pub(super) fn poisson(rate: f64) -> Arrivals {
    following(Rate::constant(rate))
}

/// Independent arrivals at a rate that changes.
pub(super) fn following(rate: Rate) -> Arrivals {
    Arrivals::Open { rate, spacing: Spacing::Poisson }
}

/// Without memory, with a mean in seconds.
pub(super) fn exponential(mean: f64) -> Distribution {
    Distribution::Exponential(seconds(mean))
}

/// So many seconds after the beginning.
pub(super) fn at(time: f64) -> Instant {
    Instant::EPOCH.after(seconds(time))
}

/// Whoever calls a service directly, once, and waits as long as it takes.
pub(super) fn direct(service: ServiceId) -> Caller {
    Caller::of(Target::Service(service))
}

/// One load on one server, called directly.
pub(super) fn queue(horizon: f64, server: Server, arrivals: Arrivals) -> Plan {
    let mut plan = steady(horizon);
    let service = plan.service(Service::new("queue", server));
    plan.loads.push(Load::new("all", arrivals, direct(service)));
    plan
}

/// The settings of an upstream of which nothing acts.
pub(super) fn idle() -> UpstreamSettings {
    let breaker = BreakerSettings { mode: Mode::Off, ..BreakerSettings::for_upstream() };
    let random = Algorithm::Random;
    UpstreamSettings {
        breaker,
        endpoint_breaker: breaker,
        budget: BudgetSettings { floor_per_second: u32::MAX, ..BudgetSettings::default() },
        outlier: OutlierSettings { mode: Mode::Off, ..OutlierSettings::default() },
        balance: BalanceSettings {
            algorithm: random,
            slow_start: None,
            ..BalanceSettings::default()
        },
        ..UpstreamSettings::default()
    }
}

/// A budget of this share and no floor.
pub(super) fn budget(percent: u32) -> BudgetSettings {
    let ratio = Ratio::from_percent(percent);
    // The published numbers know no attempts that are not charged.
    BudgetSettings { ratio, ceiling: ratio, floor_per_second: 0, ..BudgetSettings::default() }
}

/// Calls of so many attempts, without waits and without limits of time that would matter.
pub(super) fn patient(attempts: u32) -> CallSettings {
    CallSettings {
        total: None,
        attempt: Duration::from_secs(1_000_000),
        max_attempts: attempts,
        backoff: BackoffSettings::none(),
        throttled_backoff: BackoffSettings::none(),
        ..CallSettings::default()
    }
}

/// Puts a gateway before a service and gives those who call it there.
pub(super) fn guard(
    plan: &mut Plan,
    service: ServiceId,
    settings: UpstreamSettings,
    call: CallSettings,
) -> Caller {
    let protected = Protected { settings, ..Protected::new("upstream", service) };
    let gateway = plan.gateway(Gateway::before(protected, call));
    Caller::of(Target::Route(gateway, RouteId(0)))
}
