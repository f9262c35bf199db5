//! Local answers of limits, shedding, idempotency keys, name resolution and the ladder.
//!
//! What HTTP itself, the service or the other defences come to is in `form.rs`.

use http::StatusCode;

use seawall_core::reason::Reason;
use seawall_core::time::Duration;

use super::{Form, keeping, returning};

const OWN: &str = "proxy_internal_response";
const AWAY: &str = "destination_unavailable";
const REQUEST: &str = "http_request_error";

/// While an idempotency key is worked on, where nothing better than its deadline is known.
const IN_FLIGHT: Option<Duration> = Some(Duration::from_secs(5));

/// The form of `reason`, if it is one of these policies'.
pub(super) const fn form(reason: Reason) -> Option<Form> {
    match of_load(reason) {
        Some(form) => Some(form),
        None => match of_idempotency(reason) {
            Some(form) => Some(form),
            None => of_way(reason),
        },
    }
}

const fn of_load(reason: Reason) -> Option<Form> {
    use StatusCode as S;
    Some(match reason {
        Reason::RateLimited => {
            returning(S::TOO_MANY_REQUESTS, REQUEST, "A rate limit is reached; come back later.")
        }
        Reason::CostExceedsLimit => keeping(
            S::TOO_MANY_REQUESTS,
            REQUEST,
            "The request costs more than its limit ever holds; make it smaller.",
        ),
        Reason::LimiterUnavailable => {
            returning(S::SERVICE_UNAVAILABLE, OWN, "The shared rate limiter cannot be asked.")
        }
        Reason::Throttled => returning(
            S::SERVICE_UNAVAILABLE,
            AWAY,
            "The service refuses too much at present; the request was not sent.",
        ),
        Reason::Shed => returning(
            S::SERVICE_UNAVAILABLE,
            OWN,
            "There is too much to do, and requests of higher priority come first.",
        ),
        Reason::ConcurrencyLimit => {
            returning(S::SERVICE_UNAVAILABLE, OWN, "The service has as much to do as it can carry.")
        }
        Reason::Degraded => returning(
            S::SERVICE_UNAVAILABLE,
            OWN,
            "Optional work is switched off while there is too much to do.",
        ),
        Reason::SwitchedOff => keeping(S::SERVICE_UNAVAILABLE, OWN, "This is switched off."),
        _ => return None,
    })
}

const fn of_idempotency(reason: Reason) -> Option<Form> {
    use StatusCode as S;
    Some(match reason {
        Reason::IdempotencyKeyMissing => {
            keeping(S::BAD_REQUEST, REQUEST, "The route requires an Idempotency-Key.")
        }
        Reason::IdempotencyKeyInvalid => keeping(
            S::BAD_REQUEST,
            REQUEST,
            "Idempotency-Key must be one quoted string of 1 to 255 visible characters.",
        ),
        Reason::IdempotencyConflict => Form {
            come_back: IN_FLIGHT,
            ..keeping(S::CONFLICT, REQUEST, "A request with this key is still being worked on.")
        },
        Reason::IdempotencyMismatch => keeping(
            S::UNPROCESSABLE_ENTITY,
            REQUEST,
            "The key was used before for another request; take a new one.",
        ),
        Reason::IdempotencyIndeterminate => keeping(
            S::CONFLICT,
            REQUEST,
            "Whether the request with this key was carried out is unknown; look before repeating.",
        ),
        Reason::NotReplayable => keeping(
            S::CONFLICT,
            REQUEST,
            "The request with this key was carried out; its answer was too large to keep.",
        ),
        Reason::StoreUnavailable => returning(
            S::SERVICE_UNAVAILABLE,
            OWN,
            "Idempotency keys cannot be recorded at present, and the route requires one.",
        ),
        _ => return None,
    })
}

const fn of_way(reason: Reason) -> Option<Form> {
    use StatusCode as S;
    Some(match reason {
        Reason::DnsError => {
            keeping(S::BAD_GATEWAY, "dns_error", "The name of the service did not resolve.")
        }
        Reason::DnsTimeout => keeping(
            S::GATEWAY_TIMEOUT,
            "dns_timeout",
            "The name of the service did not resolve in time.",
        ),
        Reason::TlsFailed => keeping(
            S::BAD_GATEWAY,
            "tls_protocol_error",
            "The TLS handshake with the service failed; nothing was sent.",
        ),
        Reason::ResponseInvalid => {
            keeping(S::BAD_GATEWAY, "http_protocol_error", "The answer did not pass validation.")
        }
        Reason::QuorumUndecided => keeping(
            S::BAD_GATEWAY,
            "http_protocol_error",
            "Too few replicas of the service gave the same answer.",
        ),
        Reason::FallbackExhausted => returning(
            S::SERVICE_UNAVAILABLE,
            AWAY,
            "The service did not answer well, and nothing could stand in for it.",
        ),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Status, and whether the answer says when to come back.
    const TABLE: [(Reason, u16, bool); 21] = [
        (Reason::RateLimited, 429, true),
        (Reason::CostExceedsLimit, 429, false),
        (Reason::LimiterUnavailable, 503, true),
        (Reason::Throttled, 503, true),
        (Reason::Shed, 503, true),
        (Reason::ConcurrencyLimit, 503, true),
        (Reason::Degraded, 503, true),
        (Reason::SwitchedOff, 503, false),
        (Reason::IdempotencyKeyMissing, 400, false),
        (Reason::IdempotencyKeyInvalid, 400, false),
        (Reason::IdempotencyConflict, 409, true),
        (Reason::IdempotencyMismatch, 422, false),
        (Reason::IdempotencyIndeterminate, 409, false),
        (Reason::NotReplayable, 409, false),
        (Reason::StoreUnavailable, 503, true),
        (Reason::DnsError, 502, false),
        (Reason::DnsTimeout, 504, false),
        (Reason::TlsFailed, 502, false),
        (Reason::ResponseInvalid, 502, false),
        (Reason::QuorumUndecided, 502, false),
        (Reason::FallbackExhausted, 503, true),
    ];

    #[test]
    fn each_policy_refuses_with_its_status() {
        for (reason, status, returns) in TABLE {
            let form = form(reason).unwrap();
            assert_eq!(form.status.as_u16(), status, "{reason}");
            assert_eq!(form.come_back.is_some(), returns, "{reason}");
            assert!(!form.close, "{reason}");
        }
        let worded = Reason::ALL.into_iter().filter(|reason| form(*reason).is_some()).count();
        assert_eq!(worded, TABLE.len());
    }
}
