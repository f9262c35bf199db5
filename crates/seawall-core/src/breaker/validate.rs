//! Settings of a breaker that contradict themselves.
//!
//! The settings are in `settings.rs`.

use alloc::string::String;

use super::call_ring::CALLS_MAX;
use super::{BreakerSettings, CoolDown, WindowKind};
use crate::invalid::Invalid;
use crate::ratio::Ratio;
use crate::time::Duration;

/// A time window has ten buckets, and none may be shorter than a millisecond: shorter ones hold no
/// more than chance.
const WINDOW_MIN: Duration = Duration::from_millis(10);

/// A time window beyond a day remembers what nobody remembers.
const WINDOW_MAX: Duration = Duration::from_secs(86_400);

impl BreakerSettings {
    /// Checks settings before they are used. A breaker never panics on settings that fail this, but
    /// may then never trip, or never close.
    ///
    /// # Errors
    ///
    /// [`Invalid`] for the first setting that cannot work: counts of 0, windows of nothing or too
    /// large, rates of 0 or above 100 %, `min_calls` that the window cannot hold, a cool-down that
    /// shrinks or whose base lies above its maximum, no condition at all.
    pub fn validate(&self) -> Result<(), Invalid> {
        let counts = [
            ("consecutive", self.consecutive.unwrap_or(1)),
            ("min_calls", self.min_calls),
            ("max_probes", self.max_probes),
            ("success_threshold", self.success_threshold),
        ];
        if let Some((field, count)) = counts.into_iter().find(|(_, count)| *count == 0) {
            return Err(Invalid::new(field, count, "at least 1"));
        }
        self.validate_conditions()?;
        self.validate_window()?;
        self.cool_down.validate()?;
        if self.max_half_open.is_zero() {
            return Err(Invalid::new("max_half_open", "0", "above 0"));
        }
        if self.ramp.is_some_and(|ramp| ramp.is_zero()) {
            return Err(Invalid::new("ramp", "0", "above 0, or off"));
        }
        Ok(())
    }

    fn validate_conditions(&self) -> Result<(), Invalid> {
        let slow_rate = self.slow_calls.map(|slow| slow.rate);
        for (field, rate) in [("failure_rate", self.failure_rate), ("slow_calls.rate", slow_rate)] {
            let Some(rate) = rate else { continue };
            if rate == Ratio::ZERO || rate > Ratio::ONE {
                return Err(Invalid::new(field, rate, "above 0% and at most 100%"));
            }
        }
        if self.slow_calls.is_some_and(|slow| slow.limit.is_zero()) {
            return Err(Invalid::new("slow_calls.limit", "0", "above 0"));
        }
        if self.consecutive.is_none() && self.failure_rate.is_none() && self.slow_calls.is_none() {
            let permitted = "set, or failure_rate, or slow_calls: nothing would trip";
            return Err(Invalid::new("consecutive", "off", permitted));
        }
        Ok(())
    }

    fn validate_window(&self) -> Result<(), Invalid> {
        match self.window {
            WindowKind::Calls(size) if size == 0 || size > CALLS_MAX => {
                Err(Invalid::new("window", size, "1 to 65536 calls"))
            }
            WindowKind::Calls(size) if self.min_calls > size => {
                Err(Invalid::new("min_calls", self.min_calls, "at most the calls of the window"))
            }
            WindowKind::Time(length) if !(WINDOW_MIN..=WINDOW_MAX).contains(&length) => {
                Err(Invalid::new("window", millis(length), "10 ms to 24 h"))
            }
            WindowKind::Calls(_) | WindowKind::Time(_) => Ok(()),
        }
    }
}

impl CoolDown {
    fn validate(&self) -> Result<(), Invalid> {
        if self.base.is_zero() {
            return Err(Invalid::new("cool_down.base", "0", "above 0"));
        }
        if self.max < self.base {
            return Err(Invalid::new("cool_down.max", millis(self.max), "at least cool_down.base"));
        }
        if self.growth < Ratio::ONE {
            return Err(Invalid::new("cool_down.growth", self.growth, "at least 100%"));
        }
        Ok(())
    }
}

fn millis(duration: Duration) -> String {
    alloc::format!("{} ms", duration.as_millis())
}
