//! What has proven harmless: the most in flight, on average over an epoch, that nothing waited for.
//!
//! What follows from it is in `knee.rs`.

use super::millionths::Millionths;
use crate::time::{Duration, Instant};
use crate::window::TimeRing;

/// So long counts what was seen.
const MEMORY: Duration = Duration::from_mins(1);

/// So many were in flight, in such a latency. In a service that has become faster since fewer do
/// the same work, so the latency belongs to it.
#[derive(Clone, Copy, Debug, Default)]
struct Proof {
    beside: Millionths,
    base: Duration,
}

/// The proofs of a minute, the best of each tenth of it.
#[derive(Debug)]
pub(super) struct Proven {
    proofs: TimeRing<Proof>,
}

impl Proof {
    /// What it proves where `base` is the latency now.
    fn at(&self, base: Duration) -> Millionths {
        if self.base > base { self.beside.times(base, self.base) } else { self.beside }
    }
}

impl Proven {
    pub(super) fn new(origin: Instant) -> Self {
        Self { proofs: TimeRing::new(MEMORY, origin) }
    }

    pub(super) fn note(&mut self, beside: Millionths, base: Duration, now: Instant) {
        let best = self.proofs.at(now);
        if beside >= best.at(base) {
            *best = Proof { beside, base };
        }
    }

    pub(super) fn advance(&mut self, now: Instant) {
        self.proofs.advance(now);
    }

    /// The most of a minute; none where nothing was proven.
    pub(super) fn most(&self, base: Duration) -> Millionths {
        self.proofs.live().map(|proof| proof.at(base)).max().unwrap_or_default()
    }
}
