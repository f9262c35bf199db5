//! The books of a pool: places in use, idle connections, the queue, totals.
//!
//! Plain bookkeeping with time as an argument. Handing connections over and opening them is in
//! `shared` and `pool`; what falls out of a method is closed by its caller, outside the borrow.

use std::{collections::VecDeque, time::Duration};

use tokio::{sync::oneshot, time::Instant};

use super::{Exhausted, shared::Grant};
use crate::{
    PoolSettings, Reuse,
    conn::Conn,
    idle::{Ages, IdleStack, Kept},
    limit::IdleLimit,
};

/// What a pool holds and has done, as plain numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolSnapshot {
    /// Connections that wait for use.
    pub idle: u32,
    /// Connections in use, including those about to close.
    pub leased: u32,
    /// Connections being opened.
    pub dialling: u32,
    /// Checkouts in the queue.
    pub waiting: u32,
    /// Connections opened so far.
    pub opened_total: u64,
    /// Checkouts served by a connection that had served before.
    pub reused_total: u64,
    /// Dials that failed.
    pub dial_failures_total: u64,
    /// Resets met on reused connections, as reported.
    pub stale_resets_total: u64,
    /// Checkouts that had to queue.
    pub waits_total: u64,
    /// Checkouts refused because the queue was full.
    pub refused_total: u64,
    /// How long a connection may sit idle now.
    pub idle_limit: Duration,
    /// Until when that limit is a learned one, if it is.
    pub idle_limit_until: Option<Instant>,
}

/// Counters that only grow.
#[derive(Debug, Default)]
pub(super) struct Totals {
    pub(super) opened: u64,
    pub(super) reused: u64,
    pub(super) dial_failures: u64,
    pub(super) stale_resets: u64,
    waits: u64,
    refused: u64,
}

/// A checkout in the queue.
#[derive(Debug)]
pub(super) struct Waiter<B> {
    id: u64,
    reuse: Reuse,
    pub(super) grants: oneshot::Sender<Grant<B>>,
}

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
    Dial(u64),
    Wait(u64, oneshot::Receiver<Grant<B>>),
}

/// Where a returned connection goes.
#[derive(Debug)]
pub(super) enum Home<B> {
    Waiter(Waiter<B>, Kept<Conn<B>>),
    Idle(Vec<Conn<B>>),
    Closed(Kept<Conn<B>>),
}

/// Idle connections over the cap are closed after this. A busy worker gives back a whole wave of
/// connections and takes them again within milliseconds; closing the surplus of each wave at once
/// made every sixth call dial at 256 callers, until the service's accept queue overflowed.
const SURPLUS_AFTER: Duration = Duration::from_millis(100);

/// The books.
///
/// Invariant: `used` counts idle, leased and dialling connections and stays within the cap, and
/// while somebody waits, either all places or all dials are taken.
#[derive(Debug)]
pub(super) struct Book<B> {
    pub(super) settings: PoolSettings,
    pub(super) totals: Totals,
    pub(super) limit: IdleLimit,
    idle: IdleStack<Conn<B>>,
    waiters: VecDeque<Waiter<B>>,
    used: u32,
    dialling: u32,
    next_id: u64,
    is_retired: bool,
}

