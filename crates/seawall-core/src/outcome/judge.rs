//! The one table from observations to outcomes.
//!
//! Three rows can be opted into, and a user may move rows of statuses; the types of observations
//! and outcomes are in `outcome.rs`.

use super::{
    Class, ConnectFailure, Connection, Demand, FailureKind, GrpcCode, Judgement, Observation,
    Origin, Outcome, Overrides, Pushback, Reach, RetryRule, Row, Sent, Unprocessed,
};
use crate::reason::Reason;
use crate::time::Duration;
use Class::{Abandoned, Failure, Ignored, Success};
use Origin::{Caller, Network, Own, Upstream};
use RetryRule::{Always, IfSafe, Never};

/// Whether an outcome that is final by default may be retried.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OptIn {
    /// No: it would repeat, or belongs to the caller. The default.
    #[default]
    Never,
    /// Under the idempotency rule, like 502 and 503.
    IfSafe,
}

/// Whether a plain 500 (gRPC 2 and 13) may be retried. Not by default: a deterministic bug repeats.
pub type RetryOn500 = OptIn;

impl OptIn {
    const fn rule(self) -> RetryRule {
        match self {
            Self::Never => Never,
            Self::IfSafe => IfSafe,
        }
    }
}

/// The rows that are retried only where someone asked for it. Default: none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OptIns {
    /// 500 and gRPC 2, 13: a deterministic bug repeats.
    pub on_500: OptIn,
    /// 409 and gRPC 10: the retry belongs above the transaction that was aborted.
    pub on_aborted: OptIn,
    /// gRPC 15, and answers that fail validation: what is lost or wrong tends to stay so.
    pub on_data_loss: OptIn,
}

impl OptIns {
    pub(crate) const fn none() -> Self {
        Self { on_500: OptIn::Never, on_aborted: OptIn::Never, on_data_loss: OptIn::Never }
    }
}

/// Judges what a driver saw, by the table with one opt-in.
#[must_use]
pub const fn classify(seen: Observation, on_500: RetryOn500) -> Outcome {
    judge(seen, OptIns { on_500, ..OptIns::none() })
}

/// Judges what a driver saw, by the table, with `opt_ins` for rows to retry and `overrides` for
/// statuses to judge differently.
///
/// An override moves class and retry of a status that a service sent, nothing else: no refusal of
/// our own is a status, so none can become a failure of the dependency. The mark of an inner
/// Seawall and a pushback that forbids retries hold against any override. Costs a binary search
/// in at most [`super::OVERRIDES_MAX`] rows.
#[must_use]
#[inline]
pub fn classify_with(seen: Observation, opt_ins: OptIns, overrides: &Overrides) -> Outcome {
    if seen.is_plain_success(overrides) {
        return PLAIN_SUCCESS;
    }
    look_up(seen, opt_ins, overrides)
}

/// What most attempts come to. A constant is copied whole, and not field by field: what is written
/// in small pieces and read in large ones stalls the processor.
pub(crate) const PLAIN_SUCCESS: Outcome = Outcome::new(Success, Upstream, Never);

impl Observation {
    /// Whether it is what most attempts bring: a success that nobody can have said otherwise of.
    /// Asked first, so that the common case costs a comparison and not a walk of the table.
    #[inline]
    pub(crate) const fn is_plain_success(&self, overrides: &Overrides) -> bool {
        match self {
            Self::Completed => true,
            Self::Judged(Judgement { class, retry, throttled, retry_after }) => {
                matches!((class, retry), (Success, Never)) && !*throttled && retry_after.is_none()
            }
            Self::Status { code: 200..=399, retry_after: None, .. } => overrides.is_empty(),
            Self::Status { .. }
            | Self::Grpc { .. }
            | Self::Unprocessed(_)
            | Self::ConnectFailed(_)
            | Self::Lost { .. }
            | Self::Malformed
            | Self::Invalid
            | Self::Upgraded
            | Self::HeadTooLarge
            | Self::TimedOut { .. }
            | Self::WriteStalled
            | Self::ReadStalled
            | Self::CutShort
            | Self::CallerGone
            | Self::CallerFault(_) => false,
        }
    }
}

fn look_up(seen: Observation, opt_ins: OptIns, overrides: &Overrides) -> Outcome {
    let judged = judge(seen, opt_ins);
    let Some(row) = Row::of(seen).and_then(|row| overrides.of(row)) else { return judged };
    let moved = Outcome::new(row.class, Upstream, unless_forbidden(seen, row.retry));
    let (class, retry) = (moved.class, moved.retry);
    let (latency, failure) = match class == judged.class {
        true => (judged.latency, judged.failure),
        false => (moved.latency, moved.failure),
    };
    Outcome { class, retry, latency, failure, ..judged }
}

