//! What a pool, its leases and its tasks share: how streams are handed over, and connections are
//! opened and given up.
//!
//! Who gets what is decided in `book`, which is never borrowed here while anything is granted,
//! dropped or awaited.

use std::{cell::RefCell, net::SocketAddr, rc::Rc, time::Duration};

use tokio::{
    sync::oneshot::{self, Receiver},
    time::Instant,
};

use super::{
    book::{Book, Granted, Waiter},
    conn::{Conn, Wire},
    driver::Driver,
    settings::StreamSettings,
};
use crate::{CheckoutError, DialError, PoolSnapshot, Reuse, clock, dial};

/// The state behind a [`StreamPool`](super::StreamPool).
#[derive(Debug)]
pub(super) struct Shared {
    endpoint: SocketAddr,
    pub(super) book: RefCell<Book>,
}

/// A place for one stream on one connection. Dropping it frees the place.
#[derive(Debug)]
pub(super) struct Turn {
    pub(super) shared: Rc<Shared>,
    pub(super) conn: Rc<Conn>,
    /// How long the connection had been without streams, if it had, after having served.
    pub(super) idle_age: Option<Duration>,
}

impl Turn {
    fn new(shared: &Rc<Shared>, conn: Rc<Conn>, now: Instant) -> Self {
        let state = &conn.state;
        let idle_age = state.idle_age(now).filter(|_| state.served.get() > 0);
        if state.streams.get() == 0 {
            state.since.set(now);
        }
        state.streams.set(state.streams.get() + 1);
        if state.is_taken.replace(true) {
            shared.book.borrow_mut().ledger.totals.reused += 1;
        }
        Self { shared: Rc::clone(shared), conn, idle_age }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let streams = self.conn.state.streams.get().saturating_sub(1);
        self.conn.state.streams.set(streams);
        if streams == 0 {
            self.conn.state.since.set(clock::now());
        }
        if self.shared.book.borrow().is_awaited() {
            self.shared.pump();
        }
    }
}

/// The answer to a checkout.
#[derive(Debug)]
pub(super) enum Admission {
    Granted(Turn),
    Wait(Waiting),
}

/// A place in the queue. Dropping it leaves the queue, and frees what was already granted.
#[derive(Debug)]
pub(super) struct Waiting {
    shared: Rc<Shared>,
    id: u64,
    pub(super) granted: Receiver<Granted>,
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.shared.book.borrow_mut().leave(self.id);
    }
}

impl Shared {
    pub(super) fn new(endpoint: SocketAddr, settings: StreamSettings) -> Self {
        Self { endpoint, book: RefCell::new(Book::new(settings)) }
    }

    pub(super) fn endpoint(&self) -> SocketAddr {
        self.endpoint
    }

    /// What a checkout at `now` gets.
    ///
    /// # Errors
    /// The queue is full.
    pub(super) fn admit(
        self: &Rc<Self>,
        reuse: Reuse,
        now: Instant,
    ) -> Result<Admission, CheckoutError> {
        let chosen = self.book.borrow_mut().choose(reuse, now);
        let admission = match chosen {
            Some(conn) => Admission::Granted(Turn::new(self, conn, now)),
            None => Admission::Wait(self.wait(reuse)?),
        };
        self.dial(now);
        Ok(admission)
    }

    fn wait(self: &Rc<Self>, reuse: Reuse) -> Result<Waiting, CheckoutError> {
        let (turns, granted) = oneshot::channel();
        let mut book = self.book.borrow_mut();
        let id = book.ledger.new_id();
        book.enqueue(Waiter { id, reuse, turns }).map_err(CheckoutError::PoolExhausted)?;
        Ok(Waiting { shared: Rc::clone(self), id, granted })
    }

    /// Gives streams to those who wait, first come, first served, and dials for the rest.
    pub(super) fn pump(self: &Rc<Self>) {
        let now = clock::now();
        while let Some((waiter, conn)) = self.next_grant(now) {
            // A waiter that has just left drops its turn, which frees it for the next.
            drop(waiter.turns.send(Ok(Turn::new(self, conn, now))));
        }
        self.dial(now);
    }

