//! What fails behind the gateway, with real processes and sockets: crashed, frozen, slow and broken
//! replicas, and what callers see of it. Signals, reloads and hostile callers are in `operation`,
//! ordinary traffic in `traffic`.

#![expect(clippy::panic, reason = "a test's helpers fail like the test itself")]

#[expect(dead_code, reason = "shared by all end-to-end tests; this file needs a part of it")]
mod support;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::Value;

use support::backend::replica::Replica;
use support::backend::{Backend, BlackHole, Refusing, Turn};
use support::client::{Answer, Connection, get};
use support::clock::eventually;
use support::gateway::Gateway;
use support::load::{Came, Plan, Results, fire};
use support::shop::Shop;

/// Six seconds at 300 a second.
const REQUESTS: u32 = 1_800;
/// When a third of the load is over, something happens.
const THIRD: usize = 600;
/// What a replica takes for a request, so that some are always in flight: about six of them.
const WORK: Duration = Duration::from_millis(20);

fn gateway(shop: &Shop, endpoints: &[SocketAddr]) -> Gateway {
    Gateway::with_config(&shop.config(endpoints))
}

fn replicas(folder: &tempfile::TempDir) -> Vec<Replica> {
    ["a", "b", "c"].map(|name| Replica::start(folder.path(), name, WORK)).into()
}

fn addresses(replicas: &[Replica]) -> Vec<SocketAddr> {
    replicas.iter().map(Replica::address).collect()
}

/// How often each id stands in the books of all replicas together.
fn booked(replicas: &[Replica]) -> BTreeMap<String, usize> {
    let mut booked = BTreeMap::new();
    for id in replicas.iter().flat_map(Replica::ids) {
        *booked.entry(id).or_default() += 1;
    }
    booked
}

fn post(gateway: &Gateway, lines: &[&str], body: &[u8]) -> Answer {
    let mut connection = Connection::to(gateway.address());
    let length = format!("Content-Length: {}", body.len());
    connection.request("POST /order", &[&[&*length], lines].concat());
    connection.send(body);
    connection.answer()
}

/// Asserts a local answer: its status and reason in every place where they stand.
#[track_caller]
fn assert_local(answer: &Answer, status: u16, reason: &str) {
    let text = answer.text();
    assert_eq!(answer.status(), status, "{text}");
    assert_eq!(answer.header("content-type"), Some("application/problem+json"), "{text}");
    assert_eq!(answer.header("seawall-why"), Some(reason), "{text}");
    let problem = answer.json();
    assert_eq!(problem["reason"], reason);
    assert_eq!(problem["status"], status);
    assert_eq!(problem["instance"].as_str(), answer.header("x-request-id"));
}

#[track_caller]
fn retry_after(answer: &Answer) -> u64 {
    let value = answer.header("retry-after").unwrap_or_else(|| panic!("none in {answer:?}"));
    value.parse().unwrap_or_else(|_| panic!("{value:?} is no number of seconds"))
}

/// No GET failed, and the extra attempts stayed within the budget: a fifth of the first attempts,
/// or ten a second over its window of ten seconds, whichever is more.
#[track_caller]
fn assert_all_served(gateway: &Gateway, results: &Results) {
    let (first, retries) = (gateway.total("first_attempts_total"), gateway.total("retries_total"));
    let bad = results.bad();
    assert!(bad.is_empty(), "{} of {} failed: {bad:?}", bad.len(), results.len());
    assert_eq!(results.len(), REQUESTS as usize, "the load did not run to its end");
    assert!(retries <= (first / 5).max(100) + 1, "{retries} retries for {first} calls");
    let (attempts, hedges) = (gateway.total("attempts_total"), gateway.total("hedges_total"));
    eprintln!("{first} calls, none failed, {retries} retries, {hedges} hedges");
    assert_eq!(attempts, first + retries + hedges, "an attempt is the first, a retry or a hedge");
    assert!(hedges <= first / 20, "{hedges} hedges for {first} calls");
    assert!(attempts * 100 <= first * 125, "{attempts} attempts for {first} calls");
}

