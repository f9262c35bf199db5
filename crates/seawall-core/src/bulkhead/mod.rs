//! Bulkhead: a compartment with a fixed number of permits and a bounded queue.
//!
//! A slow dependency fills its own compartment and nothing else. Permits belong to attempts; a
//! call that waits between attempts holds none. Whoever cannot be served in time is refused on
//! arrival, since waiting in vain costs both sides.
//!
//! A permit that comes free goes to the chosen waiter, never to a newcomer. The driver asks
//! [`Bulkhead::next_grant`] after each step and wakes whom it names. Here are settings and the
//! machine; the places of the queue are in `queue.rs`.

mod queue;

#[cfg(test)]
mod tests;

pub use queue::Waiter;

use crate::reason::Reason;
use crate::time::{Duration, Instant, nanos};

use queue::{Place, Queue};

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
    /// Attempts at once, at least 1. Default 1 000; a gateway derives it from its open files.
    pub permits: u32,
    /// Waiters at once; 0 means that a full compartment refuses. Default twice the permits.
    pub queue: u32,
    /// No wait is longer. Default 100 ms: callers notice more, and overload is no shorter.
    pub max_wait: Duration,
    /// Who is served first.
    pub order: QueueOrder,
}

impl Default for BulkheadSettings {
    fn default() -> Self {
        Self {
            permits: 1_000,
            queue: 2_000,
            max_wait: Duration::from_millis(100),
            order: QueueOrder::Fifo,
        }
    }
}

/// The right to occupy one place. Give it back with [`Bulkhead::release`].
#[derive(Debug)]
#[must_use = "a permit that is not released is lost"]
pub struct Permit(());

/// The answer to an attempt that asks for a permit.
#[derive(Debug)]
#[must_use]
pub enum Acquired {
    /// It may start.
    Permit(Permit),
    /// It waits.
    Queued {
        /// Its place.
        waiter: Waiter,
        /// When it gives up.
        until: Instant,
    },
    /// It is refused.
    Refused {
        /// Full without a queue, queue full, or the wait would be too long.
        reason: Reason,
        /// When a place may be free, by what is known of the service time.
        retry_at: Instant,
    },
}

/// The answer to a waiter that asks for its permit.
#[derive(Debug)]
#[must_use]
pub enum Claimed {
    /// It owns one.
    Permit(Permit),
    /// Not yet.
    StillWaiting,
    /// It is no longer in the queue: its time was over.
    Gone,
}

/// A bulkhead at an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BulkheadSnapshot {
    /// Attempts at once at most.
    pub permits: u32,
    /// Permits given out.
    pub in_use: u32,
    /// Waiters.
    pub queued: u32,
    /// Waiters at most.
    pub queue: u32,
    /// Smoothed time that a permit is held; absent before the first release.
    pub service_time: Option<Duration>,
    /// Refused on arrival since the start.
    pub refused: u64,
    /// Waiters whose time was over before a permit came, since the start.
    pub expired: u64,
}

/// A new sample weighs an eighth, as in the smoothed round-trip time of TCP (RFC 6298).
const SMOOTHING: u64 = 8;

/// A bulkhead. Allocates when it is built or reconfigured, never while attempts pass.
#[derive(Debug)]
pub struct Bulkhead {
    settings: BulkheadSettings,
    in_use: u32,
    queue: Queue,
    /// Smoothed time that a permit is held, in nanoseconds; 0 while unknown.
    service_time: u64,
    refused: u64,
    expired: u64,
}

impl Bulkhead {
    /// An empty compartment.
    #[must_use]
    pub fn new(settings: BulkheadSettings) -> Self {
        let queue = Queue::new(settings.queue);
        Self { settings, in_use: 0, queue, service_time: 0, refused: 0, expired: 0 }
    }

    /// Takes over new settings. Lowering the permits below those in use cancels nobody: they
    /// drain. Waiters keep their places.
    pub fn reconfigure(&mut self, settings: BulkheadSettings) {
        self.settings = settings;
        self.queue.resize(settings.queue);
    }

