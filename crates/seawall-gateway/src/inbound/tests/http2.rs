//! HTTP/2 by prior knowledge: served, and closed where it is abused.

use h2::client::{ResponseFuture, SendRequest};
use hyper::client::conn::http2 as client;
use hyper_util::rt::TokioIo;

use super::super::streams::Streams;
use super::*;

/// An HTTP/2 client whose connection runs until the set is dropped.
async fn h2(site: &Site, window: u32) -> (SendRequest<Bytes>, JoinSet<Result<(), h2::Error>>) {
    let mut builder = h2::client::Builder::new();
    builder.initial_window_size(window);
    let (sender, connection) = builder.handshake(site.connect().await).await.unwrap();
    let mut tasks = JoinSet::new();
    tasks.spawn_local(connection);
    (sender.ready().await.unwrap(), tasks)
}

fn request(path: &str) -> Request<()> {
    Request::get(format!("http://shop{path}")).body(()).unwrap()
}

fn send(sender: &mut SendRequest<Bytes>, path: &str) -> ResponseFuture {
    sender.send_request(request(path), true).unwrap().0
}

#[tokio::test(start_paused = true)]
async fn a_request_with_prior_knowledge_is_answered() {
    local(async {
        let site = Site::open().await;
        let io = TokioIo::new(site.connect().await);
        let streams = Streams::default();
        let (mut sender, connection) =
            client::handshake::<_, _, http_body_util::Empty<Bytes>>(streams.starter(), io)
                .await
                .unwrap();
        let mut tasks = JoinSet::new();
        tasks.spawn_local(connection);
        for path in ["/one", "/two"] {
            let request = request(path).map(|()| http_body_util::Empty::new());
            let response = sender.send_request(request).await.unwrap();
            assert_eq!(response.version(), http::Version::HTTP_2);
            let body = response.into_body().collect().await.unwrap().to_bytes();
            assert_eq!(body, path.as_bytes());
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn rapid_resets_close_the_connection_at_the_fiftieth() {
    local(async {
        let site = Site::open().await;
        let (mut sender, mut tasks) = h2(&site, 65_535).await;
        let mut sent = 0;
        while !site.is_empty() && sent < 100 {
            let Ok((_, mut stream)) = sender.send_request(request("/wait"), true) else { break };
            tokio::time::sleep(Duration::from_millis(5)).await;
            stream.send_reset(h2::Reason::CANCEL);
            tokio::time::sleep(Duration::from_millis(5)).await;
            sent += 1;
        }
        assert_eq!(sent, 50);
        assert_eq!(site.closed_only_by(Closed::ResetFlood), 1);
        tasks.join_next().await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn answers_read_to_their_end_are_no_resets() {
    local(async {
        let site = Site::open().await;
        let (mut sender, _tasks) = h2(&site, 65_535).await;
        for _ in 0..200 {
            let mut body = send(&mut sender, "/ok").await.unwrap().into_body();
            assert_eq!(body.data().await.unwrap().unwrap(), "/ok");
        }
        assert_eq!(site.meters.open.total(), 1);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_closed_window_ends_the_connection_after_the_write_stall() {
    local(async {
        let site = Site::open().await;
        let (mut sender, _tasks) = h2(&site, 0).await;
        let _response = send(&mut sender, "/endless").await.unwrap();
        let after = eventually(|| site.is_empty()).await;
        assert!(after >= Duration::from_secs(29), "{after:?}");
        assert!(after < Duration::from_secs(32), "{after:?}");
        assert_eq!(site.closed_only_by(Closed::WriteStall), 1);
        assert!(site.shop.made.get() <= 128 << 10, "{} bytes", site.shop.made.get());
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_idle_connection_is_told_goodbye() {
    local(async {
        let site = Site::open().await;
        let (mut sender, mut tasks) = h2(&site, 65_535).await;
        drop(send(&mut sender, "/ok").await.unwrap());
        let begun = clock::now();
        tasks.join_next().await.unwrap().unwrap().unwrap();
        let after = clock::now() - begun;
        assert!(after >= Duration::from_secs(74), "{after:?}");
        assert!(after < Duration::from_secs(77), "{after:?}");
        eventually(|| site.closed_only_by(Closed::Idle) == 1).await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_preface_without_frames_is_closed_after_the_header_time() {
    local(async {
        let site = Site::open().await;
        let mut stream = site.connect().await;
        stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await.unwrap();
        let begun = clock::now();
        eventually(|| site.is_empty()).await;
        let after = clock::now() - begun;
        assert!((10..12).contains(&after.as_secs()), "{after:?}");
        assert_eq!(site.closed_only_by(Closed::HeaderTimeout), 1);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_drain_finishes_running_streams_and_ends() {
    local(async {
        let mut site = Site::open().await;
        let (mut sender, mut tasks) = h2(&site, 65_535).await;
        let running = send(&mut sender, "/wait");
        eventually(|| !site.shop.paths().is_empty()).await;
        site.stop.drain();
        tokio::time::sleep(Duration::from_secs(40)).await;
        assert!(sender.clone().ready().await.is_err(), "no new streams after GOAWAY");
        site.shop.gate.notify_one();
        let mut body = running.await.unwrap().into_body();
        assert_eq!(body.data().await.unwrap().unwrap(), "waited");
        tasks.join_next().await.unwrap().unwrap().unwrap();
        assert_eq!(site.drained().await, Drained { ended: 1, cut: 0 });
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_panic_is_500_on_its_stream_and_the_others_go_on() {
    local(async {
        let site = Site::open().await;
        let (mut sender, _tasks) = h2(&site, 65_535).await;
        let other = send(&mut sender, "/wait");
        let panicked = send(&mut sender, "/panic").await.unwrap();
        assert_eq!(panicked.status(), 500);
        site.shop.gate.notify_one();
        assert_eq!(other.await.unwrap().status(), 200);
        assert_eq!(site.meters.panics.total(), 1);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_cut_ends_the_calls_of_all_streams() {
    local(async {
        let mut site = Site::open().await;
        let (mut sender, _tasks) = h2(&site, 65_535).await;
        let _running = [(); 5].map(|()| send(&mut sender, "/wait"));
        eventually(|| site.shop.paths().len() == 5).await;
        assert_eq!(Rc::strong_count(&site.shop), 8, "site, listener, connection and five calls");
        site.stop.force();
        assert_eq!(site.drained().await, Drained { ended: 0, cut: 1 });
        eventually(|| Rc::strong_count(&site.shop) == 1).await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_listener_that_is_dropped_takes_its_calls_along() {
    local(async {
        let mut site = Site::open().await;
        let (mut sender, _tasks) = h2(&site, 65_535).await;
        let _running = send(&mut sender, "/wait");
        eventually(|| !site.shop.paths().is_empty()).await;
        site.serving.shutdown().await;
        eventually(|| Rc::strong_count(&site.shop) == 1).await;
        assert_eq!(site.meters.open.total(), 0);
    })
    .await;
}
