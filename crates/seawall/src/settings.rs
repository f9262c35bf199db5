//! What a policy is described by, and what follows from it for the machines.
//!
//! How users describe it is in `builder.rs`, what cannot work in `validate.rs`.

use std::sync::Arc;
use std::time::Duration;

use seawall_core::Mode;
use seawall_core::balance::{BalanceSettings, Zone, ZoneSettings};
use seawall_core::breaker::BreakerSettings;
use seawall_core::budget::BudgetSettings;
use seawall_core::bulkhead::BulkheadSettings;
use seawall_core::call::{CallSettings, Safety};
use seawall_core::concurrency::LimitSettings;
use seawall_core::hedge::HedgeSettings;
use seawall_core::hold::HoldSettings;
use seawall_core::invalid::Invalid;
use seawall_core::outcome::{OptIns, Overrides};
use seawall_core::outlier::OutlierSettings;
use seawall_core::rate::LimiterSettings;
use seawall_core::ratio::Ratio;
use seawall_core::shed::{Class, Priority, ShedSettings};
use seawall_core::throttle::ThrottleSettings;
use seawall_core::timeout::{AdaptiveSettings, Hedges, OperationClass, OperationKind};
use seawall_core::upstream::{UpstreamSettings, WhenAllDown};

use crate::{AdaptiveTimeout, EndpointSettings, Hedge, RateLimit, Retry};

/// The total deadline of a policy that was given none: what a caller of the class "standard"
/// waits for. A missing deadline is the one default that is always wrong.
pub(crate) const TOTAL: Duration = Duration::from_secs(10);
/// The attempt timeout of a policy without a total deadline that was given none.
pub(crate) const ATTEMPT: Duration = Duration::from_secs(3);
/// An attempt timeout that never comes.
pub(crate) const NO_LIMIT: Duration = Duration::MAX;
/// An attempt's share of the total where there are retries: three of them and their backoffs fit.
const ATTEMPT_SHARE: Ratio = Ratio::from_percent(30);

/// The total deadline as it was asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Total {
    /// Not mentioned.
    #[default]
    Default,
    /// So long.
    Limit(Duration),
    /// Explicitly none.
    Off,
}

/// What endpoints bring with them where it was not asked for by name: a choice that includes dead
/// ones would be worse than none.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Implied {
    pub(crate) endpoint_breaker: BreakerSettings,
    pub(crate) endpoint_limit: Option<LimitSettings>,
    pub(crate) outlier: OutlierSettings,
    pub(crate) balance: BalanceSettings,
    pub(crate) when_all_down: WhenAllDown,
}

impl Default for Implied {
    fn default() -> Self {
        Self {
            endpoint_breaker: BreakerSettings::for_endpoint(),
            endpoint_limit: None,
            outlier: OutlierSettings::default(),
            balance: BalanceSettings::default(),
            when_all_down: WhenAllDown::default(),
        }
    }
}

/// What a policy was asked to be. What was not mentioned is absent, but for the deadlines.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) total: Total,
    pub(crate) attempt: Option<Duration>,
    pub(crate) safety: Safety,
    pub(crate) retry: Option<Retry>,
    pub(crate) hedge: Option<Hedge>,
    pub(crate) breaker: Option<BreakerSettings>,
    pub(crate) bulkhead: Option<BulkheadSettings>,
    pub(crate) hold: Option<HoldSettings>,
    pub(crate) endpoints: Option<Vec<EndpointSettings>>,
    pub(crate) own_zone: Option<Arc<str>>,
    pub(crate) endpoint_breaker: Option<BreakerSettings>,
    pub(crate) outlier: Option<OutlierSettings>,
    pub(crate) balance: Option<BalanceSettings>,
    pub(crate) when_all_down: Option<WhenAllDown>,
    pub(crate) rate: Option<RateLimit>,
    pub(crate) shed: Option<ShedSettings>,
    pub(crate) throttle: Option<ThrottleSettings>,
    pub(crate) concurrency: Option<LimitSettings>,
    pub(crate) adaptive: Option<AdaptiveTimeout>,
    pub(crate) class: Option<OperationClass>,
    pub(crate) kind: Option<OperationKind>,
    pub(crate) overrides: Result<Overrides, Invalid>,
    pub(crate) opt_ins: OptIns,
    pub(crate) mode: Mode,
    pub(crate) priority: Priority,
    pub(crate) implied: Implied,
    /// The zones that have a number already.
    pub(crate) numbered: Vec<Arc<str>>,
}

