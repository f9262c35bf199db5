//! Settings of retries, as a policy is given them. What is done with them is the core's business.

use seawall_core::backoff::BackoffSettings;
use seawall_core::budget::BudgetSettings;

/// When a failed attempt is followed by another.
///
/// An attempt is repeated only if **repeating is safe**: the policy or the call is marked
/// idempotent or carries an idempotency key, or the attempt provably never reached the dependency
/// ([`Outcome::unsent`](crate::Outcome::unsent)). Then only while attempts are left, the wait fits
/// the deadline, and the budget grants it, asked in this order.
///
/// The budget bounds extra attempts to a share of first ones over all calls of the policy: while
/// everything fails, retries would otherwise multiply the load on a dependency that is down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retry {
    pub(crate) max_attempts: u32,
    pub(crate) max_while_helping: Option<u32>,
    pub(crate) backoff: BackoffSettings,
    pub(crate) throttled_backoff: BackoffSettings,
    pub(crate) budget: BudgetSettings,
}

impl Retry {
    /// At most so many attempts, **the first included**: 1 (no retry) to 10.
    #[must_use]
    pub fn attempts(max_attempts: u32) -> Self {
        Self {
            max_attempts,
            max_while_helping: None,
            backoff: BackoffSettings::transient(),
            throttled_backoff: BackoffSettings::throttled(),
            budget: BudgetSettings::default(),
        }
    }

    /// At most so many attempts, the first included, while retries help: all attempts of the call
    /// so far were answered, and at least half of the latest retries of all calls were in the end
    /// good for something. 1 to 10. Default no more than at other times.
    #[must_use]
    pub const fn while_helping(self, max_attempts: u32) -> Self {
        Self { max_while_helping: Some(max_attempts), ..self }
    }

    /// The wait before a retry. Default [`BackoffSettings::transient`]: 50 ms, doubling to 2 s,
    /// full jitter.
    #[must_use]
    pub const fn backoff(self, backoff: BackoffSettings) -> Self {
        Self { backoff, ..self }
    }

    /// The wait after the dependency asked to slow down. Default [`BackoffSettings::throttled`]:
    /// 1 s, doubling to 20 s, full jitter.
    #[must_use]
    pub const fn throttled_backoff(self, throttled_backoff: BackoffSettings) -> Self {
        Self { throttled_backoff, ..self }
    }

    /// The bound on extra attempts of all calls together. Default: those that did not help are at
    /// most 20 % of the first attempts of the last 10 s, and all of them at most 50 %; or 10 a
    /// second where that is more.
    #[must_use]
    pub const fn budget(self, budget: BudgetSettings) -> Self {
        Self { budget, ..self }
    }
}

impl Default for Retry {
    /// Three attempts: with independent failures of one in ten, one call in a thousand fails. Up to
    /// five while retries help: with failures of three in ten, three attempts lose one in forty,
    /// five one in four hundred.
    fn default() -> Self {
        Self::attempts(3).while_helping(5)
    }
}
