//! The form of each local answer on the wire: one table over all reason codes.
//!
//! Refusals of limits, idempotency and the ladder are in `form/policies.rs`.

mod policies;

use http::StatusCode;

use seawall_core::reason::Reason;
use seawall_core::time::Duration;

/// How a reason looks from outside.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Form {
    /// The HTTP status.
    pub(crate) status: StatusCode,
    /// The error type of `Proxy-Status` (RFC 9209 section 2.3).
    pub(crate) error: &'static str,
    /// Whether an HTTP/1.1 connection is closed: its framing is in doubt, or we are leaving.
    pub(crate) close: bool,
    /// When to come back where nothing better is known; absent where it would not help.
    pub(crate) come_back: Option<Duration>,
    /// What happened and what may help, in one sentence.
    pub(crate) detail: &'static str,
}

const SOON: Option<Duration> = Some(Duration::from_secs(1));

/// The form of `reason`.
pub(crate) const fn form(reason: Reason) -> Form {
    if let Some(form) = policies::form(reason) {
        return form;
    }
    match kind(reason) {
        Kind::Caller => of_caller(reason),
        Kind::Service => of_service(reason),
        Kind::Own => of_own(reason),
    }
}

/// Whose doing a local answer is; it splits the table into parts that can be read.
enum Kind {
    Caller,
    Service,
    Own,
}

const fn kind(reason: Reason) -> Kind {
    use Reason as R;
    match reason {
        R::MalformedRequest
        | R::AmbiguousFraming
        | R::BadHost
        | R::NoRoute
        | R::MethodNotAllowed
        | R::HeaderTimeout
        | R::BodyTimeout
        | R::BodyTooLarge
        | R::UriTooLong
        | R::HeaderTooLarge
        | R::ExpectationFailed
        | R::CodingUnsupported
        | R::ClientGone => Kind::Caller,
        R::ConnectRefused
        | R::ConnectTimeout
        | R::EndpointUnroutable
        | R::ConnectionLost
        | R::ResponseIncomplete
        | R::ResponseMalformed
        | R::ResponseHeaderTooLarge
        | R::ResponseInvalid
        | R::UpgradeFailed
        | R::AttemptTimeout
        | R::WriteTimeout
        | R::ReadTimeout
        | R::LoopDetected => Kind::Service,
        // All that is left is ours; what has no words of its own says that no answer came.
        _ => Kind::Own,
    }
}

const fn of_caller(reason: Reason) -> Form {
    use StatusCode as S;
    const ERROR: &str = "http_request_error";
    match reason {
        Reason::AmbiguousFraming => closing(
            S::BAD_REQUEST,
            ERROR,
            "Two readings of where the request ends are possible; send one framing field.",
        ),
        Reason::BadHost => closing(
            S::BAD_REQUEST,
            ERROR,
            "The request needs exactly one Host that agrees with its target.",
        ),
        Reason::NoRoute => {
            keeping(S::NOT_FOUND, "destination_not_found", "No route matches this host and path.")
        }
        Reason::MethodNotAllowed => keeping(
            S::METHOD_NOT_ALLOWED,
            ERROR,
            "The route does not take this method; see Allow for those it takes.",
        ),
        Reason::HeaderTimeout => {
            closing(S::REQUEST_TIMEOUT, ERROR, "The head of the request did not end in time.")
        }
        Reason::BodyTimeout => {
            closing(S::REQUEST_TIMEOUT, ERROR, "The body of the request stalled.")
        }
        Reason::BodyTooLarge => {
            closing(S::PAYLOAD_TOO_LARGE, ERROR, "The body of the request is too large.")
        }
        Reason::UriTooLong => closing(S::URI_TOO_LONG, ERROR, "The request target is too long."),
        Reason::HeaderTooLarge => closing(
            S::REQUEST_HEADER_FIELDS_TOO_LARGE,
            ERROR,
            "The head of the request is too large.",
        ),
        Reason::ExpectationFailed => {
            keeping(S::EXPECTATION_FAILED, ERROR, "Only Expect: 100-continue is understood.")
        }
        Reason::CodingUnsupported => {
            closing(S::NOT_IMPLEMENTED, ERROR, "Only one transfer coding, chunked, is understood.")
        }
        _ => closing(S::BAD_REQUEST, ERROR, "The request breaks the syntax of HTTP."),
    }
}

