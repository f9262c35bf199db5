//! Waiting for a limit instead of being refused: each waiter is told its instant.
//!
//! The limit by itself is in `gcra.rs`; evenly spaced departures without leaving early are in
//! `leaky_bucket.rs`.

use alloc::collections::VecDeque;

use super::account::Account;
use super::rate::Exact;
use super::{Quota, RateEvent, Refused};
use crate::Mode;
use crate::event::Sink;
use crate::invalid::Invalid;
use crate::reason::Reason;
use crate::time::{Duration, Instant};

/// The most waiters of one queue. Each is a request held in memory elsewhere.
pub const WAITERS_MAX: u32 = 65_536;

/// Settings of a limit that lets calls wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueueSettings {
    /// The limit.
    pub quota: Quota,
    /// Waiters at once, at most [`WAITERS_MAX`]. 0 refuses at once.
    pub waiters: u32,
    /// No call waits longer.
    pub max_wait: Duration,
}

impl QueueSettings {
    /// A quota with 100 waiters of at most 1 s: enough for a burst, and short of the timeout of
    /// any caller.
    #[must_use]
    pub const fn of(quota: Quota) -> Self {
        Self { quota, waiters: 100, max_wait: Duration::from_secs(1) }
    }

    /// Refuses what cannot work.
    ///
    /// # Errors
    ///
    /// As [`Quota::validate`], and [`Invalid`] for more than [`WAITERS_MAX`] waiters, or waiters
    /// that may not wait.
    pub fn validate(&self) -> Result<(), Invalid> {
        self.quota.validate()?;
        if self.waiters > WAITERS_MAX {
            return Err(Invalid::new("waiters", self.waiters, "at most 65536"));
        }
        if self.waiters > 0 && self.max_wait.is_zero() {
            return Err(Invalid::new("max_wait", "0", "above zero where calls may wait"));
        }
        Ok(())
    }
}

/// A place in the queue, for one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RateWaiter(u64);

/// What an arrival gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Reserved {
    /// It passes.
    Admitted {
        /// So many more of cost 1 would pass now.
        remaining: u64,
    },
    /// It is charged, and passes at an instant of its own.
    Queued {
        /// To [`RateQueue::claim`] or [`RateQueue::cancel`] with.
        waiter: RateWaiter,
        /// When to claim. One timer; it is set anew only if [`RateQueue::next_moved`] says so.
        wake_at: Instant,
    },
    /// It does not pass, and is not charged.
    Refused {
        /// [`Reason::QueueFull`], or [`Reason::QueueWait`] when its instant would come too late.
        reason: Reason,
        /// When it would pass at once, or never.
        refused: Refused,
    },
}

/// What a waiter finds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Claimed {
    /// It passes. It was charged when it came, once.
    Admitted,
    /// Its instant has not come.
    StillWaiting {
        /// When to claim.
        wake_at: Instant,
    },
    /// Its time ended first; what it was charged has been returned. Also for one that has claimed
    /// or left before.
    Gone,
}

/// A waiter whose instant is another than it was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moved {
    /// Who.
    pub waiter: RateWaiter,
    /// When to claim now.
    pub wake_at: Instant,
}

#[derive(Clone, Copy, Debug)]
struct Waiting {
    waiter: RateWaiter,
    cost: u32,
    /// The last instant at which passing is of use.
    until: Instant,
    /// TAT after this call.
    tat: Exact,
    /// When it passes.
    at: Instant,
    /// Whether the driver knows of `at`.
    told: bool,
}

impl Waiting {
    fn wake_at(&self) -> Instant {
        self.at.min(self.until)
    }
}

/// A limit by GCRA whose calls may wait. Who comes first passes first.
///
/// A reservation charges at once and tells the instant at which the call passes, so waiting needs
/// one timer and no waking in turns. When a waiter leaves, or the quota changes, those behind it
/// are worked out anew ([`RateQueue::next_moved`]). Taking the charge off the limit and leaving the
/// others where they are would let later arrivals pass beside them, above the limit.
///
/// A rate of zero is a pause: everybody keeps the place until its time ends.
///
/// At most `waiters` entries, allocated when built or reconfigured. Reserving takes constant time;
/// cancelling, expiring and reconfiguring go over the waiters behind. A `now` earlier than the
/// latest one seen counts as the latest.
#[derive(Debug)]
pub struct RateQueue {
    settings: QueueSettings,
    /// Its TAT is that after all that has passed.
    account: Account,
    waiting: VecDeque<Waiting>,
    next: u64,
    /// How many of `waiting` the driver has to be told of.
    moved: usize,
    latest: Instant,
}

