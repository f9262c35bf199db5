//! Trailers over HTTP/1.1, both ways: announced, asked for, filtered. Over HTTP/2 they are in `h2`.

use crate::origin::Stage;
use crate::support::client::Connection;
use crate::support::gateway::Gateway;

const CHUNKED: &str = "Transfer-Encoding: chunked";

fn pair(name: &str, value: &str) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

/// One GET with `lines`, answered by `answer`; gives the service's request fields too.
fn ask(lines: &[&str], answer: &str) -> (Vec<(String, String)>, Connection, Gateway) {
    let stage = Stage::open();
    let gateway = Gateway::to(&[stage.address()]);
    let mut client = Connection::to(gateway.address());
    client.request("GET /sum", lines);
    let mut service = stage.accept();
    let (_, fields) = service.request_head().unwrap();
    service.send(answer);
    (fields, client, gateway)
}

const WITH_TRAILERS: &str = "HTTP/1.1 200 OK\r\nTrailer: X-Sum, Set-Cookie, X-Late\r\n\
    Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\
    X-Sum: 294\r\nSet-Cookie: a=b\r\nX-Late: yes\r\n\r\n";

#[test]
fn trailers_of_an_answer_reach_a_caller_that_asked_for_them() {
    let (fields, mut client, _gateway) = ask(&["TE: trailers", "Connection: TE"], WITH_TRAILERS);
    assert!(fields.contains(&pair("te", "trailers")), "the service is told: {fields:?}");
    let answer = client.answer();
    assert_eq!(answer.text(), "abc");
    assert_eq!(answer.header("trailer"), Some("x-sum, x-late"));
    assert_eq!(answer.trailers, [pair("x-sum", "294"), pair("x-late", "yes")]);
}

#[test]
fn trailers_of_an_answer_are_dropped_for_a_caller_that_did_not_ask() {
    let (fields, mut client, _gateway) = ask(&[], WITH_TRAILERS);
    assert!(fields.iter().all(|(name, _)| name != "te"), "{fields:?}");
    let answer = client.answer();
    assert_eq!((answer.text().as_str(), answer.header("trailer")), ("abc", None));
    assert_eq!(answer.trailers, []);
    client.request("GET /again", &["Connection: close"]);
}

#[test]
fn an_answer_with_too_many_trailers_is_cut_and_not_ended() {
    let names: Vec<String> = (0..40).map(|n| format!("x-{n}")).collect();
    let lines: String = names.iter().map(|name| format!("{name}: 1\r\n")).collect();
    let answer = format!(
        "HTTP/1.1 200 OK\r\nTrailer: {}\r\n{CHUNKED}\r\n\r\n3\r\nabc\r\n0\r\n{lines}\r\n",
        names.join(", ")
    );
    let (_, mut client, gateway) = ask(&["TE: trailers"], &answer);
    assert_eq!(client.head().unwrap().status, 200);
    let rest = String::from_utf8(client.rest()).unwrap();
    assert!(rest.is_empty() || rest == "3\r\nabc\r\n", "no last chunk is invented: {rest:?}");
    gateway.wait_for_status("the call is over", |status| {
        status["upstreams"][0]["endpoints"][0]["active"] == 0
    });
    assert_eq!(gateway.count("seawall_calls_total", "verdict=\"truncated\""), 1);
}

#[test]
fn trailers_of_a_request_reach_the_service() {
    let stage = Stage::open();
    let gateway = Gateway::to(&[stage.address()]);
    let mut client = Connection::to(gateway.address());
    client.request("POST /sum", &["Trailer: X-Sum, Authorization", CHUNKED]);
    client.send("3\r\nabc\r\n0\r\nX-Sum: 294\r\nAuthorization: mine\r\nX-Unsaid: 1\r\n\r\n");
    let mut service = stage.accept();
    let (_, fields) = service.request_head().unwrap();
    assert!(fields.contains(&pair("trailer", "x-sum")), "{fields:?}");
    assert_eq!(service.chunk().unwrap(), b"abc");
    assert_eq!(service.chunk(), None);
    assert_eq!(service.fields(), [pair("x-sum", "294")]);
    service.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    assert_eq!(client.answer().status(), 200);
}

#[test]
fn a_retry_sends_body_and_trailers_again() {
    let stage = Stage::open();
    let gateway = Gateway::to(&[stage.address()]);
    let mut client = Connection::to(gateway.address());
    client.request("PUT /sum", &["Trailer: X-Sum", CHUNKED]);
    client.send("3\r\nabc\r\n3\r\ndef\r\n0\r\nX-Sum: 1\r\n\r\n");
    for status in ["503 Service Unavailable", "200 OK"] {
        let mut service = stage.accept();
        let (_, fields) = service.request_head().unwrap();
        assert!(fields.contains(&pair("trailer", "x-sum")), "{fields:?}");
        let body: Vec<u8> = std::iter::from_fn(|| service.chunk()).flatten().collect();
        assert_eq!(body, b"abcdef");
        assert_eq!(service.fields(), [pair("x-sum", "1")]);
        service
            .send(format!("HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"));
    }
    assert_eq!(client.answer().status(), 200);
}
