//! HTTP/2 towards endpoints (`protocol = "h2c"`), with real processes and sockets: streams that
//! share connections, what is sent again and what is not, and callers of either protocol in front.
//!
//! HTTP/2 towards callers is in `traffic`. What the pool does by itself is tested beside it.

#![expect(clippy::unwrap_used, reason = "a test's helpers fail like the test itself")]

#[path = "multiplex/caller.rs"]
mod caller;
#[path = "multiplex/service.rs"]
mod service;
#[expect(dead_code, reason = "shared by all end-to-end tests; this file needs a part of it")]
mod support;

use h2::Reason;

use caller::Caller;
use service::{Manner, Service};
use support::backend::Backend;
use support::client::{Answer, Connection, get};
use support::clock::eventually;
use support::gateway::Gateway;
use support::shop::Shop;

/// One connection at most, and no extra attempts but retries.
const ONE: &str = "protocol = \"h2c\"\npool = { connections = 1 }\nhedge = \"off\"";

fn gateway(service: &Service) -> Gateway {
    gateway_with(service, ONE)
}

fn gateway_with(service: &Service, upstream: &'static str) -> Gateway {
    let shop = Shop { upstream, ..Shop::default() };
    let text = shop.config(&[service.address()]);
    Gateway::with_config(&format!("[gateway]\nworkers = 1\n{text}"))
}

fn post(gateway: &Gateway, path: &str, body: &[u8]) -> Answer {
    let mut connection = Connection::to(gateway.address());
    let length = format!("Content-Length: {}", body.len());
    connection.request(&format!("POST {path}"), &[&length]);
    connection.send(body);
    connection.answer()
}

#[test]
fn many_callers_share_one_connection() {
    let service = Service::start();
    let gateway = gateway(&service);
    let callers: Vec<_> = (0..50)
        .map(|_| {
            let mut connection = Connection::to(gateway.address());
            connection.request("GET /hold", &["X-Test: 1"]);
            connection
        })
        .collect();
    service.wait_for("/hold", 50);
    gateway.wait_for_status("streams", |status| {
        let pool = &status["upstreams"][0]["endpoints"][0]["pool"];
        pool["leased"] == 1 && pool["streams"] == 50
    });
    service.release();
    for mut caller in callers {
        assert_eq!(caller.answer().text(), "held\n");
    }
    assert_eq!((service.connections(), service.look(|book| book.peak)), (1, 50));
    gateway.wait_for_status("streams to end", |status| {
        let pool = &status["upstreams"][0]["endpoints"][0]["pool"];
        pool["leased"] == 0 && pool["streams"] == 0
    });
}

#[test]
fn requests_arrive_in_the_form_of_http_2() {
    let service = Service::start();
    let gateway = gateway(&service);
    let mut connection = Connection::to(gateway.address());
    let lines = [
        "Content-Length: 3",
        "Cookie: a=1",
        "TE: trailers",
        "Connection: te, upgrade",
        "Upgrade: h2c",
        "HTTP2-Settings: AAMAAABkAAQAAP__",
    ];
    connection.request("POST /order?x=1", &lines);
    connection.send("abc");
    let answer = connection.answer();
    assert_eq!((answer.status(), answer.text().as_str()), (200, "hello\n"));
    assert_eq!(answer.header("via"), Some("2 seawall"));
    let head = service.look(|book| book.heads[0].uri.to_string());
    assert_eq!(head, "http://shop.test/order?x=1");
    service.look(|book| {
        let headers = &book.heads[0].headers;
        for name in ["host", "connection", "upgrade", "http2-settings", "transfer-encoding"] {
            assert!(!headers.contains_key(name), "{name}: {headers:?}");
        }
        assert_eq!(headers["te"], "trailers");
        assert_eq!(headers["cookie"], "a=1");
        assert_eq!(headers["content-length"], "3");
        assert!(headers["via"].to_str().unwrap().starts_with("1.1 seawall-"), "{headers:?}");
    });
}

