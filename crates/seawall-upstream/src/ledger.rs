//! What the books of a pool keep whatever its connections speak: totals, the idle limit, dials.
//!
//! Which connections there are and who waits for them is in `pool/book` and `h2/book`.

use std::time::Duration;

use tokio::time::Instant;

use crate::limit::IdleLimit;

/// What a pool holds and has done, as plain numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolSnapshot {
    /// Connections that wait for use.
    pub idle: u32,
    /// Connections in use, including those about to close.
    pub leased: u32,
    /// Exchanges under way: with HTTP/1.1 as many as connections in use, with HTTP/2 their streams.
    pub streams: u32,
    /// Connections being opened.
    pub dialling: u32,
    /// Checkouts that wait without a dial of their own.
    pub waiting: u32,
    /// Connections opened so far.
    pub opened_total: u64,
    /// Checkouts served by a connection that was idle or had served before.
    pub reused_total: u64,
    /// Dials that failed.
    pub dial_failures_total: u64,
    /// Resets met on reused connections, as reported.
    pub stale_resets_total: u64,
    /// Checkouts that could neither take a connection nor dial at once.
    pub waits_total: u64,
    /// Checkouts refused because the queue was full.
    pub refused_total: u64,
    /// HTTP/2 connections that the peer told to end, as far as was noticed. 0 with HTTP/1.1.
    pub goaways_total: u64,
    /// HTTP/2 streams that the peer refused. 0 with HTTP/1.1.
    pub streams_refused_total: u64,
    /// How long a connection may sit idle now.
    pub idle_limit: Duration,
    /// Until when that limit is a learned one, if it is.
    pub idle_limit_until: Option<Instant>,
}

/// What a pool holds now.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Holdings {
    pub(crate) idle: u32,
    pub(crate) leased: u32,
    pub(crate) streams: u32,
    pub(crate) waiting: u32,
}

/// Counters that only grow.
#[derive(Debug, Default)]
pub(crate) struct Totals {
    pub(crate) opened: u64,
    pub(crate) reused: u64,
    pub(crate) dial_failures: u64,
    pub(crate) stale_resets: u64,
    pub(crate) waits: u64,
    pub(crate) refused: u64,
    pub(crate) goaways: u64,
    pub(crate) streams_refused: u64,
}

/// The part of the books that is the same for either protocol.
#[derive(Debug)]
pub(crate) struct Ledger {
    pub(crate) totals: Totals,
    pub(crate) limit: IdleLimit,
    pub(crate) dialling: u32,
    /// Whether the pool is no more, and its connections only end.
    pub(crate) is_retired: bool,
    next_id: u64,
}

impl Ledger {
    pub(crate) fn new(idle: Duration) -> Self {
        Self {
            totals: Totals::default(),
            limit: IdleLimit::new(idle),
            dialling: 0,
            is_retired: false,
            next_id: 0,
        }
    }

    /// A name that no connection and no waiter of this pool has had.
    pub(crate) fn new_id(&mut self) -> u64 {
        self.next_id += 1;
        self.next_id
    }

    /// A connection that had been idle for `age` turned out to be dead.
    pub(crate) fn on_stale_reset(&mut self, age: Duration, now: Instant) {
        self.totals.stale_resets += 1;
        self.limit.on_stale_reset(age, now);
    }

    pub(crate) fn snapshot(&self, held: Holdings, now: Instant) -> PoolSnapshot {
        PoolSnapshot {
            idle: held.idle,
            leased: held.leased,
            streams: held.streams,
            dialling: self.dialling,
            waiting: held.waiting,
            opened_total: self.totals.opened,
            reused_total: self.totals.reused,
            dial_failures_total: self.totals.dial_failures,
            stale_resets_total: self.totals.stale_resets,
            waits_total: self.totals.waits,
            refused_total: self.totals.refused,
            goaways_total: self.totals.goaways,
            streams_refused_total: self.totals.streams_refused,
            idle_limit: self.limit.current(now),
            idle_limit_until: self.limit.learned_until(now),
        }
    }
}

/// Lengths of lists that are bounded by a `u32`.
pub(crate) fn count(len: usize) -> u32 {
    u32::try_from(len).unwrap_or(u32::MAX)
}
