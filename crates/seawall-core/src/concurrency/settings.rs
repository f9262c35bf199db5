//! Settings of an adaptive limit.
//!
//! What the algorithms do with them is in a file each.

use crate::Mode;
use crate::invalid::Invalid;
use crate::ratio::Ratio;
use crate::time::Duration;

/// The largest limit there is. A million attempts at once are beyond the ports, files and memory
/// of any machine; whoever configures more has mistaken the unit.
pub const LIMIT_MAX: u32 = 1_000_000;

/// How a limit is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// Gradient against the latency of quiet times. See `steady.rs`.
    Steady {
        /// Latency up to this multiple of the base is no congestion, 100 % to 1 000 %. Default
        /// 150 %, as in Gradient2: the spread of healthy latencies is rarely wider.
        tolerance: Ratio,
    },
    /// The knee of the latency over what is in flight, of one endpoint. See `knee.rs`.
    Knee {
        /// As for `Steady`.
        tolerance: Ratio,
    },
    /// Additive increase, multiplicative decrease.
    Aimd {
        /// What a drop leaves of the limit, 50 % to below 100 %. Default 90 %.
        backoff: Ratio,
        /// A longer latency counts as a drop. Default 5 s.
        timeout: Duration,
    },
    /// TCP Vegas, as Netflix applied it. Takes the least latency seen as that without load.
    Vegas,
    /// Netflix's Gradient2, drift included. For comparison, and for those who know it.
    Gradient2,
    /// Envoy's adaptive concurrency filter, pinning included.
    Envoy,
}

/// Settings of an adaptive limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LimitSettings {
    /// Whether it acts. Default enforce.
    pub mode: Mode,
    /// How the limit is found. Default [`Algorithm::Steady`].
    pub algorithm: Algorithm,
    /// The limit before anything was learned, between `min` and `max`. Default 20: enough not to
    /// be felt by a quiet service, and doubled quickly for a busy one.
    pub initial: u32,
    /// No limit is lower; at least 1. Default 4: fewer at once give too few samples to learn that
    /// the dependency has recovered.
    pub min: u32,
    /// No limit is higher; at most [`LIMIT_MAX`]. Default 1 000. Must not exceed what threads or
    /// open files allow.
    pub max: u32,
}

impl Default for LimitSettings {
    fn default() -> Self {
        let tolerance = Ratio::from_percent(150);
        Self::with(Algorithm::Steady { tolerance }, [20, 4, 1_000])
    }
}

impl LimitSettings {
    /// The knee, for one limit at each endpoint: no limit until one is known, and as few as two,
    /// so that a service that works on one at a time has its next at hand.
    #[must_use]
    pub const fn knee() -> Self {
        let tolerance = Ratio::from_percent(150);
        Self::with(Algorithm::Knee { tolerance }, [LIMIT_MAX, 2, LIMIT_MAX])
    }

    /// AIMD with the defaults of Netflix: 20 to 200, 90 % on a drop, timeout 5 s.
    #[must_use]
    pub const fn aimd() -> Self {
        let (backoff, timeout) = (Ratio::from_percent(90), Duration::from_secs(5));
        Self::with(Algorithm::Aimd { backoff, timeout }, [20, 20, 200])
    }

    /// Vegas with the defaults of Netflix: 20 at first, up to 1 000.
    #[must_use]
    pub const fn vegas() -> Self {
        Self::with(Algorithm::Vegas, [20, 1, 1_000])
    }

    /// Gradient2 with the defaults of Netflix: 20 to 200.
    #[must_use]
    pub const fn gradient2() -> Self {
        Self::with(Algorithm::Gradient2, [20, 20, 200])
    }

    /// The gradient controller with the defaults of Envoy: 3 to 1 000.
    #[must_use]
    pub const fn envoy() -> Self {
        Self::with(Algorithm::Envoy, [3, 3, 1_000])
    }

    const fn with(algorithm: Algorithm, [initial, min, max]: [u32; 3]) -> Self {
        Self { mode: Mode::Enforce, algorithm, initial, min, max }
    }

    /// Whether a limit can work with these settings.
    ///
    /// # Errors
    ///
    /// The first setting that is out of range or contradicts another.
    pub fn validate(&self) -> Result<(), Invalid> {
        if self.min == 0 {
            return Err(Invalid::new("min", self.min, "at least 1"));
        }
        if self.max < self.min || self.max > LIMIT_MAX {
            return Err(Invalid::new("max", self.max, "at least min and at most 1000000"));
        }
        if !(self.min..=self.max).contains(&self.initial) {
            return Err(Invalid::new("initial", self.initial, "from min to max"));
        }
        self.algorithm.validate()
    }

    /// Within the bounds of its fields, whatever was asked for.
    pub(super) fn bounded(self) -> Self {
        let max = self.max.clamp(1, LIMIT_MAX);
        let min = self.min.clamp(1, max);
        Self { max, min, initial: self.initial.clamp(min, max), ..self }
    }
}

impl Algorithm {
    fn validate(&self) -> Result<(), Invalid> {
        match self {
            Self::Steady { tolerance } | Self::Knee { tolerance } => {
                let permitted = Ratio::ONE..=Ratio::from_percent(1_000);
                let fits = permitted.contains(tolerance);
                let invalid = || Invalid::new("tolerance", tolerance, "from 100% to 1000%");
                if fits { Ok(()) } else { Err(invalid()) }
            }
            Self::Aimd { backoff, timeout } => validate_aimd(*backoff, *timeout),
            Self::Vegas | Self::Gradient2 | Self::Envoy => Ok(()),
        }
    }
}

fn validate_aimd(backoff: Ratio, timeout: Duration) -> Result<(), Invalid> {
    if backoff < Ratio::from_percent(50) || backoff >= Ratio::ONE {
        return Err(Invalid::new("backoff", backoff, "at least 50% and below 100%"));
    }
    if timeout.is_zero() {
        return Err(Invalid::new("timeout", "0", "above zero"));
    }
    Ok(())
}
