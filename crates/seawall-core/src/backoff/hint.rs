//! What a service says about when to come back: `Retry-After` and its kin, and gRPC's pushback.
//!
//! Texts from the network are read here, since the rules for bad ones are part of the policy;
//! which header they stood in is known to the driver. Dates are not read: they would compare the
//! clocks of two hosts.

use super::share;
use crate::rng::Draw;
use crate::time::Duration;

/// The longest hint of a server that is followed. A longer one, or one beyond the deadline, means
/// not to retry, and is handed to the caller instead. The same limit as Envoy's: who waits longer
/// than five minutes only holds resources, and a wrong hint must not hold them for hours.
pub const HINT_MAX: Duration = Duration::from_secs(300);

/// A hint that is not worth waiting for: do not retry, and tell the caller what the service said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HintTooFar {
    /// What the service said.
    pub hint: Duration,
}

/// The wait under a server's `hint` as [`with_hint`] has it, if it is followed at all. `left` is
/// the time to the deadline of the call, `None` without one.
///
/// # Errors
///
/// [`HintTooFar`] for a hint above [`HINT_MAX`], or a wait that ends after the deadline.
pub fn follow(
    delay: Duration,
    hint: Duration,
    left: Option<Duration>,
    draw: Draw,
) -> Result<Duration, HintTooFar> {
    let wait = with_hint(delay, hint, draw);
    let too_late = left.is_some_and(|left| wait > left);
    if hint > HINT_MAX || too_late { Err(HintTooFar { hint }) } else { Ok(wait) }
}

/// A backoff that respects a server's `hint` when to come back (`Retry-After` and its kin):
/// `max(delay, hint + u · hint/2)`. The random part only adds, so nobody comes early, and spreads
/// over half the hint, so not everybody comes at once.
///
/// Hints above [`HINT_MAX`] and those that end beyond the deadline are refused by [`follow`].
#[must_use]
pub fn with_hint(delay: Duration, hint: Duration, draw: Draw) -> Duration {
    delay.max(hint.saturating_add(share(draw, hint / 2)))
}

/// A hint in whole seconds, as in `Retry-After` (RFC 9110 section 10.2.3: `delay-seconds`). Spaces
/// around it are allowed. Negative and unreadable values are no hint, and neither is a date.
#[must_use]
pub fn delta_seconds(text: &str) -> Option<Duration> {
    // More digits than a u64 holds still mean "far away", not "no hint".
    digits(text.trim()).map(Duration::from_secs)
}

/// A number of digits alone, `u64::MAX` when it does not fit.
fn digits(text: &str) -> Option<u64> {
    let readable = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    readable.then(|| text.parse().unwrap_or(u64::MAX))
}