/// A plan in the words of the machines.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Resolved {
    pub(crate) call: CallSettings,
    pub(crate) upstream: UpstreamSettings,
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            total: Total::Default,
            attempt: None,
            safety: Safety::Unsafe,
            retry: None,
            hedge: None,
            breaker: None,
            bulkhead: None,
            hold: None,
            endpoints: None,
            own_zone: None,
            endpoint_breaker: None,
            outlier: None,
            balance: None,
            when_all_down: None,
            rate: None,
            shed: None,
            throttle: None,
            concurrency: None,
            adaptive: None,
            class: None,
            kind: None,
            overrides: Ok(Overrides::default()),
            opt_ins: OptIns::default(),
            mode: Mode::Enforce,
            priority: Priority::from(Class::default()),
            implied: Implied::default(),
            numbered: Vec::new(),
        }
    }
}

impl Plan {
    /// The total deadline in force.
    pub(crate) fn total(&self) -> Option<Duration> {
        match (self.total, self.preset()) {
            (Total::Limit(total), _) => Some(total),
            (Total::Off, _) => None,
            (Total::Default, Some((total, _))) => total,
            (Total::Default, None) => Some(TOTAL),
        }
    }

    /// The attempt timeout in force. Where there is but one attempt it may take all the time.
    pub(crate) fn attempt(&self) -> Duration {
        match (self.attempt, self.preset(), self.total()) {
            (Some(attempt), _, _) => attempt,
            (None, Some((_, attempt)), total) => total.map_or(attempt, |total| total.min(attempt)),
            (None, None, None) => ATTEMPT,
            (None, None, Some(total)) if self.max_attempts() > 1 => share(total),
            (None, None, Some(total)) => total,
        }
    }

    /// The total and the attempt timeout of the class or the kind that was named.
    fn preset(&self) -> Option<(Option<Duration>, Duration)> {
        let class = self.class.map(OperationClass::limits);
        let of_class = class.map(|limits| (limits.total, limits.attempt));
        of_class.or_else(|| {
            let preset = self.kind?.preset();
            Some((Some(preset.total), preset.attempt))
        })
    }

    /// The retries that were asked for, by themselves or by naming a kind.
    pub(crate) fn retry(&self) -> Option<Retry> {
        let by_kind = self.kind.map(|kind| Retry::attempts(kind.preset().attempts));
        self.retry.or(by_kind)
    }

    /// The hedges that were asked for, by themselves or by naming a class.
    pub(crate) fn hedge(&self) -> Option<Hedge> {
        let limits = self.class.map(OperationClass::limits);
        let by_class = limits.is_some_and(|limits| limits.hedges == Hedges::WhenSafe);
        self.hedge.or_else(|| by_class.then(Hedge::adaptive))
    }

    /// The limit of attempts in force.
    pub(crate) fn max_attempts(&self) -> u32 {
        self.retry().map_or(1, |retry| retry.max_attempts)
    }

    /// The zones by name, in the order in which endpoints mention them: their numbers.
    pub(crate) fn zones(&self) -> Vec<&Arc<str>> {
        let mut zones: Vec<_> = self.numbered.iter().collect();
        for zone in self.endpoints.iter().flatten().filter_map(|endpoint| endpoint.zone.as_ref()) {
            if !zones.contains(&zone) {
                zones.push(zone);
            }
        }
        zones
    }

    /// The number of a zone, if endpoints are in it.
    pub(crate) fn zone(&self, name: &Arc<str>) -> Option<Zone> {
        let place = self.zones().iter().position(|zone| *zone == name)?;
        Zone::new(u8::try_from(place).ok()?)
    }

    /// What the machines are to be told.
    pub(crate) fn resolve(&self) -> Resolved {
        Resolved { call: self.call(), upstream: self.upstream() }
    }

    fn call(&self) -> CallSettings {
        let retry = self.retry().unwrap_or_else(|| Retry::attempts(1));
        CallSettings {
            total: self.total(),
            attempt: self.attempt(),
            max_attempts: self.max_attempts(),
            max_while_helping: retry.max_while_helping.unwrap_or(retry.max_attempts),
            backoff: retry.backoff,
            throttled_backoff: retry.throttled_backoff,
            opt_ins: self.opt_ins,
            hedges: self.class.map_or(Hedges::OptIn, |class| class.limits().hedges),
            // Rungs come with calls.
            rungs: 0,
        }
    }

