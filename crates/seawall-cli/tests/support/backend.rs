//! Backends for the end-to-end tests: real sockets on loopback, on ports that the system chooses.
//! A [`Backend`] answers from a thread of the test by a script and counts what it saw; [`Refusing`]
//! and [`BlackHole`] are addresses where nobody answers.
//!
//! Backends that can be killed are processes: see `replica`. The gateway in front is in `support`.

#![expect(clippy::unwrap_used, reason = "a test's helpers fail like the test itself")]

pub(crate) mod replica;
mod wire;

use std::collections::BTreeMap;
use std::fmt;
use std::io::{BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

pub(crate) use self::wire::Seen;

use super::clock::PATIENCE;

/// The header by which backends tell requests apart.
pub(crate) const ID: &str = "x-test-id";
/// Requests that are kept whole; later ones are only counted.
const KEPT_MAX: usize = 4_096;

/// What a backend does with a request that it has read whole.
#[derive(Clone, Debug)]
pub(crate) enum Turn {
    /// Answers with this status and body, and keeps the connection.
    Answer(u16, Vec<u8>),
    /// Answers with these lines between the status line and the framing, each ending in CRLF.
    AnswerWith(u16, String),
    /// Answers and closes without having said so: the keep-alive race.
    AnswerThenClose(u16),
    /// Takes this long, then does the other.
    After(Duration, Box<Self>),
    /// Closes without a byte.
    Close,
    /// Announces a body of `announced` bytes, sends `sent` of them, closes.
    Cut { announced: usize, sent: usize },
    /// Writes these bytes as they are, then closes.
    Raw(Vec<u8>),
    /// Never answers; ends when the peer does.
    Stall,
}

impl Turn {
    /// An answer with a short body.
    pub(crate) fn status(status: u16) -> Self {
        Self::Answer(status, b"a short body\n".to_vec())
    }

    /// A good answer after `delay`.
    pub(crate) fn slow(delay: Duration) -> Self {
        Self::After(delay, Box::new(Self::status(200)))
    }
}

type Script = dyn Fn(&Seen) -> Turn + Send + Sync;

/// A server in threads of the test. Dropped, it closes all its sockets and joins its threads.
pub(crate) struct Backend {
    address: SocketAddr,
    shared: Arc<Shared>,
    accepting: Option<JoinHandle<()>>,
}

struct Shared {
    greeting: Vec<u8>,
    script: Box<Script>,
    book: Mutex<Book>,
    changed: Condvar,
}

#[derive(Default)]
struct Book {
    stopping: bool,
    connections: usize,
    requests: usize,
    hung_up: usize,
    by_id: BTreeMap<String, usize>,
    kept: Vec<Seen>,
    open: BTreeMap<usize, TcpStream>,
}

impl fmt::Debug for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Backend").field(&self.address).finish()
    }
}

impl Backend {
    /// A backend that asks `script` for each request.
    pub(crate) fn start(script: impl Fn(&Seen) -> Turn + Send + Sync + 'static) -> Self {
        Self::start_at("127.0.0.1:0".parse().unwrap(), script)
    }

    /// The same, on an address that was in use before.
    pub(crate) fn start_at(
        address: SocketAddr,
        script: impl Fn(&Seen) -> Turn + Send + Sync + 'static,
    ) -> Self {
        Self::serve(address, Vec::new(), Box::new(script))
    }

    /// A backend that answers everything with `status`.
    pub(crate) fn answering(status: u16) -> Self {
        Self::start(move |_| Turn::status(status))
    }

    /// A backend that speaks first, as servers of other protocols do, and then never answers.
    pub(crate) fn greeting(words: &[u8]) -> Self {
        let address = "127.0.0.1:0".parse().unwrap();
        Self::serve(address, words.to_vec(), Box::new(|_| Turn::Stall))
    }

    fn serve(address: SocketAddr, greeting: Vec<u8>, script: Box<Script>) -> Self {
        let listener = TcpListener::bind(address).unwrap();
        let address = listener.local_addr().unwrap();
        let (book, changed) = (Mutex::default(), Condvar::new());
        let shared = Arc::new(Shared { greeting, script, book, changed });
        let accepting = Some(thread::spawn({
            let shared = Arc::clone(&shared);
            move || shared.accept(&listener)
        }));
        Self { address, shared, accepting }
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// How many connections it accepted so far.
    pub(crate) fn connections(&self) -> usize {
        self.shared.book().connections
    }

    /// How many connections are open.
    pub(crate) fn open(&self) -> usize {
        self.shared.book().open.len()
    }

    /// How many requests it read so far, whole or broken off in the body.
    pub(crate) fn requests(&self) -> usize {
        self.shared.book().requests
    }

    /// How many stalled requests were given up by the peer.
    pub(crate) fn hung_up(&self) -> usize {
        self.shared.book().hung_up
    }

    /// How often each id was seen.
    pub(crate) fn by_id(&self) -> BTreeMap<String, usize> {
        self.shared.book().by_id.clone()
    }

    /// The first requests, whole.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.shared.book().kept.clone()
    }

    /// Returns once this many requests were read.
    pub(crate) fn wait_for_requests(&self, count: usize) {
        self.wait_for("requests", |book| book.requests >= count);
    }

    /// Returns once this many stalled requests were given up by the peer.
    pub(crate) fn wait_for_hung_up(&self, count: usize) {
        self.wait_for("hung-up requests", |book| book.hung_up >= count);
    }

