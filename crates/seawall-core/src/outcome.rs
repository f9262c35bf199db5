//! Outcomes: what one attempt came to, and who is at fault.
//!
//! One classification feeds retry, breaker, ejection, balancing and budget, so that they never
//! disagree about what happened. Drivers report an [`Observation`]; [`classify`] turns it into an
//! [`Outcome`]. What is done about it is decided elsewhere (`retry.rs`, `breaker`, `outlier`).

use crate::reason::Reason;
use crate::time::Duration;

/// What an outcome says about the dependency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// The dependency did its work, also when the answer is the caller's mistake.
    Success,
    /// The dependency or the way to it is at fault.
    Failure,
    /// Says nothing about the dependency.
    Ignored,
    /// We stopped waiting.
    Abandoned,
}

/// Whose doing an outcome is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The service answered.
    Upstream,
    /// The way to the service failed.
    Network,
    /// The caller left or sent something unusable.
    Caller,
    /// Seawall refused by itself. Never counted against a dependency.
    Own,
}

/// Whether any byte of the request left this machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sent {
    /// Proven: no byte left, or the protocol says that the request was not processed.
    No,
    /// Some bytes left; whether the service acted is unknown.
    Maybe,
    /// The service answered, or the whole request left.
    Yes,
}

/// Which calls may try again after an outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RetryRule {
    /// No call.
    Never,
    /// Idempotent methods and calls with an idempotency key.
    IfSafe,
    /// Every call: the request provably was not processed.
    Always,
}

/// Why a connection could not be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConnectFailure {
    /// The endpoint refused.
    Refused,
    /// Nobody answered in time.
    TimedOut,
    /// There is no way to that address.
    Unroutable,
    /// The connection cap of the endpoint was reached and no connection came back in time.
    Exhausted,
}

/// Whether an attempt went over a connection that had served before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Connection {
    /// Dialled for this attempt.
    Fresh,
    /// Taken from the pool; the service may have closed it in the same moment.
    Reused,
}

/// What a driver saw of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Observation {
    /// The head of an HTTP answer arrived.
    Status {
        /// The status code, 100–999.
        code: u16,
        /// The service's hint when to come back, already parsed; absent when there was none.
        retry_after: Option<Duration>,
        /// A trusted Seawall nearer to the service has spent its own attempts.
        exhausted: bool,
    },
    /// An answer arrived whole.
    Completed,
    /// No connection.
    ConnectFailed(ConnectFailure),
    /// The connection ended before any byte of an answer.
    Lost {
        /// Whether the connection had served before.
        connection: Connection,
        /// How much of the request left.
        sent: Sent,
    },
    /// The answer could not be parsed, or was no HTTP.
    Malformed,
    /// The answer arrived and failed validation: a wrong answer, not an error.
    Invalid {
        /// Whether such a call may be retried.
        retry: RetryInvalid,
    },
    /// The service switched protocols without being asked.
    Upgraded,
    /// The head of the answer was larger than allowed.
    HeadTooLarge,
    /// No answer within the attempt's time.
    TimedOut {
        /// How much of the request left.
        sent: Sent,
    },
    /// The service stopped reading the request.
    WriteStalled,
    /// The service stopped sending in the middle of an answer.
    ReadStalled,
    /// The answer ended short of its announced length.
    CutShort,
    /// The caller left.
    CallerGone,
    /// The caller's request body was no good. The service is not to blame.
    CallerFault(CallerFault),
}

/// Whether an answer that failed validation may be fetched again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RetryInvalid {
    /// No: a service that computes wrongly does so again. The default.
    #[default]
    Never,
    /// Under the idempotency rule: another endpoint may hold an undamaged copy.
    IfSafe,
}

impl RetryInvalid {
    const fn rule(self) -> RetryRule {
        match self {
            Self::Never => RetryRule::Never,
            Self::IfSafe => RetryRule::IfSafe,
        }
    }
}

/// What was wrong with a caller's request body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallerFault {
    /// It stalled, or was slower than the least rate.
    Stalled,
    /// It was larger than allowed.
    TooLarge,
    /// It broke off or was malformed.
    Broken,
}

