//! A drain loses no request; a forced one says what it cut.

use super::*;

async fn kept(site: &Site) -> TcpStream {
    let mut stream = site.connect().await;
    stream.write_all(get("/kept").as_bytes()).await.unwrap();
    until(&mut stream, "/kept").await;
    stream
}

#[tokio::test(start_paused = true)]
async fn running_calls_finish_and_new_connections_are_refused() {
    local(async {
        let mut site = Site::open().await;
        let mut stream = site.connect().await;
        stream.write_all(get("/wait").as_bytes()).await.unwrap();
        eventually(|| !site.shop.paths().is_empty()).await;
        site.stop.drain();
        tokio::time::sleep(Duration::from_secs(60)).await;
        let refused = TcpStream::connect(site.address).await.unwrap_err();
        assert_eq!(refused.kind(), std::io::ErrorKind::ConnectionRefused);
        site.shop.gate.notify_one();
        let told = told(&mut stream).await;
        assert!(told.text.contains("connection: close\r\n"), "{told:?}");
        assert!(told.text.ends_with("waited"), "{told:?}");
        drop(stream);
        assert_eq!(site.drained().await, Drained { ended: 1, cut: 0 });
        assert_eq!(site.closed_only_by(Closed::Drained), 1);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_request_that_crosses_the_drain_is_answered_with_close() {
    local(async {
        let mut site = Site::open().await;
        let mut stream = kept(&site).await;
        site.stop.drain();
        tokio::time::sleep(Duration::from_millis(900)).await;
        stream.write_all(get("/late").as_bytes()).await.unwrap();
        let told = told(&mut stream).await;
        assert_eq!(told.statuses(), [200]);
        assert!(told.text.contains("connection: close\r\n"), "{told:?}");
        assert!(told.after < Duration::from_millis(50), "{told:?}");
        drop(stream);
        assert_eq!(site.drained().await.cut, 0);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_head_begun_within_the_linger_may_end_after_it() {
    local(async {
        let mut site = Site::open().await;
        let mut stream = kept(&site).await;
        site.stop.drain();
        tokio::time::sleep(Duration::from_millis(500)).await;
        stream.write_all(b"GET /late HTTP/1.1\r\n").await.unwrap();
        tokio::time::sleep(Duration::from_secs(5)).await;
        stream.write_all(b"Host: shop\r\n\r\n").await.unwrap();
        assert_eq!(told(&mut stream).await.statuses(), [200]);
        drop(stream);
        assert_eq!(site.drained().await.cut, 0);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_quiet_connection_gets_a_clean_end_after_the_linger() {
    local(async {
        let mut site = Site::open().await;
        let mut stream = kept(&site).await;
        site.stop.drain();
        let told = told(&mut stream).await;
        assert_eq!(told.text, "");
        assert!(told.after >= Duration::from_secs(1), "{told:?}");
        assert!(told.after < Duration::from_millis(1050), "{told:?}");
        // What comes too late is read and dropped; the client sees an end, not a reset.
        stream.write_all(get("/too-late").as_bytes()).await.unwrap();
        drop(stream);
        assert_eq!(site.drained().await, Drained { ended: 1, cut: 0 });
        assert_eq!(site.shop.paths(), ["/kept"]);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_waits_in_the_accept_queue_is_served() {
    local(async {
        let mut site = Site::open().await;
        // Nothing is awaited in between, so the site cannot have accepted before the order.
        let mut streams = Vec::new();
        for _ in 0..20 {
            let mut stream = std::net::TcpStream::connect(site.address).unwrap();
            std::io::Write::write_all(&mut stream, get("/queued").as_bytes()).unwrap();
            streams.push(stream);
        }
        site.stop.drain();
        for stream in streams {
            stream.set_nonblocking(true).unwrap();
            let told = told(&mut TcpStream::from_std(stream).unwrap()).await;
            assert_eq!(told.statuses(), [200]);
            assert!(told.text.contains("connection: close\r\n"), "{told:?}");
        }
        assert_eq!(site.drained().await, Drained { ended: 20, cut: 0 });
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn force_cuts_running_calls_and_counts_them_alone() {
    local(async {
        let mut site = Site::open().await;
        let _quiet = kept(&site).await;
        let mut running = site.connect().await;
        running.write_all(get("/wait").as_bytes()).await.unwrap();
        eventually(|| site.shop.paths().len() == 2).await;
        site.stop.drain();
        site.stop.force();
        assert_eq!(site.drained().await, Drained { ended: 1, cut: 1 });
        let reset = running.read_to_end(&mut Vec::new()).await.unwrap_err();
        assert_eq!(reset.kind(), std::io::ErrorKind::ConnectionReset);
        assert_eq!(site.meters.closed_by(Closed::Cut), 1);
        assert_eq!(site.meters.open.total(), 0);
    })
    .await;
}

/// Sends requests with a pause in between until the site says `close`. Says how many were
/// answered; one that is not fails the test.
async fn shopper(address: SocketAddr, pause: Duration) -> u32 {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.set_nodelay(true).unwrap();
    for answered in 1.. {
        stream.write_all(get("/shop").as_bytes()).await.unwrap();
        if until(&mut stream, "/shop").await.contains("connection: close\r\n") {
            return answered;
        }
        tokio::time::sleep(pause).await;
    }
    unreachable!("the loop has no other end");
}

#[tokio::test(start_paused = true)]
async fn under_load_no_request_is_lost() {
    local(async {
        let mut site = Site::open().await;
        let mut shoppers = JoinSet::new();
        for number in 1..=30 {
            shoppers.spawn_local(shopper(site.address, Duration::from_millis(number * 31)));
        }
        tokio::time::sleep(Duration::from_secs(3)).await;
        site.stop.drain();
        let answered: u32 = shoppers.join_all().await.iter().sum();
        assert_eq!(usize::try_from(answered).unwrap(), site.shop.paths().len());
        assert!(answered > 200, "{answered}");
        assert_eq!(site.drained().await, Drained { ended: 30, cut: 0 });
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn workers_that_share_a_listener_drain_it_together() {
    local(async {
        let first = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        first.set_nonblocking(true).unwrap();
        let second = first.try_clone().unwrap();
        let address = first.local_addr().unwrap();
        let (shop, stop, meters) = (Rc::new(Shop::default()), Stop::new(), Arc::default());
        let mut serving = JoinSet::new();
        for listener in [first, second] {
            let listener = TcpListener::from_std(listener).unwrap();
            let (shop, meters) = (Rc::clone(&shop), Arc::clone(&meters));
            let settings = InboundSettings::default();
            serving.spawn_local(serve(listener, settings, shop, stop.clone(), meters));
        }
        let mut shoppers = JoinSet::new();
        for _ in 0..20 {
            shoppers.spawn_local(shopper(address, Duration::from_millis(100)));
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
        stop.drain();
        shoppers.join_all().await;
        let drained = serving.join_all().await;
        assert_eq!(drained.iter().map(|drained| drained.ended).sum::<u64>(), 20);
        assert_eq!((meters.accepted.total(), meters.open.total()), (20, 0));
    })
    .await;
}
