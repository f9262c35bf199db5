//! The steps of brownout, and what can press for one.
//!
//! When a step is taken is decided in `machine.rs`.

/// How many levels there are.
pub const LEVELS: usize = 5;

/// How many signals there are.
pub const SIGNALS: usize = 5;

/// Which optional work is switched off; the later the more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// 0: nothing. The default.
    #[default]
    Normal,
    /// 1: hedges, mirrors, optional enrichment.
    Lean,
    /// 2: fresh answers where stale ones do, and large results.
    Reduced,
    /// 3: all but critical and high calls.
    Essential,
    /// 4: everything but last rungs.
    Static,
}

impl Level {
    /// Every level, from 0 to 4.
    pub const ALL: [Self; LEVELS] =
        [Self::Normal, Self::Lean, Self::Reduced, Self::Essential, Self::Static];

    /// Its number, 0 to 4.
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::Normal => 0,
            Self::Lean => 1,
            Self::Reduced => 2,
            Self::Essential => 3,
            Self::Static => 4,
        }
    }

    /// The level of a number; none above 4.
    #[must_use]
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.get(usize::from(number)).copied()
    }
}

/// A set of levels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct LevelSet(u8);

impl LevelSet {
    /// No level.
    pub const NONE: Self = Self(0);

    /// This set and `level`.
    #[must_use]
    pub const fn with(self, level: Level) -> Self {
        Self(self.0 | 1 << level.number())
    }

    /// Whether `level` is in it.
    #[must_use]
    pub const fn contains(self, level: Level) -> bool {
        self.0 & 1 << level.number() != 0
    }
}

/// What can be under pressure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Signal {
    /// The average wait in queues, by its target.
    QueueWait,
    /// Attempts in flight, by their limit.
    InFlight,
    /// Memory in use, by its limit.
    Memory,
    /// Processor time, by what there is.
    Cpu,
    /// The share of errors, by what is tolerated.
    ErrorShare,
}

impl Signal {
    /// Every signal.
    pub const ALL: [Self; SIGNALS] =
        [Self::QueueWait, Self::InFlight, Self::Memory, Self::Cpu, Self::ErrorShare];

    pub(super) const fn index(self) -> usize {
        match self {
            Self::QueueWait => 0,
            Self::InFlight => 1,
            Self::Memory => 2,
            Self::Cpu => 3,
            Self::ErrorShare => 4,
        }
    }
}