impl CallerFault {
    const fn reason(self) -> Reason {
        match self {
            Self::Stalled => Reason::BodyTimeout,
            Self::TooLarge => Reason::BodyTooLarge,
            Self::Broken => Reason::MalformedRequest,
        }
    }
}

/// What kind of failure an attempt met, for those who count kinds apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FailureKind {
    /// The service answered with an error of its own, or broke off.
    Service,
    /// A gateway between answered for it: 502, 503 or 504.
    Gateway,
    /// Seen from our side only: no connection, a lost one, or no answer in time.
    LocalOrigin,
    /// The answer arrived and was wrong.
    Invalid,
}

/// What one attempt came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// What it says about the dependency.
    pub class: Class,
    /// Whose doing it is.
    pub origin: Origin,
    /// What kind of failure it is; none where it is none.
    pub failure: Option<FailureKind>,
    /// Which calls may try again.
    pub retry: RetryRule,
    /// Whether the service asked to slow down.
    pub throttled: bool,
    /// When the service asked to come back; bounded by the parser, not here.
    pub retry_after: Option<Duration>,
    /// The reason code of a local answer, if the call ends with this outcome and there is no
    /// answer of the service to hand on.
    pub reason: Option<Reason>,
}

impl Outcome {
    const fn new(class: Class, origin: Origin, retry: RetryRule) -> Self {
        let failure = match (class, origin) {
            (Class::Failure, Origin::Network) => Some(FailureKind::LocalOrigin),
            (Class::Failure, _) => Some(FailureKind::Service),
            (Class::Success | Class::Ignored | Class::Abandoned, _) => None,
        };
        Self { class, origin, failure, retry, throttled: false, retry_after: None, reason: None }
    }

    const fn of_kind(self, kind: FailureKind) -> Self {
        Self { failure: Some(kind), ..self }
    }

    const fn because(self, reason: Reason) -> Self {
        Self { reason: Some(reason), ..self }
    }

    /// Whether it is an answer that arrived and was wrong: evidence of an odd one out.
    #[must_use]
    pub const fn is_invalid_answer(&self) -> bool {
        matches!(self.failure, Some(FailureKind::Invalid))
    }

    /// The outcome of an attempt that was given up because its result is no longer wanted.
    #[must_use]
    pub const fn abandoned() -> Self {
        Self::new(Class::Abandoned, Origin::Caller, RetryRule::Never).because(Reason::ClientGone)
    }
}

/// Whether a plain 500 may be retried.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RetryOn500 {
    /// No: a deterministic bug repeats. The default.
    #[default]
    Never,
    /// Under the idempotency rule, like 502 and 503.
    IfSafe,
}

/// Judges what a driver saw.
#[must_use]
pub const fn classify(seen: Observation, on_500: RetryOn500) -> Outcome {
    use Class::{Failure, Ignored, Success};
    use Origin::{Network, Own, Upstream};
    use RetryRule::{Always, IfSafe, Never};
    match seen {
        Observation::Status { code, retry_after, exhausted } => {
            let judged = status(code, on_500);
            let retry = if exhausted { Never } else { judged.retry };
            Outcome { retry, retry_after, throttled: throttles(code, retry_after), ..judged }
        }
        Observation::Completed => Outcome::new(Success, Upstream, Never),
        Observation::ConnectFailed(why) => match why {
            ConnectFailure::Refused => {
                Outcome::new(Failure, Network, Always).because(Reason::ConnectRefused)
            }
            ConnectFailure::TimedOut => {
                Outcome::new(Failure, Network, Always).because(Reason::ConnectTimeout)
            }
            ConnectFailure::Unroutable => {
                Outcome::new(Failure, Network, Always).because(Reason::EndpointUnroutable)
            }
            ConnectFailure::Exhausted => {
                Outcome::new(Ignored, Own, Always).because(Reason::PoolExhausted)
            }
        },
        Observation::Lost { connection, sent } => {
            lost(connection, sent).because(Reason::ConnectionLost)
        }
        Observation::Malformed => {
            Outcome::new(Failure, Upstream, IfSafe).because(Reason::ResponseMalformed)
        }
        Observation::Invalid { retry } => Outcome::new(Failure, Upstream, retry.rule())
            .of_kind(FailureKind::Invalid)
            .because(Reason::ResponseInvalid),
        Observation::Upgraded => {
            Outcome::new(Failure, Upstream, Never).because(Reason::UpgradeFailed)
        }
        Observation::HeadTooLarge => {
            Outcome::new(Failure, Upstream, Never).because(Reason::ResponseHeaderTooLarge)
        }
        Observation::TimedOut { sent } => {
            Outcome::new(Failure, Network, unless_unsent(sent)).because(Reason::AttemptTimeout)
        }
        Observation::WriteStalled => {
            Outcome::new(Failure, Upstream, IfSafe).because(Reason::WriteTimeout)
        }
        Observation::ReadStalled => {
            Outcome::new(Failure, Upstream, Never).because(Reason::ReadTimeout)
        }
        Observation::CutShort => {
            Outcome::new(Failure, Upstream, Never).because(Reason::ResponseIncomplete)
        }
        Observation::CallerGone => Outcome::abandoned(),
        Observation::CallerFault(fault) => {
            Outcome::new(Ignored, Origin::Caller, Never).because(fault.reason())
        }
    }
}

