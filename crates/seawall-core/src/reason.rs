//! Reason codes: the stable name of every why.
//!
//! One list for local answers, decision trails, logs and metrics. A code is never reused or
//! renamed within a major version. What a code looks like on the wire (status, headers, problem
//! details) is the gateway's business.

/// Why Seawall answered, refused, retried or did not retry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    /// The request is not HTTP, or breaks its syntax.
    MalformedRequest,
    /// Two readings of where the request ends are possible.
    AmbiguousFraming,
    /// No authority, several, or contradicting ones.
    BadHost,
    /// No route matches.
    NoRoute,
    /// A route matches, but not for this method.
    MethodNotAllowed,
    /// The caller's head began and did not end in time.
    HeaderTimeout,
    /// The caller's body stalled.
    BodyTimeout,
    /// The caller's body is larger than allowed.
    BodyTooLarge,
    /// The request target is longer than allowed.
    UriTooLong,
    /// The caller's head is larger than allowed.
    HeaderTooLarge,
    /// `Expect` asks for something other than `100-continue`.
    ExpectationFailed,
    /// A transfer coding other than chunked.
    CodingUnsupported,
    /// A request that has passed through this gateway before.
    LoopDetected,
    /// A bug of ours, caught at the call.
    Internal,
    /// The endpoint refused the connection.
    ConnectRefused,
    /// No connection in time.
    ConnectTimeout,
    /// No way to the endpoint's address.
    EndpointUnroutable,
    /// The connection ended before an answer.
    ConnectionLost,
    /// The answer ended short of its announced length.
    ResponseIncomplete,
    /// The answer is no HTTP.
    ResponseMalformed,
    /// The head of the answer is larger than allowed.
    ResponseHeaderTooLarge,
    /// The answer failed validation.
    ResponseInvalid,
    /// The service switched protocols without being asked.
    UpgradeFailed,
    /// The breaker of the upstream is open.
    BreakerOpen,
    /// No endpoint may be tried.
    NoHealthyEndpoint,
    /// No permit, and no queue.
    BulkheadFull,
    /// No permit, and the queue is full.
    QueueFull,
    /// Waited for a permit as long as allowed, or would have to.
    QueueWait,
    /// The connection cap of the endpoint is reached.
    PoolExhausted,
    /// The gateway is leaving.
    Draining,
    /// The gateway has reached its own bounds.
    Overloaded,
    /// Arrived without useful time left.
    DeadlineExpired,
    /// The total deadline passed.
    DeadlineExceeded,
    /// The last attempt got no answer in its time.
    AttemptTimeout,
    /// The service stopped reading the request.
    WriteTimeout,
    /// The service stopped sending the answer.
    ReadTimeout,
    /// The caller left before its answer.
    ClientGone,
    /// Not retried: the request is not idempotent and carries no key.
    NotIdempotent,
    /// Not retried: the outcome is final by its class.
    NotRetryable,
    /// Not retried: the limit of attempts is reached.
    AttemptsExhausted,
    /// Not retried: the attempt budget of the upstream is spent.
    BudgetEmpty,
    /// Not retried: another attempt would not end before the deadline.
    DeadlineCannotFit,
    /// Not retried: the service asked to come back after the deadline or in the far future.
    RetryAfterBeyondDeadline,
    /// Not retried: the request body no longer fits the replay buffer.
    ReplayOverflow,
    /// Not retried: part of an answer has been forwarded.
    Committed,
    /// Answered by the default value of the route.
    FallbackDefault,
}

