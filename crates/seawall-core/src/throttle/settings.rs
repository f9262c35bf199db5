//! Settings of a throttle.
//!
//! The rule that uses them is in `machine.rs`.

use crate::Mode;
use crate::invalid::Invalid;
use crate::ratio::Ratio;
use crate::shed::Class;
use crate::time::Duration;

/// Settings of a throttle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ThrottleSettings {
    /// K of critical attempts. Default 4: throttled only when three in four are refused.
    pub critical: Ratio,
    /// K of high ones. Default 3, between its neighbours.
    pub high: Ratio,
    /// K of normal ones. Default 2, as in the SRE book: at most every second attempt is in vain.
    pub normal: Ratio,
    /// K of low ones. Default 1.1: hardly more than is accepted.
    pub low: Ratio,
    /// No attempt is refused with a higher probability. Default 90 %.
    pub cap: Ratio,
    /// Fewer requests in the window prove nothing. Default 10.
    pub min_requests: u32,
    /// The window, and the time to recover. Default 30 s.
    pub window: Duration,
    /// Enforce, shadow or off.
    pub mode: Mode,
}

impl Default for ThrottleSettings {
    fn default() -> Self {
        Self {
            critical: Ratio::from_percent(400),
            high: Ratio::from_percent(300),
            normal: Ratio::from_percent(200),
            low: Ratio::from_percent(110),
            cap: Ratio::from_percent(90),
            min_requests: 10,
            window: Duration::from_secs(30),
            mode: Mode::Enforce,
        }
    }
}

impl ThrottleSettings {
    /// Refuses what cannot work.
    ///
    /// # Errors
    ///
    /// [`Invalid`] for a K below 1, which would refuse attempts of an upstream that accepts all;
    /// for a K of something more important below that of something less so; for a cap of 100 % and
    /// more, which would never see a recovery; for a window below 10 ms or above an hour.
    pub fn validate(&self) -> Result<(), Invalid> {
        if self.low < Ratio::ONE {
            return Err(Invalid::new("throttle.low", self.low, "at least 100%"));
        }
        for (field, value, less) in [
            ("throttle.normal", self.normal, self.low),
            ("throttle.high", self.high, self.normal),
            ("throttle.critical", self.critical, self.high),
        ] {
            if value < less {
                return Err(Invalid::new(field, value, "at least that of the next lower class"));
            }
        }
        if self.cap >= Ratio::ONE {
            return Err(Invalid::new("throttle.cap", self.cap, "below 100%"));
        }
        if self.window < Duration::from_millis(10) || self.window > Duration::from_secs(3_600) {
            let shown = self.window.as_millis();
            return Err(Invalid::new("throttle.window", shown, "10 to 3600000, in milliseconds"));
        }
        Ok(())
    }

    pub(super) const fn k(&self, importance: Class) -> Ratio {
        match importance {
            Class::Critical => self.critical,
            Class::High => self.high,
            Class::Normal => self.normal,
            Class::Low => self.low,
        }
    }
}
