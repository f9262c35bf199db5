//! Distributions over seeded bits. The logarithm is that of `libm`, so that equal seeds give equal
//! streams on every platform.

use std::time::Duration;

use seawall_core::rng::Rng;

/// 2⁻³².
const HALF_WORD: f64 = 1.0 / 4_294_967_296.0;

/// Uniform in [0, 1), in steps of 2⁻³²: finer than any rate or share that a scenario states.
pub(super) fn unit(rng: &mut impl Rng) -> f64 {
    let bits = u32::try_from(rng.next_u64() >> 32).unwrap_or(u32::MAX);
    f64::from(bits) * HALF_WORD
}

/// Exponential with mean 1.
pub(super) fn exponential(rng: &mut impl Rng) -> f64 {
    // 1 - u lies in (0, 1], so that the logarithm is finite.
    -libm::log(1.0 - unit(rng))
}

/// Whole nanoseconds of a number of seconds; what is negative or not a number is 0.
pub(super) fn nanos(seconds: f64) -> u64 {
    let duration = Duration::try_from_secs_f64(seconds).unwrap_or_default();
    whole(duration)
}

/// Whole nanoseconds of a duration; more than five centuries are five centuries.
pub(super) fn whole(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
