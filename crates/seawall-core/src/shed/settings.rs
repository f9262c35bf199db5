//! Settings of shedding.
//!
//! The rule that uses them is in `machine.rs`.

use crate::Mode;
use crate::invalid::Invalid;
use crate::ratio::Ratio;
use crate::time::Duration;

/// Settings of shedding by priority. The defaults are those of DAGOR.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShedSettings {
    /// Whether it acts. Default enforce.
    pub mode: Mode,
    /// An average wait in queues of this or more is overload; above zero. Default 20 ms: far above
    /// what bursts cause, far below the timeouts of callers.
    pub queue_wait: Duration,
    /// The longest window; above zero. Default 1 s.
    pub window: Duration,
    /// The most calls of a window; at least 1. Default 2 000: a busy service need not wait a
    /// second to learn that it is overloaded.
    pub window_calls: u32,
    /// What overload leaves of the admitted, above 0 and below 100 %. Default 95 %.
    pub shrink: Ratio,
    /// The share of the arrivals by which the target grows without overload, above 0 to 100 %.
    /// Default 1 %: slower than it shrinks, or it would swing.
    pub growth: Ratio,
    /// No target is a smaller share of the arrivals; above 0 to 100 %. Default 5 %, so that
    /// recovery stays observable.
    pub floor: Ratio,
}

impl Default for ShedSettings {
    fn default() -> Self {
        Self {
            mode: Mode::Enforce,
            queue_wait: Duration::from_millis(20),
            window: Duration::from_secs(1),
            window_calls: 2_000,
            shrink: Ratio::from_percent(95),
            growth: Ratio::from_percent(1),
            floor: Ratio::from_percent(5),
        }
    }
}

impl ShedSettings {
    /// Whether shedding can work with these settings.
    ///
    /// # Errors
    ///
    /// The first setting that is out of range.
    pub fn validate(&self) -> Result<(), Invalid> {
        if self.queue_wait.is_zero() {
            return Err(Invalid::new("queue_wait", "0", "above zero"));
        }
        if self.window.is_zero() {
            return Err(Invalid::new("window", "0", "above zero"));
        }
        if self.window_calls == 0 {
            return Err(Invalid::new("window_calls", 0, "at least 1"));
        }
        if self.shrink == Ratio::ZERO || self.shrink >= Ratio::ONE {
            return Err(Invalid::new("shrink", self.shrink, "above 0% and below 100%"));
        }
        for (field, share) in [("growth", self.growth), ("floor", self.floor)] {
            if share == Ratio::ZERO || share > Ratio::ONE {
                return Err(Invalid::new(field, share, "above 0% and at most 100%"));
            }
        }
        Ok(())
    }
}
