//! Bulkhead: a compartment with a fixed number of permits and a bounded queue.
//!
//! # The problem
//!
//! A dependency that hangs collects callers. Without a bound it ends up holding every connection,
//! buffer and worker there is, and everything else fails with it. A bulkhead bounds how many
//! attempts are at one dependency at once, as bulkheads keep one leak from sinking a ship (Nygard,
//! *Release It!*, 2007). By Little's law L permits carry L / S attempts a second of length S.
//!
//! A short queue in front absorbs bursts; a long one only makes answers late. So a wait is bounded
//! three times: by the places, by `max_wait`, and by the instant after which the permit would be of
//! no use to the caller. An arrival that by its position would wait longer is refused **at once**,
//! while it can still go elsewhere.
//!
//! # What goes wrong elsewhere
//!
//! - **Checked, then incremented.** Here one step decides and takes; the limit is never exceeded.
//! - **Barging.** Permits that come free belong to those who wait; an arrival gets one directly
//!   only if nobody does.
//! - **Lost wake-ups.** A permit is given to a chosen waiter and counts as in use from then on.
//!   Until it is claimed, the waiter may leave, and the permit passes on to the next.
//! - **Running the dead.** A waiter whose time has passed is dropped when its turn comes.
//! - **A standing queue.** One that never empties only makes every answer late. In the order
//!   [`QueueOrder::CoDel`] it is cut short.
//! - **Starving the heavy.** A call that needs several permits keeps its claim at the head of the
//!   queue; one that needs more than there are is told so at once.
//! - **Lowering the limit.** What is in use beyond it drains; nobody is cancelled.
//!
//! # How a driver uses it
//!
//! After each step on the bulkhead, and once the lock is released, it wakes whom
//! [`Bulkhead::next_grant`] names, until that names nobody. A woken waiter calls
//! [`Bulkhead::claim`]; one whose timer fires or whose caller is gone, [`Bulkhead::leave`]. Permits
//! and waiters should live in guards that release or leave when dropped.
//!
//! # Bounds
//!
//! Everything is allocated when it is built or reconfigured: at most [`QUEUE_MAX`] places to wait,
//! and as many again for waiters on their way to claim. Each step takes constant time, but for
//! dropping the expired, which costs each waiter's drop once.
//!
//! Blocking work, which keeps its permit also when nobody waits for it any more, is in
//! `blocking.rs`. Adaptive limits are in `concurrency` and set at run time
//! ([`Bulkhead::set_limit`]), priorities in `shed`; calls decide who retries a refusal. Locks
//! are the driver's, for whom `occupancy.rs` holds a compartment in one word, which
//! `front.rs` lends and takes back.

mod blocking;
mod codel;
mod event;
mod front;
mod jobs;
mod machine;
mod need;
mod occupancy;
mod queue;
mod service;
mod settings;
mod snapshot;

pub use blocking::{Blocking, BlockingSnapshot, THREADS_MAX};
pub use event::{BulkheadRejected, RejectCause};
pub use front::Front;
pub use jobs::{BlockingEvent, Job, Jobs, JobsSnapshot, Started};
pub use machine::{Acquired, Bulkhead, Claimed, Permit};
pub use need::{Need, Patience, TooHeavy};
pub use occupancy::Occupancy;
pub use queue::Waiter;
pub use settings::{BulkheadSettings, QUEUE_MAX, QueueOrder};
pub use snapshot::{BulkheadSnapshot, Rejections};

#[cfg(test)]
mod tests;
