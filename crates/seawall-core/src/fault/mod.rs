//! The vocabulary of faults: what can be wrong with a dependency, as plain data.
//!
//! The simulator and whoever injects faults into real traffic speak of the same faults under the
//! same names, so that one list of events can be rehearsed first and injected afterwards. Nothing
//! here does anything: how a fault is brought about is the driver's business.
//!
//! | file | what |
//! | --- | --- |
//! | `mod.rs` | the kinds with their parameters |
//! | `shape.rs` | how strong a fault is over time |
//! | `target.rs` | whom it concerns, as it is written |

mod shape;
mod target;

#[cfg(test)]
mod tests;

pub use shape::Shape;
pub use target::{Target, Which};

use crate::invalid::Invalid;
use crate::ratio::Ratio;
use crate::time::{Duration, nanos};

/// What is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The process is gone: connections are refused, and what it was doing is lost.
    Crash,
    /// The process stands still: it answers nothing, keeps what it has, and goes on afterwards.
    Freeze,
    /// Nothing gets through. Whoever waits learns nothing.
    BlackHole(Direction),
    /// New connections are refused; what is under way goes on.
    Refuse,
    /// Connections are cut in place of this share of answers.
    Reset(Ratio),
    /// This share of answers is errors.
    Errors(Ratio),
    /// Everything takes so much longer.
    Latency {
        /// The mean of what is added.
        added: Duration,
        /// What is added lies evenly within this of the mean; at most the mean.
        jitter: Duration,
    },
    /// Work takes so many times as long; at least 100 %.
    Slower(Ratio),
    /// So much is left of what can be done at once; at most 100 %.
    Capacity(Ratio),
    /// The process ends, comes back and is slow at first.
    Restart {
        /// How long it is gone.
        down: Duration,
        /// How long it is slow.
        warm_up: Duration,
        /// How many times as long work takes at first; falls evenly to 100 %.
        cold: Ratio,
    },
    /// It gets no new work and finishes what it has; those who choose know of it.
    Drain,
    /// Everything that was remembered is forgotten.
    Flush,
    /// So many times as many calls come.
    Surge(Ratio),
    /// Another config is in force.
    Reload,
}

/// Which way is cut.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Direction {
    /// Both. The default.
    #[default]
    Both,
    /// Requests vanish.
    There,
    /// Answers vanish: what was asked for is done, and nobody learns of it.
    Back,
}

/// The largest factor of a fault; a slip beyond it.
const FACTOR_MAX: Ratio = Ratio::from_percent(100_000);

impl Fault {
    /// The names of all kinds, in the order of the documents.
    pub const NAMES: [&'static str; 14] = [
        "crash",
        "freeze",
        "black_hole",
        "refuse",
        "reset",
        "errors",
        "latency",
        "slower",
        "capacity",
        "restart",
        "drain",
        "flush",
        "surge",
        "reload",
    ];

