//! What an algorithm is told and what it answers: the border between `machine.rs` and the rules.

use super::millionths::Millionths;
use super::{Cause, LimitSettings};
use crate::number::small;
use crate::ratio::Ratio;
use crate::time::{Duration, Instant, nanos};

/// What an algorithm sees besides the attempt.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scene {
    pub(super) now: Instant,
    pub(super) level: Millionths,
    pub(super) min: u32,
    pub(super) max: u32,
}

impl Scene {
    pub(super) fn new(settings: &LimitSettings, level: Millionths, now: Instant) -> Self {
        Self { now, level, min: settings.min, max: settings.max }
    }

    pub(super) fn bound(&self, level: Millionths) -> Millionths {
        level.clamp(Millionths::whole(self.min), Millionths::whole(self.max))
    }
}

/// An update: the new level within the bounds, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Update {
    pub(super) level: Millionths,
    pub(super) cause: Cause,
    pub(super) short: Option<Duration>,
    pub(super) gradient: Option<Ratio>,
}

impl Update {
    pub(super) const fn plain(level: Millionths, cause: Cause) -> Self {
        Self { level, cause, short: None, gradient: None }
    }
}

/// `tolerance · base / short`, from `range`. Without latency there is no congestion.
pub(super) fn gradient(
    tolerance: Ratio,
    (base, short): (Duration, Duration),
    range: (Ratio, Ratio),
) -> Ratio {
    let scaled = u128::from(tolerance.ppm()) * u128::from(nanos(base));
    let ppm = scaled.checked_div(u128::from(nanos(short))).unwrap_or(u128::MAX);
    Ratio::from_ppm(small(ppm)).clamp(range.0, range.1)
}
