//! Settings of brownout.
//!
//! The rule that uses them is in `machine.rs`.

use super::{Level, LevelSet};
use crate::Mode;
use crate::invalid::Invalid;
use crate::ratio::Ratio;
use crate::time::Duration;

/// Settings of brownout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BrownoutSettings {
    /// Whether it acts. Default enforce.
    pub mode: Mode,
    /// Pressure of this or more raises the level, above `fall_at`. Default 100 %.
    pub rise_at: Ratio,
    /// So many ticks in a row; at least 1. Default 3: one bad second is a burst.
    pub rise_ticks: u32,
    /// Pressure of this or less lowers the level. Default 70 %: what is switched on again adds
    /// to the pressure, and must not send the level straight back.
    pub fall_at: Ratio,
    /// So many ticks in a row; at least `rise_ticks`. Default 15: too early costs more than too
    /// late.
    pub fall_ticks: u32,
    /// The time of a tick; above zero. Default 1 s.
    pub tick: Duration,
    /// Levels that are passed over; never [`Level::Normal`]. Default none.
    pub skipped: LevelSet,
}

impl Default for BrownoutSettings {
    fn default() -> Self {
        Self {
            mode: Mode::Enforce,
            rise_at: Ratio::ONE,
            rise_ticks: 3,
            fall_at: Ratio::from_percent(70),
            fall_ticks: 15,
            tick: Duration::from_secs(1),
            skipped: LevelSet::NONE,
        }
    }
}

impl BrownoutSettings {
    /// Whether brownout can work with these settings.
    ///
    /// # Errors
    ///
    /// The first setting that is out of range or contradicts another.
    pub fn validate(&self) -> Result<(), Invalid> {
        if self.rise_at <= self.fall_at {
            return Err(Invalid::new("rise_at", self.rise_at, "above fall_at"));
        }
        if self.rise_ticks == 0 {
            return Err(Invalid::new("rise_ticks", 0, "at least 1"));
        }
        if self.fall_ticks < self.rise_ticks {
            return Err(Invalid::new("fall_ticks", self.fall_ticks, "at least rise_ticks"));
        }
        if self.tick.is_zero() {
            return Err(Invalid::new("tick", "0", "above zero"));
        }
        if self.skipped.contains(Level::Normal) {
            return Err(Invalid::new("skipped", "normal", "levels from lean to static"));
        }
        Ok(())
    }

    /// The next level above `level` that is not skipped; `level` where there is none.
    pub(super) fn above(&self, level: Level) -> Level {
        let mut higher = Level::ALL.into_iter().filter(|other| *other > level);
        higher.find(|other| !self.skipped.contains(*other)).unwrap_or(level)
    }

    /// The next level below `level` that is not skipped; normal where there is none.
    pub(super) fn below(&self, level: Level) -> Level {
        let mut lower = Level::ALL.into_iter().rev().filter(|other| *other < level);
        lower.find(|other| !self.skipped.contains(*other)).unwrap_or(Level::Normal)
    }
}
