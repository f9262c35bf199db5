//! How a gateway is started, reloaded and ended, and what it does with requests that are no good.
//! What fails behind it is in `faults`, ordinary traffic in `traffic`.

#![expect(clippy::unwrap_used, reason = "a test's helpers fail like the test itself")]

#[expect(dead_code, reason = "shared by all end-to-end tests; this file needs a part of it")]
mod support;

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt as _, Empty};
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustix::process::Signal;
use serde_json::Value;

use support::backend::{Backend, ID, Refusing, Turn};
use support::client::{Answer, Connection, get};
use support::clock::eventually;
use support::gateway::{Ended, Gateway, finish, seawall};
use support::load::{OnClose, Plan, fire};
use support::shop::Shop;

/// Longer than a stop of an idle gateway takes, by more than ten times.
const STOP: Duration = Duration::from_secs(30);

fn shop(endpoints: &[SocketAddr]) -> String {
    Shop::default().config(endpoints)
}

/// A backend that takes a second for `/slow` and answers everything else at once.
fn patient_backend() -> Backend {
    Backend::start(|seen| match seen.target() {
        "/slow" => Turn::slow(Duration::from_secs(1)),
        _ => Turn::status(200),
    })
}

/// Sends `GET /slow` and returns when the backend has it.
fn begin_slow_request(gateway: &Gateway, backend: &Backend) -> Connection {
    let mut connection = Connection::to(gateway.address());
    connection.request("GET /slow", &[&format!("{ID}: slow")]);
    eventually("the slow request", || backend.by_id().contains_key("slow").then_some(()));
    connection
}

/// What an HTTP/2 client saw until its connection was closed.
struct OverH2 {
    good: usize,
    /// The id of a request without an answer, and what was said instead.
    unanswered: Option<(String, String)>,
}

/// Asks over one HTTP/2 connection, one request after another, until the gateway closes it.
async fn ask_over_h2(address: SocketAddr) -> OverH2 {
    let stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let (mut sender, connection) =
        http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    let mut pace = tokio::time::interval(Duration::from_millis(5));
    let asking = async {
        let mut good = 0;
        loop {
            pace.tick().await;
            if sender.ready().await.is_err() {
                return OverH2 { good, unanswered: None };
            }
            let id = format!("h2-{good}");
            let request = Request::get(format!("http://{address}/stock/1")).header(ID, &id);
            match sender.try_send_request(request.body(Empty::<Bytes>::new()).unwrap()).await {
                Ok(answer) => {
                    assert_eq!(answer.status(), 200);
                    answer.into_body().collect().await.unwrap();
                    good += 1;
                }
                Err(mut error) => {
                    // A request that is handed back never left the client, which can ask elsewhere.
                    let unsent = error.take_message().is_some();
                    let why = format!("{:?}", error.error());
                    return OverH2 { good, unanswered: (!unsent).then_some((id, why)) };
                }
            }
        }
    };
    // The connection runs beside, and ends when the sender does or the gateway closes it.
    let (seen, _closed) = tokio::join!(asking, connection);
    seen
}

#[test]
fn nothing_in_flight_fails_when_the_gateway_is_told_to_stop() {
    let backend = patient_backend();
    let mut gateway = Gateway::to(&[backend.address()]);
    let address = gateway.address();
    let over_h2 = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.unwrap().block_on(ask_over_h2(address))
    });
    let mut status = None;
    let plan = Plan { on_close: OnClose::Leave, ..Plan::gets(address, 6_000) };
    let results = fire(&plan, |results| {
        results.wait_for(600);
        let mut slow = begin_slow_request(&gateway, &backend);
        gateway.signal(Signal::TERM);
        assert_eq!(slow.answer().status(), 200, "the slow request was in flight");
        status = Some(gateway.wait(STOP));
        results.stop();
    });
    assert_eq!(status.unwrap().code(), Some(0), "{}", gateway.stderr());
    assert_eq!(results.bad(), [], "of {} requests on kept connections", results.len());
    let OverH2 { good, unanswered } = over_h2.join().unwrap();
    assert!(good > 0, "the h2 client got no answer");
    // A request that crosses the GOAWAY on its way is not executed, and the client knows it (RFC
    // 9113 section 6.8); one that was executed must be answered.
    if let Some((id, why)) = unanswered {
        let executed = backend.by_id().contains_key(&id);
        let told = why.contains("GoAway") && why.contains("NO_ERROR");
        assert!(told && !executed, "{id} after {good} good answers, executed: {executed}; {why}");
    }
    assert!(TcpStream::connect(address).is_err(), "somebody still listens at {address}");
}