#[test]
fn not_one_get_fails_when_a_replica_is_killed() {
    let folder = tempfile::tempdir().unwrap();
    let mut replicas = replicas(&folder);
    let gateway = Gateway::to(&addresses(&replicas));
    let results = fire(&Plan::gets(gateway.address(), REQUESTS), |results| {
        results.wait_for(THIRD);
        replicas[0].kill();
    });
    assert_all_served(&gateway, &results);
    let counts: Vec<usize> = replicas.iter().map(|replica| replica.ids().len()).collect();
    assert!(counts.iter().all(|count| *count > 100), "all took part before the kill: {counts:?}");
    assert!(gateway.total("retries_total") > 0, "the kill hit nothing: {counts:?}");
}

#[test]
fn a_post_without_key_is_never_seen_twice_when_a_replica_is_killed() {
    let folder = tempfile::tempdir().unwrap();
    let mut replicas = replicas(&folder);
    let gateway = Gateway::to(&addresses(&replicas));
    let results = fire(&Plan::posts(gateway.address(), REQUESTS), |results| {
        results.wait_for(THIRD);
        replicas[0].kill();
    });
    let (booked, bad) = (booked(&replicas), results.bad());
    let twice: Vec<_> = booked.iter().filter(|(_, times)| **times > 1).collect();
    let good = results.len() - bad.len();
    let counts = format!(
        "{} sent, {good} succeeded, {} failed, {} distinct ids in the books; bad: {bad:?}",
        results.len(),
        bad.len(),
        booked.len()
    );
    assert!(twice.is_empty(), "seen more than once: {twice:?}; {counts}");
    assert_eq!(results.len(), REQUESTS as usize, "{counts}");
    eprintln!("{counts}");
    let has_failed = |number: &u32| bad.iter().any(|(failed, _)| failed == number);
    let mut succeeded = (0..REQUESTS).filter(|number| !has_failed(number));
    let invented = succeeded.find(|number| !booked.contains_key(&number.to_string()));
    assert_eq!(invented, None, "it succeeded and no replica has seen it; {counts}");
    let failed_well = bad.iter().all(|(_, came)| *came == Came::Answer(502));
    assert!(failed_well, "a lost answer is a 502 and nothing worse: {counts}");
    assert!(bad.len() <= 64, "only what was in flight at the kill may fail: {counts}");
}

#[test]
fn gets_succeed_while_a_replica_is_frozen() {
    let folder = tempfile::tempdir().unwrap();
    let replicas = replicas(&folder);
    let shop =
        Shop { route: "timeouts = { total = \"5s\", attempt = \"300ms\" }", ..Shop::default() };
    let gateway = gateway(&shop, &addresses(&replicas));
    let results = fire(&Plan::gets(gateway.address(), REQUESTS), |results| {
        results.wait_for(THIRD);
        replicas[0].freeze();
        results.wait_for(2 * THIRD);
        replicas[0].thaw();
    });
    assert_all_served(&gateway, &results);
    let extra = gateway.total("retries_total") + gateway.total("hedges_total");
    assert!(extra > 0, "the freeze hit nothing");
}

#[test]
fn gets_succeed_and_go_elsewhere_while_a_replica_is_ten_times_slower() {
    let slow = Arc::new(AtomicBool::new(false));
    let moody = Backend::start({
        let slow = Arc::clone(&slow);
        move |_| Turn::slow(if slow.load(Ordering::Relaxed) { 10 * WORK } else { WORK })
    });
    let [one, other] = [(); 2].map(|()| Backend::start(|_| Turn::slow(WORK)));
    let gateway = Gateway::to(&[moody.address(), one.address(), other.address()]);
    let mut before = 0;
    let results = fire(&Plan::gets(gateway.address(), REQUESTS), |results| {
        results.wait_for(THIRD);
        before = moody.requests();
        slow.store(true, Ordering::Relaxed);
    });
    assert_all_served(&gateway, &results);
    let during = moody.requests() - before;
    assert!(before > 100, "it took its part while it was well: {before} of {THIRD}");
    assert!(during < 300, "a third of 1200 would be a fair part; the slow one got {during}");
}

