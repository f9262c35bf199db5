//! Rate limits by themselves, shared by all their clones.
//!
//! | type | state | a call that does not fit |
//! | --- | --- | --- |
//! | [`RateLimiter`](limiter::RateLimiter) | one word, no lock | is refused |
//! | [`QueuedRateLimiter`](queued::QueuedRateLimiter) | a queue behind a lock | waits |
//! | [`KeyedRateLimiter`](keyed::KeyedRateLimiter) | a table behind 16 locks | is refused |
//!
//! All decisions are in the core (`rate` there).

pub(super) mod keyed;
pub(super) mod limiter;
pub(super) mod queued;

use std::sync::Arc;

use seawall_core::rate::Refused;
use seawall_core::reason::Reason;
use seawall_core::time::Instant;

use super::rejected::{Rejected, relative};
use crate::Until;

/// A refusal of the core in the words of users.
#[cold]
fn rejected(name: Option<&Arc<str>>, refused: Refused, now: Instant) -> Rejected {
    match refused {
        Refused::Limited { retry_at, .. } => {
            Rejected::new(name, Reason::RateLimited, relative(retry_at, now))
        }
        Refused::Impossible { .. } => Rejected::new(name, Reason::CostExceedsLimit, Until::Never),
    }
}
