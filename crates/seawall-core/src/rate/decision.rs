//! What every limiter answers, and what it shows of itself.
//!
//! How it decides is in the files of the algorithms.

use crate::time::{Duration, Instant};

/// A call passes. Its cost is charged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Admitted {
    /// So many calls of cost 1 would pass at the same instant after this one.
    pub remaining: u64,
}

/// A call does not pass. Nothing is charged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// The limit is reached. The caller may come back.
    Limited {
        /// When a call of this cost would pass if nobody else came before: rounded up to a
        /// nanosecond, [`Instant::NEVER`] where the rate is zero.
        retry_at: Instant,
        /// So many calls of cost 1 would pass now, fewer than this one costs.
        remaining: u64,
    },
    /// The call costs more than the limiter ever holds. Waiting cannot help: it is a mistake of
    /// whoever set the cost or the burst.
    Impossible {
        /// The most that one call may cost.
        capacity: u64,
    },
}

/// The result of asking a limiter.
pub type Decision = Result<Admitted, Refused>;

/// A limiter at an instant, in the terms of the `RateLimit` fields of HTTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateSnapshot {
    /// The most calls that can pass at one instant (`q`).
    pub limit: u64,
    /// Calls of cost 1 that would pass now (`r`).
    pub remaining: u64,
    /// Until `remaining` is `limit` again if nobody calls (`t`); [`Duration::MAX`] for never.
    pub reset: Duration,
    /// The time in which `limit` calls are emitted anew (`w`).
    pub window: Duration,
}

/// A limit that can take part in a decision of several: asked first, charged once all agree.
pub trait Layer {
    /// Whether a call of this cost would pass at `now`. Charges nothing.
    ///
    /// # Errors
    ///
    /// [`Refused`] when it would not.
    fn check(&mut self, now: Instant, cost: u32) -> Decision;

    /// Charges a call that a check at the same `now` has just let pass.
    fn commit(&mut self, now: Instant, cost: u32);
}
