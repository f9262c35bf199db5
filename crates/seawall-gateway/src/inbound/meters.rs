//! Counters of the inbound side. They are read by status and metrics, which give them names.

use std::sync::atomic::{AtomicU64, Ordering};

/// A number that only grows.
#[derive(Debug, Default)]
pub(crate) struct Count(AtomicU64);

impl Count {
    /// The number.
    #[must_use]
    pub(crate) fn total(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    pub(super) fn bump(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// A number that rises and falls.
#[derive(Debug, Default)]
pub(crate) struct Level(AtomicU64);

impl Level {
    /// The number now.
    #[must_use]
    pub(crate) fn total(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    pub(super) fn rise(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn fall(&self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Why a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Closed {
    /// As HTTP ends it: the client closed between requests, or one side said `close`.
    Finished,
    /// The peer left in the middle of a request or its answer, or the network did.
    PeerLeft,
    /// The body of an answer failed in the middle.
    Aborted,
    /// No request came for the idle time.
    Idle,
    /// A head, or the first byte of a connection, did not come in time.
    HeaderTimeout,
    /// The peer stopped reading.
    WriteStall,
    /// Not HTTP, or ambiguous in its framing: HTTP/1 400, an HTTP/2 protocol error.
    Malformed,
    /// The request line alone is larger than a head may be: 414.
    UriTooLong,
    /// The head is larger than it may be: 431.
    HeadTooLarge,
    /// Streams were opened and reset faster than allowed.
    ResetFlood,
    /// The HTTP/2 crate's own bounds were exceeded: GOAWAY with ENHANCE_YOUR_CALM.
    Calmed,
    /// Given up while idle, because the process ran out of descriptors.
    Squeezed,
    /// Quiet while the gateway drained.
    Drained,
    /// Cut in the middle of a request, because the drain was forced.
    Cut,
}

impl Closed {
    /// Every reason, in the order of declaration.
    pub(crate) const ALL: [Self; 14] = [
        Self::Finished,
        Self::PeerLeft,
        Self::Aborted,
        Self::Idle,
        Self::HeaderTimeout,
        Self::WriteStall,
        Self::Malformed,
        Self::UriTooLong,
        Self::HeadTooLarge,
        Self::ResetFlood,
        Self::Calmed,
        Self::Squeezed,
        Self::Drained,
        Self::Cut,
    ];

    /// The stable name, for labels.
    #[must_use]
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Finished => "finished",
            Self::PeerLeft => "peer_left",
            Self::Aborted => "answer_aborted",
            Self::Idle => "idle",
            Self::HeaderTimeout => "header_timeout",
            Self::WriteStall => "write_stall",
            Self::Malformed => "malformed_request",
            Self::UriTooLong => "uri_too_long",
            Self::HeadTooLarge => "header_too_large",
            Self::ResetFlood => "reset_flood",
            Self::Calmed => "enhance_your_calm",
            Self::Squeezed => "out_of_descriptors",
            Self::Drained => "drained",
            Self::Cut => "cut",
        }
    }
}

/// Counters of all listeners and workers that share them.
#[derive(Debug, Default)]
pub(crate) struct InboundMeters {
    /// Connections accepted.
    pub(crate) accepted: Count,
    /// Connections open now.
    pub(crate) open: Level,
    /// Times that a worker reached its cap and stopped accepting.
    pub(crate) at_cap: Count,
    /// Times that accepting paused, because descriptors or memory for sockets had run out.
    pub(crate) accept_pauses: Count,
    /// Panics caught at a call or a connection.
    pub(crate) panics: Count,
    /// Connections that ended, in the order of [`Closed::ALL`].
    closed: [Count; Closed::ALL.len()],
}

impl InboundMeters {
    /// Connections that ended, by the name of the reason.
    pub(crate) fn closed(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let pairs = Closed::ALL.iter().zip(&self.closed);
        pairs.map(|(closed, count)| (closed.name(), count.total()))
    }

    /// Connections that ended for this reason.
    #[cfg(test)]
    pub(super) fn closed_by(&self, reason: Closed) -> u64 {
        self.closed.get(reason as usize).map_or(0, Count::total)
    }

    pub(super) fn on_closed(&self, reason: Closed) {
        if let Some(count) = self.closed.get(reason as usize) {
            count.bump();
        }
    }
}
