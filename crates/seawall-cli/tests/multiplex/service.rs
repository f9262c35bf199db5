//! A service that speaks HTTP/2 in clear text and nothing else, in a thread of the test. What it
//! does with a request is said by its path.

use std::future::poll_fn;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use bytes::Bytes;
use h2::server::{Builder, SendResponse};
use h2::{Reason, RecvStream, SendStream};
use http::{HeaderMap, HeaderValue, Request, Response};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::support::clock::eventually;

/// How the service treats its connections.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Manner {
    /// Streams at once that it allows; `None` for any number.
    pub(crate) streams_max: Option<u32>,
    /// Every connection is told to end after so many requests, as servers do before they restart.
    pub(crate) leaves_after: Option<u32>,
    /// The first connection gets a GOAWAY, which excludes its first stream, when that comes.
    pub(crate) turns_away_first: bool,
}

/// What it saw.
#[derive(Debug, Default)]
pub(crate) struct Book {
    /// Heads of requests, in the order of arrival.
    pub(crate) heads: Vec<http::request::Parts>,
    /// Why callers reset their streams.
    pub(crate) resets: Vec<Reason>,
    /// Most requests at once on one connection.
    pub(crate) peak: usize,
}

#[derive(Debug)]
struct Shared {
    manner: Manner,
    book: Mutex<Book>,
    connections: AtomicUsize,
    refusals: AtomicUsize,
    released: watch::Sender<bool>,
}

/// A running service. It ends when dropped.
#[derive(Debug)]
pub(crate) struct Service {
    address: SocketAddr,
    shared: Arc<Shared>,
    stop: watch::Sender<bool>,
    thread: Option<JoinHandle<()>>,
}

impl Service {
    /// Starts one that takes everything.
    pub(crate) fn start() -> Self {
        Self::with(Manner::default())
    }

    /// Starts one of this manner.
    pub(crate) fn with(manner: Manner) -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            manner,
            book: Mutex::default(),
            connections: AtomicUsize::new(0),
            refusals: AtomicUsize::new(0),
            released: watch::Sender::new(false),
        });
        let stop = watch::Sender::new(false);
        let (stopped, serving) = (stop.subscribe(), Arc::clone(&shared));
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.unwrap().block_on(serve(listener, serving, stopped));
        });
        Self { address, shared, stop, thread: Some(thread) }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// What it saw so far.
    pub(crate) fn look<T>(&self, look: impl FnOnce(&Book) -> T) -> T {
        look(&self.shared.book.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// How many connections it accepted.
    pub(crate) fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::SeqCst)
    }

    /// How many requests came for `path`.
    pub(crate) fn requests(&self, path: &str) -> usize {
        self.look(|book| book.heads.iter().filter(|head| head.uri.path() == path).count())
    }

    /// Waits for so many requests for `path`.
    pub(crate) fn wait_for(&self, path: &str, count: usize) {
        eventually("requests", || (self.requests(path) >= count).then_some(()));
    }

    /// Lets requests for `/hold` be answered.
    pub(crate) fn release(&self) {
        self.shared.released.send_replace(true);
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.stop.send_replace(true);
        self.thread.take().map(JoinHandle::join);
    }
}

async fn serve(
    listener: std::net::TcpListener,
    shared: Arc<Shared>,
    mut stopped: watch::Receiver<bool>,
) {
    let listener = TcpListener::from_std(listener).unwrap();
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let Ok((stream, _)) = accepted else { continue };
                stream.set_nodelay(true).unwrap();
                let number = shared.connections.fetch_add(1, Ordering::SeqCst);
                if shared.manner.turns_away_first && number == 0 {
                    connections.spawn(turn_away(stream));
                } else {
                    connections.spawn(talk(stream, Arc::clone(&shared)));
                }
            }
            _ = stopped.wait_for(|stopped| *stopped) => return,
        }
    }
}

/// Exchanges settings, and answers the first request with a GOAWAY that names no stream.
async fn turn_away(mut stream: TcpStream) {
    let mut heard = vec![0; 64 << 10];
    let settings = [0, 0, 0, 4, 0, 0, 0, 0, 0];
    stream.write_all(&settings).await.unwrap();
    let mut kept = Vec::new();
    loop {
        let read = stream.read(&mut heard).await.unwrap_or(0);
        kept.extend_from_slice(&heard[..read]);
        if read == 0 || has_head(kept.get(24..).unwrap_or_default()) {
            break;
        }
    }
    let mut goaway = vec![0, 0, 8, 7, 0, 0, 0, 0, 0];
    goaway.extend([0; 8]);
    stream.write_all(&goaway).await.unwrap();
    // It closes when the other side has understood.
    while stream.read(&mut heard).await.is_ok_and(|read| read > 0) {}
}

