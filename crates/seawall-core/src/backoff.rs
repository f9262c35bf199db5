//! Backoff and jitter: how long to wait before a retry.

use crate::ratio::Ratio;
use crate::time::Duration;

/// The random part of a backoff.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Jitter {
    /// None: callers that failed together come back together.
    None,
    /// `u · raw`. The default: the fewest calls under contention of all kinds measured in "Exponential
    /// Backoff and Jitter" (AWS Architecture Blog, 2015).
    #[default]
    Full,
    /// `raw/2 + u · raw/2`.
    Equal,
    /// `min(cap, base + u · (3 · previous − base))`.
    Decorrelated,
}

/// Settings of a backoff: `raw(n) = min(cap, base · factor^(n−1))` before retry n.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BackoffSettings {
    /// The raw wait before the first retry.
    pub base: Duration,
    /// Growth of the raw wait, at least 100 %.
    pub factor: Ratio,
    /// No wait is longer; at least `base`.
    pub cap: Duration,
    /// The random part.
    pub jitter: Jitter,
}
