//! Outages of a whole upstream, with real processes and sockets: who is held, who is answered when
//! the service is back, and what is refused at once. Failures of single replicas are in `faults`.

#![expect(clippy::unwrap_used, reason = "a test's helpers fail like the test itself")]

#[expect(dead_code, reason = "shared by all end-to-end tests; this file needs a part of it")]
mod support;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::thread::JoinHandle;
use std::time::Duration;

use support::backend::Refusing;
use support::backend::replica::Replica;
use support::client::{Answer, Connection, get};
use support::clock::{Stopwatch, eventually};
use support::gateway::Gateway;
use support::shop::Shop;

/// What a replica takes for a request.
const WORK: Duration = Duration::from_millis(20);
/// Who asks while nobody is there, of each kind.
const CALLERS: usize = 20;

const NAMES: [&str; 3] = ["a", "b", "c"];

fn start(folder: &Path) -> Vec<Replica> {
    NAMES.map(|name| Replica::start(folder, name, WORK)).into()
}

/// The same again, each on its address and with its book.
fn restart(folder: &Path, addresses: &[SocketAddr]) -> Vec<Replica> {
    let replica = |(name, at): (&str, &SocketAddr)| Replica::start_at(folder, name, WORK, *at);
    NAMES.into_iter().zip(addresses).map(replica).collect()
}

/// Asks from a thread of its own.
fn ask(address: SocketAddr, id: String, method: &'static str) -> JoinHandle<Answer> {
    std::thread::spawn(move || {
        let mut connection = Connection::to(address);
        let (id, body) = (format!("X-Test-Id: {id}"), b"one lamp");
        if method == "GET" {
            connection.request("GET /", &[&id]);
        } else {
            let length = format!("Content-Length: {}", body.len());
            connection.request(&format!("{method} /order"), &[&id, &length]);
            connection.send(body);
        }
        connection.answer()
    })
}

/// Waits until the upstream holds so many calls.
fn wait_until_held(gateway: &Gateway, held: usize) {
    gateway.wait_for_status("calls that are held", |status| {
        status["upstreams"][0]["hold"]["held"].as_u64() == u64::try_from(held).ok()
    });
}

#[track_caller]
fn assert_refused(answer: &Answer, reason: &str) {
    assert_eq!(answer.status(), 503, "{}", answer.text());
    assert_eq!(answer.header("seawall-why"), Some(reason));
    assert_eq!(answer.json()["reason"], reason);
    let wait: u64 = answer.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=300).contains(&wait), "{wait}");
}

#[test]
fn who_asks_while_three_killed_replicas_are_away_is_answered_once_when_they_are_back() {
    let folder = tempfile::tempdir().unwrap();
    let mut replicas = start(folder.path());
    let addresses: Vec<_> = replicas.iter().map(Replica::address).collect();
    let gateway = Gateway::to(&addresses);
    for _ in 0..CALLERS {
        assert_eq!(get(gateway.address(), "/").status(), 200);
    }
    replicas.iter_mut().for_each(Replica::kill);
    let asked: Vec<_> = ["GET", "POST"]
        .into_iter()
        .flat_map(|method| (0..CALLERS).map(move |n| (method, format!("{method}-{n}"))))
        .map(|(method, id)| ask(gateway.address(), id, method))
        .collect();
    wait_until_held(&gateway, 2 * CALLERS);
    assert_eq!(gateway.count("seawall_upstream_outage", ""), 1);
    let back = restart(folder.path(), &addresses);
    let answers: Vec<_> = asked.into_iter().map(|asked| asked.join().unwrap()).collect();
    for answer in &answers {
        assert_eq!(answer.status(), 200, "{}", answer.text());
    }
    let mut booked: BTreeMap<String, usize> = BTreeMap::new();
    for id in back.iter().flat_map(Replica::ids).filter(|id| id.contains('-')) {
        *booked.entry(id).or_default() += 1;
    }
    booked.remove("-");
    assert_eq!(booked.len(), 2 * CALLERS, "{booked:?}");
    assert!(booked.values().all(|times| *times == 1), "sent once each: {booked:?}");
    let status = gateway.status_json();
    let upstream = &status["upstreams"][0];
    assert_eq!(upstream["hold"]["state"], "reachable");
    assert_eq!((&upstream["hold"]["held"], &upstream["hold"]["bytes"]), (&0.into(), &0.into()));
    assert_eq!(upstream["breaker"]["state"], "closed");
    assert!(upstream["endpoints"].as_array().unwrap().iter().all(|e| e["standing"] == "in"));
    assert!(gateway.count("seawall_held_calls_total", "") >= 2 * CALLERS as u64);
}

#[test]
fn a_service_that_is_back_is_seen_within_moments() {
    let folder = tempfile::tempdir().unwrap();
    let mut replicas = start(folder.path());
    let addresses: Vec<_> = replicas.iter().map(Replica::address).collect();
    let gateway = Gateway::to(&addresses);
    replicas.iter_mut().for_each(Replica::kill);
    let asked = ask(gateway.address(), "one".to_owned(), "GET");
    wait_until_held(&gateway, 1);
    let _back = restart(folder.path(), &addresses);
    let back = Stopwatch::start();
    assert_eq!(asked.join().unwrap().status(), 200);
    // A probe comes every 50 ms at least while the outage is this young; the rest is for a machine
    // that is busy with other tests.
    assert!(back.elapsed() < Duration::from_secs(2), "{:?}", back.elapsed());
}

#[test]
fn a_full_line_refuses_at_once_and_with_its_reason() {
    let refusing = Refusing::start();
    let shop = Shop { upstream: "hold = { calls = 1 }", ..Shop::default() };
    let gateway = Gateway::with_config(&shop.config(&[refusing.address()]));
    let _held = ask(gateway.address(), "one".to_owned(), "GET");
    wait_until_held(&gateway, 1);
    assert_refused(&get(gateway.address(), "/"), "hold_full");
    assert_eq!(gateway.count("seawall_hold_refused_total", ""), 1);
}

#[test]
fn a_call_that_was_held_in_vain_says_so() {
    let refusing = Refusing::start();
    let route = "timeouts = { total = \"500ms\", attempt = \"200ms\" }";
    let gateway =
        Gateway::with_config(&Shop { route, ..Shop::default() }.config(&[refusing.address()]));
    let asked = Stopwatch::start();
    assert_refused(&get(gateway.address(), "/"), "upstream_unreachable");
    assert!(asked.elapsed() >= Duration::from_millis(400), "{:?}", asked.elapsed());
    let trail = gateway.ask_admin("/v1/calls?limit=1").text();
    assert!(trail.contains("\"held\""), "{trail}");
    let events = gateway.stderr();
    assert!(events.contains("outage_began") || !events.contains("event"), "{events}");
}

#[test]
fn a_caller_that_leaves_gives_its_place_back() {
    let refusing = Refusing::start();
    let shop = Shop { upstream: "hold = { calls = 1 }", ..Shop::default() };
    let gateway = Gateway::with_config(&shop.config(&[refusing.address()]));
    let mut leaves = Connection::to(gateway.address());
    leaves.request("GET /", &[]);
    wait_until_held(&gateway, 1);
    drop(leaves);
    eventually("its place to be free", || {
        let status = gateway.status_json();
        (status["upstreams"][0]["hold"]["held"] == 0).then_some(())
    });
}