/// Whether there is a HEADERS frame among whole frames.
fn has_head(mut frames: &[u8]) -> bool {
    while let Some((head, rest)) = frames.split_at_checked(9) {
        if head[3] == 1 {
            return true;
        }
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        let Some(next) = rest.get(usize::try_from(length).unwrap()..) else { return false };
        frames = next;
    }
    false
}

async fn talk(stream: TcpStream, shared: Arc<Shared>) {
    let mut builder = Builder::new();
    if let Some(max) = shared.manner.streams_max {
        builder.max_concurrent_streams(max);
    }
    let Ok(mut connection) = builder.handshake::<_, Bytes>(stream).await else { return };
    let mut streams = JoinSet::new();
    let mut left = shared.manner.leaves_after;
    while let Some(Ok((request, reply))) = connection.accept().await {
        while streams.try_join_next().is_some() {}
        let acting = Arc::clone(&shared);
        streams.spawn(async move { act(request, reply, &acting).await.ok() });
        shared.note(|book| book.peak = book.peak.max(streams.len()));
        left = left.and_then(|left| left.checked_sub(1));
        if left == Some(0) {
            connection.graceful_shutdown();
        }
    }
}

impl Shared {
    fn note(&self, note: impl FnOnce(&mut Book)) {
        note(&mut self.book.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

type Reply = SendResponse<Bytes>;

async fn act(
    request: Request<RecvStream>,
    mut reply: Reply,
    shared: &Shared,
) -> Result<(), h2::Error> {
    let (head, body) = request.into_parts();
    let path = head.uri.path().to_owned();
    shared.note(|book| book.heads.push(head));
    match path.as_str() {
        "/hold" => {
            let mut released = shared.released.subscribe();
            released.wait_for(|released| *released).await.ok();
            say(&mut reply, "held\n")
        }
        "/refuse-once" if shared.refusals.fetch_add(1, Ordering::SeqCst) == 0 => {
            reply.send_reset(Reason::REFUSED_STREAM);
            Ok(())
        }
        "/reset" => {
            read(body).await?;
            reply.send_reset(Reason::INTERNAL_ERROR);
            Ok(())
        }
        "/stall" => {
            let reason = poll_fn(|cx| reply.poll_reset(cx)).await?;
            shared.note(|book| book.resets.push(reason));
            Ok(())
        }
        "/sum" => {
            let length = read(body).await?;
            say(&mut reply, &length.to_string())
        }
        "/grpc" => converse(body, &mut reply).await,
        path => match path.strip_prefix("/bytes/").and_then(|length| length.parse().ok()) {
            Some(length) => pour(&mut reply, length).await,
            None => {
                // A body that is not read would be refused with a reset.
                read(body).await?;
                say(&mut reply, "hello\n")
            }
        },
    }
}

fn say(reply: &mut Reply, words: &str) -> Result<(), h2::Error> {
    let mut stream = reply.send_response(Response::new(()), false)?;
    stream.send_data(Bytes::copy_from_slice(words.as_bytes()), true)
}

async fn read(mut body: RecvStream) -> Result<u64, h2::Error> {
    let mut length = 0;
    while let Some(bytes) = body.data().await {
        let bytes = bytes?;
        body.flow_control().release_capacity(bytes.len())?;
        length += bytes.len() as u64;
    }
    Ok(length)
}

/// Sends each piece back as it comes, and the status of gRPC behind the last.
async fn converse(mut body: RecvStream, reply: &mut Reply) -> Result<(), h2::Error> {
    let mut stream = reply.send_response(Response::new(()), false)?;
    while let Some(bytes) = body.data().await {
        let bytes = bytes?;
        body.flow_control().release_capacity(bytes.len())?;
        stream.send_data(bytes, false)?;
    }
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", HeaderValue::from_static("0"));
    stream.send_trailers(trailers)
}

/// Sends `length` bytes as fast as they are taken.
async fn pour(reply: &mut Reply, length: u64) -> Result<(), h2::Error> {
    let head = Response::builder().header("content-length", length).body(()).unwrap();
    let mut stream = reply.send_response(head, false)?;
    let mut left = length;
    let block = Bytes::from(vec![7; 16 << 10]);
    while left > 0 {
        let piece = usize::try_from(left).unwrap_or(usize::MAX).min(block.len());
        let room = room(&mut stream, piece).await?;
        left -= room as u64;
        stream.send_data(block.slice(..room), left == 0)?;
    }
    Ok(())
}

async fn room(stream: &mut SendStream<Bytes>, wanted: usize) -> Result<usize, h2::Error> {
    stream.reserve_capacity(wanted);
    while stream.capacity() == 0 {
        match poll_fn(|cx| stream.poll_capacity(cx)).await {
            Some(room) => drop(room?),
            None => return Err(Reason::CANCEL.into()),
        }
    }
    Ok(stream.capacity().min(wanted))
}
