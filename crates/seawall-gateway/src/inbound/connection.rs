//! The life of one connection: what it speaks, hyper driven under the watchdog, and an end that
//! does not tear the last answer out of the client's hands. Who may connect is in `accept`.

use std::error::Error;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use http_body::Body;
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::{HttpService, service_fn};
use hyper_util::server::graceful::GracefulConnection;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::watch;

use super::call::{Call, Handler, Peer, answer};
use super::gauge::{Gauge, Protocol, Resting, Verdict};
use super::meters::{Closed, InboundMeters};
use super::refusal::refusal;
use super::settings::InboundSettings;
use super::sniff::sniff;
use super::stop::Phase;
use super::streams::{Starter, Streams};
use super::watchdog::Watchdog;
use super::wire::Wire;
use crate::clock;

/// How long a closed connection is still read, so that bytes on their way do not make the kernel
/// answer with a reset, which would discard our last answer at the client.
const PARTING: Duration = Duration::from_secs(1);
/// Bytes discarded in that time.
const PARTING_BYTES: u64 = 1 << 20;

/// What all connections of a listener are told.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Orders {
    /// How far stopping has gone.
    pub(super) phase: Phase,
    /// Times that descriptors ran out: each asks idle connections to end.
    pub(super) squeezes: u64,
}

/// What all connections of a listener on this worker share.
#[derive(Debug)]
pub(super) struct House<H> {
    pub(super) settings: InboundSettings,
    pub(super) handler: Rc<H>,
    pub(super) meters: Arc<InboundMeters>,
}

/// What a protocol came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Turn {
    /// The connection is over.
    Ended(Closed),
    /// It goes on, and nobody has anything to say.
    Rest,
}

/// One connection.
#[derive(Debug)]
pub(super) struct Visit<H> {
    house: Rc<House<H>>,
    peer: Peer,
    orders: watch::Receiver<Orders>,
    gauge: Rc<Gauge>,
    watchdog: Watchdog,
}

impl<H: Handler> Visit<H> {
    pub(super) fn new(
        house: Rc<House<H>>,
        peer: Peer,
        mut orders: watch::Receiver<Orders>,
    ) -> Self {
        let now = clock::now();
        let gauge = Rc::new(Gauge::new(&house.settings, now));
        if orders.borrow_and_update().phase >= Phase::Draining {
            gauge.on_drain(now);
        }
        let watchdog = Watchdog::new(Rc::clone(&gauge), &house.settings, now);
        Self { house, peer, orders, gauge, watchdog }
    }

    /// Serves the connection to its end and says why it ended.
    pub(super) async fn serve(mut self, mut stream: TcpStream) -> Closed {
        let prefix = {
            let gauge = Rc::clone(&self.gauge);
            let mut sniffing = pin!(sniff(&mut stream, &gauge));
            loop {
                tokio::select! {
                    biased;
                    prefix = &mut sniffing => break prefix.ok_or(Closed::Finished),
                    closed = self.interrupted() => if let Some(closed) = closed {
                        break Err(closed);
                    },
                }
            }
        };
        let (closed, stream) = match prefix {
            Err(closed) => (closed, Some(stream)),
            Ok(prefix) => {
                let (wire, slot) = Wire::new(stream, prefix, Rc::clone(&self.gauge));
                let closed = self.speak(wire).await;
                let stream = slot.borrow_mut().take();
                (closed, stream)
            }
        };
        if let Some(stream) = stream {
            self.part(stream, closed).await;
        }
        closed
    }

    async fn speak(&mut self, wire: Wire) -> Closed {
        let (handler, peer) = (Rc::clone(&self.house.handler), self.peer);
        let (gauge, meters) = (Rc::clone(&self.gauge), Arc::clone(&self.house.meters));
        let service = service_fn(move |request| {
            // Boxed: hyper keeps a place for a call's future in each connection, and most
            // connections are idle.
            Box::pin(answer(Rc::clone(&handler), request, peer, Call::begin(&gauge, &meters)))
        });
        if self.gauge.protocol() == Protocol::Http2 {
            let streams = Streams::default();
            let server = http2(&self.house.settings, streams.starter());
            // Boxed, for few connections are of this kind and all would have a place for it.
            match self.drive(&mut *Box::new(server.serve_connection(wire, service))).await {
                Turn::Ended(closed) => closed,
                Turn::Rest => Closed::Finished,
            }
        } else {
            self.speak_and_rest(wire, service).await
        }
    }

