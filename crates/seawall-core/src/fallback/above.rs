//! How the rung above ended, and whether that lets a call descend.

use crate::outcome::{Class, GrpcCode, Row};
use crate::reason::Reason;

/// How the rung above ended without an answer that is any good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Above {
    /// A service answered with a status, which was judged.
    Answered {
        /// The status.
        row: Row,
        /// What it was judged to be, overrides included.
        class: Class,
    },
    /// There was no answer of a service: it failed on the way, or we refused.
    Silent(Reason),
}

impl Above {
    /// Whether the next rung may be tried: after failures of the dependency and refusals of our
    /// own, not after what is the caller's mistake, quota or wish.
    #[must_use]
    pub const fn lets_descend(self) -> bool {
        match self {
            Self::Answered { class, .. } => matches!(class, Class::Failure),
            Self::Silent(reason) => !concerns_caller(reason),
        }
    }

    /// Whether it is an error in the sense of `stale-if-error` (RFC 5861 section 4): 500, 502,
    /// 503, 504 or their kin in gRPC; and whatever we would answer with one of these ourselves.
    #[must_use]
    pub const fn lets_stale(self) -> bool {
        match self {
            Self::Answered { row: Row::Status(code), .. } => {
                self.lets_descend() && matches!(code, 500 | 502..=504)
            }
            Self::Answered { row: Row::Grpc(code), .. } => {
                self.lets_descend()
                    && matches!(
                        code,
                        GrpcCode::Unknown
                            | GrpcCode::DeadlineExceeded
                            | GrpcCode::Internal
                            | GrpcCode::Unavailable
                    )
            }
            Self::Silent(_) => self.lets_descend(),
        }
    }

    /// The reason to report: why there was no good answer.
    #[must_use]
    pub const fn reason(self) -> Reason {
        match self {
            Self::Answered { .. } => Reason::NotRetryable,
            Self::Silent(reason) => reason,
        }
    }
}

/// What a substitute answer would only hide from the caller, who alone can mend it, or would come
/// too late or for nobody. The protection of a required idempotency key is not to be fallen back
/// from either.
const fn concerns_caller(reason: Reason) -> bool {
    matches!(
        reason,
        Reason::MalformedRequest
            | Reason::AmbiguousFraming
            | Reason::BadHost
            | Reason::NoRoute
            | Reason::MethodNotAllowed
            | Reason::HeaderTimeout
            | Reason::BodyTimeout
            | Reason::BodyTooLarge
            | Reason::UriTooLong
            | Reason::HeaderTooLarge
            | Reason::ExpectationFailed
            | Reason::CodingUnsupported
            | Reason::LoopDetected
            | Reason::DeadlineExpired
            | Reason::ClientGone
            | Reason::Committed
            | Reason::RateLimited
            | Reason::Shed
            | Reason::CostExceedsLimit
            | Reason::LimiterUnavailable
            | Reason::IdempotencyKeyMissing
            | Reason::IdempotencyKeyInvalid
            | Reason::IdempotencyConflict
            | Reason::IdempotencyMismatch
            | Reason::IdempotencyIndeterminate
            | Reason::NotReplayable
            | Reason::StoreUnavailable
    )
}