const fn of_service(reason: Reason) -> Form {
    use StatusCode as S;
    match reason {
        Reason::ConnectRefused => returning(
            S::SERVICE_UNAVAILABLE,
            "connection_refused",
            "Every endpoint that was tried refused the connection; nothing was sent.",
        ),
        Reason::ConnectTimeout => returning(
            S::GATEWAY_TIMEOUT,
            "connection_timeout",
            "No endpoint accepted a connection in time; nothing was sent.",
        ),
        Reason::EndpointUnroutable => returning(
            S::SERVICE_UNAVAILABLE,
            "destination_ip_unroutable",
            "There is no way to the endpoint; nothing was sent.",
        ),
        Reason::ConnectionLost => keeping(
            S::BAD_GATEWAY,
            "connection_terminated",
            "The connection to the service ended before an answer.",
        ),
        Reason::ResponseIncomplete => keeping(
            S::BAD_GATEWAY,
            "http_response_incomplete",
            "The answer of the service ended too early.",
        ),
        Reason::ResponseHeaderTooLarge => keeping(
            S::BAD_GATEWAY,
            "http_response_header_section_size",
            "The head of the service's answer is too large.",
        ),
        Reason::ResponseInvalid => keeping(
            S::BAD_GATEWAY,
            "http_protocol_error",
            "The answer of the service failed validation.",
        ),
        Reason::UpgradeFailed => keeping(
            S::BAD_GATEWAY,
            "http_upgrade_failed",
            "The service switched protocols without being asked.",
        ),
        Reason::AttemptTimeout => keeping(
            S::GATEWAY_TIMEOUT,
            "http_response_timeout",
            "The service did not answer in the time of an attempt.",
        ),
        Reason::WriteTimeout => keeping(
            S::GATEWAY_TIMEOUT,
            "connection_write_timeout",
            "The service stopped reading the request.",
        ),
        Reason::ReadTimeout => keeping(
            S::GATEWAY_TIMEOUT,
            "connection_read_timeout",
            "The service stopped sending its answer.",
        ),
        Reason::LoopDetected => keeping(
            S::BAD_GATEWAY,
            "proxy_loop_detected",
            "The request has passed through this gateway before; an upstream points back at it.",
        ),
        _ => keeping(
            S::BAD_GATEWAY,
            "http_protocol_error",
            "The answer of the service is not valid HTTP.",
        ),
    }
}

const fn of_own(reason: Reason) -> Form {
    use StatusCode as S;
    const LIMIT: &str = "connection_limit_reached";
    const LATE: &str = "http_response_timeout";
    const AWAY: &str = "destination_unavailable";
    match reason {
        Reason::Internal => {
            keeping(S::INTERNAL_SERVER_ERROR, "proxy_internal_error", "A bug in the gateway.")
        }
        Reason::BreakerOpen => returning(
            S::SERVICE_UNAVAILABLE,
            AWAY,
            "The service keeps failing; calls to it are stopped for a short time.",
        ),
        Reason::NoHealthyEndpoint => {
            returning(S::SERVICE_UNAVAILABLE, AWAY, "No endpoint of the service may be tried.")
        }
        Reason::UpstreamUnreachable => returning(
            S::SERVICE_UNAVAILABLE,
            AWAY,
            "The service could not be reached for as long as the request could wait; nothing was \
             sent.",
        ),
        Reason::HoldFull => returning(
            S::SERVICE_UNAVAILABLE,
            LIMIT,
            "The service cannot be reached, and as many requests wait for it as may.",
        ),
        Reason::BulkheadFull | Reason::QueueFull | Reason::PoolExhausted => returning(
            S::SERVICE_UNAVAILABLE,
            LIMIT,
            "As many calls to the service are running as may run at once.",
        ),
        Reason::QueueWait => returning(
            S::SERVICE_UNAVAILABLE,
            LIMIT,
            "No place for the call came free in the time that it may wait.",
        ),
        Reason::Draining => Form {
            close: true,
            ..returning(
                S::SERVICE_UNAVAILABLE,
                "proxy_internal_response",
                "The gateway is shutting down.",
            )
        },
        Reason::Overloaded => Form {
            close: true,
            ..returning(
                S::SERVICE_UNAVAILABLE,
                "proxy_internal_response",
                "The gateway has reached its own bounds.",
            )
        },
        Reason::DeadlineExpired => {
            keeping(S::GATEWAY_TIMEOUT, LATE, "The request arrived without useful time left.")
        }
        Reason::DeadlineExceeded | Reason::DeadlineCannotFit => {
            keeping(S::GATEWAY_TIMEOUT, LATE, "No answer before the deadline of the call.")
        }
        _ => returning(S::SERVICE_UNAVAILABLE, AWAY, "The service did not answer well."),
    }
}

const fn keeping(status: StatusCode, error: &'static str, detail: &'static str) -> Form {
    Form { status, error, close: false, come_back: None, detail }
}

const fn closing(status: StatusCode, error: &'static str, detail: &'static str) -> Form {
    Form { close: true, ..keeping(status, error, detail) }
}

const fn returning(status: StatusCode, error: &'static str, detail: &'static str) -> Form {
    Form { come_back: SOON, ..keeping(status, error, detail) }
}
