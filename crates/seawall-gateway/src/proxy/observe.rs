//! Facts of the pool in the words of the core.

use seawall_core::outcome::{ConnectFailure, Connection, Observation, Sent, Unprocessed};
use seawall_upstream::{CheckoutError, DialError, SendError};

/// Why there was no connection. Nothing was sent in any case.
pub(super) fn of_checkout(error: &CheckoutError) -> Observation {
    match error {
        CheckoutError::PoolExhausted(_) => Observation::ConnectFailed(ConnectFailure::Exhausted),
        CheckoutError::Dial(error) => Observation::ConnectFailed(of_dial(error)),
        // The enum may grow; whatever it is, no connection came about.
        _ => Observation::ConnectFailed(ConnectFailure::Unroutable),
    }
}

fn of_dial(error: &DialError) -> ConnectFailure {
    match error {
        DialError::Refused => ConnectFailure::Refused,
        DialError::TimedOut | DialError::DeadlinePassed => ConnectFailure::TimedOut,
        DialError::NotHttp2(_) => ConnectFailure::WrongProtocol,
        error if error.is_own() => ConnectFailure::Exhausted,
        _ => ConnectFailure::Unroutable,
    }
}

/// Why there was no head, given how the connection had been and how much of the request left.
pub(super) fn of_send(error: &SendError, connection: Connection, sent: Sent) -> Observation {
    match error {
        SendError::Closed { .. } => Observation::Lost { connection, sent },
        SendError::Malformed(_) | SendError::MalformedStream(_) => Observation::Malformed,
        SendError::HeadTooLarge => Observation::HeadTooLarge,
        SendError::Unacknowledged => Observation::WriteStalled,
        SendError::RequestBody(_) | SendError::RequestStream(_) => Observation::CallerGone,
        SendError::StreamRefused => Observation::Unprocessed(Unprocessed::StreamRefused),
        SendError::GoneAway => Observation::Unprocessed(Unprocessed::GoneAway),
        // Said on purpose, and by an endpoint that was there: no race of ours is an excuse.
        SendError::StreamReset { .. } => Observation::Lost { connection: Connection::Fresh, sent },
        // An answer had begun, so the keep-alive race is no excuse.
        SendError::HeadCut => Observation::Lost { connection: Connection::Fresh, sent: Sent::Yes },
        _ => Observation::Lost { connection, sent },
    }
}
