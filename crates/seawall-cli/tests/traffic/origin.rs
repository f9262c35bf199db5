//! An ordinary HTTP/1.1 server in threads of the test: fixed pages, echoes, sums, and as many bytes
//! as one likes. It counts connections and requests, and notes when nobody takes its bytes.
//!
//! Tests that decide themselves what is sent when play the service by hand on a [`Stage`].

use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use crate::support::client::Connection;
use crate::support::clock::eventually;

/// A write that takes this long is noted: nobody reads.
const WRITE_STALL: Duration = Duration::from_millis(300);
/// A prime, so that the pattern never lines up with anybody's buffers.
const PATTERN: usize = 65_521;
/// One piece of a write or a read.
const PIECE: usize = PATTERN;

/// The bytes that long bodies consist of: a pattern whose place in the body can be told.
pub(crate) struct Pattern {
    twice: Vec<u8>,
    at: usize,
}

impl Pattern {
    pub(crate) fn new() -> Self {
        let once: Vec<u8> = (0..PATTERN).map(|i| u8::try_from(i * 31 % 251).unwrap()).collect();
        Self { twice: once.repeat(2), at: 0 }
    }

    /// The next `length` bytes, at most one piece.
    pub(crate) fn next(&mut self, length: usize) -> &[u8] {
        let start = self.at;
        self.at = (start + length) % PATTERN;
        &self.twice[start..start + length]
    }

    /// Writes the next `length` bytes.
    pub(crate) fn write(&mut self, to: &mut impl Write, length: u64) -> std::io::Result<()> {
        let mut left = length;
        while left > 0 {
            let now = usize::try_from(left).unwrap_or(PIECE).min(PIECE);
            to.write_all(self.next(now))?;
            left -= now as u64;
        }
        Ok(())
    }

    /// Reads `length` bytes, which must be the next.
    pub(crate) fn check(&mut self, from: &mut impl Read, length: u64) {
        let mut piece = vec![0; PIECE];
        let mut left = length;
        while left > 0 {
            let now = usize::try_from(left).unwrap_or(PIECE).min(PIECE);
            let count = from.read(&mut piece[..now]).unwrap();
            assert!(count > 0, "the body ends {left} bytes early");
            assert!(piece[..count] == *self.next(count), "other bytes, {left} before the end");
            left -= count as u64;
        }
    }
}

/// The server.
pub(crate) struct Origin {
    address: SocketAddr,
    counts: Arc<Counts>,
}

/// What the server saw and did so far.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    pub(crate) connections: AtomicU64,
    pub(crate) requests: AtomicU64,
    pub(crate) sent: AtomicU64,
    /// Connections on which a write did not get on for a while.
    pub(crate) stalled: AtomicU64,
}

impl Origin {
    pub(crate) fn start() -> Self {
        let listener = listen();
        let address = listener.local_addr().unwrap();
        let counts = Arc::new(Counts::default());
        let shared = Arc::clone(&counts);
        // It ends with the process of the tests, as do the threads of open connections.
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                shared.connections.fetch_add(1, Ordering::Relaxed);
                let counts = Arc::clone(&shared);
                thread::spawn(move || Talk::new(stream, counts).run());
            }
        });
        Self { address, counts }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn connections(&self) -> u64 {
        self.counts.connections.load(Ordering::Relaxed)
    }

    pub(crate) fn requests(&self) -> u64 {
        self.counts.requests.load(Ordering::Relaxed)
    }

    /// Bytes of `/bytes/N` that were written so far.
    pub(crate) fn sent(&self) -> u64 {
        self.counts.sent.load(Ordering::Relaxed)
    }

    /// Returns once nobody has read on this many connections for a while.
    pub(crate) fn wait_for_stalled(&self, count: u64) {
        let stalled = || self.counts.stalled.load(Ordering::Relaxed);
        eventually("stalled writes", || (stalled() >= count).then_some(()));
    }
}

/// Listens with a queue as long as common servers have it (511 and more). The 128 of the standard
/// library overflow when all workers of a gateway connect at once.
fn listen() -> TcpListener {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let _entered = runtime.enter();
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(1024).unwrap().into_std().unwrap();
    listener.set_nonblocking(false).unwrap();
    listener
}

/// One connection of the server.
struct Talk {
    reader: BufReader<TcpStream>,
    stream: TcpStream,
    counts: Arc<Counts>,
}

/// A request head as it came.
struct Asked {
    head: String,
}

