//! Hedges of the gateway, with real processes and sockets: who wins, what becomes of the loser, and
//! what is never sent twice side by side. Failures that retries hide are in `faults`.

#[expect(dead_code, reason = "shared by all end-to-end tests; this file needs a part of it")]
mod support;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use serde_json::Value;

use support::backend::replica::Replica;
use support::backend::{Backend, Seen, Turn};
use support::client::{Answer, Connection, get};
use support::clock::{Stopwatch, eventually};
use support::gateway::Gateway;
use support::load::{Plan, fire};
use support::shop::Shop;

/// Hedges after 30 ms, as many as there are calls, and endpoints in turn.
const EAGER: &str = "hedge = { after = \"30ms\", share = \"100%\" }\n\
    budget = { ratio = \"100%\" }\nbalance = \"round-robin\"";

/// Eight seconds at 300 a second.
const CALLS: u32 = 2_400;
/// What a replica takes for a request.
const WORK: Duration = Duration::from_millis(20);

fn gateway(backends: &[Backend], shop: &Shop) -> Gateway {
    let endpoints: Vec<SocketAddr> = backends.iter().map(Backend::address).collect();
    Gateway::with_config(&shop.config(&endpoints))
}

fn eager() -> Shop {
    Shop { upstream: EAGER, ..Shop::default() }
}

/// Two replicas of which the first request of all meets `first`, and every other one `then`.
fn first_meets(first: Turn, then: Turn) -> [Backend; 2] {
    let turns = Arc::new(AtomicUsize::new(0));
    [(); 2].map(|()| {
        let (turns, first, then) = (Arc::clone(&turns), first.clone(), then.clone());
        Backend::start(move |_| match turns.fetch_add(1, Ordering::SeqCst) {
            0 => first.clone(),
            _ => then.clone(),
        })
    })
}

fn seen(backends: &[Backend]) -> Vec<Seen> {
    backends.iter().flat_map(Backend::seen).collect()
}

fn hung_up(backends: &[Backend]) -> usize {
    backends.iter().map(Backend::hung_up).sum()
}

fn ask(gateway: &Gateway, line: &str, lines: &[&str], body: &[u8]) -> Answer {
    let mut connection = Connection::to(gateway.address());
    let length = format!("Content-Length: {}", body.len());
    connection.request(line, &[&[&*length], lines].concat());
    connection.send(body);
    connection.answer()
}

/// Nothing is held for anybody: no permit, no attempt at an endpoint, no connection in use.
#[track_caller]
fn wait_until_all_is_given_back(gateway: &Gateway) {
    gateway.wait_for_status("permits and places to be given back", |status| {
        let upstream = &status["upstreams"][0];
        let endpoints = upstream["endpoints"].as_array();
        let idle = |endpoint: &Value| endpoint["active"] == 0 && endpoint["pool"]["leased"] == 0;
        upstream["bulkhead"]["in_use"] == 0
            && endpoints.is_some_and(|endpoints| endpoints.iter().all(idle))
    });
}

#[test]
fn t84_t86_the_answer_of_the_hedge_wins_and_the_connection_of_the_loser_is_closed() {
    let backends = first_meets(Turn::Stall, Turn::status(200));
    let gateway = gateway(&backends, &eager());
    assert_eq!(get(gateway.address(), "/").status(), 200);
    eventually("the loser to be hung up on", || (hung_up(&backends) == 1).then_some(()));
    let attempts: Vec<_> = seen(&backends)
        .iter()
        .map(|seen| seen.header("seawall-attempt").map(str::to_owned))
        .collect();
    assert!(attempts.contains(&None) && attempts.contains(&Some("2".to_owned())), "{attempts:?}");
    let trail = gateway.latest_trail();
    for step in [", beside a slow one", "abandoned: attempt 1", "delivered: answer of attempt 2"] {
        assert!(trail.contains(step), "no {step:?} in\n{trail}");
    }
    let totals = ["first_attempts_total", "hedges_total", "retries_total", "attempts_total"];
    assert_eq!(totals.map(|name| gateway.total(name)), [1, 1, 0, 2]);
    assert_eq!(gateway.count("seawall_hedges_total", "shop"), 1);
    wait_until_all_is_given_back(&gateway);
}

#[test]
fn t85_requests_that_change_something_are_never_sent_side_by_side() {
    let slow = Duration::from_millis(150);
    let backends = [(); 2].map(|()| Backend::start(move |_| Turn::slow(slow)));
    let gateway = gateway(&backends, &eager());
    let key = "Idempotency-Key: \"order-1\"";
    let requests: [(&str, &[&str]); 4] = [
        ("POST /order", &[]),
        ("POST /order", &[key]),
        ("PUT /order/1", &[]),
        ("DELETE /order/1", &[]),
    ];
    for (line, lines) in requests {
        assert_eq!(ask(&gateway, line, lines, b"a lamp").status(), 200, "{line}");
    }
    assert_eq!(seen(&backends).len(), requests.len());
    assert_eq!(gateway.total("hedges_total"), 0);
}

