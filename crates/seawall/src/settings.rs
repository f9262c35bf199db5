//! What a policy is described by, and what follows from it for the machines.
//!
//! How users describe it is in `builder.rs`, what cannot work in `validate.rs`.

use std::sync::Arc;
use std::time::Duration;

use seawall_core::Mode;
use seawall_core::balance::BalanceSettings;
use seawall_core::breaker::BreakerSettings;
use seawall_core::budget::BudgetSettings;
use seawall_core::bulkhead::BulkheadSettings;
use seawall_core::call::{CallSettings, Safety};
use seawall_core::outlier::OutlierSettings;
use seawall_core::ratio::Ratio;
use seawall_core::upstream::{UpstreamSettings, WhenAllDown};

use crate::{Hedge, Retry};

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
    pub(crate) endpoints: Option<Vec<Arc<str>>>,
    pub(crate) endpoint_breaker: Option<BreakerSettings>,
    pub(crate) outlier: Option<OutlierSettings>,
    pub(crate) balance: Option<BalanceSettings>,
    pub(crate) when_all_down: Option<WhenAllDown>,
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
            endpoints: None,
            endpoint_breaker: None,
            outlier: None,
            balance: None,
            when_all_down: None,
        }
    }
}

impl Plan {
    /// The total deadline in force.
    pub(crate) const fn total(&self) -> Option<Duration> {
        match self.total {
            Total::Default => Some(TOTAL),
            Total::Limit(total) => Some(total),
            Total::Off => None,
        }
    }

    /// The attempt timeout in force. Where there is but one attempt it may take all the time.
    pub(crate) fn attempt(&self) -> Duration {
        match (self.attempt, self.total()) {
            (Some(attempt), _) => attempt,
            (None, None) => ATTEMPT,
            (None, Some(total)) if self.max_attempts() > 1 => share(total),
            (None, Some(total)) => total,
        }
    }

    /// The limit of attempts in force.
    pub(crate) fn max_attempts(&self) -> u32 {
        self.retry.map_or(1, |retry| retry.max_attempts)
    }

    /// What the machines are to be told.
    pub(crate) fn resolve(&self) -> Resolved {
        Resolved { call: self.call(), upstream: self.upstream() }
    }

    fn call(&self) -> CallSettings {
        let retry = self.retry.unwrap_or_default();
        CallSettings {
            total: self.total(),
            attempt: self.attempt(),
            max_attempts: self.max_attempts(),
            backoff: retry.backoff,
            throttled_backoff: retry.throttled_backoff,
            // What is retried is said by classifiers, and rungs come with calls.
            ..CallSettings::default()
        }
    }

    fn upstream(&self) -> UpstreamSettings {
        let budget = self.retry.map_or_else(BudgetSettings::default, |retry| retry.budget);
        UpstreamSettings {
            breaker: self.breaker(self.breaker, BreakerSettings::for_upstream()),
            endpoint_breaker: self.endpoint_breaker(),
            bulkhead: self.bulkhead.unwrap_or_default(),
            budget,
            hedge: self.hedge.map(|hedge| hedge.0).unwrap_or_default(),
            outlier: self.outlier(),
            balance: self.balance.unwrap_or_default(),
            when_all_down: self.when_all_down.unwrap_or_default(),
            ..UpstreamSettings::default()
        }
    }

    /// The breaker that was asked for, or one that lets everything pass.
    fn breaker(&self, asked: Option<BreakerSettings>, absent: BreakerSettings) -> BreakerSettings {
        let settings = asked.unwrap_or(BreakerSettings { mode: Mode::Off, ..absent });
        BreakerSettings { attempt_timeout: self.attempt(), ..settings }
    }

    /// A choice among endpoints that includes dead ones would be worse than none, so with
    /// endpoints come their breakers and the outlier detector, unless switched off by name.
    fn endpoint_breaker(&self) -> BreakerSettings {
        let default = BreakerSettings::for_endpoint();
        let implied = self.endpoints.is_some().then_some(default);
        self.breaker(self.endpoint_breaker.or(implied), default)
    }

    fn outlier(&self) -> OutlierSettings {
        let default = OutlierSettings::default();
        match (&self.endpoints, self.outlier) {
            (_, Some(asked)) => asked,
            (Some(_), None) => default,
            (None, None) => OutlierSettings { mode: Mode::Off, ..default },
        }
    }
}

fn share(total: Duration) -> Duration {
    Duration::from_nanos(ATTEMPT_SHARE.of(seawall_core::time::nanos(total)))
}
