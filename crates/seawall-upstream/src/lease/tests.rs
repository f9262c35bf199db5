//! One exchange on one connection, against scripted raw servers.

use std::{
    convert::Infallible,
    pin::{Pin, pin},
    task::{Context, Poll},
};

use bytes::Bytes;
use http_body::Frame;
use http_body_util::{BodyExt, Full};

use super::*;
use crate::{
    Pool, PoolSettings, Reuse,
    testing::{FullPool, OK, Server, connect, exchange, get, late, on_worker, until},
};

async fn pool() -> (FullPool, Server) {
    let server = Server::bind().await;
    (Pool::new(server.endpoint(), PoolSettings::default()), server)
}

fn idle(pool: &FullPool) -> u32 {
    pool.snapshot(clock::now()).idle
}

fn open<B>(pool: &Pool<B>) -> u32 {
    let snapshot = pool.snapshot(clock::now());
    snapshot.idle + snapshot.leased + snapshot.dialling
}

/// Sends a GET on a fresh connection whose peer answers with `bytes` and closes.
async fn send_against(bytes: &[u8]) -> (Result<Response<Incoming>, SendError>, Sent) {
    on_worker(async {
        let (pool, server) = pool().await;
        let (mut lease, mut peer) = connect(&pool, &server).await;
        let script = async {
            peer.answer(bytes).await;
            drop(peer);
        };
        let (result, ()) = tokio::join!(lease.send(get()), script);
        let sent = lease.sent();
        lease.give_back();
        assert_eq!(idle(&pool), 0, "a connection that failed or ended was pooled");
        (result, sent)
    })
    .await
}

#[tokio::test]
async fn whole_answer_counts_bytes_and_is_sent() {
    on_worker(async {
        let (pool, server) = pool().await;
        let (mut lease, mut peer) = connect(&pool, &server).await;
        assert_eq!((lease.sent(), lease.idle_age()), (Sent::No, None));
        exchange(&mut lease, &mut peer, OK).await;
        assert_eq!(lease.sent(), Sent::Yes);
        let head = "GET / HTTP/1.1\r\nhost: upstream.test\r\n\r\n";
        assert_eq!(lease.bytes_written(), u64::try_from(head.len()).unwrap());
        assert_eq!(lease.bytes_received(), u64::try_from(OK.len()).unwrap());
        lease.give_back();
        assert_eq!(idle(&pool), 1);
    })
    .await;
}

#[tokio::test]
async fn interim_answers_are_skipped() {
    let bytes = b"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n";
    on_worker(async {
        let (pool, server) = pool().await;
        let (mut lease, mut peer) = connect(&pool, &server).await;
        let (response, ()) = tokio::join!(lease.send(get()), peer.answer(bytes));
        assert_eq!(response.unwrap().status(), 204);
        lease.give_back();
        assert_eq!(idle(&pool), 1);
    })
    .await;
}

#[tokio::test]
async fn half_a_head_is_head_cut() {
    let (result, sent) = send_against(b"HTTP/1.1 200 OK\r\ncontent-le").await;
    assert!(matches!(result, Err(SendError::HeadCut)), "{result:?}");
    assert_eq!(sent, Sent::Yes);
}

#[tokio::test]
async fn garbage_is_malformed() {
    for garbage in [
        "SSH-2.0-OpenSSH_9.6\r\n",
        "220 mail.test ESMTP\r\n",
        "HTTP/1.1 2x0 OK\r\n\r\n",
        "HTTP/1.1 200 OK\r\nbad name: x\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n",
        "HTTP/1.1 200 OK\r\nfolded: a\r\n b\r\n\r\n",
    ] {
        let (result, sent) = send_against(garbage.as_bytes()).await;
        assert!(matches!(result, Err(SendError::Malformed(_))), "{garbage:?}: {result:?}");
        assert_eq!(sent, Sent::Yes);
    }
}