    fn wait_for(&self, what: &str, reached: impl Fn(&Book) -> bool) {
        let waiting = |book: &mut Book| !reached(book);
        let book = self.shared.book();
        let (_book, over) =
            self.shared.changed.wait_timeout_while(book, PATIENCE, waiting).unwrap();
        assert!(!over.timed_out(), "{self:?}: the {what} did not come");
    }
}

impl Drop for Backend {
    fn drop(&mut self) {
        self.shared.stop();
        // Wakes the accepting thread, which finds that it is to stop.
        TcpStream::connect(self.address).ok();
        self.accepting.take().map(JoinHandle::join);
    }
}

impl Shared {
    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn stop(&self) {
        let mut book = self.book();
        book.stopping = true;
        for stream in book.open.values() {
            stream.shutdown(Shutdown::Both).ok();
        }
        self.changed.notify_all();
    }

    fn accept(&self, listener: &TcpListener) {
        thread::scope(|threads| {
            for stream in listener.incoming() {
                let Ok(stream) = stream else { continue };
                let Some(number) = self.opened(&stream) else { break };
                threads.spawn(move || {
                    self.talk(stream, number);
                    self.book().open.remove(&number);
                });
            }
        });
    }

    /// Notes a connection; gives its number unless the backend stops.
    fn opened(&self, stream: &TcpStream) -> Option<usize> {
        let mut book = self.book();
        if book.stopping {
            return None;
        }
        book.connections += 1;
        let number = book.connections;
        book.open.insert(number, stream.try_clone().ok()?);
        Some(number)
    }

    fn talk(&self, mut stream: TcpStream, connection: usize) {
        stream.set_nodelay(true).ok();
        let Ok(reading) = stream.try_clone() else { return };
        let mut reader = BufReader::new(reading);
        if stream.write_all(&self.greeting).is_err() {
            return;
        }
        while let Ok(Some(mut seen)) = wire::read(&mut reader, &mut stream) {
            seen.connection = connection;
            let complete = seen.complete;
            let turn = self.note(seen);
            if !complete || self.take(turn, &mut stream, &mut reader).is_none() {
                return;
            }
        }
    }

    /// Books a request before anything is answered, then asks the script.
    fn note(&self, mut seen: Seen) -> Turn {
        {
            let mut book = self.book();
            book.requests += 1;
            seen.nth = book.requests;
            if let Some(id) = seen.id() {
                *book.by_id.entry(id.to_owned()).or_default() += 1;
            }
            if book.kept.len() < KEPT_MAX {
                book.kept.push(seen.clone());
            }
        }
        self.changed.notify_all();
        (self.script)(&seen)
    }

    /// Does its turn; `None` closes the connection.
    fn take(&self, turn: Turn, stream: &mut TcpStream, reader: &mut impl Read) -> Option<()> {
        match turn {
            Turn::Answer(status, body) => wire::answer(stream, status, "", &body).ok(),
            Turn::AnswerWith(status, lines) => wire::answer(stream, status, &lines, b"").ok(),
            Turn::AnswerThenClose(status) => {
                wire::answer(stream, status, "", b"and gone\n").ok();
                None
            }
            Turn::After(delay, then) => {
                self.pause(delay)?;
                self.take(*then, stream, reader)
            }
            Turn::Close => None,
            Turn::Cut { announced, sent } => {
                let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {announced}\r\n\r\n");
                stream.write_all(&[head.into_bytes(), vec![b'x'; sent]].concat()).ok();
                None
            }
            Turn::Raw(bytes) => {
                stream.write_all(&bytes).ok();
                None
            }
            Turn::Stall => {
                // An error is an end as well.
                std::io::copy(reader, &mut std::io::sink()).ok();
                self.book().hung_up += 1;
                self.changed.notify_all();
                None
            }
        }
    }

    /// Waits; `None` if the backend was stopped meanwhile.
    fn pause(&self, delay: Duration) -> Option<()> {
        let going = |book: &mut Book| !book.stopping;
        let waited = self.changed.wait_timeout_while(self.book(), delay, going);
        waited.unwrap().1.timed_out().then_some(())
    }
}

/// An address that refuses connections and stays taken, so that nobody else can listen there.
#[derive(Debug)]
pub(crate) struct Refusing {
    address: SocketAddr,
    _bound: tokio::net::TcpSocket,
}

impl Refusing {
    pub(crate) fn start() -> Self {
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        Self { address: socket.local_addr().unwrap(), _bound: socket }
    }

    /// Where nobody listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }
}

/// An address where connections are neither taken nor refused: a listener whose queue is full.
#[derive(Debug)]
pub(crate) struct BlackHole {
    address: SocketAddr,
    _listener: TcpListener,
    _queue: Vec<TcpStream>,
}

impl BlackHole {
    pub(crate) fn start() -> Self {
        let listener = Self::with_short_queue();
        let address = listener.local_addr().unwrap();
        let wait = Duration::from_millis(200);
        let fill = || TcpStream::connect_timeout(&address, wait).ok();
        let queue: Vec<_> = std::iter::from_fn(fill).take(64).collect();
        assert!(queue.len() < 64, "the queue of {address} does not fill");
        Self { address, _listener: listener, _queue: queue }
    }

    /// Where nobody answers.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    fn with_short_queue() -> TcpListener {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let _entered = runtime.enter();
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        socket.listen(1).unwrap().into_std().unwrap()
    }
}
