//! The books of a pool: places in use, idle connections, the queue, totals.
//!
//! Plain bookkeeping with time as an argument. The order of those who wait is in `queue`, handing
//! connections over in `shared`, opening them in `race`; what falls out of a method is closed by
//! its caller, outside the borrow.

use std::time::Duration;

use tokio::{
    sync::oneshot::{Receiver, Sender},
    time::Instant,
};

use super::{
    Exhausted,
    queue::{Queue, Waiter},
    shared::{Handed, Origin, Slot},
};
use crate::{
    PoolSettings, Reuse,
    conn::Conn,
    idle::{Ages, IdleStack, Kept},
    ledger::{Holdings, Ledger, PoolSnapshot, count},
};

/// How far the holder of a place has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    Dialling,
    Connected,
}

/// What a checkout may do.
#[derive(Debug)]
pub(super) enum Plan<B> {
    Reuse(Kept<Conn<B>>),
    Dial(u64, Receiver<Handed<B>>),
    Wait(u64, Receiver<Handed<B>>, Receiver<Slot<B>>),
}

/// Where a returned connection goes.
#[derive(Debug)]
pub(super) enum Home<B> {
    Waiter(Waiter<B>, Handed<B>),
    Idle(Vec<Conn<B>>),
    Closed(Handed<B>),
}

/// Idle connections over the cap are closed after this. A busy worker gives back a whole wave of
/// connections and takes them again within milliseconds; closing the surplus of each wave at once
/// made every sixth call dial at 256 callers, until the service's accept queue overflowed.
const SURPLUS_AFTER: Duration = Duration::from_millis(100);

/// The books.
///
/// Invariant: `used` counts idle, leased and dialling connections and stays within the cap, and
/// while somebody waits without a dial, either all places or all dials are taken.
#[derive(Debug)]
pub(super) struct Book<B> {
    pub(super) settings: PoolSettings,
    pub(super) ledger: Ledger,
    idle: IdleStack<Conn<B>>,
    queue: Queue<B>,
    used: u32,
}

impl<B> Book<B> {
    pub(super) fn new(settings: PoolSettings) -> Self {
        Self {
            ledger: Ledger::new(settings.idle),
            settings,
            idle: IdleStack::new(),
            queue: Queue::new(),
            used: 0,
        }
    }

    /// Decides what a checkout may do, and names the idle connections to close.
    pub(super) fn admit(
        &mut self,
        reuse: Reuse,
        now: Instant,
    ) -> (Result<Plan<B>, Exhausted>, Vec<Conn<B>>) {
        let (kept, mut dropped) = self.take_idle(reuse, now);
        if let Some(kept) = kept {
            return (Ok(Plan::Reuse(kept)), dropped);
        }
        if self.may_dial() {
            let id = self.claim();
            return (Ok(Plan::Dial(id, self.queue.push_dialling(id, reuse))), dropped);
        }
        let plan = self.enqueue(reuse);
        if plan.is_ok() && !self.has_place() {
            // A connection too old for this caller would sit on the place that it needs.
            dropped.extend(self.idle.pop_oldest());
        }
        (plan, dropped)
    }

    fn take_idle(&mut self, reuse: Reuse, now: Instant) -> (Option<Kept<Conn<B>>>, Vec<Conn<B>>) {
        let take_max = match reuse {
            Reuse::Any => Duration::MAX,
            Reuse::FreshOrYoung => self.settings.unsafe_idle,
            Reuse::Fresh => return (None, Vec::new()),
        };
        let ages = Ages { limit: self.ledger.limit.current(now), take_max };
        self.idle.take(ages, now, |conn| !conn.is_closed())
    }

    fn has_place(&self) -> bool {
        self.used < self.settings.connections
    }

    fn may_dial(&self) -> bool {
        self.has_place() && self.ledger.dialling < self.settings.dials
    }

    fn claim(&mut self) -> u64 {
        debug_assert!(self.may_dial(), "a place or a dial over the cap");
        self.used += 1;
        self.ledger.dialling += 1;
        self.ledger.new_id()
    }

    fn enqueue(&mut self, reuse: Reuse) -> Result<Plan<B>, Exhausted> {
        if count(self.queue.without_dial()) >= self.settings.waiters {
            self.ledger.totals.refused += 1;
            return Err(Exhausted::QueueFull);
        }
        self.ledger.totals.waits += 1;
        let id = self.ledger.new_id();
        let (handed, place) = self.queue.push(id, reuse);
        Ok(Plan::Wait(id, handed, place))
    }

    /// A place to dial for the first waiter without a dial, if there are both.
    pub(super) fn next_dial(&mut self) -> Option<(Sender<Slot<B>>, u64)> {
        if !self.may_dial() {
            return None;
        }
        let places = self.queue.promote()?;
        Some((places, self.claim()))
    }

