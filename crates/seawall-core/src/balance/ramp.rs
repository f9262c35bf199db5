//! Slow start: the weight of an endpoint while it joins or comes back.

#![expect(
    clippy::float_arithmetic,
    reason = "a bent ramp takes a root; the result is rounded to a ratio at once"
)]

use crate::invalid::Invalid;
use crate::number::small;
use crate::ratio::Ratio;
use crate::time::{Duration, Instant, nanos};

/// No endpoint weighs less, or it would see too little traffic to warm up.
const LEAST: Ratio = Ratio::from_percent(10);

/// The ramp starts here, so that its first second does not depend on when the first pick comes.
const FIRST: Duration = Duration::from_secs(1);

/// max(10 %, (max(t, 1 s) / `over`)^(1/`bend`)), rounded down, at most 100 %, `t` after the ramp
/// began. A bend of one is a straight line and takes no float.
pub(super) fn weight(t: Duration, over: Duration, bend: Ratio) -> Ratio {
    let share = Ratio::of_parts(nanos(t.max(FIRST)), nanos(over));
    bent(share.min(Ratio::ONE), bend).clamp(LEAST, Ratio::ONE)
}

/// So many good answers double the weight of an endpoint that has come back.
const PROOFS: u32 = 5;

/// The weight that so many good answers since a return are worth: twice as much with every fifth,
/// so that the twentieth ends the ramp, whatever time says. Who came back was warm before, and
/// shows by answering whether it still is; who is new has shown nothing.
pub(super) fn proven(answers: u32) -> Ratio {
    let doublings = (answers / PROOFS).min(4);
    Ratio::from_ppm(LEAST.ppm() << doublings).min(Ratio::ONE)
}

/// `share^(1/bend)`, up to the nearest millionth.
fn bent(share: Ratio, bend: Ratio) -> Ratio {
    if bend == Ratio::ONE || bend == Ratio::ZERO {
        return share;
    }
    let whole = f64::from(Ratio::ONE.ppm());
    let root = libm::pow(f64::from(share.ppm()) / whole, whole / f64::from(bend.ppm()));
    // Below one, so it fits; a duration is the way from a float to an integer without a cast.
    let ppm = Duration::try_from_secs_f64(root).map_or(0, |root| (nanos(root) + 500) / 1_000);
    Ratio::from_ppm(small(ppm))
}

/// Whether a ramp that began at `from` is under way at `now`.
pub(super) fn is_under_way(from: Option<Instant>, now: Instant, over: Duration) -> bool {
    from.is_some_and(|from| now.since(from) < over)
}

/// Whether a length and a bend can work.
pub(super) fn validate(over: Option<Duration>, bend: Ratio) -> Result<(), Invalid> {
    if over.is_some_and(|over| over.is_zero()) {
        return Err(Invalid::new("slow_start", "0s", "above 0s, or off"));
    }
    if !(100_000..=10_000_000).contains(&bend.ppm()) {
        return Err(Invalid::new("slow_start_bend", bend, "10% to 1000%"));
    }
    Ok(())
}