const fn judge(seen: Observation, opt_ins: OptIns) -> Outcome {
    match seen {
        Observation::Status { code, retry_after, .. } => {
            let judged = status(code, opt_ins);
            let retry = unless_forbidden(seen, judged.retry);
            Outcome { retry, retry_after, throttled: throttles(code, retry_after), ..judged }
        }
        Observation::Grpc { code, pushback, .. } => {
            let judged = grpc(code, opt_ins);
            let retry = unless_forbidden(seen, judged.retry);
            let throttled = matches!(code, GrpcCode::ResourceExhausted);
            Outcome { retry, pushback, retry_after: delay(pushback), throttled, ..judged }
        }
        Observation::Unprocessed(Unprocessed::StreamRefused | Unprocessed::GoneAway) => {
            Outcome::new(Ignored, Upstream, Always).because(Reason::ConnectionLost)
        }
        Observation::Judged(Judgement { class, retry, throttled, retry_after }) => {
            // What failed may have been the way: only its user knows.
            let reach = if matches!(class, Success) { Reach::Answered } else { Reach::Unknown };
            let judged = Outcome::new(class, Upstream, retry).meeting(reach);
            Outcome { throttled, retry_after, ..judged }
        }
        Observation::Invalid => Outcome::new(Failure, Upstream, opt_ins.on_data_loss.rule())
            .of_kind(FailureKind::Invalid)
            .because(Reason::ResponseInvalid),
        Observation::Completed => Outcome::new(Success, Upstream, Never),
        Observation::ConnectFailed(why) => unconnected(why),
        Observation::Lost { connection, sent } => {
            lost(connection, sent).because(Reason::ConnectionLost)
        }
        Observation::TimedOut { sent } => Outcome::new(Failure, Network, unless_unsent(sent))
            .because(Reason::AttemptTimeout)
            .meeting(taken_if_sent(sent))
            .slow(),
        Observation::CallerGone => Outcome::abandoned(),
        Observation::CallerFault(fault) => {
            Outcome::new(Ignored, Caller, Never).because(fault.reason())
        }
        Observation::Malformed => broken(IfSafe, Reason::ResponseMalformed),
        Observation::WriteStalled => broken(IfSafe, Reason::WriteTimeout).meeting(Reach::Taken),
        Observation::Upgraded => broken(Never, Reason::UpgradeFailed),
        Observation::HeadTooLarge => broken(Never, Reason::ResponseHeaderTooLarge),
        Observation::ReadStalled => broken(Never, Reason::ReadTimeout),
        Observation::CutShort => broken(Never, Reason::ResponseIncomplete),
    }
}

/// An answer, or the way to it, that the service broke.
const fn broken(retry: RetryRule, reason: Reason) -> Outcome {
    Outcome::new(Failure, Upstream, retry).because(reason)
}

/// HTTP statuses: who is at fault for each (RFC 9110 section 15, RFC 6585, RFC 8470).
const fn status(code: u16, opt_ins: OptIns) -> Outcome {
    match code {
        409 => Outcome::new(Success, Upstream, opt_ins.on_aborted.rule()),
        // Not processed, by the words of their RFCs; another connection may do.
        421 => Outcome::new(Ignored, Upstream, Always).demanding(Demand::NewConnection),
        425 => Outcome::new(Ignored, Upstream, Always).demanding(Demand::NoEarlyData),
        408 | 429 => Outcome::new(Ignored, Upstream, IfSafe),
        501 | 505 => Outcome::new(Ignored, Upstream, Never),
        502..=504 => Outcome::new(Failure, Upstream, IfSafe).of_kind(FailureKind::Gateway),
        500..=599 => Outcome::new(Failure, Upstream, opt_ins.on_500.rule()),
        _ => Outcome::new(Success, Upstream, Never),
    }
}

