//! The books of a pool: its connections, who waits for a stream, totals. Time is an argument.
//!
//! Handing streams over and opening connections is in `shared`.

use std::{collections::VecDeque, rc::Rc};

use tokio::{sync::oneshot::Sender, time::Instant};

use super::{conn::Conn, settings::StreamSettings, shared::Turn};
use crate::{
    CheckoutError, Exhausted, PoolSnapshot, Reuse,
    ledger::{Holdings, Ledger, count},
};

/// Dials at once. One brings room for a hundred attempts.
const DIALS_MAX: u32 = 4;

/// From this share of its streams on, a connection gets company before it is full.
const FULL_SHARE: (u64, u64) = (4, 5);

/// What a checkout gets.
pub(super) type Granted = Result<Turn, CheckoutError>;

/// A checkout that waits for a stream.
#[derive(Debug)]
pub(super) struct Waiter {
    pub(super) id: u64,
    pub(super) reuse: Reuse,
    pub(super) turns: Sender<Granted>,
}

/// The books.
///
/// Bounds: `conns` and `dialling` together by [`StreamSettings::connections`], `queue` by
/// [`StreamSettings::waiters`].
#[derive(Debug)]
pub(super) struct Book {
    pub(super) settings: StreamSettings,
    pub(super) ledger: Ledger,
    /// Those that take new streams.
    conns: Vec<Rc<Conn>>,
    queue: VecDeque<Waiter>,
}

impl Book {
    pub(super) fn new(settings: StreamSettings) -> Self {
        Self {
            ledger: Ledger::new(settings.idle),
            settings,
            conns: Vec::new(),
            queue: VecDeque::new(),
        }
    }

    /// The least loaded connection that has room and suits. Those that turn out to take no more
    /// streams leave the books.
    pub(super) fn choose(&mut self, reuse: Reuse, now: Instant) -> Option<Rc<Conn>> {
        loop {
            let suited = self.conns.iter().filter(|conn| self.has_room(conn, now));
            let suited = suited.filter(|conn| self.suits(conn, reuse, now));
            let conn = Rc::clone(suited.min_by_key(|conn| conn.state.streams.get())?);
            match conn.ended() {
                None => return Some(conn),
                Some(why) => self.remove(conn.id, Some(&why)),
            }
        }
    }

    fn has_room(&self, conn: &Conn, now: Instant) -> bool {
        conn.state.streams.get() < self.limit_of(conn, now)
    }

    fn limit_of(&self, conn: &Conn, now: Instant) -> u32 {
        conn.state.limit(now).min(self.settings.streams)
    }

    /// Whether a stream there is what `reuse` asks for, when there is room.
    fn suits(&self, conn: &Conn, reuse: Reuse, now: Instant) -> bool {
        let is_fresh = conn.state.served.get() == 0;
        let Some(age) = conn.state.idle_age(now) else { return reuse != Reuse::Fresh };
        match reuse {
            Reuse::Any => is_fresh || age < self.ledger.limit.current(now),
            Reuse::FreshOrYoung => {
                age < self.settings.unsafe_idle.min(self.ledger.limit.current(now))
            }
            Reuse::Fresh => is_fresh,
        }
    }

    /// Puts a checkout in the queue.
    ///
    /// # Errors
    /// [`Exhausted::QueueFull`].
    pub(super) fn enqueue(&mut self, waiter: Waiter) -> Result<(), Exhausted> {
        if count(self.queue.len()) >= self.settings.waiters {
            self.ledger.totals.refused += 1;
            return Err(Exhausted::QueueFull);
        }
        self.ledger.totals.waits += 1;
        self.queue.push_back(waiter);
        Ok(())
    }

    /// Forgets a waiter that left.
    pub(super) fn leave(&mut self, id: u64) {
        self.queue.retain(|waiter| waiter.id != id);
    }

    /// Whether somebody waits.
    pub(super) fn is_awaited(&self) -> bool {
        !self.queue.is_empty()
    }

    /// The first waiter that a connection has room for, with that connection.
    pub(super) fn next_grant(&mut self, now: Instant) -> Option<(Waiter, Rc<Conn>)> {
        for place in 0..self.queue.len() {
            let reuse = self.queue.get(place)?.reuse;
            if let Some(conn) = self.choose(reuse, now) {
                return Some((self.queue.remove(place)?, conn));
            }
        }
        None
    }