#[test]
fn gets_succeed_while_half_the_answers_of_a_replica_are_503() {
    let ill = Arc::new(AtomicBool::new(false));
    let moody = Backend::start({
        let ill = Arc::clone(&ill);
        move |seen| match ill.load(Ordering::Relaxed) && seen.nth % 2 == 0 {
            true => Turn::status(503),
            false => Turn::slow(WORK),
        }
    });
    let [one, other] = [(); 2].map(|()| Backend::start(|_| Turn::slow(WORK)));
    let gateway = Gateway::to(&[moody.address(), one.address(), other.address()]);
    let results = fire(&Plan::gets(gateway.address(), REQUESTS), |results| {
        results.wait_for(THIRD);
        ill.store(true, Ordering::Relaxed);
    });
    assert_all_served(&gateway, &results);
    assert!(gateway.total("retries_total") > 0, "no 503 was met");
}

#[test]
fn refusing_replicas_give_503_with_the_reason_and_the_breaker_opens() {
    let [one, other] = [(); 2].map(|()| Refusing::start());
    let upstream = "hold = \"off\"\nbreaker = { min_calls = 5, open = \"20s\" }";
    let shop = Shop { upstream, ..Shop::default() };
    let gateway = gateway(&shop, &[one.address(), other.address()]);
    let first = get(gateway.address(), "/");
    assert_local(&first, 503, "connect_refused");
    assert!((1..=300).contains(&retry_after(&first)));
    let open = eventually("an open breaker", || {
        let answer = get(gateway.address(), "/");
        assert_eq!(answer.status(), 503);
        (answer.header("seawall-why") == Some("breaker_open")).then_some(answer)
    });
    assert_local(&open, 503, "breaker_open");
    // Twenty seconds with up to 10 % jitter on the cool-down and 25 % on the hint, less what has
    // passed since.
    assert!((2..=40).contains(&retry_after(&open)), "{open:?}");
    let attempts = gateway.total("attempts_total");
    assert_local(&get(gateway.address(), "/"), 503, "breaker_open");
    assert_eq!(gateway.total("attempts_total"), attempts, "an open breaker sends nothing");
}

#[test]
fn an_address_where_nobody_answers_gives_504_with_the_reason() {
    let hole = BlackHole::start();
    let upstream = "hold = \"off\"\npool = { connect = \"200ms\" }";
    let shop = Shop { upstream, ..Shop::default() };
    let gateway = gateway(&shop, &[hole.address()]);
    let answer = get(gateway.address(), "/");
    assert_local(&answer, 504, "connect_timeout");
    assert!((1..=300).contains(&retry_after(&answer)));
}

#[test]
fn a_service_that_never_answers_gives_504_with_the_reason() {
    let backend = Backend::start(|_| Turn::Stall);
    let route = "timeouts = { total = \"5s\", attempt = \"100ms\" }\nretry = \"off\"";
    let gateway = gateway(&Shop { route, ..Shop::default() }, &[backend.address()]);
    assert_local(&get(gateway.address(), "/"), 504, "attempt_timeout");
    backend.wait_for_hung_up(1);
}

#[test]
fn what_speaks_no_http_gives_502_with_the_reason() {
    let ssh = Backend::greeting(b"SSH-2.0-OpenSSH_9.7\r\n");
    let answers = |bytes: &'static [u8]| Backend::start(move |_| Turn::Raw(bytes.to_vec()));
    let backends = [
        ssh,
        answers(b"SSH-2.0-x\r\n\r\n"),
        answers(b"HTTP/1.1 2OO OK\r\n\r\n"),
        answers(&[0; 64]),
    ];
    for backend in &backends {
        let gateway = Gateway::to(&[backend.address()]);
        assert_local(&get(gateway.address(), "/"), 502, "response_malformed");
    }
}

#[test]
fn an_answer_with_an_oversized_head_gives_502_with_the_reason() {
    let lines = format!("X-Filler: {}\r\n", "x".repeat(8_000)).repeat(40);
    let backend = Backend::start(move |_| Turn::AnswerWith(200, lines.clone()));
    let gateway = Gateway::to(&[backend.address()]);
    assert_local(&get(gateway.address(), "/"), 502, "response_header_too_large");
    assert_eq!(backend.requests(), 1, "the next head would be as large");
}