#[test]
fn a_second_signal_cuts_what_still_runs() {
    let backend = Backend::start(|_| Turn::Stall);
    let mut gateway = Gateway::to(&[backend.address()]);
    let mut connection = Connection::to(gateway.address());
    connection.request("GET /", &[]);
    backend.wait_for_requests(1);
    gateway.signal(Signal::TERM);
    gateway.wait_for_status("the drain", |status| status["state"] == "draining");
    assert_eq!(gateway.ask_admin("/readyz").status(), 503);
    assert!(gateway.poll_exit().is_none(), "a request is still in flight");
    gateway.signal(Signal::TERM);
    assert_eq!(gateway.wait(STOP).code(), Some(3), "{}", gateway.stderr());
    assert!(gateway.stderr().contains("1 connections were cut"), "{}", gateway.stderr());
    assert_eq!(connection.rest(), b"", "no answer was invented");
    backend.wait_for_hung_up(1);
}

#[test]
fn a_second_signal_also_ends_the_announcement() {
    let backend = Backend::answering(200);
    let config = shop(&[backend.address()]);
    let mut gateway = Gateway::with_config(&format!("[gateway]\nannounce = \"10m\"\n{config}"));
    gateway.signal(Signal::TERM);
    gateway.wait_for_status("the drain", |status| status["state"] == "draining");
    assert_eq!(get(gateway.address(), "/").status(), 200, "it announces, and still accepts");
    gateway.signal(Signal::TERM);
    assert_eq!(gateway.wait(STOP).code(), Some(0), "{}", gateway.stderr());
}

/// Reads the event stream until it tells this.
fn wait_for_event(gateway: &Gateway, text: &str) {
    let mut connection = Connection::to(gateway.admin());
    connection.request("GET /v1/events", &[&format!("Host: {}", gateway.admin())]);
    let head = connection.head().unwrap();
    assert_eq!(head.status, 200);
    let mut heard = String::new();
    while !heard.contains(text) {
        let chunk = connection.chunk().unwrap_or_else(|| unreachable!("it ended: {heard}"));
        heard.push_str(&String::from_utf8_lossy(&chunk));
    }
}

fn generation(gateway: &Gateway) -> u64 {
    gateway.status_json()["generation"].as_u64().unwrap()
}

fn ask_to_reload(gateway: &Gateway) -> Answer {
    let mut connection = Connection::to(gateway.admin());
    let host = format!("Host: {}", gateway.admin());
    connection.request("POST /v1/reload", &[&host, "Content-Length: 0"]);
    connection.answer()
}

#[test]
fn a_broken_file_leaves_the_old_config_in_force_and_says_what_to_mend() {
    let backend = Backend::answering(200);
    let good = shop(&[backend.address()]);
    let gateway = Gateway::with_config(&good);
    let line = good.lines().count() + 1;
    gateway.rewrite_config(&format!("{good}retri = \"off\"\n"));
    gateway.signal(Signal::HUP);
    gateway.wait_for_stderr("config not reloaded, the old one stays in force");
    let mistake = format!(
        "{}:{line}:1: unknown key \"retri\" in routes[0]; did you mean \"retry\"?",
        gateway.config_file().display()
    );
    gateway.wait_for_stderr(&mistake);
    wait_for_event(&gateway, "did you mean");

    let refused = ask_to_reload(&gateway);
    assert_eq!(refused.status(), 422, "{}", refused.text());
    let detail = refused.json()["detail"].as_str().unwrap().to_owned();
    assert!(detail.contains(&mistake), "{detail}");

    assert_eq!(generation(&gateway), 1);
    assert_eq!(get(gateway.address(), "/").status(), 200);
    assert!((1.5..2.5).contains(&gateway.metric("seawall_config_rejected_total", "")));
}

