//! A plain, sensible HTTP client: keep-alive, one timeout for the whole call, no retries, round
//! robin. It plays the customer, the direct side, and the calls between services, so that both
//! sides of the demo differ in their target alone. The gateway has its own pool.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time;

use super::IDEMPOTENCY_KEY;

/// A service's patience with another service.
pub(super) const BETWEEN_SERVICES: Duration = Duration::from_secs(2);
/// A customer's patience with the shop.
pub(super) const CUSTOMER: Duration = Duration::from_secs(5);
/// Idle connections kept for each address; more than the demo ever has in flight to one.
const IDLE_MAX: usize = 64;
/// The longest answer read, in bytes; the shop's answers are below 1 KiB, `/metrics` some 100 KiB.
const ANSWER_MAX: usize = 4 << 20;

/// What to ask.
#[derive(Clone, Debug)]
pub(super) struct Ask {
    method: Method,
    path: String,
    key: Option<String>,
    body: Bytes,
}

impl Ask {
    /// A GET of `path`.
    pub(super) fn get(path: impl Into<String>) -> Self {
        Self { method: Method::GET, path: path.into(), key: None, body: Bytes::new() }
    }

    /// A POST to `path`.
    pub(super) fn post(path: impl Into<String>, body: impl Into<Bytes>) -> Self {
        Self { method: Method::POST, path: path.into(), key: None, body: body.into() }
    }

    /// The same with an `Idempotency-Key`.
    pub(super) fn keyed(mut self, key: impl Into<String>) -> Self {
        self.key = Some(key.into());
        self
    }

    fn request(&self, to: SocketAddr) -> Result<Request<Full<Bytes>>, Mishap> {
        let host = HeaderValue::try_from(to.to_string()).map_err(|_| Mishap::Unsendable)?;
        let mut request = Request::builder()
            .method(&self.method)
            .uri(&self.path)
            .header(header::HOST, host)
            .body(Full::new(self.body.clone()))
            .map_err(|_| Mishap::Unsendable)?;
        if let Some(key) = &self.key {
            let value = HeaderValue::try_from(key).map_err(|_| Mishap::Unsendable)?;
            request.headers_mut().insert(IDEMPOTENCY_KEY, value);
        }
        Ok(request)
    }
}

/// A complete answer, whatever its status.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

/// Why there is no complete answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Mishap {
    /// Nobody accepted the connection.
    Refused,
    /// The connection broke before the answer was complete.
    Broken,
    /// The patience ended first.
    TimedOut,
    /// The request cannot be expressed in HTTP: a bug of the demo.
    Unsendable,
}

impl Mishap {
    /// One or two words for reports.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Refused => "connection refused",
            Self::Broken => "connection broken",
            Self::TimedOut => "timed out",
            Self::Unsendable => "not expressible",
        }
    }
}

/// Addresses that serve the same thing, taken in turn.
#[derive(Debug)]
pub(super) struct Targets {
    addresses: Vec<SocketAddr>,
    next: AtomicUsize,
}

impl Targets {
    /// The addresses in the order of their turns.
    pub(super) const fn new(addresses: Vec<SocketAddr>) -> Self {
        Self { addresses, next: AtomicUsize::new(0) }
    }

    /// The next in turn, or none if there are no addresses.
    fn next(&self) -> Option<SocketAddr> {
        let turn = self.next.fetch_add(1, Ordering::Relaxed);
        self.addresses.get(turn.checked_rem(self.addresses.len())?).copied()
    }
}

type Connection = SendRequest<Full<Bytes>>;

/// The client: a patience and the idle connections.
#[derive(Debug)]
pub(super) struct Client {
    patience: Duration,
    idle: Mutex<BTreeMap<SocketAddr, Vec<Connection>>>,
}

impl Client {
    /// A client that gives each call `patience`, from connect to the last byte.
    pub(super) const fn new(patience: Duration) -> Self {
        Self { patience, idle: Mutex::new(BTreeMap::new()) }
    }

    /// Asks the next of `targets`.
    pub(super) async fn ask(&self, targets: &Targets, ask: &Ask) -> Result<Answer, Mishap> {
        self.ask_at(targets.next().ok_or(Mishap::Refused)?, ask).await
    }

    /// Asks one address.
    pub(super) async fn ask_at(&self, to: SocketAddr, ask: &Ask) -> Result<Answer, Mishap> {
        time::timeout(self.patience, self.exchange(to, ask)).await.unwrap_or(Err(Mishap::TimedOut))
    }

    async fn exchange(&self, to: SocketAddr, ask: &Ask) -> Result<Answer, Mishap> {
        let request = ask.request(to)?;
        let mut connection = match self.take_idle(to) {
            Some(connection) => connection,
            None => connect(to).await?,
        };
        let response = connection.send_request(request).await.map_err(|_| Mishap::Broken)?;
        let (head, body) = response.into_parts();
        let body = Limited::new(body, ANSWER_MAX).collect().await.map_err(|_| Mishap::Broken)?;
        self.keep(to, connection);
        Ok(Answer { status: head.status, headers: head.headers, body: body.to_bytes() })
    }

    fn take_idle(&self, to: SocketAddr) -> Option<Connection> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = idle.get_mut(&to)?;
        while let Some(connection) = kept.pop() {
            if connection.is_ready() {
                return Some(connection);
            }
        }
        None
    }

    fn keep(&self, to: SocketAddr, connection: Connection) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = idle.entry(to).or_default();
        if kept.len() < IDLE_MAX && !connection.is_closed() {
            kept.push(connection);
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the task ends when its SendRequest is dropped, with the call or with the client"
)]
async fn connect(to: SocketAddr) -> Result<Connection, Mishap> {
    let stream = TcpStream::connect(to).await.map_err(|_| Mishap::Refused)?;
    // Small requests must not wait for a full segment; a refusal only costs latency.
    stream.set_nodelay(true).ok();
    let shaken = http1::handshake(TokioIo::new(stream)).await.map_err(|_| Mishap::Broken)?;
    let (sender, driver) = shaken;
    tokio::spawn(driver);
    Ok(sender)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_take_turns() {
        let addresses: Vec<SocketAddr> =
            (1..=3).map(|port| SocketAddr::from(([127, 0, 0, 1], port))).collect();
        let targets = Targets::new(addresses);
        let ports: Vec<u16> = (0..6).filter_map(|_| targets.next()).map(|a| a.port()).collect();
        assert_eq!(ports, [1, 2, 3, 1, 2, 3]);
        assert_eq!(Targets::new(Vec::new()).next(), None);
    }
}
