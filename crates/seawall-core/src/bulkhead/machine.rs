//! The bulkhead: who gets a permit, who waits, who is refused.
//!
//! The line of waiters is in `queue.rs`, the estimate of their waits in `service.rs`.

use super::queue::{Queue, Standing, Waiter};
use super::service::ServiceTime;
use super::snapshot::{BulkheadSnapshot, Refusal, Rejections};
use super::{BulkheadSettings, QueueOrder};
use crate::reason::Reason;
use crate::time::{Duration, Instant};

/// The right to occupy one place. Ends in [`Bulkhead::release`], exactly once: it cannot be copied.
///
/// It belongs to one attempt, and is released when that attempt has ended, the body of its answer
/// included; a call that waits between attempts holds none. One that is lost keeps its place.
#[derive(Debug)]
#[must_use = "a permit that is never released keeps its place"]
pub struct Permit(pub(super) ());

/// What an arrival gets.
#[derive(Debug)]
#[must_use]
pub enum Acquired {
    /// A permit at once.
    Permit(Permit),
    /// A place in the queue.
    Queued {
        /// To [`Bulkhead::claim`] or [`Bulkhead::leave`] with.
        waiter: Waiter,
        /// When waiting ends without a permit.
        until: Instant,
    },
    /// Nothing. Not to be counted against the dependency.
    Refused {
        /// [`Reason::BulkheadFull`], [`Reason::QueueFull`] or [`Reason::QueueWait`].
        reason: Reason,
        /// When those who are before it should be through, by the smoothed service time. While
        /// that is unknown: when those who wait now have been served or dropped.
        retry_at: Instant,
    },
}

/// What a waiter finds.
#[derive(Debug)]
#[must_use]
pub enum Claimed {
    /// Its permit.
    Permit(Permit),
    /// It was woken too early, and keeps its place.
    StillWaiting,
    /// Its place has been given up: it was dropped as expired, has left, or has claimed before.
    Gone,
}

/// A bulkhead. See the module for how it is used and what bounds it.
///
/// A `now` earlier than the latest one seen counts as the latest.
#[derive(Debug)]
pub struct Bulkhead {
    pub(super) settings: BulkheadSettings,
    pub(super) queue: Queue,
    pub(super) in_use: u32,
    /// What `in_use` must not exceed: the permits, or what a lowered limit has yet to drain to.
    pub(super) ceiling: u32,
    /// Whether the count of permits is with a [`super::Front`].
    pub(super) lent: bool,
    service: ServiceTime,
    rejected: Rejections,
    expired: u64,
    latest: Instant,
}

impl Bulkhead {
    /// An empty compartment. Allocates all that it will ever need under these settings.
    #[must_use]
    pub fn new(settings: BulkheadSettings) -> Self {
        let settings = settings.bounded();
        Self {
            settings,
            queue: Queue::new(settings.places(0)),
            in_use: 0,
            ceiling: settings.permits,
            lent: false,
            service: ServiceTime::default(),
            rejected: Rejections::default(),
            expired: 0,
            latest: Instant::EPOCH,
        }
    }

    /// Takes new settings. Permits in use and waiters stay, also those beyond a lowered limit: the
    /// former drain, the latter keep their place and their time. Ask [`Bulkhead::next_grant`]
    /// afterwards: a raised limit may serve some of them.
    pub fn reconfigure(&mut self, settings: BulkheadSettings) {
        debug_assert!(!self.lent, "changed while the count is with the front");
        self.settings = settings.bounded();
        self.queue.grow(self.settings.places(self.queue.granted()));
        self.ceiling = self.in_use.max(self.settings.permits);
        self.invariants();
    }

    /// Whether an arrival would get a permit at once, whatever its time.
    #[must_use]
    pub const fn has_free_permit(&self) -> bool {
        self.in_use < self.settings.permits && self.queue.waiting() == 0
    }

    /// Asks for a permit. `useful_until` is the instant after which one would be of no use: the
    /// deadline, less the least time that an attempt needs. It bounds waiting only.
    pub fn acquire(&mut self, now: Instant, useful_until: Instant) -> Acquired {
        let now = self.observe(now);
        self.drop_expired(now);
        let acquired = if self.has_free_permit() {
            Acquired::Permit(self.take())
        } else {
            self.enqueue(now, useful_until)
        };
        self.invariants();
        acquired
    }

    /// The next waiter that owns a permit from now on, and should be woken. Those whose time has
    /// passed are dropped on the way. Ask until there is none.
    #[must_use = "a waiter that is not woken keeps its permit unused"]
    pub fn next_grant(&mut self, now: Instant) -> Option<Waiter> {
        let now = self.observe(now);
        while self.in_use < self.settings.permits {
            let (waiter, until) = self.next_in_line()?;
            if until < now {
                self.expire(waiter);
            } else {
                self.queue.grant(waiter);
                self.in_use += 1;
                self.invariants();
                return Some(waiter);
            }
        }
        None
    }

