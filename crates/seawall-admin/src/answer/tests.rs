//! Paths, methods, headers and refusals, asked without a socket. The socket is in
//! `tests/over_the_wire.rs`.

use std::sync::Mutex;

use http_body_util::{Either, Full};
use seawall_gateway::observe::{EventRecord, Status};
use tokio::sync::broadcast;

use super::*;

/// Says what it was told to say.
struct Still {
    readiness: Readiness,
    reload: Result<u64, String>,
    asked_calls: Mutex<Vec<usize>>,
    live: broadcast::Sender<Arc<EventRecord>>,
}

impl Default for Still {
    fn default() -> Self {
        let (live, _) = broadcast::channel(4);
        let asked_calls = Mutex::default();
        Self { readiness: Readiness::Ready, reload: Ok(7), asked_calls, live }
    }
}

impl Subject for Still {
    fn status(&self) -> Status {
        Status {
            name: "seawall".to_owned(),
            version: "0.1.0",
            generation: 1,
            state: "serving",
            uptime_ms: 5,
            workers: 2,
            connections: 3,
            upstreams: Vec::new(),
            routes: Vec::new(),
        }
    }

    fn readiness(&self) -> Readiness {
        self.readiness
    }

    fn metrics(&self) -> String {
        "# EOF\n".to_owned()
    }

    fn config(&self) -> serde_json::Value {
        serde_json::json!({ "generation": 1 })
    }

    fn calls(&self, limit: usize) -> Vec<CallRecord> {
        self.asked_calls.lock().unwrap().push(limit);
        Vec::new()
    }

    fn events(&self) -> (Vec<EventRecord>, broadcast::Receiver<Arc<EventRecord>>) {
        (Vec::new(), self.live.subscribe())
    }

    async fn reload(&self) -> Result<u64, String> {
        self.reload.clone()
    }
}

fn desk(subject: Still) -> Desk<Still> {
    // The sender may go: an end that nobody announces never comes.
    Desk::new(Arc::new(subject), watch::channel(false).1)
}

async fn ask_with<B>(desk: &Desk<Still>, target: (&str, &str), body: B) -> Response<Payload>
where
    B: Body<Data = Bytes>,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let (method, path) = target;
    let request = Request::builder().method(method).uri(path).header("host", "127.0.0.1:9900");
    answer(request.body(body).unwrap(), desk).await
}

async fn ask(subject: Still, method: &str, path: &str) -> Response<Payload> {
    ask_with(&desk(subject), (method, path), Full::<Bytes>::default()).await
}

async fn text_of(response: Response<Payload>) -> String {
    let Either::Left(body) = response.into_body() else { panic!("the answer has no end") };
    String::from_utf8(body.collect().await.unwrap().to_bytes().to_vec()).unwrap()
}

async fn json_of(response: Response<Payload>) -> serde_json::Value {
    serde_json::from_str(&text_of(response).await).unwrap()
}

fn header<'a>(response: &'a Response<Payload>, name: &str) -> &'a str {
    response.headers().get(name).map_or("", |value| value.to_str().unwrap())
}

const READABLE: [(&str, &str); 10] = [
    ("/", "text/html; charset=utf-8"),
    ("/assets/app.js", "text/javascript; charset=utf-8"),
    ("/healthz", TEXT),
    ("/readyz", TEXT),
    ("/metrics", OPEN_METRICS),
    ("/v1/openapi.json", JSON),
    ("/v1/status", JSON),
    ("/v1/config", JSON),
    ("/v1/calls", JSON),
    ("/v1/events", "text/event-stream"),
];

#[tokio::test]
async fn readable_paths_take_get_and_head_and_nothing_else() {
    for (path, media_type) in READABLE {
        for method in ["GET", "HEAD"] {
            let response = ask(Still::default(), method, path).await;
            assert_eq!(response.status(), 200, "{method} {path}");
            assert_eq!(header(&response, "content-type"), media_type, "{path}");
        }
        for method in ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"] {
            let response = ask(Still::default(), method, path).await;
            assert_eq!(response.status(), 405, "{method} {path}");
            assert_eq!(header(&response, "allow"), "GET, HEAD", "{method} {path}");
        }
    }
}

#[tokio::test]
async fn reload_takes_post_and_nothing_else() {
    let response = ask(Still::default(), "POST", "/v1/reload").await;
    assert_eq!(response.status(), 200);
    assert_eq!(json_of(response).await, serde_json::json!({ "generation": 7 }));
    for method in ["GET", "HEAD", "PUT", "OPTIONS"] {
        let response = ask(Still::default(), method, "/v1/reload").await;
        assert_eq!((response.status().as_u16(), header(&response, "allow")), (405, "POST"));
    }
}

#[tokio::test]
async fn a_rejected_config_is_a_problem_with_its_reason() {
    let subject = Still { reload: Err("shop.toml:3:1: no".to_owned()), ..Still::default() };
    let response = ask(subject, "POST", "/v1/reload").await;
    assert_eq!(response.status(), 422);
    assert_eq!(header(&response, "content-type"), "application/problem+json");
    let problem = json_of(response).await;
    assert_eq!(problem["reason"], "config_rejected");
    assert_eq!(problem["detail"], "shop.toml:3:1: no");
}