    fn upstream(&self) -> UpstreamSettings {
        UpstreamSettings {
            rate: self.rate.as_ref().and_then(RateLimit::settings).map(|rate| self.rate(rate)),
            shed: self.shed.map(|shed| ShedSettings { mode: self.dim(shed.mode), ..shed }),
            throttle: self.throttle.map(|it| ThrottleSettings { mode: self.dim(it.mode), ..it }),
            concurrency: self.concurrency.map(|it| LimitSettings { mode: self.dim(it.mode), ..it }),
            endpoint_limit: self.endpoint_limit(),
            breaker: self.breaker(self.breaker, BreakerSettings::for_upstream()),
            endpoint_breaker: self.endpoint_breaker(),
            bulkhead: self.bulkhead.unwrap_or_default(),
            budget: self.retry().map_or_else(BudgetSettings::default, |retry| retry.budget),
            timeout: self.timeout(),
            hedge: self.hedges(),
            hold: self.hold(),
            outlier: self.outlier(),
            balance: self.balance(),
            // Health checks are a driver's that can make requests up.
            health: None,
            when_all_down: self.when_all_down.unwrap_or(self.implied.when_all_down),
        }
    }

    /// The weaker of a mechanism's own mode and that of the policy.
    const fn dim(&self, own: Mode) -> Mode {
        match (own, self.mode) {
            (Mode::Off, _) | (_, Mode::Off) => Mode::Off,
            (Mode::Shadow, _) | (_, Mode::Shadow) => Mode::Shadow,
            (Mode::Enforce, Mode::Enforce) => Mode::Enforce,
        }
    }

    const fn rate(&self, asked: LimiterSettings) -> LimiterSettings {
        LimiterSettings { mode: self.dim(asked.mode), ..asked }
    }

    pub(crate) fn hold(&self) -> HoldSettings {
        let asked = self.hold.unwrap_or_default();
        HoldSettings { mode: self.dim(asked.mode), ..asked }
    }

    fn hedges(&self) -> HedgeSettings {
        let asked = self.hedge().map(|hedge| hedge.0).unwrap_or_default();
        HedgeSettings { mode: self.dim(asked.mode), ..asked }
    }

    /// The adaptive timeout, which opens no further than the fixed one.
    pub(crate) fn timeout(&self) -> AdaptiveSettings {
        let asked = self.adaptive.map(|adaptive| adaptive.0).unwrap_or_default();
        let ceiling = asked.ceiling.min(self.attempt());
        AdaptiveSettings { mode: self.dim(asked.mode), ceiling, ..asked }
    }

    fn balance(&self) -> BalanceSettings {
        let balance = self.balance.unwrap_or(self.implied.balance);
        let own = self.own_zone.as_ref().and_then(|zone| self.zone(zone));
        BalanceSettings { zone: own.map(ZoneSettings::new).or(balance.zone), ..balance }
    }

    /// The breaker that was asked for, or one that lets everything pass.
    fn breaker(&self, asked: Option<BreakerSettings>, absent: BreakerSettings) -> BreakerSettings {
        let settings = asked.unwrap_or(BreakerSettings { mode: Mode::Off, ..absent });
        let mode = self.dim(settings.mode);
        BreakerSettings { attempt_timeout: self.attempt(), mode, ..settings }
    }

    fn endpoint_breaker(&self) -> BreakerSettings {
        let implied = self.endpoints.is_some().then_some(self.implied.endpoint_breaker);
        self.breaker(self.endpoint_breaker.or(implied), BreakerSettings::for_endpoint())
    }

    fn endpoint_limit(&self) -> Option<LimitSettings> {
        let implied = self.endpoints.is_some().then_some(self.implied.endpoint_limit).flatten();
        implied.map(|limit| LimitSettings { mode: self.dim(limit.mode), ..limit })
    }

    fn outlier(&self) -> OutlierSettings {
        let default = self.implied.outlier;
        let settings = match (&self.endpoints, self.outlier) {
            (_, Some(asked)) => asked,
            (Some(_), None) => default,
            (None, None) => OutlierSettings { mode: Mode::Off, ..default },
        };
        OutlierSettings { mode: self.dim(settings.mode), ..settings }
    }
}

fn share(total: Duration) -> Duration {
    Duration::from_nanos(ATTEMPT_SHARE.of(seawall_core::time::nanos(total)))
}