    /// Its name in files and reports.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Crash => "crash",
            Self::Freeze => "freeze",
            Self::BlackHole(_) => "black_hole",
            Self::Refuse => "refuse",
            Self::Reset(_) => "reset",
            Self::Errors(_) => "errors",
            Self::Latency { .. } => "latency",
            Self::Slower(_) => "slower",
            Self::Capacity(_) => "capacity",
            Self::Restart { .. } => "restart",
            Self::Drain => "drain",
            Self::Flush => "flush",
            Self::Surge(_) => "surge",
            Self::Reload => "reload",
        }
    }

    /// Whether it is over as soon as it has happened.
    #[must_use]
    pub const fn is_instant(&self) -> bool {
        matches!(self, Self::Flush)
    }

    /// Refuses parameters that mean nothing.
    ///
    /// # Errors
    ///
    /// [`Invalid`] for a share above 100 % or of nothing, a factor that would heal, a latency of
    /// zero, a jitter above it, and a restart that takes no time.
    pub fn validate(&self) -> Result<(), Invalid> {
        match self {
            Self::Reset(share) | Self::Errors(share) => part("share", *share),
            Self::Capacity(share) if *share > Ratio::ONE => {
                Err(Invalid::new("share", share, "at most 100%"))
            }
            Self::Slower(factor) | Self::Surge(factor) if *factor > FACTOR_MAX => {
                Err(Invalid::new("factor", factor, "at most 100000%"))
            }
            Self::Slower(factor) if *factor < Ratio::ONE => {
                Err(Invalid::new("factor", factor, "at least 100%"))
            }
            Self::Latency { added, jitter } => latency(*added, *jitter),
            Self::Restart { down, cold, .. } => restart(*down, *cold),
            Self::Crash
            | Self::Freeze
            | Self::BlackHole(_)
            | Self::Refuse
            | Self::Slower(_)
            | Self::Capacity(_)
            | Self::Drain
            | Self::Flush
            | Self::Surge(_)
            | Self::Reload => Ok(()),
        }
    }

    /// The fault at this part of its full strength; none of it at zero. What has no degrees is
    /// in force at any strength above zero.
    #[must_use]
    pub fn at(self, strength: Ratio) -> Option<Self> {
        if strength == Ratio::ZERO {
            return None;
        }
        Some(match self {
            Self::Reset(share) => Self::Reset(of(share, strength)),
            Self::Errors(share) => Self::Errors(of(share, strength)),
            Self::Latency { added, jitter } => {
                Self::Latency { added: long(added, strength), jitter: long(jitter, strength) }
            }
            Self::Slower(factor) => Self::Slower(between(factor, strength)),
            Self::Capacity(share) => Self::Capacity(between(share, strength)),
            Self::Surge(factor) => Self::Surge(between(factor, strength)),
            whole @ (Self::Crash
            | Self::Freeze
            | Self::BlackHole(_)
            | Self::Refuse
            | Self::Restart { .. }
            | Self::Drain
            | Self::Flush
            | Self::Reload) => whole,
        })
    }
}

fn part(field: &'static str, share: Ratio) -> Result<(), Invalid> {
    if share == Ratio::ZERO || share > Ratio::ONE {
        return Err(Invalid::new(field, share, "above 0% and up to 100%"));
    }
    Ok(())
}

fn latency(added: Duration, jitter: Duration) -> Result<(), Invalid> {
    if added.is_zero() {
        return Err(Invalid::new("added", "0s", "above zero"));
    }
    if jitter > added {
        return Err(Invalid::new("jitter", "longer", "at most what is added"));
    }
    Ok(())
}

fn restart(down: Duration, cold: Ratio) -> Result<(), Invalid> {
    if down.is_zero() {
        return Err(Invalid::new("down", "0s", "above zero"));
    }
    if !(Ratio::ONE..=FACTOR_MAX).contains(&cold) {
        return Err(Invalid::new("cold", cold, "100% to 100000%"));
    }
    Ok(())
}

/// A part of a ratio, rounded down.
fn of(ratio: Ratio, part: Ratio) -> Ratio {
    let ppm = u64::from(ratio.ppm()) * u64::from(part.ppm()) / 1_000_000;
    Ratio::from_ppm(u32::try_from(ppm).unwrap_or(u32::MAX))
}

/// The ratio that lies this part of the way from 100 % to `full`.
fn between(full: Ratio, part: Ratio) -> Ratio {
    if full >= Ratio::ONE {
        let above = Ratio::from_ppm(full.ppm() - Ratio::ONE.ppm());
        return Ratio::from_ppm(Ratio::ONE.ppm().saturating_add(of(above, part).ppm()));
    }
    let below = Ratio::from_ppm(Ratio::ONE.ppm() - full.ppm());
    Ratio::from_ppm(Ratio::ONE.ppm().saturating_sub(of(below, part).ppm()))
}

fn long(time: Duration, part: Ratio) -> Duration {
    let scaled = u128::from(nanos(time)) * u128::from(part.ppm()) / 1_000_000;
    Duration::from_nanos(u64::try_from(scaled).unwrap_or(u64::MAX))
}