#[test]
fn a_request_that_changes_nothing_is_hedged_with_its_body() {
    let backends = first_meets(Turn::Stall, Turn::status(200));
    let gateway = gateway(&backends, &eager());
    let body: Vec<u8> = (0..32 << 10).map(|at: u32| at.to_le_bytes()[at as usize % 3]).collect();
    assert_eq!(ask(&gateway, "GET /search", &[], &body).status(), 200);
    let seen = seen(&backends);
    assert_eq!(seen.len(), 2);
    assert!(seen.iter().all(|seen| seen.complete && seen.body == body), "a body was changed");
}

#[test]
fn a_body_that_is_not_kept_is_not_hedged() {
    let slow = Duration::from_millis(150);
    let backends = [(); 2].map(|()| Backend::start(move |_| Turn::slow(slow)));
    let gateway = gateway(&backends, &eager());
    let answer = ask(&gateway, "GET /search", &[], &vec![b'x'; 1 << 20]);
    assert_eq!(answer.status(), 200, "{}", answer.text());
    assert_eq!(seen(&backends).len(), 1);
    assert_eq!(gateway.total("hedges_total"), 0);
}

#[test]
fn the_long_answer_of_the_winner_arrives_whole() {
    let body: Vec<u8> = (0..4_u32 << 20).map(|at| at.to_le_bytes()[at as usize % 3]).collect();
    let backends = first_meets(Turn::Stall, Turn::Answer(200, body.clone()));
    let gateway = gateway(&backends, &eager());
    let answer = get(gateway.address(), "/");
    assert!(answer.status() == 200 && answer.body == body, "{} bytes", answer.body.len());
    wait_until_all_is_given_back(&gateway);
}

#[test]
fn t88_an_answer_that_could_be_retried_waits_for_the_attempt_beside_it() {
    let after =
        |millis, status| Turn::After(Duration::from_millis(millis), Box::new(Turn::status(status)));
    let backends = first_meets(after(100, 503), after(200, 200));
    let gateway = gateway(&backends, &eager());
    assert_eq!(get(gateway.address(), "/").status(), 200, "the good one wins, though later");
    assert_eq!(seen(&backends).len(), 2);
    assert_eq!(gateway.total("retries_total"), 0);
    wait_until_all_is_given_back(&gateway);
}

#[test]
fn t88_when_both_fail_the_last_answer_is_handed_on() {
    let after = |millis, line: &str| {
        let answer = Turn::AnswerWith(503, format!("X-From: {line}\r\n"));
        Turn::After(Duration::from_millis(millis), Box::new(answer))
    };
    let backends = first_meets(after(100, "the-first"), after(200, "the-hedge"));
    let shop = Shop { upstream: EAGER, route: "retry = \"off\"", ..Shop::default() };
    let gateway = gateway(&backends, &shop);
    let answer = get(gateway.address(), "/");
    assert_eq!((answer.status(), answer.header("x-from")), (503, Some("the-hedge")));
    wait_until_all_is_given_back(&gateway);
}

#[test]
fn t84_a_caller_that_leaves_ends_both_attempts() {
    let backends = [(); 2].map(|()| Backend::start(|_| Turn::Stall));
    let gateway = gateway(&backends, &eager());
    let mut caller = Connection::to(gateway.address());
    caller.request("GET /", &[]);
    backends.iter().for_each(|backend| backend.wait_for_requests(1));
    drop(caller);
    backends.iter().for_each(|backend| backend.wait_for_hung_up(1));
    wait_until_all_is_given_back(&gateway);
    assert!(gateway.latest_trail().contains("cancelled: the caller left"));
    assert_eq!(gateway.total("attempts_total"), 2, "nothing follows");
}

#[test]
fn attempts_that_run_out_of_time_side_by_side_are_both_given_up() {
    let backends = [(); 2].map(|()| Backend::start(|_| Turn::Stall));
    let route = "timeouts = { total = \"5s\", attempt = \"150ms\" }\nretry = \"off\"";
    let gateway = gateway(&backends, &Shop { upstream: EAGER, route, ..Shop::default() });
    let answer = get(gateway.address(), "/");
    assert_eq!(answer.header("seawall-why"), Some("attempt_timeout"), "{}", answer.text());
    backends.iter().for_each(|backend| backend.wait_for_hung_up(1));
    wait_until_all_is_given_back(&gateway);
}