impl RateQueue {
    /// An empty queue of a limit that owes nothing. More than [`WAITERS_MAX`] waiters are taken as
    /// that.
    #[must_use]
    pub fn new(settings: QueueSettings) -> Self {
        let settings = bounded(settings);
        Self {
            settings,
            account: Account::new(settings.quota),
            waiting: VecDeque::with_capacity(settings.waiters as usize),
            next: 0,
            moved: 0,
            latest: Instant::EPOCH,
        }
    }

    /// Asks for a call of this cost. `useful_until` is the last instant at which passing is of use:
    /// the deadline, less the least time that the call needs.
    pub fn reserve(
        &mut self,
        now: Instant,
        cost: u32,
        useful_until: Instant,
        sink: &mut impl Sink<RateEvent>,
    ) -> Reserved {
        let now = self.observe(now);
        let tail = self.tail();
        let refused = match self.account.step(tail, now, cost) {
            Ok(tat) => {
                // Behind somebody whose instant is to come nothing fits, not even no cost: the
                // tail is then beyond what the burst forgives.
                debug_assert!(self.waiting.back().is_none_or(|last| last.at <= now), "overtaken");
                return self.pass(tat, now);
            }
            Err(refused) => refused,
        };
        let reserved = self.enqueue(now, cost, useful_until, refused);
        match reserved {
            Reserved::Admitted { .. } => {}
            Reserved::Queued { wake_at, .. } => {
                sink.emit(RateEvent::Queued { wait: wake_at.since(now) });
            }
            Reserved::Refused { refused, .. } => {
                sink.emit(RateEvent::of_refusal(refused, Mode::Enforce, cost));
            }
        }
        self.invariants();
        reserved
    }

    /// Asks whether the instant of a waiter has come. Also right when it comes late: the charge was
    /// made for the instant it was told.
    pub fn claim(&mut self, waiter: RateWaiter, now: Instant) -> Claimed {
        let now = self.observe(now);
        let Some((index, waiting)) = self.find(waiter) else { return Claimed::Gone };
        if waiting.at <= now.min(waiting.until) {
            self.forget(index);
            self.account.tat = self.account.tat.max(waiting.tat);
            self.invariants();
            return Claimed::Admitted;
        }
        if waiting.until <= now {
            self.remove(index, now);
            return Claimed::Gone;
        }
        Claimed::StillWaiting { wake_at: waiting.wake_at() }
    }

    /// A waiter leaves. What it was charged goes to those behind it, and to nobody else first.
    pub fn cancel(&mut self, waiter: RateWaiter, now: Instant) {
        let now = self.observe(now);
        if let Some((index, _)) = self.find(waiter) {
            self.remove(index, now);
        }
    }

    /// The next waiter whose instant has changed since the driver was told. Ask after
    /// [`RateQueue::cancel`], [`RateQueue::reconfigure`], and a claim that finds
    /// [`Claimed::Gone`], until there is none.
    #[must_use = "a waiter that is not told wakes at the wrong time"]
    pub fn next_moved(&mut self) -> Option<Moved> {
        if self.moved == 0 {
            return None;
        }
        let found = self.waiting.iter_mut().find(|waiting| !waiting.told)?;
        found.told = true;
        self.moved -= 1;
        Some(Moved { waiter: found.waiter, wake_at: found.wake_at() })
    }

    /// Takes other settings. Debt is kept in calls, and every waiter is worked out anew; those
    /// beyond a smaller queue keep their places.
    pub fn reconfigure(&mut self, settings: QueueSettings, now: Instant) {
        let now = self.observe(now);
        let settings = bounded(settings);
        self.account.change(settings.quota, now);
        self.settings = settings;
        let wanted = (settings.waiters as usize).saturating_sub(self.waiting.len());
        self.waiting.reserve(wanted);
        self.rework(0, now, |_, new| new);
        self.invariants();
    }

    /// Waiters.
    #[must_use]
    pub fn queued(&self) -> usize {
        self.waiting.len()
    }

    /// Calls of cost 1 that would pass at `now` without waiting.
    #[must_use]
    pub fn remaining(&self, now: Instant) -> u64 {
        let now = now.max(self.latest);
        self.account.remaining(self.tail(), now)
    }

