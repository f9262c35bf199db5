//! Rate limiters for one key: a rate and a burst, as each crate says them.

use std::num::NonZeroU32;
use std::time::Duration;

use governor::clock::DefaultClock;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter as Governor};

/// A rate in calls a second, and how many may come at once.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    pub(crate) rate: u32,
    pub(crate) burst: u32,
}

impl Plan {
    /// No call of a measurement comes near to it.
    pub(crate) const UNREACHED: Self = Self { rate: 1_000_000_000, burst: 1_000_000_000 };
}

pub(crate) fn quota(plan: Plan) -> Quota {
    let number = |value| NonZeroU32::new(value).expect("plans hold no 0");
    Quota::per_second(number(plan.rate)).allow_burst(number(plan.burst))
}

/// governor's limiter of one key, on the clock that it takes by default.
pub(crate) type Direct = Governor<NotKeyed, InMemoryState, DefaultClock>;

pub(crate) fn governor(plan: Plan) -> Direct {
    Governor::direct(quota(plan))
}

pub(crate) fn ratelimit(plan: Plan) -> ratelimit::Ratelimiter {
    ratelimit::Ratelimiter::builder(u64::from(plan.rate))
        .max_tokens(u64::from(plan.burst))
        .initial_available(u64::from(plan.burst))
        .build()
        .expect("plans hold no 0")
}

pub(crate) fn rate_net(plan: Plan) -> rate_net::DirectLimiter {
    rate_net::RateLimiter::builder().per_second(plan.rate).burst(plan.burst).build_direct()
}

pub(crate) fn better_bucket(plan: Plan) -> better_bucket::Bucket {
    better_bucket::BucketBuilder::new()
        .capacity(plan.burst)
        .refill(plan.rate, Duration::from_secs(1))
        .initial(plan.burst)
        .build()
        .expect("plans hold no 0")
}

/// It adds tokens at whole intervals only; a millisecond is the shortest that its timer knows.
pub(crate) fn leaky_bucket(plan: Plan) -> leaky_bucket::RateLimiter {
    leaky_bucket::RateLimiter::builder()
        .max(plan.burst as usize)
        .initial(plan.burst as usize)
        .interval(Duration::from_millis(1))
        .refill((plan.rate / 1_000) as usize)
        .build()
}

pub(crate) fn throttle_net(plan: Plan) -> throttle_net::Throttle {
    throttle_net::Throttle::builder().per_second(plan.rate).burst(plan.burst).build()
}

/// Its windows of time: the fixed one, the log, the counter.
pub(crate) fn tower_resilience(
    plan: Plan,
    window: tower_resilience_ratelimiter::WindowType,
) -> tower_resilience_ratelimiter::RateLimiterLayer {
    tower_resilience_ratelimiter::RateLimiterLayer::builder()
        .limit_for_period(plan.rate as usize)
        .refresh_period(Duration::from_secs(1))
        .timeout_duration(Duration::ZERO)
        .window_type(window)
        .build()
        .expect("plans hold no 0")
}
