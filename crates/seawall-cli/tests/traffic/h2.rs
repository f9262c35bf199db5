//! HTTP/2 towards callers: many streams on one connection, none in the way of another, trailers.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::thread::JoinHandle;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request};
use http_body_util::{BodyExt, Collected, Full};
use hyper::body::{Frame, SizeHint};
use hyper::client::conn::http2::{SendRequest, handshake};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::runtime::{Builder, Runtime};
use tokio::task::{JoinSet, spawn_blocking};

use crate::ordinary;
use crate::origin::{Pattern, Stage};
use crate::support::gateway::Gateway;

type Body = http_body_util::combinators::UnsyncBoxBody<Bytes, Infallible>;
/// Status, and body with trailers.
type Answer = (u16, Collected<Bytes>);

/// One connection with the runtime that drives it.
struct Caller {
    runtime: Runtime,
    sender: SendRequest<Body>,
}

impl Caller {
    /// Asks once and collects the answer, while the test plays the service.
    fn ask(mut self, request: Request<Body>) -> JoinHandle<Answer> {
        std::thread::spawn(move || {
            self.runtime.block_on(async {
                let (head, body) = self.sender.send_request(request).await.unwrap().into_parts();
                (head.status.as_u16(), body.collect().await.unwrap())
            })
        })
    }

    fn to(address: SocketAddr) -> Self {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let sender = runtime.block_on(async {
            let stream = tokio::net::TcpStream::connect(address).await.unwrap();
            let io = TokioIo::new(stream);
            let (sender, connection) = handshake(TokioExecutor::new(), io).await.unwrap();
            #[expect(clippy::disallowed_methods, reason = "ends with the runtime")]
            tokio::spawn(connection);
            sender
        });
        Self { runtime, sender }
    }
}

fn get(path: &str) -> Request<Body> {
    request("GET", path, Full::new(Bytes::new()).boxed_unsync())
}

fn request(method: &str, path: &str, body: Body) -> Request<Body> {
    let uri = format!("http://shop.test{path}");
    Request::builder().method(method).uri(uri).body(body).unwrap()
}

#[test]
fn a_stalled_stream_does_not_block_the_others() {
    const LENGTH: u64 = 16 << 20;
    let (origin, gateway) = ordinary();
    let origin = Arc::new(origin);
    let Caller { runtime, mut sender } = Caller::to(gateway.address());
    runtime.block_on(async {
        let stalled = sender.send_request(get(&format!("/bytes/{LENGTH}"))).await.unwrap();
        // The connection goes on meanwhile; only the stream is not read.
        spawn_blocking(move || origin.wait_for_stalled(1)).await.unwrap();
        for _ in 0..3 {
            let asked: Vec<_> = (0..50).map(|_| sender.send_request(get("/hello"))).collect();
            for answer in asked {
                let body = answer.await.unwrap().into_body().collect().await.unwrap();
                assert_eq!(body.to_bytes(), "hello\n");
            }
        }
        let body = stalled.into_body().collect().await.unwrap().to_bytes();
        assert_eq!(body.len() as u64, LENGTH);
        Pattern::new().check(&mut &body[..], LENGTH);
    });
}

#[test]
fn long_bodies_pass_over_http_2_in_constant_memory() {
    const LENGTH: u64 = 256 << 20;
    let (origin, gateway) = ordinary();
    let Caller { runtime, mut sender } = Caller::to(gateway.address());
    runtime.block_on(async {
        let upload = Patterned { pattern: Pattern::new(), left: LENGTH };
        let asked = request("PUT", "/sum", upload.boxed_unsync());
        let answer = sender.send_request(asked).await.unwrap().into_body();
        assert_eq!(answer.collect().await.unwrap().to_bytes(), LENGTH.to_string());
        let asked = get(&format!("/bytes/{LENGTH}"));
        let mut download = sender.send_request(asked).await.unwrap().into_body();
        let (mut pattern, mut length) = (Pattern::new(), 0);
        while let Some(frame) = download.frame().await {
            let bytes = frame.unwrap().into_data().unwrap();
            pattern.check(&mut &bytes[..], bytes.len() as u64);
            length += bytes.len() as u64;
        }
        assert_eq!((length, origin.sent()), (LENGTH, LENGTH));
    });
    crate::bulk::assert_memory_is_bounded(&gateway);
}