    /// The idle connection to close for a waiter that may dial but for the place: none of those
    /// that are idle suits it, or it would not wait.
    pub(super) fn make_room(&mut self) -> Option<Conn<B>> {
        let is_wanted = self.queue.without_dial() > 0;
        if !is_wanted || self.has_place() || self.ledger.dialling >= self.settings.dials {
            return None;
        }
        self.idle.pop_oldest()
    }

    /// Forgets a waiter that left.
    pub(super) fn leave(&mut self, id: u64) {
        self.queue.leave(id);
    }

    pub(super) fn on_connected(&mut self) {
        self.ledger.dialling -= 1;
        self.ledger.totals.opened += 1;
    }

    /// Frees the place of a connection that has ended or never came about.
    pub(super) fn release(&mut self, id: u64, phase: Phase) -> Option<Conn<B>> {
        self.used -= 1;
        if phase == Phase::Dialling {
            self.ledger.dialling -= 1;
        }
        self.idle.remove(|conn| conn.id == id)
    }

    /// Finds the place of a returned or a late connection: the first waiter that it suits,
    /// whether it dials or not, before the idle ones.
    pub(super) fn put(&mut self, handed: Handed<B>, now: Instant) -> Home<B> {
        if self.ledger.is_retired || self.used > self.settings.connections {
            return Home::Closed(handed);
        }
        let first = self.queue.iter().enumerate().find_map(|(index, waiter)| {
            let is_suited = self.suits(waiter.reuse, &handed, now);
            (is_suited || self.lacks_place(waiter)).then_some((index, is_suited))
        });
        match first {
            // Its place, once it has closed, is what that waiter gets instead.
            Some((_, false)) => Home::Closed(handed),
            Some((index, true)) => match self.queue.remove(index) {
                Some(waiter) => Home::Waiter(waiter, handed),
                None => Home::Closed(handed),
            },
            None => Home::Idle(self.keep(handed.kept, now)),
        }
    }

    fn lacks_place(&self, waiter: &Waiter<B>) -> bool {
        !waiter.has_dial() && !self.has_place()
    }

    fn suits(&self, reuse: Reuse, handed: &Handed<B>, now: Instant) -> bool {
        match (reuse, handed.origin) {
            (Reuse::Any, _) | (_, Origin::Dial) => true,
            (Reuse::FreshOrYoung, Origin::Lease) => {
                handed.kept.age(now) < self.settings.unsafe_idle
            }
            (Reuse::Fresh, Origin::Lease) => false,
        }
    }

    fn keep(&mut self, kept: Kept<Conn<B>>, now: Instant) -> Vec<Conn<B>> {
        let mut dropped = Vec::new();
        self.idle.push(kept);
        let limit = self.ledger.limit.current(now);
        while let Some(conn) = self.idle.pop_expired(limit, now) {
            dropped.push(conn);
        }
        self.trim(now, &mut dropped);
        dropped
    }

    /// Closes the idle connections over the cap that no wave of calls has taken for a while.
    fn trim(&mut self, now: Instant, dropped: &mut Vec<Conn<B>>) {
        while count(self.idle.len()) > self.settings.idle_max {
            let Some(conn) = self.idle.pop_expired(SURPLUS_AFTER, now) else { break };
            dropped.push(conn);
        }
    }

    pub(super) fn sweep(&mut self, now: Instant) -> Vec<Conn<B>> {
        let limit = self.ledger.limit.current(now);
        let mut dropped = self.idle.extract_expired(limit, now);
        self.trim(now, &mut dropped);
        dropped
    }

    pub(super) fn reconfigure(&mut self, settings: PoolSettings) {
        self.ledger.limit.reconfigure(settings.idle);
        self.settings = settings;
    }

    pub(super) fn retire(&mut self) -> Vec<Conn<B>> {
        self.ledger.is_retired = true;
        self.idle.clear()
    }

    /// Asserts, in debug builds, what holds whenever the pool is at rest.
    pub(super) fn invariants(&self) {
        let idle = count(self.idle.len());
        debug_assert!(
            self.used >= idle + self.ledger.dialling,
            "{idle} idle of {} used",
            self.used
        );
        debug_assert!(
            self.queue.without_dial() == 0 || !self.may_dial(),
            "somebody waits while a place is free"
        );
    }

    pub(super) fn snapshot(&self, now: Instant) -> PoolSnapshot {
        let idle = count(self.idle.len());
        let leased = self.used - idle - self.ledger.dialling;
        let waiting = count(self.queue.without_dial());
        self.ledger.snapshot(Holdings { idle, leased, streams: leased, waiting }, now)
    }
}
