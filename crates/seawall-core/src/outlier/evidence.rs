//! What the outlier detector is told: attempts, and comparisons of answers.

use crate::outcome::{Class, FailureKind, Origin, Outcome};
use crate::reason::Reason;
use crate::rng::Draw;
use crate::time::Duration;

/// What one attempt came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// Successes and failures count, other classes do not.
    pub class: Class,
    /// What kind of failure it was; one that is not stated is the service's own.
    pub failure: Option<FailureKind>,
    /// How long the endpoint took; absent where that says nothing about it.
    pub latency: Option<Duration>,
    /// Whether nobody was there and that was known at once, so that asking again costs nothing.
    pub refused: bool,
    /// Spreads the end of an ejection, should the attempt lead to one, and decides what is
    /// enforced in part.
    pub draw: Draw,
}

impl Evidence {
    /// The evidence in an outcome. `elapsed` runs from the start of the attempt to the head of its
    /// answer, or to its end without one.
    ///
    /// A success is a sample of the endpoint's latency, and so is an attempt that ran out of time:
    /// it took at least that long. Errors are not, since failing fast is no merit. Our own
    /// rejections say nothing.
    #[must_use]
    pub fn of(outcome: &Outcome, elapsed: Duration, draw: Draw) -> Self {
        let is_own = outcome.origin == Origin::Own;
        let class = if is_own { Class::Ignored } else { outcome.class };
        let timed_out = outcome.reason == Some(Reason::AttemptTimeout);
        let is_sample = class == Class::Success || (class == Class::Failure && timed_out);
        let latency = is_sample.then_some(elapsed);
        Self { class, failure: outcome.failure, latency, refused: false, draw }
    }
}

/// How an answer compared with those of the other replicas.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Agreement {
    /// It was that of the majority.
    Agreed,
    /// It was another one, or failed validation.
    Odd,
}