#[tokio::test]
async fn peer_that_speaks_first_is_malformed_and_proves_nothing_sent() {
    on_worker(async {
        let (pool, server) = pool().await;
        let (mut lease, mut peer) = connect(&pool, &server).await;
        peer.say(b"SSH-2.0-OpenSSH_9.6\r\n").await;
        until(|| lease.bytes_received() > 0).await;
        let error = lease.send(get()).await.unwrap_err();
        assert!(matches!(error, SendError::Malformed(_)), "{error:?}");
        assert_eq!(lease.sent(), Sent::No);
        assert!(lease.take_unsent().is_some());
    })
    .await;
}

fn head_of(bytes: usize) -> Vec<u8> {
    let start = b"HTTP/1.1 204 No Content\r\nx: ".to_vec();
    let padding = bytes - start.len() - 4;
    [start, vec![b'x'; padding], b"\r\n\r\n".to_vec()].concat()
}

#[tokio::test]
async fn head_up_to_64_kib_is_accepted() {
    let (result, _) = send_against(&head_of(64 * 1024 - 1)).await;
    assert_eq!(result.unwrap().status(), 204);
}

#[tokio::test]
async fn head_beyond_64_kib_or_100_fields_is_too_large() {
    let fields = "x: y\r\n".repeat(101);
    let many = format!("HTTP/1.1 204 No Content\r\n{fields}\r\n").into_bytes();
    for head in [head_of(64 * 1024 + 1), many] {
        let (result, sent) = send_against(&head).await;
        assert!(matches!(result, Err(SendError::HeadTooLarge)), "{result:?}");
        assert_eq!(sent, Sent::Yes);
    }
}

#[tokio::test]
async fn end_without_an_answer_is_closed_and_maybe_sent() {
    let (result, sent) = send_against(b"").await;
    assert!(matches!(result, Err(SendError::Closed { reused: false })), "{result:?}");
    assert_eq!(sent, Sent::Maybe);
}

#[tokio::test]
async fn reset_without_an_answer_is_closed_and_maybe_sent() {
    on_worker(async {
        let (pool, server) = pool().await;
        let (mut lease, mut peer) = connect(&pool, &server).await;
        let script = async {
            peer.head().await.unwrap();
            peer.reset();
        };
        let (result, ()) = tokio::join!(lease.send(get()), script);
        assert!(matches!(result, Err(SendError::Closed { reused: false })), "{result:?}");
        assert_eq!(lease.sent(), Sent::Maybe);
    })
    .await;
}

#[tokio::test]
async fn t46_connection_closed_at_take_out_is_a_stale_reset() {
    on_worker(async {
        let (pool, server) = pool().await;
        let (mut lease, mut peer) = connect(&pool, &server).await;
        exchange(&mut lease, &mut peer, OK).await;
        lease.give_back();
        let mut lease = pool.checkout(Reuse::Any, late()).await.unwrap();
        assert!(lease.is_reused());
        drop(peer);
        let error = lease.send(get()).await.unwrap_err();
        assert!(matches!(error, SendError::Closed { reused: true }), "{error:?}");
        assert_ne!(lease.sent(), Sent::Yes);
        if lease.take_unsent().is_some() {
            assert_eq!(lease.sent(), Sent::No);
        }
        lease.report_stale();
        let snapshot = pool.snapshot(clock::now());
        assert_eq!(snapshot.stale_resets_total, 1);
        assert_eq!(snapshot.idle_limit, Duration::from_secs(1));
        assert!(snapshot.idle_limit_until.is_some());
    })
    .await;
}

#[tokio::test]
async fn stale_report_on_a_fresh_connection_teaches_nothing() {
    on_worker(async {
        let (pool, server) = pool().await;
        let (lease, _peer) = connect(&pool, &server).await;
        lease.report_stale();
        let snapshot = pool.snapshot(clock::now());
        assert_eq!((snapshot.stale_resets_total, snapshot.idle_limit_until), (0, None));
    })
    .await;
}