/// gRPC statuses: who is at fault for each (grpc/grpc:doc/statuscodes.md).
const fn grpc(code: GrpcCode, opt_ins: OptIns) -> Outcome {
    match code {
        GrpcCode::Ok
        | GrpcCode::InvalidArgument
        | GrpcCode::NotFound
        | GrpcCode::AlreadyExists
        | GrpcCode::PermissionDenied
        | GrpcCode::FailedPrecondition
        | GrpcCode::OutOfRange
        | GrpcCode::Unauthenticated => Outcome::new(Success, Upstream, Never),
        GrpcCode::Aborted => Outcome::new(Success, Upstream, opt_ins.on_aborted.rule()),
        GrpcCode::ResourceExhausted => Outcome::new(Ignored, Upstream, IfSafe),
        GrpcCode::Unimplemented => Outcome::new(Ignored, Upstream, Never),
        GrpcCode::Unknown | GrpcCode::Internal => {
            Outcome::new(Failure, Upstream, opt_ins.on_500.rule())
        }
        GrpcCode::Unavailable => {
            Outcome::new(Failure, Upstream, IfSafe).of_kind(FailureKind::Gateway)
        }
        GrpcCode::DeadlineExceeded => Outcome::new(Failure, Upstream, IfSafe).slow(),
        GrpcCode::DataLoss => Outcome::new(Failure, Upstream, opt_ins.on_data_loss.rule()),
        GrpcCode::Cancelled => Outcome::new(Abandoned, Caller, Never),
    }
}

/// Whether a status by itself says that the service has processed nothing.
pub(super) const fn proves_unprocessed(row: Row) -> bool {
    let judged = match row {
        Row::Status(code) => status(code, OptIns::none()),
        Row::Grpc(code) => grpc(code, OptIns::none()),
    };
    matches!(judged.retry, Always)
}

const fn unconnected(why: ConnectFailure) -> Outcome {
    let reason = match why {
        ConnectFailure::Refused => Reason::ConnectRefused,
        ConnectFailure::TimedOut => Reason::ConnectTimeout,
        ConnectFailure::Unroutable => Reason::EndpointUnroutable,
        ConnectFailure::Handshake => Reason::TlsFailed,
        ConnectFailure::WrongProtocol => Reason::ResponseMalformed,
        ConnectFailure::Unresolved => Reason::DnsError,
        ConnectFailure::ResolveTimedOut => Reason::DnsTimeout,
        ConnectFailure::Exhausted => {
            return Outcome::new(Ignored, Own, Always).because(Reason::PoolExhausted);
        }
    };
    let reach = match why {
        // Somebody listens, and speaks something else.
        ConnectFailure::Handshake | ConnectFailure::WrongProtocol => Reach::Taken,
        ConnectFailure::Refused
        | ConnectFailure::TimedOut
        | ConnectFailure::Unroutable
        | ConnectFailure::Unresolved
        | ConnectFailure::ResolveTimedOut
        | ConnectFailure::Exhausted => Reach::Nobody,
    };
    Outcome::new(Failure, Network, Always).because(reason).meeting(reach)
}

/// Whoever has spent its attempts nearer to the service, or says not to come back, has the last
/// word.
const fn unless_forbidden(seen: Observation, retry: RetryRule) -> RetryRule {
    let forbidden = matches!(
        seen,
        Observation::Status { exhausted: true, .. }
            | Observation::Grpc { exhausted: true, .. }
            | Observation::Grpc { pushback: Some(Pushback::Stop), .. }
    );
    if forbidden { Never } else { retry }
}

const fn delay(pushback: Option<Pushback>) -> Option<Duration> {
    match pushback {
        Some(Pushback::After(delay)) => Some(delay),
        Some(Pushback::Stop) | None => None,
    }
}

const fn throttles(code: u16, retry_after: Option<Duration>) -> bool {
    code == 429 || (code == 503 && retry_after.is_some())
}

/// A reused connection that ends without an answer met the keep-alive race, not an ill service.
const fn lost(connection: Connection, sent: Sent) -> Outcome {
    let class = match connection {
        Connection::Reused => Ignored,
        Connection::Fresh => Failure,
    };
    let reach = match (connection, sent) {
        (Connection::Reused, Sent::No) => Reach::Unknown,
        // Something in between accepts connections for a service that is not there.
        (Connection::Fresh, Sent::No) => Reach::Nobody,
        (Connection::Reused | Connection::Fresh, Sent::Maybe | Sent::Yes) => Reach::Taken,
    };
    Outcome::new(class, Network, unless_unsent(sent)).meeting(reach)
}

/// An attempt whose time was over before a byte had left may have waited for anything.
const fn taken_if_sent(sent: Sent) -> Reach {
    match sent {
        Sent::No => Reach::Unknown,
        Sent::Maybe | Sent::Yes => Reach::Taken,
    }
}

const fn unless_unsent(sent: Sent) -> RetryRule {
    match sent {
        Sent::No => Always,
        Sent::Maybe | Sent::Yes => IfSafe,
    }
}
