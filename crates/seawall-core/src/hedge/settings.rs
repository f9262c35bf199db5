//! Settings of hedging, and which of them could never act.
//!
//! The rule that uses them is in `machine.rs`.

use alloc::format;

use crate::Mode;
use crate::invalid::Invalid;
use crate::ratio::Ratio;
use crate::time::Duration;

/// Hedges of one call at most, whatever is configured. What three extra attempts cannot reach, a
/// fourth will not.
pub const EXTRA_MAX: u32 = 3;

/// How long a call waits for the head of an answer before an extra attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HedgeDelay {
    /// Always so long; from the first call on, since nothing has to be measured.
    Fixed(Duration),
    /// A quantile of the latencies of the last minute, or twice their median where that is more; at
    /// most half the attempt timeout.
    Quantile {
        /// Which. Default 95 %.
        share: Ratio,
        /// Never less. Default 1 ms: below that the hedge costs more than the wait.
        floor: Duration,
    },
}

impl Default for HedgeDelay {
    fn default() -> Self {
        Self::Quantile { share: Ratio::from_percent(95), floor: Duration::from_millis(1) }
    }
}

/// Settings of hedging.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HedgeSettings {
    /// Whether it acts. Default off: only who knows the upstream can say that it has room.
    pub mode: Mode,
    /// When an extra attempt starts.
    pub delay: HedgeDelay,
    /// Extra attempts of one call, 1 to [`EXTRA_MAX`]. Default 1, which brings nearly all of what
    /// hedging can.
    pub max_extra: u32,
    /// Hedges for each first attempt in the window, above 0 % and at most 100 %. Default 5 %, what
    /// hedging at p95 costs while all is well.
    pub share: Ratio,
    /// The window of the share. Default 10 s, that of the attempt budget.
    pub window: Duration,
    /// Latencies in the last minute that it takes for a quantile, at least 1. Default 100.
    pub samples_min: u64,
    /// How often the quantile is computed. Default 3 s.
    pub refresh: Duration,
}

impl Default for HedgeSettings {
    fn default() -> Self {
        Self {
            mode: Mode::Off,
            delay: HedgeDelay::default(),
            max_extra: 1,
            share: Ratio::from_percent(5),
            window: Duration::from_secs(10),
            samples_min: 100,
            refresh: Duration::from_secs(3),
        }
    }
}

impl HedgeSettings {
    /// Checks what the machine relies on, and refuses what would make it do nothing.
    ///
    /// # Errors
    ///
    /// The first setting that cannot work.
    pub fn validate(&self) -> Result<(), Invalid> {
        self.delay.validate()?;
        if self.max_extra == 0 || self.max_extra > EXTRA_MAX {
            return Err(Invalid::new("max_extra", self.max_extra, "1 to 3"));
        }
        if self.share == Ratio::ZERO || self.share > Ratio::ONE {
            return Err(Invalid::new("share", self.share, "above 0% and at most 100%"));
        }
        if self.window.is_zero() {
            return Err(wrong("window", self.window, "above 0"));
        }
        if self.samples_min == 0 {
            return Err(Invalid::new("samples_min", 0, "at least 1"));
        }
        if self.refresh.is_zero() {
            return Err(wrong("refresh", self.refresh, "above 0"));
        }
        Ok(())
    }

    /// As [`HedgeSettings::validate`], and that a hedge can ever start beside attempts with this
    /// timeout.
    ///
    /// # Errors
    ///
    /// The first setting that cannot work. A delay that no attempt outlives is one.
    pub fn validate_beside(&self, attempt_timeout: Duration) -> Result<(), Invalid> {
        self.validate()?;
        match self.delay {
            HedgeDelay::Fixed(delay) if delay >= attempt_timeout => {
                Err(wrong("delay", delay, "below the attempt timeout"))
            }
            HedgeDelay::Quantile { floor, .. } if floor > attempt_timeout / 2 => {
                Err(wrong("delay.floor", floor, "at most half the attempt timeout"))
            }
            HedgeDelay::Fixed(_) | HedgeDelay::Quantile { .. } => Ok(()),
        }
    }
}

impl HedgeDelay {
    fn validate(&self) -> Result<(), Invalid> {
        match *self {
            Self::Fixed(delay) if delay.is_zero() => Err(wrong("delay", delay, "above 0")),
            Self::Quantile { share, .. } if share == Ratio::ZERO || share >= Ratio::ONE => {
                Err(Invalid::new("delay.quantile", share, "above 0% and below 100%"))
            }
            Self::Quantile { floor, .. } if floor.is_zero() => {
                Err(wrong("delay.floor", floor, "above 0"))
            }
            Self::Fixed(_) | Self::Quantile { .. } => Ok(()),
        }
    }
}

fn wrong(field: &'static str, value: Duration, permitted: &'static str) -> Invalid {
    Invalid::new(field, format!("{value:?}"), permitted)
}
