//! Every product that is there: its configs are taken by itself, it answers, is killed, upgraded
//! and stopped. A product that is not there is passed over, and the test says so.

use super::*;
use crate::arena::{Arena, Ground, Seat};
use crate::scenario::Checks;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::thread;

const PRODUCTS: [Product; 5] =
    [Product::Seawall, Product::Nginx, Product::Haproxy, Product::Envoy, Product::Pingora];

/// A product that is there without fetching or building: of Seawall also what the tests of the
/// workspace build, which lies above the folder of our own test. One that is not there is noted for
/// the summary of the run; nobody has to have installed a peer.
fn there(product: Product) -> Option<Installed> {
    let installed = found(product).or_else(|| {
        let ours = std::env::current_exe().ok().filter(|_| product == Product::Seawall)?;
        let built = ours.parent()?.parent()?.join("seawall");
        program::installed(product, built).ok()
    });
    if installed.is_none() {
        eprintln!("{product} is not there");
        note_missing(product);
    }
    installed
}

/// `cargo xtask test` collects what was passed over, and why.
fn note_missing(product: Product) {
    let Some(file) = std::env::var_os("SEAWALL_SKIPPED") else { return };
    // The same line of every test: they go on without it.
    let line = format!("peer::tests with {product}: needs {product}\n");
    // One write, so that lines of tests that run side by side do not mix.
    let mut file = std::fs::OpenOptions::new().append(true).create(true).open(file).unwrap();
    file.write_all(line.as_bytes()).unwrap();
}

fn wanted(settings: Settings, arena: &Arena, endpoints: Vec<SocketAddr>) -> Wanted {
    Wanted {
        checks: Checks::On,
        admin: Some(([127, 0, 0, 1], arena.address(Seat::Gateway, 9901).port()).into()),
        ..Wanted::new(settings, arena.address(Seat::Gateway, 8080), endpoints)
    }
}

fn endpoints(ports: std::ops::Range<u16>) -> Vec<SocketAddr> {
    ports.map(|port| SocketAddr::from(([127, 0, 0, 1], port))).collect()
}

/// The config in all its forms.
fn variants(settings: Settings, arena: &Arena) -> Vec<Wanted> {
    let plain = wanted(settings, arena, endpoints(9001..9004));
    let aside = Aside { path: "/r2".to_owned(), endpoints: endpoints(9011..9013) };
    vec![
        Wanted { protocol: Protocol::Http2, ..plain.clone() },
        Wanted { aside: Some(aside), ..plain.clone() },
        Wanted { checks: Checks::Off, ..plain.clone() },
        Wanted { extras: Extras::LimitAndLog, ..plain },
    ]
}

#[test]
fn every_product_takes_its_configs() {
    let arena = Arena::build(3, Ground::Loopback).unwrap();
    for product in PRODUCTS {
        let Some(installed) = there(product) else { continue };
        for settings in [Settings::Default, Settings::Tuned] {
            for wanted in variants(settings, &arena) {
                let folder = tempfile::tempdir().unwrap();
                let path = write_config(product, &wanted, folder.path()).unwrap();
                let taken = validate(product, &installed, &wanted, folder.path());
                let text = std::fs::read_to_string(path).unwrap_or_default();
                assert!(taken.is_ok(), "{settings:?} {wanted:?}: {taken:?}\n{text}");
            }
        }
    }
}

#[test]
fn configs_name_every_endpoint_and_leave_no_blank() {
    let arena = Arena::build(3, Ground::Loopback).unwrap();
    for product in [Product::Seawall, Product::Nginx, Product::Haproxy, Product::Envoy] {
        for settings in [Settings::Default, Settings::Tuned] {
            let folder = tempfile::tempdir().unwrap();
            for wanted in variants(settings, &arena) {
                let path = write_config(product, &wanted, folder.path()).unwrap();
                let text = std::fs::read_to_string(path).unwrap();
                assert!(!text.contains("{{") && !text.contains("{%"), "{text}");
                let aside = wanted.aside.iter().flat_map(|aside| &aside.endpoints);
                for endpoint in wanted.endpoints.iter().chain(aside) {
                    assert!(text.contains(&endpoint.port().to_string()), "{endpoint}: {text}");
                }
            }
        }
    }
}

/// A replica that answers everything with 200 and one byte until the test ends.
fn replica() -> SocketAddr {
    replica_at(TcpListener::bind("127.0.0.1:0").unwrap())
}

fn replica_at(listener: TcpListener) -> SocketAddr {
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            thread::spawn(move || serve(stream));
        }
    });
    address
}

fn serve(mut stream: TcpStream) {
    let mut seen = Vec::new();
    let mut part = [0; 4096];
    while let Ok(length @ 1..) = stream.read(&mut part) {
        seen.extend_from_slice(&part[..length]);
        if seen.ends_with(b"\r\n\r\n") {
            let last = String::from_utf8_lossy(&seen).contains("connection: close");
            seen.clear();
            let sent = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\nx");
            if last || sent.is_err() {
                return;
            }
        }
    }
}

fn status(address: SocketAddr) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(stream, "GET /r0/x HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n").unwrap();
    let mut said = String::new();
    stream.read_to_string(&mut said).unwrap();
    said.lines().next().unwrap_or("").to_owned()
}

