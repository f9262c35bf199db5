//! Records of calls, with real processes and sockets: what stands in them, what never does, and
//! what happens to traffic when they cannot be written.

#![expect(
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test's helpers fail like the test itself"
)]

#[expect(dead_code, reason = "shared by all end-to-end tests; this file needs a part of it")]
mod support;

use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rustix::process::Signal;
use tempfile::TempDir;

use seawall_config::record::{
    Call, Close, End, Failure, Header, Line, Micros, Reader, Tail, Verdict,
};
use seawall_core::call::{Role, Safety};
use seawall_core::hash::hash;
use seawall_core::outcome::Class;
use seawall_core::reason::Reason;

use support::backend::{Backend, Refusing, Turn};
use support::client::{Answer, Connection, get};
use support::clock::eventually;
use support::gateway::{Gateway, finish, seawall};

/// Longer than a stop of an idle gateway takes, by more than ten times.
const STOP: Duration = Duration::from_secs(30);

/// A place for a record that does not exist yet.
fn place() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("day.jsonl");
    (folder, file)
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// The header, the lines after it, and how the record ends.
fn read(path: &Path) -> (Header, Vec<Line>, Option<Tail>) {
    let mut reader = Reader::open(path).unwrap();
    let lines = reader.by_ref().map(Result::unwrap).collect();
    (reader.header().clone(), lines, reader.tail())
}

/// The calls in the order of their arrival.
fn calls(lines: &[Line]) -> Vec<&Call> {
    let mut calls: Vec<&Call> = lines
        .iter()
        .filter_map(|line| match line {
            Line::Call(call) => Some(call),
            _ => None,
        })
        .collect();
    calls.sort_by_key(|call| call.arrival);
    calls
}

#[track_caller]
fn last(lines: &[Line]) -> End {
    match lines.last() {
        Some(Line::End(end)) => *end,
        other => panic!("no last line: {other:?}"),
    }
}

fn ask(gateway: &Gateway, line: &str, lines: &[&str], body: &str) -> Answer {
    let mut connection = Connection::to(gateway.address());
    let length = format!("Content-Length: {}", body.len());
    connection.request(line, &[&[&*length, "Connection: close"], lines].concat());
    connection.send(body);
    connection.answer()
}

/// Answers with a body and a header, but the first request for `/flaky` with 503.
fn shop() -> Backend {
    let failed = AtomicBool::new(false);
    Backend::start(move |seen| {
        let flaky = seen.target().contains("flaky") && !failed.swap(true, Ordering::Relaxed);
        match seen.method() {
            _ if flaky => Turn::Answer(503, b"secret-error".to_vec()),
            "DELETE" => Turn::AnswerWith(200, "X-Note: secret-header\r\n".to_owned()),
            _ => Turn::Answer(200, b"secret-answer".to_vec()),
        }
    })
}

/// Three routes, and whatever `more` adds.
fn config(shop: &Backend, gone: &Refusing, more: &str) -> String {
    let (shop, gone) = (shop.address(), gone.address());
    format!(
        r#"
        [admin]
        address = "127.0.0.1:0"
        [listeners.web]
        address = "127.0.0.1:0"
        trust = ["127.0.0.0/8"]
        [upstreams.shop]
        endpoints = ["{shop}"]
        balance = "maglev"
        [upstreams.gone]
        endpoints = ["{gone}"]
        [[routes]]
        name = "browse"
        path = "/"
        upstream = "shop"
        affinity = "header:Customer-Id"
        [[routes]]
        name = "order"
        path = "/secret-order"
        upstream = "shop"
        priority = "critical"
        [[routes]]
        name = "best"
        path = "/secret-best"
        upstream = "gone"
        fallback = [{{ content_type = "text/plain", body = "secret-rung" }}]
        {more}
        "#
    )
}

/// Nothing of what callers and services said to each other.
#[track_caller]
fn assert_discreet(path: &Path, keys: &[&str]) {
    let text = std::fs::read_to_string(path).unwrap();
    let told = text.lines().find(|line| line.contains("secret"));
    assert_eq!(told, None, "no word of callers or services is in the record");
    for key in keys {
        let unsalted = format!("{:016x}", hash(0, key.as_bytes()));
        assert!(!text.contains(&unsalted), "the plain hash of {key} is in the record");
    }
}

