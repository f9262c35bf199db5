//! What the outlier detector found and what it reports.

use crate::Mode;
use crate::endpoint::Slot;
use crate::ratio::Ratio;
use crate::time::{Duration, Instant};

/// The rule that an endpoint broke.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Detector {
    /// Failures in a row.
    Consecutive,
    /// Gateway failures in a row.
    Gateway,
    /// Failures of local origin in a row.
    LocalOrigin,
    /// A success rate far below that of the others.
    SuccessRate,
    /// A large share of failures.
    FailureShare,
    /// A latency far above that of the others.
    Latency,
    /// Answers that disagree with the majority.
    OddOne,
    /// A probe that failed.
    Probe,
}

/// What a detector measured, and against what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finding {
    /// Failures in a row.
    Consecutive {
        /// How many.
        failures: u32,
        /// So many eject.
        limit: u32,
    },
    /// Gateway failures in a row.
    Gateway {
        /// How many.
        failures: u32,
        /// So many eject.
        limit: u32,
    },
    /// Failures of local origin in a row.
    LocalOrigin {
        /// How many.
        failures: u32,
        /// So many eject.
        limit: u32,
    },
    /// A success rate below the others'.
    SuccessRate {
        /// The rate of the endpoint.
        rate: Ratio,
        /// A rate below this ejects.
        threshold: Ratio,
    },
    /// A share of failures.
    FailureShare {
        /// The share of the endpoint.
        share: Ratio,
        /// This share ejects.
        limit: Ratio,
    },
    /// A latency above the others'.
    Latency {
        /// The median of the endpoint.
        median: Duration,
        /// This median ejects.
        threshold: Duration,
    },
    /// Answers that disagree with the majority or fail validation.
    OddOne {
        /// How many.
        disagreements: u32,
        /// Among so many that were compared.
        reads: u32,
        /// So many eject.
        limit: u32,
    },
    /// The probe of an ejected endpoint failed.
    FailedProbe,
}

impl Finding {
    /// The detector that found it.
    #[must_use]
    pub const fn detector(self) -> Detector {
        match self {
            Self::Consecutive { .. } => Detector::Consecutive,
            Self::Gateway { .. } => Detector::Gateway,
            Self::LocalOrigin { .. } => Detector::LocalOrigin,
            Self::SuccessRate { .. } => Detector::SuccessRate,
            Self::FailureShare { .. } => Detector::FailureShare,
            Self::Latency { .. } => Detector::Latency,
            Self::OddOne { .. } => Detector::OddOne,
            Self::FailedProbe => Detector::Probe,
        }
    }
}

/// One ejection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ejection {
    /// Why.
    pub finding: Finding,
    /// Which one in a row this is, from 1.
    pub streak: u32,
    /// Since when.
    pub at: Instant,
    /// When the first probe may come, unless an active check brings it forward.
    pub until: Instant,
}

/// What the outlier detector reports. In [`Mode::Shadow`] nothing was done about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutlierEvent {
    /// An endpoint was taken out of choice.
    Ejected {
        /// The endpoint.
        slot: Slot,
        /// Why and for how long.
        ejection: Ejection,
        /// Whether it was acted upon.
        mode: Mode,
    },
    /// An endpoint should have been ejected, but as many as may be are out. At most once in a
    /// window for each endpoint.
    Capped {
        /// The endpoint.
        slot: Slot,
        /// Why it should have been.
        finding: Finding,
        /// How many are out.
        out: u32,
        /// Whether it would have been acted upon.
        mode: Mode,
    },
    /// An endpoint should have been ejected, but the fault is common to most: ejecting would not
    /// help, and the breaker of the upstream acts. At most once in a window.
    Suppressed {
        /// The endpoint.
        slot: Slot,
        /// Why it should have been.
        finding: Finding,
        /// So many endpoints do badly ...
        failing: u32,
        /// ... of so many that were judged.
        judged: u32,
        /// Whether it would have been acted upon.
        mode: Mode,
    },
    /// An endpoint should have been ejected, but chance spared it: its detector is enforced for a
    /// share of its verdicts only. At most once in a window for each endpoint.
    NotEnforced {
        /// The endpoint.
        slot: Slot,
        /// Why it should have been.
        finding: Finding,
        /// The share that is enforced.
        share: Ratio,
        /// Whether it would have been acted upon.
        mode: Mode,
    },
    /// A probe succeeded: the endpoint may be chosen again and should start slowly.
    Returned {
        /// The endpoint.
        slot: Slot,
        /// How many ejections in a row it leaves behind.
        streak: u32,
        /// Whether it had really been out.
        mode: Mode,
    },
}

impl OutlierEvent {
    /// The endpoint that the event is about. It need not be the one whose attempt was noted: the
    /// rates of all endpoints are judged together.
    #[must_use]
    pub const fn slot(&self) -> Slot {
        match self {
            Self::Ejected { slot, .. }
            | Self::Capped { slot, .. }
            | Self::Suppressed { slot, .. }
            | Self::NotEnforced { slot, .. }
            | Self::Returned { slot, .. } => *slot,
        }
    }
}
