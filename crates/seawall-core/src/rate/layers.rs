//! Several limits on one call: global, route, key, tier.
//!
//! The limits themselves are in their own files; each that can be asked before it is charged is a
//! [`Layer`].

use super::{Admitted, Layer, Refused};
use crate::time::Instant;

/// Why a call did not pass several limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RefusedBy {
    /// The position of the limit that keeps the call out longest.
    pub layer: usize,
    /// What it said: its `retry_at` is when all agree.
    pub refused: Refused,
}

/// Asks all `layers`, then charges all, or none: a call that one limit refuses must not spend the
/// others. Answers with what remains of the one closest to exhaustion.
///
/// All must be at hand together, under the caller's locks. Constant time for each layer; nothing is
/// allocated.
///
/// # Errors
///
/// [`RefusedBy`] of the strictest that refuses. Nothing is charged then.
pub fn decide_all(
    layers: &mut [&mut dyn Layer],
    now: Instant,
    cost: u32,
) -> Result<Admitted, RefusedBy> {
    let mut closest = Admitted { remaining: u64::MAX };
    let mut refusal: Option<RefusedBy> = None;
    for (layer, limit) in layers.iter_mut().enumerate() {
        match limit.check(now, cost) {
            Ok(admitted) => closest.remaining = closest.remaining.min(admitted.remaining),
            Err(refused) => {
                let new = RefusedBy { layer, refused };
                refusal = Some(refusal.map_or(new, |old| stricter(old, new)));
            }
        }
    }
    if let Some(refused) = refusal {
        return Err(refused);
    }
    layers.iter_mut().for_each(|limit| limit.commit(now, cost));
    Ok(closest)
}

/// The one that lasts longer, the earlier of equals.
fn stricter(old: RefusedBy, new: RefusedBy) -> RefusedBy {
    if until(new.refused) > until(old.refused) { new } else { old }
}

/// What is impossible outlasts what is never admitted: it cannot be mended by the rate.
const fn until(refused: Refused) -> (bool, u64) {
    match refused {
        Refused::Limited { retry_at, .. } => (false, retry_at.as_nanos()),
        Refused::Impossible { .. } => (true, 0),
    }
}