/// HTTP statuses: who is at fault for each (RFC 9110 section 15, RFC 6585, RFC 8470).
const fn status(code: u16, on_500: RetryOn500) -> Outcome {
    use Origin::Upstream;
    match code {
        // Not processed, by the words of their RFCs; another connection may do.
        421 | 425 => Outcome::new(Class::Ignored, Upstream, RetryRule::Always),
        408 | 429 => Outcome::new(Class::Ignored, Upstream, RetryRule::IfSafe),
        501 | 505 => Outcome::new(Class::Ignored, Upstream, RetryRule::Never),
        502..=504 => {
            Outcome::new(Class::Failure, Upstream, RetryRule::IfSafe).of_kind(FailureKind::Gateway)
        }
        500..=599 => match on_500 {
            RetryOn500::Never => Outcome::new(Class::Failure, Upstream, RetryRule::Never),
            RetryOn500::IfSafe => Outcome::new(Class::Failure, Upstream, RetryRule::IfSafe),
        },
        _ => Outcome::new(Class::Success, Upstream, RetryRule::Never),
    }
}

const fn throttles(code: u16, retry_after: Option<Duration>) -> bool {
    code == 429 || (code == 503 && retry_after.is_some())
}

/// A reused connection that ends without an answer met the keep-alive race, not an ill service.
const fn lost(connection: Connection, sent: Sent) -> Outcome {
    let retry = unless_unsent(sent);
    match connection {
        Connection::Reused => Outcome::new(Class::Ignored, Origin::Network, retry),
        Connection::Fresh => Outcome::new(Class::Failure, Origin::Network, retry),
    }
}

