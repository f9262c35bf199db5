//! One connection to a replica: HTTP/1.1 or HTTP/2 without TLS, as the caller begins it; and when
//! the replica closes it by itself.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};

use http::Version;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use tokio::net::TcpStream;
use tokio::sync::Notify;

use super::answer::answer;
use super::replica::{Life, Replica};
use super::switches::Accept;
use crate::stamp::Stamp;

/// A connection as its requests see it.
#[derive(Debug)]
pub(super) struct Caller {
    /// Which connection of this life of the replica.
    pub(super) serial: u64,
    in_flight: AtomicU32,
    /// When it was last busy.
    rested: AtomicU64,
    is_two: AtomicBool,
    /// Told when the last request in flight has ended.
    rest: Notify,
}

/// A request in flight.
#[derive(Debug)]
pub(super) struct Visit<'a>(&'a Caller);

impl Caller {
    fn new(serial: u64) -> Self {
        Self {
            serial,
            in_flight: AtomicU32::new(0),
            rested: AtomicU64::new(Stamp::now().0),
            is_two: AtomicBool::new(false),
            rest: Notify::new(),
        }
    }

    /// A request begins; it ends when what is returned is dropped.
    pub(super) fn enter(&self, version: Version) -> Visit<'_> {
        self.is_two.store(version == Version::HTTP_2, Ordering::Relaxed);
        self.in_flight.fetch_add(1, Ordering::Relaxed);
        Visit(self)
    }

    fn is_busy(&self) -> bool {
        self.in_flight.load(Ordering::Relaxed) > 0
    }
}

impl Drop for Visit<'_> {
    fn drop(&mut self) {
        self.0.rested.store(Stamp::now().0, Ordering::Relaxed);
        if self.0.in_flight.fetch_sub(1, Ordering::Relaxed) == 1 {
            self.0.rest.notify_one();
        }
    }
}

/// Serves one connection to its end.
pub(super) async fn attend(replica: Arc<Replica>, stream: TcpStream, serial: u64) {
    replica.counts.connections.fetch_add(1, Ordering::Relaxed);
    let caller = Arc::new(Caller::new(serial));
    let service = service_fn(|request| answer(Arc::clone(&replica), Arc::clone(&caller), request));
    let builder = auto::Builder::new(TokioExecutor::new());
    let mut served = std::pin::pin!(builder.serve_connection(TokioIo::new(stream), service));
    let mut close = std::pin::pin!(until_unwanted(&replica, &caller));
    tokio::select! {
        // Errors are those of callers that leave, and of answers that are to be cut.
        _ = served.as_mut() => {}
        () = &mut close => {
            served.as_mut().graceful_shutdown();
            served.await.ok();
        }
    }
    replica.counts.connections.fetch_sub(1, Ordering::Relaxed);
}

/// Waits until the replica wants to close the connection as soon as nothing is in flight.
async fn until_unwanted(replica: &Replica, caller: &Caller) {
    let (mut switches, mut life) = (replica.switches.subscribe(), replica.life.subscribe());
    loop {
        let now = *life.borrow_and_update();
        let (accept, idle_close) = {
            let switches = switches.borrow_and_update();
            (switches.accept, switches.idle_close)
        };
        // HTTP/2 has a farewell of its own; an answer of HTTP/1.1 bears it.
        let is_leaving = now >= Life::Ending
            || (now == Life::Draining && caller.is_two.load(Ordering::Relaxed))
            || accept == Accept::Off;
        if is_leaving {
            return;
        }
        let idle_until = Stamp(caller.rested.load(Ordering::Relaxed)).after(idle_close);
        let is_idle = idle_close > 0 && !caller.is_busy();
        if is_idle && idle_until <= Stamp::now() {
            return;
        }
        tokio::select! {
            changed = switches.changed() => if changed.is_err() { return },
            changed = life.changed() => if changed.is_err() { return },
            () = caller.rest.notified() => {}
            () = replica.timers.until(idle_until), if is_idle => {}
        }
    }
}
