//! What a bulkhead reports.
//!
//! The steps without a sink report nothing; for those with one see `machine.rs`.

use super::Waiter;
use crate::time::Duration;

/// Why somebody gets no permit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RejectCause {
    /// No permit, and no queue.
    Full,
    /// No permit, and no place in the queue.
    QueueFull,
    /// The wait would be too long.
    WaitTooLong,
    /// The time of a waiter ended before its turn came.
    Expired,
    /// The queue stands, and the waiter has waited too long in it.
    CoDel,
    /// It asks for more than there is.
    TooHeavy,
    /// The queue was full, and somebody more important came.
    Displaced,
}

/// Somebody gets no permit; emitted after the state has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BulkheadRejected {
    /// Why.
    pub cause: RejectCause,
    /// Who, if it waited. It should be woken, and finds that its place is gone.
    pub waiter: Option<Waiter>,
    /// How long it has waited.
    pub waited: Duration,
    /// Permits in use.
    pub in_use: u32,
    /// The limit.
    pub limit: u32,
    /// Waiters that are left.
    pub queued: u32,
}