    /// Serves HTTP/1 and, whenever the client has nothing to say, keeps no more than its socket.
    async fn speak_and_rest<S, B>(&mut self, mut wire: Wire, mut service: S) -> Closed
    where
        S: HttpService<Incoming, ResBody = B, Future: Unpin>,
        S::Error: Into<Box<dyn Error + Send + Sync>>,
        B: Body<Error: Into<Box<dyn Error + Send + Sync>>> + 'static,
    {
        let server = http1(&self.house.settings);
        loop {
            let mut connection = Box::new(server.serve_connection(wire, service));
            if let Turn::Ended(closed) = self.drive(&mut *connection).await {
                return closed;
            }
            let parts = connection.into_parts();
            (wire, service) = (parts.io, parts.service);
            if !parts.read_buf.is_empty() {
                // The beginning of a next head, which came with the end of the last request.
                self.gauge.on_read(&parts.read_buf, clock::now);
                wire.put_back(parts.read_buf);
                continue;
            }
            drop(parts.read_buf);
            if let Some(closed) = self.rest(&wire).await {
                return closed;
            }
        }
    }

    /// Waits until the client says something, or for a reason to end.
    async fn rest(&mut self, wire: &Wire) -> Option<Closed> {
        self.gauge.on_rest(Resting::Yes);
        let mut heard = pin!(wire.heard());
        let closed = loop {
            tokio::select! {
                biased;
                () = &mut heard => break None,
                closed = self.interrupted() => if closed.is_some() {
                    break closed;
                },
            }
        };
        self.gauge.on_rest(Resting::No);
        closed
    }

    async fn drive<C>(&mut self, connection: &mut C) -> Turn
    where
        C: GracefulConnection<Error = hyper::Error> + Unpin,
    {
        if self.gauge.is_draining() && self.gauge.protocol() == Protocol::Http2 {
            self.depart(Closed::Drained, Pin::new(connection));
        }
        loop {
            let verdict = tokio::select! {
                biased;
                ended = Pin::new(&mut *connection) => return Turn::Ended(self.ended(ended)),
                verdict = &mut self.watchdog => Some(verdict),
                orders = next(&mut self.orders) => self.obey(orders),
            };
            match verdict {
                Some(Verdict::Close(closed)) => return Turn::Ended(closed),
                Some(Verdict::Depart(closed)) => self.depart(closed, Pin::new(connection)),
                Some(Verdict::Rest) => return Turn::Rest,
                None => {}
            }
        }
    }

    /// Completes when something happens while the protocol is unknown: nothing is in flight, so
    /// each verdict ends the connection.
    async fn interrupted(&mut self) -> Option<Closed> {
        let verdict = tokio::select! {
            biased;
            verdict = &mut self.watchdog => Some(verdict),
            orders = next(&mut self.orders) => self.obey(orders),
        };
        match verdict {
            Some(Verdict::Close(closed) | Verdict::Depart(closed)) => Some(closed),
            Some(Verdict::Rest) | None => None,
        }
    }

    fn obey(&self, orders: Orders) -> Option<Verdict> {
        let gauge = &self.gauge;
        match orders.phase {
            Phase::Forced if gauge.is_quiet() => return Some(Verdict::Close(Closed::Drained)),
            Phase::Forced => return Some(Verdict::Close(Closed::Cut)),
            Phase::Draining if !gauge.is_draining() => {
                gauge.on_drain(clock::now());
                // HTTP/2 says GOAWAY at once and loses nothing by it. A running HTTP/1 call is
                // the last of its connection. A quiet HTTP/1 connection lingers: a request may
                // be on its way, and would meet a closed door.
                let now = gauge.protocol() == Protocol::Http2 || gauge.is_calling();
                return now.then_some(Verdict::Depart(Closed::Drained));
            }
            Phase::Running | Phase::Draining => {}
        }
        (orders.squeezes > 0 && gauge.is_idle()).then_some(Verdict::Depart(Closed::Squeezed))
    }