impl<B> Book<B> {
    pub(super) fn new(settings: PoolSettings) -> Self {
        Self {
            limit: IdleLimit::new(settings.idle),
            settings,
            totals: Totals::default(),
            idle: IdleStack::new(),
            waiters: VecDeque::new(),
            used: 0,
            dialling: 0,
            next_id: 0,
            is_retired: false,
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
        if let Some(id) = self.claim() {
            return (Ok(Plan::Dial(id)), dropped);
        }
        let plan = self.enqueue(reuse);
        if plan.is_ok() && self.used >= self.settings.connections {
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
        let ages = Ages { limit: self.limit.current(now), take_max };
        self.idle.take(ages, now, |conn| !conn.is_closed())
    }

    fn claim(&mut self) -> Option<u64> {
        let has_place = self.used < self.settings.connections;
        if !has_place || self.dialling >= self.settings.dials {
            return None;
        }
        self.used += 1;
        self.dialling += 1;
        Some(self.new_id())
    }

    fn new_id(&mut self) -> u64 {
        self.next_id += 1;
        self.next_id
    }

    fn enqueue(&mut self, reuse: Reuse) -> Result<Plan<B>, Exhausted> {
        if count(self.waiters.len()) >= self.settings.waiters {
            self.totals.refused += 1;
            return Err(Exhausted::QueueFull);
        }
        self.totals.waits += 1;
        let id = self.new_id();
        let (grants, granted) = oneshot::channel();
        self.waiters.push_back(Waiter { id, reuse, grants });
        Ok(Plan::Wait(id, granted))
    }

    /// The first waiter and a place to dial for it, if there are both.
    pub(super) fn next_dial(&mut self) -> Option<(Waiter<B>, u64)> {
        let waiter = self.waiters.pop_front()?;
        match self.claim() {
            Some(id) => Some((waiter, id)),
            None => {
                self.waiters.push_front(waiter);
                None
            }
        }
    }

    /// Forgets a waiter that left.
    pub(super) fn leave(&mut self, id: u64) {
        self.waiters.retain(|waiter| waiter.id != id);
    }

    pub(super) fn on_connected(&mut self) {
        self.dialling -= 1;
        self.totals.opened += 1;
    }

    /// Frees the place of a connection that has ended or never came about.
    pub(super) fn release(&mut self, id: u64, phase: Phase) -> Option<Conn<B>> {
        self.used -= 1;
        if phase == Phase::Dialling {
            self.dialling -= 1;
        }
        self.idle.remove(|conn| conn.id == id)
    }

    /// Finds the place of a returned connection: the first waiter before the idle ones.
    pub(super) fn put(&mut self, kept: Kept<Conn<B>>, now: Instant) -> Home<B> {
        if self.is_retired || self.used > self.settings.connections {
            return Home::Closed(kept);
        }
        match self.waiters.pop_front() {
            None => Home::Idle(self.keep(kept, now)),
            Some(waiter) if self.suits(waiter.reuse, &kept, now) => Home::Waiter(waiter, kept),
            Some(waiter) => {
                // Its place, once it has closed, is what the first waiter gets instead.
                self.waiters.push_front(waiter);
                Home::Closed(kept)
            }
        }
    }

    fn suits(&self, reuse: Reuse, kept: &Kept<Conn<B>>, now: Instant) -> bool {
        match reuse {
            Reuse::Any => true,
            Reuse::FreshOrYoung => kept.age(now) < self.settings.unsafe_idle,
            Reuse::Fresh => false,
        }
    }

    fn keep(&mut self, kept: Kept<Conn<B>>, now: Instant) -> Vec<Conn<B>> {
        let mut dropped = Vec::new();
        self.idle.push(kept);
        let limit = self.limit.current(now);
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
        let limit = self.limit.current(now);
        let mut dropped = self.idle.extract_expired(limit, now);
        self.trim(now, &mut dropped);
        dropped
    }

    pub(super) fn reconfigure(&mut self, settings: PoolSettings) {
        self.limit.reconfigure(settings.idle);
        self.settings = settings;
    }

    pub(super) fn retire(&mut self) -> Vec<Conn<B>> {
        self.is_retired = true;
        self.idle.clear()
    }

    /// Asserts, in debug builds, what holds whenever the pool is at rest.
    pub(super) fn invariants(&self) {
        let idle = count(self.idle.len());
        debug_assert!(self.used >= idle + self.dialling, "{idle} idle of {} used", self.used);
        let is_full = self.used >= self.settings.connections;
        debug_assert!(
            self.waiters.is_empty() || is_full || self.dialling >= self.settings.dials,
            "somebody waits while a place is free"
        );
    }

    pub(super) fn snapshot(&self, now: Instant) -> PoolSnapshot {
        let idle = count(self.idle.len());
        PoolSnapshot {
            idle,
            leased: self.used - idle - self.dialling,
            dialling: self.dialling,
            waiting: count(self.waiters.len()),
            opened_total: self.totals.opened,
            reused_total: self.totals.reused,
            dial_failures_total: self.totals.dial_failures,
            stale_resets_total: self.totals.stale_resets,
            waits_total: self.totals.waits,
            refused_total: self.totals.refused,
            idle_limit: self.limit.current(now),
            idle_limit_until: self.limit.learned_until(now),
        }
    }
}

/// Lengths of queues that are bounded by a `u32`.
fn count(len: usize) -> u32 {
    u32::try_from(len).unwrap_or(u32::MAX)
}
