//! Why a request got no response head: hyper's errors sorted into facts. Those of HTTP/2 are
//! sorted in `h2`.
//!
//! Whether the request can have reached the endpoint is a separate fact, in `meter`; whether to
//! try again is decided in `seawall-core`.

use std::{error::Error as StdError, io};

/// Why no response head came back. With HTTP/1.1 the connection is closed in every case; with
/// HTTP/2 other attempts may go on on it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SendError {
    /// The connection ended before any byte of a response. On a reused connection that is
    /// usually the keep-alive race and says nothing about the endpoint.
    #[error("the upstream closed the connection before it answered")]
    Closed {
        /// Whether the connection had been idle in the pool before.
        reused: bool,
    },
    /// The connection ended in the middle of the response head. The endpoint's fault.
    #[error("the upstream closed the connection within the response head")]
    HeadCut,
    /// What came back is no HTTP/1.1 response, or an ambiguous one, or the peer spoke first on a
    /// fresh connection. The endpoint's fault, or the address is of another kind of service.
    #[error("the upstream's answer is not valid HTTP/1.1")]
    Malformed(#[source] hyper::Error),
    /// The response head exceeds 64 KiB or 100 fields.
    #[error("the upstream's response head is larger than 64 KiB or 100 fields")]
    HeadTooLarge,
    /// Written bytes stayed unacknowledged until the kernel gave the peer up.
    #[error("the upstream stopped acknowledging what was sent")]
    Unacknowledged,
    /// The body of the request failed while it was being sent. The fault of whoever makes it.
    #[error("the request body failed while it was sent")]
    RequestBody(#[source] hyper::Error),
    /// HTTP/2: the peer refused the stream (`REFUSED_STREAM`), a proof that it did nothing with it.
    #[error("the upstream refused the stream")]
    StreamRefused,
    /// HTTP/2: the peer is going away and names an earlier stream as the last that it served, a
    /// proof that it did nothing with this one.
    #[error("the upstream is going away and has not processed the stream")]
    GoneAway,
    /// HTTP/2: the peer reset the stream before it answered. It may have acted on the request.
    #[error("the upstream reset the stream with code {code}")]
    StreamReset {
        /// The code, as in RFC 9113 section 7.
        code: u32,
    },
    /// HTTP/2: what came back breaks the protocol, or its head exceeds 64 KiB. The endpoint's
    /// fault.
    #[error("the upstream's answer is not valid HTTP/2")]
    MalformedStream(#[source] ::h2::Error),
    /// HTTP/2: the body of the request failed while it was being sent. The fault of whoever makes
    /// it.
    #[error("the request body failed while it was sent")]
    RequestStream(#[source] Box<dyn StdError + Send + Sync>),
    /// HTTP/2: the request names no host that can be an authority. The caller's mistake.
    #[error("the request names no valid host")]
    NoHost,
    /// HTTP/2: anything else.
    #[error("sending the request failed")]
    Stream(#[source] ::h2::Error),
    /// Anything else that hyper reports.
    #[error("sending the request failed")]
    Other(#[source] hyper::Error),
}

/// What is known about a connection when a request on it fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Scene {
    pub(crate) reused: bool,
    /// Whether any byte arrived since take-out.
    pub(crate) heard: bool,
    /// Whether hyper gave the request back because it never began to write it.
    pub(crate) unsent: bool,
}

impl SendError {
    pub(crate) fn classify(error: hyper::Error, scene: Scene) -> Self {
        if scene.unsent {
            return Self::from_idle_end(error, scene);
        }
        if error.is_parse_too_large() {
            return Self::HeadTooLarge;
        }
        if error.is_parse() {
            return Self::Malformed(error);
        }
        if error.is_user() {
            return Self::RequestBody(error);
        }
        match io_kind(&error) {
            Some(io::ErrorKind::TimedOut) => Self::Unacknowledged,
            Some(kind) if is_end(kind) => Self::from_end(scene),
            Some(_) => Self::Other(error),
            None if is_end_of_message(&error) => Self::from_end(scene),
            None => Self::Other(error),
        }
    }

    /// The connection ended while nothing was under way on it. A server may say 408 before it
    /// closes an idle connection; one that speaks first on a fresh one is no HTTP server.
    fn from_idle_end(error: hyper::Error, scene: Scene) -> Self {
        if scene.heard && !scene.reused {
            Self::Malformed(error)
        } else {
            Self::Closed { reused: scene.reused }
        }
    }

    fn from_end(scene: Scene) -> Self {
        if scene.heard { Self::HeadCut } else { Self::Closed { reused: scene.reused } }
    }
}

fn is_end_of_message(error: &hyper::Error) -> bool {
    error.is_incomplete_message() || error.is_canceled() || error.is_closed()
}

fn is_end(kind: io::ErrorKind) -> bool {
    use io::ErrorKind::{
        BrokenPipe, ConnectionAborted, ConnectionReset, NotConnected, UnexpectedEof,
    };
    matches!(kind, BrokenPipe | ConnectionAborted | ConnectionReset | NotConnected | UnexpectedEof)
}

fn io_kind(error: &hyper::Error) -> Option<io::ErrorKind> {
    let mut cause = error.source();
    while let Some(error) = cause {
        if let Some(io) = error.downcast_ref::<io::Error>() {
            return Some(io.kind());
        }
        cause = error.source();
    }
    None
}