#[test]
fn an_unasked_change_of_protocol_gives_502() {
    let head = b"HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n";
    let backend = Backend::start(|_| Turn::Raw(head.to_vec()));
    let gateway = Gateway::to(&[backend.address()]);
    let answer = get(gateway.address(), "/");
    assert_local(&answer, 502, "upgrade_failed");
}

#[test]
fn a_body_that_breaks_off_is_never_ended_cleanly_and_blames_the_endpoint() {
    let chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n";
    let cuts = [
        Turn::Cut { announced: 1_000, sent: 100 },
        Turn::Raw(chunked.to_vec()),
        Turn::Raw([chunked.as_slice(), b"zz\r\n"].concat()),
    ];
    for cut in cuts {
        let backend = Backend::start({
            let cut = cut.clone();
            move |_| cut.clone()
        });
        let gateway = Gateway::to(&[backend.address()]);
        let mut connection = Connection::to(gateway.address());
        connection.request("GET /", &[]);
        let head = connection.head().unwrap();
        assert_eq!(head.status, 200);
        let body = connection.rest();
        let clean = match head.header("content-length") {
            Some(length) => length.parse().ok() == Some(body.len()),
            None => body.ends_with(b"0\r\n\r\n"),
        };
        assert!(!clean, "{cut:?} was ended cleanly: {head:?}, {} bytes", body.len());
        gateway.wait_for_status("the endpoint to be blamed", |status| {
            let upstream = &status["upstreams"][0];
            upstream["endpoints"][0]["failures_total"] == 1
                && upstream["totals"]["failed_total"] == 1
        });
        assert_eq!(backend.requests(), 1, "nothing is repeated once an answer has begun");
    }
}

#[test]
fn a_rung_answers_when_the_service_cannot() {
    let refusing = Refusing::start();
    let route = "fallback = [{ content_type = \"application/json\", body = '[\"bestseller\"]' }]";
    let gateway = gateway(&Shop { route, ..Shop::default() }, &[refusing.address()]);
    let answer = get(gateway.address(), "/");
    assert_eq!((answer.status(), &*answer.text()), (200, "[\"bestseller\"]"));
    assert_eq!(answer.header("content-type"), Some("application/json"));
    let why = answer.header("seawall-why").unwrap_or_default();
    assert!(why.starts_with("fallback_default") && why.contains("connect_refused"), "{why}");
    assert_eq!(gateway.total("fallbacks_total"), 1);
    assert_eq!(gateway.total("failed_total"), 0);
}

#[test]
fn an_unsafe_post_that_was_never_sent_goes_to_another_replica() {
    let (refusing, backend) = (Refusing::start(), Backend::answering(200));
    let shop = Shop { upstream: "balance = \"round-robin\"", ..Shop::default() };
    let gateway = gateway(&shop, &[refusing.address(), backend.address()]);
    for number in 0..20 {
        let answer = post(&gateway, &[&format!("X-Test-Id: {number}")], b"one lamp");
        assert_eq!(answer.status(), 200, "{}", answer.text());
    }
    assert_eq!(backend.by_id().into_values().collect::<Vec<_>>(), [1; 20]);
    assert!(gateway.total("retries_total") > 0, "the refusing replica was never tried");
}

/// Two replicas of which the first request of all meets `first`, and every other one a 200.
fn first_meets(first: Turn) -> [Backend; 2] {
    let turns = Arc::new(AtomicUsize::new(0));
    [(); 2].map(|()| {
        let (turns, first) = (Arc::clone(&turns), first.clone());
        Backend::start(move |_| match turns.fetch_add(1, Ordering::SeqCst) {
            0 => first.clone(),
            _ => Turn::status(200),
        })
    })
}

fn seen(backends: &[Backend]) -> Vec<support::backend::Seen> {
    backends.iter().flat_map(Backend::seen).collect()
}

#[test]
fn a_post_with_a_key_is_retried_with_the_same_key() {
    let backends = first_meets(Turn::status(503));
    let gateway = Gateway::to(&backends.each_ref().map(Backend::address));
    let answer = post(&gateway, &["Idempotency-Key: \"order-7\""], b"one lamp");
    assert_eq!(answer.status(), 200, "{}", answer.text());
    let seen = seen(&backends);
    let keys: Vec<_> = seen.iter().map(|seen| seen.header("idempotency-key")).collect();
    assert_eq!(keys, [Some("\"order-7\""); 2]);
    assert!(seen.iter().all(|seen| seen.body == b"one lamp"));
    let ids: Vec<_> = seen.iter().map(|seen| seen.header("x-request-id")).collect();
    assert_eq!(ids[0], ids[1], "the attempts of a call share its id");
    assert!(backends.iter().all(|backend| backend.requests() == 1), "the other one is asked");
}