fn standing_of_first(status: &Value) -> &Value {
    &status["upstreams"][0]["endpoints"][0]["standing"]
}

/// A second upstream with a route of its own.
fn annex(endpoint: SocketAddr) -> String {
    format!(
        "[upstreams.annex]\nendpoints = [\"{endpoint}\"]\n\
         [[routes]]\npath = \"/annex\"\nupstream = \"annex\"\n"
    )
}

#[test]
fn a_reload_brings_new_routes_keeps_what_was_learned_and_harms_no_call() {
    let (refusing, backend) = (Refusing::start(), patient_backend());
    let other = Backend::answering(204);
    let upstream = "ejection = { consecutive = 2, base = \"5m\" }\nbalance = \"round-robin\"";
    let good =
        Shop { upstream, ..Shop::default() }.config(&[refusing.address(), backend.address()]);
    let gateway = Gateway::with_config(&good);
    eventually("an ejection", || {
        assert_eq!(get(gateway.address(), "/annex").status(), 200);
        (*standing_of_first(&gateway.status_json()) == "ejected").then_some(())
    });
    let attempts =
        |status: &Value| status["upstreams"][0]["endpoints"][0]["attempts_total"].clone();
    let before = attempts(&gateway.status_json());

    let mut slow = begin_slow_request(&gateway, &backend);
    gateway.rewrite_config(&format!("{good}{}", annex(other.address())));
    gateway.signal(Signal::HUP);
    gateway.wait_for_stderr("config reloaded, generation 2");
    assert_eq!(get(gateway.address(), "/annex").status(), 204, "the new route is live");
    assert_eq!(get(gateway.address(), "/").status(), 200);
    let status = gateway.status_json();
    let shop = status["upstreams"].as_array().unwrap().iter().find(|u| u["name"] == "shop");
    let shop = serde_json::json!({ "upstreams": [shop.unwrap()] });
    assert_eq!(standing_of_first(&shop), "ejected", "{status:#}");
    assert_eq!(attempts(&shop), before, "the ejected endpoint was asked again");
    assert_eq!(slow.answer().status(), 200, "the call that ran during the reload");

    gateway.rewrite_config(&good);
    let answer = ask_to_reload(&gateway);
    assert_eq!((answer.status(), &answer.json()["generation"]), (200, &Value::from(3)));
    assert_eq!(get(gateway.address(), "/annex").status(), 200, "the old route is back");
    assert_eq!(other.requests(), 1);
}

#[test]
fn a_reload_that_needs_a_taken_port_is_refused_whole() {
    let (backend, other) = (Backend::answering(200), Backend::answering(204));
    let good = shop(&[backend.address()]);
    let gateway = Gateway::with_config(&good);
    let held = TcpListener::bind("127.0.0.1:0").unwrap();
    let held = (held.local_addr().unwrap(), held);
    let listener = format!("[listeners.extra]\naddress = \"{}\"\n", held.0);
    gateway.rewrite_config(&format!("{good}{}{listener}", annex(other.address())));
    let answer = ask_to_reload(&gateway);
    assert_eq!(answer.status(), 422, "{}", answer.text());
    let text = answer.text();
    assert!(text.contains("extra") && text.contains(&held.0.to_string()), "{text}");
    assert_eq!(generation(&gateway), 1);
    assert_eq!(get(gateway.address(), "/annex").status(), 200, "its routes are not live either");
}

/// With huge pages what a peak took comes back in the background, minutes after it was given back.
#[test]
fn no_huge_pages_are_kept_for_a_gateway() {
    let backend = Backend::answering(200);
    let gateway = Gateway::with_config(&shop(&[backend.address()]));
    let status = std::fs::read_to_string(format!("/proc/{}/status", gateway.pid())).unwrap();
    let allowed = status.lines().find_map(|line| line.strip_prefix("THP_enabled:"));
    assert_eq!(allowed.map(str::trim), Some("0"), "{status}");
}