    fn next_grant(&self, now: Instant) -> Option<(Waiter, Rc<Conn>)> {
        self.book.borrow_mut().next_grant(now)
    }

    /// Dials, where the books say so.
    #[expect(
        clippy::disallowed_methods,
        reason = "ends with the connect timeout, and what it brings belongs to the pool"
    )]
    fn dial(self: &Rc<Self>, now: Instant) {
        while self.claim_dial(now) {
            let shared = Rc::clone(self);
            drop(tokio::task::spawn_local(async move {
                let opened = shared.open().await;
                shared.on_dialled(opened);
            }));
        }
    }

    fn claim_dial(&self, now: Instant) -> bool {
        self.book.borrow_mut().claim_dial(now)
    }

    async fn open(&self) -> Result<(Rc<Conn>, Wire), DialError> {
        let (id, settings) = {
            let mut book = self.book.borrow_mut();
            (book.ledger.new_id(), book.settings.clone())
        };
        let opening = async {
            let stream = dial::dial(self.endpoint, settings.connect).await?;
            Conn::open(id, stream, &settings).await
        };
        let opened = tokio::time::timeout(settings.connect, opening).await;
        opened.map_err(|_elapsed| DialError::TimedOut)?
    }

    fn on_dialled(self: &Rc<Self>, opened: Result<(Rc<Conn>, Wire), DialError>) {
        self.book.borrow_mut().on_dialled();
        match opened {
            Ok((conn, wire)) => {
                self.drive(&conn, wire);
                self.book.borrow_mut().add(conn);
                self.pump();
            }
            Err(error) => self.on_dial_failed(&error),
        }
    }

    /// Fails those whom no connection can serve. The others wait on: they may be served yet.
    fn on_dial_failed(&self, error: &DialError) {
        tracing::debug!(endpoint = %self.endpoint, %error, "no HTTP/2 connection");
        let hopeless = {
            let mut book = self.book.borrow_mut();
            book.ledger.totals.dial_failures += 1;
            book.take_hopeless(clock::now())
        };
        for waiter in hopeless {
            drop(waiter.turns.send(Err(CheckoutError::Dial(error.again()))));
        }
    }

    #[expect(clippy::disallowed_methods, reason = "ends with the connection")]
    fn drive(self: &Rc<Self>, conn: &Conn, wire: Wire) {
        let (id, shared, settings) =
            (conn.id, Rc::clone(self), self.book.borrow().settings.clone());
        let limited = Rc::clone(self);
        let driver = Driver::new(wire, Rc::clone(&conn.state), &settings, move || limited.pump());
        drop(tokio::task::spawn_local(async move {
            if let Err(error) = driver.run().await {
                tracing::debug!(endpoint = %shared.endpoint, %error, "HTTP/2 connection failed");
            }
            shared.book.borrow_mut().on_ended(id);
            shared.pump();
        }));
    }

    /// Takes a connection out of choice; its streams run on.
    pub(super) fn give_up(self: &Rc<Self>, id: u64) {
        self.book.borrow_mut().remove(id, None);
    }

    /// A stream was refused.
    pub(super) fn on_refused(&self, conn: &Conn) {
        conn.state.on_refused(clock::now());
        self.book.borrow_mut().ledger.totals.streams_refused += 1;
    }

    /// A connection that had been idle for `age` turned out to be dead.
    pub(super) fn on_stale_reset(&self, age: Duration, now: Instant) {
        self.book.borrow_mut().ledger.on_stale_reset(age, now);
    }

    pub(super) fn reconfigure(self: &Rc<Self>, settings: StreamSettings) {
        self.book.borrow_mut().reconfigure(settings);
        self.pump();
    }

    pub(super) fn sweep(&self, now: Instant) {
        let old = self.book.borrow_mut().sweep(now);
        drop(old);
    }

    pub(super) fn retire(&self) {
        let conns = self.book.borrow_mut().retire();
        drop(conns);
    }

    pub(super) fn snapshot(&self, now: Instant) -> PoolSnapshot {
        self.book.borrow().snapshot(now)
    }
}
