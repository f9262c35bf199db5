//! Policies of the library, one for each row whose shape is a call.

use std::time::Duration;

use seawall::{Hedge, Policy, PolicyBuilder, RateLimit, Retry};

use super::{breaker, bulkhead};
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
pub(crate) fn pipeline(permits: u32) -> Policy {
    let rate = Rate::UNREACHED;
    let policy = Policy::builder()
        .total_timeout(LIMIT)
        .rate_limit(RateLimit::per_second(rate.rate).burst(rate.burst))
        .retry(Retry::attempts(ATTEMPTS))
        .idempotent()
        .breaker(breaker::settings(Breaker { cool_down: LONG, probes: 1 }))
        .bulkhead(bulkhead::settings(permits));
    built(policy)
}

fn built(policy: PolicyBuilder) -> Policy {
    policy.build().expect("the settings do not contradict each other")
}