#[test]
fn the_endpoints_limit_of_streams_is_honoured() {
    let service = Service::with(Manner { streams_max: Some(3), ..Manner::default() });
    let gateway = gateway(&service);
    let callers: Vec<_> = (0..12)
        .map(|_| {
            let mut connection = Connection::to(gateway.address());
            connection.request("GET /hold", &[]);
            connection
        })
        .collect();
    service.wait_for("/hold", 3);
    service.release();
    for mut caller in callers {
        assert_eq!(caller.answer().status(), 200);
    }
    assert_eq!((service.connections(), service.look(|book| book.peak)), (1, 3));
    assert_eq!(gateway.total("retries_total"), 0);
}

#[test]
fn refused_streams_are_sent_again_whatever_their_method() {
    let service = Service::start();
    let gateway = gateway(&service);
    assert_eq!(post(&gateway, "/refuse-once", b"a lamp").status(), 200);
    assert_eq!((service.requests("/refuse-once"), gateway.total("retries_total")), (2, 1));
    let trail = gateway.latest_trail();
    assert!(trail.contains("refused"), "{trail}");
    gateway.wait_for_status("the refusal", |status| {
        status["upstreams"][0]["endpoints"][0]["pool"]["streams_refused_total"] == 1
    });
}

#[test]
fn streams_that_a_goaway_excludes_are_sent_again_whatever_their_method() {
    let service = Service::with(Manner { turns_away_first: true, ..Manner::default() });
    let gateway = gateway(&service);
    assert_eq!(post(&gateway, "/order", b"a lamp").status(), 200);
    assert_eq!((service.requests("/order"), service.connections()), (1, 2));
    assert_eq!(gateway.total("retries_total"), 1);
}

#[test]
fn streams_that_may_have_been_processed_are_sent_again_only_if_that_is_safe() {
    let service = Service::start();
    let gateway = gateway(&service);
    let answer = post(&gateway, "/reset", b"a lamp");
    assert_eq!(answer.status(), 502, "{}", answer.text());
    assert_eq!((service.requests("/reset"), gateway.total("retries_total")), (1, 0));
    assert_eq!(get(gateway.address(), "/reset").status(), 502);
    assert!(service.requests("/reset") > 2, "a GET may be repeated");
    assert_eq!(service.connections(), 1, "no stream costs the others their connection");
}

#[test]
fn connections_that_go_away_under_load_lose_nothing() {
    let leaves_after = Some(100);
    let service = Service::with(Manner { leaves_after, ..Manner::default() });
    let gateway = gateway_with(&service, "protocol = \"h2c\"\nhedge = \"off\"");
    let answered: usize = std::thread::scope(|threads| {
        let caller = |method: &'static str| {
            let address = gateway.address();
            threads.spawn(move || {
                let mut connection = Connection::to(address);
                let asked = (0..400).map(|_| {
                    connection.request(&format!("{method} /order"), &["Content-Length: 2"]);
                    connection.send("ab");
                    connection.answer().status()
                });
                asked.filter(|status| *status == 200).count()
            })
        };
        let callers: Vec<_> = ["GET", "POST", "GET", "POST"].map(caller).into();
        callers.into_iter().map(|caller| caller.join().unwrap()).sum()
    });
    assert_eq!(answered, 1_600);
    assert_eq!(service.requests("/order"), 1_600, "nothing was done twice");
    // Some are under way when a goodbye comes, so not every connection takes exactly a hundred.
    assert!(service.connections() >= 12, "{} connections", service.connections());
    gateway.wait_for_status("the goodbyes", |status| {
        let pool = &status["upstreams"][0]["endpoints"][0]["pool"];
        pool["goaways_total"].as_u64().is_some_and(|goaways| goaways >= 11)
    });
}

#[test]
fn an_endpoint_that_speaks_http_1_only_is_named_as_such() {
    let backend = Backend::answering(200);
    let shop = Shop { upstream: ONE, ..Shop::default() };
    let gateway = Gateway::with_config(&shop.config(&[backend.address()]));
    let answer = get(gateway.address(), "/");
    assert_eq!(answer.status(), 502, "{}", answer.text());
    let trail = gateway.latest_trail();
    assert!(trail.contains("does not speak HTTP/2"), "{trail}");
}

