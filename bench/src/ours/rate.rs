//! The library's rate limits by themselves, of one key and of many.

use std::time::Duration;

use seawall::mechanism::{Capacity, KeyedRateLimiter, KeyedSettings, Quota, Rate, RateLimiter};

use crate::rivals::rate::Plan;

pub(crate) fn direct(plan: Plan) -> RateLimiter {
    RateLimiter::new(quota(plan)).expect("plans hold no 0")
}

/// Many keys, as many as it takes by default.
pub(crate) fn keyed(plan: Plan) -> KeyedRateLimiter<u64> {
    KeyedRateLimiter::new(quota(plan)).expect("plans hold no 0")
}

/// One call of each key in a period, for at most so many keys that owe something.
pub(crate) fn keyed_once_in(period: Duration, keys: u32) -> KeyedRateLimiter<u64> {
    let settings = KeyedSettings { capacity: Capacity::Keys(keys), ..KeyedSettings::default() };
    KeyedRateLimiter::named("keys", settings, &[once_in(period)]).expect("the period is not 0")
}

/// One call in a period, and no more at once.
pub(crate) fn once_in(period: Duration) -> Quota {
    Quota { rate: Rate::new(1, period).expect("the period is in range"), burst: 1 }
}

pub(crate) fn quota(plan: Plan) -> Quota {
    Quota { rate: Rate::per_second(plan.rate), burst: plan.burst }
}