impl Reason {
    /// Every reason, in the order of declaration.
    pub const ALL: [Self; 46] = [
        Self::MalformedRequest,
        Self::AmbiguousFraming,
        Self::BadHost,
        Self::NoRoute,
        Self::MethodNotAllowed,
        Self::HeaderTimeout,
        Self::BodyTimeout,
        Self::BodyTooLarge,
        Self::UriTooLong,
        Self::HeaderTooLarge,
        Self::ExpectationFailed,
        Self::CodingUnsupported,
        Self::LoopDetected,
        Self::Internal,
        Self::ConnectRefused,
        Self::ConnectTimeout,
        Self::EndpointUnroutable,
        Self::ConnectionLost,
        Self::ResponseIncomplete,
        Self::ResponseMalformed,
        Self::ResponseHeaderTooLarge,
        Self::ResponseInvalid,
        Self::UpgradeFailed,
        Self::BreakerOpen,
        Self::NoHealthyEndpoint,
        Self::BulkheadFull,
        Self::QueueFull,
        Self::QueueWait,
        Self::PoolExhausted,
        Self::Draining,
        Self::Overloaded,
        Self::DeadlineExpired,
        Self::DeadlineExceeded,
        Self::AttemptTimeout,
        Self::WriteTimeout,
        Self::ReadTimeout,
        Self::ClientGone,
        Self::NotIdempotent,
        Self::NotRetryable,
        Self::AttemptsExhausted,
        Self::BudgetEmpty,
        Self::DeadlineCannotFit,
        Self::RetryAfterBeyondDeadline,
        Self::ReplayOverflow,
        Self::Committed,
        Self::FallbackDefault,
    ];

    /// The stable code: lower case, words joined by underscores.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::MalformedRequest => "malformed_request",
            Self::AmbiguousFraming => "ambiguous_framing",
            Self::BadHost => "bad_host",
            Self::NoRoute => "no_route",
            Self::MethodNotAllowed => "method_not_allowed",
            Self::HeaderTimeout => "header_timeout",
            Self::BodyTimeout => "body_timeout",
            Self::BodyTooLarge => "body_too_large",
            Self::UriTooLong => "uri_too_long",
            Self::HeaderTooLarge => "header_too_large",
            Self::ExpectationFailed => "expectation_failed",
            Self::CodingUnsupported => "coding_unsupported",
            Self::LoopDetected => "loop_detected",
            Self::Internal => "internal",
            Self::ConnectRefused => "connect_refused",
            Self::ConnectTimeout => "connect_timeout",
            Self::EndpointUnroutable => "endpoint_unroutable",
            Self::ConnectionLost => "connection_lost",
            Self::ResponseIncomplete => "response_incomplete",
            Self::ResponseMalformed => "response_malformed",
            Self::ResponseHeaderTooLarge => "response_header_too_large",
            Self::ResponseInvalid => "response_invalid",
            Self::UpgradeFailed => "upgrade_failed",
            Self::BreakerOpen => "breaker_open",
            Self::NoHealthyEndpoint => "no_healthy_endpoint",
            Self::BulkheadFull => "bulkhead_full",
            Self::QueueFull => "queue_full",
            Self::QueueWait => "queue_wait",
            Self::PoolExhausted => "pool_exhausted",
            Self::Draining => "draining",
            Self::Overloaded => "overloaded",
            Self::DeadlineExpired => "deadline_expired",
            Self::DeadlineExceeded => "deadline_exceeded",
            Self::AttemptTimeout => "attempt_timeout",
            Self::WriteTimeout => "write_timeout",
            Self::ReadTimeout => "read_timeout",
            Self::ClientGone => "client_gone",
            Self::NotIdempotent => "not_idempotent",
            Self::NotRetryable => "not_retryable",
            Self::AttemptsExhausted => "attempts_exhausted",
            Self::BudgetEmpty => "budget_empty",
            Self::DeadlineCannotFit => "deadline_cannot_fit",
            Self::RetryAfterBeyondDeadline => "retry_after_beyond_deadline",
            Self::ReplayOverflow => "replay_overflow",
            Self::Committed => "committed",
            Self::FallbackDefault => "fallback_default",
        }
    }
}

impl core::fmt::Display for Reason {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(self.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_lists_every_reason_once_in_order() {
        assert!(Reason::ALL.windows(2).all(|pair| pair[0] < pair[1]));
        assert_eq!(Reason::ALL[0] as usize, 0);
        assert_eq!(Reason::ALL[Reason::ALL.len() - 1] as usize, Reason::ALL.len() - 1);
    }

    #[test]
    fn codes_differ_and_are_lower_case() {
        let mut codes: std::vec::Vec<_> = Reason::ALL.iter().map(|reason| reason.code()).collect();
        assert!(codes.iter().all(|code| code.chars().all(|c| c.is_ascii_lowercase() || c == '_')));
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), Reason::ALL.len());
    }
}