#[test]
fn a_caller_that_reads_slowly_blocks_no_other_on_the_same_connection() {
    let service = Service::start();
    let gateway = gateway(&service);
    let mut slow = Connection::to(gateway.address());
    const LENGTH: usize = 64 << 20;
    slow.request(&format!("GET /bytes/{LENGTH}"), &[]);
    assert_eq!(slow.head().unwrap().status, 200);
    for _ in 0..20 {
        assert_eq!(get(gateway.address(), "/hello").text(), "hello\n");
    }
    let mut body = vec![0; LENGTH];
    std::io::Read::read_exact(slow.body(), &mut body).unwrap();
    assert_eq!(service.connections(), 1);
}

#[test]
fn a_caller_that_leaves_becomes_a_reset_of_its_stream() {
    let service = Service::start();
    let gateway = gateway(&service);
    let mut caller = Connection::to(gateway.address());
    caller.request("GET /stall", &[]);
    service.wait_for("/stall", 1);
    drop(caller);
    eventually("the reset", || (!service.look(|book| book.resets.is_empty())).then_some(()));
    assert_eq!(service.look(|book| book.resets.clone()), [Reason::CANCEL]);
    assert_eq!(get(gateway.address(), "/hello").status(), 200);
    assert_eq!(service.connections(), 1);
}

#[test]
fn long_bodies_pass_both_ways_in_constant_memory() {
    const LENGTH: usize = 1 << 30;
    let service = Service::start();
    let gateway = gateway(&service);
    let mut caller = Connection::to(gateway.address());
    caller.request("PUT /sum", &[&format!("Content-Length: {LENGTH}")]);
    let block = vec![7; 1 << 20];
    for _ in 0..LENGTH >> 20 {
        caller.send(&block);
    }
    assert_eq!(caller.answer().text(), LENGTH.to_string());
    caller.request(&format!("GET /bytes/{LENGTH}"), &[]);
    assert_eq!(caller.head().unwrap().header("content-length"), Some(&*LENGTH.to_string()));
    let (mut left, mut block) = (LENGTH, vec![0; 1 << 20]);
    while left > 0 {
        let read = caller.read(&mut block);
        assert!(read > 0, "{left} bytes are missing");
        left -= read;
    }
    let peak = gateway.resident_peak();
    assert!(peak < 128 << 20, "{} MiB", peak >> 20);
}

#[test]
fn grpc_passes_from_http_2_to_http_2() {
    let service = Service::start();
    let gateway = gateway(&service);
    let mut caller = Caller::to(gateway.address());
    let conversation = caller.converse("/grpc", &["one", "two", "three"]);
    assert_eq!(conversation.echoed, ["one", "two", "three"], "piece by piece, both ways at once");
    assert_eq!(conversation.trailers["grpc-status"], "0");
    assert!(service.look(|book| book.heads[0].headers["te"] == "trailers"));
}

#[test]
fn health_checks_speak_what_the_attempts_speak() {
    const CHECKED: &str = "protocol = \"h2c\"\n\
        health_check = { path = \"/hello\", every = \"50ms\", timeout = \"50ms\" }";
    let service = Service::start();
    let gateway = gateway_with(&service, CHECKED);
    service.wait_for("/hello", 3);
    gateway.wait_for_status("a healthy endpoint", |status| {
        status["upstreams"][0]["endpoints"][0]["health"] == "healthy"
    });
    assert_eq!(get(gateway.address(), "/").status(), 200);
}

#[test]
fn reload_to_another_protocol_lets_running_calls_end() {
    let service = Service::start();
    let gateway = gateway(&service);
    let mut running = Connection::to(gateway.address());
    running.request("GET /hold", &[]);
    service.wait_for("/hold", 1);
    let other = Backend::answering(203);
    let shop = Shop { upstream: "hedge = \"off\"", ..Shop::default() };
    let text = shop.config(&[service.address(), other.address()]);
    gateway.rewrite_config(&format!("[gateway]\nworkers = 1\n{text}"));
    gateway.signal(rustix::process::Signal::HUP);
    gateway.wait_for_stderr("generation 2");
    service.release();
    assert_eq!(running.answer().text(), "held\n");
    // The service does not understand HTTP/1.1, and the other one does.
    assert_eq!(get(gateway.address(), "/hello").status(), 203);
}