fn live(product: Product, settings: Settings, act: impl FnOnce(&mut Running<'_>)) {
    live_with((product, settings, Extras::None), act);
}

fn live_with(
    (product, settings, extras): (Product, Settings, Extras),
    act: impl FnOnce(&mut Running<'_>),
) {
    let Some(installed) = there(product) else { return };
    let arena = Arena::build(1, Ground::Loopback).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let replicas = vec![replica(), replica(), replica()];
    let program = Some(installed.program);
    let wanted = Wanted { extras, program, ..wanted(settings, &arena, replicas) };
    let mut running = start(product, &wanted, &arena, folder.path()).unwrap();
    assert!(status(running.address()).contains(" 200 "), "{product}");
    act(&mut running);
    let pids = running.pids();
    running.stop();
    assert!(!pids.iter().any(|id| Path::new(&format!("/proc/{id}/exe")).exists()));
}

#[test]
fn every_product_answers_costs_something_and_comes_back_after_a_crash() {
    for product in PRODUCTS {
        for settings in [Settings::Default, Settings::Tuned] {
            live(product, settings, |running| {
                let (cost, before) = (running.cost(), running.pids());
                assert!(cost.resident > 500_000 && cost.descriptors > 3, "{product}: {cost:?}");
                running.restart_hard().unwrap();
                assert!(status(running.address()).contains(" 200 "), "{product}");
                let shared = running.pids().iter().any(|id| before.contains(id));
                assert!(!shared, "{product} was not restarted");
            });
        }
    }
}

#[test]
fn products_serve_clients_of_another_namespace() {
    if !rustix::process::geteuid().is_root() {
        eprintln!("namespaces are for root");
        return;
    }
    for product in PRODUCTS {
        let Some(installed) = there(product) else { continue };
        let arena = Arena::build(1, Ground::Namespaces).unwrap();
        let address = arena.address(Seat::Replica(0), 9000);
        let bound = arena.within(Seat::Replica(0), || TcpListener::bind(address)).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let wanted = Wanted {
            client: arena.source(Seat::Client),
            program: Some(installed.program),
            ..wanted(Settings::Tuned, &arena, vec![replica_at(bound.unwrap())])
        };
        let running = start(product, &wanted, &arena, folder.path()).unwrap();
        let seen = arena.within(Seat::Client, || status(running.address())).unwrap();
        assert!(seen.contains(" 200 "), "{product}: {seen}");
        running.stop();
    }
}

#[test]
fn an_upgrade_replaces_the_process_that_serves() {
    for product in [Product::Nginx, Product::Haproxy, Product::Envoy, Product::Pingora] {
        live(product, Settings::Tuned, |running| {
            let before = running.pids();
            running.upgrade().unwrap();
            assert!(status(running.address()).contains(" 200 "), "{product}");
            let after = running.pids();
            assert!(after.iter().any(|id| !before.contains(id)), "{product}: {before:?} {after:?}");
        });
    }
}

#[test]
fn a_config_with_its_endpoints_in_another_order_is_taken_over() {
    for product in PRODUCTS {
        live(product, Settings::Default, |running| {
            let before = running.wanted.endpoints.clone();
            running.reload().unwrap();
            assert_ne!(running.wanted.endpoints, before);
            assert!(status(running.address()).contains(" 200 "), "{product}");
        });
    }
}

#[test]
fn a_config_that_seawall_refuses_is_no_reload() {
    live(Product::Seawall, Settings::Default, |running| {
        running.wanted.endpoints.clear();
        let refused = running.reload().unwrap_err().to_string();
        assert!(refused.contains("does not take its config"), "{refused}");
        assert!(status(running.address()).contains(" 200 "));
    });
}

#[test]
fn seawall_alone_tells_what_it_holds() {
    live(Product::Seawall, Settings::Default, |running| {
        let held = running.holds().unwrap();
        assert_eq!(held.len(), 7, "{held:?}");
        assert_eq!(held["seawall_bulkhead_in_use"], 0);
    });
    live(Product::Nginx, Settings::Default, |running| assert_eq!(running.holds(), None));
}

#[test]
fn what_cannot_be_upgraded_says_so() {
    live(Product::Seawall, Settings::Default, |running| {
        let refused = running.upgrade().unwrap_err().to_string();
        assert!(refused.contains("seawall cannot hand its listeners"), "{refused}");
    });
}

#[test]
fn seawall_writes_a_line_for_each_call_only_where_that_is_asked() {
    for (extras, logs) in [(Extras::None, false), (Extras::LimitAndLog, true)] {
        live_with((Product::Seawall, Settings::Default, extras), |running| {
            let read = || std::fs::read_to_string(running.folder.join("seawall.log")).ok();
            let written = || read().filter(|log| log.contains("/r0/x"));
            let patience = std::time::Duration::from_secs(if logs { 10 } else { 0 });
            assert_eq!(wait::until(patience, written).is_some(), logs, "{:?}", read());
        });
    }
}

#[test]
fn no_product_is_the_first_replica() {
    let arena = Arena::build(1, Ground::Loopback).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let wanted = wanted(Settings::Default, &arena, vec![replica()]);
    let running = start(Product::Direct, &wanted, &arena, folder.path()).unwrap();
    assert!(status(running.address()).contains(" 200 "));
    assert_eq!((running.pids(), running.cost()), (Vec::new(), Cost::default()));
}
