//! What the end of an execution means for its record.
//!
//! What the record then becomes is in `record.rs`.

use crate::outcome::{GrpcCode, Observation, Origin, RetryOn500, RetryRule, classify};

/// The largest answer that is kept by default: 1 MiB.
pub const BODY_MAX: usize = 1 << 20;

/// What is known of an execution when it has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// It was done, and the answer would be the same again: keep it.
    Keep,
    /// It was not done, or the service says to come again: the key is free.
    Free,
    /// Nobody knows whether it was done.
    Unknown,
}

impl Ending {
    /// Judges the last attempt of a call.
    ///
    /// Kept are 2xx and 4xx but 408, 421, 425 and 429; in gRPC 0 and the codes that are the
    /// caller's mistake. 502 and 504 come from something in between that lost sight of the work, so
    /// nobody knows; other 5xx and 1xx or 3xx free the key: the service itself has spoken. Where no
    /// answer came, it depends on whether the request provably never left. Own refusals never
    /// began.
    #[must_use]
    pub fn of(seen: Observation) -> Self {
        if let Observation::Status { code, .. } = seen {
            return Self::of_status(code);
        }
        if let Observation::Grpc { code, .. } = seen {
            return Self::of_grpc(code);
        }
        let outcome = classify(seen, RetryOn500::Never);
        match (outcome.origin, outcome.retry) {
            (Origin::Own, _) | (_, RetryRule::Always) => Self::Free,
            _ => Self::Unknown,
        }
    }

    const fn of_status(code: u16) -> Self {
        match code {
            408 | 421 | 425 | 429 => Self::Free,
            200..=299 | 400..=499 => Self::Keep,
            // It may have failed after its work was done.
            500 | 502 | 504 => Self::Unknown,
            _ => Self::Free,
        }
    }

    const fn of_grpc(code: GrpcCode) -> Self {
        match code {
            GrpcCode::Ok
            | GrpcCode::InvalidArgument
            | GrpcCode::NotFound
            | GrpcCode::AlreadyExists
            | GrpcCode::PermissionDenied
            | GrpcCode::FailedPrecondition
            | GrpcCode::OutOfRange
            | GrpcCode::Unauthenticated => Self::Keep,
            // Aborted is an invitation to begin the transaction anew.
            GrpcCode::Aborted
            | GrpcCode::ResourceExhausted
            | GrpcCode::Unavailable
            | GrpcCode::Unimplemented => Self::Free,
            GrpcCode::Cancelled
            | GrpcCode::DeadlineExceeded
            | GrpcCode::Unknown
            | GrpcCode::Internal
            | GrpcCode::DataLoss => Self::Unknown,
        }
    }
}
