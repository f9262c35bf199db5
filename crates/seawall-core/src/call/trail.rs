//! The decision trail: what was decided for one call, when, and why.

use crate::endpoint::EndpointId;
use crate::event::Sink;
use crate::hedge::Suppressed;
use crate::outcome::{Class, Observation};
use crate::reason::Reason;
use crate::time::{Duration, Instant};
use crate::upstream::ChoiceReason;

use super::attempt::Role;

/// Steps that a trail keeps. A call of three attempts takes about twelve; what does not fit is
/// counted in [`Trail::dropped`].
pub const TRAIL_MAX: usize = 24;

/// One decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// When.
    pub at: Instant,
    /// What.
    pub kind: StepKind,
}

/// What was decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StepKind {
    /// The call must have its head within this time.
    Deadline(Option<Duration>),
    /// It waits for a permit.
    Queued,
    /// It was granted a permit after waiting.
    Granted,
    /// No endpoint can be reached: it is held, until this instant at most.
    Held {
        /// Then.
        until: Instant,
    },
    /// Its hold is over: it may make an attempt.
    Released,
    /// An attempt began.
    Attempt {
        /// Its number.
        number: u32,
        /// Why it is made.
        role: Role,
        /// Where.
        endpoint: EndpointId,
        /// Why there.
        reason: ChoiceReason,
        /// How many endpoints stood for choice.
        candidates: u32,
    },
    /// An attempt brought something or ended.
    Saw {
        /// Its number.
        number: u32,
        /// What was seen.
        seen: Observation,
        /// What it says of the dependency.
        class: Class,
    },
    /// An attempt was given up: its time was over, or another one was quicker.
    Abandoned {
        /// Its number.
        number: u32,
    },
    /// An attempt was slow, and yet no other started beside it.
    HedgeSuppressed(Suppressed),
    /// Another attempt follows after this wait.
    Retry {
        /// The wait.
        after: Duration,
    },
    /// No other attempt follows.
    RetryDenied(Reason),
    /// An answer is handed on.
    Delivered {
        /// The attempt that brought it.
        number: u32,
    },
    /// A rung of the ladder is asked.
    FellBack {
        /// Which, counted from 0.
        rung: u8,
        /// Why.
        why: Reason,
    },
    /// The call was refused or failed.
    Refused(Reason),
    /// The caller left.
    Cancelled,
}

/// The bounded list of decisions of one call, oldest first.
#[derive(Clone, Debug)]
pub struct Trail {
    steps: [Option<Step>; TRAIL_MAX],
    len: u32,
    dropped: u32,
}

impl Default for Trail {
    fn default() -> Self {
        Self { steps: [None; TRAIL_MAX], len: 0, dropped: 0 }
    }
}

impl Sink<Step> for Trail {
    fn emit(&mut self, step: Step) {
        let Some(place) = self.steps.get_mut(self.len as usize) else {
            self.dropped = self.dropped.saturating_add(1);
            return;
        };
        *place = Some(step);
        self.len += 1;
    }
}

impl Trail {
    /// The steps, oldest first.
    pub fn steps(&self) -> impl Iterator<Item = &Step> {
        self.steps.iter().flatten()
    }

    /// Steps that did not fit.
    #[must_use]
    pub fn dropped(&self) -> u32 {
        self.dropped
    }
}
