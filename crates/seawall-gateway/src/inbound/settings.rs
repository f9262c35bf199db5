//! The bounds of the inbound side. Those that a listener of the config file sets, with their
//! defaults, are in `seawall-config`; here are the others.

use std::time::Duration;

use seawall_config::ListenerConfig;

/// What one worker allows the connections of one listener.
#[derive(Clone, Debug)]
pub(crate) struct InboundSettings {
    /// From the first byte of a request's head to its last; also until the first byte of a new
    /// connection, and until the first frame after an HTTP/2 preface.
    pub(crate) header_timeout: Duration,
    /// How long a connection without a request is kept.
    pub(crate) idle_timeout: Duration,
    /// The whole head in bytes, request line included.
    pub(crate) header_bytes: usize,
    /// How long written bytes may wait without any progress.
    pub(crate) write_stall: Duration,
    /// Connections at once on this worker; beyond it nothing is accepted until one ends.
    pub(crate) connections: usize,
    /// Written bytes that HTTP/1 may hold for one connection. Default 64 KiB: a stalled client
    /// costs no more, and a fast one gets full segments.
    pub(crate) send_buffer: usize,
    /// Concurrent streams of an HTTP/2 connection.
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

impl InboundSettings {
    /// Those of a listener, for a worker that may have so many connections.
    pub(crate) fn of(listener: &ListenerConfig, connections: usize) -> Self {
        Self {
            header_timeout: listener.header_timeout,
            idle_timeout: listener.idle_timeout,
            header_bytes: usize::try_from(listener.header_bytes).unwrap_or(usize::MAX),
            write_stall: listener.write_stall,
            connections,
            send_buffer: 64 << 10,
            h2_streams: listener.h2_streams,
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

#[cfg(test)]
impl Default for InboundSettings {
    /// Those of the listener that a file without one has, and room for every test.
    fn default() -> Self {
        Self::of(&ListenerConfig::default(), 10_000)
    }
}
