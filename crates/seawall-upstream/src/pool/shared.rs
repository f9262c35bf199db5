//! What a pool, its leases and its connections share, and how places and connections are handed
//! from one to the next.
//!
//! Who gets what is decided in `book`. Here the books are never borrowed while something is
//! granted, dropped or awaited.

use std::{cell::RefCell, net::SocketAddr, rc::Rc, time::Duration};

use tokio::{
    sync::oneshot::{Receiver, Sender},
    time::{Instant, sleep_until},
};

use super::{
    CheckoutError, Exhausted,
    book::{Book, Home, Phase, Plan},
};
use crate::{PoolSettings, PoolSnapshot, Reuse, conn::Conn, idle::Kept};

/// The state behind a [`Pool`](super::Pool).
#[derive(Debug)]
pub(crate) struct Shared<B> {
    endpoint: SocketAddr,
    book: RefCell<Book<B>>,
}

/// A place within the cap of a pool. Dropping it frees the place for the first waiter.
#[derive(Debug)]
pub(crate) struct Slot<B> {
    shared: Rc<Shared<B>>,
    id: u64,
    phase: Phase,
}

/// A connection on its way to whoever uses it next.
#[derive(Debug)]
pub(crate) struct Handed<B> {
    pub(crate) kept: Kept<Conn<B>>,
    pub(crate) origin: Origin,
}

/// Where a connection comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// Just opened; nobody has had it.
    Dial,
    /// A lease that ended, or the idle ones.
    Lease,
}

/// What ends the wait of a checkout without a dial.
#[derive(Debug)]
pub(super) enum Grant<B> {
    Conn(Handed<B>),
    Dial(Slot<B>),
}

/// The answer to a checkout.
#[derive(Debug)]
pub(super) enum Admission<B> {
    Taken(Handed<B>),
    Dial(Waiting<B>, Slot<B>),
    Wait(Waiting<B>, Receiver<Slot<B>>),
}

impl<B> Shared<B> {
    pub(super) fn new(endpoint: SocketAddr, settings: PoolSettings) -> Self {
        Self { endpoint, book: RefCell::new(Book::new(settings)) }
    }

    pub(crate) fn endpoint(&self) -> SocketAddr {
        self.endpoint
    }

    pub(super) fn connect_timeout(&self) -> Duration {
        self.book.borrow().settings.connect
    }

    /// What a checkout at `now` may do.
    pub(super) fn admit(
        self: &Rc<Self>,
        reuse: Reuse,
        now: Instant,
    ) -> Result<Admission<B>, CheckoutError> {
        let (plan, _dropped) = self.book.borrow_mut().admit(reuse, now);
        Ok(match plan.map_err(CheckoutError::PoolExhausted)? {
            Plan::Reuse(kept) => Admission::Taken(Handed { kept, origin: Origin::Lease }),
            Plan::Dial(id, handed) => {
                Admission::Dial(Waiting::new(self, id, handed), Slot::new(self, id))
            }
            Plan::Wait(id, handed, place) => Admission::Wait(Waiting::new(self, id, handed), place),
        })
    }

    /// Takes a connection: for the first waiter that it suits, or among the idle ones.
    pub(crate) fn put(&self, handed: Handed<B>, now: Instant) {
        if handed.kept.conn.is_closed() {
            // Its driver may have freed its place already; among the idle it would be one too many.
            return;
        }
        let home = self.book.borrow_mut().put(handed, now);
        match home {
            Home::Waiter(waiter, handed) => waiter.hand(handed),
            Home::Idle(dropped) => drop(dropped),
            Home::Closed(handed) => drop(handed),
        }
        self.book.borrow().invariants();
    }

    pub(crate) fn on_stale_reset(&self, age: Duration, now: Instant) {
        self.book.borrow_mut().ledger.on_stale_reset(age, now);
    }

    pub(super) fn on_reused(&self) {
        self.book.borrow_mut().ledger.totals.reused += 1;
    }

