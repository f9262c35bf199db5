//! Bounded loads over any consistent hash (Mirrokni, Thorup and Zadimoghaddam, 2018): an endpoint
//! that has its share and a bit takes no more, and the key goes to the next.

use crate::invalid::Invalid;
use crate::ratio::Ratio;

/// How far above its share of the attempts in flight an endpoint may be filled: 1.25 of it unless
/// stated otherwise. Less spreads more evenly and moves more keys.
pub const BOUND: Ratio = Ratio::from_percent(125);

/// The attempts that an endpoint of `weight` may hold where the endpoints have `weights` in all,
/// `active` attempts are in flight and one more is to be placed: `⌈bound · (active + 1) · w / W⌉`.
/// At least one endpoint is always below its own.
///
/// `bound` below one counts as one, or there might be no place for the attempt.
#[must_use]
pub fn cap(bound: Ratio, active: u64, (weight, weights): (u32, u64)) -> u64 {
    let bound = u128::from(bound.max(Ratio::ONE).ppm());
    let wanted = (u128::from(active) + 1) * bound * u128::from(weight);
    let whole = u128::from(weights.max(1)) * u128::from(Ratio::ONE.ppm());
    u64::try_from(wanted.div_ceil(whole)).unwrap_or(u64::MAX)
}

/// Whether a bound can work.
pub(super) fn validate(bound: Ratio) -> Result<(), Invalid> {
    if (Ratio::ONE.ppm()..=10_000_000).contains(&bound.ppm()) {
        return Ok(());
    }
    Err(Invalid::new("bounded_loads", bound, "100% to 1000%"))
}