    /// Whether an attempt would be admitted at once.
    #[must_use]
    pub fn has_free_permit(&self) -> bool {
        self.in_use < self.settings.permits && self.queue.is_empty()
    }

    /// Asks for a permit that is of use until `useful_until`.
    pub fn acquire(&mut self, now: Instant, useful_until: Instant) -> Acquired {
        if self.has_free_permit() {
            self.in_use += 1;
            return Acquired::Permit(Permit(()));
        }
        let position = self.queue.len() + 1;
        let wait = self.estimated_wait(position);
        let until = now.after(self.settings.max_wait).min(useful_until);
        match self.refusal(position, now.after(wait), until) {
            Some(reason) => {
                self.refused += 1;
                Acquired::Refused { reason, retry_at: now.after(wait) }
            }
            None => Acquired::Queued { waiter: self.queue.push(until), until },
        }
    }

    /// The next waiter that owns a permit now and should be woken. Ask after every step, until it
    /// names none. Waiters whose time is over are dropped here, without being served.
    pub fn next_grant(&mut self, now: Instant) -> Option<Waiter> {
        while self.in_use < self.settings.permits {
            let Some((waiter, until)) = self.queue.take_next(self.settings.order) else { break };
            if until <= now {
                self.queue.remove(waiter);
                self.expired += 1;
                continue;
            }
            self.in_use += 1;
            self.queue.grant(waiter);
            return Some(waiter);
        }
        None
    }

    /// A waiter takes the permit that it was granted.
    pub fn claim(&mut self, waiter: Waiter) -> Claimed {
        match self.queue.place(waiter) {
            Some(Place::Granted) => {
                self.queue.remove(waiter);
                Claimed::Permit(Permit(()))
            }
            Some(Place::Waiting) => Claimed::StillWaiting,
            None => Claimed::Gone,
        }
    }

    /// A waiter gives up. If it had been granted a permit, that is free again for the next.
    pub fn leave(&mut self, waiter: Waiter) {
        if self.queue.place(waiter) == Some(Place::Granted) {
            self.in_use -= 1;
        }
        self.queue.remove(waiter);
    }

    /// An attempt has ended after holding its permit for `held`.
    pub fn release(&mut self, permit: Permit, held: Duration) {
        let Permit(()) = permit;
        self.in_use = self.in_use.saturating_sub(1);
        let (sample, before) = (nanos(held), self.service_time);
        self.service_time = match before {
            0 => sample,
            _ => before - before / SMOOTHING + sample / SMOOTHING,
        };
    }

    /// Its state.
    #[must_use]
    pub fn snapshot(&self) -> BulkheadSnapshot {
        let known = self.service_time > 0;
        BulkheadSnapshot {
            permits: self.settings.permits,
            in_use: self.in_use,
            queued: self.queue.len(),
            queue: self.settings.queue,
            service_time: known.then(|| Duration::from_nanos(self.service_time)),
            refused: self.refused,
            expired: self.expired,
        }
    }

    /// Asserts what must hold between any two steps.
    pub fn invariants(&self) {
        self.queue.invariants();
        debug_assert!(self.queue.granted() <= self.in_use, "a granted waiter holds a permit");
    }

    fn refusal(&self, position: u32, served_at: Instant, until: Instant) -> Option<Reason> {
        if self.settings.queue == 0 {
            return Some(Reason::BulkheadFull);
        }
        if position > self.settings.queue {
            return Some(Reason::QueueFull);
        }
        (served_at > until).then_some(Reason::QueueWait)
    }

    /// Little's law: a compartment of L permits, each held for S, serves the n-th waiter after
    /// n · S / L. Nothing is known before the first release.
    fn estimated_wait(&self, position: u32) -> Duration {
        let total = self.service_time.saturating_mul(u64::from(position));
        Duration::from_nanos(total / u64::from(self.settings.permits.max(1)))
    }
}