#[test]
fn a_taken_port_is_named_and_ends_with_status_2() {
    let held = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = held.local_addr().unwrap().to_string();
    let free = "127.0.0.1:0";
    for (listen, admin, who) in [(&*taken, free, "listener"), (free, &*taken, "admin")] {
        let to = "127.0.0.1:1";
        let args = ["run", "--to", to, "--listen", listen, "--admin", admin];
        let ended = finish(seawall(&args));
        assert_eq!(ended.code, Some(2), "{}", ended.stderr);
        let named = ended.stderr.contains(who) && ended.stderr.contains(&taken);
        assert!(named && ended.stderr.contains("in use"), "{}", ended.stderr);
        assert!(!ended.stderr.contains("panicked"), "{}", ended.stderr);
    }
}

/// Runs a subcommand on a file with this text.
fn on_file(text: &str, args: &[&str]) -> Ended {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("shop.toml");
    std::fs::write(&file, text).unwrap();
    finish(seawall(&[args, &[file.to_str().unwrap()]].concat()))
}

#[test]
fn a_config_that_cannot_work_is_refused_with_place_and_remedy() {
    let route = "[[routes]]\nupstream = \"shop\"\n";
    let upstream = "[upstreams.shop]\nendpoints = [\"127.0.0.1:9001\"]\n";
    let mistakes = [
        (format!("{upstream}breakr = \"off\"\n{route}"), ":3:1: ", "did you mean \"breaker\"?"),
        (format!("[upstreams.shop]\nendpoints = []\n{route}"), ":2:", "no endpoints"),
        (format!("{upstream}{route}timeouts = {{ total = \"0s\" }}\n"), ":5:", "zero"),
        (format!("{upstream}{route}timeouts = {{ attempt = \"0ms\" }}\n"), ":5:", "zero"),
        (format!("{upstream}[[routes]]\nupstream = \"shpo\"\n"), ":4:", "shop"),
        ("[upstreams.shop\n".to_owned(), ":1:", ""),
        (String::new(), "", "upstream"),
    ];
    for (text, place, remedy) in mistakes {
        for (args, code) in [(&["check"][..], 1), (&["run", "-c"], 2)] {
            let ended = on_file(&text, args);
            assert_eq!(ended.code, Some(code), "{args:?} of {text:?}: {}", ended.stderr);
            let said = ended.stderr.contains(place) && ended.stderr.contains(remedy);
            assert!(said, "{args:?} of {text:?}: {}", ended.stderr);
        }
        let json: Value =
            serde_json::from_str(&on_file(&text, &["check", "--json"]).stdout).unwrap();
        assert!(!json["mistakes"].as_array().unwrap().is_empty(), "{json:#}");
    }
}

#[test]
fn a_file_that_is_not_there_ends_with_status_2() {
    for args in [["check", "nowhere.toml"].as_slice(), &["run", "-c", "nowhere.toml"]] {
        let ended = finish(seawall(args));
        assert_eq!(ended.code, Some(2), "{}", ended.stderr);
        assert!(ended.stderr.contains("nowhere.toml"), "{}", ended.stderr);
    }
}

#[test]
fn check_explains_every_value_with_its_origin() {
    let text = shop(&["127.0.0.1:9001".parse().unwrap()]);
    let plain = on_file(&text, &["check"]);
    assert_eq!(plain.code, Some(0), "{}", plain.stderr);
    assert!(plain.stdout.contains("no mistakes"), "{}", plain.stdout);
    let explained = on_file(&text, &["check", "--explain"]);
    assert_eq!(explained.code, Some(0), "{}", explained.stderr);
    let lines: Vec<&str> = explained.stdout.lines().collect();
    let line = |path: &str| lines.iter().find(|line| line.starts_with(path)).copied();
    assert!(line("upstreams.shop.endpoints").unwrap().contains("shop.toml:"), "{lines:#?}");
    assert!(lines.iter().any(|line| line.contains("default")), "{lines:#?}");
    assert!(lines.iter().any(|line| line.trim_start().starts_with("1. ")), "the order is missing");
    let json = on_file(&text, &["check", "--json", "--explain"]);
    let json: Value = serde_json::from_str(&json.stdout).unwrap();
    assert!(!json["settings"].as_array().unwrap().is_empty(), "{json:#}");
    assert_eq!(json["mistakes"], Value::Array(Vec::new()));
}

