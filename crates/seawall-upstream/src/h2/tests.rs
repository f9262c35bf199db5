//! Streams shared and waited for, and what is known of those that fail.

mod frames;

use std::{
    future::poll_fn,
    rc::Rc,
    task::{Context, Poll},
    time::Duration,
};

use ::h2::{Reason, RecvStream, server};
use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body::Frame;
use http_body_util::{BodyExt as _, Full};
use seawall_core::outcome::Sent;
use tokio::{net::TcpStream, task::JoinHandle};

use self::frames::{Polled, RawPeer};
use super::*;
use crate::{
    CheckoutError, DialError, Exhausted, PoolSnapshot, Reuse, SendError, clock,
    testing::{BlackHole, DeadEnd, Server, get, late, on_worker, pass, until},
};

const S: Duration = Duration::from_secs(1);

type Incoming = (Request<RecvStream>, server::SendResponse<Bytes>);

fn pool(server: &Server) -> Rc<StreamPool> {
    pool_with(server, StreamSettings::default())
}

fn pool_with(server: &Server, settings: StreamSettings) -> Rc<StreamPool> {
    Rc::new(StreamPool::new(server.endpoint(), settings))
}

fn snapshot(pool: &StreamPool) -> PoolSnapshot {
    pool.snapshot(clock::now())
}

async fn checkout(pool: &StreamPool) -> StreamLease {
    pool.checkout(Reuse::Any, late()).await.unwrap()
}

fn post(body: &'static [u8]) -> Request<Full<Bytes>> {
    let body = Full::new(Bytes::from_static(body));
    Request::post("/order").header("host", "upstream.test").body(body).unwrap()
}

/// A peer that speaks HTTP/2 and hands its streams to the test.
struct Peer {
    streams: tokio::sync::mpsc::Receiver<Incoming>,
    driver: JoinHandle<()>,
}

impl Peer {
    async fn accept(server: &Server, streams_max: Option<u32>) -> Self {
        Self::speak(server.accept().await.stream, streams_max).await
    }

    async fn speak(stream: TcpStream, streams_max: Option<u32>) -> Self {
        let mut builder = server::Builder::new();
        if let Some(max) = streams_max {
            builder.max_concurrent_streams(max);
        }
        Self::handshake(stream, &builder).await
    }

    #[expect(clippy::disallowed_methods, reason = "ends with the test's set of local tasks")]
    async fn handshake(stream: TcpStream, builder: &server::Builder) -> Self {
        let mut connection = builder.handshake::<_, Bytes>(stream).await.unwrap();
        let (sender, streams) = tokio::sync::mpsc::channel(1_000);
        let driver = tokio::task::spawn_local(async move {
            while let Some(Ok(stream)) = connection.accept().await {
                sender.send(stream).await.ok();
            }
        });
        Self { streams, driver }
    }

    async fn next(&mut self) -> Incoming {
        self.streams.recv().await.unwrap()
    }

    async fn answer(&mut self, status: u16) {
        answer(self.next().await, status);
    }

    async fn closed(self) {
        self.driver.await.unwrap();
    }
}

fn answer((_request, mut reply): Incoming, status: u16) {
    let head = Response::builder().status(status).body(()).unwrap();
    reply.send_response(head, true).unwrap();
}

/// A lease with the far side of its connection, which must be new.
async fn connect(pool: &StreamPool, server: &Server, max: Option<u32>) -> (StreamLease, Peer) {
    tokio::join!(checkout(pool), Peer::accept(server, max))
}

async fn exchange(lease: &mut StreamLease, peer: &mut Peer) -> Response<StreamBody> {
    let (response, ()) = tokio::join!(lease.send(get()), peer.answer(200));
    response.unwrap()
}

