//! Scripted peers for the tests of this crate: raw servers on loopback that say exactly what a
//! test tells them. Nothing here is compiled into the product.

use std::{
    future::Future,
    net::{Ipv4Addr, SocketAddr, TcpStream as StdStream},
    time::Duration,
};

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Full};
use socket2::{Domain, SockRef, Socket, Type};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::LocalSet,
    time::Instant,
};

use crate::{Lease, Pool, Reuse, clock};

pub(crate) const OK: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

/// Runs a test in the surroundings of a worker: one thread and a set of local tasks. A test that
/// waits for what never comes fails after 30 s instead of hanging.
pub(crate) async fn on_worker<T>(test: impl Future<Output = T>) -> T {
    let bounded = tokio::time::timeout(Duration::from_secs(30), test);
    LocalSet::new().run_until(bounded).await.expect("the test waits for what never comes")
}

/// An address at which nobody listens. The port stays bound, so that no other test gets it.
#[derive(Debug)]
pub(crate) struct DeadEnd {
    socket: Socket,
}

impl DeadEnd {
    pub(crate) fn bind() -> Self {
        Self { socket: bound() }
    }

    pub(crate) fn endpoint(&self) -> SocketAddr {
        address(&self.socket)
    }
}

fn bound() -> Socket {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into()).unwrap();
    socket
}

/// A listener whose accept queue is full, so that the kernel drops further SYNs.
#[derive(Debug)]
pub(crate) struct BlackHole {
    listener: Socket,
    _queued: Vec<StdStream>,
}

impl BlackHole {
    pub(crate) fn open() -> Self {
        Self::of(bound())
    }

    fn of(listener: Socket) -> Self {
        listener.listen(0).unwrap();
        // A backlog of zero holds one connection.
        let queued = vec![StdStream::connect(address(&listener)).unwrap()];
        Self { listener, _queued: queued }
    }

    pub(crate) fn endpoint(&self) -> SocketAddr {
        address(&self.listener)
    }
}

fn address(socket: &Socket) -> SocketAddr {
    socket.local_addr().unwrap().as_socket().unwrap()
}

/// A server that hands each accepted connection to the test.
#[derive(Debug)]
pub(crate) struct Server {
    listener: TcpListener,
}

impl Server {
    pub(crate) async fn bind() -> Self {
        Self { listener: TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap() }
    }

    pub(crate) fn endpoint(&self) -> SocketAddr {
        self.listener.local_addr().unwrap()
    }

    /// Fills the accept queue: from now on the kernel drops SYNs.
    pub(crate) fn overflow(&self) -> BlackHole {
        BlackHole::of(SockRef::from(&self.listener).try_clone().unwrap())
    }

    /// Ends what [`overflow`](Self::overflow) began; a dropped SYN is repeated after 1 s.
    pub(crate) async fn recover(&self, hole: BlackHole) {
        SockRef::from(&self.listener).listen(128).unwrap();
        drop(hole);
        self.accept().await;
    }

    pub(crate) async fn accept(&self) -> Peer {
        Peer { stream: self.listener.accept().await.unwrap().0 }
    }
}

/// The far side of one connection.
#[derive(Debug)]
pub(crate) struct Peer {
    pub(crate) stream: TcpStream,
}

impl Peer {
    /// Reads up to the end of a request head; `None` at the end of the connection.
    pub(crate) async fn head(&mut self) -> Option<String> {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(self.stream.read_u8().await.ok()?);
        }
        Some(String::from_utf8(head).unwrap())
    }

    pub(crate) async fn say(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.unwrap();
    }

    /// Reads one request head and answers with `response`.
    pub(crate) async fn answer(&mut self, response: &[u8]) {
        self.head().await.unwrap();
        self.say(response).await;
    }

    /// Closes with a reset instead of an orderly end.
    pub(crate) fn reset(self) {
        SockRef::from(&self.stream).set_linger(Some(Duration::ZERO)).unwrap();
    }

    /// Waits until the other side has closed.
    pub(crate) async fn closed(&mut self) {
        let mut rest = [0; 1024];
        while self.stream.read(&mut rest).await.is_ok_and(|bytes| bytes > 0) {}
    }
}

/// A pool with a request body of known length.
pub(crate) type FullPool = Pool<Full<Bytes>>;

pub(crate) fn get() -> Request<Full<Bytes>> {
    Request::get("/").header("host", "upstream.test").body(Full::default()).unwrap()
}

/// A deadline that no test reaches.
pub(crate) fn late() -> Instant {
    clock::now() + Duration::from_secs(60)
}

/// Sends a GET on `lease`, has `peer` answer it, and reads the body to its end.
pub(crate) async fn exchange(lease: &mut Lease<Full<Bytes>>, peer: &mut Peer, answer: &[u8]) {
    let (response, ()) = tokio::join!(lease.send(get()), peer.answer(answer));
    response.unwrap().into_body().collect().await.unwrap();
}

/// A lease with the far side of its connection, which must be fresh.
pub(crate) async fn connect(pool: &FullPool, server: &Server) -> (Lease<Full<Bytes>>, Peer) {
    let (lease, peer) = tokio::join!(pool.checkout(Reuse::Any, late()), server.accept());
    let lease = lease.unwrap();
    assert!(!lease.is_reused());
    (lease, peer)
}

/// Lets other tasks run until `is_met`, which must come true.
pub(crate) async fn until(mut is_met: impl FnMut() -> bool) {
    while !is_met() {
        tokio::task::yield_now().await;
    }
}

/// Moves the clock without waiting, and lets real sockets go on afterwards.
pub(crate) async fn pass(time: Duration) {
    tokio::time::pause();
    tokio::time::advance(time).await;
    tokio::time::resume();
}
