//! Who is slow or silent is told so, or closed, at the right moment and not before.

use tokio::net::TcpSocket;

use super::*;

const SECOND: Duration = Duration::from_secs(1);

/// The timer wheel works in milliseconds and rounds up.
fn about(after: Duration, expected: Duration) {
    let within = expected..expected + Duration::from_millis(50);
    assert!(within.contains(&after), "after {after:?}, expected {expected:?}");
}

#[tokio::test(start_paused = true)]
async fn t79_a_head_that_does_not_end_is_408_ten_seconds_after_its_first_byte() {
    local(async {
        let site = Site::open().await;
        let mut stream = site.connect().await;
        tokio::time::sleep(5 * SECOND).await;
        stream.write_all(b"GET / HTTP/1.1\r\nHost: sh").await.unwrap();
        let told = told(&mut stream).await;
        about(told.after, 10 * SECOND);
        assert_eq!(told.statuses(), [408]);
        assert!(told.text.contains("content-type: application/problem+json\r\n"), "{told:?}");
        assert!(told.text.contains("connection: close\r\n"), "{told:?}");
        assert!(told.text.contains(r#""reason":"header_timeout"}"#), "{told:?}");
        assert!(site.shop.paths().is_empty());
        eventually(|| site.closed_only_by(Closed::HeaderTimeout) == 1).await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn t79_a_dripping_head_gains_no_time_on_a_kept_connection() {
    local(async {
        let site = Site::open().await;
        let mut stream = site.connect().await;
        stream.write_all(get("/first").as_bytes()).await.unwrap();
        until(&mut stream, "/first").await;
        tokio::time::sleep(30 * SECOND).await;
        let begun = clock::now();
        let mut sent = 0;
        for byte in get("/second").bytes().cycle() {
            if stream.write_all(&[byte]).await.is_err() || site.is_empty() {
                break;
            }
            sent += 1;
            tokio::time::sleep(SECOND).await;
        }
        // The client's last byte finds the socket closed, one parting second after the answer.
        assert!((10..=13).contains(&sent), "{sent} bytes");
        assert!(clock::now() - begun < 14 * SECOND);
        assert_eq!(site.closed_only_by(Closed::HeaderTimeout), 1);
        assert_eq!(site.shop.paths(), ["/first"]);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_connection_without_a_byte_is_closed_in_silence() {
    local(async {
        let site = Site::open().await;
        let told = site.raw("").await;
        about(told.after, 10 * SECOND);
        assert_eq!(told.text, "");
        eventually(|| site.closed_only_by(Closed::HeaderTimeout) == 1).await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_rested_is_served_as_before() {
    local(async {
        let site = Site::open().await;
        let mut stream = site.connect().await;
        for path in ["/first", "/second", "/third"] {
            stream.write_all(get(path).as_bytes()).await.unwrap();
            until(&mut stream, path).await;
            tokio::time::sleep(20 * SECOND).await;
        }
        assert_eq!(site.shop.paths(), ["/first", "/second", "/third"]);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_head_that_began_with_the_request_before_is_kept_and_has_its_time() {
    local(async {
        let site = Site::open().await;
        let mut stream = site.connect().await;
        let second = get("/second");
        let (begin, rest) = second.split_at(9);
        stream.write_all(format!("{}{begin}", get("/first")).as_bytes()).await.unwrap();
        until(&mut stream, "/first").await;
        tokio::time::sleep(5 * SECOND).await;
        stream.write_all(rest.as_bytes()).await.unwrap();
        until(&mut stream, "/second").await;
        stream.write_all(format!("{}{begin}", get("/third")).as_bytes()).await.unwrap();
        until(&mut stream, "/third").await;
        // One second until it is noticed that the connection is not at rest, then that of a head.
        let told = told(&mut stream).await;
        about(told.after, 11 * SECOND);
        assert_eq!(told.statuses(), [408]);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_idle_connection_is_closed_in_silence_after_75_seconds() {
    local(async {
        let site = Site::open().await;
        let mut stream = site.connect().await;
        stream.write_all(get("/one").as_bytes()).await.unwrap();
        until(&mut stream, "/one").await;
        tokio::time::sleep(40 * SECOND).await;
        stream.write_all(get("/two").as_bytes()).await.unwrap();
        until(&mut stream, "/two").await;
        let told = told(&mut stream).await;
        about(told.after, 75 * SECOND);
        assert_eq!(told.text, "");
        eventually(|| site.closed_only_by(Closed::Idle) == 1).await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn no_clock_runs_while_a_call_is_in_flight() {
    local(async {
        let site = Site::open().await;
        let mut stream = site.connect().await;
        stream.write_all(get("/wait").as_bytes()).await.unwrap();
        tokio::time::sleep(500 * SECOND).await;
        site.shop.gate.notify_one();
        until(&mut stream, "waited").await;
        about(told(&mut stream).await.after, 75 * SECOND);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_stops_is_closed_after_30_seconds_and_holds_little() {
    local(async {
        let site = Site::open().await;
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(16 << 10).unwrap();
        let mut stream = socket.connect(site.address).await.unwrap();
        stream.write_all(get("/endless").as_bytes()).await.unwrap();
        let after = eventually(|| site.is_empty()).await;
        // The kernel may take more for a while, by its own clock, which puts the stall off.
        assert!((30..90).contains(&after.as_secs()), "{after:?}");
        assert_eq!(site.closed_only_by(Closed::WriteStall), 1);
        // The kernel's own buffers grow to some megabytes; what we hold above them is the bound.
        assert!(site.shop.made.get() < 16 << 20, "{} bytes", site.shop.made.get());
    })
    .await;
}