#[tokio::test]
async fn attempts_share_one_connection() {
    on_worker(async {
        let server = Server::bind().await;
        let pool = pool(&server);
        let (mut first, mut peer) = connect(&pool, &server, None).await;
        let mut second = checkout(&pool).await;
        assert_eq!(first.id(), second.id());
        assert!(!first.is_reused() && !second.is_reused());
        assert_eq!((snapshot(&pool).leased, snapshot(&pool).streams), (1, 2));
        // Answered in the other order: nobody waits for anybody.
        let script = async {
            let (one, two) = (peer.next().await, peer.next().await);
            answer(two, 202);
            answer(one, 201);
        };
        let (one, two, ()) = tokio::join!(first.send(get()), second.send(post(b"x")), script);
        let statuses = [one, two].map(|response| response.unwrap().status().as_u16());
        assert_eq!(statuses, [201, 202]);
        drop((first, second));
        assert_eq!((snapshot(&pool).idle, snapshot(&pool).streams), (1, 0));
        assert_eq!(snapshot(&pool).opened_total, 1);
        assert!(checkout(&pool).await.is_reused());
    })
    .await;
}

#[tokio::test]
async fn request_and_response_are_translated() {
    on_worker(async {
        let server = Server::bind().await;
        let pool = pool(&server);
        let (mut lease, mut peer) = connect(&pool, &server, None).await;
        let script = async {
            let (request, mut reply) = peer.next().await;
            assert_eq!(request.uri(), "http://upstream.test/order");
            assert_eq!(request.headers()["content-length"], "5");
            assert!(!request.headers().contains_key("host"));
            let body = collect(request.into_body()).await;
            assert_eq!(body, b"a cup");
            let head = Response::builder().header("content-length", "4").body(()).unwrap();
            let mut stream = reply.send_response(head, false).unwrap();
            stream.send_data(Bytes::from_static(b"done"), true).unwrap();
        };
        let (response, ()) = tokio::join!(lease.send(post(b"a cup")), script);
        let response = response.unwrap();
        let body = response.into_body();
        assert_eq!(http_body::Body::size_hint(&body).exact(), Some(4));
        assert_eq!(body.collect().await.unwrap().to_bytes(), "done");
    })
    .await;
}

async fn collect(mut stream: RecvStream) -> Vec<u8> {
    let mut whole = Vec::new();
    while let Some(bytes) = stream.data().await {
        let bytes = bytes.unwrap();
        stream.flow_control().release_capacity(bytes.len()).unwrap();
        whole.extend_from_slice(&bytes);
    }
    whole
}

#[tokio::test]
async fn t155_streams_beyond_the_limit_of_the_peer_wait_or_get_another_connection() {
    on_worker(async {
        let server = Server::bind().await;
        let settings = StreamSettings { connections: 2, ..StreamSettings::default() };
        let pool = pool_with(&server, settings);
        let (first, _peer) = connect(&pool, &server, Some(1)).await;
        let (second, _other) = connect(&pool, &server, Some(1)).await;
        assert_ne!(first.id(), second.id());
        let waiting = pool.checkout(Reuse::Any, late());
        tokio::pin!(waiting);
        assert!(poll_once(waiting.as_mut()).await.is_none());
        assert_eq!(snapshot(&pool).waiting, 1);
        let freed = second.id();
        drop(second);
        let third = waiting.await.unwrap();
        assert_eq!(third.id(), freed);
        assert_eq!((snapshot(&pool).leased, snapshot(&pool).waiting), (2, 0));
    })
    .await;
}

/// Polls a future once.
async fn poll_once<F: Future>(mut future: std::pin::Pin<&mut F>) -> Option<F::Output> {
    poll_fn(|cx| match future.as_mut().poll(cx) {
        Poll::Ready(value) => Poll::Ready(Some(value)),
        Poll::Pending => Poll::Ready(None),
    })
    .await
}

#[tokio::test]
async fn the_least_loaded_connection_comes_first_and_company_before_all_are_full() {
    on_worker(async {
        let server = Server::bind().await;
        let settings = StreamSettings { streams: 5, ..StreamSettings::default() };
        let pool = pool_with(&server, settings);
        let (first, _peer) = connect(&pool, &server, None).await;
        let mut held = vec![first];
        for _ in 0..2 {
            held.push(checkout(&pool).await);
        }
        assert_eq!(snapshot(&pool).dialling, 0);
        held.push(checkout(&pool).await);
        assert_eq!(snapshot(&pool).dialling, 1, "four of five are four fifths");
        let _other = Peer::accept(&server, None).await;
        until(|| snapshot(&pool).idle == 1).await;
        let ids: Vec<_> =
            [checkout(&pool).await, checkout(&pool).await].iter().map(StreamLease::id).collect();
        assert!(ids.iter().all(|id| *id != held[0].id()), "{ids:?}");
    })
    .await;
}

