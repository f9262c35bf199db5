//! The users' HTTP client: keep-alive connections, no retries, no patience of its own. It is what a
//! sensible client is, and as little as that. Classes of answers are judged in `judge`.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use http::{HeaderValue, Request, Response, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustix::io::Errno;
use tokio::net::TcpStream;

use super::judge::judge;
use super::metered::{Meter, Metered};
use crate::record::Seen;
use crate::stream::Planned;
use crate::wire;

/// Requests on one HTTP/2 connection before another one is opened. Below the smallest limit that a
/// product sets by default (100), so that no request waits in the client for a place.
const STREAMS_MAX: usize = 64;

/// A connection that was closed while it idled takes no request; the next one is tried. More than
/// this many in a row would mean that nothing can be sent at all.
const STALE_MAX: u32 = 64;

/// Which protocol users speak.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Protocol {
    /// HTTP/1.1.
    #[default]
    One,
    /// HTTP/2 without TLS, known beforehand.
    Two,
}

/// Addresses that are asked in turns.
#[derive(Debug)]
pub(super) struct Turns {
    addresses: Vec<SocketAddr>,
    next: AtomicUsize,
}

impl Turns {
    pub(super) const fn new(addresses: Vec<SocketAddr>) -> Self {
        Self { addresses, next: AtomicUsize::new(0) }
    }

    /// The next one; none where there are none.
    pub(super) fn next(&self) -> Option<SocketAddr> {
        let turn = self.next.fetch_add(1, Ordering::Relaxed);
        self.addresses.get(turn.checked_rem(self.addresses.len())?).copied()
    }
}

type Message = Request<Full<Bytes>>;

/// An open connection of HTTP/1.1 that nobody uses.
#[derive(Debug)]
struct Idle {
    sender: http1::SendRequest<Full<Bytes>>,
    meter: Meter,
}

/// An open connection of HTTP/2.
#[derive(Debug)]
struct Shared {
    sender: http2::SendRequest<Full<Bytes>>,
    streams: Arc<()>,
}

/// The client and its connections. As many are kept as were ever needed at a time.
#[derive(Debug)]
pub(super) struct Client {
    protocol: Protocol,
    /// Connections that the host had no descriptor or port for: the generator's fault.
    starved: AtomicU64,
    idle: Mutex<BTreeMap<SocketAddr, Vec<Idle>>>,
    shared: Mutex<BTreeMap<SocketAddr, Vec<Shared>>>,
}

impl Client {
    pub(super) fn new(protocol: Protocol) -> Self {
        let starved = AtomicU64::new(0);
        Self { protocol, starved, idle: Mutex::default(), shared: Mutex::default() }
    }

    /// Connections that could not be opened for want of descriptors or ports of our own.
    pub(super) fn starved(&self) -> u64 {
        self.starved.load(Ordering::Relaxed)
    }

    /// Asks `to` for `planned`, without any patience.
    pub(super) async fn ask(&self, to: SocketAddr, planned: &Planned) -> Seen {
        let Some(message) = message(to, planned) else { return Seen::NoAnswer };
        match self.protocol {
            Protocol::One => self.ask_one(to, planned, message).await,
            Protocol::Two => self.ask_two(to, planned, message).await,
        }
    }

    async fn ask_one(&self, to: SocketAddr, planned: &Planned, mut message: Message) -> Seen {
        for _ in 0..STALE_MAX {
            let Idle { mut sender, meter } = match self.take(to).await {
                Some(idle) => idle,
                None => match self.open(to).await {
                    Some(idle) => idle,
                    None => return Seen::NoAnswer,
                },
            };
            let before = meter.read();
            match sender.try_send_request(message).await {
                Ok(response) => {
                    let seen = finish(planned, response).await;
                    if !sender.is_closed() {
                        self.idle().entry(to).or_default().push(Idle { sender, meter });
                    }
                    return seen;
                }
                // Not a byte of it had left: it is the same request still.
                Err(mut error) => match error.take_message() {
                    Some(unsent) => message = unsent,
                    None if meter.read() > before => return Seen::Cut,
                    None => return Seen::NoAnswer,
                },
            }
        }
        Seen::NoAnswer
    }

    async fn ask_two(&self, to: SocketAddr, planned: &Planned, message: Message) -> Seen {
        let (mut sender, _place) = match self.share(to) {
            Some(shared) => shared,
            None => {
                let Some(shared) = self.open_two(to).await else { return Seen::NoAnswer };
                let pair = (shared.sender.clone(), Arc::clone(&shared.streams));
                self.shared().entry(to).or_default().push(shared);
                pair
            }
        };
        match sender.send_request(message).await {
            Ok(response) => finish(planned, response).await,
            Err(_) => Seen::NoAnswer,
        }
    }