const fn unless_unsent(sent: Sent) -> RetryRule {
    match sent {
        Sent::No => RetryRule::Always,
        Sent::Maybe | Sent::Yes => RetryRule::IfSafe,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_status(code: u16) -> Outcome {
        let seen = Observation::Status { code, retry_after: None, exhausted: false };
        classify(seen, RetryOn500::Never)
    }

    #[test]
    fn cl_1_t21_a_callers_mistake_is_a_success_of_the_dependency() {
        for code in [400, 401, 403, 404, 405, 409, 410, 422, 431, 451] {
            assert_eq!(of_status(code).class, Class::Success, "{code}");
            assert_eq!(of_status(code).retry, RetryRule::Never, "{code}");
        }
    }

    #[test]
    fn cl_3_a_501_says_nothing_about_the_dependency() {
        assert_eq!(of_status(501).class, Class::Ignored);
        assert_eq!(of_status(505).retry, RetryRule::Never);
    }

    #[test]
    fn gateway_errors_are_failures_that_safe_calls_retry() {
        for code in [502, 503, 504] {
            assert_eq!(of_status(code).class, Class::Failure);
            assert_eq!(of_status(code).retry, RetryRule::IfSafe);
        }
    }

    #[test]
    fn a_500_is_retried_only_when_asked_for() {
        let seen = Observation::Status { code: 500, retry_after: None, exhausted: false };
        assert_eq!(classify(seen, RetryOn500::Never).retry, RetryRule::Never);
        assert_eq!(classify(seen, RetryOn500::IfSafe).retry, RetryRule::IfSafe);
    }

    #[test]
    fn a_503_with_a_hint_throttles() {
        let hint = Some(Duration::from_secs(2));
        let seen = Observation::Status { code: 503, retry_after: hint, exhausted: false };
        let outcome = classify(seen, RetryOn500::Never);
        assert!(outcome.throttled);
        assert_eq!(outcome.retry_after, hint);
        assert!(!of_status(503).throttled);
        assert!(of_status(429).throttled);
    }

    #[test]
    fn an_inner_seawall_that_gave_up_is_not_retried() {
        let seen = Observation::Status { code: 503, retry_after: None, exhausted: true };
        assert_eq!(classify(seen, RetryOn500::IfSafe).retry, RetryRule::Never);
    }

    #[test]
    fn t46_a_reset_on_a_reused_connection_is_no_mark_against_the_endpoint() {
        let reused = Observation::Lost { connection: Connection::Reused, sent: Sent::Maybe };
        let fresh = Observation::Lost { connection: Connection::Fresh, sent: Sent::Maybe };
        assert_eq!(classify(reused, RetryOn500::Never).class, Class::Ignored);
        assert_eq!(classify(fresh, RetryOn500::Never).class, Class::Failure);
    }

    #[test]
    fn t45_only_the_provably_unsent_is_retried_for_every_call() {
        for (sent, rule) in [
            (Sent::No, RetryRule::Always),
            (Sent::Maybe, RetryRule::IfSafe),
            (Sent::Yes, RetryRule::IfSafe),
        ] {
            let seen = Observation::Lost { connection: Connection::Reused, sent };
            assert_eq!(classify(seen, RetryOn500::Never).retry, rule);
            assert_eq!(classify(Observation::TimedOut { sent }, RetryOn500::Never).retry, rule);
        }
        let refused = Observation::ConnectFailed(ConnectFailure::Refused);
        assert_eq!(classify(refused, RetryOn500::Never).retry, RetryRule::Always);
    }

    #[test]
    fn t34_an_exhausted_pool_is_our_own_doing() {
        let seen = Observation::ConnectFailed(ConnectFailure::Exhausted);
        let outcome = classify(seen, RetryOn500::Never);
        assert_eq!((outcome.class, outcome.origin), (Class::Ignored, Origin::Own));
    }

    #[test]
    fn a_caller_whose_body_fails_moves_no_counter_of_the_service() {
        for (fault, reason) in [
            (CallerFault::Stalled, Reason::BodyTimeout),
            (CallerFault::TooLarge, Reason::BodyTooLarge),
            (CallerFault::Broken, Reason::MalformedRequest),
        ] {
            let outcome = classify(Observation::CallerFault(fault), RetryOn500::Never);
            assert_eq!((outcome.class, outcome.origin), (Class::Ignored, Origin::Caller));
            assert_eq!((outcome.retry, outcome.reason), (RetryRule::Never, Some(reason)));
        }
    }

    #[test]
    fn t20_a_caller_that_leaves_is_no_failure() {
        let outcome = classify(Observation::CallerGone, RetryOn500::Never);
        assert_eq!(outcome.class, Class::Abandoned);
    }

    #[test]
    fn a_wrong_answer_is_a_failure_that_is_not_retried_unless_asked_for() {
        for (retry, rule) in
            [(RetryInvalid::Never, RetryRule::Never), (RetryInvalid::IfSafe, RetryRule::IfSafe)]
        {
            let outcome = classify(Observation::Invalid { retry }, RetryOn500::Never);
            assert_eq!((outcome.class, outcome.origin), (Class::Failure, Origin::Upstream));
            assert_eq!((outcome.retry, outcome.reason), (rule, Some(Reason::ResponseInvalid)));
            assert!(outcome.is_invalid_answer());
        }
        assert!(!of_status(500).is_invalid_answer());
    }

    #[test]
    fn failures_are_told_apart_by_kind() {
        let timed_out = classify(Observation::TimedOut { sent: Sent::Yes }, RetryOn500::Never);
        assert_eq!(timed_out.failure, Some(FailureKind::LocalOrigin));
        assert_eq!(of_status(503).failure, Some(FailureKind::Gateway));
        assert_eq!(of_status(500).failure, Some(FailureKind::Service));
        assert_eq!(of_status(404).failure, None);
        assert_eq!(of_status(429).failure, None);
    }
}
