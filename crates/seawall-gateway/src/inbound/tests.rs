//! The inbound side over real loopback sockets, on a clock that stands still while anything can
//! run. Here: the site under test and its raw clients. The claims are in the modules below.

mod clocks;
mod drain;
mod framing;
mod http2;
mod serving;

use std::cell::{Cell, RefCell};
use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Request, Response, StatusCode, header};
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::{JoinSet, LocalSet};

use super::meters::Closed;
use super::*;
use crate::clock;

/// A bound for waits that must not depend on it: more than any clock of the defaults.
const LONG: Duration = Duration::from_secs(600);

/// Runs a test where connections may be tasks of one thread.
async fn local<T>(test: impl Future<Output = T>) -> T {
    LocalSet::new().run_until(test).await
}

/// A request as the service saw it.
#[derive(Clone, Debug, PartialEq)]
struct Seen {
    path: String,
    content_lengths: usize,
    body: Result<usize, ()>,
}

/// A handler that does what its path says, and remembers.
#[derive(Debug, Default)]
pub(super) struct Shop {
    seen: RefCell<Vec<Seen>>,
    made: Rc<Cell<usize>>,
    gate: Notify,
}

impl Shop {
    fn paths(&self) -> Vec<String> {
        self.seen.borrow().iter().map(|seen| seen.path.clone()).collect()
    }
}

/// Bodies of the shop.
#[derive(Debug)]
pub(super) enum Goods {
    Once(Option<Bytes>),
    Endless(Rc<Cell<usize>>),
    Broken,
}

impl Body for Goods {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(match self.get_mut() {
            Self::Once(bytes) => bytes.take().map(|bytes| Ok(Frame::data(bytes))),
            Self::Endless(made) => {
                made.set(made.get() + CHUNK.len());
                Some(Ok(Frame::data(Bytes::from_static(&CHUNK))))
            }
            Self::Broken => panic!("the body breaks"),
        })
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Self::Once(None))
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Once(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, Bytes::len) as u64),
            Self::Endless(_) | Self::Broken => SizeHint::default(),
        }
    }
}

static CHUNK: [u8; 16 << 10] = [b'x'; 16 << 10];

impl Handler for Shop {
    type Body = Goods;

    async fn handle(self: Rc<Self>, request: Request<Incoming>, _: Peer) -> Response<Goods> {
        let path = request.uri().path().to_owned();
        let headers = request.headers();
        let codings: Vec<_> = headers.get_all(header::TRANSFER_ENCODING).iter().cloned().collect();
        let content_lengths = headers.get_all(header::CONTENT_LENGTH).iter().count();
        let body = request.into_body().collect().await;
        let body = body.map(|body| body.to_bytes().len()).map_err(|_| ());
        self.seen.borrow_mut().push(Seen { path: path.clone(), content_lengths, body });
        // What the proxy behind refuses by itself, so that the rows of the table are whole.
        if !codings.is_empty() && codings != [HeaderValue::from_static("chunked")] {
            return refused(StatusCode::NOT_IMPLEMENTED);
        }
        if body.is_err() {
            return refused(StatusCode::BAD_REQUEST);
        }
        match path.as_str() {
            "/panic" => panic!("the handler breaks"),
            "/broken" => Response::new(Goods::Broken),
            "/endless" => Response::new(Goods::Endless(Rc::clone(&self.made))),
            "/wait" => {
                self.gate.notified().await;
                Response::new(Goods::Once(Some(Bytes::from_static(b"waited"))))
            }
            _ => Response::new(Goods::Once(Some(Bytes::from(path)))),
        }
    }
}

fn refused(status: StatusCode) -> Response<Goods> {
    let mut response = Response::new(Goods::Once(None));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    response
}

/// A served listener.
#[derive(Debug)]
struct Site {
    address: SocketAddr,
    shop: Rc<Shop>,
    stop: Stop,
    meters: Arc<InboundMeters>,
    serving: JoinSet<Drained>,
}

impl Site {
    async fn open() -> Self {
        Self::with(InboundSettings::default()).await
    }

    async fn with(settings: InboundSettings) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (shop, stop, meters) = (Rc::new(Shop::default()), Stop::new(), Arc::default());
        let mut serving = JoinSet::new();
        let (handler, order) = (Rc::clone(&shop), stop.clone());
        serving.spawn_local(serve(listener, settings, handler, order, Arc::clone(&meters)));
        Self { address, shop, stop, meters, serving }
    }

    async fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).await.unwrap();
        // Bytes that the kernel holds back would make the clock jump ahead of them.
        stream.set_nodelay(true).unwrap();
        stream
    }

    /// Sends `bytes` and reads all that comes until the site closes.
    async fn raw(&self, bytes: impl AsRef<[u8]>) -> Told {
        let mut stream = self.connect().await;
        stream.write_all(bytes.as_ref()).await.unwrap();
        told(&mut stream).await
    }

    /// How many connections have ended for `reason`, and no other.
    fn closed_only_by(&self, reason: Closed) -> u64 {
        let all: u64 = self.meters.closed().map(|(_, count)| count).sum();
        let count = self.meters.closed_by(reason);
        assert_eq!(all, count, "{:?}", self.meters);
        count
    }

    /// Whether connections came, and all of them have ended.
    fn is_empty(&self) -> bool {
        self.meters.accepted.total() > 0 && self.meters.open.total() == 0
    }

    async fn drained(&mut self) -> Drained {
        self.serving.join_next().await.unwrap().unwrap()
    }
}

/// What a raw client got before the end of the stream, and when the end came.
#[derive(Debug)]
struct Told {
    text: String,
    after: Duration,
}

impl Told {
    /// The statuses of all answers, in order.
    fn statuses(&self) -> Vec<u16> {
        let heads = self.text.split("HTTP/1.").skip(1);
        heads.map(|head| head[2..5].parse().unwrap()).collect()
    }
}

async fn told(stream: &mut TcpStream) -> Told {
    let begun = clock::now();
    let mut bytes = Vec::new();
    tokio::time::timeout(LONG, stream.read_to_end(&mut bytes)).await.unwrap().unwrap();
    let text = String::from_utf8(bytes).unwrap();
    Told { text, after: clock::now() - begun }
}

/// Reads until `end` has come.
async fn until(stream: &mut TcpStream, end: &str) -> String {
    let mut bytes = Vec::new();
    while !bytes.ends_with(end.as_bytes()) {
        let byte = tokio::time::timeout(LONG, stream.read_u8()).await.unwrap().unwrap();
        bytes.push(byte);
    }
    String::from_utf8(bytes).unwrap()
}

/// Lets the site work, and virtual time pass, until `holds`.
async fn eventually(mut holds: impl FnMut() -> bool) -> Duration {
    let begun = clock::now();
    while !holds() {
        assert!(clock::now() - begun < LONG, "it never holds");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    clock::now() - begun
}

fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: shop\r\n\r\n")
}
