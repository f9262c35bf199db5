//! Heads to the byte: what reaches the service, what comes back, and what stays on one connection.

use crate::ordinary;
use crate::origin::Stage;
use crate::support::backend::Refusing;
use crate::support::client::Connection;
use crate::support::gateway::Gateway;
use crate::support::shop::Shop;

/// The head that the service saw, in lower case.
fn seen_by_service(gateway: &Gateway, lines: &[&str]) -> String {
    let mut client = Connection::to(gateway.address());
    client.request("GET /head", lines);
    let answer = client.answer();
    assert_eq!(answer.status(), 200, "{}", answer.text());
    answer.text().to_ascii_lowercase()
}

#[test]
fn the_service_learns_who_asked_and_through_whom() {
    let (_origin, gateway) = ordinary();
    let head = seen_by_service(&gateway, &["X-Forwarded-For: 203.0.113.9"]);
    assert!(head.starts_with("get /head http/1.1\r\n"), "{head}");
    assert!(head.contains("\r\nhost: shop.test\r\n"), "{head}");
    assert!(head.contains("\r\nx-forwarded-for: 127.0.0.1\r\n"), "the caller is no proxy: {head}");
    for field in ["x-forwarded-proto: http", "x-forwarded-host: shop.test", "via: 1.1 seawall"] {
        assert!(head.contains(&format!("\r\n{field}")), "{field}: {head}");
    }
    assert!(head.contains("\r\nforwarded: for=127.0.0.1;"), "{head}");
    assert!(head.contains("\r\nx-request-id: "), "{head}");
    assert!(head.contains("\r\ntraceparent: 00-"), "{head}");
}

#[test]
fn the_service_learns_the_priority_which_strangers_can_only_lower() {
    let (_origin, gateway) = ordinary();
    for (line, told) in [
        ("X-Kept: yes", "normal"),
        ("Priority: u=6", "low"),
        ("Priority: u=0", "normal"),
        ("Seawall-Priority: critical", "normal"),
    ] {
        let head = seen_by_service(&gateway, &[line]);
        assert!(head.contains(&format!("\r\nseawall-priority: {told}\r\n")), "{line}: {head}");
        assert_eq!(head.matches("seawall-priority").count(), 1, "{line}: {head}");
    }
}

#[test]
fn what_belongs_to_one_connection_stays_there() {
    let (_origin, gateway) = ordinary();
    let head = seen_by_service(
        &gateway,
        &[
            "Connection: close, X-Mine",
            "X-Mine: secret",
            "Keep-Alive: timeout=5",
            "Proxy-Connection: keep-alive",
            "Proxy-Authorization: secret",
            "Upgrade: h2c",
            "TE: gzip",
            "X-Kept: yes",
        ],
    );
    assert!(head.contains("\r\nx-kept: yes\r\n"), "{head}");
    for gone in ["connection", "x-mine", "keep-alive", "proxy-", "upgrade", "te:", "secret"] {
        assert!(!head.contains(&format!("\r\n{gone}")), "{gone}: {head}");
    }
}

#[test]
fn a_callers_close_does_not_close_the_upstream_connection() {
    let (origin, gateway) = ordinary();
    // One worker would be enough, but callers may land on any.
    for _ in 0..20 {
        let mut client = Connection::to(gateway.address());
        client.request("GET /hello", &["Connection: close"]);
        assert_eq!(client.answer().text(), "hello\n");
        assert!(client.rest().is_empty(), "the gateway closes as asked");
    }
    let workers = gateway.status_json()["workers"].as_u64().unwrap();
    assert!(origin.connections() <= workers, "{} connections", origin.connections());
    assert_eq!(origin.requests(), 20);
}

#[test]
fn head_keeps_the_length_and_the_connection() {
    let (_origin, gateway) = ordinary();
    let mut client = Connection::to(gateway.address());
    for _ in 0..2 {
        client.request("HEAD /hello", &[]);
        let head = client.head().unwrap();
        assert_eq!((head.status, head.header("content-length")), (200, Some("6")));
    }
    client.request("HEAD /chunks", &[]);
    let head = client.head().unwrap();
    assert_eq!((head.status, head.header("content-length")), (200, None), "{head:?}");
    client.request("GET /hello", &[]);
    assert_eq!(client.answer().text(), "hello\n", "no body was in between");
}

#[test]
fn a_304_passes_without_a_body_whatever_length_it_speaks_of() {
    let stage = Stage::open();
    let gateway = Gateway::to(&[stage.address()]);
    let mut client = Connection::to(gateway.address());
    client.request("GET /cached", &["If-None-Match: \"v1\""]);
    let mut service = stage.accept();
    let (_, fields) = service.request_head().unwrap();
    assert!(fields.contains(&("if-none-match".to_owned(), "\"v1\"".to_owned())), "{fields:?}");
    service.send("HTTP/1.1 304 Not Modified\r\nETag: \"v1\"\r\nContent-Length: 6\r\n\r\n");
    let head = client.head().unwrap();
    assert_eq!((head.status, head.header("etag")), (304, Some("\"v1\"")));
    // Were a body expected on either side, the next answer would be taken for it.
    client.request("GET /again", &[]);
    assert_eq!(service.request_head().unwrap().0, "GET /again HTTP/1.1");
    service.send("HTTP/1.1 204 No Content\r\n\r\n");
    assert_eq!(client.answer().status(), 204);
}