#[tokio::test]
async fn queue_and_deadline_bound_the_wait() {
    on_worker(async {
        let server = Server::bind().await;
        let settings =
            StreamSettings { connections: 1, streams: 1, waiters: 1, ..StreamSettings::default() };
        let pool = pool_with(&server, settings);
        let (_lease, _peer) = connect(&pool, &server, None).await;
        let waiting = pool.checkout(Reuse::Any, late());
        tokio::pin!(waiting);
        assert!(poll_once(waiting.as_mut()).await.is_none());
        let error = pool.checkout(Reuse::Any, late()).await.unwrap_err();
        assert!(matches!(error, CheckoutError::PoolExhausted(Exhausted::QueueFull)), "{error:?}");
        assert_eq!(snapshot(&pool).refused_total, 1);
        tokio::time::pause();
        tokio::time::advance(120 * S).await;
        let error = waiting.await.unwrap_err();
        let late = CheckoutError::PoolExhausted(Exhausted::DeadlinePassed);
        assert_eq!(error.to_string(), late.to_string());
        assert_eq!(snapshot(&pool).waiting, 0);
    })
    .await;
}

#[tokio::test]
async fn failed_dial_fails_all_who_waited_for_it() {
    on_worker(async {
        let nobody = DeadEnd::bind();
        let pool = StreamPool::new(nobody.endpoint(), StreamSettings::default());
        let (one, two) =
            tokio::join!(pool.checkout(Reuse::Any, late()), pool.checkout(Reuse::Fresh, late()));
        for error in [one.unwrap_err(), two.unwrap_err()] {
            assert!(matches!(error, CheckoutError::Dial(DialError::Refused)), "{error:?}");
        }
        let seen = snapshot(&pool);
        assert_eq!((seen.dial_failures_total, seen.dialling, seen.waiting), (1, 0, 0));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn dial_is_bounded_by_the_connect_timeout_and_the_deadline() {
    on_worker(async {
        let hole = BlackHole::open();
        let pool = StreamPool::new(hole.endpoint(), StreamSettings::default());
        let error = pool.checkout(Reuse::Any, clock::now() + S / 2).await.unwrap_err();
        assert!(matches!(error, CheckoutError::Dial(DialError::DeadlinePassed)), "{error:?}");
        let error = pool.checkout(Reuse::Any, late()).await.unwrap_err();
        assert!(matches!(error, CheckoutError::Dial(DialError::TimedOut)), "{error:?}");
    })
    .await;
}

#[tokio::test]
async fn endpoint_that_speaks_http_1_only_is_told_apart() {
    on_worker(async {
        let server = Server::bind().await;
        let pool = pool(&server);
        for words in [&b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n"[..], b""] {
            let script = async {
                let mut peer = server.accept().await;
                peer.say(words).await;
            };
            let (error, ()) = tokio::join!(pool.checkout(Reuse::Any, late()), script);
            let error = error.unwrap_err();
            assert!(matches!(error, CheckoutError::Dial(DialError::NotHttp2(_))), "{error:?}");
        }
        assert_eq!(snapshot(&pool).opened_total, 0);
    })
    .await;
}

#[tokio::test]
async fn refused_stream_is_proof_and_lowers_the_believed_limit() {
    on_worker(async {
        let server = Server::bind().await;
        let settings = StreamSettings { connections: 1, ..StreamSettings::default() };
        let pool = pool_with(&server, settings);
        let (mut first, mut peer) = connect(&pool, &server, None).await;
        let mut second = checkout(&pool).await;
        let script = async {
            let (_one, two) = (peer.next().await, peer.next().await);
            let (_request, mut reply) = two;
            reply.send_reset(Reason::REFUSED_STREAM);
            std::future::pending::<()>().await;
        };
        let refused = tokio::select! {
            biased;
            _ = first.send(get()) => unreachable!("never answered"),
            refused = second.send(post(b"x")) => refused,
            () = script => unreachable!("it waits"),
        };
        let error = refused.unwrap_err();
        assert!(matches!(error, SendError::StreamRefused), "{error:?}");
        assert_eq!(snapshot(&pool).streams_refused_total, 1);
        drop(second);
        // One stream was served beside the refused one, and one is in use: no room, for a while.
        let waiting = pool.checkout(Reuse::Any, late());
        tokio::pin!(waiting);
        assert!(poll_once(waiting.as_mut()).await.is_none());
        pass(11 * S).await;
        assert!(pool.checkout(Reuse::Any, late()).await.is_ok());
        assert!(waiting.await.is_ok(), "nobody else's coming or going is needed");
    })
    .await;
}

#[tokio::test]
async fn reset_for_another_reason_proves_nothing() {
    on_worker(async {
        let server = Server::bind().await;
        let pool = pool(&server);
        let (mut lease, mut peer) = connect(&pool, &server, None).await;
        let script = async { peer.next().await.1.send_reset(Reason::INTERNAL_ERROR) };
        let (error, ()) = tokio::join!(lease.send(get()), script);
        let error = error.unwrap_err();
        assert!(matches!(error, SendError::StreamReset { code: 2 }), "{error:?}");
        assert_eq!(lease.sent(), Sent::Maybe);
        drop(lease);
        // The connection is as good as before.
        let mut again = checkout(&pool).await;
        assert_eq!(exchange(&mut again, &mut peer).await.status(), StatusCode::OK);
        assert_eq!(snapshot(&pool).opened_total, 1);
    })
    .await;
}

#[tokio::test]
async fn goaway_excludes_what_it_names_and_lets_the_rest_end() {
    on_worker(async {
        let server = Server::bind().await;
        let pool = pool(&server);
        let (first, peer) = tokio::join!(checkout(&pool), RawPeer::accept(&server));
        let (mut first, mut peer) = (first, peer);
        let mut second = checkout(&pool).await;
        let script = async {
            peer.wait_for_heads(2).await;
            peer.go_away(1).await;
            peer.answer(1).await;
            peer
        };
        let (one, two, peer) = tokio::join!(first.send(get()), second.send(post(b"x")), script);
        assert_eq!(one.unwrap().status(), StatusCode::NO_CONTENT);
        let error = two.unwrap_err();
        assert!(matches!(error, SendError::GoneAway), "{error:?}");
        drop((first, second));
        let (lease, _peer) = connect(&pool, &server, None).await;
        assert!(!lease.is_reused());
        assert_eq!((snapshot(&pool).goaways_total, snapshot(&pool).opened_total), (1, 2));
        drop(peer);
    })
    .await;
}

#[tokio::test]
async fn connection_that_goes_away_gets_no_new_stream_while_it_ends_the_old_one() {
    on_worker(async {
        let server = Server::bind().await;
        let pool = pool(&server);
        let (mut first, mut peer) = tokio::join!(checkout(&pool), RawPeer::accept(&server));
        let script = async {
            peer.wait_for_heads(1).await;
            peer.go_away(1).await;
            peer.understood().await;
            let (next, other) = connect(&pool, &server, None).await;
            peer.answer(1).await;
            (next, other)
        };
        let (one, (next, _other)) = tokio::join!(first.send(get()), script);
        assert_eq!(one.unwrap().status(), StatusCode::NO_CONTENT);
        assert_ne!(next.id(), first.id());
    })
    .await;
}

#[tokio::test]
async fn connection_that_breaks_fails_its_streams_as_perhaps_sent() {
    on_worker(async {
        let server = Server::bind().await;
        let pool = pool(&server);
        let (mut lease, mut peer) = tokio::join!(checkout(&pool), RawPeer::accept(&server));
        let script = async {
            peer.wait_for_heads(1).await;
            drop(peer);
        };
        let (error, ()) = tokio::join!(lease.send(get()), script);
        let error = error.unwrap_err();
        assert!(matches!(error, SendError::Closed { reused: false }), "{error:?}");
        assert_eq!(lease.sent(), Sent::Maybe);
        drop(lease);
        until(|| snapshot(&pool).idle + snapshot(&pool).leased == 0).await;
    })
    .await;
}

#[tokio::test]
async fn idle_connection_that_broke_unnoticed_is_the_keep_alive_race() {
    on_worker(async {
        let server = Server::bind().await;
        let pool = pool(&server);
        let (mut lease, peer) = tokio::join!(checkout(&pool), RawPeer::accept(&server));
        let mut peer = peer;
        let script = async {
            peer.wait_for_heads(1).await;
            peer.answer(1).await;
        };
        let (response, ()) = tokio::join!(lease.send(get()), script);
        drop((response.unwrap(), lease));
        let mut lease = checkout(&pool).await;
        peer.reset();
        let error = lease.send(get()).await.unwrap_err();
        assert!(matches!(error, SendError::Closed { reused: true }), "{error:?}");
        pass(3 * S).await;
        lease.report_stale();
        assert_eq!(snapshot(&pool).stale_resets_total, 1);
    })
    .await;
}

#[tokio::test]
async fn abandoned_attempt_resets_its_stream_and_nothing_else() {
    on_worker(async {
        let server = Server::bind().await;
        let pool = pool(&server);
        let (mut first, mut peer) = connect(&pool, &server, None).await;
        let mut second = checkout(&pool).await;
        let reply = {
            let sending = first.send(get());
            tokio::pin!(sending);
            assert!(poll_once(sending.as_mut()).await.is_none());
            peer.next().await.1
        };
        assert_eq!(first.close(), Sent::Maybe);
        let mut reply = reply;
        let reason = poll_fn(|cx| reply.poll_reset(cx)).await.unwrap();
        assert_eq!(reason, Reason::CANCEL);
        assert_eq!(exchange(&mut second, &mut peer).await.status(), StatusCode::OK);
    })
    .await;
}

#[tokio::test]
async fn lease_that_was_never_used_has_sent_nothing() {
    on_worker(async {
        let server = Server::bind().await;
        let pool = pool(&server);
        let (lease, _peer) = connect(&pool, &server, None).await;
        assert_eq!(lease.sent(), Sent::No);
        assert_eq!(lease.close(), Sent::No);
    })
    .await;
}

#[tokio::test]
async fn peer_that_answers_no_ping_fails_the_attempt() {
    on_worker(async {
        let server = Server::bind().await;
        let pool = pool(&server);
        let (mut lease, peer) = tokio::join!(checkout(&pool), RawPeer::accept(&server));
        tokio::time::pause();
        let start = clock::now();
        let error = lease.send(get()).await.unwrap_err();
        assert!(matches!(error, SendError::Unacknowledged), "{error:?}");
        let waited = clock::now() - start;
        assert!(waited >= 7 * S && waited < 8 * S, "{waited:?}");
        drop(peer);
    })
    .await;
}

#[tokio::test]
async fn three_silent_attempts_retire_a_connection() {
    on_worker(async {
        let server = Server::bind().await;
        let pool = pool(&server);
        let (lease, _peer) = tokio::join!(checkout(&pool), RawPeer::accept(&server));
        let id = lease.id();
        // What the peer still had to say of the settings must have come.
        until(|| lease.received() >= 18).await;
        drop(lease);
        for _ in 0..3 {
            assert_eq!(give_up_after(S / 2, &pool).await, id);
        }
        let (lease, _other) = connect(&pool, &server, None).await;
        assert_ne!(lease.id(), id);
    })
    .await;
}

#[tokio::test]
async fn trailers_pass_both_ways() {
    on_worker(async {
        let server = Server::bind().await;
        let pool = pool(&server);
        let (mut lease, mut peer) = connect(&pool, &server, None).await;
        let sum = || HeaderMap::from_iter([("x-sum".parse().unwrap(), "1".parse().unwrap())]);
        let frames = [Ok(Frame::data(Bytes::from_static(b"ab"))), Ok(Frame::trailers(sum()))];
        let mut frames = frames.into_iter();
        let body = Polled(move |_: &mut Context<'_>| Poll::Ready(frames.next()));
        let request = Request::post("/").header("host", "a.test").body(body).unwrap();
        let script = async {
            let (request, mut reply) = peer.next().await;
            let mut body = request.into_body();
            assert_eq!(body.data().await.unwrap().unwrap(), "ab");
            assert!(body.data().await.is_none());
            assert_eq!(body.trailers().await.unwrap(), Some(sum()));
            let mut stream = reply.send_response(Response::new(()), false).unwrap();
            stream.send_data(Bytes::from_static(b"cd"), false).unwrap();
            stream.send_trailers(sum()).unwrap();
        };
        let (response, ()) = tokio::join!(lease.send(request), script);
        let whole = response.unwrap().into_body().collect().await.unwrap();
        assert_eq!(whole.trailers(), Some(&sum()));
        assert_eq!(whole.to_bytes(), "cd");
    })
    .await;
}

#[tokio::test]
async fn reader_that_stops_stops_its_own_stream_only() {
    on_worker(async {
        let server = Server::bind().await;
        let pool = pool(&server);
        let (mut slow, mut peer) = connect(&pool, &server, None).await;
        let flood = Bytes::from(vec![7; 1 << 20]);
        let script = async {
            let (_request, mut reply) = peer.next().await;
            let mut stream = reply.send_response(Response::new(()), false).unwrap();
            stream.send_data(flood.clone(), true).unwrap();
        };
        let (response, ()) = tokio::join!(slow.send(get()), script);
        let unread = response.unwrap();
        for _ in 0..3 {
            let mut lease = checkout(&pool).await;
            let response = exchange(&mut lease, &mut peer).await;
            assert_eq!(response.status(), StatusCode::OK);
        }
        let body = unread.into_body().collect().await.unwrap().to_bytes();
        assert_eq!(body.len(), flood.len());
    })
    .await;
}

#[tokio::test]
async fn upload_goes_on_beside_its_response() {
    on_worker(async {
        let server = Server::bind().await;
        let pool = pool(&server);
        let (mut lease, mut peer) = connect(&pool, &server, None).await;
        let (sender, mut receiver) = tokio::sync::mpsc::channel::<Bytes>(4);
        let body = Polled(move |cx: &mut Context<'_>| {
            receiver.poll_recv(cx).map(|bytes| bytes.map(|bytes| Ok(Frame::data(bytes))))
        });
        let request = Request::post("/").header("host", "a.test").body(body).unwrap();
        let head = async {
            let (request, mut reply) = peer.next().await;
            let stream = reply.send_response(Response::new(()), false).unwrap();
            (request.into_body(), stream)
        };
        let (response, (mut upload, mut download)) = tokio::join!(lease.send(request), head);
        let mut response = response.unwrap().into_body();
        for word in ["one", "two"] {
            sender.send(Bytes::from(word)).await.unwrap();
            assert_eq!(upload.data().await.unwrap().unwrap(), word);
            download.send_data(Bytes::from(word), false).unwrap();
            let frame = response.frame().await.unwrap().unwrap();
            assert_eq!(frame.into_data().unwrap(), word);
        }
        drop(response);
        drop(lease);
        assert!(upload.data().await.unwrap().is_err(), "reset with the response");
    })
    .await;
}

#[tokio::test]
async fn body_that_fails_resets_its_stream() {
    on_worker(async {
        let server = Server::bind().await;
        let pool = pool(&server);
        let (mut lease, mut peer) = connect(&pool, &server, None).await;
        let mut frames = vec![
            Err(std::io::Error::other("the caller left")),
            Ok(Frame::data(Bytes::from_static(b"ab"))),
        ];
        let body = Polled(move |_: &mut Context<'_>| Poll::Ready(frames.pop()));
        let request = Request::post("/").header("host", "a.test").body(body).unwrap();
        let error = lease.send(request).await.unwrap_err();
        assert!(matches!(error, SendError::RequestStream(_)), "{error:?}");
        let mut upload = peer.next().await.0.into_body();
        while let Some(Ok(_)) = upload.data().await {}
        assert!(upload.data().await.is_none_or(|data| data.is_err()));
    })
    .await;
}

#[tokio::test]
async fn old_idle_connection_is_not_for_what_cannot_be_repeated() {
    on_worker(async {
        let server = Server::bind().await;
        let settings = StreamSettings { connections: 1, ..StreamSettings::default() };
        let pool = pool_with(&server, settings);
        let (mut lease, mut peer) = connect(&pool, &server, None).await;
        drop(exchange(&mut lease, &mut peer).await);
        let id = lease.id();
        drop(lease);
        let young = pool.checkout(Reuse::FreshOrYoung, late()).await.unwrap();
        assert_eq!(young.id(), id);
        drop(young);
        pass(2 * S).await;
        assert_eq!(checkout(&pool).await.id(), id);
        pass(2 * S).await;
        // The old one makes room for it.
        let (fresh, _other) =
            tokio::join!(pool.checkout(Reuse::FreshOrYoung, late()), Peer::accept(&server, None));
        assert_ne!(fresh.unwrap().id(), id);
        peer.closed().await;
    })
    .await;
}

#[tokio::test]
async fn sweep_closes_connections_without_streams_and_says_goodbye() {
    on_worker(async {
        let server = Server::bind().await;
        let pool = pool(&server);
        let (mut lease, mut peer) = connect(&pool, &server, None).await;
        pass(9 * S).await;
        pool.sweep(clock::now());
        assert_eq!(snapshot(&pool).leased, 1, "it is in use");
        drop(exchange(&mut lease, &mut peer).await);
        drop(lease);
        pass(4 * S).await;
        pool.sweep(clock::now());
        assert_eq!(snapshot(&pool).idle, 0);
        peer.closed().await;
    })
    .await;
}

#[tokio::test]
async fn dropped_pool_lets_streams_end() {
    on_worker(async {
        let server = Server::bind().await;
        let pool = pool(&server);
        let (mut lease, mut peer) = connect(&pool, &server, None).await;
        drop(pool);
        assert_eq!(exchange(&mut lease, &mut peer).await.status(), StatusCode::OK);
        drop(lease);
        peer.closed().await;
    })
    .await;
}

#[tokio::test]
async fn lowered_cap_lets_streams_end_on_what_is_over_it() {
    on_worker(async {
        let server = Server::bind().await;
        let settings = StreamSettings { streams: 1, ..StreamSettings::default() };
        let pool = pool_with(&server, settings.clone());
        let (first, _peer) = connect(&pool, &server, None).await;
        let (mut second, mut other) = connect(&pool, &server, None).await;
        pool.reconfigure(StreamSettings { connections: 1, ..settings });
        assert_eq!(snapshot(&pool).leased, 1);
        assert_eq!(exchange(&mut second, &mut other).await.status(), StatusCode::OK);
        drop((first, second));
        // One of the two ends with its stream.
        assert_eq!((snapshot(&pool).idle, snapshot(&pool).leased), (1, 0));
    })
    .await;
}

#[tokio::test]
async fn end_of_an_upload_needs_no_window() {
    on_worker(async {
        let server = Server::bind().await;
        let pool = pool(&server);
        let accept = async {
            let mut builder = server::Builder::new();
            builder.initial_window_size(2);
            Peer::handshake(server.accept().await.stream, &builder).await
        };
        let (mut lease, mut peer) = tokio::join!(checkout(&pool), accept);
        let mut frames = vec![Ok(Frame::data(Bytes::from_static(b"ab")))];
        let body = Polled(move |_: &mut Context<'_>| Poll::Ready(frames.pop()));
        let request = Request::post("/").header("host", "a.test").body(body).unwrap();
        let script = async {
            let (request, reply) = peer.next().await;
            let mut body = request.into_body();
            assert_eq!(body.data().await.unwrap().unwrap(), "ab");
            // What was read is not given back, so that the window stays shut.
            let end = body.data().await;
            assert!(end.is_none_or(|data| data.unwrap().is_empty()) && body.is_end_stream());
            answer((Request::new(body), reply), 200);
        };
        let (response, ()) = tokio::join!(lease.send(request), script);
        assert_eq!(response.unwrap().status(), StatusCode::OK);
    })
    .await;
}

#[tokio::test]
async fn response_without_content_has_ended_with_its_head() {
    on_worker(async {
        let server = Server::bind().await;
        let pool = pool(&server);
        let (lease, mut peer) = connect(&pool, &server, None).await;
        drop(lease);
        let cases = [(Method::HEAD, 200), (Method::GET, 204), (Method::GET, 304)];
        for (method, status) in cases {
            let mut lease = checkout(&pool).await;
            let mut request = get();
            *request.method_mut() = method;
            let head = async {
                let (_request, mut reply) = peer.next().await;
                let head = Response::builder().status(status).header("etag", "\"1\"");
                reply.send_response(head.body(()).unwrap(), false).unwrap()
            };
            let (response, mut stream) = tokio::join!(lease.send(request), head);
            let body = response.unwrap().into_body();
            assert!(http_body::Body::is_end_stream(&body), "{status}");
            assert_eq!(http_body::Body::size_hint(&body).exact(), Some(0));
            assert!(body.collect().await.unwrap().to_bytes().is_empty());
            // Too late to matter.
            stream.send_data(Bytes::new(), true).ok();
        }
        assert_eq!(snapshot(&pool).opened_total, 1);
    })
    .await;
}

#[tokio::test]
async fn end_right_behind_a_head_without_content_is_no_reset() {
    on_worker(async {
        let server = Server::bind().await;
        let pool = pool(&server);
        let (mut lease, mut peer) = tokio::join!(checkout(&pool), RawPeer::accept(&server));
        let script = async {
            peer.wait_for_heads(1).await;
            peer.answer_and_end(1).await;
        };
        let mut request = get();
        *request.method_mut() = Method::HEAD;
        let (response, ()) = tokio::join!(lease.send(request), script);
        drop(response.unwrap());
        drop(lease);
        assert_eq!(peer.resets().await, 0);
    })
    .await;
}

/// Begins an attempt and gives it up; the connection that it was on.
async fn give_up_after(time: Duration, pool: &StreamPool) -> u64 {
    let mut lease = checkout(pool).await;
    let id = lease.id();
    let sending = lease.send(get());
    tokio::pin!(sending);
    assert!(poll_once(sending.as_mut()).await.is_none());
    pass(time).await;
    id
}

#[tokio::test]
async fn attempts_that_were_given_up_soon_say_nothing_of_a_connection() {
    on_worker(async {
        let server = Server::bind().await;
        let pool = pool(&server);
        let (lease, _peer) = tokio::join!(checkout(&pool), RawPeer::accept(&server));
        let id = lease.id();
        until(|| lease.received() >= 18).await;
        drop(lease);
        for _ in 0..5 {
            // As a hedge does that was slower by a little.
            assert_eq!(give_up_after(S / 100, &pool).await, id);
        }
        // Two that waited are not three.
        for _ in 0..2 {
            assert_eq!(give_up_after(S / 2, &pool).await, id);
        }
        assert_eq!(checkout(&pool).await.id(), id);
    })
    .await;
}

#[tokio::test]
async fn end_of_a_believed_limit_wakes_those_who_wait() {
    on_worker(async {
        let server = Server::bind().await;
        let settings = StreamSettings { connections: 1, ..StreamSettings::default() };
        let pool = pool_with(&server, settings);
        let (first, mut peer) = connect(&pool, &server, None).await;
        let mut second = checkout(&pool).await;
        let script = async { peer.next().await.1.send_reset(Reason::REFUSED_STREAM) };
        let (refused, ()) = tokio::join!(second.send(get()), script);
        assert!(matches!(refused.unwrap_err(), SendError::StreamRefused));
        drop(second);
        let waiting = pool.checkout(Reuse::Any, late());
        tokio::pin!(waiting);
        assert!(poll_once(waiting.as_mut()).await.is_none());
        pass(11 * S).await;
        assert_eq!(waiting.await.unwrap().id(), first.id());
    })
    .await;
}

#[tokio::test]
async fn connection_that_served_no_request_is_fresh() {
    on_worker(async {
        let server = Server::bind().await;
        let pool = pool(&server);
        let (lease, mut peer) = connect(&pool, &server, None).await;
        let id = lease.id();
        drop(lease);
        let mut lease = pool.checkout(Reuse::Fresh, late()).await.unwrap();
        assert_eq!((lease.id(), lease.is_reused()), (id, false));
        drop(exchange(&mut lease, &mut peer).await);
        drop(lease);
        assert!(checkout(&pool).await.is_reused());
        let (fresh, _other) =
            tokio::join!(pool.checkout(Reuse::Fresh, late()), Peer::accept(&server, None));
        assert_ne!(fresh.unwrap().id(), id);
    })
    .await;
}
