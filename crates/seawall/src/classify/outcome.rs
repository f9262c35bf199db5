//! What a classifier answers with, and how the call machine is told.

use seawall_core::outcome::{Class, Judgement, Observation, RetryOn500, RetryRule, classify};
use seawall_core::time::Duration;

/// What one attempt came to: a success, a failure of the dependency, or nothing that says
/// something about it; and who may try again.
///
/// | constructor | breaker, ejection | retried |
/// | --- | --- | --- |
/// | [`success`](Self::success) | counts as good | no |
/// | [`failure`](Self::failure) | counts as bad | where repeating is safe |
/// | [`throttled`](Self::throttled) | not counted | where repeating is safe, after a long backoff |
/// | [`ignored`](Self::ignored) | not counted | no |
///
/// The methods that follow change the last column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outcome {
    class: Class,
    retry: RetryRule,
    throttled: bool,
    retry_after: Option<Duration>,
    /// What was seen, where the core has a word for it and nobody has judged otherwise since.
    seen: Option<Observation>,
}

impl Outcome {
    /// The dependency did its work, also when its answer is that the caller was wrong.
    #[must_use]
    pub const fn success() -> Self {
        Self::new(Class::Success, RetryRule::Never)
    }

    /// The dependency, or the way to it, is at fault. Retried if the call may be repeated.
    #[must_use]
    pub const fn failure() -> Self {
        Self::new(Class::Failure, RetryRule::IfSafe)
    }

    /// Says nothing about the dependency: say, a refusal of our own, or a bug on this side.
    #[must_use]
    pub const fn ignored() -> Self {
        Self::new(Class::Ignored, RetryRule::Never)
    }

    /// The dependency asked to slow down. No mark against it, and a retry waits longer.
    #[must_use]
    pub const fn throttled() -> Self {
        Self { throttled: true, ..Self::new(Class::Ignored, RetryRule::IfSafe) }
    }

    /// Proven: nothing of the request reached the dependency, so that *every* call may try again,
    /// also one that must not be repeated. A refused connection is such a proof; a reset is not.
    /// A success stays one.
    #[must_use]
    pub const fn unsent(self) -> Self {
        self.with_retry(RetryRule::Always)
    }

    /// Trying again would bring the same: the call ends with this result.
    #[must_use]
    pub const fn not_retryable(self) -> Self {
        self.with_retry(RetryRule::Never)
    }

    /// The dependency said when to come back. A retry waits at least so long, plus up to half of
    /// it by chance; a hint above 300 s, or one beyond the deadline, ends the call instead and is
    /// handed to the caller ([`Error::retry_after`](crate::Error::retry_after)).
    #[must_use]
    pub const fn retry_after(self, wait: Duration) -> Self {
        Self { retry_after: Some(wait), seen: None, ..self }
    }

    /// What it says about the dependency.
    #[must_use]
    pub const fn class(&self) -> Class {
        self.class
    }

    /// When the dependency asked to come back.
    #[must_use]
    pub const fn hint(&self) -> Option<Duration> {
        self.retry_after
    }

    /// Whether the dependency asked to slow down.
    #[must_use]
    pub const fn is_throttled(&self) -> bool {
        self.throttled
    }

    const fn new(class: Class, retry: RetryRule) -> Self {
        Self { class, retry, throttled: false, retry_after: None, seen: None }
    }

    const fn with_retry(self, retry: RetryRule) -> Self {
        match self.class {
            Class::Success => self,
            Class::Failure | Class::Ignored | Class::Abandoned => {
                Self { retry, seen: None, ..self }
            }
        }
    }

    /// The same in the words of the core.
    pub(crate) const fn observation(self) -> Observation {
        let Self { class, retry, throttled, retry_after, seen } = self;
        match seen {
            Some(seen) => seen,
            None => Observation::Judged(Judgement { class, retry, throttled, retry_after }),
        }
    }
}

impl From<Observation> for Outcome {
    /// The judgement of the core's own table, for what it has a word for: an HTTP status (RFC 9110
    /// section 15), a status of gRPC with its pushback, a connection that could not be had.
    fn from(seen: Observation) -> Self {
        let judged = classify(seen, RetryOn500::Never);
        Self {
            class: judged.class,
            retry: judged.retry,
            throttled: judged.throttled,
            retry_after: judged.retry_after,
            seen: Some(seen),
        }
    }
}
