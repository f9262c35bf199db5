//! Long bodies: they pass at full length, byte for byte, and the gateway's memory does not grow.

use std::io::Write;
use std::time::Duration;

use crate::ordinary;
use crate::origin::{Pattern, Stage};
use crate::support::client::Connection;
use crate::support::clock::{PATIENCE, Stopwatch, eventually};
use crate::support::gateway::Gateway;

/// What the gateway may have resident at most, whatever passes through it: 60 MiB.
const RESIDENT_MAX: u64 = 60 << 20;
const GIBIBYTE: u64 = 1 << 30;

#[track_caller]
pub(crate) fn assert_memory_is_bounded(gateway: &Gateway) {
    let peak = gateway.resident_peak();
    assert!(peak < RESIDENT_MAX, "{} MiB were resident", peak >> 20);
}

#[test]
fn a_gibibyte_goes_up_in_constant_memory() {
    let (_origin, gateway) = ordinary();
    let started = Stopwatch::start();
    let mut client = Connection::to(gateway.address());
    client.request("PUT /sum", &[&format!("Content-Length: {GIBIBYTE}")]);
    Pattern::new().write(&mut client.socket(), GIBIBYTE).unwrap();
    let answer = client.answer();
    assert_eq!((answer.status(), answer.text()), (200, GIBIBYTE.to_string()));
    assert_memory_is_bounded(&gateway);
    assert!(started.elapsed() < PATIENCE, "it took {:?}", started.elapsed());
}

#[test]
fn a_gibibyte_comes_down_in_constant_memory() {
    let (origin, gateway) = ordinary();
    let started = Stopwatch::start();
    let mut client = Connection::to(gateway.address());
    client.request(&format!("GET /bytes/{GIBIBYTE}"), &[]);
    let head = client.head().unwrap();
    let length = GIBIBYTE.to_string();
    assert_eq!((head.status, head.header("content-length")), (200, Some(length.as_str())));
    Pattern::new().check(&mut client.body(), GIBIBYTE);
    assert_eq!(origin.sent(), GIBIBYTE);
    assert_memory_is_bounded(&gateway);
    assert!(started.elapsed() < PATIENCE, "it took {:?}", started.elapsed());
    client.request("GET /hello", &[]);
    assert_eq!(client.answer().text(), "hello\n", "the connection goes on");
}

#[test]
fn callers_that_stop_reading_hold_no_memory() {
    const READERS: u64 = 24;
    const LENGTH: u64 = 64 << 20;
    let (origin, gateway) = ordinary();
    let mut readers: Vec<Connection> =
        (0..READERS).map(|_| Connection::to(gateway.address())).collect();
    for reader in &mut readers {
        reader.request(&format!("GET /bytes/{LENGTH}"), &[]);
        assert_eq!(reader.head().unwrap().status, 200);
    }
    origin.wait_for_stalled(READERS);
    assert_memory_is_bounded(&gateway);
    let mut client = Connection::to(gateway.address());
    client.request("GET /hello", &[]);
    assert_eq!(client.answer().text(), "hello\n", "others are served meanwhile");
    Pattern::new().check(&mut readers[0].body(), LENGTH);
    assert_memory_is_bounded(&gateway);
}

#[test]
fn a_service_that_stops_reading_holds_no_memory() {
    let stage = Stage::open();
    let gateway = Gateway::to(&[stage.address()]);
    let mut client = Connection::to(gateway.address());
    client.request("PUT /sink", &[&format!("Content-Length: {GIBIBYTE}")]);
    let _service = stage.accept();
    client.socket().set_write_timeout(Some(Duration::from_millis(500))).unwrap();
    let stuck = Pattern::new().write(&mut client.socket(), GIBIBYTE).unwrap_err();
    assert_eq!(stuck.kind(), std::io::ErrorKind::WouldBlock, "the gateway stops reading too");
    assert_memory_is_bounded(&gateway);
}

#[test]
fn crumbs_of_a_body_do_not_hold_whole_buffers() {
    const CRUMBS: u64 = 20_000;
    let stage = Stage::open();
    let gateway = Gateway::to(&[stage.address()]);
    let mut clients: Vec<Connection> = Vec::new();
    let mut services = Vec::new();
    for _ in 0..4 {
        let mut client = Connection::to(gateway.address());
        client.request("PUT /crumbs", &["Transfer-Encoding: chunked"]);
        let mut service = stage.accept();
        service.request_head().unwrap();
        clients.push(client);
        services.push(service);
    }
    for (client, service) in clients.iter_mut().zip(&mut services) {
        for _ in 0..CRUMBS {
            client.socket().write_all(b"1\r\nx\r\n").unwrap();
            assert_eq!(service.chunk().unwrap(), b"x");
        }
    }
    assert_memory_is_bounded(&gateway);
    assert!(gateway.count("seawall_replay_bytes", "") >= 4 * CRUMBS);
    drop((clients, services));
    let held = || gateway.count("seawall_replay_bytes", "");
    eventually("replay memory given back", || (held() == 0).then_some(()));
}