    /// The connection that was used last: the others may grow old and be closed.
    async fn take(&self, to: SocketAddr) -> Option<Idle> {
        loop {
            let mut next = self.idle().get_mut(&to)?.pop()?;
            // At once, but where its last answer has only just ended. An error: it was closed.
            if next.sender.ready().await.is_ok() {
                return Some(next);
            }
        }
    }

    async fn connect(&self, to: SocketAddr) -> Option<TcpStream> {
        let stream = match TcpStream::connect(to).await {
            Ok(stream) => stream,
            Err(error) => {
                let is_ours = matches!(
                    Errno::from_io_error(&error),
                    Some(Errno::MFILE | Errno::NFILE | Errno::ADDRNOTAVAIL | Errno::NOBUFS)
                );
                self.starved.fetch_add(u64::from(is_ours), Ordering::Relaxed);
                return None;
            }
        };
        // Small requests must not wait for a full segment; a refusal only costs latency.
        stream.set_nodelay(true).ok();
        Some(stream)
    }

    #[expect(clippy::disallowed_methods, reason = "the task ends when its sender is dropped")]
    async fn open(&self, to: SocketAddr) -> Option<Idle> {
        let meter = Meter::default();
        let stream = Metered::new(self.connect(to).await?, meter.clone());
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await.ok()?;
        tokio::spawn(connection);
        Some(Idle { sender, meter })
    }

    #[expect(clippy::disallowed_methods, reason = "the task ends when its senders are dropped")]
    async fn open_two(&self, to: SocketAddr) -> Option<Shared> {
        let stream = TokioIo::new(self.connect(to).await?);
        let (sender, connection) = http2::handshake(TokioExecutor::new(), stream).await.ok()?;
        tokio::spawn(connection);
        Some(Shared { sender, streams: Arc::default() })
    }

    /// A connection with a place, and the place.
    fn share(&self, to: SocketAddr) -> Option<(http2::SendRequest<Full<Bytes>>, Arc<()>)> {
        let mut shared = self.shared();
        let open = shared.get_mut(&to)?;
        open.retain(|shared| !shared.sender.is_closed());
        let with_place = |shared: &&Shared| Arc::strong_count(&shared.streams) <= STREAMS_MAX;
        let chosen = open.iter().find(with_place)?;
        Some((chosen.sender.clone(), Arc::clone(&chosen.streams)))
    }

    fn idle(&self) -> MutexGuard<'_, BTreeMap<SocketAddr, Vec<Idle>>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn shared(&self) -> MutexGuard<'_, BTreeMap<SocketAddr, Vec<Shared>>> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Reads an answer to its end.
async fn finish(planned: &Planned, response: Response<Incoming>) -> Seen {
    let (head, body) = response.into_parts();
    match Limited::new(body, wire::BODY_MAX).collect().await {
        Ok(body) => judge(planned, head.status, &head.headers, &body.to_bytes()),
        Err(_) => Seen::Cut,
    }
}

/// The request on the wire.
fn message(to: SocketAddr, planned: &Planned) -> Option<Message> {
    let mut request = Request::builder()
        .method(planned.verb.name())
        .uri(format!("http://{to}{}", wire::path(planned)))
        .header(header::HOST, to.to_string())
        .header(wire::ID, HeaderValue::from(planned.id))
        .header(wire::SERVICE, HeaderValue::from(planned.service))
        .header(wire::LENGTH, HeaderValue::from(planned.answer))
        .header(wire::TENANT, HeaderValue::from(u16::from(planned.tenant)))
        .header(wire::PRIORITY, wire::urgency(planned.priority));
    if planned.keyed {
        request = request.header(wire::KEY, wire::key(planned.id));
    }
    // All parts are numbers and constants, so that this cannot fail but by a mistake of ours,
    // which would show as a run in which nothing is answered.
    request.body(Full::new(wire::body(planned.id, planned.body))).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_take_turns() {
        let address = |port: u16| SocketAddr::from(([127, 0, 0, 1], port));
        let turns = Turns::new(vec![address(1), address(2), address(3)]);
        let ports: Vec<u16> = (0..5).filter_map(|_| turns.next()).map(|a| a.port()).collect();
        assert_eq!(ports, [1, 2, 3, 1, 2]);
        assert_eq!(Turns::new(Vec::new()).next(), None);
    }
}
