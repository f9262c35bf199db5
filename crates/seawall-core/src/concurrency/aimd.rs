//! Additive increase, multiplicative decrease (Chiu and Jain, "Analysis of the increase and
//! decrease algorithms for congestion avoidance", 1989), as in Netflix's `AIMDLimit`.
//!
//! It needs no baseline, and therefore sees overload only once attempts time out.

use super::millionths::Millionths;
use super::update::{Scene, Update};
use super::{Cause, Evidence, Finished};
use crate::ratio::Ratio;
use crate::time::Duration;

/// One attempt: `⌊backoff · L⌋` after a drop, else one more while half of the limit is in use.
pub(super) fn update(
    scene: &Scene,
    finished: &Finished,
    (backoff, timeout): (Ratio, Duration),
) -> Option<Update> {
    let level = scene.level.floor();
    let update = if finished.evidence == Evidence::Drop || finished.latency > timeout {
        Update::plain(level.share(backoff).floor(), Cause::Drop)
    } else if level.is_half_used(finished.in_flight) {
        Update::plain(level.plus(Millionths::whole(1)), Cause::Growth)
    } else {
        return None;
    };
    Some(Update { level: scene.bound(update.level), short: Some(finished.latency), ..update })
}