    pub(super) fn on_dial_failed(&self) {
        self.book.borrow_mut().ledger.totals.dial_failures += 1;
    }

    pub(super) fn reconfigure(self: &Rc<Self>, settings: PoolSettings) {
        self.book.borrow_mut().reconfigure(settings);
        self.pump();
    }

    pub(super) fn sweep(&self, now: Instant) {
        let expired = self.book.borrow_mut().sweep(now);
        drop(expired);
    }

    pub(super) fn retire(&self) {
        let idle = self.book.borrow_mut().retire();
        drop(idle);
    }

    pub(super) fn snapshot(&self, now: Instant) -> PoolSnapshot {
        self.book.borrow().snapshot(now)
    }

    /// Gives free places to those who wait without a dial, first come, first served.
    fn pump(self: &Rc<Self>) {
        while let Some((places, id)) = self.next_dial() {
            // If the waiter had gone, dropping the slot would free the place for the next.
            drop(places.send(Slot::new(self, id)));
        }
        self.book.borrow().invariants();
    }

    fn next_dial(&self) -> Option<(Sender<Slot<B>>, u64)> {
        self.book.borrow_mut().next_dial()
    }

    fn make_room(&self) {
        let idle = self.book.borrow_mut().make_room();
        drop(idle);
    }
}

impl<B> Slot<B> {
    fn new(shared: &Rc<Shared<B>>, id: u64) -> Self {
        Self { shared: Rc::clone(shared), id, phase: Phase::Dialling }
    }

    pub(crate) fn id(&self) -> u64 {
        self.id
    }

    pub(crate) fn endpoint(&self) -> SocketAddr {
        self.shared.endpoint
    }

    /// The dial has succeeded; the place stays taken until the connection ends.
    pub(super) fn on_connected(&mut self) {
        self.phase = Phase::Connected;
        self.shared.book.borrow_mut().on_connected();
        self.shared.pump();
        self.shared.make_room();
    }
}

impl<B> Drop for Slot<B> {
    fn drop(&mut self) {
        let idle = self.shared.book.borrow_mut().release(self.id, self.phase);
        drop(idle);
        self.shared.pump();
    }
}

/// A place in the queue. Dropping it leaves the queue and passes on what was already handed over.
#[derive(Debug)]
pub(super) struct Waiting<B> {
    shared: Rc<Shared<B>>,
    id: u64,
    handed: Receiver<Handed<B>>,
}

impl<B> Waiting<B> {
    fn new(shared: &Rc<Shared<B>>, id: u64, handed: Receiver<Handed<B>>) -> Self {
        Self { shared: Rc::clone(shared), id, handed }
    }

    pub(super) fn shared(&self) -> &Rc<Shared<B>> {
        &self.shared
    }

    /// Becomes ready with a connection that suits this checkout.
    pub(super) fn handed(&mut self) -> &mut Receiver<Handed<B>> {
        &mut self.handed
    }

    /// Waits for a connection or for a place to dial.
    ///
    /// # Errors
    /// [`Exhausted::DeadlinePassed`]; a grant that arrives in the same instant wins.
    pub(super) async fn granted(
        &mut self,
        place: Receiver<Slot<B>>,
        deadline: Instant,
    ) -> Result<Grant<B>, CheckoutError> {
        tokio::select! {
            biased;
            Ok(handed) = &mut self.handed => Ok(Grant::Conn(handed)),
            Ok(slot) = place => Ok(Grant::Dial(slot)),
            () = sleep_until(deadline) => {
                Err(CheckoutError::PoolExhausted(Exhausted::DeadlinePassed))
            }
        }
    }
}

impl<B> Drop for Waiting<B> {
    fn drop(&mut self) {
        self.shared.book.borrow_mut().leave(self.id);
        if let Ok(handed) = self.handed.try_recv() {
            self.shared.put(handed, crate::clock::now());
        }
    }
}
