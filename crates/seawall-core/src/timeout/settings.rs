//! Settings of an adaptive timeout.
//!
//! The rule that uses them is in `adaptive.rs`.

use alloc::format;

use crate::Mode;
use crate::invalid::Invalid;
use crate::ratio::Ratio;
use crate::time::Duration;

/// Settings of an adaptive attempt timeout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AdaptiveSettings {
    /// Whether it acts. Default off: a timeout that moves by itself should be somebody's choice.
    pub mode: Mode,
    /// The quantile of latency that it follows. Default 99 %.
    pub quantile: Ratio,
    /// How many times that quantile the target is; more than 100 %, or attempts that timed out
    /// could never open it. Default 200 %: it doubles until answers fit.
    pub factor: Ratio,
    /// It never becomes shorter. Default 50 ms, a garbage collection or a lost packet.
    pub floor: Duration,
    /// It never becomes longer, and starts here: the fixed attempt timeout. Default 3 s, that of
    /// the standard class.
    pub ceiling: Duration,
    /// What one update leaves of it at least; below 100 %. Default 80 %: from the ceiling to a
    /// fifteenth of it takes a minute, the window of the latencies.
    pub tighten: Ratio,
    /// How often it is computed. Default 5 s.
    pub refresh: Duration,
    /// Samples that it takes to tighten, at least 1. Default 100, the fewest of which one is the
    /// slowest hundredth.
    pub samples_min: u64,
}

impl Default for AdaptiveSettings {
    fn default() -> Self {
        Self {
            mode: Mode::Off,
            quantile: Ratio::from_percent(99),
            factor: Ratio::from_percent(200),
            floor: Duration::from_millis(50),
            ceiling: Duration::from_secs(3),
            tighten: Ratio::from_percent(80),
            refresh: Duration::from_secs(5),
            samples_min: 100,
        }
    }
}

impl AdaptiveSettings {
    /// Checks what the machine relies on.
    ///
    /// # Errors
    ///
    /// The first setting that cannot work.
    pub fn validate(&self) -> Result<(), Invalid> {
        let bad = |name, value: Ratio, permitted| Err(Invalid::new(name, value, permitted));
        let wrong = |name, value: Duration, permitted| {
            Err(Invalid::new(name, format!("{value:?}"), permitted))
        };
        if self.quantile == Ratio::ZERO || self.quantile > Ratio::ONE {
            return bad("quantile", self.quantile, "above 0% and at most 100%");
        }
        if self.factor <= Ratio::ONE {
            return bad("factor", self.factor, "above 100%");
        }
        if self.tighten == Ratio::ZERO || self.tighten >= Ratio::ONE {
            return bad("tighten", self.tighten, "above 0% and below 100%");
        }
        if self.floor.is_zero() {
            return wrong("floor", self.floor, "above 0");
        }
        if self.ceiling < self.floor {
            return wrong("ceiling", self.ceiling, "at least floor");
        }
        if self.refresh.is_zero() {
            return wrong("refresh", self.refresh, "above 0");
        }
        if self.samples_min == 0 {
            return Err(Invalid::new("samples_min", 0, "at least 1"));
        }
        Ok(())
    }
}
