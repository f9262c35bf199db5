//! Outcomes: what one attempt came to, and who is at fault.
//!
//! One classification feeds retry, breaker, ejection, balancing and budget, so that they never
//! disagree about what happened. Drivers report an [`Observation`]; [`classify`] turns it into an
//! [`Outcome`]. What is done about it is decided elsewhere (`retry.rs`, `breaker`, `outlier`).
//!
//! How a gRPC answer becomes an observation is in `outcome/grpc.rs`, what a user may say otherwise
//! in `outcome/overrides.rs`, the verdict on each observation in `outcome/judge.rs`.

mod grpc;
mod judge;
mod overrides;

pub use grpc::{GrpcCode, GrpcHead, Pushback, Waits};
pub(crate) use judge::PLAIN_SUCCESS;
pub use judge::{OptIn, OptIns, RetryOn500, classify, classify_with};
pub use overrides::{OVERRIDES_MAX, Override, Overrides, Row};

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
    /// The TLS handshake failed, for whatever cause.
    Handshake,
    /// Somebody listens, and does not speak the protocol that the endpoint is said to speak.
    WrongProtocol,
    /// The name did not resolve, and no former address is known.
    Unresolved,
    /// The name did not resolve in time, and no former address is known.
    ResolveTimedOut,
    /// The connection cap of the endpoint was reached and no connection came back in time.
    Exhausted,
}

/// How HTTP/2 proves that a request was not processed (RFC 9113 section 8.7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unprocessed {
    /// The stream was reset with `REFUSED_STREAM`.
    StreamRefused,
    /// `GOAWAY` named a last stream below that of the request.
    GoneAway,
}

/// What the next attempt must do differently, if there is one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Demand {
    /// Nothing.
    #[default]
    Nothing,
    /// Take another connection: this one does not serve the authority (421).
    NewConnection,
    /// Go without early data (425). An attempt that was without and is told so again is final.
    NoEarlyData,
}

/// What the time that an attempt took says about the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Latency {
    /// A sample: the service did its work in that time.
    Sample,
    /// Only that it takes longer: slow, and no sample below the limit that cut it.
    AtLeast,
    /// Nothing.
    Nothing,
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
    /// The status of a gRPC call is known; see [`GrpcHead`], which is the way to it.
    Grpc {
        /// The status of the call.
        code: GrpcCode,
        /// What the service said about retries; absent when it said nothing.
        pushback: Option<Pushback>,
        /// A trusted Seawall nearer to the service has spent its own attempts.
        exhausted: bool,
    },
    /// HTTP/2 proved that the request was not processed.
    Unprocessed(Unprocessed),
    /// What the driver's user says of a result that only the user understands. It comes from the
    /// dependency: what we refuse ourselves cannot be put this way.
    Judged(Judgement),
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
    Invalid,
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

/// A user's verdict on a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Judgement {
    /// What it says about the dependency.
    pub class: Class,
    /// Which calls may try again.
    pub retry: RetryRule,
    /// Whether the dependency asked to slow down.
    pub throttled: bool,
    /// When it asked to come back.
    pub retry_after: Option<Duration>,
}

/// Whom an attempt met: what holding goes by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// The endpoint answered, with whatever.
    Answered,
    /// It took the request, or part of it, and no answer came: it was there then.
    Taken,
    /// Nobody, and no byte of the request has left.
    Nobody,
    /// That is not known.
    Unknown,
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
    /// The pushback of a gRPC service. [`Pushback::After`] stands in `retry_after` too, but is to
    /// be kept exactly, without a random part; the schedule then starts anew. After
    /// [`Pushback::Stop`], `retry` is [`RetryRule::Never`] already.
    pub pushback: Option<Pushback>,
    /// What the next attempt must do differently.
    pub demand: Demand,
    /// What the elapsed time says.
    pub latency: Latency,
    /// Whom it met.
    pub reach: Reach,
    /// The reason code of a local answer, if the call ends with this outcome and there is no
    /// answer of the service to hand on.
    pub reason: Option<Reason>,
}

impl Outcome {
    const fn new(class: Class, origin: Origin, retry: RetryRule) -> Self {
        let latency = match class {
            Class::Success => Latency::Sample,
            Class::Failure | Class::Ignored | Class::Abandoned => Latency::Nothing,
        };
        let failure = match (class, origin) {
            (Class::Failure, Origin::Network) => Some(FailureKind::LocalOrigin),
            (Class::Failure, _) => Some(FailureKind::Service),
            (Class::Success | Class::Ignored | Class::Abandoned, _) => None,
        };
        let reach = match origin {
            Origin::Upstream => Reach::Answered,
            Origin::Network => Reach::Taken,
            Origin::Caller | Origin::Own => Reach::Unknown,
        };
        Self {
            class,
            origin,
            failure,
            retry,
            throttled: false,
            retry_after: None,
            pushback: None,
            demand: Demand::Nothing,
            latency,
            reach,
            reason: None,
        }
    }

    const fn slow(self) -> Self {
        Self { latency: Latency::AtLeast, ..self }
    }

    const fn demanding(self, demand: Demand) -> Self {
        Self { demand, ..self }
    }

    const fn meeting(self, reach: Reach) -> Self {
        Self { reach, ..self }
    }

    /// The same as evidence of nothing: what it says is known already.
    #[must_use]
    pub(crate) const fn discounted(self) -> Self {
        Self { class: Class::Ignored, failure: None, latency: Latency::Nothing, ..self }
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

#[cfg(test)]
mod table;
#[cfg(test)]
mod tests;