/// A body of the pattern, made as it is sent.
struct Patterned {
    pattern: Pattern,
    left: u64,
}

impl hyper::body::Body for Patterned {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let now = self.left.min(16 << 10);
        self.left -= now;
        let bytes = Bytes::copy_from_slice(self.pattern.next(usize::try_from(now).unwrap()));
        Poll::Ready((now > 0).then(|| Ok(Frame::data(bytes))))
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}

#[test]
fn streams_that_nobody_reads_hold_no_memory() {
    const STREAMS: u64 = 90;
    let (origin, gateway) = ordinary();
    let origin = Arc::new(origin);
    let Caller { runtime, mut sender } = Caller::to(gateway.address());
    runtime.block_on(async {
        let asked: Vec<_> =
            (0..STREAMS).map(|_| sender.send_request(get("/bytes/67108864"))).collect();
        let mut unread = Vec::new();
        for answer in asked {
            unread.push(answer.await.unwrap());
        }
        spawn_blocking(move || origin.wait_for_stalled(STREAMS)).await.unwrap();
        crate::bulk::assert_memory_is_bounded(&gateway);
    });
}

#[test]
fn bodies_of_many_streams_do_not_mix() {
    let (_origin, gateway) = ordinary();
    let Caller { runtime, mut sender } = Caller::to(gateway.address());
    runtime.block_on(async {
        let mut exchanges = JoinSet::new();
        for n in 0..64 {
            let body = Bytes::from(format!("{n};").repeat(100_000));
            let asked = request("POST", "/echo", Full::new(body.clone()).boxed_unsync());
            let answer = sender.send_request(asked);
            // All at once: read one after the other, they would fill the connection's window.
            exchanges.spawn(async move {
                let answer = answer.await.unwrap().into_body().collect().await.unwrap();
                assert!(answer.to_bytes() == body, "stream {n} brought other bytes");
            });
        }
        let done = exchanges.join_all().await;
        assert_eq!(done.len(), 64);
    });
}

#[test]
fn trailers_of_an_answer_reach_a_stream_that_asked_for_them() {
    for (te, expected) in [(Some("trailers"), Some("0")), (None, None)] {
        let stage = Stage::open();
        let gateway = Gateway::to(&[stage.address()]);
        let mut asked = get("/grpc");
        if let Some(te) = te {
            asked.headers_mut().insert("te", HeaderValue::from_static(te));
        }
        let answer = Caller::to(gateway.address()).ask(asked);
        let mut service = stage.accept();
        service.request_head().unwrap();
        service.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n");
        service.send("Grpc-Status: 0\r\nCache-Control: no-store\r\n\r\n");
        let (status, collected) = answer.join().unwrap();
        assert_eq!(status, 200);
        let trailers = collected.trailers().cloned().unwrap_or_default();
        assert_eq!(trailers.get("grpc-status").map(|v| v.to_str().unwrap()), expected);
        assert!(!trailers.contains_key("cache-control"), "{trailers:?}");
        assert_eq!(collected.to_bytes(), "abc");
    }
}

#[test]
fn trailers_of_a_stream_reach_the_service() {
    let stage = Stage::open();
    let gateway = Gateway::to(&[stage.address()]);
    let mut trailers = HeaderMap::new();
    trailers.insert("x-sum", HeaderValue::from_static("294"));
    let body = Full::new(Bytes::from_static(b"abc"));
    let body = body.with_trailers(async move { Some(Ok(trailers)) }).boxed_unsync();
    let mut asked = request("POST", "/sum", body);
    asked.headers_mut().insert("trailer", HeaderValue::from_static("x-sum"));
    asked.headers_mut().insert("content-length", HeaderValue::from_static("3"));
    let answer = Caller::to(gateway.address()).ask(asked);
    let mut service = stage.accept();
    let (_, fields) = service.request_head().unwrap();
    assert!(fields.contains(&("trailer".to_owned(), "x-sum".to_owned())), "{fields:?}");
    assert!(fields.iter().all(|(name, _)| name != "content-length"), "one framing: {fields:?}");
    assert_eq!(service.chunk().unwrap(), b"abc");
    assert_eq!(service.chunk(), None);
    assert_eq!(service.fields(), [("x-sum".to_owned(), "294".to_owned())]);
    service.send("HTTP/1.1 204 No Content\r\n\r\n");
    assert_eq!(answer.join().unwrap().0, 204);
}
