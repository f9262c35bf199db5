//! Netflix's `Gradient2Limit`, as published: latency now against an average of 600 updates.
//!
//! Kept with its drift. The average is fed while the service is slow, so that slow becomes normal;
//! and four permits are added at each update, congested or not. `steady.rs` does neither.

use super::millionths::Millionths;
use super::update::{Scene, Update, gradient};
use super::{Cause, Finished};
use crate::ratio::Ratio;
use crate::time::{Duration, nanos};

/// The average weighs as many updates, by the factor 2 / (600 + 1).
const WINDOW: u128 = 600;

/// Updates that are averaged plainly at first.
const WARM_UP: u32 = 10;

/// The average is kept in units of 2⁻¹⁶ ns, so that small steps towards it are not cut off.
const SCALE: u128 = 1 << 16;

/// Latency up to 150 % of the average is no congestion.
const TOLERANCE: Ratio = Ratio::from_percent(150);

/// Permits added at each update, for queues within the service.
const HEADROOM: u32 = 4;

/// The long average.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Gradient2 {
    scaled: u128,
    count: u32,
}

impl Gradient2 {
    pub(super) fn new(base: Option<Duration>) -> Self {
        let long = |base| Self { scaled: u128::from(nanos(base)) * SCALE, count: WARM_UP };
        base.map_or_else(Self::default, long)
    }

    pub(super) fn base(&self) -> Option<Duration> {
        let long = u64::try_from(self.scaled / SCALE).unwrap_or(u64::MAX);
        (self.count > 0).then_some(Duration::from_nanos(long))
    }

    pub(super) fn update(&mut self, scene: &Scene, finished: &Finished) -> Option<Update> {
        let short = finished.latency;
        self.record(short);
        let long = self.base()?;
        // Recovery from long overload would otherwise take as long as the average does.
        if nanos(long) / 2 > nanos(short) {
            self.scaled = self.scaled * 95 / 100;
        }
        if !scene.level.is_half_used(finished.in_flight) {
            return None;
        }
        let gradient = gradient_of(long, short);
        let level = scene.bound(next(scene.level, gradient));
        let congested = gradient < Ratio::ONE;
        let cause = if congested { Cause::Congestion } else { Cause::Growth };
        Some(Update { level, cause, short: Some(short), gradient: Some(gradient) })
    }

    fn record(&mut self, short: Duration) {
        let sample = u128::from(nanos(short)) * SCALE;
        if self.count < WARM_UP {
            let sum = self.scaled * u128::from(self.count) + sample;
            self.count += 1;
            self.scaled = sum / u128::from(self.count);
        } else {
            self.scaled = (self.scaled * (WINDOW - 1) + sample * 2) / (WINDOW + 1);
        }
    }
}

/// `clamp(1.5 · long / short, 0.5, 1)`.
pub(super) fn gradient_of(long: Duration, short: Duration) -> Ratio {
    gradient(TOLERANCE, (long, short), (Ratio::from_percent(50), Ratio::ONE))
}

/// `0.8 · L + 0.2 · (g · L + 4)`.
pub(super) fn next(level: Millionths, gradient: Ratio) -> Millionths {
    level.towards(level.share(gradient).plus(Millionths::whole(HEADROOM)))
}