#[test]
fn check_tells_what_will_hurt_and_what_a_file_allows() {
    let text = shop(&["127.0.0.1:9001".parse().unwrap()]);
    let short = format!("{text}timeouts = {{ total = \"1s\", attempt = \"400ms\" }}\n");
    let ended = on_file(&short, &["check"]);
    assert_eq!(ended.code, Some(1), "{}", ended.stderr);
    let says = "1s < 3 × 400ms + (50ms + 100ms) = 1.35s: 2 of 3 attempts fit";
    assert!(ended.stdout.contains("L2 warning  "), "{}", ended.stdout);
    assert!(ended.stdout.contains(says), "{}", ended.stdout);
    let json: Value = serde_json::from_str(&on_file(&short, &["check", "--json"]).stdout).unwrap();
    assert_eq!(json["findings"][0]["rule"], "L2", "{json:#}");
    let allowed = format!("{short}[lint]\nallow = [{{ rule = \"L2\", why = \"as meant\" }}]\n");
    let ended = on_file(&allowed, &["check"]);
    assert_eq!(ended.code, Some(0), "{}", ended.stdout);
    assert!(ended.stdout.contains("no findings; 1 allowed"), "{}", ended.stdout);
    let unknown = format!("{text}[assume]\ngateway = 4\n");
    let ended = on_file(&unknown, &["check"]);
    assert_eq!(ended.code, Some(1), "{}", ended.stdout);
    assert!(ended.stderr.contains("did you mean \"gateways\"?"), "{}", ended.stderr);
}

#[test]
fn status_shows_a_running_gateway_and_says_when_there_is_none() {
    let backend = Backend::answering(200);
    let gateway = Gateway::with_config(&shop(&[backend.address()]));
    assert_eq!(get(gateway.address(), "/").status(), 200);
    let admin = gateway.admin().to_string();
    let table = finish(seawall(&["status", "--admin", &admin]));
    assert_eq!(table.code, Some(0), "{}", table.stderr);
    let endpoint = backend.address().to_string();
    assert!(table.stdout.contains("shop") && table.stdout.contains(&endpoint), "{}", table.stdout);
    let json = finish(seawall(&["status", "--json", "--admin", &admin]));
    let json: Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!(json["upstreams"][0]["endpoints"][0]["address"], endpoint);

    let nobody = Refusing::start().address().to_string();
    let ended = finish(seawall(&["status", "--admin", &nobody]));
    assert_eq!(ended.code, Some(2), "{}", ended.stderr);
    assert!(ended.stderr.contains("is the gateway running?"), "{}", ended.stderr);
}

/// Whether the connection ends after the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Then {
    Closes,
    Stays,
}

