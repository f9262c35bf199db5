//! What a classifier answers with, and how the call machine is told.

use seawall_core::outcome::{
    self as core, Class, ConnectFailure, Demand, GrpcCode, Latency, Observation, Origin, Pushback,
    RetryOn500, RetryRule,
};
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
pub struct Outcome(core::Outcome);

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
        let mut outcome = Self::new(Class::Ignored, RetryRule::IfSafe);
        outcome.0.throttled = true;
        outcome
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
    pub const fn retry_after(mut self, wait: Duration) -> Self {
        self.0.retry_after = Some(wait);
        self
    }

    /// What it says about the dependency.
    #[must_use]
    pub const fn class(&self) -> Class {
        self.0.class
    }

    /// When the dependency asked to come back.
    #[must_use]
    pub const fn hint(&self) -> Option<Duration> {
        self.0.retry_after
    }

    const fn new(class: Class, retry: RetryRule) -> Self {
        let latency = match class {
            Class::Success => Latency::Sample,
            Class::Failure | Class::Ignored | Class::Abandoned => Latency::Nothing,
        };
        Self(core::Outcome {
            class,
            origin: Origin::Upstream,
            retry,
            throttled: false,
            retry_after: None,
            pushback: None,
            demand: Demand::Nothing,
            latency,
            reason: None,
        })
    }

    const fn with_retry(mut self, retry: RetryRule) -> Self {
        if !matches!(self.0.class, Class::Success) {
            self.0.retry = retry;
        }
        self
    }

    /// The same in the words of the core. It classifies what a *driver* saw, and of what a user
    /// saw it knows HTTP best, so each judgement is told as the status that is judged alike.
    pub(crate) const fn observation(self) -> Observation {
        let core::Outcome { class, retry, throttled, retry_after, pushback, .. } = self.0;
        if let Some(after @ Pushback::After(_)) = pushback {
            return pushed_back(class, retry, after);
        }
        let code = match (class, retry, throttled) {
            (Class::Success, _, _) => return Observation::Completed,
            (Class::Failure, RetryRule::Always, _) => {
                return Observation::ConnectFailed(ConnectFailure::Refused);
            }
            (Class::Failure, RetryRule::Never, _) => 500,
            (Class::Failure, RetryRule::IfSafe, true) => 503,
            (Class::Failure, RetryRule::IfSafe, false) => 502,
            (Class::Ignored | Class::Abandoned, RetryRule::Never, _) => 501,
            (Class::Ignored | Class::Abandoned, RetryRule::Always, _) => 425,
            (Class::Ignored | Class::Abandoned, RetryRule::IfSafe, true) => 429,
            (Class::Ignored | Class::Abandoned, RetryRule::IfSafe, false) => 408,
        };
        Observation::Status { code, retry_after, exhausted: false }
    }
}

/// A wait that gRPC asks to be kept exactly has no equal among HTTP statuses.
const fn pushed_back(class: Class, retry: RetryRule, after: Pushback) -> Observation {
    let code = match (class, retry) {
        (Class::Success, _) => return Observation::Completed,
        (Class::Failure, RetryRule::Never) => GrpcCode::Internal,
        (Class::Failure, RetryRule::IfSafe | RetryRule::Always) => GrpcCode::Unavailable,
        (Class::Ignored | Class::Abandoned, RetryRule::Never) => GrpcCode::Unimplemented,
        (Class::Ignored | Class::Abandoned, RetryRule::IfSafe | RetryRule::Always) => {
            GrpcCode::ResourceExhausted
        }
    };
    Observation::Grpc { code, pushback: Some(after), exhausted: false }
}

impl From<core::Outcome> for Outcome {
    fn from(outcome: core::Outcome) -> Self {
        Self(outcome)
    }
}

impl Outcome {
    /// The judgement of the core's own table (RFC 9110 section 15, RFC 6585, RFC 8470).
    #[cfg_attr(not(feature = "http"), expect(dead_code, reason = "for HTTP alone"))]
    pub(super) const fn of_status(
        code: u16,
        retry_after: Option<Duration>,
        on_500: RetryOn500,
    ) -> Self {
        Self(core::classify(Observation::Status { code, retry_after, exhausted: false }, on_500))
    }
}
