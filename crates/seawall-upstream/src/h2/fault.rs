//! Why a stream brought no response head: the errors of `h2` sorted into facts.
//!
//! What they mean for a retry is decided in `seawall-core`.

use std::io;

use ::h2::{Error, Reason};

use crate::SendError;

/// What is known of a connection when a stream on it fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Scene {
    /// Whether nothing else ran on it, and it had served before.
    pub(super) reused: bool,
    /// Whether its peer was given up because it answered no ping.
    pub(super) unanswered: bool,
}

/// Sorts `error`.
///
/// A GOAWAY reaches only streams above the last one that the peer names; the others run on, and
/// meet the end of the connection as an error of its socket. So the first is a proof.
pub(super) fn classify(error: Error, scene: Scene) -> SendError {
    if error.is_remote() {
        return match error.reason() {
            _ if error.is_go_away() => SendError::GoneAway,
            Some(Reason::REFUSED_STREAM) => SendError::StreamRefused,
            Some(reason) => SendError::StreamReset { code: reason.into() },
            None => SendError::Stream(error),
        };
    }
    match error.get_io().map(io::Error::kind) {
        Some(io::ErrorKind::TimedOut) => SendError::Unacknowledged,
        Some(_) if scene.unanswered => SendError::Unacknowledged,
        Some(_) => SendError::Closed { reused: scene.reused },
        None if error.is_library() => SendError::MalformedStream(error),
        None => SendError::Stream(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCENE: Scene = Scene { reused: true, unanswered: false };

    #[test]
    fn an_error_that_nobody_sent_proves_nothing() {
        // Such a reason is made by our own side; it must not pass for the peer's refusal.
        let own = classify(Error::from(Reason::REFUSED_STREAM), SCENE);
        assert!(matches!(own, SendError::Stream(_)), "{own:?}");
    }
}
