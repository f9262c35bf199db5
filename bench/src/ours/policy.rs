//! Policies of the library, one for each row whose shape is a call. What the policy does not yet
//! order itself stands in front of it.

use std::time::Duration;

use seawall::mechanism::RateLimiter;
use seawall::{Hedge, Policy, PolicyBuilder, Retry};

use super::{breaker, bulkhead, rate};
use crate::rivals::breaker::Plan as Breaker;
use crate::rivals::rate::Plan as Rate;
use crate::rivals::retry::ATTEMPTS;
use crate::rivals::{LONG, answer};

/// The whole call's limit, where there is one.
const LIMIT: Duration = Duration::from_secs(10);

/// In one call through a policy: when it begins and when it ends.
pub(crate) const CLOCK_READS: u32 = 2;

/// One call; whether it came to a good answer.
pub(crate) async fn call(policy: &Policy, input: u64) -> bool {
    std::hint::black_box(policy.call(|_| answer(input)).await).is_ok()
}

pub(crate) fn retry() -> Policy {
    built(Policy::builder().no_total_timeout().retry(Retry::attempts(ATTEMPTS)).idempotent())
}

pub(crate) fn timeout() -> Policy {
    built(Policy::builder().total_timeout(LIMIT))
}

/// Hedged after that delay, within the budget that a policy has by default.
pub(crate) fn hedge(delay: Duration) -> Policy {
    built(Policy::builder().total_timeout(LIMIT).hedge(Hedge::after(delay)).idempotent())
}

/// All five.
#[derive(Clone)]
pub(crate) struct Pipeline {
    limit: RateLimiter,
    policy: Policy,
}

impl Pipeline {
    /// Clock reads of one call: the policy's, and the limiter's.
    pub(crate) const CLOCK_READS: u32 = CLOCK_READS + 1;

    pub(crate) fn new(permits: u32) -> Self {
        let settings = breaker::settings(Breaker { cool_down: LONG, probes: 1 });
        let policy = Policy::builder()
            .total_timeout(LIMIT)
            .retry(Retry::attempts(ATTEMPTS))
            .idempotent()
            .breaker(settings)
            .bulkhead(bulkhead::settings(permits));
        Self { limit: rate::direct(Rate::UNREACHED), policy: built(policy) }
    }

    pub(crate) async fn call(&self, input: u64) -> bool {
        self.limit.try_acquire().is_ok() && call(&self.policy, input).await
    }
}

fn built(policy: PolicyBuilder) -> Policy {
    policy.build().expect("the settings do not contradict each other")
}