#[tokio::test]
async fn timeout_announcement_of_an_idle_server_is_no_answer() {
    on_worker(async {
        let (pool, server) = pool().await;
        let (mut lease, mut peer) = connect(&pool, &server).await;
        exchange(&mut lease, &mut peer, OK).await;
        lease.give_back();
        let mut lease = pool.checkout(Reuse::Any, late()).await.unwrap();
        peer.say(b"HTTP/1.1 408 Request Timeout\r\ncontent-length: 0\r\n\r\n").await;
        until(|| lease.bytes_received() > 0).await;
        let error = lease.send(get()).await.unwrap_err();
        assert!(matches!(error, SendError::Closed { reused: true }), "{error:?}");
        assert_eq!(lease.sent(), Sent::No);
    })
    .await;
}

#[tokio::test]
async fn unasked_101_is_handed_out_and_its_connection_closed() {
    on_worker(async {
        let (pool, server) = pool().await;
        let (mut lease, mut peer) = connect(&pool, &server).await;
        let switch =
            b"HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n";
        let (response, ()) = tokio::join!(lease.send(get()), peer.answer(switch));
        let response = response.unwrap();
        assert_eq!(response.status(), 101);
        response.into_body().collect().await.unwrap();
        lease.give_back();
        peer.closed().await;
        assert_eq!(open(&pool), 0);
    })
    .await;
}

#[tokio::test]
async fn give_back_before_the_body_has_ended_closes() {
    on_worker(async {
        let (pool, server) = pool().await;
        let (mut lease, mut peer) = connect(&pool, &server).await;
        let half = b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf";
        let (response, ()) = tokio::join!(lease.send(get()), peer.answer(half));
        let body = response.unwrap().into_body();
        lease.give_back();
        peer.closed().await;
        assert!(body.collect().await.is_err());
        assert_eq!(open(&pool), 0);
    })
    .await;
}

#[tokio::test]
async fn cut_body_is_an_error_of_the_body_and_closes() {
    on_worker(async {
        let (pool, server) = pool().await;
        let (mut lease, mut peer) = connect(&pool, &server).await;
        let script = async {
            peer.answer(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf").await;
            drop(peer);
        };
        let (response, ()) = tokio::join!(lease.send(get()), script);
        let error = response.unwrap().into_body().collect().await.unwrap_err();
        assert!(std::error::Error::source(&error).is_some(), "{error:?}");
        lease.give_back();
        assert_eq!(idle(&pool), 0);
    })
    .await;
}

#[tokio::test]
async fn connection_whose_peer_says_close_or_too_much_is_not_kept() {
    let close = b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok";
    let extra = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok and more";
    for answer in [&close[..], extra] {
        on_worker(async {
            let (pool, server) = pool().await;
            let (mut lease, mut peer) = connect(&pool, &server).await;
            exchange(&mut lease, &mut peer, answer).await;
            lease.give_back();
            peer.closed().await;
            assert_eq!(open(&pool), 0);
        })
        .await;
    }
}

#[tokio::test]
async fn dropped_lease_closes_its_connection() {
    on_worker(async {
        let (pool, server) = pool().await;
        let (mut lease, mut peer) = connect(&pool, &server).await;
        exchange(&mut lease, &mut peer, OK).await;
        drop(lease);
        peer.closed().await;
        assert_eq!(open(&pool), 0);
    })
    .await;
}

#[tokio::test]
async fn closed_lease_writes_nothing_after_its_evidence() {
    on_worker(async {
        let (pool, server) = pool().await;
        let (mut lease, mut peer) = connect(&pool, &server).await;
        {
            let mut send = pin!(lease.send(get()));
            let polled = send.as_mut().poll(&mut Context::from_waker(std::task::Waker::noop()));
            assert!(polled.is_pending());
        }
        assert_eq!(lease.close(), Sent::No);
        assert_eq!(peer.head().await, None);
        assert_eq!(open(&pool), 0);
    })
    .await;
}

#[tokio::test]
async fn failed_send_writes_nothing_after_its_evidence() {
    on_worker(async {
        let (pool, server) = pool().await;
        let (mut lease, mut peer) = connect(&pool, &server).await;
        // More than the buffers of both sockets hold, so that hyper has some left to flush.
        let body = Full::new(Bytes::from(vec![b'x'; 32 << 20]));
        let request = Request::post("/").header("host", "h").body(body).unwrap();
        let garbage = b"SSH-2.0-OpenSSH_9.6\r\n";
        let (result, ()) = tokio::join!(lease.send(request), peer.answer(garbage));
        assert!(matches!(result, Err(SendError::Malformed(_))), "{result:?}");
        let written = lease.bytes_written();
        peer.closed().await;
        assert_eq!(lease.bytes_written(), written);
        assert!(written < 32 << 20, "nothing was left to flush");
    })
    .await;
}

/// A request body of one frame, then an error.
#[derive(Debug)]
struct Broken(Option<Bytes>);

impl Body for Broken {
    type Data = Bytes;
    type Error = Box<dyn std::error::Error + Send + Sync>;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        Poll::Ready(Some(match self.0.take() {
            Some(bytes) => Ok(Frame::data(bytes)),
            None => Err("the client left".into()),
        }))
    }
}