#[test]
fn fields_of_an_answer_pass_untouched() {
    let stage = Stage::open();
    let gateway = Gateway::to(&[stage.address()]);
    let mut client = Connection::to(gateway.address());
    client.request("GET /film", &["Range: bytes=0-3", "Accept-Encoding: gzip"]);
    let mut service = stage.accept();
    let (_, fields) = service.request_head().unwrap();
    let names: Vec<&str> = fields.iter().map(|(name, _)| name.as_str()).collect();
    assert!(names.contains(&"range") && names.contains(&"accept-encoding"), "{fields:?}");
    service.send(
        "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 0-3/9\r\nContent-Encoding: gzip\r\n\
         Set-Cookie: a=1\r\nServer: shop\r\nSet-Cookie: b=2; Path=/\r\nConnection: X-Own\r\n\
         X-Own: 1\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nContent-Length: 4\r\n\r\n\x1f\x7fab",
    );
    let answer = client.answer();
    assert_eq!((answer.status(), answer.body.as_slice()), (206, &b"\x1f\x7fab"[..]));
    assert_eq!(answer.header("content-range"), Some("bytes 0-3/9"));
    assert_eq!(answer.header("content-encoding"), Some("gzip"));
    assert_eq!(answer.header("server"), Some("shop"));
    assert_eq!(answer.header("date"), Some("Sun, 06 Nov 1994 08:49:37 GMT"));
    assert_eq!((answer.header("x-own"), answer.header("connection")), (None, None));
    let cookies = answer.head.headers.iter().filter(|(name, _)| name == "set-cookie");
    let cookies: Vec<&str> = cookies.map(|(_, value)| value.as_str()).collect();
    assert_eq!(cookies, ["a=1", "b=2; Path=/"]);
}

#[test]
fn an_answer_after_interim_ones_is_the_answer() {
    let stage = Stage::open();
    let gateway = Gateway::to(&[stage.address()]);
    let mut client = Connection::to(gateway.address());
    client.request("GET /hints", &[]);
    let mut service = stage.accept();
    service.request_head().unwrap();
    service.send("HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n");
    service.send("HTTP/1.1 100 Continue\r\n\r\n");
    service.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    assert_eq!(client.answer().text(), "ok");
}

#[test]
fn pipelined_requests_are_answered_in_order() {
    let (_origin, gateway) = ordinary();
    let mut client = Connection::to(gateway.address());
    let ask = |path: &str| format!("GET {path} HTTP/1.1\r\nHost: shop.test\r\n\r\n");
    client.send([ask("/hello"), ask("/chunks"), ask("/hello")].concat());
    let texts: Vec<String> = (0..3).map(|_| client.answer().text()).collect();
    assert_eq!(texts, ["hello\n", "one two three\n", "hello\n"]);
}

#[test]
fn http_1_0_without_a_host_reaches_the_service_with_one() {
    let (origin, gateway) = ordinary();
    let mut client = Connection::to(gateway.address());
    client.send("GET /head HTTP/1.0\r\n\r\n");
    let answer = client.answer();
    let seen = answer.text().to_ascii_lowercase();
    assert!(seen.starts_with("get /head http/1.1\r\n"), "{seen}");
    assert!(seen.contains(&format!("\r\nhost: {}\r\n", origin.address())), "{seen}");
    assert!(client.rest().is_empty(), "1.0 closes unless asked to stay");
}

#[test]
fn a_100_comes_once_the_service_takes_the_body() {
    let stage = Stage::open();
    let gateway = Gateway::to(&[stage.address()]);
    let mut client = Connection::to(gateway.address());
    client.request("POST /pay", &["Expect: 100-continue", "Content-Length: 4"]);
    let mut service = stage.accept();
    let (_, fields) = service.request_head().unwrap();
    assert!(fields.iter().all(|(name, _)| name != "expect"), "the 100 is ours: {fields:?}");
    assert_eq!(client.head().unwrap().status, 100);
    client.send("body");
    let mut body = [0; 4];
    assert_eq!((service.read(&mut body), &body), (4, b"body"));
    service.send("HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n");
    assert_eq!(client.answer().status(), 201);
}

#[test]
fn nobody_is_told_to_send_a_body_that_no_service_takes() {
    for (upstream, why) in [("hold = \"off\"", "connect_refused"), ("", "upstream_unreachable")] {
        let refusing = Refusing::start();
        let route = "timeouts = { total = \"500ms\", attempt = \"200ms\" }";
        let shop = Shop { upstream, route, ..Shop::default() };
        let gateway = Gateway::with_config(&shop.config(&[refusing.address()]));
        let mut client = Connection::to(gateway.address());
        client.request("POST /pay", &["Expect: 100-continue", "Content-Length: 4"]);
        let head = client.head().unwrap();
        assert_eq!(head.header("seawall-why"), Some(why), "{head:?}");
        assert!(head.status >= 500, "no 100 before it: {head:?}");
    }
}