    fn depart<C: GracefulConnection>(&self, reason: Closed, connection: Pin<&mut C>) {
        self.gauge.on_depart(reason, clock::now());
        connection.graceful_shutdown();
    }

    fn ended(&self, ended: Result<(), hyper::Error>) -> Closed {
        match ended {
            Ok(()) => self.gauge.departed().unwrap_or(Closed::Finished),
            Err(error) => of_error(&error),
        }
    }

    /// Says a last word where there is one, closes our side, and lets the client close its own.
    async fn part(&self, mut stream: TcpStream, closed: Closed) {
        use Closed as C;
        if [C::WriteStall, C::ResetFlood, C::PeerLeft, C::Aborted, C::Cut].contains(&closed) {
            // A reset, at once: a regular end would make a cut answer without a length look whole,
            // and the kernel would go on holding what the peer does not read.
            stream.set_zero_linger().ok();
            return;
        }
        if self.gauge.has_eof() {
            return;
        }
        let begun = !self.gauge.is_quiet();
        if let Some(answer) = refusal(closed).filter(|_| begun) {
            // Nothing was unsent, so the kernel has room; if not, the peer reads nothing anyway.
            stream.try_write(answer.as_bytes()).ok();
        }
        let farewell = async {
            stream.shutdown().await?;
            tokio::io::copy(&mut stream.take(PARTING_BYTES), &mut tokio::io::sink()).await
        };
        // However it goes, the socket closes now.
        tokio::time::timeout(PARTING, farewell).await.ok();
    }
}

/// The next change of orders. A listener that is gone without a word forces its connections.
async fn next(orders: &mut watch::Receiver<Orders>) -> Orders {
    match orders.changed().await {
        Ok(()) => *orders.borrow_and_update(),
        Err(_) => Orders { phase: Phase::Forced, squeezes: 0 },
    }
}

fn http1(settings: &InboundSettings) -> http1::Builder {
    let mut server = http1::Builder::new();
    server
        // An end of stream in the middle of a call is our only sign that the client is gone.
        .half_close(false)
        .keep_alive(true)
        // Its clock also runs while idle and ends without an answer; the watchdog has two.
        .header_read_timeout(None)
        .max_header_size(settings.header_bytes)
        // hyper refuses smaller ones than 8 KiB; a head must fit.
        .max_buf_size(settings.send_buffer.max(settings.header_bytes).max(8 << 10));
    server
}

fn http2(settings: &InboundSettings, starter: Starter) -> http2::Builder<Starter> {
    let mut server = http2::Builder::new(starter);
    server
        .max_concurrent_streams(settings.h2_streams)
        .initial_stream_window_size(settings.h2_stream_window)
        .initial_connection_window_size(settings.h2_connection_window)
        .max_send_buf_size(settings.h2_send_buffer)
        .max_header_list_size(settings.h2_header_list)
        .max_pending_accept_reset_streams(settings.h2_pending_resets)
        .max_local_error_reset_streams(settings.h2_error_resets);
    // No PING of ours: idle connections end by the idle time, running calls by their deadlines,
    // and a peer that is gone in the middle of an answer by the write stall.
    server
}

fn of_error(error: &hyper::Error) -> Closed {
    if error.is_parse_too_large() {
        return Closed::HeadTooLarge;
    }
    if error.is_parse() {
        return Closed::Malformed;
    }
    if error.is_user() {
        return Closed::Aborted;
    }
    let h2 = Error::source(error).and_then(|source| source.downcast_ref::<h2::Error>());
    match h2 {
        Some(h2) if h2.is_io() || h2.is_remote() => Closed::PeerLeft,
        Some(h2) if h2.reason() == Some(h2::Reason::ENHANCE_YOUR_CALM) => Closed::Calmed,
        Some(_) => Closed::Malformed,
        None => Closed::PeerLeft,
    }
}
