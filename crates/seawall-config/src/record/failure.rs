//! Why an attempt brought no whole answer, by name, and back to what a driver would report.

use seawall_core::outcome::{
    CallerFault, ConnectFailure, Connection, Observation, Sent, Unprocessed,
};

use super::word::Word;

/// Declares [`Failure`] with its words, so that the enum, the list of all and the words are one
/// list.
macro_rules! failures {
    ($($(#[$doc:meta])+ $name:ident => $word:literal,)+) => {
        /// Why an attempt brought no answer, or no whole one.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Failure {
            $($(#[$doc])+ $name,)+
        }

        impl Word for Failure {
            const WHAT: &'static str = "failure of an attempt";
            const ALL: &'static [Self] = &[$(Self::$name),+];

            fn word(self) -> &'static str {
                match self {
                    $(Self::$name => $word,)+
                }
            }
        }
    };
}

failures! {
    /// The endpoint refused the connection.
    ConnectRefused => "connect_refused",
    /// No connection in time.
    ConnectTimedOut => "connect_timed_out",
    /// No way to the address.
    Unroutable => "unroutable",
    /// The TLS handshake failed.
    Handshake => "handshake",
    /// Somebody listens, and speaks another protocol.
    WrongProtocol => "wrong_protocol",
    /// The name did not resolve.
    Unresolved => "unresolved",
    /// The name did not resolve in time.
    ResolveTimedOut => "resolve_timed_out",
    /// The connection cap of the endpoint was reached.
    PoolExhausted => "pool_exhausted",
    /// HTTP/2 proved that the request was not processed: its stream was refused.
    StreamRefused => "stream_refused",
    /// HTTP/2 proved that the request was not processed: the connection was going away.
    GoneAway => "gone_away",
    /// A new connection ended before any byte of an answer.
    Lost => "lost",
    /// The same of a connection that had served before.
    LostReused => "lost_reused",
    /// The answer could not be parsed.
    Malformed => "malformed",
    /// The answer was wrong.
    Invalid => "invalid",
    /// The service switched protocols without being asked.
    Upgraded => "upgraded",
    /// The head of the answer was larger than allowed.
    HeadTooLarge => "head_too_large",
    /// No answer within the attempt's time.
    TimedOut => "timed_out",
    /// The service stopped reading the request.
    WriteStalled => "write_stalled",
    /// The service stopped sending in the middle of an answer.
    ReadStalled => "read_stalled",
    /// The answer ended short of its length.
    CutShort => "cut_short",
    /// The caller left.
    CallerGone => "caller_gone",
    /// The caller's body stalled.
    CallerStalled => "caller_stalled",
    /// The caller's body was larger than allowed.
    CallerTooLarge => "caller_too_large",
    /// The caller's body broke off or was malformed.
    CallerBroken => "caller_broken",
}

impl Failure {
    /// The failure in what was seen; none in answers, and in what only a program that judges its
    /// own results understands.
    #[must_use]
    pub const fn of(seen: &Observation) -> Option<Self> {
        Some(match seen {
            Observation::Status { .. }
            | Observation::Grpc { .. }
            | Observation::Judged(_)
            | Observation::Completed => return None,
            Observation::ConnectFailed(failure) => Self::of_connect(*failure),
            Observation::Unprocessed(Unprocessed::StreamRefused) => Self::StreamRefused,
            Observation::Unprocessed(Unprocessed::GoneAway) => Self::GoneAway,
            Observation::Lost { connection: Connection::Fresh, .. } => Self::Lost,
            Observation::Lost { connection: Connection::Reused, .. } => Self::LostReused,
            Observation::Malformed => Self::Malformed,
            Observation::Invalid => Self::Invalid,
            Observation::Upgraded => Self::Upgraded,
            Observation::HeadTooLarge => Self::HeadTooLarge,
            Observation::TimedOut { .. } => Self::TimedOut,
            Observation::WriteStalled => Self::WriteStalled,
            Observation::ReadStalled => Self::ReadStalled,
            Observation::CutShort => Self::CutShort,
            Observation::CallerGone => Self::CallerGone,
            Observation::CallerFault(CallerFault::Stalled) => Self::CallerStalled,
            Observation::CallerFault(CallerFault::TooLarge) => Self::CallerTooLarge,
            Observation::CallerFault(CallerFault::Broken) => Self::CallerBroken,
        })
    }

    const fn of_connect(failure: ConnectFailure) -> Self {
        match failure {
            ConnectFailure::Refused => Self::ConnectRefused,
            ConnectFailure::TimedOut => Self::ConnectTimedOut,
            ConnectFailure::Unroutable => Self::Unroutable,
            ConnectFailure::Handshake => Self::Handshake,
            ConnectFailure::WrongProtocol => Self::WrongProtocol,
            ConnectFailure::Unresolved => Self::Unresolved,
            ConnectFailure::ResolveTimedOut => Self::ResolveTimedOut,
            ConnectFailure::Exhausted => Self::PoolExhausted,
        }
    }

    /// What a driver reports for it, given how much of the request had left.
    #[must_use]
    pub const fn observation(self, sent: Sent) -> Observation {
        match self {
            Self::ConnectRefused => Observation::ConnectFailed(ConnectFailure::Refused),
            Self::ConnectTimedOut => Observation::ConnectFailed(ConnectFailure::TimedOut),
            Self::Unroutable => Observation::ConnectFailed(ConnectFailure::Unroutable),
            Self::Handshake => Observation::ConnectFailed(ConnectFailure::Handshake),
            Self::WrongProtocol => Observation::ConnectFailed(ConnectFailure::WrongProtocol),
            Self::Unresolved => Observation::ConnectFailed(ConnectFailure::Unresolved),
            Self::ResolveTimedOut => Observation::ConnectFailed(ConnectFailure::ResolveTimedOut),
            Self::PoolExhausted => Observation::ConnectFailed(ConnectFailure::Exhausted),
            Self::StreamRefused => Observation::Unprocessed(Unprocessed::StreamRefused),
            Self::GoneAway => Observation::Unprocessed(Unprocessed::GoneAway),
            Self::Lost => Observation::Lost { connection: Connection::Fresh, sent },
            Self::LostReused => Observation::Lost { connection: Connection::Reused, sent },
            Self::Malformed => Observation::Malformed,
            Self::Invalid => Observation::Invalid,
            Self::Upgraded => Observation::Upgraded,
            Self::HeadTooLarge => Observation::HeadTooLarge,
            Self::TimedOut => Observation::TimedOut { sent },
            Self::WriteStalled => Observation::WriteStalled,
            Self::ReadStalled => Observation::ReadStalled,
            Self::CutShort => Observation::CutShort,
            Self::CallerGone => Observation::CallerGone,
            Self::CallerStalled => Observation::CallerFault(CallerFault::Stalled),
            Self::CallerTooLarge => Observation::CallerFault(CallerFault::TooLarge),
            Self::CallerBroken => Observation::CallerFault(CallerFault::Broken),
        }
    }
}

/// How much of the request had left, where what was seen says so.
pub(super) const fn sent_of(seen: &Observation) -> Option<Sent> {
    match seen {
        Observation::Lost { sent, .. } | Observation::TimedOut { sent } => Some(*sent),
        _ => None,
    }
}
