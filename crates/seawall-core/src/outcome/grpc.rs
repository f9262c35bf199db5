//! gRPC: the status of a call, and how an answer comes to have one.
//!
//! # The problem
//!
//! A gRPC call that failed is an HTTP 200 whose trailers say so. Whoever judges the head takes
//! every failure for a success. Here a head cannot be judged alone: [`GrpcHead::judge`] gives an
//! observation only where the head itself has the status (trailers-only) or is no gRPC, and a
//! [`Waits`] otherwise, which turns into one by the trailers, or by how the answer broke.
//!
//! Reading fields is the driver's; what a status says about the service is in `judge.rs`.

use super::Observation;
use crate::time::Duration;

/// The status of a gRPC call (grpc/grpc:doc/statuscodes.md).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum GrpcCode {
    /// 0: it worked.
    Ok,
    /// 1: somebody cancelled the call, the caller as a rule.
    Cancelled,
    /// 2: an error without a better name.
    Unknown,
    /// 3: the arguments are wrong, whatever the state of the service.
    InvalidArgument,
    /// 4: the deadline passed before the service was done.
    DeadlineExceeded,
    /// 5: there is no such thing.
    NotFound,
    /// 6: there is such a thing already.
    AlreadyExists,
    /// 7: the caller may not do that.
    PermissionDenied,
    /// 8: a quota, or the service itself, is used up.
    ResourceExhausted,
    /// 9: the state of the service does not permit it.
    FailedPrecondition,
    /// 10: a transaction was given up, by a conflict as a rule.
    Aborted,
    /// 11: past the end.
    OutOfRange,
    /// 12: the service does not know the method.
    Unimplemented,
    /// 13: an invariant of the service is broken.
    Internal,
    /// 14: the service cannot be had just now.
    Unavailable,
    /// 15: what was stored is lost or broken.
    DataLoss,
    /// 16: the caller did not say who it is.
    Unauthenticated,
}

impl GrpcCode {
    /// Every code, by number.
    pub const ALL: [Self; 17] = [
        Self::Ok,
        Self::Cancelled,
        Self::Unknown,
        Self::InvalidArgument,
        Self::DeadlineExceeded,
        Self::NotFound,
        Self::AlreadyExists,
        Self::PermissionDenied,
        Self::ResourceExhausted,
        Self::FailedPrecondition,
        Self::Aborted,
        Self::OutOfRange,
        Self::Unimplemented,
        Self::Internal,
        Self::Unavailable,
        Self::DataLoss,
        Self::Unauthenticated,
    ];

    /// The code of `number`; [`GrpcCode::Unknown`] for numbers that gRPC does not define, as its
    /// specification asks of receivers.
    #[must_use]
    pub fn from_number(number: u32) -> Self {
        let index = usize::try_from(number).unwrap_or(usize::MAX);
        Self::ALL.get(index).copied().unwrap_or(Self::Unknown)
    }

    /// Reads the value of `grpc-status`: decimal digits, nothing else. What cannot be read is
    /// [`GrpcCode::Unknown`].
    #[must_use]
    pub fn parse(value: &str) -> Self {
        digits(value).map_or(Self::Unknown, Self::from_number)
    }

    /// Its number on the wire, 0–16.
    #[must_use]
    pub const fn number(self) -> u8 {
        self as u8
    }
}

/// What a gRPC service says about retries (`grpc-retry-pushback-ms`, gRFC A6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pushback {
    /// Come back after exactly this time; the schedule of backoffs then starts anew.
    After(Duration),
    /// Do not come back. Also what a negative or unreadable value means.
    Stop,
}

impl Pushback {
    /// Reads the value of the field: digits that fit an `i32` of milliseconds, as in gRFC A6.
    /// Anything else means [`Pushback::Stop`]: who pushes back illegibly still pushes back.
    #[must_use]
    pub fn parse(value: &str) -> Self {
        let millis = digits(value).filter(|millis| i32::try_from(*millis).is_ok());
        millis.map_or(Self::Stop, |millis| Self::After(Duration::from_millis(millis.into())))
    }
}

/// The sign is excluded, which the integer parser of the language would accept.
fn digits(value: &str) -> Option<u32> {
    let plain = value.bytes().all(|byte| byte.is_ascii_digit());
    if plain { value.parse().ok() } else { None }
}

/// The head of an answer to a gRPC call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GrpcHead {
    /// The HTTP status.
    pub status: u16,
    /// `grpc-status`, if the head has it: the answer is then trailers-only.
    pub code: Option<GrpcCode>,
    /// `grpc-retry-pushback-ms`, if the head has it.
    pub pushback: Option<Pushback>,
    /// `Retry-After` of an answer that is no gRPC, already parsed.
    pub retry_after: Option<Duration>,
    /// A trusted Seawall nearer to the service has spent its own attempts.
    pub exhausted: bool,
}

impl GrpcHead {
    /// What the head alone tells: an observation, or that the trailers must be awaited.
    ///
    /// An answer that is neither 200 nor carries a status comes from something in between that does
    /// not speak gRPC. Its HTTP status is judged as such, since it names whose fault it was more
    /// closely than the substitute codes of grpc/grpc:doc/http-grpc-status-mapping.md do.
    ///
    /// # Errors
    ///
    /// [`Waits`], when only the trailers can tell.
    pub const fn judge(self) -> Result<Observation, Waits> {
        let Self { status, code, pushback, retry_after, exhausted } = self;
        match code {
            Some(code) => Ok(Observation::Grpc { code, pushback, exhausted }),
            None if status == 200 => Err(Waits { exhausted }),
            None => Ok(Observation::Status { code: status, retry_after, exhausted }),
        }
    }
}

/// An answer to a gRPC call whose status is still to come. It cannot be copied or built elsewhere,
/// so an attempt has no success before its trailers.
#[derive(Debug, PartialEq, Eq)]
#[must_use = "the call has no status before its trailers"]
pub struct Waits {
    exhausted: bool,
}

impl Waits {
    /// The answer ended. `code` is `grpc-status` of the trailers; an ending without one has the
    /// code [`GrpcCode::Unknown`], as in the specification.
    pub fn trailers(self, code: Option<GrpcCode>, pushback: Option<Pushback>) -> Observation {
        let code = code.unwrap_or(GrpcCode::Unknown);
        Observation::Grpc { code, pushback, exhausted: self.exhausted }
    }

    /// The answer broke before its trailers.
    pub const fn cut_short(self) -> Observation {
        let Self { .. } = self;
        Observation::CutShort
    }
}