#[test]
fn a_post_without_a_key_gets_the_503_of_its_only_attempt() {
    let backends = first_meets(Turn::AnswerWith(503, "X-From: the-service\r\n".to_owned()));
    let gateway = Gateway::to(&backends.each_ref().map(Backend::address));
    let answer = post(&gateway, &[], b"one lamp");
    assert_eq!(answer.status(), 503);
    assert_eq!(answer.header("x-from"), Some("the-service"), "the answer is handed on as it was");
    assert_eq!(seen(&backends).len(), 1);
    assert!(gateway.latest_trail().contains("retry_denied: not_idempotent"));
}

#[test]
fn a_small_body_is_replayed_whole() {
    let backends = first_meets(Turn::Close);
    let gateway = Gateway::to(&backends.each_ref().map(Backend::address));
    let body: Vec<u8> = (0..32 << 10).map(|at: u32| at.to_le_bytes()[at as usize % 3]).collect();
    let answer = post(&gateway, &["Idempotency-Key: \"order-8\""], &body);
    assert_eq!(answer.status(), 200, "{}", answer.text());
    let seen = seen(&backends);
    assert_eq!(seen.len(), 2);
    assert!(seen.iter().all(|seen| seen.complete && seen.body == body), "a body was changed");
}

#[test]
fn a_body_above_the_replay_buffer_is_not_sent_again() {
    let backends = first_meets(Turn::Close);
    let gateway = Gateway::to(&backends.each_ref().map(Backend::address));
    let answer = post(&gateway, &["Idempotency-Key: \"order-9\""], &vec![b'x'; 1 << 20]);
    assert_local(&answer, 502, "connection_lost");
    assert_eq!(seen(&backends).len(), 1);
    let trail = gateway.latest_trail();
    assert!(trail.contains("retry_denied: replay_overflow"), "{trail}");
}

#[test]
fn connections_that_close_at_once_fail_no_get_and_double_no_post() {
    let backend = Backend::start(|_| Turn::AnswerThenClose(200));
    let gateway = Gateway::to(&[backend.address()]);
    let gets = fire(&Plan::gets(gateway.address(), 600), |_| {});
    assert_eq!(gets.bad(), [], "of {} GETs", gets.len());

    let backend = Backend::start(|_| Turn::AnswerThenClose(200));
    let gateway = Gateway::to(&[backend.address()]);
    let posts = fire(&Plan::posts(gateway.address(), 600), |_| {});
    let (bad, by_id) = (posts.bad(), backend.by_id());
    assert!(by_id.values().all(|times| *times == 1), "a POST was doubled: {by_id:?}");
    assert!(bad.iter().all(|(_, came)| *came == Came::Answer(502)), "{bad:?}");
    assert!(bad.len() <= 60, "a fresh connection is used where it counts: {} failed", bad.len());
}

#[test]
fn a_caller_that_leaves_frees_its_permit_and_ends_its_attempt() {
    let backend = Backend::start(|_| Turn::Stall);
    let shop = Shop { upstream: "bulkhead = { permits = 2, queue = 0 }", ..Shop::default() };
    let gateway = gateway(&shop, &[backend.address()]);
    let in_use =
        |count: u64| move |status: &Value| status["upstreams"][0]["bulkhead"]["in_use"] == count;
    let mut connection = Connection::to(gateway.address());
    connection.request("GET /", &[]);
    backend.wait_for_requests(1);
    gateway.wait_for_status("a permit in use", in_use(1));
    drop(connection);
    backend.wait_for_hung_up(1);
    let status = gateway.wait_for_status("the permit to be free", in_use(0));
    assert_eq!(status["upstreams"][0]["endpoints"][0]["failures_total"], 0, "{status:#}");
    assert!(gateway.latest_trail().ends_with("cancelled: the caller left"));
}
