//! Settings of the balancer of an upstream, with the defaults.

use super::levels::{self, LevelMode, OVERPROVISIONING};
use super::maglev::MAGLEV_SIZE;
use super::ring::RING_POINTS;
use super::subset::SubsetSettings;
use super::zones::ZoneSettings;
use super::{bounded, maglev, ramp, ring, two};
use crate::invalid::Invalid;
use crate::ratio::Ratio;
use crate::time::Duration;

/// How many candidates are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compare {
    /// All of them.
    All,
    /// So many, drawn at random; 2 to [`super::DRAWN_MAX`].
    Drawn(u8),
}

/// How an endpoint is chosen among those that may be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Algorithm {
    /// In turn, weights as shares of the turns; keeps its fairness while candidates change.
    RoundRobin,
    /// In turn, the turns of a heavy endpoint spread as far apart as they can be (nginx).
    SmoothWeighted,
    /// At random, in proportion to weights.
    Random,
    /// The fewest attempts in flight for its weight.
    LeastRequest(Compare),
    /// The less busy of two drawn at random.
    PowerOfTwo,
    /// The cheaper of two drawn at random, by peak-EWMA latency and attempts in flight. The
    /// default: it reacts to a slow endpoint within one answer and never herds on the best.
    #[default]
    PeakEwma,
    /// By the key of the call, on a ring.
    Ring {
        /// Points for a weight of 1; [`RING_POINTS`] is a good number.
        points: u32,
    },
    /// By the key of the call, in a Maglev table.
    Maglev {
        /// Entries, a prime; [`MAGLEV_SIZE`] is a good number up to 655 endpoints.
        size: u32,
    },
    /// By the key of the call, scoring every endpoint: for some 64 of them.
    Rendezvous,
}

impl Algorithm {
    /// A ring of the usual density.
    pub const RING: Self = Self::Ring { points: RING_POINTS };
    /// A Maglev table of the usual size.
    pub const MAGLEV: Self = Self::Maglev { size: MAGLEV_SIZE };

    /// Whether the key of the call decides. A call without a key then goes anywhere by weight.
    #[must_use]
    pub const fn is_keyed(self) -> bool {
        matches!(self, Self::Ring { .. } | Self::Maglev { .. } | Self::Rendezvous)
    }

    fn validate(self) -> Result<(), Invalid> {
        match self {
            Self::LeastRequest(Compare::Drawn(few)) if !(2..=two::DRAWN_MAX).contains(&few) => {
                Err(Invalid::new("least_request", few, "2 to 16"))
            }
            Self::Ring { points } => ring::validate(points),
            Self::Maglev { size } => maglev::validate(size),
            Self::RoundRobin
            | Self::SmoothWeighted
            | Self::Random
            | Self::LeastRequest(_)
            | Self::PowerOfTwo
            | Self::PeakEwma
            | Self::Rendezvous => Ok(()),
        }
    }
}

/// Settings of the balancer of an upstream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BalanceSettings {
    /// The algorithm.
    pub algorithm: Algorithm,
    /// Time constant of the latency estimate. Default 10 s.
    pub decay: Duration,
    /// The latency taken for an endpoint that has not answered yet. Default 30 ms.
    pub first_latency: Duration,
    /// A joining or re-admitted endpoint reaches its full weight over this time. Default 30 s.
    /// Keyed algorithms take no notice: a ramp would move keys to and fro.
    pub slow_start: Option<Duration>,
    /// The exponent `a` of slow start, whose weight is the share of time to the power 1/`a`.
    /// Default 1, a straight line; above it the start is steeper.
    pub slow_start_bend: Ratio,
    /// Keyed algorithms pass over an endpoint that is filled to this multiple of its share of the
    /// attempts in flight. Default off: keys stay where they belong. [`super::BOUND`] is usual.
    pub bounded_loads: Option<Ratio>,
    /// How priority levels share the calls. Default active and passive.
    pub levels: LevelMode,
    /// How much more than its share of traffic a level can carry. Default 140 %, as in Envoy: a
    /// level keeps all its traffic until under 5 in 7 of its endpoints may be chosen.
    pub overprovisioning: Ratio,
    /// Where callers stand. Default off: zones do not matter.
    pub zone: Option<ZoneSettings>,
    /// The part of a large upstream that this instance uses. Default off: all of it.
    pub subset: Option<SubsetSettings>,
    /// With a smaller share of endpoints that may be chosen, all are tried. Default 0 %: permits,
    /// adaptive limits and shedding already protect those that are left, and calls sent to the
    /// others are lost. With none left `when_all_down` decides, whatever this says.
    pub panic_threshold: Ratio,
}

impl Default for BalanceSettings {
    fn default() -> Self {
        Self {
            algorithm: Algorithm::PeakEwma,
            decay: Duration::from_secs(10),
            first_latency: Duration::from_millis(30),
            slow_start: Some(Duration::from_secs(30)),
            slow_start_bend: Ratio::ONE,
            bounded_loads: None,
            levels: LevelMode::ActivePassive,
            overprovisioning: OVERPROVISIONING,
            zone: None,
            subset: None,
            panic_threshold: Ratio::ZERO,
        }
    }
}

impl BalanceSettings {
    /// Whether they can work together.
    ///
    /// # Errors
    /// The first setting that cannot.
    pub fn validate(&self) -> Result<(), Invalid> {
        self.algorithm.validate()?;
        if self.decay.is_zero() {
            return Err(Invalid::new("decay", "0s", "above 0s"));
        }
        if self.first_latency.is_zero() {
            return Err(Invalid::new("first_latency", "0s", "above 0s"));
        }
        ramp::validate(self.slow_start, self.slow_start_bend)?;
        if let Some(bound) = self.bounded_loads {
            bounded::validate(bound)?;
            if !self.algorithm.is_keyed() {
                return Err(Invalid::new("bounded_loads", bound, "off without a keyed algorithm"));
            }
        }
        levels::validate(self.overprovisioning)?;
        self.zone.map_or(Ok(()), |zone| zone.validate())?;
        self.subset.map_or(Ok(()), |subset| subset.validate())?;
        if self.panic_threshold > Ratio::ONE {
            return Err(Invalid::new("panic_threshold", self.panic_threshold, "0% to 100%"));
        }
        Ok(())
    }
}