impl Asked {
    fn header(&self, name: &str) -> Option<&str> {
        let mut fields = self.head.lines().skip(1).filter_map(|line| line.split_once(": "));
        fields.find(|(given, _)| given.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    fn word(&self, nth: usize) -> &str {
        self.head.split(' ').nth(nth).unwrap_or_default()
    }
}

impl Talk {
    fn new(stream: TcpStream, counts: Arc<Counts>) -> Self {
        stream.set_nodelay(true).unwrap();
        stream.set_write_timeout(Some(WRITE_STALL)).unwrap();
        let reader = BufReader::with_capacity(PIECE, stream.try_clone().unwrap());
        Self { reader, stream, counts }
    }

    /// Any error is the end of the connection.
    fn run(mut self) {
        while let Ok(Some(asked)) = self.head() {
            self.counts.requests.fetch_add(1, Ordering::Relaxed);
            if self.answer(&asked).is_err() {
                return;
            }
        }
    }

    fn head(&mut self) -> std::io::Result<Option<Asked>> {
        let mut head = String::new();
        while self.reader.read_line(&mut head)? > 0 {
            if head.ends_with("\r\n\r\n") {
                return Ok(Some(Asked { head }));
            }
        }
        Ok(None)
    }

    fn answer(&mut self, asked: &Asked) -> std::io::Result<()> {
        match (asked.word(0), asked.word(1)) {
            ("POST" | "PUT", "/sum") => self.sum(asked),
            ("POST" | "PUT", _) => {
                let body = self.body(asked)?;
                self.page("200 OK", "X-Echo: yes\r\n", &body)
            }
            ("HEAD", "/hello") => self.write(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n"),
            ("HEAD", _) => self.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"),
            (_, "/hello") if asked.header("if-none-match") == Some("\"v1\"") => {
                self.write(b"HTTP/1.1 304 Not Modified\r\nETag: \"v1\"\r\n\r\n")
            }
            (_, "/hello") => self.page("200 OK", "ETag: \"v1\"\r\n", b"hello\n"),
            (_, "/moved") => self.page("302 Found", "Location: /hello\r\n", b""),
            (_, "/head") => self.page("200 OK", "", asked.head.as_bytes()),
            (_, "/chunks") => self.write(
                b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\
                  4\r\none \r\n4;ext=1\r\ntwo \r\n6\r\nthree\n\r\n0\r\n\r\n",
            ),
            (_, target) => match target.strip_prefix("/bytes/").and_then(|n| n.parse().ok()) {
                Some(length) => self.bytes(length),
                None => self.page("404 Not Found", "", b"no such page\n"),
            },
        }
    }

    fn write(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.stream.write_all(bytes)
    }

    fn page(&mut self, status: &str, lines: &str, body: &[u8]) -> std::io::Result<()> {
        let length = body.len();
        let head = format!("HTTP/1.1 {status}\r\n{lines}Content-Length: {length}\r\n\r\n");
        self.write(&[head.as_bytes(), body].concat())
    }

    /// Answers the length of the request's body, whose bytes must be the pattern.
    fn sum(&mut self, asked: &Asked) -> std::io::Result<()> {
        let length: u64 = asked.header("content-length").unwrap_or("0").parse().unwrap();
        Pattern::new().check(&mut self.reader, length);
        self.page("200 OK", "", format!("{length}").as_bytes())
    }

    fn body(&mut self, asked: &Asked) -> std::io::Result<Vec<u8>> {
        let mut body = Vec::new();
        if asked.header("transfer-encoding").is_none() {
            let length = asked.header("content-length").unwrap_or("0").parse().unwrap();
            body.resize(length, 0);
            self.reader.read_exact(&mut body)?;
            return Ok(body);
        }
        loop {
            let mut line = String::new();
            self.reader.read_line(&mut line)?;
            let size = usize::from_str_radix(line.trim_end(), 16).unwrap();
            let start = body.len();
            body.resize(start + size + 2, 0);
            self.reader.read_exact(&mut body[start..])?;
            body.truncate(start + size);
            if size == 0 {
                return Ok(body);
            }
        }
    }

    fn bytes(&mut self, length: u64) -> std::io::Result<()> {
        self.write(format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n").as_bytes())?;
        let mut pattern = Pattern::new();
        let mut noted = Noted { talk: self, stalled: false };
        pattern.write(&mut noted, length)
    }
}

/// Writes on however long it takes, and notes once that it took long.
struct Noted<'a> {
    talk: &'a mut Talk,
    stalled: bool,
}

impl Write for Noted<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        loop {
            match self.talk.stream.write(bytes) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    if !std::mem::replace(&mut self.stalled, true) {
                        self.talk.counts.stalled.fetch_add(1, Ordering::Relaxed);
                    }
                }
                Ok(count) => {
                    self.talk.counts.sent.fetch_add(count as u64, Ordering::Relaxed);
                    return Ok(count);
                }
                Err(error) => return Err(error),
            }
        }
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// A service that the test plays by hand, byte for byte.
pub(crate) struct Stage {
    listener: TcpListener,
}

impl Stage {
    pub(crate) fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        Self { listener }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.listener.local_addr().unwrap()
    }

    /// The next connection of the gateway.
    pub(crate) fn accept(&self) -> Connection {
        let (stream, _) = eventually("a connection to the service", || self.listener.accept().ok());
        stream.set_nonblocking(false).unwrap();
        Connection::over(stream)
    }
}
