//! How long a member of a group is merely suspected: SWIM's suspicion with the extensions of
//! Lifeguard, as pure formulas.
//!
//! The protocol that spreads suspicions is elsewhere. Source: Dadgar, Phillips and Currey,
//! "Lifeguard: Local Health Awareness for More Accurate Failure Detection", 2018, §IV.

#![expect(
    clippy::float_arithmetic,
    reason = "an estimator; what decides are the durations that come out of it, as integers"
)]

use crate::invalid::Invalid;
use crate::time::{Duration, nanos};

/// Settings of suspicion among members.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SuspicionTimes {
    /// The time between two probes of a member. Default 1 s, for a local network.
    pub probe: Duration,
    /// A suspicion that enough others share lasts so many probes, times the decimal logarithm of
    /// the group. Default 4.
    pub min_factor: u32,
    /// A suspicion that nobody shares lasts so many times longer. Default 6.
    pub max_factor: u32,
    /// So many confirmations by others bring it down to the minimum. Default 2.
    pub confirmations: u32,
}

impl Default for SuspicionTimes {
    fn default() -> Self {
        let probe = Duration::from_secs(1);
        Self { probe, min_factor: 4, max_factor: 6, confirmations: 2 }
    }
}

impl SuspicionTimes {
    /// # Errors
    ///
    /// [`Invalid`] for the first setting that cannot work.
    pub fn validate(&self) -> Result<(), Invalid> {
        if self.probe.is_zero() {
            return Err(Invalid::new("probe", "0", "above 0"));
        }
        for (field, factor) in [("min_factor", self.min_factor), ("max_factor", self.max_factor)] {
            if factor == 0 {
                return Err(Invalid::new(field, 0, "at least 1"));
            }
        }
        Ok(())
    }

    /// `min_factor · max(1, log₁₀ members) · probe`: how long a suspicion lasts that enough share.
    #[must_use]
    pub fn min(&self, members: u32) -> Duration {
        let scale = libm::log10(f64::from(members.max(1))).max(1.0);
        scaled(self.probe.saturating_mul(self.min_factor), scale)
    }

    /// `max_factor · min`: how long one lasts that nobody shares.
    #[must_use]
    pub fn max(&self, members: u32) -> Duration {
        self.min(members).saturating_mul(self.max_factor.max(1))
    }

    /// How long a suspicion lasts that so many others have `confirmed`:
    /// `max − (max − min) · ln(c + 1) / ln(k + 1)`, never below the minimum.
    #[must_use]
    pub fn timeout(&self, members: u32, confirmed: u32) -> Duration {
        let (min, max) = (self.min(members), self.max(members));
        if confirmed >= self.confirmations {
            return min;
        }
        let heard = libm::log(f64::from(confirmed) + 1.0);
        let share = heard / libm::log(f64::from(self.confirmations) + 1.0);
        max.saturating_sub(scaled(max.saturating_sub(min), share)).max(min)
    }
}

/// How well the observer itself does: 0 is well, 7 is worst. A slow observer must not take its own
/// slowness for that of others (Lifeguard's local health multiplier).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct LocalHealth(u8);

impl LocalHealth {
    /// The worst.
    pub const WORST: Self = Self(7);

    /// The score `score`, at most 7.
    #[must_use]
    pub const fn new(score: u8) -> Self {
        if score > Self::WORST.0 { Self::WORST } else { Self(score) }
    }

    /// The score, 0 to 7.
    #[must_use]
    pub const fn score(self) -> u8 {
        self.0
    }

    /// One worse: a probe of ours went unanswered, or we had to refute a suspicion of ourselves.
    #[must_use]
    pub const fn worse(self) -> Self {
        Self::new(self.0 + 1)
    }

    /// One better: a probe of ours was answered in time.
    #[must_use]
    pub const fn better(self) -> Self {
        Self(self.0.saturating_sub(1))
    }

    /// A probe interval or timeout for an observer of this health: `(score + 1)` times as long.
    #[must_use]
    pub const fn stretch(self, base: Duration) -> Duration {
        base.saturating_mul(self.0 as u32 + 1)
    }

    /// What an accusation by an observer of this health weighs: 8 down to 1.
    #[must_use]
    pub const fn weight(self) -> u32 {
        (Self::WORST.0 - self.0) as u32 + 1
    }
}

/// A duration times a factor; the longest where it does not fit.
fn scaled(duration: Duration, factor: f64) -> Duration {
    let nanos = f64_of(nanos(duration)) * factor;
    Duration::try_from_secs_f64(nanos / 1e9).unwrap_or(Duration::MAX)
}

#[expect(clippy::cast_precision_loss, reason = "a timeout to sixteen digits is exact enough")]
const fn f64_of(nanos: u64) -> f64 {
    nanos as f64
}
