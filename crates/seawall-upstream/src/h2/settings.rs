//! How a pool of HTTP/2 connections may behave: caps and durations. What obeys them is in `book`.

use std::time::Duration;

/// What one stream may have in flight towards us, and with that hold in memory while its caller
/// reads slowly. 256 KiB carries 250 MB/s at a round trip of 1 ms.
pub(super) const STREAM_WINDOW: u32 = 256 << 10;

/// The largest window that HTTP/2 knows (RFC 9113 section 6.9.1).
const WINDOW_MAX: u32 = (1 << 31) - 1;

/// Caps and durations of the HTTP/2 pool of one endpoint.
///
/// The caps hold for one pool. A gateway with several workers has one pool in each and divides
/// its cap on connections among them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamSettings {
    /// Connections at most that take new streams, those being opened included. Default 8: one
    /// carries a hundred attempts, and several keep a lost packet from stopping all of them.
    /// Connections that the peer has told to end do not count; each of them has streams to finish.
    pub connections: u32,
    /// Streams at once on one connection, whatever the peer allows. Default 100, what RFC 9113
    /// section 6.5.2 asks of peers to allow at least.
    pub streams: u32,
    /// Checkouts at most that may wait; the next is refused at once. Default 512, as for HTTP/1.1.
    pub waiters: u32,
    /// How long a connection without streams is kept. Default 4 s, as for HTTP/1.1: peers tell
    /// before they close, but what lies between here and them does not.
    pub idle: Duration,
    /// How long opening may take, from the first packet to the peer's SETTINGS. Default 1 s.
    pub connect: Duration,
    /// Below this idle age a connection counts as young enough for a request that cannot be
    /// repeated, see [`Reuse::FreshOrYoung`](crate::Reuse::FreshOrYoung). Default 1 s.
    pub unsafe_idle: Duration,
    /// A peer that sent nothing for so long while an attempt waits is asked by PING whether it
    /// lives. Default 5 s.
    pub quiet: Duration,
    /// How long it may take to answer. Default 2 s; the connection has failed then.
    pub answer: Duration,
}

impl StreamSettings {
    /// The window of a whole connection: all its streams at once. With less, a few callers that
    /// read slowly would hold the window that the others need.
    pub(super) fn connection_window(&self) -> u32 {
        self.streams.saturating_mul(STREAM_WINDOW).clamp(STREAM_WINDOW, WINDOW_MAX)
    }
}

impl Default for StreamSettings {
    fn default() -> Self {
        Self {
            connections: 8,
            streams: 100,
            waiters: 512,
            idle: Duration::from_secs(4),
            connect: Duration::from_secs(1),
            unsafe_idle: Duration::from_secs(1),
            quiet: Duration::from_secs(5),
            answer: Duration::from_secs(2),
        }
    }
}
