//! Settings of a set of breakers.
//!
//! The set is in `keyed.rs`, the settings of each breaker are in `settings.rs`.

use super::{BreakerSettings, WindowKind};
use crate::invalid::Invalid;
use crate::time::Duration;

/// No set holds more keys; a breaker takes about 600 bytes.
pub(super) const KEYS_MAX: u32 = 65_536;

/// Settings of a set of breakers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyedSettings {
    /// Those of each breaker, the shared one included.
    pub breaker: BreakerSettings,
    /// So many keys have a breaker of their own, 1 to 65 536. Default 1 024, some 600 KiB.
    pub keys_max: u32,
    /// A key that was not used for so long may lose its breaker to another. At least the window,
    /// so that nothing recent is forgotten. Default 60 s.
    pub idle: Duration,
    /// One that is open, or was not long ago, may lose it after so long without use, when no other
    /// can. Default 10 min.
    pub forget_open: Duration,
}

impl KeyedSettings {
    /// The defaults, with breakers like this.
    #[must_use]
    pub const fn new(breaker: BreakerSettings) -> Self {
        let (idle, forget_open) = (Duration::from_secs(60), Duration::from_secs(600));
        Self { breaker, keys_max: 1_024, idle, forget_open }
    }

    /// # Errors
    ///
    /// [`Invalid`] for the first setting that cannot work.
    pub fn validate(&self) -> Result<(), Invalid> {
        self.breaker.validate()?;
        if !(1..=KEYS_MAX).contains(&self.keys_max) {
            return Err(Invalid::new("keys_max", self.keys_max, "1 to 65536"));
        }
        let millis = |duration: Duration| alloc::format!("{} ms", duration.as_millis());
        let window = match self.breaker.window {
            WindowKind::Time(length) => length,
            WindowKind::Calls(_) => Duration::from_nanos(1),
        };
        if self.idle < window {
            return Err(Invalid::new("idle", millis(self.idle), "at least the window"));
        }
        if self.forget_open < self.idle {
            return Err(Invalid::new("forget_open", millis(self.forget_open), "at least idle"));
        }
        Ok(())
    }
}