#[test]
fn a_record_tells_of_retries_rungs_and_refusals_and_of_nothing_that_was_said() {
    let (shop, gone) = (shop(), Refusing::start());
    let (_folder, file) = place();
    let before = config(&shop, &gone, "");
    let mut gateway = Gateway::with_config_and_args(&before, &["--record", text(&file)]);
    let customer = ["Customer-Id: secret-customer", "Authorization: Bearer secret-token"];
    let asked = |line, lines: &[&str], body| ask(&gateway, line, lines, body).status();
    let keyed = ["Idempotency-Key: secret-key", "Cookie: secret=cookie"];

    assert_eq!(asked("GET /flaky/secret?secret=query", &customer, ""), 200);
    assert_eq!(asked("POST /secret-order", &keyed, "secret-body"), 200);
    assert_eq!(asked("POST /secret-order", &keyed, "secret-body"), 200);
    assert_eq!(asked("POST /secret-order", &[], "secret-body"), 200);
    assert_eq!(asked("DELETE /", &customer, ""), 200);
    assert_eq!(asked("GET /secret-best", &["Seawall-Timeout-Ms: 5000"], ""), 200);
    assert_eq!(asked("GET /secret-best", &["Seawall-Timeout-Ms: 0"], ""), 504);
    let new = "[[routes]]\nname = \"new\"\npath = \"/new\"\nupstream = \"shop\"";
    gateway.rewrite_config(&config(&shop, &gone, new));
    gateway.signal(Signal::HUP);
    gateway.wait_for_stderr("config reloaded, generation 2");
    assert_eq!(asked("GET /new", &[], ""), 200);
    gateway.signal(Signal::INT);
    assert_eq!(gateway.wait(STOP).code(), Some(0));

    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    assert_discreet(&file, &["secret-customer", "secret-key"]);
    let (header, lines, tail) = read(&file);
    let routes: Vec<&str> = header.tables.routes.iter().map(|route| &*route.name).collect();
    assert_eq!(routes, ["browse", "order", "best"]);
    assert_eq!(
        (&*header.tables.upstreams[1].name, header.tables.upstreams[1].endpoints),
        ("gone", 1)
    );
    assert_eq!(tail, Some(Tail::Whole));
    let end = last(&lines);
    assert_eq!((end.why, end.calls, end.lost), (Close::Stopped, 8, 0));
    let calls = calls(&lines);
    let [retried, order, again, plain, other, rung, refused, new] = calls[..] else {
        panic!("{calls:#?}")
    };
    assert_retried(retried);
    assert_eq!((&*order.route, order.safety, order.key), ("order", Safety::Keyed, again.key));
    assert!(order.key.is_some() && order.priority == seawall_core::shed::Class::Critical);
    assert_eq!((plain.safety, plain.key), (Safety::Unsafe, None));
    assert!(retried.affinity.is_some() && retried.affinity == other.affinity);
    assert_eq!((rung.verdict, rung.reason), (Verdict::Fallback, Some(Reason::ConnectRefused)));
    assert_eq!((rung.status, rung.deadline), (Some(200), Some(Micros(5_000_000))));
    let failures: Vec<_> = rung.attempts.iter().map(|attempt| attempt.failure).collect();
    assert!(!failures.is_empty() && failures.iter().all(|f| *f == Some(Failure::ConnectRefused)));
    assert_eq!((refused.verdict, refused.status), (Verdict::Rejected, Some(504)));
    assert_eq!(refused.reason, Some(Reason::DeadlineExpired));
    assert!(refused.attempts.is_empty() && refused.deadline == Some(Micros(0)));
    let reload = lines.iter().position(|line| matches!(line, Line::Reload(_))).unwrap();
    let after = lines.iter().position(|line| matches!(line, Line::Call(call) if call == new));
    assert!(Some(reload) < after && &*new.route == "new", "{lines:#?}");
}

/// The call that was answered at the second attempt.
#[track_caller]
fn assert_retried(call: &Call) {
    assert_eq!((&*call.route, call.safety), ("browse", Safety::Idempotent));
    assert_eq!((call.verdict, call.status, call.reason), (Verdict::Answer, Some(200), None));
    let [first, second] = call.attempts[..] else { panic!("{call:#?}") };
    assert_eq!((first.status, first.class, first.role), (Some(503), Class::Failure, Role::First));
    assert_eq!(
        (second.status, second.class, second.role),
        (Some(200), Class::Success, Role::Retry)
    );
    assert_eq!((first.endpoint, second.endpoint), (0, 0));
    assert!(second.begun.0 >= first.begun.0 + first.latency.0, "one after the other: {call:#?}");
    assert!(second.begun.0 + second.latency.0 <= call.latency.0 + 1, "{call:#?}");
}

