//! The accept loop of one listener on one worker, and its drain. What happens on a connection is
//! in `connection`.

use std::io::{Error, ErrorKind};
use std::net::SocketAddr;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinError, JoinSet};

use super::call::{Handler, Peer};
use super::connection::{House, Orders, Visit};
use super::meters::{Closed, InboundMeters};
use super::settings::InboundSettings;
use super::stop::{Phase, Stop};

/// How long accepting pauses when descriptors have run out. Long enough for idle connections to
/// end, short enough to be no outage; a failing accept at full speed would take the whole worker.
const PAUSE: Duration = Duration::from_millis(75);

/// Connections taken from the kernel's queue when accepting stops. Above the usual 4 096 of
/// `net.core.somaxconn`; the bound holds if clients connect faster than we accept.
const LAST_ACCEPTS: usize = 8192;

/// What became of a listener's connections.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Drained {
    /// Connections that had ended by themselves or were quiet.
    pub(crate) ended: u64,
    /// Connections cut in the middle of a request.
    pub(crate) cut: u64,
}

/// Accepts from `listener` and serves its connections until `stop` says otherwise and all of
/// them have ended. Must run inside a `LocalSet`; dropping the future cuts everything.
///
/// While draining, what waits in the kernel's queue is still accepted before the listener closes.
pub(crate) async fn serve<H: Handler>(
    listener: TcpListener,
    settings: InboundSettings,
    handler: Rc<H>,
    stop: Stop,
    meters: Arc<InboundMeters>,
) -> Drained {
    let house = Rc::new(House { settings, handler, meters });
    let mut floor = Floor::new(house);
    floor.accept(&listener, &stop).await;
    floor.drain(listener);
    floor.run_out(&stop).await;
    floor.drained
}

/// The connections of a listener.
#[derive(Debug)]
struct Floor<H> {
    house: Rc<House<H>>,
    connections: JoinSet<Closed>,
    orders: watch::Sender<Orders>,
    drained: Drained,
}

impl<H: Handler> Floor<H> {
    fn new(house: Rc<House<H>>) -> Self {
        let orders = watch::Sender::new(Orders::default());
        Self { house, connections: JoinSet::new(), orders, drained: Drained::default() }
    }

    /// Accepts until told to stop.
    async fn accept(&mut self, listener: &TcpListener, stop: &Stop) {
        let mut stopping = pin!(stop.reached(Phase::Draining));
        loop {
            let room = self.connections.len() < self.house.settings.connections;
            tokio::select! {
                biased;
                () = &mut stopping => return,
                Some(ended) = self.connections.join_next() => self.on_ended(ended),
                accepted = listener.accept(), if room => match accepted {
                    Ok((stream, remote)) => self.admit(stream, remote),
                    Err(error) => self.on_accept_error(&error).await,
                },
            }
        }
    }

    /// Takes what the kernel has already connected, then closes the listener.
    fn drain(&mut self, listener: TcpListener) {
        self.orders.send_modify(|orders| orders.phase = Phase::Draining);
        if let Err(error) = listener.into_std().and_then(|listener| self.empty(&listener)) {
            tracing::warn!(%error, "connections may have been lost as a listener closed");
        }
    }

    fn empty(&mut self, listener: &std::net::TcpListener) -> Result<(), Error> {
        for _ in 0..LAST_ACCEPTS {
            match listener.accept() {
                Ok((stream, remote)) => {
                    stream.set_nonblocking(true)?;
                    self.admit(TcpStream::from_std(stream)?, remote);
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) if is_of_one_connection(&error) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Waits until all connections have ended, or are cut.
    async fn run_out(&mut self, stop: &Stop) {
        let mut forced = pin!(stop.reached(Phase::Forced));
        let mut is_forced = false;
        loop {
            tokio::select! {
                biased;
                ended = self.connections.join_next() => match ended {
                    Some(ended) => self.on_ended(ended),
                    None => return,
                },
                () = &mut forced, if !is_forced => {
                    is_forced = true;
                    self.orders.send_modify(|orders| orders.phase = Phase::Forced);
                }
            }
        }
    }

    fn admit(&mut self, stream: TcpStream, remote: SocketAddr) {
        let house = Rc::clone(&self.house);
        house.meters.accepted.bump();
        // A peer that has left already has no address; its end comes with the first read.
        let peer = Peer { remote, local: stream.local_addr().unwrap_or(remote) };
        // Small answers must not wait for a full segment; a refusal only costs latency.
        stream.set_nodelay(true).ok();
        let open = Open::new(Arc::clone(&house.meters));
        let visit = Visit::new(house, peer, self.orders.subscribe());
        self.connections.spawn_local(async move {
            let closed = visit.serve(stream).await;
            drop(open);
            closed
        });
        if self.connections.len() == self.house.settings.connections {
            self.house.meters.at_cap.bump();
        }
    }

    fn on_ended(&mut self, ended: Result<Closed, JoinError>) {
        match ended {
            Ok(closed) => {
                self.house.meters.on_closed(closed);
                let count = match closed {
                    Closed::Cut => &mut self.drained.cut,
                    _ => &mut self.drained.ended,
                };
                *count += 1;
            }
            Err(error) => {
                self.house.meters.panics.bump();
                self.drained.cut += 1;
                tracing::error!(%error, "a connection panicked; the others go on");
            }
        }
    }

    async fn on_accept_error(&self, error: &Error) {
        if is_of_one_connection(error) {
            return;
        }
        self.house.meters.accept_pauses.bump();
        tracing::warn!(%error, "accepting pauses; idle connections are closed");
        self.orders.send_modify(|orders| orders.squeezes += 1);
        tokio::time::sleep(PAUSE).await;
    }
}

/// Whether the error is about a connection that is gone, and the next accept may succeed. All
/// others are taken for a lack of descriptors or memory (EMFILE, ENFILE, ENOBUFS, ENOMEM), since
/// an unknown one may come back at once too.
fn is_of_one_connection(error: &Error) -> bool {
    use ErrorKind as K;
    matches!(error.kind(), K::ConnectionAborted | K::ConnectionReset | K::Interrupted)
}

/// Counts a connection as open while it lives, whichever way it ends.
#[derive(Debug)]
struct Open(Arc<InboundMeters>);

impl Open {
    fn new(meters: Arc<InboundMeters>) -> Self {
        meters.open.rise();
        Self(meters)
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.open.fall();
    }
}

#[cfg(test)]
mod tests;
