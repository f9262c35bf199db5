//! The bounds of the inbound side. How they are written in a config file is in `seawall-config`.

use std::time::Duration;

/// What one worker allows the connections of one listener.
#[derive(Clone, Debug)]
pub(crate) struct InboundSettings {
    /// From the first byte of a request's head to its last; also until the first byte of a new
    /// connection, and until the first frame after an HTTP/2 preface. Default 10 s: enough for a
    /// head over a bad mobile link, short enough that slow heads cannot fill the connections.
    pub(crate) header_timeout: Duration,
    /// How long a connection without a request is kept. Default 75 s, above the 60 s that common
    /// balancers reuse connections for, so that they close first and never meet a reset.
    pub(crate) idle_timeout: Duration,
    /// The whole head in bytes, request line included. Default 32 KiB: room for large cookies.
    pub(crate) header_bytes: usize,
    /// How long written bytes may wait without any progress. Default 30 s: a client that stops
    /// reading holds memory and an answer of a service.
    pub(crate) write_stall: Duration,
    /// Connections at once on this worker; beyond it nothing is accepted until one ends.
    /// Default 10 000.
    pub(crate) connections: usize,
    /// Written bytes that HTTP/1 may hold for one connection. Default 64 KiB: a stalled client
    /// costs no more, and a fast one gets full segments.
    pub(crate) send_buffer: usize,
    /// Concurrent streams of an HTTP/2 connection. Default 100, the least that RFC 9113 section
    /// 6.5.2 advises.
    pub(crate) h2_streams: u32,
    /// Request bytes that one stream may have in flight. Default 256 KiB.
    pub(crate) h2_stream_window: u32,
    /// Request bytes that one HTTP/2 connection may have in flight. Default 1 MiB: four streams
    /// at full speed, and the most an unread connection holds.
    pub(crate) h2_connection_window: u32,
    /// Written bytes that one HTTP/2 stream may hold. Default 64 KiB, so that 100 stalled streams
    /// hold 6.4 MB and not the 40 MB of hyper's default.
    pub(crate) h2_send_buffer: usize,
    /// Decoded header list of an HTTP/2 request. Default 32 KiB, as for HTTP/1.
    pub(crate) h2_header_list: u32,
    /// Streams reset by the peer before we accepted them. Default 20, the h2 crate's own.
    pub(crate) h2_pending_resets: usize,
    /// Streams that we reset for the peer's errors, over a connection's life. Default 500.
    pub(crate) h2_error_resets: usize,
    /// Streams that the peer resets.
    pub(crate) resets: ResetLimits,
    /// While draining, how long a quiet HTTP/1 connection is still served. Default 1 s, more than
    /// the way of a request that was sent before its client could learn of the drain.
    pub(crate) drain_linger: Duration,
}

/// When streams reset by the peer are a flood (CVE-2023-44487). Rates count a window of one
/// second that halves at each roll.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ResetLimits {
    /// A second, before their response began. Default 50: cancelled work is paid for by services.
    pub(crate) unanswered: u32,
    /// A second, whatever their state. Default 100, a whole set of default streams.
    pub(crate) any: u32,
    /// Over a connection's life. Default 10 000.
    pub(crate) lifetime: u32,
}

impl Default for ResetLimits {
    fn default() -> Self {
        Self { unanswered: 50, any: 100, lifetime: 10_000 }
    }
}

impl Default for InboundSettings {
    fn default() -> Self {
        Self {
            header_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(75),
            header_bytes: 32 << 10,
            write_stall: Duration::from_secs(30),
            connections: 10_000,
            send_buffer: 64 << 10,
            h2_streams: 100,
            h2_stream_window: 256 << 10,
            h2_connection_window: 1 << 20,
            h2_send_buffer: 64 << 10,
            h2_header_list: 32 << 10,
            h2_pending_resets: 20,
            h2_error_resets: 500,
            resets: ResetLimits::default(),
            drain_linger: Duration::from_secs(1),
        }
    }
}