    /// Takes a place for a dial, if one is wanted and allowed: for those who wait, or because what
    /// there is will soon be full.
    pub(super) fn claim_dial(&mut self, now: Instant) -> bool {
        let coming = u64::from(self.ledger.dialling) * u64::from(self.settings.streams.max(1));
        let wanted =
            self.queue.len() as u64 > coming || (self.ledger.dialling == 0 && self.is_tight(now));
        if !wanted || self.ledger.is_retired || self.ledger.dialling >= DIALS_MAX {
            return false;
        }
        if count(self.conns.len()) + self.ledger.dialling >= self.settings.connections
            && !(self.is_awaited() && self.make_room(now))
        {
            return false;
        }
        self.ledger.dialling += 1;
        true
    }

    /// Whether every connection has come close to its limit.
    fn is_tight(&self, now: Instant) -> bool {
        let (part, whole) = FULL_SHARE;
        let tight = |conn: &Rc<Conn>| {
            let (used, limit) = (conn.state.streams.get(), self.limit_of(conn, now));
            u64::from(used) * whole >= u64::from(limit) * part
        };
        !self.conns.is_empty() && self.conns.iter().all(tight)
    }

    /// Lets go of a connection without streams, which none of those who wait can use.
    fn make_room(&mut self, now: Instant) -> bool {
        let idle = self.conns.iter().position(|conn| conn.state.idle_age(now).is_some());
        idle.map(|place| self.conns.swap_remove(place)).is_some()
    }

    /// A dial has ended.
    pub(super) fn on_dialled(&mut self) {
        self.ledger.dialling -= 1;
    }

    /// Takes a new connection, unless the pool is no more.
    pub(super) fn add(&mut self, conn: Rc<Conn>) {
        self.ledger.totals.opened += 1;
        if !self.ledger.is_retired {
            self.conns.push(conn);
        }
    }

    /// Takes out those whom nothing that there is, or will be without another dial, can serve.
    pub(super) fn take_hopeless(&mut self, now: Instant) -> Vec<Waiter> {
        if self.ledger.dialling > 0 {
            return Vec::new();
        }
        let queue = std::mem::take(&mut self.queue);
        let (hopeful, hopeless) = queue
            .into_iter()
            .partition(|waiter| self.conns.iter().any(|conn| self.suits(conn, waiter.reuse, now)));
        self.queue = hopeful;
        Vec::from(hopeless)
    }

    /// Takes a connection out of choice; its streams run on. `why` as it says itself.
    pub(super) fn remove(&mut self, id: u64, why: Option<&::h2::Error>) {
        let Some(place) = self.conns.iter().position(|conn| conn.id == id) else { return };
        self.conns.swap_remove(place);
        if why.is_some_and(|why| why.is_go_away() && why.is_remote()) {
            self.ledger.totals.goaways += 1;
        }
    }

    /// Takes out a connection whose task has ended.
    pub(super) fn on_ended(&mut self, id: u64) {
        let why = self.conns.iter().find(|conn| conn.id == id).and_then(|conn| conn.ended());
        self.remove(id, why.as_ref());
    }

    /// Lets go of connections that have been without streams for too long.
    pub(super) fn sweep(&mut self, now: Instant) -> Vec<Rc<Conn>> {
        let limit = self.ledger.limit.current(now);
        let is_old = |conn: &mut Rc<Conn>| conn.state.idle_age(now).is_some_and(|age| age >= limit);
        self.conns.extract_if(.., is_old).collect()
    }

    pub(super) fn reconfigure(&mut self, settings: StreamSettings) {
        self.ledger.limit.reconfigure(settings.idle);
        self.settings = settings;
        // The busiest stay: they have the most to lose by a new start.
        self.conns.sort_by_key(|conn| std::cmp::Reverse(conn.state.streams.get()));
        self.conns.truncate(usize::try_from(self.settings.connections).unwrap_or(usize::MAX));
    }

    pub(super) fn retire(&mut self) -> Vec<Rc<Conn>> {
        self.ledger.is_retired = true;
        std::mem::take(&mut self.conns)
    }

    pub(super) fn snapshot(&self, now: Instant) -> PoolSnapshot {
        let idle = self.conns.iter().filter(|conn| conn.state.streams.get() == 0).count();
        let held = Holdings {
            idle: count(idle),
            leased: count(self.conns.len() - idle),
            streams: self.conns.iter().map(|conn| conn.state.streams.get()).sum(),
            waiting: count(self.queue.len()),
        };
        self.ledger.snapshot(held, now)
    }
}
