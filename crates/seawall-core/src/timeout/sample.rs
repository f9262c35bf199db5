//! What an attempt teaches about latency.
//!
//! The histogram is in `histogram.rs`; what is made of it in `adaptive.rs`, in `hedge`, and by the
//! owner.

use crate::histogram::RotatingHistogram;
use crate::time::{Duration, Instant};

/// How long an attempt took, or at least took.
///
/// Only what was given up for being slow is a sample beside answers. An attempt that ended with
/// the deadline of its call before its own timeout, or because the caller left, says nothing:
/// counted at the time it ran, it would make the upstream look faster than it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sample {
    /// The head of an answer came after so long.
    Answered(Duration),
    /// The attempt timeout ran out: longer than this limit.
    TimedOut(Duration),
    /// It was abandoned after so long, because the hedge beside it won: longer than the delay of
    /// the hedge. Left out, the slowest attempts would be missing, and the delay creep down.
    Outrun(Duration),
}

impl Sample {
    /// The latency that it counts as.
    #[must_use]
    pub const fn latency(self) -> Duration {
        match self {
            Self::Answered(latency) | Self::TimedOut(latency) | Self::Outrun(latency) => latency,
        }
    }

    /// Counts it.
    pub fn record(self, now: Instant, latencies: &mut RotatingHistogram) {
        latencies.record(now, self.latency());
    }
}