#[tokio::test]
async fn an_unknown_path_is_a_problem_that_shows_the_way() {
    for path in ["/nothing", "/v1", "/v2/status", "/assets/nothing.js", "/assets/../Cargo.toml"] {
        let response = ask(Still::default(), "GET", path).await;
        assert_eq!(response.status(), 404, "{path}");
        assert_eq!(header(&response, "content-type"), "application/problem+json");
        let problem = json_of(response).await;
        assert_eq!((&problem["reason"], &problem["status"]), (&"no_route".into(), &404.into()));
        assert!(problem["detail"].as_str().unwrap().contains("/v1/openapi.json"));
    }
}

#[tokio::test]
async fn readiness_says_why_not_and_when_to_ask_again() {
    assert_eq!(text_of(ask(Still::default(), "GET", "/readyz").await).await, "ready\n");
    let readiness = Readiness::NotReady("it is draining");
    let draining = || Still { readiness, ..Still::default() };
    let response = ask(draining(), "GET", "/readyz").await;
    assert_eq!((response.status().as_u16(), header(&response, "retry-after")), (503, "1"));
    assert_eq!(json_of(response).await["detail"], "it is draining");
    // The process lives all the same.
    assert_eq!(text_of(ask(draining(), "GET", "/healthz").await).await, "ok\n");
}

#[tokio::test]
async fn the_limit_of_calls_reaches_the_subject() {
    let desk = desk(Still::default());
    for (path, status) in
        [("/v1/calls", 200), ("/v1/calls?limit=3", 200), ("/v1/calls?limit=1001", 400)]
    {
        let response = ask_with(&desk, ("GET", path), Full::<Bytes>::default()).await;
        assert_eq!(response.status(), status, "{path}");
    }
    assert_eq!(*desk.subject.asked_calls.lock().unwrap(), [50, 3]);
}

#[tokio::test]
async fn every_answer_bears_the_headers_that_protect_the_page() {
    let paths = READABLE.into_iter().map(|(path, _)| path);
    for path in paths.chain(["/nothing", "/v1/reload", "/v1/calls?limit=x"]) {
        let response = ask(Still::default(), "GET", path).await;
        let policy = header(&response, "content-security-policy");
        assert!(policy.contains("default-src 'self'") && !policy.contains("unsafe"), "{path}");
        assert!(policy.contains("frame-ancestors 'none'"), "{path}");
        assert_eq!(header(&response, "x-content-type-options"), "nosniff", "{path}");
        assert_eq!(header(&response, "cross-origin-resource-policy"), "same-origin", "{path}");
        let is_page = path == "/" || path.starts_with("/assets/");
        let cache = if is_page { "no-cache" } else { "no-store" };
        assert_eq!(header(&response, "cache-control"), cache, "{path}");
    }
}

#[tokio::test]
async fn head_tells_the_length_and_sends_nothing() {
    let whole = text_of(ask(Still::default(), "GET", "/v1/status").await).await;
    let response = ask(Still::default(), "HEAD", "/v1/status").await;
    assert_eq!(header(&response, "content-length"), whole.len().to_string());
    assert_eq!(text_of(response).await, "");
}

#[tokio::test]
async fn a_foreign_host_is_misdirected_on_every_path() {
    for (path, _) in READABLE {
        let request = Request::get(path).header("host", "evil.test");
        let request = request.body(Full::<Bytes>::default()).unwrap();
        let response = answer(request, &desk(Still::default())).await;
        assert_eq!(response.status(), 421, "{path}");
        assert!(json_of(response).await["detail"].as_str().unwrap().contains("evil.test"));
    }
}

#[tokio::test]
async fn a_body_over_64_kib_is_refused_and_a_smaller_one_ignored() {
    let desk = desk(Still::default());
    for (length, status) in [(BODY_MAX, 200), (BODY_MAX + 1, 413)] {
        let body = Full::new(Bytes::from(vec![b'x'; length]));
        assert_eq!(ask_with(&desk, ("POST", "/v1/reload"), body).await.status(), status);
    }
}

/// A body that never comes.
struct Late;

impl Body for Late {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<http_body::Frame<Bytes>, Self::Error>>> {
        std::task::Poll::Pending
    }
}

#[tokio::test(start_paused = true)]
async fn a_body_that_never_ends_is_given_up() {
    let response = ask_with(&desk(Still::default()), ("POST", "/v1/reload"), Late).await;
    assert_eq!(response.status(), 408);
}

#[tokio::test]
async fn readers_of_events_are_bounded_and_give_their_place_back() {
    let desk = desk(Still::default());
    let mut readers = Vec::new();
    for _ in 0..EVENT_READERS_MAX {
        readers.push(ask_with(&desk, ("GET", "/v1/events"), Full::<Bytes>::default()).await);
    }
    let ask_again = || ask_with(&desk, ("GET", "/v1/events"), Full::<Bytes>::default());
    assert!(readers.iter().all(|response| response.status() == 200));
    assert_eq!(ask_again().await.status(), 503);
    readers.pop();
    assert_eq!(ask_again().await.status(), 200);
}
