//! What a pool, its leases and its connections share, and how places and connections are handed
//! from one to the next.
//!
//! Who gets what is decided in `book`. Here the books are never borrowed while something is
//! granted, dropped or awaited.

use std::{cell::RefCell, net::SocketAddr, rc::Rc, time::Duration};

use tokio::{
    sync::oneshot,
    time::{Instant, timeout_at},
};

use super::{
    CheckoutError, Exhausted, PoolSnapshot,
    book::{Book, Home, Phase, Plan, Waiter},
};
use crate::{PoolSettings, Reuse, conn::Conn, idle::Kept};

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

/// What a checkout has been granted.
#[derive(Debug)]
pub(super) enum Grant<B> {
    Kept(Kept<Conn<B>>),
    Dial(Slot<B>),
}

/// The answer to a checkout.
#[derive(Debug)]
pub(super) enum Admission<B> {
    Granted(Grant<B>),
    Wait(Waiting<B>),
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
            Plan::Reuse(kept) => Admission::Granted(Grant::Kept(kept)),
            Plan::Dial(id) => Admission::Granted(Grant::Dial(Slot::new(self, id))),
            Plan::Wait(id, granted) => {
                Admission::Wait(Waiting { shared: Rc::clone(self), id, granted })
            }
        })
    }

    /// Takes a connection back: for the first waiter, or among the idle ones.
    pub(crate) fn put(&self, kept: Kept<Conn<B>>, now: Instant) {
        let home = self.book.borrow_mut().put(kept, now);
        match home {
            Home::Waiter(waiter, kept) => waiter.grant(Grant::Kept(kept)),
            Home::Idle(dropped) => drop(dropped),
            Home::Closed(kept) => drop(kept),
        }
        self.book.borrow().invariants();
    }

    pub(crate) fn on_stale_reset(&self, age: Duration, now: Instant) {
        let mut book = self.book.borrow_mut();
        book.totals.stale_resets += 1;
        book.limit.on_stale_reset(age, now);
    }

    pub(super) fn on_reused(&self) {
        self.book.borrow_mut().totals.reused += 1;
    }

    pub(super) fn on_dial_failed(&self) {
        self.book.borrow_mut().totals.dial_failures += 1;
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

    /// Gives free places to those who wait, first come, first served.
    fn pump(self: &Rc<Self>) {
        while let Some((waiter, id)) = self.next_dial() {
            waiter.grant(Grant::Dial(Slot::new(self, id)));
        }
        self.book.borrow().invariants();
    }

    fn next_dial(&self) -> Option<(Waiter<B>, u64)> {
        self.book.borrow_mut().next_dial()
    }
}

impl<B> Waiter<B> {
    /// Wakes the waiter. One that has left is no longer in the queue, so this always arrives;
    /// if it did not, dropping the grant would free its place.
    fn grant(self, grant: Grant<B>) {
        drop(self.grants.send(grant));
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
    }
}

impl<B> Drop for Slot<B> {
    fn drop(&mut self) {
        let idle = self.shared.book.borrow_mut().release(self.id, self.phase);
        drop(idle);
        self.shared.pump();
    }
}

/// A place in the queue. Dropping it leaves the queue and passes on what was already granted.
#[derive(Debug)]
pub(super) struct Waiting<B> {
    shared: Rc<Shared<B>>,
    id: u64,
    granted: oneshot::Receiver<Grant<B>>,
}

impl<B> Waiting<B> {
    /// Waits for a connection or for a place to dial.
    ///
    /// # Errors
    /// [`Exhausted::DeadlinePassed`]; a grant that arrives in the same instant wins.
    pub(super) async fn granted(mut self, deadline: Instant) -> Result<Grant<B>, CheckoutError> {
        match timeout_at(deadline, &mut self.granted).await {
            Ok(Ok(grant)) => Ok(grant),
            Ok(Err(_)) | Err(_) => Err(CheckoutError::PoolExhausted(Exhausted::DeadlinePassed)),
        }
    }
}

impl<B> Drop for Waiting<B> {
    fn drop(&mut self) {
        self.shared.book.borrow_mut().leave(self.id);
        if let Ok(Grant::Kept(kept)) = self.granted.try_recv() {
            self.shared.put(kept, crate::clock::now());
        }
    }
}
