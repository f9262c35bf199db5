//! Health checks against scripted servers.

use std::net::SocketAddr;

use super::*;
use crate::testing::{BlackHole, DeadEnd, OK, Server};

fn http() -> CheckSettings {
    CheckSettings::new(CheckKind::Http {
        over: CheckProtocol::Http1,
        path: PathAndQuery::from_static("/healthz?deep=1"),
        host: HeaderValue::from_static("payments.internal"),
        expect: 200..=299,
    })
}

/// Runs one check against a server that answers with `response` and then closes.
async fn check_against(response: &[u8]) -> (CheckResult, String) {
    let server = Server::bind().await;
    let script = async {
        let mut peer = server.accept().await;
        let head = peer.head().await.unwrap();
        peer.say(response).await;
        head
    };
    let settings = http();
    tokio::join!(check_once(server.endpoint(), &settings), script)
}

async fn check_tcp(endpoint: SocketAddr) -> CheckResult {
    check_once(endpoint, &CheckSettings::new(CheckKind::Tcp)).await
}

#[tokio::test]
async fn expected_status_passes() {
    let (result, head) = check_against(OK).await;
    assert!(matches!(result, CheckResult::Pass), "{result:?}");
    assert!(head.starts_with("GET /healthz?deep=1 HTTP/1.1\r\n"), "{head}");
    assert!(head.contains("host: payments.internal\r\n"), "{head}");
    assert!(head.contains("connection: close\r\n"), "{head}");
}

#[tokio::test]
async fn answer_that_ends_with_the_connection_passes() {
    let (result, _) = check_against(b"HTTP/1.0 200 OK\r\n\r\nall is well").await;
    assert!(matches!(result, CheckResult::Pass), "{result:?}");
}

#[tokio::test]
async fn unexpected_status_fails() {
    let (result, _) =
        check_against(b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n").await;
    assert!(matches!(result, CheckResult::Fail(CheckFailure::Status(503))), "{result:?}");
}

#[tokio::test]
async fn cut_body_fails() {
    let (result, _) = check_against(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nok").await;
    assert!(matches!(result, CheckResult::Fail(CheckFailure::BodyCut(_))), "{result:?}");
}

#[tokio::test]
async fn garbage_fails() {
    let (result, _) = check_against(b"SSH-2.0-OpenSSH_9.6\r\n").await;
    assert!(
        matches!(result, CheckResult::Fail(CheckFailure::Send(SendError::Malformed(_)))),
        "{result:?}"
    );
}

#[tokio::test]
async fn connection_closed_without_answer_fails() {
    let (result, _) = check_against(b"").await;
    assert!(
        matches!(
            result,
            CheckResult::Fail(CheckFailure::Send(SendError::Closed { reused: false }))
        ),
        "{result:?}"
    );
}

#[tokio::test]
async fn endless_body_passes_at_the_bound() {
    let server = Server::bind().await;
    let script = async {
        let mut peer = server.accept().await;
        peer.answer(b"HTTP/1.1 200 OK\r\ncontent-length: 99999999\r\n\r\n").await;
        peer.say(&vec![b'x'; BODY_BYTES_MAX + 1]).await;
        peer.closed().await;
    };
    let settings = http();
    let (result, ()) = tokio::join!(check_once(server.endpoint(), &settings), script);
    assert!(matches!(result, CheckResult::Pass), "{result:?}");
}

#[tokio::test(start_paused = true)]
async fn silent_service_times_out() {
    let server = Server::bind().await;
    let settings = http();
    let accepted = async {
        let _peer = server.accept().await;
        std::future::pending::<CheckResult>().await
    };
    let before = crate::clock::now();
    let result = tokio::select! {
        result = check_once(server.endpoint(), &settings) => result,
        result = accepted => result,
    };
    assert!(matches!(result, CheckResult::Timeout), "{result:?}");
    assert!(crate::clock::now() - before < Duration::from_millis(1010));
}

#[tokio::test(start_paused = true)]
async fn black_hole_times_out() {
    let hole = BlackHole::open();
    let result = check_tcp(hole.endpoint()).await;
    assert!(matches!(result, CheckResult::Timeout), "{result:?}");
}

#[tokio::test]
async fn tcp_check_needs_a_listener_and_no_more() {
    let server = Server::bind().await;
    assert!(matches!(check_tcp(server.endpoint()).await, CheckResult::Pass));
    let nobody = DeadEnd::bind();
    let result = check_tcp(nobody.endpoint()).await;
    assert!(
        matches!(result, CheckResult::Fail(CheckFailure::Dial(DialError::Refused))),
        "{result:?}"
    );
}
