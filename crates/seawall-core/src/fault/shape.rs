//! How strong a fault is over time: a part of its full strength, by the time since its beginning.

use crate::invalid::Invalid;
use crate::ratio::Ratio;
use crate::time::{Duration, nanos};

/// The course of a fault.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Shape {
    /// At full strength from beginning to end. The default.
    #[default]
    Constant,
    /// Grows evenly for so long, then stays.
    Ramp(Duration),
    /// On and off.
    Square {
        /// From one beginning to the next.
        period: Duration,
        /// The part of it for which it is on, at its beginning.
        duty: Ratio,
    },
    /// Grows evenly from nothing and falls at once, again and again.
    Saw(Duration),
    /// From nothing to full strength and back, again and again, like a sine.
    Sine(Duration),
    /// Grows evenly for half of this and falls as evenly; nothing afterwards.
    Spike(Duration),
}

/// A course is looked at so many times in its period.
const STEPS: u32 = 50;

/// But no more often than this, whatever the period.
const TICK_MIN: Duration = Duration::from_millis(1);

impl Shape {
    /// Refuses courses that mean nothing.
    ///
    /// # Errors
    ///
    /// [`Invalid`] for a period of zero, and a duty of nothing or of everything.
    pub fn validate(&self) -> Result<(), Invalid> {
        if self.period().is_some_and(|period| period.is_zero()) {
            return Err(Invalid::new("period", "0s", "above zero"));
        }
        match self {
            Self::Square { duty, .. } if *duty == Ratio::ZERO || *duty >= Ratio::ONE => {
                Err(Invalid::new("duty", duty, "above 0% and below 100%"))
            }
            Self::Square { .. }
            | Self::Constant
            | Self::Ramp(_)
            | Self::Saw(_)
            | Self::Sine(_)
            | Self::Spike(_) => Ok(()),
        }
    }

    /// How often the strength should be looked at; `None` where it never changes.
    #[must_use]
    pub fn tick(&self) -> Option<Duration> {
        self.period().map(|period| (period / STEPS).max(TICK_MIN))
    }

    /// The strength so long after the beginning, 0 to 100 %.
    #[must_use]
    pub fn at(&self, elapsed: Duration) -> Ratio {
        let Some(period) = self.period() else { return Ratio::ONE };
        let (elapsed, period) = (nanos(elapsed), nanos(period).max(1));
        let phase = ratio(elapsed % period, period);
        match self {
            Self::Constant => Ratio::ONE,
            Self::Ramp(_) if elapsed >= period => Ratio::ONE,
            Self::Spike(_) if elapsed >= period => Ratio::ZERO,
            Self::Ramp(_) | Self::Saw(_) => phase,
            Self::Square { duty, .. } if phase < *duty => Ratio::ONE,
            Self::Square { .. } => Ratio::ZERO,
            Self::Spike(_) => triangle(phase),
            Self::Sine(_) => wave(phase),
        }
    }

    const fn period(&self) -> Option<Duration> {
        match self {
            Self::Constant => None,
            Self::Ramp(period)
            | Self::Saw(period)
            | Self::Sine(period)
            | Self::Spike(period)
            | Self::Square { period, .. } => Some(*period),
        }
    }
}

fn ratio(part: u64, whole: u64) -> Ratio {
    let ppm = u128::from(part) * 1_000_000 / u128::from(whole);
    Ratio::from_ppm(u32::try_from(ppm).unwrap_or(u32::MAX))
}

fn triangle(phase: Ratio) -> Ratio {
    let up = phase.ppm().min(1_000_000_u32.saturating_sub(phase.ppm()));
    Ratio::from_ppm(up.saturating_mul(2))
}

/// (1 − cos 2πx)/2 = sin² πx, with the sine as Bhaskara gave it about 629,
/// 16x(1−x) / (5 − 4x(1−x)): within 0.002, and whole numbers suffice.
fn wave(phase: Ratio) -> Ratio {
    const ONE: u128 = 1_000_000;
    let x = u128::from(phase.ppm()).min(ONE);
    let product = x * (ONE - x);
    let sine = 16 * product * ONE / (5 * ONE * ONE - 4 * product);
    Ratio::from_ppm(u32::try_from(sine * sine / ONE).unwrap_or(u32::MAX))
}