/// Requests that must not be relayed: their bytes, the status, what becomes of the connection.
fn hostile() -> Vec<(String, u16, Then)> {
    use Then::{Closes, Stays};
    let long = |bytes: usize| "x".repeat(bytes);
    let line = |line: &str, lines: &str| format!("{line} HTTP/1.1\r\nHost: shop\r\n{lines}\r\n");
    let post = |lines: &str| format!("{}0\r\n\r\n", line("POST /", lines));
    vec![
        (post("Content-Length: 5\r\nContent-Length: 6\r\n"), 400, Closes),
        (post("Content-Length: 5, 6\r\n"), 400, Closes),
        (post("Content-Length: +5\r\n"), 400, Closes),
        (post("Content-Length: -1\r\n"), 400, Closes),
        (post("Content-Length : 5\r\n"), 400, Closes),
        (line("GET /", "X-A: one\r\n two\r\n"), 400, Closes),
        (line("GET /", " X-A: one\r\n"), 400, Closes),
        (line("GET /", "X A: one\r\n"), 400, Closes),
        (line("GET /", "X-A: a\0b\r\n"), 400, Closes),
        (line("GET /", "X-A: a\rb\r\n"), 400, Closes),
        (post("Transfer-Encoding: gzip, chunked\r\n"), 501, Closes),
        (post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"), 501, Closes),
        (line("GET /", "Host: other\r\n"), 400, Closes),
        ("GET / HTTP/1.1\r\n\r\n".to_owned(), 400, Closes),
        ("GET / HTTP/1.1\r\nHost: a b\r\n\r\n".to_owned(), 400, Closes),
        (line("GET /a%00b", ""), 400, Closes),
        (line("GET /a%zzb", ""), 400, Closes),
        (line(&format!("GET /{}", long(9_000)), ""), 414, Closes),
        (line("GET /", &format!("X-A: {}\r\n", long(40_000))), 431, Closes),
        (line("GET /", &"X-A: b\r\n".repeat(8_000)), 431, Closes),
        (line("GET /", "Expect: the-unexpected\r\n"), 417, Stays),
        (line("TRACE /", ""), 405, Stays),
    ]
}

#[test]
fn what_is_malformed_is_refused_and_never_reaches_a_backend() {
    let backend = Backend::answering(200);
    let gateway = Gateway::to(&[backend.address()]);
    let mut wrong = Vec::new();
    for (request, status, then) in hostile() {
        let shown: String = request.chars().take(70).collect();
        let mut connection = Connection::to(gateway.address());
        // The other side may close before it has read all of it.
        connection.try_send(&request).ok();
        let Some(head) = connection.head() else {
            wrong.push(format!("{shown:?}: no answer"));
            continue;
        };
        let closes = head.header("connection") == Some("close");
        if head.status != status || closes != (then == Then::Closes) {
            wrong.push(format!("{shown:?}: {head:?} instead of {status}, {then:?}"));
        }
        if closes && head.status == status {
            connection.finish_sending();
            connection.rest();
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert_eq!(backend.requests(), 0, "a hostile request was relayed: {:?}", backend.seen());
    assert_eq!(get(gateway.address(), "/").status(), 200, "the gateway lives on");
}

/// The parser hides the length beside the coding, so the request is served by the coding alone.
/// What counts is that nobody behind can read it in another way and that nothing follows it.
#[test]
fn a_request_with_two_framings_is_relayed_with_one_and_nothing_follows_it() {
    let (length, coding) = ("Content-Length: 4", "Transfer-Encoding: chunked");
    for framing in [format!("{length}\r\n{coding}"), format!("{coding}\r\n{length}")] {
        let backend = Backend::answering(200);
        let gateway = Gateway::to(&[backend.address()]);
        let mut connection = Connection::to(gateway.address());
        let smuggled = "GET /smuggled HTTP/1.1\r\nHost: shop\r\n\r\n";
        let head = format!("POST /order HTTP/1.1\r\nHost: shop\r\n{framing}\r\n\r\n");
        connection.send(format!("{head}0\r\n\r\n{smuggled}"));
        let answer = connection.answer();
        assert_eq!(answer.header("connection"), Some("close"), "{answer:?}");
        assert_eq!(connection.rest(), b"", "nothing follows the answer");
        for seen in backend.seen() {
            assert_eq!((seen.target(), seen.header("content-length")), ("/order", None));
        }
    }
}

#[test]
fn a_gateway_that_is_its_own_upstream_says_so() {
    let backend = Backend::answering(200);
    let gateway = Gateway::with_config(&shop(&[backend.address()]));
    gateway.rewrite_config(&shop(&[gateway.address()]));
    assert_eq!(ask_to_reload(&gateway).status(), 200);
    let answer = get(gateway.address(), "/");
    assert_eq!(answer.status(), 502, "{}", answer.text());
    assert_eq!(answer.json()["reason"], "loop_detected");
    assert_eq!(backend.requests(), 0);
}

#[test]
fn a_head_that_does_not_end_is_answered_with_408_and_closed() {
    let backend = Backend::answering(200);
    let config = Shop { listener: "header_timeout = \"300ms\"", ..Shop::default() };
    let gateway = Gateway::with_config(&config.config(&[backend.address()]));
    let mut connection = Connection::to(gateway.address());
    connection.send("GET / HTTP/1.1\r\nHost: shop\r\nX-Slow: ");
    let head = connection.head().expect("a head that began gets an answer");
    assert_eq!((head.status, head.header("connection")), (408, Some("close")));
    connection.rest();
    assert_eq!(backend.requests(), 0);
}