    /// Takes the permit that `waiter` was granted. Also after its time, if it was granted before:
    /// whoever claims knows best whether it is still of use.
    pub fn claim(&mut self, waiter: Waiter, now: Instant) -> Claimed {
        self.observe(now);
        match self.queue.standing(waiter) {
            Standing::Waiting { .. } => Claimed::StillWaiting,
            Standing::Gone => Claimed::Gone,
            Standing::Granted => {
                self.queue.remove(waiter);
                self.invariants();
                Claimed::Permit(Permit(()))
            }
        }
    }

    /// A waiter that was cancelled or whose time is over gives up its place. A permit that it has
    /// been granted and has not claimed comes free for [`Bulkhead::next_grant`].
    pub fn leave(&mut self, waiter: Waiter, now: Instant) {
        let now = self.observe(now);
        match self.queue.remove(waiter) {
            Standing::Gone => {}
            Standing::Granted => self.free(),
            Standing::Waiting { until } if until <= now => self.count_expired(),
            Standing::Waiting { .. } => {}
        }
        self.invariants();
    }

    /// Ends the use of a permit after `held`, which enters the smoothed service time; zero means
    /// that it was never used, and says nothing about that. The permit comes free for
    /// [`Bulkhead::next_grant`] before anyone who arrives later.
    pub fn release(&mut self, permit: Permit, held: Duration, now: Instant) {
        self.observe(now);
        let Permit(()) = permit;
        self.free();
        if !held.is_zero() {
            self.service.record(held);
        }
        self.invariants();
    }

    /// All that is known.
    #[must_use]
    pub fn snapshot(&self) -> BulkheadSnapshot {
        BulkheadSnapshot {
            permits: self.settings.permits,
            in_use: self.in_use,
            unclaimed: self.queue.granted(),
            queued: self.queue.waiting(),
            queue: self.settings.queue,
            service_time: self.service.average(),
            rejected: self.rejected,
            expired: self.expired,
        }
    }

    /// Checks, in debug builds, what must always hold. Takes time with the length of the queue.
    pub fn invariants(&self) {
        debug_assert!(self.in_use <= self.ceiling, "more in use than permits");
        debug_assert!(self.settings.permits <= self.ceiling, "a ceiling below the permits");
        debug_assert!(self.queue.granted() <= self.in_use, "a grant that is not in use");
        self.queue.invariants();
    }

    fn enqueue(&mut self, now: Instant, useful_until: Instant) -> Acquired {
        let limit = self.settings.max_wait.min(useful_until.since(now));
        let estimate = self.estimate();
        let until = now.after(limit);
        let placed = match self.refusal(limit, estimate) {
            Some(refusal) => Err(refusal),
            None => self.queue.push(until).ok_or(Refusal::QueueFull),
        };
        match placed {
            Ok(waiter) => Acquired::Queued { waiter, until },
            Err(refusal) => {
                self.rejected.count(refusal);
                let retry_at = now.after(estimate.unwrap_or(self.settings.max_wait));
                Acquired::Refused { reason: refusal.reason(), retry_at }
            }
        }
    }

    /// Why an arrival that may wait for `limit` may not even try to.
    fn refusal(&self, limit: Duration, estimate: Option<Duration>) -> Option<Refusal> {
        if self.settings.queue == 0 {
            return Some(Refusal::Full);
        }
        if self.queue.waiting() >= self.settings.queue {
            return Some(Refusal::QueueFull);
        }
        let too_long = limit.is_zero() || estimate.is_some_and(|estimate| estimate > limit);
        too_long.then_some(Refusal::QueueWait)
    }

    /// How long the next arrival would wait. The newest is served first in LIFO order, so there
    /// that is the least it would wait: later arrivals overtake it.
    fn estimate(&self) -> Option<Duration> {
        let position = match self.settings.order {
            QueueOrder::Fifo => self.queue.waiting().saturating_add(1),
            QueueOrder::Lifo => 1,
        };
        self.service.wait(position, self.settings.permits)
    }

    fn next_in_line(&self) -> Option<(Waiter, Instant)> {
        match self.settings.order {
            QueueOrder::Fifo => self.queue.oldest(),
            QueueOrder::Lifo => self.queue.newest(),
        }
    }

    /// Drops the oldest waiters as far as their time has passed, so that the dead neither fill the
    /// queue nor lengthen the estimate.
    fn drop_expired(&mut self, now: Instant) {
        while let Some((waiter, until)) = self.queue.oldest()
            && until < now
        {
            self.expire(waiter);
        }
    }

    fn expire(&mut self, waiter: Waiter) {
        self.queue.remove(waiter);
        self.count_expired();
    }

    const fn count_expired(&mut self) {
        self.expired = self.expired.saturating_add(1);
    }

    fn take(&mut self) -> Permit {
        debug_assert!(self.in_use < self.settings.permits, "no permit is free");
        self.in_use += 1;
        Permit(())
    }

    fn free(&mut self) {
        debug_assert!(self.in_use > 0, "a permit of another bulkhead");
        self.in_use = self.in_use.saturating_sub(1);
        self.ceiling = self.in_use.max(self.settings.permits);
    }

    fn observe(&mut self, now: Instant) -> Instant {
        debug_assert!(!self.lent, "asked while the count is with the front");
        self.latest = self.latest.max(now);
        self.latest
    }
}
