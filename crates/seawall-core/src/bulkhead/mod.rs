//! Bulkhead: a compartment with a fixed number of permits and a bounded queue.

use crate::time::Duration;

/// Which waiter is served first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum QueueOrder {
    /// The one that has waited longest. The default.
    #[default]
    Fifo,
    /// The latest: under overload the old ones are probably dead already.
    Lifo,
}

/// Settings of a bulkhead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BulkheadSettings {
    /// Attempts at once, at least 1.
    pub permits: u32,
    /// Waiters at once; 0 means that a full compartment refuses.
    pub queue: u32,
    /// No wait is longer. Default 100 ms.
    pub max_wait: Duration,
    /// Who is served first.
    pub order: QueueOrder,
}
