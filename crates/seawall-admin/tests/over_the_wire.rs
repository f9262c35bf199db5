//! The admin side over real sockets: the head that a client sees, the event stream, idle and slow
//! connections, and the end. Paths and refusals are tested without sockets beside `answer`.

#![expect(clippy::unwrap_used, reason = "what tests share fails like a test")]

#[path = "../examples/dashboard/script.rs"]
mod script;
#[path = "../examples/dashboard/shop.rs"]
#[expect(dead_code, reason = "only the browser test counts looks")]
mod shop;

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use shop::{Pace, Shop};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

/// Runs `client` beside a server of a made-up shop, then ends the server and waits for it.
async fn beside_server<F: Future<Output = ()>>(client: impl FnOnce(SocketAddr, Arc<Shop>) -> F) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let shop = Arc::new(Shop::new(Pace::Clock, 1_700_000_000_000));
    let (end, ended) = oneshot::channel::<()>();
    let until = async { drop(ended.await) };
    let server = seawall_admin::serve(listener, shop.clone(), until);
    let client = async {
        client(address, shop).await;
        drop(end);
    };
    let (served, ()) = tokio::join!(server, client);
    served.unwrap();
}

async fn exchange(address: SocketAddr, request: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    String::from_utf8(answer).unwrap()
}

fn request(line: &str) -> String {
    format!("{line} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")
}

/// A connection that follows the events, past the head of the answer.
async fn follow(address: SocketAddr) -> BufReader<TcpStream> {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = b"GET /v1/events HTTP/1.1\r\nhost: localhost\r\n\r\n";
    stream.write_all(request).await.unwrap();
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    while line != "\r\n" {
        line.clear();
        assert_ne!(reader.read_line(&mut line).await.unwrap(), 0);
    }
    reader
}

async fn next_id(reader: &mut BufReader<TcpStream>) -> u64 {
    loop {
        let mut line = String::new();
        assert_ne!(reader.read_line(&mut line).await.unwrap(), 0, "the stream ended");
        if let Some(id) = line.strip_prefix("id: ") {
            return id.trim().parse().unwrap();
        }
    }
}

#[tokio::test]
async fn head_has_the_length_of_the_body_that_it_does_not_send() {
    beside_server(|address, _| async move {
        let get = exchange(address, &request("GET /healthz")).await;
        assert!(get.starts_with("HTTP/1.1 200 OK\r\n") && get.ends_with("\r\n\r\nok\n"), "{get}");
        let head = exchange(address, &request("HEAD /healthz")).await;
        assert!(head.contains("content-length: 3\r\n") && head.ends_with("\r\n\r\n"), "{head}");
    })
    .await;
}

#[tokio::test]
async fn a_request_without_a_host_is_refused() {
    beside_server(|address, _| async move {
        let answer = exchange(address, "GET /v1/status HTTP/1.0\r\n\r\n").await;
        assert!(answer.starts_with("HTTP/1.0 400"), "{answer}");
        assert!(answer.contains("bad_host"), "{answer}");
    })
    .await;
}

#[tokio::test]
async fn events_follow_live_and_their_stream_ends_with_the_server() {
    let mut reader = None;
    let kept = &mut reader;
    beside_server(|address, shop| async move {
        let mut events = follow(address).await;
        let recent = [next_id(&mut events).await, next_id(&mut events).await];
        assert_eq!(recent, [1, 2]);
        // Recommendations recover and inventory begins to fail within the next ticks.
        (0..300).for_each(|_| shop.tick());
        assert_eq!(next_id(&mut events).await, 3);
        assert_eq!(next_id(&mut events).await, 4);
        *kept = Some(events);
    })
    .await;
    let mut rest = Vec::new();
    reader.unwrap().read_to_end(&mut rest).await.unwrap();
    assert!(rest.ends_with(b"0\r\n\r\n"), "the chunked body was cut short");
}

#[tokio::test]
async fn a_slow_head_and_an_idle_connection_are_given_up() {
    beside_server(|address, _| async move {
        let mut slow = TcpStream::connect(address).await.unwrap();
        slow.write_all(b"GET /healthz HTTP/1.1\r\nhost: lo").await.unwrap();
        let mut idle = TcpStream::connect(address).await.unwrap();
        // Real time, because a paused clock would also end the exchange before it has begun. The
        // server gives up after five seconds; the limit only keeps a fault from hanging.
        let mut rest = (Vec::new(), Vec::new());
        let both =
            async { tokio::join!(slow.read_to_end(&mut rest.0), idle.read_to_end(&mut rest.1)) };
        let ended = tokio::time::timeout(Duration::from_secs(30), both).await.unwrap();
        assert!(ended.0.is_ok() && ended.1.is_ok(), "{ended:?}");
    })
    .await;
}

#[tokio::test]
async fn connections_over_64_wait_for_their_turn() {
    beside_server(|address, _| async move {
        let mut open = Vec::new();
        for _ in 0..64 {
            let mut stream = TcpStream::connect(address).await.unwrap();
            stream.write_all(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
            stream.read_u8().await.unwrap();
            open.push(stream);
        }
        let mut late = TcpStream::connect(address).await.unwrap();
        late.write_all(request("GET /healthz").as_bytes()).await.unwrap();
        let quarter = Duration::from_millis(250);
        let early = tokio::time::timeout(quarter, late.read_u8()).await;
        assert!(early.is_err(), "the 65th connection was served beside 64 others");
        open.pop();
        assert_eq!(late.read_u8().await.unwrap(), b'H');
    })
    .await;
}

#[tokio::test]
async fn any_runtime_may_carry_the_server() {
    fn assert_send(_: &impl Send) {}
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let shop = Arc::new(Shop::new(Pace::EachLook, 0));
    let server = seawall_admin::serve(listener, shop, std::future::ready(()));
    assert_send(&server);
    server.await.unwrap();
}

#[tokio::test]
async fn only_a_loopback_listener_is_served() {
    let listener = TcpListener::bind("0.0.0.0:0").await.unwrap();
    let shop = Arc::new(Shop::new(Pace::EachLook, 0));
    let refused = seawall_admin::serve(listener, shop, std::future::pending()).await.unwrap_err();
    assert_eq!(refused.kind(), io::ErrorKind::PermissionDenied);
    assert!(refused.to_string().contains("127.0.0.1"), "{refused}");
}
