//! Which of the targets a scenario is measured by, told from what it does, not from its name.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::scenario::{Arrivals, Checks, Disturbance, Fault, Scenario, Target};

/// What targets speak of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Subject {
    /// One replica is killed.
    Crash,
    /// One replica is stopped.
    Frozen,
    /// Packets to one replica vanish, and its health check tells.
    BlackHole,
    /// They vanish, and no health check tells.
    BlackHoleUnseen,
    /// Answers of one replica come 200 ms late.
    Slow,
    /// They come 5 s late.
    VerySlow,
    /// Half of one replica's answers are errors.
    HalfErrors,
    /// One replica resets its connections.
    Resets,
    /// One replica stops for a moment, again and again.
    Pauses,
    /// One replica comes and goes.
    Flapping,
    /// Idle connections are closed.
    StalePool,
    /// One replica after the other is restarted.
    RollingRestart,
    /// Two of three replicas are of no use.
    TwoOfThree,
    /// All replicas answer 30 % errors.
    ErrorsEverywhere,
    /// All replicas are down for three seconds.
    AllDown,
    /// Three times the capacity is asked for.
    Overload,
    /// Capacity is lost for a while under load.
    Trigger,
}

impl Subject {
    /// What a scenario is about; none where no target speaks of it.
    #[must_use]
    pub fn of(scenario: &Scenario) -> Option<Self> {
        let [one] = scenario.faults.as_slice() else { return None };
        if matches!(scenario.load.arrivals, Arrivals::Closed { .. }) {
            return None;
        }
        match one.target {
            Target::Some(1) => Self::of_one(one, scenario.health_checks),
            Target::Some(2) => Self::of_two(one),
            Target::Some(_) => None,
            Target::All => Self::of_all(one),
        }
        .or_else(|| matches!(one.fault, Fault::Overload { .. }).then_some(Self::Overload))
        .or_else(|| {
            matches!(one.fault, Fault::RollingRestart { .. }).then_some(Self::RollingRestart)
        })
    }

    fn of_one(one: &Disturbance, checks: Checks) -> Option<Self> {
        let subject = match one.fault {
            Fault::Crash => Self::Crash,
            Fault::Freeze => Self::Frozen,
            Fault::BlackHole if checks == Checks::On => Self::BlackHole,
            Fault::BlackHole => Self::BlackHoleUnseen,
            Fault::Slow { by } if by <= Duration::from_millis(500) => Self::Slow,
            Fault::Slow { .. } => Self::VerySlow,
            Fault::Status { share, .. } if share >= 0.5 => Self::HalfErrors,
            Fault::Resets { .. } | Fault::Refused => Self::Resets,
            Fault::Pauses { .. } => Self::Pauses,
            Fault::Flapping { .. } => Self::Flapping,
            Fault::IdleClose { .. } => Self::StalePool,
            _ => return None,
        };
        Some(subject)
    }

    fn of_two(one: &Disturbance) -> Option<Self> {
        let useless = matches!(
            one.fault,
            Fault::Crash | Fault::Freeze | Fault::BlackHole | Fault::Status { .. }
        );
        useless.then_some(Self::TwoOfThree)
    }

    fn of_all(one: &Disturbance) -> Option<Self> {
        let subject = match one.fault {
            Fault::Crash if one.lasts == Some(Duration::from_secs(3)) => Self::AllDown,
            Fault::Status { share, .. } if share >= 0.25 => Self::ErrorsEverywhere,
            Fault::Slower { .. } if one.lasts.is_some() => Self::Trigger,
            Fault::IdleClose { .. } => Self::StalePool,
            Fault::Resets { .. } => Self::Resets,
            _ => return None,
        };
        Some(subject)
    }

    /// All of them, in the order of the table of targets.
    pub const ALL: [Self; 17] = [
        Self::Crash,
        Self::Frozen,
        Self::BlackHole,
        Self::BlackHoleUnseen,
        Self::Slow,
        Self::VerySlow,
        Self::HalfErrors,
        Self::Resets,
        Self::Pauses,
        Self::Flapping,
        Self::StalePool,
        Self::RollingRestart,
        Self::TwoOfThree,
        Self::ErrorsEverywhere,
        Self::AllDown,
        Self::Overload,
        Self::Trigger,
    ];

    /// Its name for people.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Crash => "crash",
            Self::Frozen => "SIGSTOP",
            Self::BlackHole => "black hole, health check sees it",
            Self::BlackHoleUnseen => "black hole, no health check sees it",
            Self::Slow => "slow 200 ms",
            Self::VerySlow => "slow 5 s",
            Self::HalfErrors => "50 % 503 on one replica",
            Self::Resets => "RST",
            Self::Pauses => "repeated short pauses",
            Self::Flapping => "flapping",
            Self::StalePool => "stale pool",
            Self::RollingRestart => "rolling restart",
            Self::TwoOfThree => "two of three bad",
            Self::ErrorsEverywhere => "30 % errors on all replicas",
            Self::AllDown => "all down for 3 s",
            Self::Overload => "overload 3 ×",
            Self::Trigger => "capacity lost for a while",
        }
    }
}