#[tokio::test]
async fn failing_request_body_is_not_blamed_on_the_endpoint() {
    on_worker(async {
        let server = Server::bind().await;
        let pool = Pool::<Broken>::new(server.endpoint(), PoolSettings::default());
        let (lease, _peer) = tokio::join!(pool.checkout(Reuse::Any, late()), server.accept());
        let mut lease = lease.unwrap();
        let body = Broken(Some(Bytes::from_static(b"some")));
        let request = Request::post("/").header("host", "h").body(body).unwrap();
        let error = lease.send(request).await.unwrap_err();
        assert!(matches!(error, SendError::RequestBody(_)), "{error:?}");
        lease.give_back();
        until(|| open(&pool) == 0).await;
    })
    .await;
}

/// A request body that never ends and never has anything to say.
#[derive(Debug)]
struct Stalled;

impl Body for Stalled {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Pending
    }
}

#[tokio::test]
async fn answer_before_the_upload_ended_closes_the_connection() {
    on_worker(async {
        let server = Server::bind().await;
        let pool = Pool::<Stalled>::new(server.endpoint(), PoolSettings::default());
        let (lease, mut peer) = tokio::join!(pool.checkout(Reuse::Any, late()), server.accept());
        let mut lease = lease.unwrap();
        let request = Request::post("/").header("host", "h").body(Stalled).unwrap();
        let (response, ()) = tokio::join!(lease.send(request), peer.answer(OK));
        assert_eq!(response.unwrap().into_body().collect().await.unwrap().to_bytes(), "ok");
        lease.give_back();
        peer.closed().await;
        assert_eq!(open(&pool), 0);
    })
    .await;
}

#[tokio::test]
async fn request_with_a_body_frees_the_connection_for_the_next() {
    on_worker(async {
        let (pool, server) = pool().await;
        let (mut lease, mut peer) = connect(&pool, &server).await;
        let body = Full::new(Bytes::from_static(b"amount=5"));
        let request = Request::post("/").header("host", "h").body(body).unwrap();
        let script = async {
            peer.head().await.unwrap();
            let mut body = [0; 8];
            tokio::io::AsyncReadExt::read_exact(&mut peer.stream, &mut body).await.unwrap();
            peer.say(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n")
                .await;
        };
        let (response, ()) = tokio::join!(lease.send(request), script);
        response.unwrap().into_body().collect().await.unwrap();
        lease.give_back();
        assert_eq!(idle(&pool), 1);
    })
    .await;
}

#[test]
fn announced_idle_time_leaves_a_second_for_the_way() {
    let announced = |value: &'static str| {
        let mut headers = HeaderMap::new();
        headers.insert("keep-alive", http::HeaderValue::from_static(value));
        announced_idle(&headers).map(|idle| idle.as_secs())
    };
    assert_eq!(announced("timeout=5, max=1000"), Some(4));
    assert_eq!(announced("max=1000, Timeout = 2"), Some(1));
    assert_eq!(announced("timeout=\"3\""), Some(2));
    assert_eq!(announced("timeout=1"), Some(0));
    assert_eq!(announced("timeout=0"), Some(0));
    assert_eq!(announced("max=5"), None);
    assert_eq!(announced("timeout=soon"), None);
    assert_eq!(announced("timeout=-4"), None);
    assert_eq!(announced_idle(&HeaderMap::new()), None);
}
