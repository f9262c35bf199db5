//! Settings of a bulkhead.
//!
//! What follows from them is in `machine.rs`.

use crate::invalid::Invalid;
use crate::time::Duration;

/// The most waiters of one bulkhead. A million waiting attempts are hundreds of megabytes of
/// requests elsewhere; whoever configures more has mistaken the unit.
pub const QUEUE_MAX: u32 = 1_000_000;

/// Which waiter is served first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum QueueOrder {
    /// The one that has waited longest. The default.
    #[default]
    Fifo,
    /// The latest: under overload the old ones are probably dead already.
    Lifo,
    /// The one that has waited longest; but while the queue stands, whoever has waited too long is
    /// dropped at its turn. See `codel.rs`.
    CoDel,
    /// The most important, and among equals the one that has waited longest. A full queue drops
    /// the least important for somebody more important. For upstreams that serve calls of which
    /// some matter more, when there is not enough for all.
    Priority,
}

/// Settings of a bulkhead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BulkheadSettings {
    /// Attempts at once, at least 1 (0 is taken as 1). Default `u32::MAX`, which bounds nothing: a
    /// fixed default nobody knows of turns into refusals nobody can explain, so the number must
    /// come from the resources there are.
    pub permits: u32,
    /// Waiters at once, at most [`QUEUE_MAX`]; 0 means that a full compartment refuses. Default 0.
    pub queue: u32,
    /// No wait is longer. Default 100 ms.
    pub max_wait: Duration,
    /// Who is served first.
    pub order: QueueOrder,
}

impl Default for BulkheadSettings {
    fn default() -> Self {
        Self {
            permits: u32::MAX,
            queue: 0,
            max_wait: Duration::from_millis(100),
            order: QueueOrder::Fifo,
        }
    }
}

impl BulkheadSettings {
    /// Whether a bulkhead can work with these settings.
    ///
    /// # Errors
    ///
    /// The first setting that is out of range or contradicts another.
    pub fn validate(&self) -> Result<(), Invalid> {
        if self.permits == 0 {
            return Err(Invalid::new("permits", self.permits, "at least 1"));
        }
        if self.queue > QUEUE_MAX {
            return Err(Invalid::new("queue", self.queue, "at most 1000000"));
        }
        if self.queue > 0 && self.max_wait.is_zero() {
            return Err(Invalid::new("max_wait", "0", "above zero where there is a queue"));
        }
        Ok(())
    }

    /// Within the bounds of its fields.
    pub(super) fn bounded(self) -> Self {
        Self { permits: self.permits.max(1), queue: self.queue.min(QUEUE_MAX), ..self }
    }

    /// Places for waiters: those of the queue, and those who own a permit and have not claimed it,
    /// of whom there are `unclaimed` now, perhaps from a time with more permits.
    pub(super) fn places(&self, unclaimed: u32) -> usize {
        if self.queue == 0 {
            return 0;
        }
        self.queue as usize + self.permits.min(QUEUE_MAX).max(unclaimed) as usize
    }
}