#[test]
fn traffic_goes_on_when_the_record_cannot_be_written() {
    let backend = Backend::answering(200);
    let mut gateway = Gateway::with_args(&[backend.address()], &["--record", "/dev/full"]);
    for _ in 0..20 {
        assert_eq!(get(gateway.address(), "/").status(), 200);
    }
    eventually("the loss", || {
        (gateway.count("seawall_record_dropped_total", "") == 20).then_some(())
    });
    for _ in 0..20 {
        assert_eq!(get(gateway.address(), "/").status(), 200);
    }
    eventually("the rest", || {
        (gateway.count("seawall_record_dropped_total", "") == 40).then_some(())
    });
    assert_eq!(gateway.count("seawall_record_lines_total", ""), 0);
    gateway.signal(Signal::INT);
    assert_eq!(gateway.wait(STOP).code(), Some(0));
    assert_eq!(gateway.stderr().matches("the record cannot be written").count(), 1);
}

#[test]
fn a_killed_gateway_leaves_a_record_that_can_be_read() {
    let backend = Backend::answering(200);
    let (_folder, file) = place();
    let mut gateway = Gateway::with_args(&[backend.address()], &["--record", text(&file)]);
    for _ in 0..50 {
        assert_eq!(get(gateway.address(), "/").status(), 200);
    }
    eventually("a flush", || (gateway.count("seawall_record_lines_total", "") == 50).then_some(()));
    gateway.signal(Signal::KILL);
    gateway.wait(STOP);
    let (_, lines, tail) = read(&file);
    assert_eq!((calls(&lines).len(), tail), (50, Some(Tail::Open)));
}

#[test]
fn a_record_ends_at_its_size_and_traffic_does_not() {
    let backend = Backend::answering(200);
    let (_folder, file) = place();
    let more = ["--record", text(&file), "--record-max-bytes", "4KiB"];
    let mut gateway = Gateway::with_args(&[backend.address()], &more);
    for _ in 0..60 {
        assert_eq!(get(gateway.address(), "/").status(), 200);
    }
    gateway.wait_for_stderr("the record is as large as it may be");
    assert_eq!(get(gateway.address(), "/").status(), 200);
    assert_eq!(gateway.count("seawall_record_dropped_total", ""), 0);
    assert!(std::fs::metadata(&file).unwrap().len() <= 4_096);
    let (_, lines, tail) = read(&file);
    let (end, calls) = (last(&lines), calls(&lines).len());
    assert_eq!((end.why, usize::try_from(end.calls).unwrap()), (Close::Full, calls));
    assert!((10..60).contains(&calls) && tail == Some(Tail::Whole), "{calls} calls");
    gateway.signal(Signal::INT);
    assert_eq!(gateway.wait(STOP).code(), Some(0));
}

#[test]
fn a_file_that_exists_is_never_overwritten() {
    let (folder, file) = place();
    std::fs::write(&file, "yesterday").unwrap();
    let run = |record: &Path, listen: &str| {
        let to = ["--to", "127.0.0.1:1", "--admin", "off", "--listen", listen];
        finish(seawall(&[&["run", "--record", text(record)], &to[..]].concat()))
    };
    let ended = run(&file, "127.0.0.1:0");
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(ended.stderr.contains("never written over another file"), "{}", ended.stderr);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "yesterday");
    let nowhere = run(&folder.path().join("no/day.jsonl"), "127.0.0.1:0");
    assert!(nowhere.stderr.contains("make its folder first"), "{}", nowhere.stderr);
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let fresh = folder.path().join("fresh.jsonl");
    let ended = run(&fresh, &taken.local_addr().unwrap().to_string());
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(!fresh.exists(), "a gateway that did not start leaves no record");
}

#[test]
fn the_size_of_a_record_needs_a_unit_and_a_record() {
    let run = |more: &[&str]| finish(seawall(&[&["run", "--to", "127.0.0.1:1"], more].concat()));
    let alone = run(&["--record-max-bytes", "1MiB"]);
    assert!(alone.code == Some(2) && alone.stderr.contains("--record <FILE>"), "{alone:?}");
    let bare = run(&["--record", "never-made.jsonl", "--record-max-bytes", "1000"]);
    assert!(bare.code == Some(2) && bare.stderr.contains("has no unit"), "{bare:?}");
}
