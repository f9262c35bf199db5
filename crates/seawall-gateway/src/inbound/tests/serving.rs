//! What holds for friendly clients, for panics, and for more clients than there is room for.

use super::*;

#[tokio::test(start_paused = true)]
async fn pipelined_requests_are_served_in_order() {
    local(async {
        let site = Site::open().await;
        let last = "GET /3 HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n\r\n";
        let told = site.raw(format!("{}{}{last}", get("/1"), get("/2"))).await;
        assert_eq!(told.statuses(), [200, 200, 200]);
        assert_eq!(site.shop.paths(), ["/1", "/2", "/3"]);
        let places = ["/1", "/2", "/3"].map(|body| told.text.find(body).unwrap());
        assert!(places.is_sorted(), "{told:?}");
        eventually(|| site.closed_only_by(Closed::Finished) == 1).await;
        assert_eq!(site.meters.open.total(), 0);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_client_that_expects_100_gets_it_before_its_body() {
    local(async {
        let site = Site::open().await;
        let mut stream = site.connect().await;
        let head = "POST /post HTTP/1.1\r\nHost: shop\r\nContent-Length: 4\r\n\
                    Expect: 100-continue\r\nConnection: close\r\n\r\n";
        stream.write_all(head.as_bytes()).await.unwrap();
        assert_eq!(until(&mut stream, "\r\n\r\n").await, "HTTP/1.1 100 Continue\r\n\r\n");
        stream.write_all(b"abcd").await.unwrap();
        assert_eq!(told(&mut stream).await.statuses(), [200]);
        assert_eq!(site.shop.seen.borrow()[0].body, Ok(4));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_panic_is_500_for_its_call_and_the_connection_goes_on() {
    local(async {
        let site = Site::open().await;
        let told = site.raw(format!("{}{}", get("/panic"), get("/next"))).await;
        assert_eq!(told.statuses(), [500, 200]);
        assert!(told.text.contains(r#""reason":"internal"}"#), "{told:?}");
        assert_eq!(site.meters.panics.total(), 1);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_a_body_ends_its_connection_only() {
    local(async {
        let site = Site::open().await;
        let mut stream = site.connect().await;
        stream.write_all(get("/broken").as_bytes()).await.unwrap();
        // Never a clean end, which a body without a length would take for its own.
        let reset = stream.read_to_end(&mut Vec::new()).await.unwrap_err();
        assert_eq!(reset.kind(), std::io::ErrorKind::ConnectionReset);
        eventually(|| site.closed_only_by(Closed::Aborted) == 1).await;
        assert_eq!(site.meters.panics.total(), 1);
        assert_eq!(site.raw(get("/next")).await.statuses(), [200]);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn beyond_the_cap_a_connection_waits_for_another_to_end() {
    local(async {
        let settings = InboundSettings { connections: 1, ..InboundSettings::default() };
        let site = Site::with(settings).await;
        let mut first = site.connect().await;
        first.write_all(get("/first").as_bytes()).await.unwrap();
        until(&mut first, "/first").await;
        let mut second = site.connect().await;
        second.write_all(get("/second").as_bytes()).await.unwrap();
        tokio::time::sleep(Duration::from_secs(5)).await;
        assert_eq!(site.shop.paths(), ["/first"]);
        assert_eq!((site.meters.at_cap.total(), site.meters.open.total()), (1, 1));
        drop(first);
        until(&mut second, "/second").await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_client_that_leaves_drops_its_call() {
    local(async {
        let site = Site::open().await;
        let mut stream = site.connect().await;
        stream.write_all(get("/wait").as_bytes()).await.unwrap();
        eventually(|| !site.shop.paths().is_empty()).await;
        drop(stream);
        eventually(|| site.closed_only_by(Closed::PeerLeft) == 1).await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_last_answer_survives_bytes_that_nobody_reads() {
    local(async {
        let site = Site::open().await;
        // Refused at its first line; the rest is still on its way when the answer is written.
        let mut stream = site.connect().await;
        stream.write_all(b"BAD\0 / HTTP/1.1\r\n\r\n").await.unwrap();
        eventually(|| site.meters.accepted.total() == 1).await;
        stream.write_all(&CHUNK).await.unwrap();
        tokio::time::sleep(Duration::from_millis(100)).await;
        stream.write_all(&CHUNK).await.unwrap();
        assert_eq!(told(&mut stream).await.statuses(), [400]);
    })
    .await;
}
