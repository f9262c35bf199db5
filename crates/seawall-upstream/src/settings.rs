//! How a pool may behave: caps and durations. What obeys them is in `pool`.

use std::time::Duration;

/// Caps and durations of the pool of one endpoint.
///
/// The caps hold for one pool. A gateway with several workers has one pool in each and divides
/// its cap among them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PoolSettings {
    /// Connections at most: idle, leased and being dialled together. Default 256; a gateway sets
    /// the permits of the endpoint's bulkhead, because more connections could never carry an
    /// attempt.
    pub connections: u32,
    /// Checkouts at most that may wait without a dial of their own; the next is refused at once.
    /// Default 512, twice the connections: whoever waits behind more would rather be told.
    pub waiters: u32,
    /// Connections at most that may sit idle for longer than 100 ms; the oldest goes first. Those
    /// of a passing wave may be more, up to [`Self::connections`]. Default 100.
    pub idle_max: u32,
    /// Dials in progress at most. Default 16, so that a burst does not overflow the accept queue
    /// of the service; further checkouts wait for a dial or a returned connection.
    pub dials: u32,
    /// How long a connection may sit idle. Default 4 s, below the 5 s after which many
    /// application servers close. A response header `Keep-Alive: timeout=N` shortens it to
    /// N − 1 s for its connection.
    pub idle: Duration,
    /// How long a dial may take. Default 1 s: one lost SYN is repeated after 1 s, and another
    /// endpoint is the better bet by then. Cut to the deadline of the checkout, unless a returned
    /// connection has served it: then the dial goes on for the pool.
    pub connect: Duration,
    /// Below this idle age a connection counts as young enough for a request that cannot be
    /// repeated, see [`Reuse::FreshOrYoung`](crate::Reuse::FreshOrYoung). Default 1 s.
    pub unsafe_idle: Duration,
}

impl Default for PoolSettings {
    fn default() -> Self {
        Self {
            connections: 256,
            waiters: 512,
            idle_max: 100,
            dials: 16,
            idle: Duration::from_secs(4),
            connect: Duration::from_secs(1),
            unsafe_idle: Duration::from_secs(1),
        }
    }
}
