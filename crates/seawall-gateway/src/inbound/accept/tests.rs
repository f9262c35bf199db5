//! What the accept loop does when the system has nothing left to give.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::task::LocalSet;

use super::*;
use crate::clock;
use crate::inbound::tests::Shop;

/// EMFILE on Linux.
const NO_DESCRIPTOR: i32 = 24;

#[test]
fn exhaustion_pauses_and_a_lost_connection_does_not() {
    // Numbers of Linux: EMFILE, ENFILE, ENOBUFS, ENOMEM, then ECONNABORTED and EINTR.
    for code in [NO_DESCRIPTOR, 23, 105, 12] {
        assert!(!is_of_one_connection(&Error::from_raw_os_error(code)), "{code}");
    }
    for code in [103, 4] {
        assert!(is_of_one_connection(&Error::from_raw_os_error(code)), "{code}");
    }
}

#[tokio::test(start_paused = true)]
async fn without_descriptors_accepting_pauses_and_idle_connections_end() {
    let test = async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (settings, handler) = (InboundSettings::default(), Rc::new(Shop::default()));
        let meters = Arc::<InboundMeters>::default();
        let house = House { settings, handler, meters: Arc::clone(&meters) };
        let mut floor = Floor::new(Rc::new(house));
        let mut idle = TcpStream::connect(address).await.unwrap();
        let (stream, remote) = listener.accept().await.unwrap();
        floor.admit(stream, remote);
        let _fresh = TcpStream::connect(address).await.unwrap();
        let (stream, remote) = listener.accept().await.unwrap();
        floor.admit(stream, remote);
        idle.write_all(b"GET /idle HTTP/1.1\r\nHost: shop\r\n\r\n").await.unwrap();
        assert!(idle.read(&mut [0; 1024]).await.unwrap() > 0);

        let begun = clock::now();
        floor.on_accept_error(&Error::from_raw_os_error(NO_DESCRIPTOR)).await;
        let paused = (clock::now() - begun).as_millis();
        assert!((50..=100).contains(&paused), "{paused} ms");
        assert_eq!(meters.accept_pauses.total(), 1);
        assert_eq!(idle.read(&mut [0; 1]).await.unwrap(), 0);
        drop(idle);
        let ended = floor.connections.join_next().await.unwrap();
        assert_eq!(ended.unwrap(), Closed::Squeezed);
        // One that has just come is not idle: its request may be on its way.
        assert_eq!(floor.connections.len(), 1);
    };
    LocalSet::new().run_until(test).await;
}
