//! What a bulkhead is at a moment: plain data.

use super::RejectCause;
use crate::reason::Reason;
use crate::time::Duration;

/// A bulkhead at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BulkheadSnapshot {
    /// The permits that there are by the settings.
    pub permits: u32,
    /// Those of them that may be in use: fewer while a limit was set at run time.
    pub limit: u32,
    /// Permits held, or given to a waiter that has not claimed it. Above the limit only while a
    /// lowered one drains.
    pub in_use: u32,
    /// Those of them that are not claimed yet.
    pub unclaimed: u32,
    /// Waiters without a permit.
    pub queued: u32,
    /// Places for them.
    pub queue: u32,
    /// For how long permits are held, smoothed; absent before the first was released.
    pub service_time: Option<Duration>,
    /// Arrivals refused so far.
    pub rejected: Rejections,
    /// Waiters so far whose time ended before a permit came.
    pub expired: u64,
    /// Waiters so far that were dropped because the queue stood ([`super::QueueOrder::CoDel`]).
    pub shed: u64,
    /// Those so far who asked for more than there is, on arrival or once the limit was lowered.
    pub too_heavy: u64,
    /// Waiters so far that gave way to more important ones ([`super::QueueOrder::Priority`]).
    pub displaced: u64,
}

/// Refused arrivals by reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rejections {
    /// No permit, and no queue ([`Reason::BulkheadFull`]).
    pub full: u64,
    /// No permit, and no place in the queue ([`Reason::QueueFull`]).
    pub queue_full: u64,
    /// The wait would be too long ([`Reason::QueueWait`]).
    pub queue_wait: u64,
}

impl Rejections {
    /// All together.
    #[must_use]
    pub const fn total(&self) -> u64 {
        self.full.saturating_add(self.queue_full).saturating_add(self.queue_wait)
    }

    pub(super) fn count(&mut self, refusal: Refusal) {
        let counter = match refusal {
            Refusal::Full => &mut self.full,
            Refusal::QueueFull => &mut self.queue_full,
            Refusal::QueueWait => &mut self.queue_wait,
        };
        *counter = counter.saturating_add(1);
    }
}

/// Why an arrival is refused: those of the reasons that a bulkhead can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    Full,
    QueueFull,
    QueueWait,
}

impl Refusal {
    pub(super) const fn reason(self) -> Reason {
        match self {
            Self::Full => Reason::BulkheadFull,
            Self::QueueFull => Reason::QueueFull,
            Self::QueueWait => Reason::QueueWait,
        }
    }

    pub(super) const fn cause(self) -> RejectCause {
        match self {
            Self::Full => RejectCause::Full,
            Self::QueueFull => RejectCause::QueueFull,
            Self::QueueWait => RejectCause::WaitTooLong,
        }
    }
}