#[test]
fn t86_a_thousand_hedged_calls_leave_nothing_taken() {
    let backends = [Backend::start(|_| Turn::Stall), Backend::answering(200)];
    // Whoever stalls would be left out for its silence.
    let upstream = "hedge = { after = \"5ms\", share = \"100%\" }\nbudget = { ratio = \"100%\" }\n\
        balance = \"round-robin\"\nejection = \"off\"\nbulkhead = { permits = 16 }";
    let gateway = gateway(&backends, &Shop { upstream, ..Shop::default() });
    thread::scope(|callers| {
        for _ in 0..4 {
            callers.spawn(|| {
                let mut connection = Connection::to(gateway.address());
                for _ in 0..520 {
                    connection.request("GET /", &[]);
                    assert_eq!(connection.answer().status(), 200);
                }
            });
        }
    });
    let hedges = gateway.total("hedges_total");
    assert!(hedges >= 1_000, "{hedges} hedges");
    assert_eq!(gateway.total("attempts_total"), 4 * 520 + hedges);
    wait_until_all_is_given_back(&gateway);
    backends[0].wait_for_hung_up(backends[0].requests());
    eventually("the losers' connections to end", || (backends[0].open() == 0).then_some(()));
    eprintln!("{hedges} hedges, {} connections to the winner", backends[1].connections());
}

#[test]
fn hedging_can_be_switched_off() {
    let slow = Duration::from_millis(150);
    let backends = [(); 2].map(|()| Backend::start(move |_| Turn::slow(slow)));
    let shop = Shop { upstream: "hedge = \"off\"", ..Shop::default() };
    let gateway = gateway(&backends, &shop);
    assert_eq!(get(gateway.address(), "/").status(), 200);
    assert_eq!(seen(&backends).len(), 1);
}

/// A load of GETs at default settings, of which one half meets something. Latencies are known after
/// some three seconds.
#[track_caller]
fn assert_nobody_waits(gateway: &Gateway, happens: impl FnOnce()) {
    let results = fire(&Plan::gets(gateway.address(), CALLS), |results| {
        results.wait_for(CALLS as usize / 2);
        happens();
        results.wait_for(CALLS as usize);
    });
    let within = |seconds: &str| {
        let edge = format!("le=\"{seconds}\"");
        gateway.count("seawall_call_duration_seconds_bucket", &edge)
    };
    let (calls, hedges) = (gateway.total("calls_total"), gateway.total("hedges_total"));
    let attempts = gateway.total("attempts_total");
    let times = ["0.05", "0.1", "0.25", "0.5", "1.0"].map(within);
    eprintln!("{calls} calls, {attempts} attempts, {hedges} hedges, within: {times:?}");
    assert!(results.bad().is_empty(), "{:?}", results.bad());
    // Attempts time out after three seconds: without a hedge, that is what some would wait.
    assert_eq!(within("1.0"), u64::from(CALLS), "calls waited for the bad one");
    assert!(hedges > 0, "nothing was met");
    assert!(attempts <= u64::from(CALLS) * 11 / 10, "{attempts} attempts");
}

#[test]
fn by_default_no_get_waits_long_for_a_replica_that_freezes() {
    let folder = tempfile::tempdir().unwrap();
    let replicas = ["a", "b", "c"].map(|name| Replica::start(folder.path(), name, WORK));
    let gateway = Gateway::to(&replicas.each_ref().map(Replica::address));
    assert_nobody_waits(&gateway, || replicas[0].freeze());
}

/// Three replicas, one of which takes as long as `work` says, once something has happened.
#[track_caller]
fn assert_nobody_waits_for_one_that(work: impl Fn(Duration) -> Duration + Send + Sync + 'static) {
    let (ill, started) = (Arc::new(AtomicBool::new(false)), Stopwatch::start());
    let moody = Backend::start({
        let ill = Arc::clone(&ill);
        move |_| match ill.load(Ordering::Relaxed) {
            true => Turn::slow(work(started.elapsed())),
            false => Turn::slow(WORK),
        }
    });
    let [one, other] = [(); 2].map(|()| Backend::start(|_| Turn::slow(WORK)));
    let gateway = Gateway::to(&[moody.address(), one.address(), other.address()]);
    assert_nobody_waits(&gateway, || ill.store(true, Ordering::Relaxed));
}

#[test]
fn by_default_no_get_waits_long_for_a_replica_that_is_slow_by_a_fifth_of_a_second() {
    assert_nobody_waits_for_one_that(|_| WORK + Duration::from_millis(200));
}

#[test]
fn by_default_no_get_waits_long_for_a_replica_that_is_slow_by_five_seconds() {
    assert_nobody_waits_for_one_that(|_| WORK + Duration::from_secs(5));
}

#[test]
fn by_default_no_get_waits_long_for_a_replica_that_pauses_again_and_again() {
    // The first 300 ms of each second.
    assert_nobody_waits_for_one_that(|time| {
        let into = Duration::from_nanos(u64::from(time.subsec_nanos()));
        WORK + Duration::from_millis(300).saturating_sub(into)
    });
}
