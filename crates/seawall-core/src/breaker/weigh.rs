//! What an ended attempt counts as for a breaker.
//!
//! What is done with the count is in `judge.rs`.

use super::{AbandonedPolicy, BreakerSettings};
use crate::outcome::Class;
use crate::time::Duration;

/// How an admitted attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ended {
    /// What its outcome says about the dependency.
    pub class: Class,
    /// From its start to the head of its answer, or to its end without one.
    pub elapsed: Duration,
}

/// What an ended attempt speaks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Vote {
    Success,
    Failure,
    /// Abandoned, under [`AbandonedPolicy::All`]: a failure only if nothing else is in the window.
    Unfinished,
    Nothing,
}

/// A vote, and whether the attempt was slow as well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Weighed {
    pub(super) vote: Vote,
    pub(super) slow: bool,
}

impl BreakerSettings {
    #[inline]
    pub(super) fn weigh(&self, ended: Ended) -> Weighed {
        let vote = match ended.class {
            Class::Success => Vote::Success,
            Class::Failure => Vote::Failure,
            Class::Ignored => Vote::Nothing,
            Class::Abandoned => self.weigh_abandoned(ended.elapsed),
        };
        let slow = self.slow_calls.is_some_and(|slow| ended.elapsed >= slow.limit);
        Weighed { vote, slow }
    }

    fn weigh_abandoned(&self, elapsed: Duration) -> Vote {
        match self.abandoned {
            AbandonedPolicy::Ignore => Vote::Nothing,
            AbandonedPolicy::Slow if elapsed >= self.patience() => Vote::Failure,
            AbandonedPolicy::Slow => Vote::Nothing,
            AbandonedPolicy::All => Vote::Unfinished,
            AbandonedPolicy::Failure => Vote::Failure,
        }
    }

    /// How long an abandoned attempt must have run for its silence to mean something.
    fn patience(&self) -> Duration {
        self.slow_calls.map_or(self.attempt_timeout / 2, |slow| slow.limit)
    }
}
