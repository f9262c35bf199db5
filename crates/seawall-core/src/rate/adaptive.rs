//! Adapting a rate to an upstream that says "too much".
//!
//! What says so (429, a status of gRPC) is classified elsewhere; the limit itself is in `gcra.rs`.

use crate::invalid::Invalid;
use crate::number::small;
use crate::ratio::Ratio;
use crate::time::{Duration, Instant, nanos};

/// Nanoseconds of a step.
const STEP: u64 = 1_000_000_000;

/// How a rate gives way and comes back. Multiplicative down and additive up, as in congestion
/// control (Chiu and Jain, 1989): the only such pair under which callers end at equal shares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AdaptiveSettings {
    /// What is left of the rate after a second in which the upstream throttled. Default 70 %.
    pub cut: Ratio,
    /// The least share of the configured rate. Default 10 %: some calls must go on, or nobody
    /// would learn that the upstream has recovered.
    pub floor: Ratio,
    /// What share of the configured rate a quiet second adds. Default 5 %.
    pub raise: Ratio,
}

impl Default for AdaptiveSettings {
    fn default() -> Self {
        Self {
            cut: Ratio::from_percent(70),
            floor: Ratio::from_percent(10),
            raise: Ratio::from_percent(5),
        }
    }
}

impl AdaptiveSettings {
    /// Refuses what cannot work.
    ///
    /// # Errors
    ///
    /// [`Invalid`] for a cut that does not cut, a floor outside of 0 to 100 %, or no raise.
    pub fn validate(&self) -> Result<(), Invalid> {
        if self.cut >= Ratio::ONE {
            return Err(Invalid::new("adaptive.cut", self.cut, "below 100%"));
        }
        if self.floor == Ratio::ZERO || self.floor > Ratio::ONE {
            return Err(Invalid::new("adaptive.floor", self.floor, "above 0% and at most 100%"));
        }
        if self.raise == Ratio::ZERO || self.raise > Ratio::ONE {
            return Err(Invalid::new("adaptive.raise", self.raise, "above 0% and at most 100%"));
        }
        Ok(())
    }
}

/// The share of a configured rate that is in force.
///
/// `share ← max(floor, cut · share)` at most once a second while the upstream throttles, and
/// `share + raise` for each second since it last did. Constant time; nothing is allocated.
#[derive(Debug)]
pub struct Adaptive {
    settings: AdaptiveSettings,
    share: Ratio,
    /// When it was last cut.
    cut_at: Option<Instant>,
    /// The upstream has been quiet since.
    quiet_since: Instant,
}

impl Adaptive {
    /// The whole rate.
    #[must_use]
    pub const fn new(settings: AdaptiveSettings) -> Self {
        Self { settings, share: Ratio::ONE, cut_at: None, quiet_since: Instant::EPOCH }
    }

    /// The share in force as of the last call of another method.
    #[must_use]
    pub const fn share(&self) -> Ratio {
        self.share
    }

    /// The upstream has refused a call for load.
    pub fn on_throttled(&mut self, now: Instant) -> Ratio {
        let now = now.max(self.quiet_since);
        // A second that ends just now was not quiet.
        self.recover(Instant::from_nanos(now.as_nanos().saturating_sub(1)));
        if self.cut_at.is_none_or(|at| nanos(now.since(at)) >= STEP) {
            self.share = self.share_of_share().max(self.settings.floor).min(self.share);
            self.cut_at = Some(now);
        }
        self.quiet_since = now;
        self.invariants();
        self.share
    }

    /// The share at `now`, after the quiet seconds until then.
    pub fn poll(&mut self, now: Instant) -> Ratio {
        self.recover(now);
        self.invariants();
        self.share
    }

    /// When the share next changes by itself.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Instant> {
        let next = self.quiet_since.after(Duration::from_nanos(STEP));
        (self.share < Ratio::ONE).then_some(next)
    }

    /// Takes other settings and keeps the share.
    pub fn reconfigure(&mut self, settings: AdaptiveSettings) {
        self.settings = settings;
        self.share = self.share.max(settings.floor).min(Ratio::ONE);
        self.invariants();
    }

    /// Checks, in debug builds, what must always hold.
    pub fn invariants(&self) {
        debug_assert!(self.share <= Ratio::ONE, "more than was configured");
        let floor = self.settings.floor.min(Ratio::ONE);
        debug_assert!(self.share >= floor, "less than some calls always get");
    }

    fn recover(&mut self, now: Instant) {
        let steps = nanos(now.since(self.quiet_since)) / STEP;
        self.quiet_since = self.quiet_since.after(Duration::from_nanos(steps.saturating_mul(STEP)));
        let raised = steps.saturating_mul(self.settings.raise.ppm().into());
        let share = raised.saturating_add(self.share.ppm().into()).min(Ratio::ONE.ppm().into());
        self.share = Ratio::from_ppm(small(share));
    }

    fn share_of_share(&self) -> Ratio {
        let share = self.settings.cut.of(self.share.ppm().into());
        Ratio::from_ppm(small(share))
    }
}

#[cfg(all(test, debug_assertions))]
mod tests {
    use super::*;

    #[test]
    #[should_panic(expected = "more than was configured")]
    fn a_share_above_all_is_noticed() {
        let mut adaptive = Adaptive::new(AdaptiveSettings::default());
        adaptive.share = Ratio::from_percent(101);
        adaptive.invariants();
    }
}
