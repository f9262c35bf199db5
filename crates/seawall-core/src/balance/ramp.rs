//! Slow start: the weight of an endpoint while it joins or comes back.

use crate::ratio::Ratio;
use crate::time::{Duration, Instant, nanos};

/// No endpoint weighs less, or it would see too little traffic to warm up.
const LEAST: Ratio = Ratio::from_percent(10);

/// The ramp starts here, so that its first second does not depend on when the first pick comes.
const FIRST: Duration = Duration::from_secs(1);

/// max(10 %, max(t, 1 s) / `over`), rounded down, at most 100 %, `t` after the ramp began.
pub(super) fn weight(t: Duration, over: Duration) -> Ratio {
    let over = u128::from(nanos(over).max(1));
    let ppm = u128::from(nanos(t.max(FIRST))) * u128::from(Ratio::ONE.ppm()) / over;
    let ppm = u32::try_from(ppm).unwrap_or(u32::MAX);
    Ratio::from_ppm(ppm).clamp(LEAST, Ratio::ONE)
}

/// Whether a ramp that began at `from` is under way at `now`.
pub(super) fn is_under_way(from: Option<Instant>, now: Instant, over: Duration) -> bool {
    from.is_some_and(|from| now.since(from) < over)
}