    /// Checks, in debug builds, what must always hold.
    pub fn invariants(&self) {
        let untold = self.waiting.iter().filter(|waiting| !waiting.told).count();
        debug_assert_eq!(untold, self.moved, "waiters whose instant the driver does not know");
        let ordered = self.waiting.iter().is_sorted_by_key(|waiting| (waiting.waiter, waiting.at));
        debug_assert!(ordered, "a waiter that overtakes another");
        debug_assert!(self.waiting.iter().is_sorted_by_key(|waiting| waiting.at), "overtaken");
    }

    /// TAT after all that has passed or waits.
    fn tail(&self) -> Exact {
        self.waiting.back().map_or(self.account.tat, |last| last.tat.max(self.account.tat))
    }

    fn pass(&mut self, tat: Exact, now: Instant) -> Reserved {
        self.account.tat = self.account.tat.max(tat);
        self.invariants();
        Reserved::Admitted { remaining: self.account.remaining(tat, now) }
    }

    fn enqueue(&mut self, now: Instant, cost: u32, until: Instant, refused: Refused) -> Reserved {
        let before = self.waiting.back().map_or(now, |last| last.at.max(now));
        let (at, tat) = place(&self.account, self.tail(), before, cost);
        let until = until.min(now.after(self.settings.max_wait));
        if matches!(refused, Refused::Impossible { .. }) || at > until || at.is_never() {
            return Reserved::Refused { reason: Reason::QueueWait, refused };
        }
        if self.waiting.len() >= self.settings.waiters as usize {
            return Reserved::Refused { reason: Reason::QueueFull, refused };
        }
        let waiter = RateWaiter(self.next);
        self.next += 1;
        self.waiting.push_back(Waiting { waiter, cost, until, tat, at, told: true });
        Reserved::Queued { waiter, wake_at: at }
    }

    fn find(&self, waiter: RateWaiter) -> Option<(usize, Waiting)> {
        let index = self.waiting.binary_search_by_key(&waiter, |waiting| waiting.waiter).ok()?;
        self.waiting.get(index).map(|waiting| (index, *waiting))
    }

    fn forget(&mut self, index: usize) {
        if self.waiting.remove(index).is_some_and(|waiting| !waiting.told) {
            self.moved -= 1;
        }
    }

    fn remove(&mut self, index: usize, now: Instant) {
        self.forget(index);
        self.rework(index, now, Instant::min);
        self.invariants();
    }

    /// Lets the waiters from `index` on arrive anew at `now`, in their order. `choose` takes the
    /// old instant and the new one: after a refund nobody waits longer than told.
    fn rework(&mut self, index: usize, now: Instant, choose: impl Fn(Instant, Instant) -> Instant) {
        let before = index.checked_sub(1).and_then(|index| self.waiting.get(index));
        let mut tail = before.map_or(self.account.tat, |before| before.tat.max(self.account.tat));
        let mut first = before.map_or(now, |before| before.at.max(now));
        for waiting in self.waiting.iter_mut().skip(index) {
            let (at, tat) = place(&self.account, tail, first, waiting.cost);
            // Somebody whose instant has come keeps it: its timer is on the way.
            let at = if waiting.at <= now { waiting.at } else { choose(waiting.at, at) };
            self.moved += usize::from(at != waiting.at && waiting.told);
            waiting.told &= at == waiting.at;
            (waiting.tat, waiting.at) = (tat, at);
            (tail, first) = (tat, first.max(at));
        }
    }

    fn observe(&mut self, now: Instant) -> Instant {
        self.latest = self.latest.max(now);
        self.latest
    }
}

/// When a call passes that comes after `tail`, not before `first`, and TAT after it. The instant is
/// rounded up, and TAT follows from it: a call that could have passed between two nanoseconds
/// passes at the later one, and what it left unused before is lost.
fn place(account: &Account, tail: Exact, first: Instant, cost: u32) -> (Instant, Exact) {
    let free = account.terms.after(tail, first, cost);
    let at = account.instant_of(free).max(first);
    if at.is_never() {
        return (at, free);
    }
    (at, account.terms.after(tail, at, cost))
}

fn bounded(settings: QueueSettings) -> QueueSettings {
    QueueSettings { waiters: settings.waiters.min(WAITERS_MAX), ..settings }
}

#[cfg(all(test, debug_assertions))]
mod tests {
    use super::*;
    use crate::rate::Rate;

    #[test]
    #[should_panic(expected = "waiters whose instant the driver does not know")]
    fn a_moved_waiter_that_is_not_there_is_noticed() {
        let mut queue = RateQueue::new(QueueSettings::of(Quota::of(Rate::per_second(1))));
        queue.moved += 1;
        queue.invariants();
    }
}
