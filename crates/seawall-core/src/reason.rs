//! Reason codes: the stable name of every why.
//!
//! One list for local answers, decision trails, logs and metrics. A code is never reused or
//! renamed within a major version. What a code looks like on the wire (status, headers, problem
//! details) is the gateway's business.

/// Declares [`Reason`] with its codes. A macro, because the enum, the list of all and the codes
/// would otherwise be three lists to keep in step.
macro_rules! reasons {
    ($($(#[$doc:meta])+ $name:ident => $code:literal,)+) => {
        /// Why Seawall answered, refused, retried or did not retry.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Reason {
            $($(#[$doc])+ $name,)+
        }

        impl Reason {
            /// Every reason, in the order of declaration.
            pub const ALL: [Self; [$($code),+].len()] = [$(Self::$name),+];

            /// The stable code: lower case, words joined by underscores.
            #[must_use]
            pub const fn code(self) -> &'static str {
                match self {
                    $(Self::$name => $code,)+
                }
            }
        }
    };
}

reasons! {
    /// The request is not HTTP, or breaks its syntax.
    MalformedRequest => "malformed_request",
    /// Two readings of where the request ends are possible.
    AmbiguousFraming => "ambiguous_framing",
    /// No authority, several, or contradicting ones.
    BadHost => "bad_host",
    /// No route matches.
    NoRoute => "no_route",
    /// A route matches, but not for this method.
    MethodNotAllowed => "method_not_allowed",
    /// The caller's head began and did not end in time.
    HeaderTimeout => "header_timeout",
    /// The caller's body stalled.
    BodyTimeout => "body_timeout",
    /// The caller's body is larger than allowed.
    BodyTooLarge => "body_too_large",
    /// The request target is longer than allowed.
    UriTooLong => "uri_too_long",
    /// The caller's head is larger than allowed.
    HeaderTooLarge => "header_too_large",
    /// `Expect` asks for something other than `100-continue`.
    ExpectationFailed => "expectation_failed",
    /// A transfer coding other than chunked.
    CodingUnsupported => "coding_unsupported",
    /// A request that has passed through this gateway before.
    LoopDetected => "loop_detected",
    /// A bug of ours, caught at the call.
    Internal => "internal",
    /// The endpoint refused the connection.
    ConnectRefused => "connect_refused",
    /// No connection in time.
    ConnectTimeout => "connect_timeout",
    /// No way to the endpoint's address.
    EndpointUnroutable => "endpoint_unroutable",
    /// The connection ended before an answer.
    ConnectionLost => "connection_lost",
    /// The answer ended short of its announced length.
    ResponseIncomplete => "response_incomplete",
    /// The answer is no HTTP.
    ResponseMalformed => "response_malformed",
    /// The head of the answer is larger than allowed.
    ResponseHeaderTooLarge => "response_header_too_large",
    /// The service switched protocols without being asked.
    UpgradeFailed => "upgrade_failed",
    /// The breaker of the upstream is open.
    BreakerOpen => "breaker_open",
    /// No endpoint may be tried.
    NoHealthyEndpoint => "no_healthy_endpoint",
    /// No endpoint could be reached for as long as the call could be held.
    UpstreamUnreachable => "upstream_unreachable",
    /// No endpoint can be reached, and as many calls are held for it as may be.
    HoldFull => "hold_full",
    /// No permit, and no queue.
    BulkheadFull => "bulkhead_full",
    /// No permit, and the queue is full.
    QueueFull => "queue_full",
    /// Waited for a permit as long as allowed, or would have to.
    QueueWait => "queue_wait",
    /// The connection cap of the endpoint is reached.
    PoolExhausted => "pool_exhausted",
    /// The gateway is leaving.
    Draining => "draining",
    /// The gateway has reached its own bounds.
    Overloaded => "overloaded",
    /// Arrived without time left.
    DeadlineExpired => "deadline_expired",
    /// The total deadline passed.
    DeadlineExceeded => "deadline_exceeded",
    /// The last attempt got no answer in its time.
    AttemptTimeout => "attempt_timeout",
    /// The service stopped reading the request.
    WriteTimeout => "write_timeout",
    /// The service stopped sending the answer.
    ReadTimeout => "read_timeout",
    /// The caller left before its answer.
    ClientGone => "client_gone",
    /// Not retried: the request is not idempotent and carries no key.
    NotIdempotent => "not_idempotent",
    /// Not retried: the outcome is final by its class.
    NotRetryable => "not_retryable",
    /// Not retried: the limit of attempts is reached.
    AttemptsExhausted => "attempts_exhausted",
    /// Not retried: the attempt budget of the upstream is spent.
    BudgetEmpty => "budget_empty",
    /// Not retried: another attempt would not end before the deadline.
    DeadlineCannotFit => "deadline_cannot_fit",
    /// Not retried: the service asked to come back after the deadline or in the far future.
    RetryAfterBeyondDeadline => "retry_after_beyond_deadline",
    /// Not retried: the request body no longer fits the replay buffer.
    ReplayOverflow => "replay_overflow",
    /// Not retried: part of an answer has been forwarded.
    Committed => "committed",
    /// Answered by the default value of the route.
    FallbackDefault => "fallback_default",
    /// A rate limit is reached; there is an instant from which the call would pass.
    RateLimited => "rate_limited",
    /// The call costs more than its limit ever holds: it can never pass.
    CostExceedsLimit => "cost_exceeds_limit",
    /// The shared limiter cannot be asked, and the route refuses without it.
    LimiterUnavailable => "limiter_unavailable",
    /// Not sent: the service refuses so much that it would refuse this too.
    Throttled => "throttled",
    /// Shed: its priority is below what can be carried under the present overload.
    Shed => "shed",
    /// As many attempts run as the adaptive limit allows.
    ConcurrencyLimit => "concurrency_limited",
    /// Optional work that the degradation level in force switches off.
    Degraded => "degraded",
    /// A feature flag switches it off.
    SwitchedOff => "switched_off",
    /// Not hedged: share, overload or a lack of samples forbade it. The event says which.
    HedgeSuppressed => "hedge_suppressed",
    /// The route requires an idempotency key, and the request has none.
    IdempotencyKeyMissing => "idempotency_key_missing",
    /// The idempotency key is not of the permitted form, or there are several.
    IdempotencyKeyInvalid => "idempotency_key_invalid",
    /// Another request with the same key is still being worked on.
    IdempotencyConflict => "idempotency_in_flight",
    /// The key was used before, for another request.
    IdempotencyMismatch => "idempotency_key_reused",
    /// Whoever worked on the key vanished; whether the work was done is unknown.
    IdempotencyIndeterminate => "idempotency_indeterminate",
    /// The key's work is done, but its answer was not kept: it was too large.
    NotReplayable => "idempotency_not_replayable",
    /// The idempotency records cannot be asked or take no more, and the route requires them.
    StoreUnavailable => "idempotency_store_down",
    /// The name of the endpoint did not resolve.
    DnsError => "dns_error",
    /// The name of the endpoint did not resolve in time.
    DnsTimeout => "dns_timeout",
    /// The TLS handshake with the endpoint failed.
    TlsFailed => "tls_failed",
    /// The answer arrived, but validation said no.
    ResponseInvalid => "response_rejected",
    /// Too few replicas gave the same answer.
    QuorumUndecided => "quorum_undecided",
    /// Answered by a stored answer past its freshness.
    StaleServed => "fallback_stale",
    /// Answered by another upstream.
    FallbackUpstream => "fallback_upstream",
    /// No rung of the ladder had an answer.
    FallbackExhausted => "fallback_exhausted",
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
