//! What the end of an execution means for its record.
//!
//! What the record then becomes is in `record.rs`.

use crate::outcome::{
    Class, GrpcCode, Observation, Origin, Outcome, RetryOn500, RetryRule, classify,
};

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
    /// Judges one attempt.
    ///
    /// Kept are 2xx and 4xx but 408, 421, 425 and 429; in gRPC 0 and the codes that are the
    /// caller's mistake; and what a user's classifier calls a success. After 500, 502 and 504
    /// nobody knows: the work may have been done before it failed, or whoever answered in between
    /// has lost sight of it. Other 5xx and 1xx or 3xx free the key: the service says that it did
    /// not do the work. Where no answer came, it depends on whether the request provably never
    /// left. Own refusals never began.
    #[must_use]
    pub fn of(seen: Observation) -> Self {
        Self::of_judged(seen, &classify(seen, RetryOn500::Never))
    }

    /// The same for one that has been judged: what a user has moved in the table says nothing
    /// about whether the work was done.
    #[inline]
    pub(crate) fn of_judged(seen: Observation, outcome: &Outcome) -> Self {
        if let Observation::Status { code, .. } = seen {
            return Self::of_status(code);
        }
        if let Observation::Grpc { code, .. } = seen {
            return Self::of_grpc(code);
        }
        match (outcome.class, outcome.origin, outcome.retry) {
            (Class::Success, _, _) => Self::Keep,
            (_, Origin::Own, _) | (_, _, RetryRule::Always) => Self::Free,
            // It asked to come again, and took nothing on.
            _ if outcome.throttled => Self::Free,
            _ => Self::Unknown,
        }
    }

    /// What is known after one more attempt of the same call: the answer that is handed on settles
    /// it; else the work is undone only if no attempt can have done it.
    #[must_use]
    pub const fn then(self, next: Self) -> Self {
        match (self, next) {
            (_, Self::Keep) => Self::Keep,
            (Self::Free, Self::Free) => Self::Free,
            (Self::Keep | Self::Unknown, Self::Free) | (_, Self::Unknown) => Self::Unknown,
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
