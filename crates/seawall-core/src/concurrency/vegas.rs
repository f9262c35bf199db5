//! TCP Vegas (Brakmo and Peterson, 1994) applied to attempts, as in Netflix's `VegasLimit`.
//!
//! The base is the least latency seen, renewed now and then by whatever comes next: also under
//! load, which is how it drifts. Netflix draws the moment at random; here it is the mean of that.

use super::millionths::Millionths;
use super::update::{Scene, Update};
use super::{Cause, Evidence, Finished};
use crate::number::small;
use crate::time::{Duration, nanos};

/// The base is renewed after this many attempts times the limit: 30 by Netflix, times the mean of
/// a jitter from 0.5 to 1.
const RENEW_NUMERATOR: u64 = 45;
const RENEW_DENOMINATOR: u64 = 2;

/// The least latency seen, and how many attempts it has served.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Vegas {
    base: Option<Duration>,
    since_renewal: u64,
}

impl Vegas {
    pub(super) const fn new(base: Option<Duration>) -> Self {
        Self { base, since_renewal: 0 }
    }

    pub(super) const fn base(&self) -> Option<Duration> {
        self.base
    }

    pub(super) fn update(&mut self, scene: &Scene, finished: &Finished) -> Option<Update> {
        let level = scene.level.floor();
        let latency = finished.latency;
        if finished.evidence == Evidence::Drop {
            return self.change(scene, level.minus(step(level)), (latency, Cause::Drop));
        }
        self.since_renewal += 1;
        let due = u64::from(level.permits()) * RENEW_NUMERATOR / RENEW_DENOMINATOR;
        if self.base.is_none_or(|base| latency < base) || self.since_renewal > due {
            self.base = Some(latency);
            self.since_renewal = 0;
            return None;
        }
        if !level.is_half_used(finished.in_flight) {
            return None;
        }
        let queue = queue(level.permits(), self.base?, latency);
        let (level, cause) = next(level, queue)?;
        self.change(scene, level, (latency, cause))
    }

    fn change(
        &self,
        scene: &Scene,
        level: Millionths,
        (latency, cause): (Duration, Cause),
    ) -> Option<Update> {
        let update = Update::plain(scene.bound(level), cause);
        Some(Update { short: Some(latency), ..update })
    }
}

/// `⌈L · (1 − base / latency)⌉`: how many of the attempts in flight wait rather than work.
pub(super) fn queue(limit: u32, base: Duration, latency: Duration) -> u64 {
    let (base, latency) = (nanos(base), nanos(latency));
    let waiting = u128::from(limit) * u128::from(latency.saturating_sub(base));
    u64::try_from(waiting.div_ceil(u128::from(latency.max(1)))).unwrap_or(u64::MAX)
}

/// Far below α = 3 · lg: β = 6 · lg more; below α: lg more; above β: lg less.
pub(super) fn next(level: Millionths, queue: u64) -> Option<(Millionths, Cause)> {
    let lg = u64::from(step(level).permits());
    let (alpha, beta) = (3 * lg, 6 * lg);
    if queue <= lg {
        let leap = (0..6).fold(level, |level, _| level.plus(step_of(lg)));
        Some((leap, Cause::Growth))
    } else if queue < alpha {
        Some((level.plus(step_of(lg)), Cause::Growth))
    } else if queue > beta {
        Some((level.minus(step_of(lg)), Cause::Congestion))
    } else {
        None
    }
}

/// `max(1, ⌊log₁₀ L⌋)`.
fn step(level: Millionths) -> Millionths {
    Millionths::whole(level.permits().max(1).ilog10().max(1))
}

fn step_of(lg: u64) -> Millionths {
    Millionths::whole(small(lg))
}
